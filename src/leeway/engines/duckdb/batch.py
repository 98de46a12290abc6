"""Whole days of event tables, closed one after the other, without most events ever being a Python value.

What most agents do is what they always do. A day's acts are attributed, rolled up and compared as columns; only agents
of which something might be said are made into the summaries and baselines that `leeway.pipeline` judges. The others'
day is learnt as rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from leeway.config import Resources
from leeway.engines.duckdb.closing_day import ClosingDay, Tables
from leeway.engines.duckdb.crediting import CAN, Crediting
from leeway.engines.duckdb.event_files import EventFiles
from leeway.engines.duckdb.evidence import EvidenceTable
from leeway.engines.duckdb.leaving import LeaveToFoldError
from leeway.engines.duckdb.lineage import InstanceTable
from leeway.engines.duckdb.memory import AgentTable
from leeway.engines.duckdb.packed_files import INSTANCES
from leeway.engines.duckdb.quantities import Quantities
from leeway.engines.duckdb.roll_up import RollUp
from leeway.engines.duckdb.saving import save
from leeway.engines.duckdb.session import open_session
from leeway.pipeline import Outcome, Terms, World

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class _Open(NamedTuple):
    """The files of the last day, and how they are read."""

    files: tuple[Path, ...]
    events: EventFiles


class Batch:
    """Closes whole days, in their order, on top of what earlier ones taught."""

    def __init__(self, world: World, terms: Terms, resources: Resources, packed: Mapping[str, Path]) -> None:
        """Begin with `world`, and with the files of packed baselines and instances (part to file) beneath it."""
        self._terms = terms
        self._session: DuckDBPyConnection = open_session(resources)
        self._world = replace(world, baselines={}, instances={})
        self._open: _Open | None = None
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
        memory = AgentTable(session, roll_up, crediting.number_of, terms.settings.profile)
        memory.read([file for part, file in packed.items() if part != INSTANCES])
        memory.take(world.baselines.values())
        evidence = EvidenceTable(session, terms.catalogue)
        return Tables(session, terms, roll_up, Quantities(session, terms.bound), instances, evidence, crediting, memory)

    def close(self, day: date, files: Sequence[Path], *, trusted: bool) -> Outcome | None:
        """Judge a day and learn from it, or, where it is `trusted`, only learn; None where the fold must do it.

        Then nothing of the day was taken: what came before it can be saved, and no other day can be closed.
        """
        if self._is_left or self._terms.settings.scope.kind not in CAN:
            return None
        self._session.begin()
        try:
            closing = ClosingDay(self._tables, self._world, day, self._read(files))
            outcome = closing.trusted() if trusted else closing.judged()
        except LeaveToFoldError:
            self._session.rollback()
            self._is_left = True
            return None
        self._session.commit()
        self._world = outcome.world
        self.agents = closing.agents
        return outcome

    def _read(self, files: Sequence[Path]) -> EventFiles:
        if self._open is None or self._open.files != tuple(files):
            self._open = _Open(tuple(files), EventFiles(self._session, files))
        return self._open.events

    def save(self, folder: Path) -> dict[str, Path]:
        """Write what changed to files under `folder`, under names of no meaning; return part to file."""
        self._tables.memory.flush()
        return save(self._tables, folder)

    def finish(self) -> None:
        """Give back the memory."""
        self._session.close()
