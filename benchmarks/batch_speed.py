"""How fast is `leeway bootstrap` and `leeway detect` over Parquet (P3), and how does it grow (P4)?

    python benchmarks/batch_speed.py --rows 10000000 --json FILE

Whole commands, start-up and everything written included, each in a process and a directory of its own, beside
hand-written DuckDB SQL, a pandas script and decoding alone over the same two files (`fleet_table.py`). They take turns
`--repeat` times; medians of wall time, the largest peak of memory. `--long` adds a fleet of ten times the rows.
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from tempfile import TemporaryDirectory

from record import Result, Run, middle, run, write_record

HERE = Path(__file__).resolve().parent
FINDINGS = 3
"""Exit code of a run that found something."""

MOST_MIB = "≤ 4096"
SQL = "hand-written DuckDB"


@dataclass(frozen=True, slots=True)
class Fleet:
    """One pair of files."""

    learn: Path
    judge: Path

    @property
    def files(self) -> tuple[Path, Path]:
        """Return both."""
        return self.learn, self.judge


@dataclass(frozen=True, slots=True)
class Pair:
    """Leeway and the hand-written SQL over one fleet."""

    own: Run
    peer: Run


def fleet(scratch: Path, options: argparse.Namespace, rows: int, agents: int, *, unique: bool = False) -> Fleet:
    """Write a fleet, in a process of its own so that its memory is not ours."""
    out = scratch / f"fleet-{rows}-{agents}{'-unique' if unique else ''}"
    words = ["--rows", str(rows), "--agents", str(agents), "--seed", str(options.seed), "--out", str(out)]
    run([sys.executable, HERE / "fleet_table.py", *words, *(["--unique-command-lines"] if unique else [])])
    return Fleet(out / "learn.parquet", out / "judge.parquet")


def leeway(files: Fleet, scratch: Path, engine: str) -> tuple[Run, Run]:
    """Return what learning the first file and judging the second took."""
    state = scratch / "state"
    shutil.rmtree(state, ignore_errors=True)
    shared: list[str | Path] = ["--output-dir", state, "--engine", engine, "--id-key", scratch / "id.key"]
    command: list[str | Path] = [sys.executable, "-m", "leeway"]
    return (
        run([*command, "bootstrap", files.learn, *shared]),
        run([*command, "detect", files.judge, *shared], allowed=(0, FINDINGS)),
    )


def both(pair: tuple[Run, Run]) -> Run:
    """Return two commands as one."""
    one, other = pair
    return Run(one.seconds + other.seconds, one.cpu_seconds + other.cpu_seconds, max(one.peak_mib, other.peak_mib))


def measured(options: argparse.Namespace, scratch: Path) -> list[Result]:
    """Return all figures."""
    usual = fleet(scratch, options, options.rows, options.agents)
    results, pair = beside_peers(usual, options, scratch)
    shutil.rmtree(usual.learn.parent)
    results += with_unique_lines(options, scratch)
    results += growth_in_rows(options, scratch, pair)
    results += growth_in_agents(options, scratch, pair)
    return results


def beside_peers(files: Fleet, options: argparse.Namespace, scratch: Path) -> tuple[list[Result], Pair]:
    """Return P3: Leeway beside its peers, taking turns, and the medians of Leeway and the first of them."""
    peers: dict[str, Callable[[], Run]] = {
        SQL: lambda: by_hand(files),
        "pandas": lambda: peer("peer_pandas.py", *files.files),
        "decoding alone": lambda: peer("peer_duckdb.py", HERE / "decode.sql", *files.files),
    }
    own: list[tuple[Run, Run]] = []
    taken: dict[str, list[Run]] = {name: [] for name in peers}
    for _ in range(options.repeat):
        own.append(leeway(files, scratch, options.engine))
        for name, start in peers.items():
            taken[name].append(start())
    whole = middle([both(pair) for pair in own])
    medians = {name: middle(runs) for name, runs in taken.items()}
    results = [
        Result(f"P3: Leeway / {SQL}", whole.seconds / medians[SQL].seconds, "ratio", "≤ 1.15"),
        Result("P3: pandas / Leeway", medians["pandas"].seconds / whole.seconds, "ratio", "≥ 2.5"),
        Result("Leeway / decoding alone", whole.seconds / medians["decoding alone"].seconds, "ratio"),
        Result("Leeway, rows a second", options.rows / whole.seconds, "rows/s"),
        *told("Leeway bootstrap", middle([pair[0] for pair in own])),
        *told("Leeway detect", middle([pair[1] for pair in own])),
    ]
    for name, median in medians.items():
        results += told(name, median)
    return results, Pair(whole, medians[SQL])


def with_unique_lines(options: argparse.Namespace, scratch: Path) -> list[Result]:
    """Return the same ratio where no two processes share a command line."""
    pair = repeated(fleet(scratch, options, options.rows, options.agents, unique=True), options, scratch)
    return [
        Result(f"unique command lines: Leeway / {SQL}", pair.own.seconds / pair.peer.seconds, "ratio"),
        *told("unique command lines: Leeway", pair.own),
        *told(f"unique command lines: {SQL}", pair.peer),
    ]


def growth_in_rows(options: argparse.Namespace, scratch: Path, usual: Pair) -> list[Result]:
    """Return P4: the exponent of time in rows, from a tenth of them to all, and to ten times as many."""
    few, many = options.rows // 10, options.rows * 10
    small = repeated(fleet(scratch, options, few, options.agents), options, scratch)
    results = [
        *exponents(f"{few:,} to {options.rows:,} rows", small, usual, 10, "≤ 1.05"),
        Result(f"P4: peak memory, {options.rows:,} rows", usual.own.peak_mib, "MiB", MOST_MIB),
        *told(f"Leeway, {few:,} rows", small.own),
    ]
    if options.long:
        large = repeated(fleet(scratch, options, many, options.agents), options, scratch, times=1)
        results += [
            *exponents(f"{options.rows:,} to {many:,} rows", usual, large, 10, "≤ 1.05"),
            Result(f"P4: peak memory, {many:,} rows", large.own.peak_mib, "MiB", MOST_MIB),
            *told(f"Leeway, {many:,} rows", large.own),
            *told(f"{SQL}, {many:,} rows", large.peer),
        ]
    return results


def growth_in_agents(options: argparse.Namespace, scratch: Path, usual: Pair) -> list[Result]:
    """Return P4: the exponent of time in agents, ten and a hundred times as many with as many rows."""
    results: list[Result] = []
    for factor, goal in ((10, None), (100, "≤ 0.1")):
        agents = options.agents * factor
        more = repeated(fleet(scratch, options, options.rows, agents), options, scratch)
        results += [
            *exponents(f"{options.agents:,} to {agents:,} agents", usual, more, factor, goal),
            *told(f"Leeway, {agents:,} agents", more.own),
        ]
    return results


def repeated(files: Fleet, options: argparse.Namespace, scratch: Path, *, times: int | None = None) -> Pair:
    """Return the medians of Leeway and of the SQL over one fleet, taking turns; the fleet is removed."""
    own, other = [], []
    for _ in range(times or options.repeat):
        own.append(both(leeway(files, scratch, options.engine)))
        other.append(by_hand(files))
    shutil.rmtree(files.learn.parent)
    return Pair(middle(own), middle(other))


def exponents(what: str, one: Pair, other: Pair, factor: float, goal: str | None) -> list[Result]:
    """Return the powers of `factor` by which the times of another fleet are longer."""
    return [
        Result(f"P4: exponent, {what}", exponent(one.own, other.own, factor), "power", goal),
        Result(f"exponent of {SQL}, {what}", exponent(one.peer, other.peer, factor), "power"),
    ]


def exponent(one: Run, other: Run, factor: float) -> float:
    """Return the power of `factor` by which the time of another run is longer."""
    return log(other.seconds / one.seconds) / log(factor)


def by_hand(files: Fleet) -> Run:
    """Return what the hand-written SQL took."""
    return peer("peer_duckdb.py", HERE / "peer.sql", *files.files)


def peer(script: str, *words: Path) -> Run:
    """Return what a peer took."""
    return run([sys.executable, HERE / script, *words])


def told(name: str, taken: Run) -> list[Result]:
    """Return the figures of a run."""
    return [
        Result(f"{name}, wall time", taken.seconds, "s"),
        Result(f"{name}, processor time", taken.cpu_seconds, "s"),
        Result(f"{name}, peak memory", taken.peak_mib, "MiB"),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write the record; the exit code says nothing about goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--engine", default="duckdb")
    parser.add_argument("--long", action="store_true", help="ten times the rows as well, once")
    parser.add_argument("--json", type=Path)
    given = list(sys.argv[1:] if argv is None else argv)
    options = parser.parse_args(given)
    with TemporaryDirectory(prefix="leeway-batch-") as scratch:
        results = measured(options, Path(scratch))
    names = ("rows", "agents", "seed", "repeat", "engine", "long")
    write_record(
        options.json,
        benchmark="batch_speed",
        goal="P3, P4",
        argv=given,
        parameters={name: getattr(options, name) for name in names},
        results=results,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
