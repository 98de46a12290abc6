"""Simulated agents of several shapes: what they do ordinarily, and how they drift."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday."""

Record = dict[str, Any]

_STEPS = ("read", "search", "think", "write")


def office(seed: int, days: int = 28) -> Iterator[Record]:
    """At work on weekdays from 8 to 18, four types of acts in a usual order, three places."""
    draw = Random(seed)  # noqa: S311  # a simulation
    for day in range(days):
        if (START + timedelta(days=day)).weekday() >= 5:
            continue
        for number in range(60):
            time = START + timedelta(days=day, hours=8 + number / 6, seconds=draw.uniform(0, 300))
            yield _act(draw, time, _STEPS[number % 4] if draw.random() < 0.9 else draw.choice(_STEPS))


def _act(draw: Random, time: datetime, kind: str) -> Record:
    event = {
        "timestamp": time,
        "event_type": kind,
        "duration_ms": draw.lognormvariate(6, 0.5),
        "resource_count": 1 + int(draw.expovariate(0.3)),
        "session_id": f"{time:%Y-%m-%d}",
    }
    if kind in {"read", "search"}:
        event["destination"] = draw.choice(("api.example.com", "docs.example.org", "192.0.2.7"))
    return event


def steady(seed: int, days: int = 28) -> Iterator[Record]:
    """The same act every quarter of an hour, day and night, with the very same amounts."""
    for number in range(days * 96):
        time = START + timedelta(minutes=15 * number, seconds=seed)
        yield {"timestamp": time, "event_type": "poll", "duration_ms": 250, "resource_count": 3}


def bursty(seed: int, days: int = 28) -> Iterator[Record]:
    """Jobs at any hour, of five to forty acts each, seconds apart, with heavy tails and many hosts of one domain."""
    draw = Random(seed)  # noqa: S311  # a simulation
    for day in range(days):
        for _ in range(6):
            time = START + timedelta(days=day, seconds=draw.uniform(0, 86_000))
            for number in range(draw.randint(5, 40)):
                time += timedelta(seconds=draw.expovariate(0.2))
                kind = "start" if number == 0 else draw.choice(("fetch", "fetch", "fetch", "parse"))
                yield {
                    "timestamp": time,
                    "event_type": kind,
                    "duration_ms": draw.lognormvariate(5, 1),
                    "resource_count": draw.paretovariate(1.5),
                    "destination": f"edge{draw.randint(1, 10_000)}.cdn.example" if kind == "fetch" else None,
                }


AGENTS: dict[str, Callable[..., Iterator[Record]]] = {"office": office, "steady": steady, "bursty": bursty}


def ordered(records: Iterator[Record]) -> list[Record]:
    return sorted(records, key=lambda one: one["timestamp"])
