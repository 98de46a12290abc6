"""Measure the demo on several fleets and write the table of docs/quality.md."""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from leeway.findings import Severity
from leeway.testing.demo import agent_ids, run_demo, write_fleet
from leeway.testing.fleet import Fleet
from leeway.testing.score import score

PAGE = Path(__file__).resolve().parent.parent / "docs" / "quality.md"

HEAD = """\
# What the demo measures

`leeway demo --seed N` simulates a fleet for nine days, learns seven and judges two, and knows what it did. The table
is written by `python tools/quality.py {seeds}` on a machine with 2 cores; `make demo` shows seed 1 in full.

| seed | events | agents | drifts found | stray | HIGH / MEDIUM / LOW / INFO | cases of a release | seconds |
|---:|---:|---:|---:|---:|---:|---:|---:|
"""

TAIL = """
- *drifts found*: labelled drifts that a finding of the same agent and type overlaps in time.
- *stray*: findings of MEDIUM or more of an agent outside its drifts and releases, per agent and judged day.
- *cases of a release*: cases of LOW or more of the benign release that caused most.
- *seconds*: learning and judging, from the files to the committed findings; writing the fleet comes on top.

What the fleets cannot show: they are made by the same people as the detectors, their noise is the noise that was
thought of, and their drifts are clear ones. On real telemetry a baseline of a week leaves more that is new without
being wrong. See the benchmark on real captures (`make bench`) for the other half.
"""


def row(seed: int) -> str:
    """Return the table's line of one fleet."""
    fleet = Fleet(seed)
    with tempfile.TemporaryDirectory(prefix="leeway-quality-") as scratch:
        place = Path(scratch) / "written"
        write_fleet(fleet, place)
        began = time.monotonic()
        result = run_demo(seed, place / "events", Path(scratch) / "state")
        seconds = time.monotonic() - began
    told = score(fleet, agent_ids(fleet), result.findings)
    counts = [sum(one.severity is level for one in result.findings) for level in reversed(Severity)]
    cells = (
        str(seed),
        f"{result.learnt.read:,}",
        str(len(fleet.truth.agents)),
        f"{told.found} of {told.drifts} ({told.recall:.1%})",
        f"{told.stray_rate:.3f}",
        " / ".join(map(str, counts[1:])),
        str(max(told.release_cases.values(), default=0)),
        f"{seconds:.0f}",
    )
    return f"| {' | '.join(cells)} |\n"


def main(arguments: Sequence[str]) -> None:
    """Measure the seeds given, 1 to 6 by default, and write the page."""
    seeds = [int(one) for one in arguments] or [1, 2, 3, 4, 5, 6]
    lines = []
    for seed in seeds:
        lines.append(row(seed))
        sys.stdout.write(lines[-1])
        sys.stdout.flush()
    PAGE.write_text(HEAD.format(seeds=" ".join(map(str, seeds))) + "".join(lines) + TAIL, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
