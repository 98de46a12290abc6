"""Read sources into the state: one transaction a batch, with the position from which to resume."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from leeway.errors import SourceError
from leeway.events import AnyEvent, encode
from leeway.modes.batches import Look, batching
from leeway.modes.directory import Directory
from leeway.modes.event_tables import can_tell, path_of
from leeway.modes.ranges import loaded_ranges, with_range
from leeway.modes.report import Report, tally
from leeway.modes.request import Period, Progress, Request
from leeway.pipeline import Verbs
from leeway.sources import Rejected, Skipped, Source, fingerprint, is_unfinished, still_holds
from leeway.storage import EventTableRow, Offset

BATCH = 5_000
"""Records a transaction."""

FUTURE = timedelta(minutes=5)
"""How far ahead of the caller's clock an event may be; further ones are rejected."""

UNFINISHED = "not finished: the last line has no end yet, and is read once more by the next run"
"""Why a record is counted as not used that a writer is still writing."""

CHANGED_SINCE = "changed_since"
"""Name of the fact that says from which closed day on events wait to be judged."""


_Read = AnyEvent | Rejected | Skipped


class Window(NamedTuple):
    """A half-open stretch of time; None is unbounded."""

    start: datetime | None = None
    end: datetime | None = None

    def __contains__(self, time: object) -> bool:
        start, end = self
        return isinstance(time, datetime) and (start is None or time >= start) and (end is None or time < end)


class Trust(NamedTuple):
    """Which events are learnt without being judged: those up to `until`, unless they come too late to be honest."""

    until: datetime | None
    lateness: timedelta

    def covers(self, time: datetime, watermark: datetime) -> bool:
        """Whether an event of a bootstrapped stretch, arriving when `watermark` was reached, is trusted like it."""
        return self.until is not None and time < self.until and watermark - time <= self.lateness


def extent(sources: Iterable[Source], progress: Progress, now: datetime, engine: Verbs | None = None) -> Window:
    """Return the time of the first and the last event of `sources`; unbounded where there is none.

    Events that will be refused as dated in the future do not count: one would put all others outside the last periods.
    """
    first: datetime | None = None
    last: datetime | None = None
    for number, time in enumerate(_times(sources, now, engine)):
        first = time if first is None else min(first, time)
        last = time if last is None else max(last, time)
        if number % BATCH == 0:
            progress("looking for the first and last event", number)
    return Window(first, last)


def _times(sources: Iterable[Source], now: datetime, engine: Verbs | None) -> Iterator[datetime]:
    """Yield the times of events; only the first and the last of a file that an engine can look at as a whole."""
    looking = batching(engine) if engine is not None else None
    for source in sources:
        path = path_of(source)
        look = looking.look_at(path) if looking is not None and path is not None else None
        if look is not None and look.rows and not look.flaws and look.last <= now + FUTURE:
            yield from (look.first, look.last)
            continue
        for _, _, record in _records([source]):
            if not isinstance(record, Rejected | Skipped) and record.time <= now + FUTURE:
                yield record.time


def first_periods(extent: Window, period: Period, count: int) -> Window:
    """Return the first `count` whole periods (UTC) of an extent."""
    if extent.start is None:
        return extent
    start = _floor(extent.start, period)
    try:
        return Window(start, start + count * period.length)
    except OverflowError:  # more periods than the calendar has
        return Window(start)


def last_periods(extent: Window, period: Period, count: int) -> Window:
    """Return the last `count` whole periods (UTC) of an extent."""
    if extent.end is None:
        return extent
    end = _floor(extent.end, period) + period.length
    try:
        return Window(end - count * period.length, end)
    except OverflowError:  # more periods than the calendar has
        return Window(None, end)


def _floor(time: datetime, period: Period) -> datetime:
    floor = time.replace(minute=0, second=0, microsecond=0)
    return floor.replace(hour=0) if period is Period.DAY else floor


def _records(sources: Iterable[Source]) -> Iterator[tuple[Source, str, _Read]]:
    """Yield the records of all sources, of each as far as it can be read: reading it for good says what is wrong."""
    for source in sources:
        with suppress(SourceError):
            for position, record in source.read():
                yield source, position, record


def _batches(records: Iterable[tuple[str, _Read]]) -> Iterator[list[tuple[str, _Read]]]:
    """Yield the records in batches; where reading fails, first those that came before that.

    Raises:
        SourceError: as the source does.
    """
    batch: list[tuple[str, _Read]] = []
    failure: SourceError | None = None
    try:
        for item in records:
            batch.append(item)
            if len(batch) == BATCH:
                yield batch
                batch = []
    except SourceError as error:
        failure = error
    if batch:
        yield batch
    if failure is not None:
        raise failure


def _cut(source: Source, batch: list[tuple[str, _Read]]) -> tuple[list[tuple[str, _Read]], tuple[str, _Read] | None]:
    """Return the records that are whole, and the last one apart where the line that it stands on has no end yet."""
    if is_unfinished(source.uri, batch[-1][0]):
        return batch[:-1], batch[-1]
    return batch, None


def _reached(whole: list[tuple[str, _Read]], before: str | None) -> str:
    """Return the position behind the last whole record."""
    if whole:
        return whole[-1][0]
    return before or "0"


class Ingestion:
    """Reads every source of a request into the database and says what came of it."""

    def __init__(
        self, directory: Directory, request: Request, report: Report, window: Window, trust: Trust | None
    ) -> None:
        """With `trust` None every event of the window is trusted (bootstrap, train)."""
        self._database = database = directory.database
        self._tables = directory.tables
        self._request = request
        self._report = report
        self._window = window
        self._latest = request.now + FUTURE
        self._trust = trust
        self._ranges = loaded_ranges(database)
        closed = database.meta("closed_through")
        self._oldest = int(closed) - request.settings.caps.keep_days if closed else 0
        mark = database.meta("watermark")
        self.watermark = datetime.fromisoformat(mark) if mark else None
        self.last: datetime | None = None
        """Time of the last event that this run admitted; the watermark may be that of an earlier run."""
        self.changed: set[int] = set()
        """Ordinals of days that have events they did not have."""

    def run(self) -> None:
        """Read all sources; of several, one that cannot be read on is reported and the others are read.

        Raises:
            SourceError: where the only one cannot be read on; what was read before is kept, with its position.
        """
        for source in self._request.sources:
            try:
                self._read(source)
            except SourceError as error:
                if len(self._request.sources) == 1:
                    raise
                self._report.unreadable[source.uri] = str(error)
            self._report.host_not_told |= bool(getattr(source, "host_not_told", False))

    def _read(self, source: Source) -> None:
        # Part of a source was left out by its periods, so its position says nothing about what is still to be read.
        resumes = self._window == Window()
        # What was read to be judged is still to be read where it is to be trusted; the other way round it is not.
        names = (source.uri,) if self._trust is not None else (f"trusted {source.uri}", source.uri)
        known = self._database.offset(names[0]) if resumes else None
        after = known.position if known and still_holds(source.uri, known.fingerprint) else None
        mark = fingerprint(source.uri) if resumes else ""
        self._report.resumed |= after is not None
        if after is None and self._take_whole(source, names if mark else (), mark):
            return
        for batch in _batches(source.read(after=after)):
            whole, begun = _cut(source, batch)
            with self._database.transaction():
                self._store(source, whole)
                if begun is not None:
                    self._begin(source, *begun)
                self._remember_changed()
                reached = _reached(whole, after)
                for name in names if mark else ():
                    self._database.set_offset(name, Offset(mark, reached))
                if self.watermark is not None:
                    self._database.set_meta("watermark", self.watermark.isoformat())
            after = reached
            self._request.progress(f"reading {source.uri}", self._report.read)

    def _take_whole(self, source: Source, names: Iterable[str], mark: str) -> bool:
        """Take a file of events as it is where every row of it would be admitted; say whether that was done."""
        engine = batching(self._request.engine)
        # Where there are named ranges they name the range of each connection as it is read.
        if engine is None or self._ranges is not None:
            return False
        self._request.progress(f"taking {source.uri}", self._report.read)
        with self._tables.offered(source, engine.write_lines) as offer:
            if offer is None:
                return False
            look = engine.look_at(offer.draft.path)
            if not self._admits_all(look):
                return False
            rows = self._tables.planned(offer.draft, look.days, is_trusted=self._trust is None)
            if rows is None or not can_tell(source, offer, look.rows):
                return False
            self._tables.keep(offer.draft)
        end = look.rows if offer.end is None else offer.end
        self._store_whole(rows, look, {name: Offset(mark, str(end)) for name in names})
        return True

    def _store_whole(self, rows: list[EventTableRow], look: Look, offsets: Mapping[str, Offset]) -> None:
        """Store that a file which is in its place has been read, as if it had been row by row."""
        with self._database.transaction():
            self._database.put_event_tables(rows)
            self.changed |= {row.day for row in rows}
            self._remember_changed()
            self.last = look.last if self.last is None else max(self.last, look.last)
            self.watermark = self.last if self.watermark is None else max(self.watermark, self.last)
            self._database.set_meta("watermark", self.watermark.isoformat())
            for name, offset in offsets.items():
                self._database.set_offset(name, offset)
        self._report.read += look.rows
        new = sum(row.rows for row in rows)
        self._report.new += new
        self._report.duplicates += look.rows - new

    def _admits_all(self, look: Look) -> bool:
        """Say whether all events of a file would be admitted, and trusted alike."""
        if not look.rows or look.flaws or look.last > self._request.now + FUTURE:
            return False
        alike = self._trust is None or self._trust.until is None or self._trust.until <= look.first
        return alike and look.first in self._window and look.last in self._window and min(look.days) >= self._oldest

    def _begin(self, source: Source, position: str, record: _Read) -> None:
        """Take what a file ends with that may not be whole; the next run reads it again, and knows it by its id."""
        if isinstance(record, Rejected):
            self._report.read += 1
            tally(self._report.skipped, UNFINISHED)
        else:
            self._store(source, [(position, record)])

    def _store(self, source: Source, batch: list[tuple[str, _Read]]) -> None:
        rows = []
        for position, record in batch:
            self._report.read += 1
            if isinstance(record, Rejected):
                self._reject(source, position, record.reason, record.record)
            elif isinstance(record, Skipped):
                tally(self._report.skipped, record.reason)
            elif self._admits(source, position, record):
                body = encode(with_range(record, self._ranges))
                rows.append((record.time.toordinal(), record.id, self._is_trusted(record), body))
        before = self._database.changes()
        self.changed |= self._database.add_events(self._tables.without_known(rows))
        added = self._database.changes() - before
        self._report.new += added
        self._report.duplicates += len(rows) - added

    def _remember_changed(self) -> None:
        """Keep, with the events, that a closed day has new ones: a run that is stopped here has not judged it again."""
        closed = self._database.meta("closed_through")
        first = min(self.changed, default=None)
        if first is not None and closed is not None and first <= int(closed):
            pending = self._database.meta(CHANGED_SINCE)
            self._database.set_meta(CHANGED_SINCE, str(min(first, int(pending or first))))

    def _admits(self, source: Source, position: str, event: AnyEvent) -> bool:
        time = event.time
        if time > self._latest:
            self._reject(source, position, "dated in the future", event.id)
            return False
        if time not in self._window:
            self._report.outside += 1
            return False
        if time.toordinal() < self._oldest:
            self._report.late += 1
            self._database.count("events too late", 1)
            return False
        if self.last is None or time > self.last:
            self.last = time
        if self.watermark is None or time > self.watermark:
            self.watermark = time
        return True

    def _is_trusted(self, event: AnyEvent) -> bool:
        return self._trust is None or self._trust.covers(event.time, self.watermark or event.time)

    def _reject(self, source: Source, position: str, reason: str, record: str) -> None:
        tally(self._report.rejected, reason)
        self._database.count("records rejected", 1)
        self._database.reject(source.uri, position, reason, record)


def require_events(report: Report) -> None:
    """Refuse to go on where sources were read and not one event came of them.

    Raises:
        SourceError: with the commonest reason.
    """
    if report.new or report.duplicates or report.outside or report.late or report.resumed:
        return
    require_some(report.rejected, is_empty=True)


def require_some(rejected: Mapping[str, int], *, is_empty: bool) -> None:
    """Refuse to go on where records were refused and nothing came of the others.

    Raises:
        SourceError: with the commonest reason.
    """
    refused = sum(rejected.values())
    if refused and is_empty:
        reason = max(sorted(rejected), key=lambda one: rejected[one])
        raise SourceError(
            f"none of {refused} records could be read; most often: {reason}", hint="is this the right kind of source?"
        )
