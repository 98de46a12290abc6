"""Files of events as one relation, a day at a time."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leeway.engines.duckdb.session import insert, quoted
from leeway.events import COLUMNS, INSTANTS
from leeway.sources.parquet_file import as_pattern

if TYPE_CHECKING:
    from datetime import date

    from duckdb import DuckDBPyConnection

DAY_US: Final = 86_400_000_000
EPOCH_DAY: Final = 719_163
"""Ordinal of 1970-01-01."""

_DAY: Final = f"(epoch_us(time) // {DAY_US} + {EPOCH_DAY})::INTEGER"


class EventFiles:
    """The rows of some Parquet files of events; columns that a file has not are NULL, instants are microseconds."""

    def __init__(self, session: "DuckDBPyConnection", files: Sequence[Path]) -> None:
        """Look at which columns there are."""
        self._session = session
        listed = ", ".join(quoted(as_pattern(file)) for file in files)
        self._scan = (
            f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false, file_row_number = true, "
            f"filename = {_named(files)})"
        )
        described = session.execute(f"DESCRIBE SELECT * FROM {self._scan}").fetchall()  # quoted
        self._there: dict[str, str] = {row[0]: row[1] for row in described}
        self._order = (
            f"(list_position([{listed}], filename)::BIGINT << 48) | file_row_number"
            if len(files) > 1
            else "file_row_number"
        )

        session.execute(f"CREATE OR REPLACE TEMP VIEW events_read AS SELECT * FROM {self._scan}")
        self._known_repeated: tuple[int, ...] | None = None

    @property
    def columns(self) -> Mapping[str, str]:
        """The columns that there are, with their types."""
        return self._there

    def has_flaw(self, tests: Iterable[str], digests: Iterable[str]) -> bool:
        """Say whether one of some aggregates over the rows of a kind is true, or one of the digests is none."""
        found = " OR ".join(f"coalesce({test}, false)" for test in tests)
        query = f"SELECT 1 FROM events_read GROUP BY kind HAVING {found} LIMIT 1"
        if self._session.execute(query).fetchone() is not None:
            return True
        for name in digests:
            if name in self._there:
                query = (
                    f"SELECT 1 FROM (SELECT DISTINCT {name} AS d FROM events_read) "
                    "WHERE regexp_matches(d, '[^0-9a-fA-F]') LIMIT 1"
                )
                if self._session.execute(query).fetchone() is not None:
                    return True
        return False

    def days(self) -> list[tuple[int, int, int, int]]:
        """Return (ordinal, rows, first, last) of each day; instants in microseconds."""
        query = (
            f"SELECT {_DAY} AS day, count(*), min(epoch_us(time)), max(epoch_us(time)) FROM events_read GROUP BY day"
        )
        return self._session.execute(query).fetchall()

    def repeated(self) -> list[tuple[int, int]]:
        """Return (number, day) of the rows whose id an earlier row of the day has."""
        self._mark_repeated(f"SELECT id, {_DAY} AS day, {self._order} AS n FROM {self._scan}")
        return self._session.execute("SELECT n, day FROM again").fetchall()

    def know_repeated(self, numbers: tuple[int, ...]) -> None:
        """Take over what `repeated` found before."""
        self._known_repeated = numbers

    def view(self, name: str, days: Sequence["date"], hosts: Mapping[str, str]) -> None:
        """Make a view of the events of some days in a row, under the names of their hosts; each id once a day.

        Of several events with one id the first that was read is believed.
        """
        within = _within(days[0], days[-1])
        columns = f"{self._columns()}, time AS moment, {_DAY} AS day, {self._order} AS n"
        rows = f"SELECT {columns} FROM {self._scan} WHERE {within}"
        if self._known_repeated is None:
            self._mark_repeated(rows)
        else:
            self._session.execute("CREATE OR REPLACE TEMP TABLE again (n BIGINT)")
            insert(self._session, "again", {"n": "BIGINT"}, ((one,) for one in self._known_repeated))
        if self._session.execute("SELECT 1 FROM again LIMIT 1").fetchone() is not None:
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

    def _mark_repeated(self, rows: str) -> None:
        """Collect in `again(n)` the rows whose id an earlier one of the day has.

        Hashes first, which are small: rows of which no other has the hash need no second look.
        """
        self._session.execute(
            f"CREATE OR REPLACE TEMP TABLE repeated AS SELECT hash(id) AS h FROM ({rows}) "
            "GROUP BY h HAVING count(*) > 1"
        )
        self._session.execute(
            f"CREATE OR REPLACE TEMP TABLE again AS SELECT n, day FROM ({rows}) "
            "WHERE hash(id) IN (SELECT h FROM repeated) "
            "QUALIFY row_number() OVER (PARTITION BY day, id ORDER BY n) > 1"
        )

    def hosts(self, days: Sequence["date"]) -> dict[int, set[str]]:
        """Return the names of hosts of each day's events (an ordinal), as they are written."""
        host = "coalesce(host, '')" if "host" in self._there else "''"
        within = _within(days[0], days[-1])
        rows = self._session.execute(f"SELECT DISTINCT {_DAY} AS day, {host} FROM {self._scan} WHERE {within}")
        found: dict[int, set[str]] = {one.toordinal(): set() for one in days}
        for day, name in rows.fetchall():
            found[day].add(name)
        return found

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


def of_day(day: int) -> str:
    """Return the condition on a view's `moment` under which a row is of a day (an ordinal): only its part is read."""
    start = (day - EPOCH_DAY) * DAY_US
    return f"moment >= make_timestamptz({start}) AND moment < make_timestamptz({start + DAY_US})"


def _within(first: "date", last: "date") -> str:
    start = (first.toordinal() - EPOCH_DAY) * DAY_US
    end = (last.toordinal() - EPOCH_DAY + 1) * DAY_US
    return f"time >= make_timestamptz({start}) AND time < make_timestamptz({end})"


def _named(files: Iterable[Path]) -> str:
    return "true" if len(list(files)) > 1 else "false"
