"""Simulated agents as callers of the library write them down: events as mappings, of several shapes, with drifts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import exp
from operator import itemgetter
from random import Random
from typing import Any, Final

from msgspec import Struct

_MONDAY: Final = datetime(2026, 3, 2, tzinfo=UTC)
_DAYS: Final = 28
_SATURDAY: Final = 5

Said = dict[str, Any]
"""One event as a mapping."""


class Shape(Struct, frozen=True):
    """How an agent acts."""

    name: str
    kinds: dict[str, tuple[float, float, float]]
    """Event type to its share, the median of its duration in milliseconds, and of its resources."""
    hours: tuple[int, ...] = tuple(range(9, 18))
    is_weekly: bool = True
    """Silent at weekends."""
    spread: float = 0.3
    """Of the log of durations and resources."""
    heavy: float = 0.0
    """Share of durations with a tail as that of a Pareto distribution."""
    failures: float = 0.02
    persistence: float = 0.0
    """How likely the next event is the one that usually follows."""
    session: int = 0
    """Events of one session, a second or so apart; 0 for single ones."""
    stray: float = 0.0
    """Share of events at any hour."""
    says: tuple[str, ...] = ("duration_ms", "resource_count", "success")


_API: Final = {"api_call": (0.5, 200.0, 3.0), "file_read": (0.3, 40.0, 5.0), "query": (0.15, 900.0, 10.0)}
_MANY: Final = {f"step_{k}": (1 / (k + 1) ** 1.1, 60.0 * (k % 7 + 1), 2.0 + k % 5) for k in range(24)}

SHAPES: Final = (
    Shape("office", {**_API, "report": (0.05, 2500.0, 20.0)}),
    Shape("around the clock", _API, hours=tuple(range(24)), is_weekly=False),
    Shape("nightly", {"backup": (0.9, 60_000.0, 400.0), "verify": (0.1, 8_000.0, 40.0)}, hours=(1, 2), is_weekly=False),
    Shape("sessions", {**_API, "edit": (0.2, 120.0, 1.0)}, persistence=0.7, session=25, stray=0.01),
    Shape("heavy tails", _API, heavy=0.2, spread=0.8, failures=0.08, stray=0.01),
    Shape("many steps", _MANY, persistence=0.8, session=40, failures=0.05),
    Shape("few words", {"tick": (0.6, 1.0, 1.0), "tock": (0.4, 1.0, 1.0)}, hours=tuple(range(24)), says=()),
    Shape("two speeds", {"cached": (0.7, 5.0, 1.0), "fetched": (0.3, 1500.0, 6.0)}, spread=0.15, failures=0.0),
    Shape("rare task", {"chat": (0.96, 1200.0, 4.0), "invoice": (0.04, 4000.0, 30.0)}, stray=0.01),
    Shape("flaky", {"build": (0.6, 90_000.0, 60.0), "test": (0.4, 30_000.0, 25.0)}, failures=0.3, spread=0.5),
)


class DriftOf(StrEnum):
    """How an event can depart from an agent's past."""

    KIND = "unseen event type"
    DURATION = "10 x duration"
    RESOURCES = "20 x resources"
    HOURS = "night hours"
    FAILURES = "failure burst"


def past_of(shape: Shape, seed: int, count: int) -> list[Said]:
    """Return events of an agent in order of time, over about four weeks."""
    random = Random(f"{shape.name} {seed}")
    events: list[Said] = []
    times = _times(shape, random, count)
    kinds = list(shape.kinds)
    last = kinds[0]
    for time in times:
        follows = kinds[(kinds.index(last) + 1) % len(kinds)]
        if random.random() < shape.persistence:
            last = follows
        else:
            last = random.choices(kinds, [share for share, _, _ in shape.kinds.values()])[0]
        events.append(_event(shape, random, last, time))
    return events


def _times(shape: Shape, random: Random, count: int) -> list[datetime]:
    times: list[datetime] = []
    while len(times) < count:
        day = _MONDAY + timedelta(days=random.randrange(_DAYS))
        if shape.is_weekly and day.weekday() >= _SATURDAY and random.random() >= shape.stray:
            continue
        hour = random.choice(range(24) if random.random() < shape.stray else shape.hours)
        time = day + timedelta(hours=hour, seconds=random.random() * 3600)
        times.append(time)
        for _ in range(max(0, shape.session - 1)):
            time += timedelta(seconds=random.expovariate(0.5) + 0.2)
            times.append(time)
    return sorted(times[:count])


def _event(shape: Shape, random: Random, kind: str, time: datetime) -> Said:
    _, duration, resources = shape.kinds[kind]
    slow = random.paretovariate(1.2) if random.random() < shape.heavy else 1.0
    said = {
        "duration_ms": duration * exp(random.gauss(0, shape.spread)) * slow,
        "resource_count": float(round(resources * exp(random.gauss(0, shape.spread)))),
        "success": random.random() >= shape.failures,
    }
    return {"event_type": kind, "timestamp": time, **{name: said[name] for name in shape.says}}


def drifted(event: Said, recent: Sequence[Said], drift: DriftOf) -> tuple[Said, list[Said]]:
    """Return an event that departs in one way, and the events before it, which fail as well in a burst of failures."""
    before = list(recent)
    if drift is DriftOf.KIND:
        return {**event, "event_type": "bulk_export"}, before
    if drift is DriftOf.DURATION:
        return {**event, "duration_ms": 10 * event["duration_ms"]}, before
    if drift is DriftOf.RESOURCES:
        return {**event, "resource_count": 20 * max(1.0, event["resource_count"])}, before
    if drift is DriftOf.HOURS:
        return {**event, "timestamp": event["timestamp"].replace(hour=3)}, []
    failed = [{**one, "success": False} for one in before[-8:]]
    return {**event, "success": False}, failed


def halves(shape: Shape, seed: int, count: int) -> tuple[list[Said], list[Said]]:
    """Return two pasts of one agent, of `count` events each, made of whole sessions that are drawn at random."""
    events, step = past_of(shape, seed, 2 * count), max(1, shape.session)
    sessions = [events[at : at + step] for at in range(0, len(events), step)]
    Random(seed).shuffle(sessions)  # a simulation
    every = [event for session in sessions for event in session]
    one, other = (sorted(half, key=itemgetter("timestamp")) for half in (every[:count], every[count:]))
    return one, other


def spoilt(event: Said) -> Said:
    """Return an event that departs in everything."""
    return {
        **event,
        "event_type": "bulk_export",
        "duration_ms": 10 * event["duration_ms"],
        "resource_count": 20 * max(1.0, event["resource_count"]),
        "timestamp": event["timestamp"].replace(hour=3),
        "success": False,
    }
