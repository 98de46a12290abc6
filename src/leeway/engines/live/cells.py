"""The cells in which a day is kept: who, what and in which hour, with how often, when, and by which event first.

Cells belong to a process instance (or a declared agent) and not to agents: when it turns out later whose a process
was, nothing has to be read again.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Struct

from leeway.engines.live.showings import Place, Seen, Showing
from leeway.events import EventRef, Measure, ToolCalled
from leeway.summaries import MeasureTotals, Session, Step, bin_of


class Cell(Struct, eq=False, gc=False):
    """All events of one owner that show the same in one hour.

    There are as many as a day has such, so the garbage collector is kept from looking at them: nothing that a cell
    refers to may refer to cells. So it tells its owner by number, for an owner has its cells.
    """

    owner: int
    """The number of its owner."""
    raw: Showing
    """What the events show whoever acted."""
    showing: Showing
    """What they show where this owner acted."""
    hours: tuple[Seen, ...]
    hour: int
    first: datetime
    first_id: str
    last: datetime
    count: int = 0
    folded: int = 0
    """Events that are in the agents' days."""
    is_waiting: bool = False
    """Whether some are not."""
    loud: frozenset[str] = frozenset()
    """Agents who have something to say about what it shows."""

    def add(self, moment: datetime, event_id: str) -> None:
        """Count one more event."""
        self.count += 1
        if moment > self.last:
            self.last = moment
        elif moment <= self.first and (moment, event_id) < (self.first, self.first_id):
            self.first, self.first_id = moment, event_id


_NEVER = datetime.max.replace(tzinfo=UTC)


class Amounts(Struct, eq=False, gc=False):
    """The amounts of one measure of one owner: those not yet in the agents' days, and before them all others."""

    measure: Measure
    key: str
    settled: MeasureTotals | None = None
    n: int = 0
    total: int = 0
    largest: int = -1
    moment: datetime = _NEVER
    """Time of the largest."""
    event_id: str = ""
    bins: dict[int, int] = {}  # msgspec copies empty defaults
    hours: dict[int, int] = {}

    def add(self, amount: int, moment: datetime, event_id: str) -> None:
        """Count one amount."""
        self.n += 1
        self.total += amount
        is_first = amount == self.largest and (moment, event_id) < (self.moment, self.event_id)
        if amount > self.largest or is_first:
            self.largest, self.moment, self.event_id = amount, moment, event_id
        slot, hour = bin_of(amount), moment.hour
        self.bins[slot] = self.bins.get(slot, 0) + 1
        self.hours[hour] = self.hours.get(hour, 0) + amount

    def settle(self) -> MeasureTotals:
        """Return what waits, which is then in the agents' days."""
        bins, hours = dict(sorted(self.bins.items())), dict(sorted(self.hours.items()))
        waiting = MeasureTotals(self.n, self.total, self.largest, EventRef(self.moment, self.event_id), bins, hours)
        self.settled = waiting if self.settled is None else self.settled.merge(waiting)
        self._take(_NONE)
        return waiting

    def wait_again(self) -> None:
        """Let all amounts wait, because the agents' days are made anew."""
        if self.settled is not None:
            settled, self.settled = self.settled, None
            self._take(settled.merge(self.settle()) if self.n else settled)
            self.settled = None

    def _take(self, totals: MeasureTotals) -> None:
        self.n, self.total, self.largest = totals.n, totals.total, totals.largest
        self.moment, self.event_id = totals.exemplar
        self.bins, self.hours = dict(totals.bins), dict(totals.hours)


_NONE = MeasureTotals(0, 0, -1, EventRef(_NEVER, ""), {}, {})


class Steps:
    """The first steps of one run of a declared agent."""

    __slots__ = ("_cap", "_is_cut", "_steps")

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._steps: list[Step] = []
        self._is_cut = False

    def add(self, event: ToolCalled) -> None:
        """Take one step; beyond twice the cap the last ones are let go."""
        self._steps.append(Step(event.time, event.id, event.tool))
        if len(self._steps) > 2 * self._cap:
            self._cut()

    def session(self) -> Session:
        """Return the session so far."""
        self._cut()
        return Session(tuple(self._steps), self._is_cut)

    def _cut(self) -> None:
        self._steps.sort()
        if len(self._steps) > self._cap:
            del self._steps[self._cap :]
            self._is_cut = True


class Group:
    """Owners whose events count for the same agents."""

    __slots__ = ("actor", "amounts", "heard", "hours", "loud", "number", "parent")

    def __init__(self, number: int, actor: tuple[str, ...], parent: tuple[str, ...]) -> None:
        self.number = number
        self.actor = actor
        """The agents that the actor counts for, nearest first."""
        self.parent = parent
        """Those that a started process's parent counts for."""
        self.amounts: list[Amounts] = []
        self.heard: set[int] = set()
        """Showing and hour of its cells that somebody has something to say about."""
        self.hours = 0
        """UTC hours of its cells, as bits."""
        self.loud: dict[int, frozenset[str]] = {}
        """Showing to the agents who have something to say about it."""


class Owner(Struct, eq=False, gc=False):
    """Who acted: an instance, a declared agent, or one within the other. As with cells, nothing of it refers to it."""

    number: int
    host: str
    instance: Place | None
    declared: str
    """`agent.uid` of the declared agent; empty where there is none."""
    cells: dict[int, Cell] = {}  # msgspec copies empty defaults
    """Showing and hour to their cell."""
    group: Group | None = None
    amounts: dict[tuple[Measure, str], Amounts] | None = None
    sessions: dict[str, Steps] | None = None


class Owners:
    """All owners of a day."""

    def __init__(self) -> None:
        self._all: list[Owner] = []
        self._declared: dict[tuple[str, Place | None, str], Owner] = {}

    def __iter__(self) -> Iterator[Owner]:
        return iter(self._all)

    def alone(self, instance: Place) -> Owner:
        """Return a new owner of what an instance does by itself; asked for once an instance."""
        return self._made(instance[0], instance, "")

    def of(self, host: str, instance: Place | None, declared: str) -> Owner:
        """Return the owner of what an instance or a declared agent does."""
        key = host, instance, declared
        found = self._declared.get(key)
        if found is None:
            found = self._declared[key] = self._made(*key)
        return found

    def of_cell(self, cell: Cell) -> Owner:
        """Return under whom the events of a cell are counted."""
        return self._all[cell.owner]

    def _made(self, host: str, instance: Place | None, declared: str) -> Owner:
        owner = Owner(len(self._all), host, instance, declared)
        self._all.append(owner)
        return owner
