"""Files of events summarised whole: what each agent did on each day, parts of measures and sessions included."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leeway.agents import AgentKey, learnt_names
from leeway.config import Resources
from leeway.engines.duckdb.batch import WINDOW_DAYS, WINDOW_ROWS
from leeway.engines.duckdb.crediting import CAN, Crediting
from leeway.engines.duckdb.event_files import EventFiles
from leeway.engines.duckdb.evidence import EvidenceTable
from leeway.engines.duckdb.frozen import freeze
from leeway.engines.duckdb.leaving import LeaveToFoldError
from leeway.engines.duckdb.lineage import InstanceTable
from leeway.engines.duckdb.memory import AgentTable
from leeway.engines.duckdb.quantities import Quantities
from leeway.engines.duckdb.roll_up import HOUR_US, RollUp
from leeway.engines.duckdb.session import drop, open_session
from leeway.engines.duckdb.window import Tables, Window
from leeway.pipeline import Terms, World
from leeway.summaries import Summary

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Named = list[tuple[AgentKey, Summary]]
"""Summaries with the keys that their agents were seen under."""

_HOURS: Final = (
    "CREATE OR REPLACE TEMP TABLE hours_of_days AS "
    f"SELECT day, credit, time // {HOUR_US} * {HOUR_US} AS hour, count(*)::BIGINT AS seen, "
    "min({'t': time, 'i': id}) AS exemplar FROM acts WHERE credit IS NOT NULL GROUP BY ALL"
)
_AMOUNTS: Final = (
    "CREATE OR REPLACE TEMP TABLE amounts_of_days AS SELECT day, kind, credit, time, id, destination, outbound, "
    "bytes_out, bytes_in, tool, duration_us, agent_instance_uid FROM acts "
    "WHERE credit IS NOT NULL AND kind IN ('connection_opened', 'tool_called')"
)


def summarise_files(
    files: Sequence[Path],
    terms: Terms,
    resources: Resources,
    repeated: tuple[int, ...] | None = None,
    least: int = 0,
) -> Named | None:
    """Return the summary of every agent and day of files that have no flaw, ordered by day and agent.

    None where they hold fewer than `least` events, or what the tables do not hold exactly. `repeated` are the numbers
    of the rows that repeat an id, where that is known.
    """
    if terms.settings.scope.kind not in CAN:
        return None
    with open_session(resources) as session:
        events = EventFiles(session, files)
        if repeated is not None:
            events.know_repeated(repeated)
        days = {day: rows for day, rows, *_ in sorted(events.days())}
        if sum(days.values()) < least:
            return None
        try:
            return list(_Stretch(session, terms, events).summaries(days))
        except LeaveToFoldError:
            return None


class _KeptInstances(InstanceTable):
    """Processes of a stretch of days, of which none is forgotten: as when all its events are looked at at once."""

    def forget(self, day: int) -> None:
        """Keep all."""


class _Stretch:
    """Days that are summarised in their order, each on top of what the ones before it told of processes and hosts."""

    def __init__(self, session: "DuckDBPyConnection", terms: Terms, events: EventFiles) -> None:
        roll_up = RollUp(session, terms.bound)
        instances = _KeptInstances(session)
        crediting = Crediting(session, instances, terms.attribution)
        memory = AgentTable(session, roll_up, crediting.number_of)
        evidence = EvidenceTable(session, terms.catalogue)
        self._tables = Tables(session, terms, roll_up, instances, evidence, crediting, memory)
        self._session = session
        self._terms = terms
        self._events = events
        self._world = World()

    def summaries(self, days: Mapping[int, int]) -> Iterator[tuple[AgentKey, Summary]]:
        """Yield the summaries of days (ordinals), each with its number of rows, by day and agent.

        Raises:
            LeaveToFoldError: where the tables cannot hold a day exactly.
        """
        for group in _together(days):
            for window in self._windows([date.fromordinal(day) for day in group]):
                yield from self._closed(window)

    def _windows(self, days: Sequence[date]) -> Iterator[Window]:
        """Yield one window of all the days, or, where that cannot be, one of each."""
        try:
            whole = self._opened(days)
        except LeaveToFoldError:
            if len(days) == 1:
                raise
            for day in days:
                yield self._opened([day])
            return
        yield whole

    def _opened(self, days: Sequence[date]) -> Window:
        self._session.begin()
        try:
            # What is summarised is not judged: names of hosts count from their first day on, as where they are trusted.
            window = Window(self._tables, self._world, days, self._events, is_trusted=True)
        except LeaveToFoldError:
            self._session.rollback()
            raise
        self._session.commit()
        return window

    def _closed(self, window: Window) -> Iterator[tuple[AgentKey, Summary]]:
        self._session.execute(_HOURS)
        self._session.execute(_AMOUNTS)
        for day in window.days:
            number, world = day.toordinal(), self._world
            registry = window.attributions[number].registry
            names = {agent: key for key, agent in sorted(registry.items(), key=lambda pair: repr(pair[0]))}
            for agent, summary in sorted(self._frozen(day).items()):
                yield names[agent], summary
            self._world = replace(
                world,
                signers={**world.signers, **window.signers(number)},
                registry={**world.registry, **registry},
                hosts=learnt_names(world.hosts, self._terms.settings.aliases, window.names(number)),
            )
        drop(self._session, "hours_of_days", "amounts_of_days")

    def _frozen(self, day: date) -> dict[str, Summary]:
        number, bound = day.toordinal(), self._terms.bound
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE presence AS SELECT credit, hour, seen, exemplar FROM hours_of_days "
            f"WHERE day = {number}"
        )
        self._session.execute(f"CREATE OR REPLACE TEMP VIEW acts AS FROM amounts_of_days WHERE day = {number}")
        Quantities(self._session, bound).run()
        agents, values = self._tables.crediting.agents, self._tables.roll_up.values
        return freeze(self._session, day, agents, values, bound, f"day = {number}")


def _together(days: Mapping[int, int]) -> Iterator[list[int]]:
    """Yield the days that are worked out together: in a row, and of few rows."""
    group: list[int] = []
    rows = 0
    for day, count in days.items():
        in_a_row = not group or day == group[-1] + 1
        if group and (not in_a_row or len(group) == WINDOW_DAYS or rows + count > WINDOW_ROWS):
            yield group
            group, rows = [], 0
        group.append(day)
        rows += count
    if group:
        yield group
