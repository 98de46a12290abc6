"""Live feed (goal P2): from ECS lines to findings, in micro-batches and one event at a time, per core.

    python benchmarks/live_feed.py --size 200000 --json OUT

The lines are generated from a seed and shaped as Elastic's endpoint writes them, 1.6 KB on average: starts of processes,
each with a command line that no other has, their ends, connections, name look-ups, loads of libraries and touches of
files, by some fifty agents, what they start, and other programs of their hosts. The baselines are learnt from the days
before by the reference. Measured is one process pinned to one core, by the CPU time it takes:

- structs: `msgspec` alone, each line into typed objects with the fields that are needed;
- decode: each line to its event, without secrets (what a source does);
- batches: decode, then `LiveDay.feed` with 1,000 events at a time, findings included;
- single: decode, then `LiveDay.judge_one` for each event;
- two: two processes, each with half of the hosts, by wall clock; against one process with all of them.

The findings of the last batch are compared with those of the reference over all events when `--check` is given.
"""

import argparse
import gc
import json
import multiprocessing
import os
import platform
import random
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from io import BytesIO
from time import perf_counter, process_time
from typing import Any, NamedTuple

from leeway.agents import IdKey, catalogue
from leeway.config import Policy, Settings
from leeway.detectors import ALL
from leeway.engines import engine_named
from leeway.engines.live import LiveDay
from leeway.events import AnyEvent
from leeway.findings import Finding
from leeway.pipeline import DayEvents, Terms, World, close_day
from leeway.sources import Rejected, Skipped, spooled
from leeway.sources.by_line import record_of
from leeway.sources.ecs import Ecs
from leeway.sources.ecs_layout import DECODER

DAY = date(2026, 3, 9)
LEARNT_DAYS = 8
LEARNT_EVENTS = 20_000
"""Events of a day that is learnt."""

BATCH = 1_000
AGENTS_PER_HOST = 5
GOALS = {"batches per second": 60_000, "batches / decode": 0.25, "single per second": 20_000, "two / one": 1.7}

TERMS = Terms(
    ids=IdKey(b"leeway live feed benchmark"),
    settings=Settings(),
    policy=Policy(),
    catalogue=catalogue(),
    engine=engine_named("fold"),
    detectors=ALL,
)

_PROGRAMS = ("git", "bash", "rg", "node", "python3", "sed", "cat", "npm", "pytest", "make")
_VERBS = ("fix", "add", "move", "drop", "test", "tidy", "speed up", "rename", "document", "check")
_NOUNS = ("the parser", "a race", "its tests", "two flags", "the cache", "old code", "an index", "the docs", "a leak")


class Doer(NamedTuple):
    """A process that starts others: an agent, or another program of its host."""

    host: str
    uid: str
    pid: int
    image: str
    line: str
    number: int
    is_agent: bool


class Feed:
    """Generates the lines of days, all from one seed."""

    def __init__(self, seed: int, agents: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  # a workload, no secret
        hosts = max(1, agents // AGENTS_PER_HOST)
        self._doers = [self._agent(number, number % hosts) for number in range(agents)]
        self._doers += [self._service(number, number % hosts) for number in range(agents // 2)]
        self._count = 0

    def _agent(self, number: int, host: int) -> Doer:
        line = f"claude --model opus --session-name crew-{chr(97 + number % 26)}{chr(97 + number // 26)}"
        return Doer(f"ws{host}", f"agent-{number}", 1_000 + number, "/usr/local/bin/claude", line, number, True)

    def _service(self, number: int, host: int) -> Doer:
        return Doer(
            f"ws{host}", f"service-{number}", 400 + number, "/usr/sbin/cron", f"cron -n {number}", 1_000 + number, False
        )

    def lines(self, day: date, count: int) -> Iterator[bytes]:
        """Yield the lines of one day, in the order of time."""
        start = datetime.combine(day, time(6), UTC)
        step = timedelta(hours=16) / max(count, 1)
        running: dict[Doer, list[dict[str, Any]]] = {doer: [] for doer in self._doers}
        for doer in self._doers:
            yield self._line(start, self._start(doer, None, day))
        for number in range(count - len(self._doers)):
            yield self._line(start + step * (number + 1), self._act(running, day))

    def _act(self, running: dict[Doer, list[dict[str, Any]]], day: date) -> dict[str, Any]:
        doer = self._random.choice(self._doers)
        children = running[doer]
        sort = self._random.random()
        if sort < 0.15 or not children:  # noqa: PLR2004  # the share of starts
            start = self._start(doer, doer, day)
            children.append(start)
            return start
        if sort < 0.29 and len(children) > 1:  # noqa: PLR2004  # ends
            return self._end(children.pop(self._random.randrange(len(children))))
        who = self._random.choice(children[-12:])
        if sort < 0.5:  # noqa: PLR2004  # connections
            return self._flow(doer, who)
        return self._lookup(doer, who) if sort < 0.62 else self._file_or_module(doer, who)  # noqa: PLR2004  # look-ups

    def _start(self, doer: Doer, parent: Doer | None, day: date) -> dict[str, Any]:
        self._count += 1
        if parent is None:
            process = self._process(f"{doer.uid}-{day}", doer.pid, doer.image, doer.line)
            shell = self._process(f"shell-{doer.host}", 90, "/bin/bash", "-bash")
            return {"doer": doer, "category": "process", "type": "start", "process": {**process, "parent": shell}}
        program = self._random.choice(_PROGRAMS[: 6 + doer.number % 5])
        process = self._process(
            f"run-{self._count}-{day}", 3_000 + self._count % 29_000, f"/usr/bin/{program}", self._command(program)
        )
        above = self._process(f"{parent.uid}-{day}", parent.pid, parent.image, parent.line)
        return {"doer": doer, "category": "process", "type": "start", "process": {**process, "parent": above}}

    def _command(self, program: str) -> str:
        rng = self._random
        words = f"{rng.choice(_VERBS)} {rng.choice(_NOUNS)} {rng.choice(_VERBS)} {rng.choice(_NOUNS)}"
        if rng.random() < 0.5:  # noqa: PLR2004  # half are alike but for ids and numbers
            return f"/usr/bin/{program} --quiet run --task {rng.getrandbits(64):016x} --port {rng.randint(1, 9_999)} src/app"
        path = f"src/{rng.choice(_NOUNS).replace(' ', '_')}/part{rng.randint(1, 99_999)}.py"
        return f"/usr/bin/{program} -m '{words}, see {rng.getrandbits(96):024x}' --author ana --limit {rng.randint(1, 512)} {path}"

    def _process(self, uid: str, pid: int, image: str, line: str | None) -> dict[str, Any]:
        base = {"entity_id": f"ZGQ5{uid}", "pid": pid, "executable": image, "name": image.rpartition("/")[2]}
        if line is None:
            return base
        digest = f"{sum(image.encode()):08x}"
        hashes = {"md5": digest * 4, "sha1": digest * 5, "sha256": digest * 8}
        return {**base, "command_line": line, "args": line.split(), "args_count": len(line.split()), "hash": hashes}

    def _end(self, start: dict[str, Any]) -> dict[str, Any]:
        process = {key: value for key, value in start["process"].items() if key != "parent"}
        return {**start, "type": "end", "process": {**process, "exit_code": 0}}

    def _named(self, start: dict[str, Any]) -> dict[str, Any]:
        process = start["process"]
        return self._process(process["entity_id"][4:], process["pid"], process["executable"], None)

    def _flow(self, doer: Doer, start: dict[str, Any]) -> dict[str, Any]:
        rng = self._random
        place = self._place(doer)
        ends = rng.random() < 0.4  # noqa: PLR2004  # the others open
        out, back = (int(rng.lognormvariate(7, 1)), int(rng.lognormvariate(9, 1))) if ends else (None, None)
        return {
            "doer": doer,
            "category": "network",
            "type": "end" if ends else "start",
            "process": self._named(start),
            "destination": {"domain": place, "ip": f"198.51.{doer.number % 100}.{rng.randint(1, 9)}", "port": 443, "bytes": back},
            "source": {"ip": "10.0.0.5", "port": rng.randint(49_152, 65_535), "bytes": out},
            "network": {"direction": "egress", "transport": "tcp", "type": "ipv4"},
        }

    def _place(self, doer: Doer) -> str:
        if self._random.random() < 0.0003:  # noqa: PLR2004  # drift
            return f"drop{self._random.randint(1, 40)}.example.net"
        return f"api{self._random.randint(1, 9)}.vendor{(doer.number + self._random.randint(1, 6)) % 60}.example.com"

    def _lookup(self, doer: Doer, start: dict[str, Any]) -> dict[str, Any]:
        dns = {"question": {"name": self._place(doer), "type": "A"}, "resolved_ip": [f"198.51.{doer.number % 100}.7"]}
        return {
            "doer": doer,
            "category": "network",
            "type": "info",
            "action": "lookup_result",
            "process": self._named(start),
            "dns": dns,
            "network": {"protocol": "dns"},
        }

    def _file_or_module(self, doer: Doer, start: dict[str, Any]) -> dict[str, Any]:
        rng = self._random
        process = self._named(start)
        if rng.random() < 0.5:  # noqa: PLR2004  # half are loads
            name = f"lib{rng.choice('abcdefghijklmnop')}{doer.number % 7}.so.{rng.randint(1, 4)}"
            dll = {"path": f"/usr/lib/x86_64-linux-gnu/{name}", "name": name, "hash": {"sha256": f"{len(name):064x}"}}
            return {"doer": doer, "category": "library", "type": "start", "process": process, "dll": dll}
        folder = f"/home/ana/work{doer.number % 9}/src/{rng.choice(_PROGRAMS)}"
        path = f"{folder}/file{rng.randint(1, 900)}.py" if rng.random() < 0.9 else f"{folder}/{rng.choice(_VERBS)}.txt"  # noqa: PLR2004
        action = rng.choice(("creation", "change", "change", "deletion"))
        return {"doer": doer, "category": "file", "type": action, "process": process, "file": {"path": path}}

    def _line(self, moment: datetime, act: dict[str, Any]) -> bytes:
        """Return the document of an act, with all that the endpoint says besides."""
        doer: Doer = act["doer"]
        self._count += 1
        stamp = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
        event = {
            "action": act.get("action", act["type"]),
            "agent_id_status": "verified",
            "category": [act["category"]],
            "created": stamp,
            "dataset": f"endpoint.events.{act['category']}",
            "id": f"NWd3{self._count:010d}+++++L{moment.toordinal()}",
            "ingested": stamp,
            "kind": "event",
            "module": "endpoint",
            "outcome": "unknown",
            "sequence": self._count,
            "type": [act["type"]],
        }
        told = {key: value for key, value in act.items() if key not in {"doer", "category", "type", "action"}}
        told["process"] = {**told["process"], "Ext": {"ancestry": [f"ZGQ5{doer.uid}", f"ZGQ5shell-{doer.host}", "ZGQ5MQ=="]}}
        document = {"@timestamp": stamp, **_shared(doer.host), "event": event, **told}
        return json.dumps(document, separators=(",", ":")).encode()


def _shared(host: str) -> dict[str, Any]:
    """Return what every document of a host says."""
    system = {
        "Ext": {"variant": "Ubuntu"},
        "family": "ubuntu",
        "full": "Ubuntu 24.04.2",
        "kernel": "6.8.0-60-generic #63-Ubuntu SMP",
        "name": "Linux",
        "platform": "ubuntu",
        "type": "linux",
        "version": "24.04.2",
    }
    sensor = f"3f2c9a4e-7d1b-4a53-9c55-{host:0>12}"
    return {
        "agent": {"id": sensor, "type": "endpoint", "version": "9.1.2", "build": {"original": "version: 9.1.2, compiled"}},
        "data_stream": {"dataset": "endpoint.events", "namespace": "default", "type": "logs"},
        "ecs": {"version": "8.10.0"},
        "elastic": {"agent": {"id": sensor}},
        "host": {
            "architecture": "x86_64",
            "hostname": host,
            "id": sensor.replace("-", ""),
            "ip": ["127.0.0.1", "::1", "10.0.0.5", "fe80::42:acff:fe11:2"],
            "mac": ["02-42-ac-11-00-02"],
            "name": host,
            "os": system,
        },
        "message": "Endpoint event",
        "user": {"Ext": {"real": {"id": 1000, "name": "ana"}}, "id": "1000", "name": "ana"},
        "group": {"Ext": {"real": {"id": 1000, "name": "ana"}}, "id": "1000", "name": "ana"},
    }


def decoded(lines: Sequence[bytes]) -> list[AnyEvent]:
    """Return the events of lines, as the source gives them.

    Raises:
        SystemExit: where one is refused: the workload would not be what it says.
    """
    event_of = Ecs(spooled(BytesIO(b"-"), "feed")).event_of
    records = [record_of(line, 0, event_of) for line in lines]
    if any(isinstance(record, Rejected | Skipped) for record in records):
        raise SystemExit("a generated line was not read")
    return [record for record in records if not isinstance(record, Rejected | Skipped)]


def learnt(feed: Feed) -> World:
    """Return the world after the days before the judged one."""
    world = World()
    for back in range(LEARNT_DAYS, 0, -1):
        day = DAY - timedelta(days=back)
        events = decoded(list(feed.lines(day, LEARNT_EVENTS)))
        world = close_day(world, DayEvents(day, (), tuple(events)), TERMS).world
    return world


def in_batches(world: World, lines: Sequence[bytes], size: int) -> tuple[LiveDay, list[Finding]]:
    """Return the day after all lines, and what was said of it on the way."""
    live = LiveDay(world, TERMS, DAY)
    said: list[Finding] = []
    for start in range(0, len(lines), size):
        said += live.feed(decoded(lines[start : start + size]))
    return live, said


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU seconds and the wall seconds of some work."""
    gc.collect()
    cpu, wall = process_time(), perf_counter()
    work()
    return process_time() - cpu, perf_counter() - wall


_SHARED: dict[str, Any] = {}


def _half(number: int) -> float:
    """Judge the hosts of one half; return the wall seconds."""
    lines, world = _SHARED["halves"][number], _SHARED["world"]
    return timed(lambda: in_batches(world, lines, BATCH))[1]


def in_two_processes(world: World, lines: Sequence[bytes]) -> float:
    """Return the wall seconds that two processes need, each for half of the hosts."""
    halves: list[list[bytes]] = [[], []]
    for line in lines:
        name = line.partition(b'"hostname":"ws')[2].partition(b'"')[0]
        halves[int(name) % 2].append(line)
    _SHARED.update(halves=halves, world=world)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        return max(pool.map(_half, range(2)))


def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return all results of a run."""
    feed = Feed(arguments.seed, arguments.agents)
    world = learnt(feed)
    lines = list(feed.lines(DAY, arguments.size))
    sizes = [len(line) for line in lines]
    cores = sorted(os.sched_getaffinity(0))
    wall_two = in_two_processes(world, lines) if len(cores) > 1 else None
    os.sched_setaffinity(0, {cores[-1]})
    structs, _ = timed(lambda: [DECODER.decode(line) for line in lines])
    decode, _ = timed(lambda: [decoded(lines[start : start + BATCH]) for start in range(0, len(lines), BATCH)])
    kept: list[tuple[LiveDay, list[Finding]]] = []
    batches, wall = timed(lambda: kept.append(in_batches(world, lines, BATCH)))
    single, _ = timed(lambda: in_batches(world, lines, 1))
    live, said = kept[0]
    if arguments.check:
        events = tuple(event for start in range(0, len(lines), BATCH) for event in decoded(lines[start : start + BATCH]))
        expected = close_day(world, DayEvents(DAY, events), TERMS, is_final=False).findings
        if live.findings() != list(expected):
            raise SystemExit("the findings are not those of the reference")
    count = len(lines)
    return {
        "lines": count,
        "line bytes": {"min": min(sizes), "mean": round(statistics.mean(sizes)), "max": max(sizes)},
        "agents": len(live.summaries()),
        "findings": len(live.findings()),
        "findings told on the way": len(said),
        "runs of the reference": live.restarts,
        "structs per second": round(count / structs),
        "decode per second": round(count / decode),
        "batches per second": round(count / batches),
        "batches per second by wall clock": round(count / wall),
        "batches / structs": round(structs / batches, 3),
        "batches / decode": round(decode / batches, 3),
        "single per second": round(count / single),
        "two / one": None if wall_two is None else round(wall / wall_two, 2),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and write the results; return 1 where a goal is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=200_000, help="lines of the judged day")
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--seed", type=int, default=20_260_309)
    parser.add_argument("--check", action="store_true", help="compare the findings with the reference's")
    parser.add_argument("--json", metavar="OUT", help="where to write the results")
    arguments = parser.parse_args(argv)
    results = measured(arguments)
    met = {name: results[name] is not None and results[name] >= goal for name, goal in GOALS.items()}
    for name, value in results.items():
        print(f"{name:36} {value}{'' if name not in met else ' (goal met)' if met[name] else ' (goal NOT met)'}")
    report = {
        "benchmark": "live_feed",
        "goal": "P2",
        "command": f"python benchmarks/live_feed.py --size {arguments.size} --agents {arguments.agents}",
        "machine": platform.machine(),
        "parameters": {"seed": arguments.seed, "size": arguments.size, "agents": arguments.agents, "batch": BATCH},
        "results": results,
        "goals": GOALS,
        "met": met,
    }
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:  # noqa: PTH123  # a path that the caller gave
            json.dump(report, file, indent=2, sort_keys=True)
            file.write("\n")
    return 0 if all(met.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
