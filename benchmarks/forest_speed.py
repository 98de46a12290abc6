"""Speed and size of one isolation forest (goals P5 and P6), beside scikit-learn and coniferest.

    python benchmarks/forest_speed.py --json OUT

The rows are 1,000 events of 12 features as an agent has them: circular hours, counts, logarithms of sizes, shares that
are nearly always 0, one column that never changes. The forests take turns, so that a busy machine slows them all, and
what is compared is processor time. Ours is the library's default forest; the peers have 100 trees of 256 rows.
"""

import argparse
import gc
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles

import numpy as np
from numpy.typing import NDArray

from leeway.forest import SPLITS, SUBSAMPLE, TREES, Manifest, from_bytes, grow, to_bytes
from record import Result, write_record

FIT_MS = 15
FIT_RATIO = 15
ONE_ROW_US = 40
FILE_KB = 60
STRETCH_KB = 30

Floats = NDArray[np.float64]


def rows_of(rows: int, seed: int) -> Floats:
    """Return events of one agent as 12 features."""
    generator = np.random.default_rng(seed)
    hour = generator.normal(13, 3, rows) % 24
    weekday = generator.integers(0, 5, rows)
    return np.column_stack(
        [
            np.sin(hour * np.pi / 12),
            np.cos(hour * np.pi / 12),
            np.sin(weekday * 2 * np.pi / 7),
            np.cos(weekday * 2 * np.pi / 7),
            generator.choice([0.7, 1.6, 3.1, 4.2], rows, p=[0.5, 0.2, 0.25, 0.05]),
            np.log1p(generator.poisson(4, rows)),
            generator.normal(6, 1, rows),
            generator.exponential(1, rows),
            generator.gamma(2, 2, rows),
            generator.random(rows) < 0.02,  # noqa: PLR2004  # two in a hundred fail
            np.zeros(rows),
            generator.exponential(2, rows),
        ]
    )


def spent(work: Callable[[], object]) -> float:
    """Return the processor time of a call in milliseconds."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1_000


def fits(rows: Floats) -> dict[str, Callable[[int], object]]:
    """Return what fits one forest, by name; the peers where they are installed."""
    found: dict[str, Callable[[int], object]] = {"Leeway": lambda seed: grow(rows, seed=seed)}
    if find_spec("sklearn"):
        scikit_learn = import_module("sklearn.ensemble").IsolationForest
        found["scikit-learn"] = lambda seed: scikit_learn(n_estimators=100, random_state=seed).fit(rows)
    if find_spec("coniferest"):
        coniferest = import_module("coniferest.isoforest").IsolationForest
        found["coniferest"] = lambda seed: coniferest(n_trees=100, n_jobs=1, random_seed=seed).fit(rows)
    return found


def fitting(rows: Floats, repeat: int) -> list[Result]:
    """Return what fitting takes, in turns."""
    work = fits(rows)
    for fit in work.values():
        fit(0)
    taken: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(repeat):
        for name, fit in work.items():
            taken[name].append(spent(lambda fit=fit, turn=turn: fit(turn)))  # type: ignore[misc]
    ours = median(taken["Leeway"])
    results = [Result("P5: fit, 1,000 rows of 12", ours, "ms", f"≤ {FIT_MS}")]
    for name in list(work)[1:]:
        goal = f"≥ {FIT_RATIO}" if name == "scikit-learn" else None
        label = f"{name}, 100 trees / ours"
        results.append(
            Result(f"P5: fit, {label}" if goal else f"fit, {label}", median(taken[name]) / ours, "ratio", goal)
        )
        results.append(Result(f"fit, {name}, 100 trees", median(taken[name]), "ms"))
    grown = [grow(rows, seed=seed) for seed in range(5)]
    results.append(Result("held-out scores of the 1,000", median(spent(lambda g=g: g.held_out) for g in grown), "ms"))  # type: ignore[misc]
    return results


def scoring(rows: Floats, repeat: int) -> list[Result]:
    """Return what scoring takes: one row with its contributions, and many rows."""
    forest = grow(rows).forest
    forest.explain_one(rows[0].tolist())
    taken = []
    for row in rows_of(2_000, 9).tolist() * max(1, repeat // 10):
        began = time.perf_counter()
        forest.explain_one(row)
        taken.append((time.perf_counter() - began) * 1e6)
    cuts = quantiles(taken, n=100)
    many = rows_of(20_000, 5)
    batch = min(spent(lambda: forest.score(many)) for _ in range(5))
    results = [
        Result("one row with contributions, p50", cuts[49], "us", f"≤ {ONE_ROW_US}"),
        Result("one row with contributions, p99", cuts[98], "us"),
        Result("many rows", len(many) / batch * 1_000, "rows/s"),
    ]
    if find_spec("sklearn"):
        model = import_module("sklearn.ensemble").IsolationForest().fit(rows)
        one = median(spent(lambda: model.score_samples(rows[:1])) for _ in range(10)) * 1_000
        results.append(Result("one row, scikit-learn / ours", one / cuts[49], "ratio"))
    return results


def keeping(rows: Floats) -> list[Result]:
    """Return what a forest takes on disk and in memory."""
    manifest = Manifest(features=tuple(f"feature {at}" for at in range(rows.shape[1])), rows=len(rows))
    content = to_bytes(grow(rows).forest, manifest)
    gc.collect()
    tracemalloc.start()
    forest, _ = from_bytes(content)
    loaded = tracemalloc.get_traced_memory()[0]
    for row in rows.tolist():  # what one row asks for is kept for the next
        forest.explain_one(row)
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return [
        Result("P6: model file", len(content) / 1_000, "kB", f"≤ {FILE_KB}"),
        Result("P6: model file, stretch", len(content) / 1_000, "kB", f"≤ {STRETCH_KB}"),
        Result("nodes of all trees", len(forest.trees.feature), "nodes"),
        Result("memory of a forest, loaded", loaded / 1_000, "kB"),
        Result("memory of a forest that scored 1,000 single rows", used / 1_000, "kB"),
        Result("loading a model file, all checks", median(spent(lambda: from_bytes(content)) for _ in range(10)), "ms"),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and write the results; return 1 where a goal is not met."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--repeat", type=int, default=20, help="turns of fitting")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the results")
    arguments = parser.parse_args(words)
    rows = rows_of(arguments.rows, arguments.seed)
    results = [*fitting(rows, arguments.repeat), *scoring(rows, arguments.repeat), *keeping(rows)]
    peers = {
        one: version(one)
        for one in ("numpy", "scikit-learn", "coniferest")
        if find_spec(one.replace("scikit-learn", "sklearn"))
    }
    parameters = {"rows": arguments.rows, "repeat": arguments.repeat, "seed": arguments.seed}
    parameters |= {"trees": TREES, "subsample": SUBSAMPLE, "splits": str(SPLITS), **peers}
    write_record(
        arguments.json, benchmark="forest_speed", goal="P5, P6", argv=words, parameters=parameters, results=results
    )
    return 0 if all(one.met is not False for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
