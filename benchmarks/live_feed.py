"""Live feed (goal P2): from ECS lines to findings, in micro-batches and one event at a time, per core.

    python benchmarks/live_feed.py --size 100000 --json OUT

`ecs_feed` generates the lines; the baselines are learnt from the days before by the reference. Measured is one process
pinned to one core, by its CPU time, the best of `--repeat` runs, each over lines of its own: no command line is ever
seen twice, by no cache. What was learnt is frozen out of the garbage collector's sight, and that looks less often, as
in a process that lives long:

- structs: `msgspec` alone, each line into objects with the fields that are needed;
- typed decode: each line to its event without secrets, which is what a source does;
- micro-batches: typed decode, then `LiveDay.feed` with 1,000 events at a time, findings included;
- one at a time: typed decode, then `LiveDay.judge_one` for each event;
- two processes, each with half of the hosts, beside one with all of them, by wall clock.

With `--check` the findings are compared with the reference's over all events, which takes long.
"""

import argparse
import gc
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from statistics import mean
from time import perf_counter, process_time
from typing import Any

from ecs_feed import Feed
from leeway.agents import IdKey, catalogue
from leeway.config import Policy, Settings
from leeway.detectors import ALL
from leeway.engines import Fold
from leeway.engines.live import LiveDay
from leeway.events import AnyEvent
from leeway.pipeline import DayEvents, Terms, World, close_day
from leeway.sources import Rejected, Skipped, spooled
from leeway.sources.by_line import record_of
from leeway.sources.ecs import Ecs
from leeway.sources.ecs_layout import DECODER
from record import Result, write_record

DAY = date(2026, 3, 9)
LEARNT_DAYS = 8
LEARNT_EVENTS = 20_000
"""Events of a day that is learnt."""

BATCH = 1_000
TERMS = Terms(IdKey(b"leeway live feed benchmark"), Settings(), Policy(), catalogue(), Fold(), ALL)

EVENT_OF = Ecs(spooled(BytesIO(b"-"), "feed")).event_of
"""What the source does with a line; it never reads its place."""

Lines = Sequence[bytes]


def decoded(lines: Lines) -> list[AnyEvent]:
    """Return the events of lines, as the source gives them.

    Raises:
        SystemExit: where one is refused: the workload would not be what it says.
    """
    records = [record_of(line, 0, EVENT_OF) for line in lines]
    if not {Rejected, Skipped}.isdisjoint(map(type, records)):
        raise SystemExit("a generated line was not read")
    return records  # type: ignore[return-value]  # none of them is anything else


def batches_of(lines: Lines, size: int = BATCH) -> list[Lines]:
    """Return the lines in batches."""
    return [lines[start : start + size] for start in range(0, len(lines), size)]


def learnt(feed: Feed) -> World:
    """Return the world after the days before the judged one."""
    world = World()
    for back in range(LEARNT_DAYS, 0, -1):
        day = DAY - timedelta(days=back)
        events = decoded(list(feed.lines(day, LEARNT_EVENTS)))
        world = close_day(world, DayEvents(day, (), tuple(events)), TERMS).world
    return world


def judged(world: World, lines: Lines, size: int = BATCH) -> tuple[LiveDay, int]:
    """Return the day after all lines, and how many findings were told on the way."""
    # The lines are kept by whoever hands them over, as in a database.
    live = LiveDay(world, TERMS, DAY, replay=lambda: decoded(lines))
    return live, sum(len(live.feed(decoded(batch))) for batch in batches_of(lines, size))


def best(work: Callable[[Lines], object], days: Sequence[Lines]) -> float:
    """Return the least CPU time of work over one day's lines, in seconds."""
    taken = []
    for lines in days:
        gc.collect()
        began = process_time()
        work(lines)
        taken.append(process_time() - began)
    return min(taken)


_SHARED: dict[str, Any] = {}
"""What forked processes find without its being sent."""


def _part(number: int) -> float:
    """Judge one part of the hosts; return the wall seconds."""
    began = perf_counter()
    judged(_SHARED["world"], _SHARED["parts"][number])
    return perf_counter() - began


def wall(world: World, parts: Sequence[Lines]) -> float:
    """Return the wall seconds until as many processes as there are parts have judged them."""
    _SHARED.update(parts=parts, world=world)
    with ProcessPoolExecutor(len(parts), mp_context=multiprocessing.get_context("fork")) as pool:
        return max(pool.map(_part, range(len(parts))))


def by_host(lines: Lines) -> list[Lines]:
    """Return the lines of even hosts, and those of odd ones."""
    parts: list[list[bytes]] = [[], []]
    for line in lines:
        name = line.partition(b'"hostname":"ws')[2].partition(b'"')[0]
        parts[int(name) % 2].append(line)
    return list(parts)


def check(world: World, lines: Lines, live: LiveDay) -> None:
    """Hold the findings to the reference's.

    Raises:
        SystemExit: where they differ.
    """
    events = tuple(event for batch in batches_of(lines) for event in decoded(batch))
    if live.findings() != list(close_day(world, DayEvents(DAY, events), TERMS, is_final=False).findings):
        raise SystemExit("the findings are not those of the reference")


def measured(world: World, given: argparse.Namespace, feed: Feed) -> list[Result]:
    """Return the figures of one core."""
    count = given.size

    def days() -> list[Lines]:
        return [list(feed.lines(DAY, count)) for _ in range(given.repeat)]

    structs = best(lambda lines: [DECODER.decode(line) for line in lines], days())
    decode = best(lambda lines: [len(decoded(batch)) for batch in batches_of(lines)], days())
    batches = best(lambda lines: judged(world, lines), days())
    single = best(lambda lines: judged(world, lines, 1), days())
    return [
        Result("P2: micro-batches of 1,000", count / batches, "events/s", "≥ 60,000"),
        Result("P2: micro-batches / typed decode alone", decode / batches, "ratio", "≥ 0.25"),
        Result("P2: one at a time", count / single, "events/s", "≥ 20,000"),
        Result("typed decode alone, line to event", count / decode, "events/s"),
        Result("structs alone, line to objects", count / structs, "lines/s"),
        Result("micro-batches / structs alone", structs / batches, "ratio"),
    ]


def told(lines: Lines, live: LiveDay, news: int) -> list[Result]:
    """Return figures about the workload itself."""
    sizes = [len(line) for line in lines]
    return [
        Result("lines", len(lines), ""),
        Result("shortest line", min(sizes), "bytes"),
        Result("mean line", mean(sizes), "bytes"),
        Result("longest line", max(sizes), "bytes"),
        Result("agents", len(live.summaries()), ""),
        Result("findings told on the way", news, ""),
        Result("runs of the reference", live.restarts, ""),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and write the results; return 1 where a goal is not met."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100_000, help="lines of the judged day")
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--seed", type=int, default=20_260_309)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--check", action="store_true", help="compare the findings with the reference's")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the results")
    given = parser.parse_args(words)
    feed = Feed(given.seed, given.agents)
    world, lines = learnt(feed), list(feed.lines(DAY, given.size))
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    results: list[Result] = []
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        ratio = wall(world, [lines]) / wall(world, by_host(lines))
        results = [Result("P2: two processes / one", ratio, "ratio", "≥ 1.7")]
    os.sched_setaffinity(0, {cores[-1]})
    live, news = judged(world, lines)
    if given.check:
        check(world, lines, live)
    results = [*measured(world, given, feed), *results, *told(lines, live, news)]
    parameters = {"size": given.size, "agents": given.agents, "seed": given.seed, "batch": BATCH}
    write_record(given.json, benchmark="live_feed", goal="P2", argv=words, parameters=parameters, results=results)
    return 0 if all(one.met is not False for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
