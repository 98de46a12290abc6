"""Memory of baselines (goal P7): what a process grows by when it holds those of many agents, packed.

    python benchmarks/baseline_memory.py --size 10000 --json OUT

Each agent has 200 established values. The baselines are made one after another and given to `PackedBaselines`, as they
come out of a database; a second process holds the same ones as they are, the peer. Each runs by itself, and what is
told is the growth of its resident memory over what it had before the first baseline.
"""

import argparse
import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from leeway.agents import AgentKey, IdKey
from leeway.baselines import Baseline, Entry
from leeway.baselines.packed import PackedBaselines
from leeway.config import LearningProfile
from leeway.events import EventRef, Facet
from record import Result, write_record

TODAY = 739_600
GOAL = 120
"""MiB at 10,000 agents of 200 values."""

_FACETS = (Facet.DOMAIN, Facet.CHILD_ARGUMENTS, Facet.DIRECTORY, Facet.MODULE)
_IDS = IdKey(b"leeway baseline memory benchmark")


def baselines(agents: int, values: int, seed: int) -> Iterator[Baseline]:
    """Yield the baselines of some agents; every value is one agent's own."""
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    for agent in range(agents):
        entries: dict[Facet, dict[tuple[str, ...], Entry]] = {facet: {} for facet in _FACETS}
        for number in range(values):
            value = (f"s{number}.example", f"h{seed}.{agent}.s{number}.example")
            exemplar = EventRef(moment, f"event-{agent}-{number}")
            entries[_FACETS[number % 4]][value] = Entry(TODAY - 1, 0b1011101, 40, TODAY - 30, 0xFF00, exemplar)
        yield Baseline(
            agent=f"{agent:032x}",
            key=AgentKey(f"ws{agent // 5}", "claude", f"--session-name crew-{agent}", None),
            first_day=TODAY - 30,
            last_day=TODAY - 1,
            active_days=20,
            events=4_000,
            entries=entries,
        )


def resident() -> float:
    """Return the resident memory of this process in MiB."""
    status = Path("/proc/self/status").read_text("utf-8")
    kib = int(status.partition("VmRSS:")[2].split()[0])
    return kib / 1_024


def grown(hold: Callable[[Iterator[Baseline]], object], agents: int, values: int, seed: int) -> dict[str, float]:
    """Return what holding the baselines adds to the resident memory, and the seconds that making it took."""
    hold(baselines(50, values, seed))
    gc.collect()
    before, began = resident(), perf_counter()
    held = hold(baselines(agents, values, seed))
    seconds = perf_counter() - began
    gc.collect()
    after = resident()
    del held
    return {"MiB": round(after - before, 1), "seconds": round(seconds, 2)}


HOLD: dict[str, Callable[[Iterator[Baseline]], object]] = {
    "packed": lambda found: PackedBaselines(found, _IDS, LearningProfile()),
    "as they are": list,
}


def _measured(way: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Measure one way in a process of its own."""
    shared = ["--size", str(arguments.size), "--values", str(arguments.values), "--seed", str(arguments.seed)]
    command = [sys.executable, __file__, "--hold", way, *shared]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # this script
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and write the results; return 1 where the goal is not met."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=10_000, help="agents")
    parser.add_argument("--values", type=int, default=200, help="values of each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hold", choices=HOLD, help="only measure this way, in this process")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the results")
    arguments = parser.parse_args(words)
    if arguments.hold:
        print(json.dumps(grown(HOLD[arguments.hold], arguments.size, arguments.values, arguments.seed)))
        return 0
    found = {way: _measured(way, arguments) for way in HOLD}
    count = arguments.size * arguments.values
    bar = GOAL * count / (10_000 * 200)
    results = [
        Result(
            f"P7: {arguments.size:,} agents of {arguments.values} values, packed",
            found["packed"]["MiB"],
            "MiB",
            f"≤ {bar:g}",
        ),
        Result("the same baselines as they are", found["as they are"]["MiB"], "MiB"),
        Result("packed, a value", found["packed"]["MiB"] * (1 << 20) / count, "bytes"),
        Result("as they are / packed", found["as they are"]["MiB"] / found["packed"]["MiB"], "ratio"),
        Result("making and packing them", found["packed"]["seconds"], "s"),
    ]
    parameters = {"agents": arguments.size, "values": arguments.values, "seed": arguments.seed}
    write_record(
        arguments.json, benchmark="baseline_memory", goal="P7", argv=words, parameters=parameters, results=results
    )
    return 0 if all(one.met is not False for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
