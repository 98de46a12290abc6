"""Run hand-written SQL over the two files in DuckDB, with the defaults of its shell but for the limit on memory.

python benchmarks/peer_duckdb.py peer.sql LEARN.parquet JUDGE.parquet
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

MEMORY = "4GiB"


def main(argv: Sequence[str]) -> int:
    """Run the file of SQL and print the rows of its last statement."""
    script, learn, judge = argv
    with TemporaryDirectory(prefix="leeway-peer-") as scratch, duckdb.connect() as connection:
        prepare(connection, learn, judge, scratch)
        print(connection.execute(Path(script).read_text(encoding="utf-8")).fetchall()[:3])
    return 0


def prepare(connection: duckdb.DuckDBPyConnection, learn: str, judge: str, scratch: str) -> None:
    """Set what the scripts expect."""
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET memory_limit = $limit", {"limit": MEMORY})
    connection.execute("SET temp_directory = $place", {"place": scratch})
    connection.execute("SET VARIABLE learn = $file", {"file": learn})
    connection.execute("SET VARIABLE judge = $file", {"file": judge})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
