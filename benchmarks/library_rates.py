"""How often the detector is right: ordinary events flagged, drifts found, a past that holds bad ones.

    python benchmarks/library_rates.py --json OUT [--tau2 FILE]

- Ordinary events: two agents of each of ten shapes, trained on 1,000 events and asked 1,000 others, whole sessions
  drawn at random; the share flagged at several contaminations, without and with the events before.
- tau2 (`../shared/data/tau2`, where it is there): each model is an agent, trained on the tool calls of one half of the
  tasks and asked those of the other.
- Drifts: five kinds, five seeds of every shape of which the drift is one: an agent that keeps no hours has no night,
  and where one duration in five has the tail of a Pareto distribution, ten times as long is ordinary.
- Poison: a share of the past is bad (unseen type, 10 x duration, 20 x resources, at night, failed); others of its kind
  are asked about.
"""

import argparse
import json
import lzma
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from random import Random
from statistics import mean

from leeway.library.detector import AnomalyDetector
from leeway.testing.acting import SHAPES, DriftOf, Said, Shape, drifted, halves, spoilt
from record import ROOT, Result, write_record

SIZE = 1_000
SEEDS = 5
FIRST_SEED = 1_000
"""The settings of the detector were chosen on agents of other seeds."""
AGENT = "agent"
CONTAMINATIONS = (0.01, 0.05, 0.1)
SHARES = (0.01, 0.03, 0.05)
MOST_BEFORE = 10
MANY_CALLS = 400
HELD_BACK = 20
AROUND_THE_CLOCK = 24


def held(shape: Shape, seed: int) -> tuple[list[Said], list[Said]]:
    """Return a past, and as many other events of the same agent."""
    return halves(shape, FIRST_SEED + seed, SIZE)


def trained(past: Iterable[Said], contamination: float = 0.05, seed: int = 0) -> AnomalyDetector:
    """Return a detector that knows one agent."""
    detector = AnomalyDetector(contamination=contamination, seed=seed)
    detector.train(AGENT, past)
    return detector


def flagged(detector: AnomalyDetector, events: Sequence[Said], *, with_context: bool = False) -> float:
    """Return the share of events that are anomalies."""
    found = []
    for at, event in enumerate(events):
        before = events[max(0, at - MOST_BEFORE) : at] if with_context else ()
        found.append(detector.detect(AGENT, event, recent=before).is_anomaly)
    return mean(found)


def ordinary() -> Iterator[Result]:
    """Yield the shares of ordinary events that are flagged."""
    agents = [held(shape, seed) for shape in SHAPES for seed in range(2)]
    for contamination in CONTAMINATIONS:
        shares = [flagged(trained(past, contamination), rest) for past, rest in agents]
        yield from spread(f"ordinary events flagged at {contamination:g}", shares, contamination)
    shares = [flagged(trained(past), rest, with_context=True) for past, rest in agents]
    yield from spread("ordinary events flagged at 0.05, with those before", shares, 0.05)


def spread(name: str, shares: Sequence[float], asked: float) -> Iterator[Result]:
    """Yield the mean of shares, and how many agents lie within two points of what was asked."""
    yield Result(f"{name}: off by", 100 * abs(mean(shares) - asked), "points", "≤ 2")
    yield Result(f"{name}: agents within 2 points", 100 * mean(abs(one - asked) <= 0.02 for one in shares), "%")  # noqa: PLR2004
    yield Result(f"{name}: largest share", 100 * max(shares), "%")


def is_drift(shape: Shape, drift: DriftOf) -> bool:
    """Say whether a drift is one of such an agent."""
    if drift is DriftOf.HOURS:
        return len(shape.hours) < AROUND_THE_CLOCK and min(shape.hours) > 6 and not shape.stray  # noqa: PLR2004
    if drift in {DriftOf.DURATION, DriftOf.RESOURCES}:
        return bool(shape.says) and not shape.heavy
    return drift is DriftOf.KIND or bool(shape.says)


def drifts() -> Iterator[Result]:
    """Yield the shares of drifted events that are flagged."""
    for drift in DriftOf:
        found = []
        for shape in (one for one in SHAPES if is_drift(one, drift)):
            for seed in range(SEEDS):
                past, rest = held(shape, seed)
                detector = trained(past, seed=seed)
                for at in range(HELD_BACK, len(rest), 50):
                    event, before = drifted(rest[at], rest[at - MOST_BEFORE : at], drift)
                    recent = before if drift is DriftOf.FAILURES else ()
                    found.append(detector.detect(AGENT, event, recent=recent).is_anomaly)
        yield Result(f"flagged: {drift}", 100 * mean(found), "%", "≥ 90")


def poisoned() -> Iterator[Result]:
    """Yield in how many of the seeds bad events stay flagged after training on others of their kind."""
    for share in SHARES:
        stays = []
        for shape in (one for one in SHAPES if is_drift(one, DriftOf.DURATION)):
            for seed in range(SEEDS):
                past, rest = held(shape, seed)
                count = int(share * SIZE)
                worst = [spoilt(event) for event in Random(seed).sample(rest, count + HELD_BACK)]  # noqa: S311  # a repeatable choice
                detector = trained([*past[count:], *worst[:count]], seed=seed)
                stays.append(flagged(detector, worst[count:]) >= 0.8)  # noqa: PLR2004  # most of them
        yield Result(f"past with {share:.0%} bad: agents where those stay flagged", 100 * mean(stays), "%", "≥ 80")


def calls_of(line: str) -> Iterator[tuple[str, bool, Said]]:
    """Yield (model, whether it is trained on, event) of the tool calls of a simulation; its times have no zone.

    A call lasts from the message before it: that is how long the model took. It names as many resources as arguments.
    """
    said = json.loads(line)
    is_past = sha256(str(said["task_id"]).encode()).digest()[0] % 2 == 0
    failed = {one.get("id") for one in said["messages"] if one["role"] == "tool" and one.get("error")}
    request, time = "", datetime.fromisoformat(said["start_time"])
    for message in said["messages"]:
        before, time = time, max(time, datetime.fromisoformat(message["timestamp"]))
        if message["role"] == "user":
            request = f"{request}\n{message['content'] or ''}"
        for call in message.get("tool_calls") or ():
            event = {
                "event_type": "tool_called",
                "timestamp": message["timestamp"],
                "tool": call["name"],
                "duration_ms": 1_000 * (time - before).total_seconds(),
                "resource_count": len(call.get("arguments") or {}),
                "arguments": call.get("arguments") or {},
                "success": call["id"] not in failed,
                "session_id": said["id"],
                "request": request,
            }
            yield said["agent_llm"], is_past, event


def tau2(file: Path) -> Iterator[Result]:
    """Yield the share of calls of other tasks that are flagged, over the models with enough of them."""
    models: dict[str, tuple[list[Said], list[Said]]] = {}
    with lzma.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            for model, is_past, event in calls_of(line):
                models.setdefault(model, ([], []))[is_past].append(event)
    shares, grave = [], []
    for rest, past in models.values():
        if min(len(rest), len(past)) < MANY_CALLS:
            continue
        detector = AnomalyDetector(assume_zone="UTC")
        detector.train(AGENT, past)
        results = [detector.detect(AGENT, event) for event in rest]
        shares.append(mean(one.is_anomaly for one in results))
        grave.append(mean(one.p <= 0.01 for one in results))  # noqa: PLR2004  # MEDIUM
    yield from spread("tau2, calls of other tasks flagged at 0.05", shares, 0.05)
    yield Result("tau2, calls of MEDIUM or more in a thousand", 1_000 * mean(grave), "")


def main(argv: Sequence[str]) -> None:
    """Measure and write the record."""
    shared = Path(os.environ.get("LEEWAY_DATA") or ROOT.parent / "shared" / "data")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tau2", type=Path, default=shared / "tau2" / "simulations.jsonl.xz")
    parser.add_argument("--json", type=Path, help="where to write the record")
    chosen = parser.parse_args(argv)
    results = [*ordinary(), *drifts(), *poisoned()]
    if chosen.tau2.exists():
        results += tau2(chosen.tau2)
    else:
        print(f"skipped: there is no {chosen.tau2}")
    write_record(
        chosen.json,
        benchmark="library_rates",
        goal="flagged share, drifts, poison",
        argv=argv,
        parameters={"events": SIZE, "seeds": SEEDS, "shapes": len(SHAPES)},
        results=results,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
