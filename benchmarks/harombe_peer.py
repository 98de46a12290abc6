"""How does the library compare with harombe 0.3.1, whose calls it takes (P1, P5, P6)?

    python benchmarks/harombe_peer.py --json FILE [--python PYTHON-THAT-HAS-HAROMBE] [--harombe FOLDER]

Scoring one event, training one agent, its model on disk and in memory, and recording events for a baseline. Each figure
comes from a process of its own, the two sides taking turns `--repeat` times; medians. Training, recording and the
slowest scores are processor time of all threads, for others may be at work on the machine. Both see the same events,
which end at the present, because harombe's window goes by the clock. Recording is measured to 8,000 events there and to
100,000 here.

harombe's modules are loaded by file, because importing its package needs 43 distributions. What they need themselves:
`pip install --no-deps harombe==0.3.1` and `pip install pydantic scikit-learn joblib numpy`.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from math import log
from pathlib import Path
from random import Random
from resource import RUSAGE_SELF, getrusage
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter_ns, process_time, process_time_ns
from types import ModuleType
from typing import Any

from record import Result, write_record

EVENTS = 1_000
"""Events that an agent is trained on."""

HELD = 30
"""Agents whose models are held at once, to see what one of them takes."""

RECORDED = (1_000, 2_000, 4_000, 8_000)
MORE = (10_000, 100_000)
"""Numbers of events recorded: by both, and by Leeway alone."""

SIDES = ("leeway", "harombe")
_TYPES = ("api_call", "file_read", "file_write", "search", "tool_call")
_DAYS = 20

Figures = dict[str, float]


def events(count: int, *, seed: int, zone: bool) -> list[dict[str, Any]]:
    """Return events of the last twenty days; harombe compares their times with a clock that has no zone."""
    draw = Random(seed)  # noqa: S311  # a simulation
    end = datetime.now(UTC) if zone else datetime.now(UTC).replace(tzinfo=None)
    start, step = end - timedelta(days=_DAYS), timedelta(days=_DAYS) / count
    return [
        {
            "timestamp": start + number * step,
            "event_type": draw.choices(_TYPES, (50, 20, 15, 10, 5))[0],
            "resource_count": 1 + int(draw.expovariate(0.3)),
            "duration_ms": draw.lognormvariate(5, 0.6),
            "success": draw.random() < 0.97,  # noqa: PLR2004
        }
        for number in range(count)
    ]


def peer_modules(folder: Path | None) -> ModuleType:
    """Return harombe's `security/ml` as a package without running what its `__init__` imports.

    Raises:
        SystemExit: where it is not installed.
    """
    if folder is None:
        spec = find_spec("harombe")
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit("harombe is not installed: pip install --no-deps harombe==0.3.1")
        folder = Path(next(iter(spec.submodule_search_locations))) / "security" / "ml"
    package = ModuleType("harombe_ml")
    package.__path__ = [str(folder)]
    sys.modules[package.__name__] = package
    return package


def classes(side: str, folder: Path | None) -> tuple[Any, Any]:
    """Return the detector and the learner of a side."""
    if side == "harombe":
        name = peer_modules(folder).__name__
        detector = import_module(f"{name}.anomaly_detector").AnomalyDetector
        return detector, import_module(f"{name}.behavioral_baseline").BaselineLearner
    detector = import_module("leeway.library.detector").AnomalyDetector
    return detector, import_module("leeway.library.learner").BaselineLearner


def scoring(side: str, folder: Path | None, seed: int) -> Figures:
    """Return what training, scoring and the saved model take."""
    found, _ = classes(side, folder)
    with TemporaryDirectory(prefix="leeway-peer-") as place:
        detector = found(model_dir=Path(place))
        history = events(EVENTS, seed=seed, zone=side == "leeway")
        detector.train("warm", history)
        began = process_time()
        detector.train("agent", history)
        trained = process_time() - began
        detector.save_model("agent")
        size = sum(file.stat().st_size for file in Path(place).rglob("*") if file.is_file())
        others = events(300 if side == "harombe" else 3_000, seed=seed + 1, zone=side == "leeway")
        taken = [_timed(partial(detector.detect, "agent", event)) for event in others]
        walls, processors = (sorted(times) for times in zip(*taken, strict=True))
    return {
        "p50": walls[len(walls) // 2],
        _MIDDLE: processors[len(walls) // 2],
        _SLOWEST: processors[len(walls) * 99 // 100],
        "train": trained * 1_000,
        "model": size / 1_000,
    }


def holding(side: str, folder: Path | None, seed: int) -> Figures:
    """Return the kB that a model takes in memory once it scored an event, by how the process's peak grows."""
    found, _ = classes(side, folder)
    history = events(EVENTS, seed=seed, zone=side == "leeway")
    with TemporaryDirectory(prefix="leeway-peer-") as place:
        detector = found(model_dir=Path(place))
        peaks = []
        for number in range(HELD + 1):  # the first pays for what all share
            detector.train(f"agent {number}", history)
            detector.detect(f"agent {number}", history[0])
            peaks.append(getrusage(RUSAGE_SELF).ru_maxrss * _PEAK_UNIT)
    return {"memory": (peaks[-1] - peaks[0]) / HELD / 1_000}


_PEAK_UNIT = 1 if sys.platform == "darwin" else 1_024
"""Bytes that the peak is told in."""


def _timed(call: Callable[[], object]) -> tuple[float, float]:
    """Return the microseconds that a call takes, by the wall and of the processor."""
    wall, processor = perf_counter_ns(), process_time_ns()
    call()
    return (perf_counter_ns() - wall) / 1_000, (process_time_ns() - processor) / 1_000


def recording(side: str, folder: Path | None, seed: int, count: int) -> Figures:
    """Return the seconds that recording some events of one agent takes."""
    _, found = classes(side, folder)
    learner = found()
    given = events(count, seed=seed, zone=side == "leeway")
    began = process_time()
    for event in given:
        learner.record_event("agent", event)
    return {"seconds": process_time() - began}


def versions() -> dict[str, str]:
    """Return the versions that a side runs on."""
    found = {"python": sys.version.split()[0]}
    for package in ("harombe", "scikit-learn", "numpy"):
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def measured(options: argparse.Namespace) -> tuple[dict[str, Figures], dict[tuple[str, int], float]]:
    """Return the medians of both sides, taking turns: of scoring, and of recording each number of events."""
    scored: dict[str, list[Figures]] = {side: [] for side in SIDES}
    recorded: dict[tuple[str, int], list[float]] = {}
    for _ in range(options.repeat):
        for side in SIDES:
            scored[side].append(_alone(side, options, "--scoring") | _alone(side, options, "--holding"))
        for count in (*options.recorded, *options.more):
            for side in SIDES if count in options.recorded else SIDES[:1]:
                taken = _alone(side, options, "--recording", str(count))
                recorded.setdefault((side, count), []).append(taken["seconds"])
    middles = {side: {name: median(one[name] for one in found) for name in found[0]} for side, found in scored.items()}
    return middles, {key: median(found) for key, found in recorded.items()}


def _alone(side: str, options: argparse.Namespace, *words: str) -> Any:  # noqa: ANN401  # what the side prints
    """Return what one side measures in a process of its own."""
    python = options.python if side == "harombe" else sys.executable
    folder = ["--harombe", str(options.harombe)] if options.harombe else []
    command = [str(python), __file__, "--side", side, "--seed", str(options.seed), *folder, *words]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603  # this script
    return json.loads(done.stdout)


def told(scored: dict[str, Figures], recorded: dict[tuple[str, int], float]) -> list[Result]:
    """Return all figures with their goals."""
    own, peer = scored["leeway"], scored["harombe"]
    results = [
        Result("P1: harombe / Leeway, scoring one event, p50", peer["p50"] / own["p50"], "ratio", "≥ 300"),
        Result("P1: Leeway, scoring one event, p50", own["p50"], "us", "≤ 100"),
        Result("P1: Leeway, scoring one event, p99 of processor time", own[_SLOWEST], "us", "≤ 400"),
        Result("harombe / Leeway, scoring, p50 of processor time", peer[_MIDDLE] / own[_MIDDLE], "ratio"),
        Result(f"P5: Leeway, train on {EVENTS:,} events", own["train"], "ms", "≤ 40"),
        Result("P6: Leeway, model on disk", own["model"], "kB", "≤ 60"),
        Result("Leeway, model in memory, once it scored", own["memory"], "kB"),
        Result("harombe / Leeway, model in memory", peer["memory"] / own["memory"], "ratio"),
        Result("harombe / Leeway, train", peer["train"] / own["train"], "ratio"),
        Result("harombe / Leeway, model on disk", peer["model"] / own["model"], "ratio"),
        Result("harombe, scoring one event, p50", peer["p50"], "us"),
        Result("harombe, scoring one event, p50 of processor time", peer[_MIDDLE], "us"),
        Result("harombe, scoring one event, p99 of processor time", peer[_SLOWEST], "us"),
        Result(f"harombe, train on {EVENTS:,} events", peer["train"], "ms"),
        Result("harombe, model on disk", peer["model"], "kB"),
        Result("harombe, model in memory, once it scored", peer["memory"], "kB"),
    ]
    results += [_power(side, recorded, bar) for side, bar in (("leeway", "≤ 1.1"), ("harombe", None))]
    both = max(count for side, count in recorded if side == "harombe")
    ratio = recorded["harombe", both] / recorded["leeway", both]
    results.append(Result(f"harombe / Leeway, recording {both:,} events", ratio, "ratio"))
    for (side, count), seconds in recorded.items():
        results.append(Result(f"{_NAMES[side]}, recording {count:,} events", seconds, "s"))
    return results


_MIDDLE, _SLOWEST = "p50 of processor time", "p99 of processor time"
_NAMES = {"leeway": "Leeway", "harombe": "harombe"}


def _power(side: str, recorded: dict[tuple[str, int], float], bar: str | None) -> Result:
    """Return the power of the number of events by which recording takes longer, from the fewest to the most."""
    counts = sorted(count for one, count in recorded if one == side)
    least, most = counts[0], counts[-1]
    power = log(recorded[side, most] / recorded[side, least]) / log(most / least)
    name = f"{_NAMES[side]}, exponent of recording, {least:,} to {most:,} events"
    return Result(name, power, "power", bar)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--recorded", type=int, nargs="+", default=RECORDED, help="events that both record")
    parser.add_argument("--more", type=int, nargs="*", default=MORE, help="events that Leeway alone records")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="an interpreter that has harombe")
    parser.add_argument("--harombe", type=Path, metavar="FOLDER", help="its security/ml, where it is not installed")
    parser.add_argument("--side", choices=SIDES, help="only measure this one, in this process")
    parser.add_argument("--scoring", action="store_true")
    parser.add_argument("--holding", action="store_true")
    parser.add_argument("--recording", type=int, metavar="EVENTS")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the results")
    return parser


def _one_side(options: argparse.Namespace) -> Figures | dict[str, str]:
    if options.scoring:
        return scoring(options.side, options.harombe, options.seed)
    if options.holding:
        return holding(options.side, options.harombe, options.seed)
    if options.recording:
        return recording(options.side, options.harombe, options.seed, options.recording)
    return versions()


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write the record; return 1 where a goal is not met."""
    words = list(sys.argv[1:] if argv is None else argv)
    options = _parser().parse_args(words)
    if options.side:
        print(json.dumps(_one_side(options)))
        return 0
    scored, recorded = measured(options)
    results = told(scored, recorded)
    parameters = {name: getattr(options, name) for name in ("seed", "repeat", "recorded", "more")}
    # The paths are the machine's own.
    given = [word for at, word in enumerate(words) if not {word, words[max(at - 1, 0)]} & {"--python", "--harombe"}]
    write_record(
        options.json,
        benchmark="harombe_peer",
        goal="P1, P5, P6",
        argv=given,
        parameters={**parameters, "peer": _alone("harombe", options), "trained_on": EVENTS},
        results=results,
    )
    return 0 if all(one.met is not False for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
