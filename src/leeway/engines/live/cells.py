"""The cells in which a day is kept: who, what and in which hour, with how often, when, and by which event first.

Cells belong to a process instance (or a declared agent) and not to agents: when it turns out later whose a process
was, nothing has to be read again.
"""

from datetime import UTC, datetime

from leeway.agents import InstanceKey
from leeway.engines.live.showings import Seen, Showing
from leeway.events import AnyEvent, EventRef, Measure, ToolCalled
from leeway.summaries import MeasureTotals, Session, Step, bin_of


class Cell:
    """All events of one owner that show the same in one hour."""

    __slots__ = (
        "count",
        "first",
        "first_id",
        "folded",
        "hour",
        "hours",
        "is_waiting",
        "last",
        "loud",
        "owner",
        "raw",
        "showing",
    )

    def __init__(self, owner: "Owner", raw: Showing, event: AnyEvent, hours: tuple[Seen, ...]) -> None:
        self.owner = owner
        self.raw = raw
        """What the events show whoever acted."""
        self.showing = raw
        """What they show where this owner acted."""
        self.hours = hours
        self.hour = event.time.hour
        self.count = self.folded = 0
        self.first: datetime = event.time
        self.first_id = event.id
        self.last: datetime = event.time
        self.is_waiting = False
        """Whether some of its events are not yet in the agents' days."""
        self.loud: frozenset[str] = frozenset()
        """Agents who have something to say about what it shows."""


class Amounts:
    """The amounts of one measure of one owner: those not yet in the agents' days, and all of them."""

    __slots__ = ("all", "key", "measure", "waiting")

    def __init__(self, measure: Measure, key: str) -> None:
        self.measure = measure
        self.key = key
        self.waiting: MeasureTotals | None = None
        self.all: MeasureTotals | None = None

    def add(self, amount: int, event: AnyEvent) -> None:
        """Count one amount."""
        ref = EventRef(event.time, event.id)
        one = MeasureTotals(1, amount, amount, ref, {bin_of(amount): 1}, {event.time.hour: amount})
        self.waiting = one if self.waiting is None else self.waiting.merge(one)

    def settle(self) -> MeasureTotals:
        """Return what waits, which is then in the agents' days."""
        waiting = self.waiting or _NONE
        self.all = waiting if self.all is None else self.all.merge(waiting)
        self.waiting = None
        return waiting

    def wait_again(self) -> None:
        """Let all amounts wait, because the agents' days are made anew."""
        if self.waiting is None or self.all is None:
            self.waiting = self.waiting or self.all
        else:
            self.waiting = self.all.merge(self.waiting)
        self.all = None


_NONE = MeasureTotals(0, 0, -1, EventRef(datetime.max.replace(tzinfo=UTC), ""), {}, {})


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

    __slots__ = ("actor", "amounts", "heard", "hours", "loud", "parent", "waiting")

    def __init__(self, actor: tuple[str, ...], parent: tuple[str, ...]) -> None:
        self.actor = actor
        """The agents that the actor counts for, nearest first."""
        self.parent = parent
        """Those that a started process's parent counts for."""
        self.waiting: list[Cell] = []
        self.amounts: list[Amounts] = []
        self.heard: set[int] = set()
        """Showing and hour of its cells that somebody has something to say about."""
        self.hours = 0
        """UTC hours of its cells, as bits."""
        self.loud: dict[int, frozenset[str]] = {}
        """Showing to the agents who have something to say about it."""


class Owner:
    """Who acted: an instance, a declared agent, or one within the other."""

    __slots__ = ("amounts", "cells", "declared", "group", "host", "instance", "sessions")

    def __init__(self, host: str, instance: InstanceKey | None, declared: str) -> None:
        self.host = host
        self.instance = instance
        self.declared = declared
        """`agent.uid` of the declared agent; empty where there is none."""
        self.group: Group | None = None
        self.cells: dict[int, Cell] = {}
        self.amounts: dict[tuple[Measure, str], Amounts] | None = None
        self.sessions: dict[str, Steps] | None = None
