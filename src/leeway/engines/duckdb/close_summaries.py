"""Summaries of the few agents that are looked at closely, with what judging them reads."""

from collections.abc import Collection
from datetime import date
from typing import Any

from leeway.engines.duckdb.event_files import of_day
from leeway.engines.duckdb.frozen import freeze_sightings
from leeway.engines.duckdb.session import insert
from leeway.engines.duckdb.window import Tables
from leeway.events import EPOCH, EventRef, Measure, instant
from leeway.summaries import MeasureTotals, Summary

_UNREAD = EventRef(EPOCH, "")
"""Stands for the event of the largest amount where nothing can be said of amounts, so that nobody looks at it."""


def close_summaries(tables: Tables, day: date, agents: Collection[str], senders: Collection[int]) -> dict[str, Summary]:
    """Return summaries of a day of the window by agent id, of agents that were active.

    All sightings are in them; of measures the whole, by hour. Parts, histograms and sessions, which judgement does not
    read, are left out, and the largest amount of bytes sent is looked up for `senders` (numbers of agents) only.
    """
    session, number_of = tables.session, tables.crediting.number_of
    session.execute("CREATE OR REPLACE TEMP TABLE closely (agent INTEGER)")
    insert(session, "closely", {"agent": "INTEGER"}, ((number_of(one),) for one in agents))
    number = day.toordinal()
    only = f"day = {number} AND agent IN (SELECT agent FROM closely)"
    names = tables.crediting.agents
    sightings, capped = freeze_sightings(session, names, tables.roll_up.values, only)
    largest = _largest(tables, number, senders)
    measures: dict[str, dict[Measure, dict[str, MeasureTotals]]] = {}
    for agent, told in _totals(tables, only).items():
        heaviest, exemplar = largest.get(agent, (0, _UNREAD))
        measures[names[agent]] = {
            measure: {"": MeasureTotals(n, sum(hours.values()), heaviest, exemplar, {}, hours)}
            for measure, (n, hours) in sorted(told.items())
            if n
        }
    return {
        agent: Summary(
            agent=agent,
            day=day,
            sightings=sightings.get(agent, {}),
            capped=frozenset(capped.get(agent, ())),
            measures=measures.get(agent, {}),
        )
        for agent in sorted(agents)
    }


def _totals(tables: Tables, only: str) -> dict[int, dict[Measure, tuple[int, dict[int, int]]]]:
    """Return agent to measure to (number of events, hour to sum)."""
    rows = tables.session.execute(
        f"SELECT agent, hour, events, out_n, out_total, in_n, in_total FROM totals WHERE {only} ORDER BY agent, hour"
    ).fetchall()
    found: dict[int, dict[Measure, tuple[int, dict[int, int]]]] = {}
    for agent, hour, events, out_n, out_total, in_n, in_total in rows:
        told = found.setdefault(agent, {})
        _add(told, Measure.EVENTS, hour, events, events)
        _add(told, Measure.BYTES_OUT, hour, out_n, out_total)
        _add(told, Measure.BYTES_IN, hour, in_n, in_total)
    return found


def _add(told: dict[Measure, tuple[int, dict[int, int]]], measure: Measure, hour: int, n: int, total: int) -> None:
    known, hours = told.get(measure, (0, {}))
    if n:
        hours = {**hours, hour: hours.get(hour, 0) + int(total)}
    told[measure] = (known + n, hours)


def _largest(tables: Tables, day: int, senders: Collection[int]) -> dict[int, tuple[int, EventRef]]:
    """Return the largest amount sent by some agents on a day, and the first event of it."""
    if not senders:
        return {}
    listed = ", ".join(str(int(one)) for one in sorted(senders))
    rows: list[tuple[Any, ...]] = tables.session.execute(
        "SELECT a.agent, min({'m': -c.bytes_out, 't': c.time, 'i': c.id}) AS most FROM acts c "
        f"JOIN credit_agents a USING (credit) WHERE {of_day(day)} AND c.kind = 'connection_opened' "
        f"AND c.bytes_out IS NOT NULL AND a.agent IN ({listed}) GROUP BY a.agent"
    ).fetchall()
    return {agent: (-most["m"], EventRef(instant(most["t"]), most["i"])) for agent, most in rows}
