"""Days whose events lie in files as they came, and not in rows of the database.

A file is copied under the digest of what it holds, so that nobody who has the original can change what was read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from leeway.config import Resources
from leeway.engines.duckdb.session import open_session
from leeway.errors import StateError
from leeway.events import AnyEvent
from leeway.sources import EventTable, Place, Rejected, Skipped, Source
from leeway.sources.event_table import NOTE
from leeway.sources.parquet_file import ParquetFile, as_pattern
from leeway.storage import Database, EventTableRow
from leeway.storage.kept_files import Draft, copied, keep, kept

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EPOCH_DAY: Final = 719_163
"""Ordinal of 1970-01-01."""

DAY_US: Final = 86_400_000_000

_OF_DAY: Final = "time >= make_timestamptz(?::BIGINT) AND time < make_timestamptz(?::BIGINT)"

StoredEvent = tuple[int, str, bool, bytes]
"""Day, id, whether it is trusted, body: a row of the database."""


class Taken(NamedTuple):
    """What became of a file that was taken whole."""

    new: int
    changed: frozenset[int]
    """Days that have events they did not have, or that are trusted now."""


class EventTables:
    """The files of events of one output directory."""

    def __init__(self, folder: Path, database: Database) -> None:
        """Keep files in `folder`, and their rows in `database`."""
        self._folder = folder
        self._database = database
        self._sound: set[str] = set()

    def path(self, file: str) -> Path:
        """Return where a file lies that a row names; of each it is checked once that it holds what was written.

        Raises:
            StateError: where it is missing or damaged.
        """
        if file in self._sound:
            return self._folder / f"{file}.parquet"
        path = kept(self._folder, file)
        self._sound.add(file)
        return path

    @contextmanager
    def drafted(self, source: Path) -> Iterator[Draft]:
        """Give a copy of a file to look at; it is gone afterwards where it was not taken.

        Raises:
            StateError: where the disk does not take it.
        """
        with copied(source, self._folder) as draft:
            yield draft

    def keep(self, draft: Draft) -> None:
        """Put a copy in its place; a row may name it from now on, and a run that finds none removes it.

        Raises:
            StateError: where the disk does not take it.
        """
        self._sound.add(keep(draft, self._folder))

    def fits(self, draft: Draft, days: Iterable[int]) -> bool:
        """Say whether the days of a file have no events yet, or just those of the same file."""
        known = {row.day: {row.file} for row in self._database.event_tables()}
        held = {draft.name} if any(draft.name in files for files in known.values()) else set()
        in_rows = self._database.row_days()
        return all((known.get(day, set()) == held) and (held or day not in in_rows) for day in days)

    def take(self, draft: Draft, days: Mapping[int, int], *, is_trusted: bool) -> Taken:
        """Store that a file that `fits`, and is in its place, holds the events of some days (ordinal to number)."""
        known = {row.day: row for row in self._database.event_tables() if row.file == draft.name}
        fresh = [
            EventTableRow(day, draft.name, is_trusted, rows)
            for day, rows in sorted(days.items())
            if day not in known or (is_trusted and not known[day].is_trusted)
        ]
        self._database.put_event_tables(fresh)
        return Taken(sum(row.rows for row in fresh), frozenset(row.day for row in fresh))

    def without_known(self, rows: Sequence[StoredEvent]) -> list[StoredEvent]:
        """Return those of some rows that the files do not hold, or hold as not trusted where the row is.

        Raises:
            StateError: where a file is missing or damaged.
        """
        days = {row[0] for row in rows}
        known: set[tuple[int, str, bool]] = set()
        for table in self._database.event_tables(min(days, default=0)):
            if table.day in days:
                ids = [event_id for day, event_id, _, _ in rows if day == table.day]
                known |= {(table.day, event_id, table.is_trusted) for event_id in self._held(table, ids)}
        return [
            (day, event_id, is_trusted, body)
            for day, event_id, is_trusted, body in rows
            if (day, event_id, True) not in known and (is_trusted or (day, event_id, False) not in known)
        ]

    def _held(self, table: EventTableRow, ids: Sequence[str]) -> list[str]:
        query = (
            f"SELECT DISTINCT id::VARCHAR FROM read_parquet(?, hive_partitioning = false) WHERE {_OF_DAY} "  # noqa: S608  # a constant
            "AND id::VARCHAR IN (SELECT unnest(?::VARCHAR[]))"
        )
        return [str(held) for (held,) in self._asked(table, query, ids)]

    def events(self, day: int) -> Iterator[tuple[bool, AnyEvent]]:
        """Yield (trusted, event) of a day's events in files, each id of a file once, as first read.

        Raises:
            StateError: where a file is missing or damaged.
        """
        for table in self._database.event_tables(day):
            if table.day == day:
                seen: set[str] = set()
                for event in self._rows(table):
                    if event.id not in seen:
                        seen.add(event.id)
                        yield table.is_trusted, event

    def _rows(self, table: EventTableRow) -> Iterator[AnyEvent]:
        query = (
            "SELECT min(file_row_number), max(file_row_number) "  # noqa: S608  # a constant
            f"FROM read_parquet(?, hive_partitioning = false, file_row_number = true) WHERE {_OF_DAY}"
        )
        ((first, last),) = self._asked(table, query)
        path = self.path(table.file)
        if first is None:
            return
        for position, record in EventTable(Place(path)).read(after=str(first)):
            if int(position) > last + 1:
                return
            if isinstance(record, Rejected | Skipped):
                reason = f"{path}: row {position} is no event: {record.reason}"
                raise StateError(reason, hint="restore it from a backup")
            if record.time.toordinal() == table.day:
                yield record

    def _asked(self, table: EventTableRow, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the answer to a query about the rows of a file's day."""
        import duckdb  # noqa: PLC0415  # takes longer to load than many a run takes

        path = self.path(table.file)
        start = (table.day - EPOCH_DAY) * DAY_US
        try:
            with open_session(Resources()) as session:
                return _fetched(session, query, [as_pattern(path), start, start + DAY_US, *values])
        except duckdb.Error as error:
            reason = str(error).partition("\n")[0][:300]
            raise StateError(f"{path} cannot be read: {reason}", hint="restore it from a backup") from error


def _fetched(session: "DuckDBPyConnection", query: str, values: list[object]) -> list[tuple[Any, ...]]:
    return session.execute(query, values).fetchall()


def path_of(source: Source) -> Path | None:
    """Return the file that a source of events as Parquet reads; None for any other source, and for a stream."""
    if not isinstance(source, EventTable):
        return None
    kind, colon, rest = source.uri.partition(":")
    path = Path(rest if colon and kind == source.name else source.uri)
    return path if path.is_file() else None


def tells_by_rows(file: Path) -> bool:
    """Say whether what a file's sensors can show is told by its rows: it has no note of it, and heartbeats that say it.

    Raises:
        SourceError: where the file cannot be read.
    """
    stored = ParquetFile(Place(file))
    if "observes" not in stored.types or stored.noted(NOTE):
        return False
    with open_session(Resources()) as session:
        query = "SELECT count(*) FROM read_parquet(?, hive_partitioning = false) WHERE observes IS NOT NULL"
        return _fetched(session, query, [as_pattern(file)]) != [(0,)]
