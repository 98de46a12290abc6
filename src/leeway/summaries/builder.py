"""Events to summaries: `observe` says what one event means, `SummaryBuilder` does the same for many, fast.

Agents repeat themselves. So the builder first counts events of one look together, which differ in nothing that a row
of the table reads but the time, and works out what is remembered of them once for all.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple, get_args

from msgspec import Struct

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
    LOOKS,
    MEASURES,
    Credit,
    FacetRow,
    MeasureRow,
    is_model_change,
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


_alone = lru_cache(maxsize=16_384)(Credits)
"""One object for equal credits, by which they are told equal at a glance."""


def credits_of(event: AnyEvent, attribution: Attribution) -> Credits:
    """Return for whom an event counts."""
    actor = attribution.credited(event)
    if not isinstance(event, ProcessStarted):
        return _alone(actor)
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
            builder.count(event, credits, attribution.actor(event) if needs_actor(event) else None)
    return builder.summaries()


_NOBODY = Actor("", "", "", "", "", ())


def needs_actor(event: AnyEvent) -> bool:
    """Say whether a facet of this event shows who acted; working out the chain for every event would be waste."""
    if isinstance(event, FileTouched):
        return is_model_change(event)
    if isinstance(event, ConnectionOpened):
        return is_upkeep_place(event.destination)
    return isinstance(event, NameResolved) and is_upkeep_place(event.name)


_Read = Callable[[Any], int | None]


def _facet_rows(kind: type[Event]) -> tuple[tuple[Credit, tuple[FacetRow, ...]], ...]:
    rows = [row for row in FACETS if issubclass(kind, row.event) and row not in _CLOCK_ROWS]
    return tuple((credit, tuple(row for row in rows if row.credit is credit)) for credit in Credit)


def _measure_rows(kind: type[Event]) -> tuple[tuple[_Read, tuple[MeasureRow, ...]], ...]:
    """Return the readings of a kind, each with its rows: what is summed as a whole and in parts is read once."""
    rows = [row for row in MEASURES if issubclass(kind, row.event) and row not in _COUNT_ROWS]
    readings = dict.fromkeys(row.read for row in rows)
    return tuple((read, tuple(row for row in rows if row.read is read)) for read in readings)


_CLOCK_ROWS = tuple(row for row in FACETS if row.facet is Facet.HOUR)
_COUNT_ROWS = tuple(row for row in MEASURES if row.measure is Measure.EVENTS)
"""What is remembered of every event of whatever kind: it goes by the hour, not by the look."""

_ROWS = {kind: _facet_rows(kind) for kind in get_args(AnyEvent)}
_MEASURE_ROWS = {kind: _measure_rows(kind) for kind in get_args(AnyEvent)}

_LOOKS_HELD = 32_768
"""Looks that are counted apart before they are added to the values: hostile variety must not fill memory."""


# What is under construction is told to the garbage collector no more than the events are: it holds no circle.


class _Tally(Struct, gc=False):
    """A sighting under construction."""

    exemplar: EventRef
    last: datetime
    count: int = 0
    hours: int = 0

    def add(self, ref: EventRef) -> None:
        time = ref.time
        self.count += 1
        self.hours |= 1 << time.hour
        if time > self.last:
            self.last = time
        elif ref < self.exemplar:
            self.exemplar = ref

    def join(self, other: "_Tally") -> None:
        self.count += other.count
        self.hours |= other.hours
        self.last = max(self.last, other.last)
        self.exemplar = min(self.exemplar, other.exemplar)

    def sighting(self) -> Sighting:
        return Sighting(self.count, self.exemplar.time, self.last, self.hours, self.exemplar)


class _Sum(Struct, gc=False):
    """Totals of a measure under construction."""

    exemplar: EventRef
    n: int = 0
    total: int = 0
    largest: int = -1
    bins: dict[int, int] = {}  # msgspec copies empty defaults
    hours: dict[int, int] = {}

    def add(self, amount: int, ref: EventRef, times: int = 1) -> None:
        """Add an amount that was seen so many times within an hour, at `ref` first."""
        self.n += times
        self.total += amount * times
        if amount > self.largest or (amount == self.largest and ref < self.exemplar):
            self.largest, self.exemplar = amount, ref
        slot, hour = bin_of(amount), ref.time.hour
        self.bins[slot] = self.bins.get(slot, 0) + times
        self.hours[hour] = self.hours.get(hour, 0) + amount * times

    def join(self, other: "_Sum") -> None:
        self.n += other.n
        self.total += other.total
        if other.largest > self.largest or (other.largest == self.largest and other.exemplar < self.exemplar):
            self.largest, self.exemplar = other.largest, other.exemplar
        for mine, theirs in ((self.bins, other.bins), (self.hours, other.hours)):
            for key, amount in theirs.items():
                mine[key] = mine.get(key, 0) + amount

    def totals(self) -> MeasureTotals:
        bins, hours = dict(sorted(self.bins.items())), dict(sorted(self.hours.items()))
        return MeasureTotals(self.n, self.total, self.largest, self.exemplar, bins, hours)


class _Look(_Tally, kw_only=True, gc=False):
    """Events that look alike, counted."""

    event: AnyEvent
    """Any of them."""
    credits: Credits
    actor: Actor
    sums: dict[_Read, _Sum] = {}


class _Hour(_Tally, kw_only=True, gc=False):
    """The events of an hour, counted."""

    event: AnyEvent
    """Any of them."""
    agents: tuple[str, ...]


class _Steps:
    """The first steps of a session under construction."""

    def __init__(self) -> None:
        self._steps: set[Step] = set()
        self._is_cut = False

    def add(self, step: Step, cap: int) -> None:
        self._steps.add(step)
        if len(self._steps) > 2 * cap:  # not at the cap, because cutting is a sort
            self._steps = set(self.session(cap).steps)
            self._is_cut = True

    def session(self, cap: int) -> Session:
        return Session(tuple(sorted(self._steps)[:cap]), self._is_cut or len(self._steps) > cap)


class SummaryBuilder:
    """Accumulates sightings and measures in place; `summaries` freezes them."""

    def __init__(self, day: date, bound: Bound) -> None:
        """Start an empty day."""
        self._day = day
        self._bound = bound
        self._looks: dict[tuple[object, ...], _Look] = {}
        self._hours: dict[tuple[object, ...], _Hour] = {}
        self._sightings: dict[str, dict[Facet, dict[Value, _Tally]]] = defaultdict(partial(defaultdict, dict))
        self._capped: dict[str, dict[Facet, tuple[int, Value]]] = {}
        """Agent to its capped facets, each with the greatest (fingerprint, value) that is kept."""
        self._measures: dict[str, dict[Measure, dict[str, _Sum]]] = {}
        self._sessions: dict[str, dict[str, _Steps]] = {}

    def add(self, event: AnyEvent, credits: Credits, actor: Callable[[], Actor]) -> None:  # noqa: A002  # the word
        """Count one event for its agents; `actor` is asked only where a facet needs it."""
        self.count(event, credits, actor() if needs_actor(event) else None)

    def count(self, event: AnyEvent, credits: Credits, actor: Actor | None) -> None:  # noqa: A002  # the word
        """Count one event for its agents; `actor` acted, where `needs_actor` says that a facet shows it."""
        kind, ref = type(event), order(event)
        key = (kind, credits, LOOKS[kind](event), event.user, actor)
        look = self._looks.get(key)
        if look is None:
            if len(self._looks) >= _LOOKS_HELD:
                self._settle()
            look = self._looks[key] = _Look(ref, ref.time, event=event, credits=credits, actor=actor or _NOBODY)
        look.add(ref)
        for read, _ in _MEASURE_ROWS[kind]:
            amount = read(event)
            if amount is not None:
                if read not in look.sums:
                    look.sums[read] = _Sum(ref)
                look.sums[read].add(amount, ref)
        self._hour_of(event, credits.actor, ref.time).add(ref)
        if isinstance(event, ToolCalled):
            self._step(event, credits, ref)

    def _hour_of(self, event: AnyEvent, agents: tuple[str, ...], time: datetime) -> _Hour:
        key = (agents, time.weekday(), time.hour)
        hour = self._hours.get(key)
        if hour is None:
            hour = self._hours[key] = _Hour(order(event), time, event=event, agents=agents)
        return hour

    def summaries(self) -> dict[str, Summary]:
        """Return the frozen summaries by agent."""
        self._settle()
        agents = sorted(self._sightings.keys() | self._measures.keys())
        return {agent: self._frozen(agent) for agent in agents}

    def _settle(self) -> None:
        """Add what was counted by looks and by hours to the values of the agents."""
        for look in self._looks.values():
            self._settle_look(look)
        for hour in self._hours.values():
            for row in _CLOCK_ROWS:
                self._see(hour.agents, row.facet, row.read(hour.event, _NOBODY), hour)
            for measured in _COUNT_ROWS:
                total = _Sum(hour.exemplar)
                total.add(1, hour.exemplar, hour.count)
                self._measure(hour.agents, measured.measure, measured.key(hour.event), total)
        self._looks.clear()
        self._hours.clear()

    def _settle_look(self, look: _Look) -> None:
        event, kind = look.event, type(look.event)
        for credit, rows in _ROWS[kind]:
            agents = look.credits.of(credit)
            for row in rows if agents else ():
                self._see(agents, row.facet, row.read(event, look.actor), look)
        if isinstance(event, ToolCalled):
            for value in tool_arguments(event):
                self._see(look.credits.of(Credit.NEAREST), Facet.TOOL_ARGUMENT, value, look)
        for read, measured in _MEASURE_ROWS[kind]:
            for part in measured if read in look.sums else ():
                self._measure(look.credits.actor, part.measure, part.key(event), look.sums[read])

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
        cap = self._bound.caps.session_steps
        return Summary(
            agent=agent,
            day=self._day,
            sightings=sightings,
            capped=frozenset(self._capped.get(agent, ())),
            measures=measures,
            sessions={uid: steps.session(cap) for uid, steps in sorted(self._sessions.get(agent, {}).items())},
        )

    def _see(self, agents: tuple[str, ...], facet: Facet, value: Value | None, seen: _Tally) -> None:
        if value is None:
            return
        for agent in agents:
            values = self._sightings[agent][facet]
            tally = values.get(value)
            if tally is None:
                if self._is_beyond(agent, facet, value):
                    continue
                tally = values[value] = _Tally(seen.exemplar, seen.last)
                # A tenth past the cap, because cutting is a sort: it is not done for every new value.
                if len(values) > self._bound.caps.values_per_facet * 11 // 10:
                    self._cut(agent, facet)
            tally.join(seen)

    def _is_beyond(self, agent: str, facet: Facet, value: Value) -> bool:
        """Whether a value would be cut for certain: a capped facet keeps smaller fingerprints already."""
        capped = self._capped.get(agent)
        return capped is not None and facet in capped and (self._bound.rank(facet, value), value) > capped[facet]

    def _cut(self, agent: str, facet: Facet) -> None:
        kept = self._sightings[agent][facet] = keep(facet, self._sightings[agent][facet], self._bound)
        greatest = max((self._bound.rank(facet, value), value) for value in kept)
        self._capped.setdefault(agent, {})[facet] = greatest

    def _step(self, event: ToolCalled, credits: Credits, ref: EventRef) -> None:  # noqa: A002  # the word
        if event.agent is None or not event.agent.instance_uid:
            return
        step = Step(ref.time, ref.id, event.tool)
        for agent in credits.of(Credit.NEAREST):
            sessions = self._sessions.setdefault(agent, {})
            if event.agent.instance_uid not in sessions:
                sessions[event.agent.instance_uid] = _Steps()
            sessions[event.agent.instance_uid].add(step, self._bound.caps.session_steps)

    def _measure(self, agents: tuple[str, ...], measure: Measure, key: str, amounts: _Sum) -> None:
        for agent in agents:
            parts = self._measures.setdefault(agent, {}).setdefault(measure, {})
            if key not in parts:
                parts[key] = _Sum(amounts.exemplar)
                if len(parts) > 2 * MEASURE_KEYS:
                    parts = self._measures[agent][measure] = keep_parts(measure, parts, self._bound)
            if key in parts:
                parts[key].join(amounts)
