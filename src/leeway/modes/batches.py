"""Days that close together, by an engine that works on whole files of events and not on their rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from leeway.agents import AgentKey
from leeway.modes.directory import Directory
from leeway.modes.request import Request
from leeway.pipeline import Outcome, Terms, Verbs, World
from leeway.sources import Place
from leeway.summaries import Summary


class Look(Protocol):
    """What one look at a file of events says of all its rows."""

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        ...

    @property
    def first(self) -> datetime:
        """Return the time of the first event."""
        ...

    @property
    def last(self) -> datetime:
        """Return the time of the last event."""
        ...

    @property
    def days(self) -> Mapping[int, int]:
        """Return the day (an ordinal) to its events, each id once."""
        ...

    @property
    def flaws(self) -> int:
        """Return the number of rows that reading them one by one would refuse or change."""
        ...


PlannedDay = tuple[date, tuple[Path, ...], bool, int]
"""A day, its files, whether it is trusted, and its events."""


class Batch(Protocol):
    """Days closed in their order, on top of what earlier ones taught; equal to folding them one by one."""

    agents: int
    """Agents of the last day."""

    def plan(self, days: Iterable[PlannedDay]) -> None:
        """Take note of the days that will be closed, in their order: some may be worked out together."""
        ...

    def close(self, day: date, files: Sequence[Path], *, trusted: bool) -> Outcome | None:
        """Return what a day gave, its baselines and instances left out; None where the day must be folded.

        Then nothing was changed, and no further day is given. Between two days there may be days without events.
        """
        ...

    def save(self, folder: Path) -> dict[str, Path]:
        """Write what is known after the last day; return the parts that changed, each with its new file."""
        ...

    def finish(self) -> None:
        """Give back the memory."""
        ...


class Batching(Protocol):
    """What an engine offers that closes days from their files."""

    batch: bool

    def look_at(self, file: Path) -> Look:
        """Return what one look at a file says of all its rows."""
        ...

    def write_lines(self, place: Place, draft: Path) -> int | None:
        """Write our own JSON lines as a file of events and return the position behind the last one.

        None, and no file, where they are to be read into rows.
        """
        ...

    def summarise_files(self, files: Sequence[Path], terms: Terms) -> list[tuple[AgentKey, Summary]] | None:
        """Return the summary of every agent and day of files without flaws; None where they are to be folded."""
        ...

    def open_batch(self, world: World, terms: Terms, packed: Mapping[str, Path]) -> Batch:
        """Return a batch on top of packed parts (name to file), and of a world that has what is newer than they."""
        ...


def batching(engine: Verbs) -> Batching | None:
    """Return the engine as one that closes days from their files; None where it is none."""
    return cast("Batching", engine) if getattr(engine, "batch", False) else None


class Closed(NamedTuple):
    """Days that closed together."""

    outcomes: tuple[Outcome, ...]
    agents: int
    """Agents of the busiest day."""


def next_run(directory: Directory, request: Request, days: Sequence[int], is_over: Callable[[int], bool]) -> list[int]:
    """Return the first of `days` that close together: those that are over, and whose events all lie in files.

    A longer run than events are kept for ends where they are kept from: a day that is opened again opens its whole run,
    so all events of that are needed.
    """
    if batching(request.engine) is None or not days:
        return []
    tables = directory.database.event_tables(days[0])
    in_rows = directory.database.row_days(days[0]) if tables else set()
    trust: dict[int, set[bool]] = {}
    for row in tables:
        trust.setdefault(row.day, set()).add(row.is_trusted)
    run: list[int] = []
    for day in days:
        if day in in_rows or len(trust.get(day, ())) != 1 or not is_over(day):
            break
        run.append(day)
    kept = run[-1] - request.settings.caps.keep_days if run else 0
    return [day for day in run if day < kept] or run


def close_run(directory: Directory, request: Request, terms: Terms, days: Sequence[int]) -> Closed:
    """Close days together, in one transaction, as far as the engine can; fewer than `days` where one must be folded."""
    engine = batching(request.engine)
    if engine is None:
        return Closed((), 0)
    world = directory.world(days[0], packed=False)
    batch = engine.open_batch(world, terms, directory.packed(days[0]))
    try:
        closed = _closed(directory, request, batch, days)
        if closed.outcomes:
            directory.commit_run(closed.outcomes, batch.save, request.settings.caps.keep_days)
    finally:
        batch.finish()
    return closed


def _planned(directory: Directory, days: Sequence[int]) -> Iterator[PlannedDay]:
    tables = directory.database.event_tables(days[0])
    for day in days:
        rows = [row for row in tables if row.day == day]
        files = tuple(directory.tables.path(row.file) for row in rows)
        yield date.fromordinal(day), files, rows[0].is_trusted, sum(row.rows for row in rows)


def _closed(directory: Directory, request: Request, batch: Batch, days: Sequence[int]) -> Closed:
    outcomes: list[Outcome] = []
    agents = 0
    planned = list(_planned(directory, days))
    batch.plan(planned)
    for number, (day, files, trusted, _) in enumerate(planned):
        request.progress(f"judging {day}", number)
        outcome = batch.close(day, files, trusted=trusted)
        if outcome is None:
            break
        # What all days of a run would hold at once is let go: summaries and worlds are not stored.
        outcomes.append(outcome._replace(summaries={}, names={}, world=World()))
        agents = max(agents, batch.agents)
    return Closed(tuple(outcomes), agents)
