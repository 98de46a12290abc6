"""Days whose events lie in files as they came, and not in rows of the database.

A file is copied under the digest of what it holds, so that nobody who has the original can change what was read.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from leeway.config import Resources
from leeway.engines.duckdb.session import open_session
from leeway.errors import StateError
from leeway.events import EPOCH, AnyEvent, DeclaredAgent, Heartbeat
from leeway.sources import EventTable, JsonLines, Place, Rejected, Skipped, Source
from leeway.sources.declared import HOSTS, Declared
from leeway.sources.event_table import NOTE
from leeway.sources.parquet_file import ParquetFile, as_pattern
from leeway.storage import Database, EventTableRow
from leeway.storage.kept_files import Draft, copied, draft_of, drafts, keep, kept

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EPOCH_DAY: Final = 719_163
"""Ordinal of 1970-01-01."""

DAY_US: Final = 86_400_000_000

_OF_DAY: Final = "time >= make_timestamptz(?::BIGINT) AND time < make_timestamptz(?::BIGINT)"

_READ_ALL: Final = "read_parquet(?::VARCHAR[], hive_partitioning = false, union_by_name = true)"

StoredEvent = tuple[int, str, bool, bytes]
"""Day, id, whether it is trusted, body: a row of the database."""


class Offer(NamedTuple):
    """A file of events that a source may be taken as."""

    draft: Draft
    end: int | None = None
    """Position behind the last record; None where it is the number of rows."""


WriteLines = Callable[[Place, Path], int | None]
"""Write our own JSON lines as a file of events and return the position behind the last; None where it cannot."""


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

    @contextmanager
    def offered(self, source: Source, write_lines: WriteLines) -> Iterator[Offer | None]:
        """Give a source's events as a file to look at, None where it has none; gone afterwards where it was not taken.

        Raises:
            StateError: where the disk does not take it.
        """
        path = path_of(source)
        if path is not None:
            with self.drafted(path) as draft:
                yield Offer(draft)
        elif isinstance(source, JsonLines):
            with drafts(self._folder) as folder:
                end = write_lines(source.place, folder / "lines")
                yield None if end is None else Offer(draft_of(folder / "lines"), end)
        else:
            yield None

    def keep(self, draft: Draft) -> None:
        """Put a copy in its place; a row may name it from now on, and a run that finds none removes it.

        Raises:
            StateError: where the disk does not take it.
        """
        self._sound.add(keep(draft, self._folder))

    def planned(self, draft: Draft, days: Mapping[int, int], *, is_trusted: bool) -> list[EventTableRow] | None:
        """Return the rows to be stored where a copy is taken whole; None where its events must be rows themselves.

        Args:
            draft: the copy.
            days: its days (ordinals), each with its number of events.
            is_trusted: whether they are learnt without being judged.

        Raises:
            StateError: where a file of one of its days is missing or damaged.
        """
        held: dict[int, list[EventTableRow]] = {}
        for row in self._database.event_tables(min(days)):
            held.setdefault(row.day, []).append(row)
        in_rows = self._database.row_days(min(days))
        planned: list[EventTableRow] = []
        for day, count in sorted(days.items()):
            there = held.get(day, [])
            known = next((row for row in there if row.file == draft.name), None)
            if known is None and (day in in_rows or any(row.is_trusted is not is_trusted for row in there)):
                return None
            if known is None:
                number = max((row.number for row in there), default=0) + 1
                fresh = count - self._told_before(draft, there)
                planned.append(EventTableRow(day, number, draft.name, is_trusted, fresh))
            elif is_trusted and not known.is_trusted:
                if len(there) > 1:
                    return None
                planned.append(known._replace(is_trusted=True))
        return [row for row in planned if row.rows]

    def _told_before(self, draft: Draft, tables: Sequence[EventTableRow]) -> int:
        """Return the number of a copy's ids of a day that the files of that day have."""
        query = (
            f"SELECT count(DISTINCT id::VARCHAR) FROM read_parquet(?, hive_partitioning = false) WHERE {_OF_DAY} "  # noqa: S608  # constants
            f"AND id::VARCHAR IN (SELECT id::VARCHAR FROM {_READ_ALL} WHERE {_OF_DAY})"
        )
        if not tables:
            return 0
        day = tables[0].day
        others = [as_pattern(self.path(row.file)) for row in tables]
        ((count,),) = _asked(draft.path, query, day, others, *_bounds(day))
        return int(count)

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
        return [str(held) for (held,) in _asked(self.path(table.file), query, table.day, ids)]

    def events(self, day: int) -> Iterator[tuple[bool, AnyEvent]]:
        """Yield (trusted, event) of a day's events in files, each id once, as first read.

        Raises:
            StateError: where a file is missing or damaged.
        """
        seen: set[str] = set()
        for table in self._database.event_tables(day):
            for event in self._rows(table) if table.day == day else ():
                if event.id not in seen:
                    seen.add(event.id)
                    yield table.is_trusted, event

    def _rows(self, table: EventTableRow) -> Iterator[AnyEvent]:
        query = (
            "SELECT min(file_row_number), max(file_row_number) "  # noqa: S608  # a constant
            f"FROM read_parquet(?, hive_partitioning = false, file_row_number = true) WHERE {_OF_DAY}"
        )
        path = self.path(table.file)
        ((first, last),) = _asked(path, query, table.day)
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


def _bounds(day: int) -> tuple[int, int]:
    """Return the first microsecond of a day (an ordinal), and that of the next."""
    start = (day - EPOCH_DAY) * DAY_US
    return start, start + DAY_US


def _asked(path: Path, query: str, day: int, *values: object) -> list[tuple[Any, ...]]:
    """Return the answer to a query whose first parameters are a file and the bounds of a day."""
    import duckdb  # noqa: PLC0415  # takes longer to load than many a run takes

    try:
        with open_session(Resources()) as session:
            return _fetched(session, query, [as_pattern(path), *_bounds(day), *values])
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


def can_tell(source: Source, offer: Offer, rows: int) -> bool:
    """Have a source say what its sensors can show as if its rows had been read; say whether that could be done.

    Raises:
        SourceError: where the file cannot be read.
    """
    if isinstance(source, JsonLines):
        declared = _declared(offer.draft.path)
        if declared is None:
            return False
        if declared.is_whole:
            source.observes = declared.sides
        return True
    return not tells_by_rows(offer.draft.path) and not any(True for _ in source.read(after=str(rows)))


def _declared(file: Path) -> Declared | None:
    """Return what the heartbeats of a file say that sensors can show; None where more hosts say so than are asked."""
    found = Declared()
    query = (
        "SELECT DISTINCT host, observes FROM read_parquet(?, hive_partitioning = false) "  # noqa: S608  # a number
        f"WHERE (SELECT count(observes) FROM read_parquet(?, hive_partitioning = false)) > 0 LIMIT {HOSTS}"
    )
    with open_session(Resources()) as session:
        rows = _fetched(session, query, [as_pattern(file), as_pattern(file)])
    for host, observes in rows:
        told = None if observes is None else tuple(observes)
        found.hear(Heartbeat(time=EPOCH, host=host, agent=DeclaredAgent(uid=""), observes=told))
    return None if len(rows) == HOSTS else found


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
