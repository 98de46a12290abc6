"""What one agent did on each day of a window, and over the whole of it. Days are added and leave, no event is kept."""

from datetime import UTC, datetime, tzinfo
from hashlib import blake2b
from heapq import heappop, heappush
from typing import Final

from msgspec import Struct

from leeway.destinations import host_name, network_levels, registrable_domain
from leeway.library.amounts import Amounts
from leeway.library.security_event import MOST_NAME, SecurityEvent
from leeway.library.tallies import DayCounts, Nested, Value
from leeway.library.verdicts import amount_bin, is_amount

HOURS: Final = 24
SATURDAY: Final = 5
LONGEST: Final = 128
"""Characters of a name that are remembered as they are."""

MOST_SESSIONS: Final = 1_024
"""Sessions whose last act is remembered."""

KIND, PLACE, SILENT, NEXT, DURATION, RESOURCE = (
    "event_type",
    "destination",
    "silent",
    "sequence",
    "duration",
    "resource",
)
FACETS: Final = (KIND, PLACE, SILENT, NEXT, DURATION, RESOURCE)
"""What is counted of events; SILENT are the types of those that name no destination."""

AMOUNTS: Final = (DURATION, RESOURCE)

WEEKENDS: Final = 2
"""Days of weekend in a window before a weekend without events means anything."""

START: Final[tuple[str, ...]] = ()
"""What comes before the first act of a session."""

_NO_DAY: Final = 1
"""The day of events without a time, as long as none has one."""

_Place = datetime | int
_Action = tuple[str, ...]


def is_weekend(ordinal: int) -> bool:
    """Say whether a day is a Saturday or Sunday; day 1 is a Monday."""
    return (ordinal + 6) % 7 >= SATURDAY


class Day:
    """One day of one agent, in its zone."""

    __slots__ = ("amounts", "counts", "events", "first", "hours", "ordinal")

    def __init__(self, ordinal: int) -> None:
        self.ordinal = ordinal
        self.events = 0
        self.first: datetime | None = None
        self.hours = [0] * HOURS
        self.counts = {facet: DayCounts() for facet in FACETS}
        self.amounts = {facet: Amounts() for facet in AMOUNTS}

    @property
    def capped(self) -> frozenset[str]:
        """Facets with more values than a day keeps."""
        return frozenset(facet for facet, counts in self.counts.items() if counts.beyond)


class Act(Struct, frozen=True):
    """An event with the place in the window at which it stands."""

    event: SecurityEvent
    ordinal: int | None
    """Its day in the agent's zone; None where it has no time."""
    hour: int

    @property
    def cell(self) -> int:
        """Hour of the day; 24 more at the weekend."""
        return self.hour + HOURS * is_weekend(self.ordinal or _NO_DAY)


def act_at(event: SecurityEvent, zone: tzinfo) -> Act:
    """Return an event with its day and hour in a zone."""
    time = event.timestamp
    if time is None:
        return Act(event, None, 0)
    try:
        local = time if zone is UTC and time.tzinfo is UTC else time.astimezone(zone)
    except OverflowError:  # at the ends of the calendar
        local = time
    return Act(event, local.toordinal(), local.hour)


class Days:
    """The window: its days, and their sums, which are kept up with every event and every day that leaves."""

    def __init__(self, window_days: int) -> None:
        self._window = window_days
        self._days: dict[int, Day] = {}
        self._order: list[int] = []
        self._sessions: dict[str, tuple[_Place, _Action]] = {}
        self._last = _NO_DAY
        self.latest: datetime | None = None
        self.events = 0
        self.facets = {facet: Nested() for facet in FACETS}
        self.amounts = {facet: Amounts() for facet in AMOUNTS}
        self.mass = [0] * (2 * HOURS)
        """Events of each hour of weekdays, then of weekends."""
        self.active = [0] * (2 * HOURS)
        """Days on which the agent was active in each of them."""
        self.busy: dict[int, int] = {}
        """Number of events in an hour to the number of hours that had it."""

    @property
    def days(self) -> list[Day]:
        """The days, oldest first."""
        return [self._days[ordinal] for ordinal in sorted(self._days)]

    @property
    def capped(self) -> frozenset[str]:
        """Facets that had on some day more values than it keeps."""
        return frozenset[str]().union(*(day.capped for day in self._days.values()))

    @property
    def exposed(self) -> tuple[int, int]:
        """Weekdays and weekend days between the first and the last day, those without an event as well."""
        if not self._order:
            return 0, 0
        first = self._order[0]
        weeks, rest = divmod(self._last - first + 1, 7)
        weekend = 2 * weeks + sum(is_weekend(first + day) for day in range(rest))
        return 7 * weeks + rest - weekend, weekend

    @property
    def knows_weekends(self) -> bool:
        """Whether enough weekends went by for one without events to mean anything."""
        weekdays, weekend = self.exposed
        return weekend >= WEEKENDS and weekdays > 0

    def add(self, act: Act) -> bool:
        """Count an event; False where it is older than the window."""
        event, time = act.event, act.event.timestamp
        if time is not None and act.ordinal is not None and (self.latest is None or time > self.latest):
            self.latest, self._last = time, max(self._last, act.ordinal)
            self._leave(before=self._last - self._window + 1)
        ordinal = self._last if act.ordinal is None else act.ordinal
        if ordinal <= self._last - self._window:
            return False
        day = self._days.get(ordinal)
        if day is None:
            day = self._days[ordinal] = Day(ordinal)
            heappush(self._order, ordinal)
        day.events += 1
        self.events += 1
        if time is not None:
            day.first = time if day.first is None else min(day.first, time)
            self._count_hour(day, act)
        self._count_values(day, event)
        self._follow(day, event)
        return True

    def hour_count(self, act: Act) -> int:
        """Return the number of events in the hour of an act."""
        day = None if act.ordinal is None else self._days.get(act.ordinal)
        return 0 if day is None else day.hours[act.hour]

    def before(self, event: SecurityEvent) -> tuple[str, ...] | None:
        """Return what the agent did last in the session of an event; None where that is not known.

        A session that was not seen before starts with this event, which is an order as well.
        """
        last = self._sessions.get(_session(event))
        if last is None:
            return START if event.session_id else None
        return last[1] if _is_after(_place(event), last[0]) else None

    def _leave(self, before: int) -> None:
        while self._order and self._order[0] < before:
            self._take_out(self._days.pop(heappop(self._order)))

    def _take_out(self, day: Day) -> None:
        self.events -= day.events
        for facet, counts in day.counts.items():
            self.facets[facet].leave_out(counts)
        for facet, amounts in day.amounts.items():
            self.amounts[facet].take(amounts)
        for hour, count in enumerate(day.hours):
            if count:
                cell = hour + HOURS * is_weekend(day.ordinal)
                self.mass[cell] -= count
                self.active[cell] -= 1
                _move(self.busy, count, -1)

    def _count_hour(self, day: Day, act: Act) -> None:
        count = day.hours[act.hour]
        day.hours[act.hour] = count + 1
        self.mass[act.cell] += 1
        self.active[act.cell] += not count
        if count:
            _move(self.busy, count, -1)
        _move(self.busy, count + 1, 1)

    def _count_values(self, day: Day, event: SecurityEvent) -> None:
        kind = kind_of(event)
        self._see(day, KIND, kind)
        place = place_of(event)
        if place is None:
            self._see(day, SILENT, Value(kind.outer, ""))
        else:
            self._see(day, PLACE, place)
        for facet, amount in ((DURATION, event.duration_ms), (RESOURCE, event.resource_count)):
            if is_amount(amount):
                at = amount_bin(amount)
                self._see(day, facet, Value(kind.outer, at))
                day.amounts[facet].add(amount, at)
                self.amounts[facet].add(amount, at)

    def _see(self, day: Day, facet: str, value: Value) -> None:
        self.facets[facet].take_in(day.counts[facet], value)

    def _follow(self, day: Day, event: SecurityEvent) -> None:
        before, session = self.before(event), _session(event)
        if before is not None:
            self._see(day, NEXT, Value(before, action_of(event)))
        elif session in self._sessions:
            return  # it came late: what followed it is counted already
        self._sessions.pop(session, None)
        self._sessions[session] = _place(event), action_of(event)
        if len(self._sessions) > MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]


def kind_of(event: SecurityEvent) -> Value:
    """Return the type of an event, with its tool."""
    return Value((_named(event.event_type),), _named(event.tool))


def action_of(event: SecurityEvent) -> tuple[str, ...]:
    """Return what is followed in an order of acts."""
    return _named(event.event_type), _named(event.tool)


def place_of(event: SecurityEvent) -> Value | None:
    """Return the destination of an event by levels: registrable domain and host, or network and address."""
    if not event.destination:
        return None
    place = event.destination[:MOST_NAME]
    levels = network_levels(place)
    if levels is not None:
        return Value(("network", levels[1]), levels[2])
    host = host_name(place)
    return Value(("domain", registrable_domain(host)), host)


def _session(event: SecurityEvent) -> str:
    return _named(event.session_id)


def _named(text: str | None) -> str:
    """Return a name as it is remembered: a long one by its beginning and a digest, for it may be remembered often."""
    if not text:
        return ""
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 2]}… {blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def _place(event: SecurityEvent) -> _Place:
    return event.sequence or 0 if event.timestamp is None else event.timestamp


def _is_after(place: _Place, last: _Place) -> bool:
    """Whether an event does not come before the last one; where one has a time and the other none, nobody knows."""
    if isinstance(place, datetime):
        return isinstance(last, datetime) and place >= last
    return isinstance(last, int) and place >= last


def _move(counts: dict[int, int], key: int, by: int) -> None:
    counts[key] = counts.get(key, 0) + by
    if not counts[key]:
        del counts[key]
