"""A day that is over leaves nothing behind: what the garbage collector does not look at must not refer to itself."""

import gc
import tracemalloc
from collections.abc import Sequence
from datetime import timedelta

import pytest

from builders import CLAUDE, DAY, at, called, process, reached, started, terms, touched, week
from leeway.engines.live import LiveDay
from leeway.events import AnyEvent, Process
from leeway.pipeline import World

COUNT = 200
TERMS = terms()
DAYS = 4
LEFT_BYTES = 4_000
"""What a day may leave in caches; what it counts takes a hundred times as much."""


def busy() -> list[AnyEvent]:
    """Return the day of an agent with many children, their connections, files and calls."""
    events: list[AnyEvent] = [started(CLAUDE, None, at(9))]
    for number in range(COUNT):
        child, when = process("bash", f"c{number}", f"bash -c {number}"), at(10) + timedelta(seconds=number)
        events += [
            started(child, CLAUDE, when),
            reached(f"h{number % 7}.example.org", 443, when, child, bytes_out=100 + number),
            touched(f"/srv/a/{number % 9}.txt", "modified", when, child),
            called("lookup", when, instance_uid=f"run-{number % 3}"),
        ]
    return events


def circular() -> list[AnyEvent]:
    """Return the day of processes that say to be each other's ancestors, in circles short and long."""
    events: list[AnyEvent] = []
    for length, rounds in ((2, 60), (5, 30), (40, 6)):
        for turn in range(rounds):
            ring = [process("bash", f"r{length}-{turn}-{at_}", f"bash {at_}") for at_ in range(length)]
            events += _ring(ring, turn)
    return events


def _ring(ring: Sequence[Process], turn: int) -> list[AnyEvent]:
    when = at(11) + timedelta(seconds=turn)
    whole: list[AnyEvent] = [
        started(one, ring[number - 1], when + timedelta(milliseconds=number)) for number, one in enumerate(ring)
    ]
    return [*whole, *(reached("a.example.org", 443, when + timedelta(seconds=1), one) for one in ring)]


def judged(world: World, events: Sequence[AnyEvent]) -> int:
    """Judge a day event by event; return how many findings it told."""
    live = LiveDay(world, TERMS, DAY, replay=lambda: events)
    return sum(len(live.judge_one(event)) for event in events) + len(live.summaries())


@pytest.mark.parametrize("events", [busy(), circular()], ids=["busy", "circular"])
def test_a_day_that_is_over_leaves_nothing(events: Sequence[AnyEvent]) -> None:
    world = week([started(CLAUDE), reached("a.example.org")])
    told = judged(world, events)
    gc.collect()
    tracemalloc.start()
    try:
        assert judged(world, events) == told
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(DAYS):
            judged(world, events)
        gc.collect()
        left = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert left < DAYS * LEFT_BYTES
