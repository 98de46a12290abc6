"""What one event says, and what the events right before it say, as plain values that aspects judge."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from hashlib import blake2b
from math import log
from typing import Any, Final

from msgspec import Struct

from leeway.library.security_event import SecurityEvent

SLOTS_A_DAY: Final = 96
"""Quarters of an hour."""

MOST_RECENT: Final = 10
"""Events before an event that are looked at."""

PACE: Final = 8
"""The rate of events is judged by how long the last eight took."""

FEWEST_OUTCOMES: Final = 4
"""Outcomes that a share of failures needs, the event's own included."""

_INSTANT: Final = 0.1
"""Seconds that are added to every interval, so that shorter ones do not differ."""

_LONGEST_WORD: Final = 40
_SATURDAY: Final = 5


class Act(Struct, frozen=True, gc=False):
    """One event in the form that aspects judge; None is not said."""

    kind: str
    tool: str | None = None
    destination: str | None = None
    duration: float | None = None
    """Milliseconds."""
    resources: float | None = None
    success: bool | None = None
    slot: int | None = None
    """Quarter of an hour in the agent's zone; those of weekend days follow those of weekdays."""
    day: int | None = None
    """Ordinal of the day in the agent's zone."""
    gap: float | None = None
    """Log of the seconds since the event before."""
    pace: float | None = None
    """Log of the seconds that an event took on average, over the last eight."""
    failures: tuple[int, int] | None = None
    """How many of the last outcomes were failures, this one included, and of how many."""
    before: tuple[str, ...] | None = None
    """The two actions before, the nearer one first; one where there was only one."""

    @property
    def action(self) -> str:
        """What sequences are made of: the tool where there is one, else the event type."""
        return self.tool or self.kind


def word(text: str) -> str:
    """Return a text in at most 40 characters; a longer one is told apart by a digest at its end."""
    if len(text) <= _LONGEST_WORD:
        return text
    return f"{text[:23]}~{blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"


def local_time(time: datetime, zone: tzinfo) -> datetime:
    """Return a time in a zone; at the ends of the calendar, beyond which the zone's own lies, as it is."""
    try:
        return time.astimezone(zone)
    except OverflowError:
        return time


def act_of(event: SecurityEvent, recent: Sequence[SecurityEvent], zone: tzinfo) -> Act:
    """Return what an event says after the events of `recent`, the latest one last."""
    slot = day = None
    if event.timestamp is not None:
        local = event.timestamp if zone is UTC else local_time(event.timestamp, zone)
        day = local.toordinal()
        weekend = (day - 1) % 7 >= _SATURDAY
        slot = local.hour * 4 + local.minute // 15 + SLOTS_A_DAY * weekend
    kind = word(event.event_type)
    tool = None if event.tool is None else word(event.tool)
    destination = None if event.destination is None else word(event.destination)
    said = (kind, tool, destination, event.duration_ms, event.resource_count, event.success, slot, day)
    if not recent:
        return Act(*said)
    last = recent[-1]
    before = (_action(last), _action(recent[-2])) if len(recent) > 1 else (_action(last),)
    return Act(
        *said,
        gap=_interval(last.timestamp, event.timestamp, 1),
        pace=_interval(recent[-PACE].timestamp, event.timestamp, PACE) if len(recent) >= PACE else None,
        failures=_failures(event, recent),
        before=before,
    )


def _action(event: SecurityEvent) -> str:
    return word(event.tool or event.event_type)


def _interval(start: datetime | None, end: datetime | None, steps: int) -> float | None:
    if start is None or end is None:
        return None
    return log(max(0.0, (end - start).total_seconds()) / steps + _INSTANT)


def _failures(event: SecurityEvent, recent: Sequence[SecurityEvent]) -> tuple[int, int] | None:
    if event.success is None:
        return None
    known = [one.success for one in recent[1 - MOST_RECENT :] if one.success is not None]
    if len(known) + 1 < FEWEST_OUTCOMES:
        return None
    return known.count(False) + (not event.success), len(known) + 1


def in_order(events: Sequence[SecurityEvent]) -> list[SecurityEvent]:
    """Return events in the order of their times; those without one by their place in the sequence, before the others.

    The order given makes no difference: events of one instant are ordered by what they say.
    """
    return sorted(events, key=_order)


def _order(event: SecurityEvent) -> tuple[Any, ...]:
    time = 0.0 if event.timestamp is None else event.timestamp.timestamp()
    return (
        event.timestamp is not None,
        time,
        event.sequence or 0,
        event.event_type,
        event.tool or "",
        event.destination or "",
        event.duration_ms or 0.0,
        event.resource_count or 0.0,
        event.success is True,
        event.session_id or "",
    )


def acts_of(events: Sequence[SecurityEvent], zone: tzinfo) -> list[Act]:
    """Return what events in order say; those of one session, or without one, are each other's context."""
    contexts: dict[str | None, list[SecurityEvent]] = {}
    acts = []
    for event in events:
        recent = contexts.setdefault(event.session_id, [])
        acts.append(act_of(event, recent, zone))
        recent.append(event)
        if len(recent) > MOST_RECENT:
            del recent[0]
    return acts
