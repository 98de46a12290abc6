"""Write docs/benchmarks.md from the results that are committed under benchmarks/results, and from nothing else."""

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"

Record = dict[str, Any]
"""One result file, in the form that benchmarks/README.md describes."""

HEAD = """\
# Benchmarks

Made from `benchmarks/results/*.json` by `make bench`; a test holds it to them. Machines are shared and noisy, so every
goal that can be is a ratio to a peer measured in the same run; other figures show the order of magnitude.

Findings on real captures have pages of their own: [endpoint captures](endpoint-captures.md), [an intrusion in
Defender's rows](defender-intrusion.md).

## Goals

| goal | what | bar | measured | |
|---|---|---|---|---|
"""

UNMEASURED = """
No benchmark here speaks of pyspark as a peer of P3 (it is no requirement of this tree), nor of the goal P9.
"""

_GOAL = re.compile(r"(P[0-9]+): (.+)")


def records(results: Path) -> list[Record]:
    """Return the results that have goals, in the order of those; findings on captures have another form.

    Raises:
        TypeError: where a result is not in the form that benchmarks/README.md states.
    """
    found = []
    for file in sorted(results.glob("*.json")):
        record = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(record.get("results", []), list):
            raise TypeError(
                f"{file.name} is not in the form of benchmarks/README.md: write it with record.write_record"
            )
        if "results" in record:
            found.append(record)
    return sorted(found, key=lambda one: _number(str(one["goal"])))


def page(results: Path) -> str:
    """Return the page."""
    found = records(results)
    rows = [row for one in found for row in one["results"] if row["goal"] is not None]
    rows.sort(key=lambda row: _number(str(row["name"])))
    return HEAD + "".join(map(_goal_line, rows)) + UNMEASURED + "".join(map(_section, found))


def _number(text: str) -> int:
    digits = re.search(r"P([0-9]+)", text)
    return int(digits[1]) if digits else 0


def _goal_line(row: Record) -> str:
    named = _GOAL.fullmatch(row["name"])
    goal, what = named.groups() if named else ("", row["name"])
    judged = "met" if row["met"] else "**NOT met**"
    bar = f"{row['goal']} {_unit(row['unit'])}".strip()
    return f"| {goal} | {what} | {bar} | {_shown(row)} | {judged} |\n"


def _section(record: Record) -> str:
    machine = record["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in sorted(record["versions"].items()))
    settings = ", ".join(f"{name} {value}" for name, value in record["parameters"].items())
    lines = [
        "",
        f"## {record['benchmark'].replace('_', ' ').capitalize()}",
        "",
        f"`{record['command']}`; commit {record['commit']}; {settings}.",
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}; {versions}.",
        "",
        "| figure | value |",
        "|---|---:|",
        *(f"| {row['name']} | {_shown(row)} |" for row in record["results"]),
    ]
    return "\n".join(lines) + "\n"


def _shown(row: Record) -> str:
    return f"{row['value']:,} {_unit(row['unit'])}".strip()


def _unit(unit: str) -> str:
    """Return a unit as it is shown; pure numbers have none."""
    return "" if unit in {"ratio", "power"} else unit


if __name__ == "__main__":
    PAGE.write_text(page(RESULTS), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
