"""Whole days of event tables, closed one after the other, without most events ever being a Python value.

What most agents do is what they always do. A day's acts are attributed, rolled up and compared as columns; only agents
of which something might be said are made into the summaries and baselines that `leeway.pipeline` judges. The others'
day is learnt as rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from leeway.config import Resources
from leeway.engines.duckdb.closing_day import ClosingDay
from leeway.engines.duckdb.crediting import CAN, Crediting
from leeway.engines.duckdb.event_files import EventFiles
from leeway.engines.duckdb.evidence import EvidenceTable
from leeway.engines.duckdb.leaving import LeaveToFoldError
from leeway.engines.duckdb.lineage import InstanceTable
from leeway.engines.duckdb.memory import AgentTable
from leeway.engines.duckdb.packed_files import INSTANCES
from leeway.engines.duckdb.roll_up import RollUp
from leeway.engines.duckdb.saving import save
from leeway.engines.duckdb.session import open_session
from leeway.engines.duckdb.window import Tables, Window
from leeway.pipeline import Outcome, Terms, World

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


WINDOW_ROWS: Final = 6_000_000
"""Rows of days that are worked out together: what the tables of a window hold stays within a gigabyte or two."""

WINDOW_DAYS: Final = 14


class Planned(NamedTuple):
    """A day that will be closed: its files, whether it is trusted, and its events."""

    day: date
    files: tuple[Path, ...]
    trusted: bool
    rows: int = 0


class Batch:
    """Closes whole days, in their order, on top of what earlier ones taught."""

    def __init__(
        self,
        world: World,
        terms: Terms,
        resources: Resources,
        packed: Mapping[str, Path],
        repeated: Callable[[Path], tuple[int, ...] | None] = lambda _: None,
    ) -> None:
        """Begin with `world`, and with the files of packed baselines and instances (part to file) beneath it.

        `repeated` returns which rows of a file repeat the id of another, where that is known.
        """
        self._repeated = repeated
        self._terms = terms
        self._session: DuckDBPyConnection = open_session(resources)
        self._world = replace(world, baselines={}, instances={})
        self._plan: list[Planned] = []
        self._events: tuple[tuple[Path, ...], EventFiles] | None = None
        self._window: Window | None = None
        self._is_left = False
        try:
            self._tables = self._made(world, packed)
        except LeaveToFoldError:
            self._is_left = True
        self.agents = 0
        """Agents of the last day."""

    def _made(self, world: World, packed: Mapping[str, Path]) -> Tables:
        session, terms = self._session, self._terms
        roll_up = RollUp(session, terms.bound)
        instances = InstanceTable(session)
        instances.read([file for part, file in packed.items() if part == INSTANCES], world.instances.values())
        crediting = Crediting(session, instances, terms.attribution)
        memory = AgentTable(session, roll_up, crediting.number_of)
        memory.read([file for part, file in packed.items() if part != INSTANCES])
        memory.take(world.baselines.values())
        return Tables(session, terms, roll_up, instances, EvidenceTable(session, terms.catalogue), crediting, memory)

    def plan(self, days: Iterable[tuple[date, tuple[Path, ...], bool, int]]) -> None:
        """Say which days will be closed, in their order: days in a row, of few rows, are worked out together."""
        self._plan = [Planned(*one) for one in days]

    def close(self, day: date, files: Sequence[Path], *, trusted: bool) -> Outcome | None:
        """Judge a day and learn from it, or, where it is `trusted`, only learn; None where the fold must do it.

        Then nothing of the day was taken: what came before it can be saved, and no other day can be closed.
        """
        if self._is_left or self._terms.settings.scope.kind not in CAN:
            return None
        one = Planned(day, tuple(files), trusted)
        if self._window is None or day not in self._window.days or self._window.is_trusted != trusted:
            self._window = self._opened(self._together(one)) or self._opened([one])
        if self._window is None:
            self._is_left = True
            return None
        closing = ClosingDay(self._tables, self._world, day, self._window)
        outcome = closing.trusted() if trusted else closing.judged()
        self._world = outcome.world
        self.agents = closing.agents
        if day == self._window.days[-1]:
            # Not before: what a finding of an earlier day shows may be a process that ended on it.
            self._tables.instances.forget(day.toordinal())
        return outcome

    def _together(self, one: Planned) -> list[Planned]:
        """Return the planned days from one on that may be worked out together."""
        days = [planned.day for planned in self._plan]
        if one.day not in days:
            return [one]
        found: list[Planned] = []
        for planned in self._plan[days.index(one.day) :]:
            alike = planned.files == one.files and planned.trusted == one.trusted
            rows = sum(other.rows for other in found) + planned.rows
            in_a_row = not found or planned.day == found[-1].day + timedelta(days=1)
            if not alike or not in_a_row or len(found) == WINDOW_DAYS or (found and rows > WINDOW_ROWS):
                break
            found.append(planned)
        return found or [one]

    def _opened(self, planned: Sequence[Planned]) -> Window | None:
        """Return the window of some days, or None, and nothing changed, where they cannot be worked out together."""
        self._session.begin()
        try:
            events = self._read(planned[0].files)
            days = [one.day for one in planned]
            window = Window(self._tables, self._world, days, events, is_trusted=planned[0].trusted)
        except LeaveToFoldError:
            self._session.rollback()
            return None
        self._session.commit()
        return window

    def _read(self, files: tuple[Path, ...]) -> EventFiles:
        if self._events is None or self._events[0] != files:
            events = EventFiles(self._session, files)
            known = self._repeated(files[0]) if len(files) == 1 else None
            if known is not None:
                events.know_repeated(known)
            self._events = (files, events)
        return self._events[1]

    def save(self, folder: Path) -> dict[str, Path]:
        """Write what changed to files under `folder`, under names of no meaning; return part to file."""
        self._tables.memory.flush()
        return save(self._tables, folder)

    def finish(self) -> None:
        """Give back the memory."""
        self._session.close()
