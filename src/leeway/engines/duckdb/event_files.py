"""Files of events as one relation, a day at a time."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leeway.engines.duckdb.session import insert, quoted
from leeway.events import COLUMNS, INSTANTS, micros

if TYPE_CHECKING:
    from datetime import datetime

    from duckdb import DuckDBPyConnection

DAY_US: Final = 86_400_000_000


class EventFiles:
    """The rows of some Parquet files of events; columns that a file has not are NULL, instants are microseconds."""

    def __init__(self, session: "DuckDBPyConnection", files: Sequence[Path]) -> None:
        """Look at which columns there are."""
        self._session = session
        listed = ", ".join(quoted(str(file)) for file in files)
        self._scan = (
            f"read_parquet([{listed}], union_by_name = true, file_row_number = true, filename = {_named(files)})"
        )
        described = session.execute(f"DESCRIBE SELECT * FROM {self._scan}").fetchall()  # quoted
        self._there: dict[str, str] = {row[0]: row[1] for row in described}
        self._order = (
            f"(list_position([{listed}], filename)::BIGINT << 48) | file_row_number"
            if len(files) > 1
            else "file_row_number"
        )

    def view(self, name: str, day: "datetime", hosts: Mapping[str, str]) -> None:
        """Make a view of one day's events under the names of their hosts, each id once, the first that was read."""
        start = micros(day)
        rows = f"SELECT {self._columns()}, {self._order} AS n FROM {self._scan} WHERE {self._within(start)}"
        self._session.execute(f"CREATE OR REPLACE TEMP TABLE repeated AS SELECT hash(id) AS h FROM ({rows}) "
                              "GROUP BY h HAVING count(*) > 1")  # fmt: skip
        self._session.execute(
            f"CREATE OR REPLACE TEMP TABLE again AS SELECT n FROM ({rows}) WHERE hash(id) IN (SELECT h FROM repeated) "
            "QUALIFY row_number() OVER (PARTITION BY id ORDER BY n) > 1"
        )
        if self._session.execute("SELECT count(*) FROM again").fetchone() != (0,):
            rows = f"SELECT * FROM ({rows}) ANTI JOIN again USING (n)"
        moved = {raw: host for raw, host in hosts.items() if raw != host}
        if moved:
            self._session.execute("CREATE OR REPLACE TEMP TABLE moved (raw VARCHAR, known_as VARCHAR)")
            insert(self._session, "moved", {"raw": "VARCHAR", "known_as": "VARCHAR"}, moved.items())
            rows = (
                "SELECT r.* REPLACE (coalesce(m.known_as, r.host) AS host) "
                f"FROM ({rows}) r LEFT JOIN moved m ON m.raw = r.host"
            )
        self._session.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {rows}")

    def hosts(self, day: "datetime") -> list[str]:
        """Return the names of hosts of a day's events, as they are written."""
        host = "coalesce(host, '')" if "host" in self._there else "''"
        query = f"SELECT DISTINCT {host} FROM {self._scan} WHERE {self._within(micros(day))}"  # quoted
        return [row[0] for row in self._session.execute(query).fetchall()]

    def _within(self, start: int) -> str:
        return f"time >= make_timestamptz({start}) AND time < make_timestamptz({start + DAY_US})"

    def _columns(self) -> str:
        return ", ".join(self._column(name, sort) for name, sort in COLUMNS.items()) + ", " + self._names()

    def _names(self) -> str:
        if "arguments" not in self._there:
            return "NULL::VARCHAR[] AS argument_names"
        return "map_keys(arguments) AS argument_names"

    def _column(self, name: str, sort: str) -> str:
        if name not in self._there:
            return f'NULL::{"BIGINT" if name in INSTANTS else sort} AS "{name}"'
        if name in INSTANTS:
            return f'epoch_us("{name}") AS "{name}"'
        if name == "host":
            return "coalesce(host, '') AS host"
        if name == "outbound":
            return "coalesce(outbound, true) AS outbound"
        return f'"{name}"' if self._there[name] == sort else f'"{name}"::{sort} AS "{name}"'


def _named(files: Iterable[Path]) -> str:
    return "true" if len(list(files)) > 1 else "false"
