"""What a person judged of an event, and which other events are like it."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, TypeGuard

from msgspec import Meta, Struct

from leeway.destinations import host_name
from leeway.library.security_event import MOST_NAME, SecurityEvent
from leeway.library.threat_level import ThreatLevel
from leeway.summaries import bin_of

MOST_ASPECTS: Final = 32
MOST_REASON: Final = 1_000
"""Characters of a reason, and of who gave it, that are kept."""

IDENTITY: Final = frozenset({"event_type", "tool", "destination"})
"""Aspects that like events share by definition."""

NEAR_BINS: Final = 2
"""Amounts are near within two bins, a factor of two."""

NEAR_HOURS: Final = 1

_HOURS: Final = 24
_SATURDAY: Final = 5
_FRACTION: Final = 1024
_LARGEST: Final = 1e18
_MOST_BIN: Final = 256

Name = Annotated[str, Meta(max_length=MOST_NAME)]
Reason = Annotated[str, Meta(max_length=MOST_REASON)]
Bin = Annotated[int, Meta(ge=0, le=_MOST_BIN)]


def amount_bin(amount: float) -> int:
    """Return the power-of-√2 bin of 1 + amount, so that amounts below 1 are nearly one and large ones go by ratio.

    >>> [amount_bin(x) - amount_bin(0) for x in (0, 1, 3, 7, 1023)]
    [0, 2, 4, 6, 20]
    """
    return bin_of(round((1 + amount) * _FRACTION))


def is_amount(given: float | None) -> TypeGuard[float]:
    """Say whether something is an amount: said, finite and not negative.

    >>> [is_amount(x) for x in (0.5, None, float("nan"), float("inf"), -1.0)]
    [True, False, False, False, False]
    """
    return given is not None and 0 <= given <= _LARGEST


class Scope(StrEnum):
    """How far a verdict reaches."""

    LIKE = "like"
    """Events of the same type, tool and destination that are odd in the same aspects."""
    EXACT = "exact"
    """Those of them with about the same amounts and hour as well."""


class Effect(StrEnum):
    """What a verdict does; those that do nothing are kept, and are visible."""

    FLAGS = "flags"
    """Like events are flagged and never learnt."""
    LEARNT = "learnt"
    """Like events of LOW and MEDIUM are ordinary."""
    OVER_QUOTA = "over_quota"
    """Benign, and this user's or this agent's quota of the week is used up."""
    TOO_GRAVE = "too_grave"
    """Benign, of an event of HIGH or above: a verdict never lowers such a one."""
    NOTHING_ODD = "nothing_odd"
    """Benign, of an event that was not flagged in anything."""
    FULL = "full"
    """The agent holds as many verdicts as are kept."""


class Likeness(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a verdict is about. None where the event did not say."""

    event_type: Name
    tool: Name | None = None
    destination: Name | None = None
    """In the form in which names are compared: lower case, no root dot."""
    duration: Bin | None = None
    """Bin of its milliseconds."""
    resource: Bin | None = None
    hour: Annotated[int, Meta(ge=0, lt=2 * _HOURS)] | None = None
    """UTC hour; 24 more at the weekend."""

    def is_same_act(self, other: "Likeness") -> bool:
        """Say whether both are of one type, tool and destination."""
        return self.event_type == other.event_type and self.tool == other.tool and self.destination == other.destination

    def is_near(self, other: "Likeness", aspect: str) -> bool | None:
        """Say whether both have about the same value of an aspect; None where the aspect has no value."""
        if aspect in IDENTITY:
            return True
        if aspect == "temporal":
            return self.hour == other.hour or _is_near_hour(self.hour, other.hour)
        if aspect in {"duration", "resource"}:
            one, two = getattr(self, aspect), getattr(other, aspect)
            return one == two or (one is not None and two is not None and abs(one - two) <= NEAR_BINS)
        return None

    def is_nearly(self, other: "Likeness") -> bool:
        """Say whether both have about the same amounts and hour."""
        return all(self.is_near(other, aspect) for aspect in ("duration", "resource", "temporal"))


def _is_near_hour(one: int | None, other: int | None) -> bool:
    if one is None or other is None or one // _HOURS != other // _HOURS:
        return False
    apart = abs(one - other)
    return min(apart, _HOURS - apart) <= NEAR_HOURS


def act_of(event: SecurityEvent) -> tuple[str, str | None, str | None]:
    """Return type, tool and destination, by which verdicts on like events are found."""
    place = None if event.destination is None else host_name(event.destination)
    return event.event_type[:MOST_NAME], event.tool and event.tool[:MOST_NAME], place


def likeness_of(event: SecurityEvent) -> Likeness:
    """Return what of an event a verdict compares."""
    kind, tool, place = act_of(event)
    return Likeness(
        event_type=kind,
        tool=tool,
        destination=place,
        duration=amount_bin(event.duration_ms) if is_amount(event.duration_ms) else None,
        resource=amount_bin(event.resource_count) if is_amount(event.resource_count) else None,
        hour=_hour(event.timestamp),
    )


def _hour(time: datetime | None) -> int | None:
    if time is None:
        return None
    try:
        time = time if time.tzinfo is UTC else time.astimezone(UTC)
    except OverflowError:  # at the ends of the calendar
        return None
    return time.hour + _HOURS * (time.weekday() >= _SATURDAY)


class Verdict(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One person's judgement of one event, and what it does to like events of the agent."""

    number: Annotated[int, Meta(ge=0)]
    """Counted up for each agent; by it a verdict is undone."""
    is_anomaly: bool
    about: Likeness
    aspects: Annotated[tuple[Name, ...], Meta(max_length=MOST_ASPECTS)] = ()
    """In what the event departed."""
    p: Annotated[float, Meta(ge=0, le=1)] = 1.0
    """How rarely the agent departs as far as the event did."""
    level: ThreatLevel = ThreatLevel.NONE
    """The level that the event had."""
    effect: Effect
    scope: Scope = Scope.LIKE
    who: Reason = ""
    when: Annotated[datetime, Meta(tz=True)] | None = None
    """When it was given; None of an event without a time."""
    why: Reason = ""
    expires: Annotated[datetime, Meta(tz=True)] | None = None
    """The last instant whose events it speaks of."""

    def holds(self, at: datetime | None) -> bool:
        """Say whether it speaks of events of an instant; of one that is not known it does."""
        return self.expires is None or at is None or at <= self.expires

    def excuses(self, other: Likeness, aspects: frozenset[str]) -> bool:
        """Say whether an event that departs in `aspects` is like this one and departs in nothing else."""
        if not (self.about.is_same_act(other) and aspects <= frozenset(self.aspects)):
            return False
        if self.scope is Scope.EXACT and not self.about.is_nearly(other):
            return False
        return all(self.about.is_near(other, aspect) is not False for aspect in aspects)

    def condemns(self, other: Likeness, aspects: frozenset[str]) -> bool:
        """Say whether an event is like this one: it departs in the same aspects, or has the same values there."""
        if not self.about.is_same_act(other):
            return False
        if self.scope is Scope.EXACT or not self.aspects:
            return self.about.is_nearly(other)
        return all(aspect in aspects or bool(self.about.is_near(other, aspect)) for aspect in self.aspects)

    def forbids(self, other: Likeness) -> bool:
        """Say whether an event is not to be learnt, of which nothing is judged yet.

        An aspect without a value of its own (a rate, an order) cannot be seen there: then everything else has to agree.
        """
        if not self.about.is_same_act(other):
            return False
        near = [self.about.is_near(other, aspect) for aspect in self.aspects]
        if self.scope is Scope.EXACT or not near or None in near:
            return self.about.is_nearly(other)
        return all(near)
