"""Tables to summaries: the values that every engine agrees in."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from leeway.engines.duckdb.roll_up import FACET_NUMBERS
from leeway.events import EventRef, Facet, Measure, Value, instant
from leeway.summaries import Bound, MeasureTotals, Session, Sighting, Step, Summary
from leeway.summaries.summary import keep_parts

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FACETS: Final = tuple(FACET_NUMBERS)


def freeze(
    session: "DuckDBPyConnection",
    day: date,
    agents: Mapping[int, str],
    values: Mapping[int, tuple[Facet, Value]],
    bound: Bound,
    only: str = "true",
) -> dict[str, Summary]:
    """Return the summaries of the agents (number to id) whose rows a roll-up of one day has made.

    `values` are the roll-up's values, by their numbers. `only` is a condition in SQL on the sightings' `day` and
    `agent`, where they are of more than the day.
    """
    sightings, capped = freeze_sightings(session, agents, values, only)
    measures = _measures(session, agents, bound)
    sessions = _sessions(session, agents, bound)
    return {
        agent: Summary(
            agent=agent,
            day=day,
            sightings=sightings.get(agent, {}),
            capped=frozenset(capped.get(agent, ())),
            measures=measures.get(agent, {}),
            sessions=sessions.get(agent, {}),
        )
        for agent in sorted(sightings.keys() | measures.keys())
    }


def freeze_sightings(
    session: "DuckDBPyConnection",
    agents: Mapping[int, str],
    values: Mapping[int, tuple[Facet, Value]],
    only: str = "true",
) -> tuple[dict[str, dict[Facet, dict[Value, Sighting]]], dict[str, list[Facet]]]:
    """Return sightings and capped facets by agent; `only` is a condition in SQL on `day` and `agent`."""
    return _sightings(session, agents, values, only), _capped(session, agents, only)


def _rows(session: "DuckDBPyConnection", query: str) -> Iterator[tuple[Any, ...]]:
    cursor = session.execute(query)
    while rows := cursor.fetchmany(10_000):
        yield from rows


def _sightings(
    session: "DuckDBPyConnection", agents: Mapping[int, str], values: Mapping[int, tuple[Facet, Value]], only: str
) -> dict[str, dict[Facet, dict[Value, Sighting]]]:
    found: dict[str, dict[Facet, dict[Value, Sighting]]] = {}
    query = f"SELECT agent, value, seen, first, last, hours, first_id FROM sightings WHERE {only}"
    for agent, value, seen, first, last, hours, first_id in _rows(session, query):
        facet, parts = values[value]
        time = instant(first)
        sighting = Sighting(seen, time, instant(last), hours, EventRef(time, first_id))
        found.setdefault(agents[agent], {}).setdefault(facet, {})[parts] = sighting
    return {
        agent: {facet: dict(sorted(seen.items())) for facet, seen in sorted(facets.items())}
        for agent, facets in found.items()
    }


def _capped(session: "DuckDBPyConnection", agents: Mapping[int, str], only: str) -> dict[str, list[Facet]]:
    found: dict[str, list[Facet]] = {}
    for agent, facet in _rows(session, f"SELECT agent, facet FROM capped WHERE {only}"):
        found.setdefault(agents[agent], []).append(_FACETS[facet])
    return found


def _measures(
    session: "DuckDBPyConnection", agents: Mapping[int, str], bound: Bound
) -> dict[str, dict[Measure, dict[str, MeasureTotals]]]:
    parts: dict[str, dict[Measure, dict[str, list[tuple[Any, ...]]]]] = {}
    query = "SELECT agent, measure, key, hour, bin, n, total, heaviest.m, heaviest.t, heaviest.i FROM measured"
    for agent, measure, key, *row in _rows(session, query):
        parts.setdefault(agents[agent], {}).setdefault(Measure(measure), {}).setdefault(key, []).append(tuple(row))
    return {
        agent: {
            measure: {key: _totals(rows) for key, rows in sorted(keep_parts(measure, keys, bound).items())}
            for measure, keys in sorted(measures.items())
        }
        for agent, measures in parts.items()
    }


def _totals(rows: Iterable[tuple[Any, ...]]) -> MeasureTotals:
    bins: dict[int, int] = {}
    hours: dict[int, int] = {}
    n = total = 0
    heaviest = []
    for hour, slot, count, amount, *weight in rows:
        bins[slot] = bins.get(slot, 0) + count
        hours[hour] = hours.get(hour, 0) + amount
        n += count
        total += amount
        heaviest.append(tuple(weight))
    most, time, id_ = min(heaviest)
    exemplar = EventRef(instant(time), id_)
    return MeasureTotals(n, total, -most, exemplar, dict(sorted(bins.items())), dict(sorted(hours.items())))


def _sessions(session: "DuckDBPyConnection", agents: Mapping[int, str], bound: Bound) -> dict[str, dict[str, Session]]:
    found: dict[str, dict[str, Session]] = {}
    cap = bound.caps.session_steps
    for agent, run, steps in _rows(session, "SELECT agent, run, steps FROM steps"):
        listed = tuple(Step(instant(step["t"]), step["i"], step["a"]) for step in steps[:cap])
        found.setdefault(agents[agent], {})[run] = Session(listed, is_cut=len(steps) > cap)
    return {agent: dict(sorted(runs.items())) for agent, runs in found.items()}
