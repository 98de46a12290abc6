"""Speed and size of the detector in one's own process (goals P1, P5, P6).

    python benchmarks/library_speed.py --json OUT

Simulated agents of several shapes, each with a past of 1,000 events. Measured, by the CPU time of this thread, each the
median over the agents:

- `detect` on mappings, explanation included: ordinary events, drifted ones, and with ten events before each;
- `train` on 1,000 events: features, two fits, forest, calibration;
- training many agents in two processes, by wall clock;
- the bytes of a saved model, and how far its scores are off after loading.

harombe's figures, and the ratio to them, come from `harombe_peer.py`.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, thread_time_ns

from leeway.forest import SUBSAMPLE, TREES
from leeway.library.detector import AnomalyDetector
from leeway.testing.acting import SHAPES, DriftOf, Said, drifted, past_of
from record import Result, write_record

SIZE = 1_000
BEFORE = 10
AGENT = "agent"
WORKERS = 2


def alternate(shape: int, seed: int) -> tuple[list[Said], list[Said]]:
    """Return a past of 1,000 events and as many others of the same agent."""
    events = past_of(SHAPES[shape % len(SHAPES)], seed, 2 * SIZE)
    return events[::2], events[1::2]


def trained(past: Sequence[Said], folder: Path) -> AnomalyDetector:
    """Return a detector that knows one agent."""
    detector = AnomalyDetector(folder)
    detector.train(AGENT, past)
    return detector


def detect_us(
    detector: AnomalyDetector, events: Sequence[Said], recent: Sequence[Sequence[Said]]
) -> tuple[float, float]:
    """Return the median and the 99th percentile of one `detect`, in microseconds."""
    detector.detect(AGENT, events[0], recent=recent[0])
    taken = []
    for event, before in zip(events, recent, strict=True):
        began = thread_time_ns()
        detector.detect(AGENT, event, recent=before)
        taken.append((thread_time_ns() - began) / 1_000)
    taken.sort()
    return taken[len(taken) // 2], taken[int(0.99 * len(taken))]


def train_ms(past: Sequence[Said], folder: Path, repeat: int) -> float:
    """Return the least CPU time of one `train`, in milliseconds."""
    best = float("inf")
    for _ in range(repeat):
        detector = AnomalyDetector(folder)
        began = process_time()
        detector.train(AGENT, past)
        best = min(best, process_time() - began)
    return 1_000 * best


def train_some(seeds: Sequence[int]) -> float:
    """Train one agent for each seed, and return the CPU seconds that it took."""
    detector = AnomalyDetector()
    past, _ = alternate(seeds[0], seeds[0])
    began = process_time()
    for seed in seeds:
        detector.train(f"{AGENT} {seed}", past)
    return process_time() - began


def train_many(agents: int) -> tuple[float, float]:
    """Return the wall clock seconds of training agents in two processes, and the CPU seconds of the busier one."""
    parts = [range(start, agents, WORKERS) for start in range(WORKERS)]
    with ProcessPoolExecutor(WORKERS) as pool:
        list(pool.map(train_some, [range(1)] * WORKERS))
        began = perf_counter()
        busy = max(pool.map(train_some, parts))
        return perf_counter() - began, busy


def one_agent(shape: int, folder: Path, repeat: int) -> dict[str, float]:
    """Return the figures of one agent."""
    past, rest = alternate(shape, shape)
    detector = trained(past, folder)
    none: list[list[Said]] = [[] for _ in rest]
    odd = [drifted(event, [], DriftOf.KIND)[0] for event in rest]
    before = [rest[max(0, at - BEFORE) : at] for at in range(len(rest))]
    plain, drift, context = (detect_us(detector, *one) for one in ((rest, none), (odd, none), (rest, before)))
    path = detector.save_model(AGENT)
    loaded = AnomalyDetector(folder)
    loaded.load_model(AGENT)
    off = max(abs(_score(detector, event) - _score(loaded, event)) for event in rest[:200])
    return {
        "p50": plain[0], "p99": plain[1], "drift p50": drift[0], "drift p99": drift[1],
        "context p50": context[0], "context p99": context[1],
        "train": train_ms(past, folder, repeat), "bytes": path.stat().st_size, "off": off,
    }  # fmt: skip


def _score(detector: AnomalyDetector, event: Said) -> float:
    return detector.detect(AGENT, event).anomaly_score


def main(argv: Sequence[str]) -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=1_000, help="agents trained in two processes")
    parser.add_argument("--repeat", type=int, default=5, help="times each training is repeated")
    parser.add_argument("--json", type=Path, help="where to write the record")
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        found = [one_agent(shape, Path(folder), chosen.repeat) for shape in range(len(SHAPES))]
    middle = {name: median(one[name] for one in found) for name in found[0]}
    seconds, busy = train_many(chosen.agents)
    write_record(
        chosen.json,
        benchmark="library_speed",
        goal="P1, P5, P6",
        argv=argv,
        parameters={"agents": chosen.agents, "events": SIZE, "trees": TREES, "subsample": SUBSAMPLE},
        results=[
            Result("detect, ordinary event, p50", middle["p50"], "us", "≤ 100"),
            Result("detect, ordinary event, p99", middle["p99"], "us", "≤ 400"),
            Result("detect, drifted event, p50", middle["drift p50"], "us", "≤ 100"),
            Result("detect, drifted event, p99", middle["drift p99"], "us", "≤ 400"),
            Result("detect, with ten events before, p50", middle["context p50"], "us"),
            Result("detect, with ten events before, p99", middle["context p99"], "us", "≤ 400"),
            Result("train on 1,000 events", middle["train"], "ms", "≤ 40"),
            Result(f"train {chosen.agents:,} agents in two processes", seconds, "s", "≤ 25"),
            Result("of these, CPU time of the busier process", busy, "s"),
            Result("saved model, largest", max(one["bytes"] for one in found), "bytes", "≤ 60,000"),
            Result("saved model, median", middle["bytes"], "bytes", "≤ 60,000"),
            Result("score off after loading, most", max(one["off"] for one in found), "", "≤ 0.000000001"),
        ],
    )


if __name__ == "__main__":
    main(sys.argv[1:])
