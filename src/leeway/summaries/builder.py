"""Events to summaries: `observe` says what one event means, `SummaryBuilder` does the same for many, fast."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import NamedTuple, get_args

from leeway.agents import Actor, Attribution
from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    Event,
    EventRef,
    Facet,
    FileTouched,
    Measure,
    NameResolved,
    ProcessStarted,
    ToolCalled,
    Value,
    order,
)
from leeway.summaries.facet_table import (
    FACETS,
    MEASURES,
    Credit,
    FacetRow,
    MeasureRow,
    is_upkeep_place,
    tool_arguments,
)
from leeway.summaries.measures import MeasureTotals, bin_of
from leeway.summaries.session import Session, Step
from leeway.summaries.sighting import Sighting
from leeway.summaries.summary import MEASURE_KEYS, Bound, Summary, keep, keep_parts


class Credits(NamedTuple):
    """For whom one event counts, nearest agent first."""

    actor: tuple[str, ...]
    parent: tuple[str, ...] = ()
    """The ancestors of a started process."""

    def of(self, credit: Credit) -> tuple[str, ...]:
        """Return the agents a row's value counts for."""
        if credit is Credit.PARENT:
            return self.parent
        return self.actor if credit is Credit.LINEAGE else self.actor[:1]


def credits_of(event: AnyEvent, attribution: Attribution) -> Credits:
    """Return for whom an event counts."""
    actor = attribution.credited(event)
    if not isinstance(event, ProcessStarted):
        return Credits(actor)
    key = attribution.lineage.actor(event)
    parent = attribution.lineage[key].parent if key is not None else None
    return Credits(actor, attribution.agents_of(parent) if parent is not None else ())


def observe(event: AnyEvent, credits: Credits, actor: Actor, bound: Bound) -> dict[str, Summary]:  # noqa: A002  # the word
    """Return what one event adds to each agent it counts for."""
    builder = SummaryBuilder(event.time.date(), bound)
    builder.add(event, credits, lambda: actor)
    return builder.summaries()


def summarise(day: date, events: Iterable[AnyEvent], attribution: Attribution, bound: Bound) -> dict[str, Summary]:
    """Return the day's summary of every agent, the fold of `merge` over `observe`."""
    builder = SummaryBuilder(day, bound)
    for event in events:
        credits = credits_of(event, attribution)  # noqa: A001  # the word
        if credits.actor or credits.parent:
            builder.add(event, credits, lambda event=event: attribution.actor(event))  # type: ignore[misc]
    return builder.summaries()


_NOBODY = Actor("", "", "", "", "", ())


def _needs_actor(event: AnyEvent) -> bool:
    """Say whether a facet of this event shows who acted; working out the chain for every event would be waste."""
    match event:
        case FileTouched():
            return True
        case ConnectionOpened(destination=place) | NameResolved(name=place):
            return is_upkeep_place(place)
    return False


def _facet_rows(kind: type[Event]) -> tuple[tuple[Credit, tuple[FacetRow, ...]], ...]:
    rows = [row for row in FACETS if issubclass(kind, row.event)]
    return tuple((credit, tuple(row for row in rows if row.credit is credit)) for credit in Credit)


_ROWS: dict[type[Event], tuple[tuple[Credit, tuple[FacetRow, ...]], ...]] = {
    kind: _facet_rows(kind) for kind in get_args(AnyEvent)
}
_MEASURE_ROWS: dict[type[Event], tuple[MeasureRow, ...]] = {
    kind: tuple(row for row in MEASURES if issubclass(kind, row.event)) for kind in get_args(AnyEvent)
}


class _Tally:
    """A sighting under construction."""

    __slots__ = ("count", "exemplar", "first", "hours", "last")

    def __init__(self, ref: EventRef) -> None:
        self.count = 0
        self.first = self.last = ref.time
        self.hours = 0
        self.exemplar = ref

    def add(self, ref: EventRef) -> None:
        self.count += 1
        time = ref.time
        self.hours |= 1 << time.hour
        self.last = max(self.last, time)
        if ref < self.exemplar:
            self.exemplar = ref
            self.first = time

    def sighting(self) -> Sighting:
        return Sighting(self.count, self.first, self.last, self.hours, self.exemplar)


class _Sum:
    """Totals of a measure under construction."""

    __slots__ = ("bins", "exemplar", "hours", "largest", "n", "total")

    def __init__(self, ref: EventRef) -> None:
        self.n = self.total = 0
        self.largest = -1
        self.exemplar = ref
        self.bins: dict[int, int] = {}
        self.hours: dict[int, int] = {}

    def add(self, amount: int, ref: EventRef) -> None:
        self.n += 1
        self.total += amount
        if amount > self.largest or (amount == self.largest and ref < self.exemplar):
            self.largest, self.exemplar = amount, ref
        slot, hour = bin_of(amount), ref.time.hour
        self.bins[slot] = self.bins.get(slot, 0) + 1
        self.hours[hour] = self.hours.get(hour, 0) + amount

    def totals(self) -> MeasureTotals:
        bins, hours = dict(sorted(self.bins.items())), dict(sorted(self.hours.items()))
        return MeasureTotals(self.n, self.total, self.largest, self.exemplar, bins, hours)


class SummaryBuilder:
    """Accumulates sightings and measures in place; `summaries` freezes them."""

    def __init__(self, day: date, bound: Bound) -> None:
        """Start an empty day."""
        self._day = day
        self._bound = bound
        self._sightings: dict[str, dict[Facet, dict[Value, _Tally]]] = {}
        self._capped: dict[str, set[Facet]] = {}
        self._measures: dict[str, dict[Measure, dict[str, _Sum]]] = {}
        self._sessions: dict[str, dict[str, Session]] = {}

    def add(self, event: AnyEvent, credits: Credits, actor: Callable[[], Actor]) -> None:  # noqa: A002  # the word
        """Count one event for its agents; `actor` is asked only where a facet needs it."""
        ref = order(event)
        kind = type(event)
        shown = actor() if _needs_actor(event) else _NOBODY
        for credit, rows in _ROWS[kind]:
            agents = credits.of(credit)
            if not agents:
                continue
            for row in rows:
                value = row.read(event, shown)
                if value is not None:
                    self._see(agents, row.facet, value, ref)
        if isinstance(event, ToolCalled):
            self._call(event, credits, ref)
        for measure in _MEASURE_ROWS[kind]:
            amount = measure.read(event)
            if amount is not None:
                self._measure(credits.actor, measure.measure, measure.key(event), amount, ref)

    def summaries(self) -> dict[str, Summary]:
        """Return the frozen summaries by agent."""
        agents = sorted(self._sightings.keys() | self._measures.keys())
        return {agent: self._frozen(agent) for agent in agents}

    def _frozen(self, agent: str) -> Summary:
        sightings: dict[Facet, dict[Value, Sighting]] = {}
        for facet, tallies in sorted(self._sightings.get(agent, {}).items()):
            if len(tallies) > self._bound.caps.values_per_facet:
                self._cut(agent, facet)
            kept = self._sightings[agent][facet]
            sightings[facet] = {value: kept[value].sighting() for value in sorted(kept)}
        measures = {
            measure: {key: parts[key].totals() for key in sorted(keep_parts(measure, parts, self._bound))}
            for measure, parts in sorted(self._measures.get(agent, {}).items())
        }
        return Summary(
            agent=agent,
            day=self._day,
            sightings=sightings,
            capped=frozenset(self._capped.get(agent, ())),
            measures=measures,
            sessions=dict(sorted(self._sessions.get(agent, {}).items())),
        )

    def _see(self, agents: tuple[str, ...], facet: Facet, value: Value, ref: EventRef) -> None:
        for agent in agents:
            values = self._sightings.setdefault(agent, {}).setdefault(facet, {})
            tally = values.get(value)
            if tally is None:
                tally = values[value] = _Tally(ref)
                # A tenth past the cap, because cutting is a sort: it is not done for every new value.
                if len(values) > self._bound.caps.values_per_facet * 11 // 10:
                    self._cut(agent, facet)
            tally.add(ref)

    def _cut(self, agent: str, facet: Facet) -> None:
        self._capped.setdefault(agent, set()).add(facet)
        self._sightings[agent][facet] = keep(facet, self._sightings[agent][facet], self._bound)

    def _call(self, event: ToolCalled, credits: Credits, ref: EventRef) -> None:  # noqa: A002  # the word
        for value in tool_arguments(event):
            self._see(credits.of(Credit.NEAREST), Facet.TOOL_ARGUMENT, value, ref)
        if event.agent is None or not event.agent.instance_uid:
            return
        step = Session((Step(ref.time, ref.id, event.tool),))
        for agent in credits.of(Credit.NEAREST):
            sessions = self._sessions.setdefault(agent, {})
            known = sessions.get(event.agent.instance_uid)
            merged = step if known is None else known.merge(step, self._bound.caps.session_steps)
            sessions[event.agent.instance_uid] = merged

    def _measure(self, agents: tuple[str, ...], measure: Measure, key: str, amount: int, ref: EventRef) -> None:
        for agent in agents:
            parts = self._measures.setdefault(agent, {}).setdefault(measure, {})
            if key not in parts:
                parts[key] = _Sum(ref)
                if len(parts) > 2 * MEASURE_KEYS:
                    parts = self._measures[agent][measure] = keep_parts(measure, parts, self._bound)
            if key in parts:
                parts[key].add(amount, ref)
