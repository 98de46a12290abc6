"""Write a fleet of AI agents as two Parquet files of events, learn.parquet and judge.parquet, and what is planted.

    python benchmarks/fleet_table.py --rows 10000000 --agents 50 --out DIR

Seeded: the same arguments give the same rows under the same version of DuckDB. Five agents a host, each one long-lived
process a day, started by a shell; about one row in seven is the start of a child, one to three levels below its agent.
What an agent does recurs daily, but for a slow tail (one act in 20,000) and what is planted in the second half, which
`truth.json` lists. Rows are ordered by time; `--duplicates` of them are told twice.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

SQL = Path(__file__).with_suffix(".sql")
BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
"""Midnight of the first day, a Monday."""

ROW_GROUP = 122_880
MEMORY = "4GiB"

AGENT_IMAGES = ("claude", "codex", "gemini", "opencode", "aider")
"""Base names of the processes that are AI agents, in the order of an agent's number modulo five."""


def write(out: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Write the two files and `truth.json` into `out`; return what the latter says."""
    out.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        _prepare(connection, options, out)
        for half in ("learn", "judge"):
            rows = connection.sql(f"FROM events_of('{half}_steps')")
            rows.write_parquet(str(out / f"{half}.parquet"), compression="zstd", row_group_size=ROW_GROUP)
        truth = {
            "seed": options.seed,
            "rows": {half: _count(connection, out / f"{half}.parquet") for half in ("learn", "judge")},
            "agents": options.agents,
            "days": options.days,
            "duckdb": duckdb.__version__,
            "planted": _planted(connection),
        }
    (out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    return truth


def _prepare(connection: duckdb.DuckDBPyConnection, options: argparse.Namespace, scratch: Path) -> None:
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET memory_limit = $limit", {"limit": MEMORY})
    connection.execute("SET temp_directory = $place", {"place": str(scratch)})
    variables = {
        "seed": options.seed,
        "agents": options.agents,
        "hosts": -(-options.agents // 5),
        "days": options.days,
        "day_rows": options.rows // options.days,
        "least_period": round(1 / options.duplicates) if options.duplicates else 0,
        "lines": options.command_lines,
        "all_differ": options.unique_command_lines,
        "began": int(BEGAN.timestamp()) * 1_000_000,
    }
    for name, value in variables.items():
        connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
    connection.execute(SQL.read_text(encoding="utf-8"))


def _count(connection: duckdb.DuckDBPyConnection, file: Path) -> int:
    found = connection.execute("SELECT count(*) FROM read_parquet($file)", {"file": str(file)}).fetchone()
    return int(found[0]) if found else 0


def _planted(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return what is planted, read from the rows themselves."""
    rows = connection.execute(
        """
        SELECT p.story, strftime(e.time, '%Y-%m-%dT%H:%M:%S.%fZ'), e.id, e.host, a.image, e.kind,
               coalesce(e.destination, e.path, CASE WHEN e.kind = 'process_started' THEN e.process_image END, e.user)
        FROM events_of('planted') AS e
        JOIN planted AS p ON e.id LIKE '%-' || lower(to_hex(p.number))
        JOIN programs AS a ON a.code = p.agent % 5
        ORDER BY 2
        """
    ).fetchall()
    names = ("type", "time", "id", "host", "agent", "kind", "value")
    return [dict(zip(names, row, strict=True)) for row in rows]


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line, which other benchmarks use for its defaults."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--rows", type=int, default=1_000_000, help="rows of both files together, duplicates included")
    made.add_argument("--agents", type=int, default=50)
    made.add_argument("--days", type=int, default=14, help="the first half is learnt")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--duplicates", type=float, default=0.01, help="share of rows that repeat another")
    made.add_argument("--command-lines", type=int, default=50_000, help="distinct ones over the fleet, about")
    made.add_argument("--unique-command-lines", action="store_true", help="no two processes share one")
    made.add_argument("--out", type=Path, required=True)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Write the fleet that the arguments ask for."""
    options = parser().parse_args(argv)
    truth = write(options.out, options)
    print(f"{truth['rows']['learn']:,} + {truth['rows']['judge']:,} rows, {len(truth['planted'])} planted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
