"""The form in which a benchmark writes its result down, and how it measures a command."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"

_PACKAGES = (
    *("agent-leeway", "duckdb", "msgspec", "numpy", "apsw", "pandas", "pyarrow"),
    *("scikit-learn", "coniferest", "isotree", "harombe"),
)
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Result:
    """One figure; `goal` is a bar such as `≤ 1.15` or `≥ 60,000`, None for a figure that is only told."""

    name: str
    value: float
    unit: str
    goal: str | None = None

    @property
    def met(self) -> bool | None:
        """Whether the value keeps to the goal; None where there is none."""
        if self.goal is None:
            return None
        sign, bar = self.goal.split(" ", 1)
        limit = float(bar.replace(",", ""))
        return self.value <= limit if sign == "≤" else self.value >= limit


@dataclass(frozen=True, slots=True)
class Run:
    """What one command took, its children included."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


def run(command: Sequence[str | Path], allowed: Sequence[int] = (0,), cwd: Path | None = None) -> Run:
    """Run a command by itself and return what it took; the peak is that of its largest process.

    Raises:
        RuntimeError: where it ends with another code than the allowed ones; its last lines are in the message.
    """
    with TemporaryFile() as output:
        began = time.perf_counter()
        child = subprocess.Popen([str(word) for word in command], stdout=output, stderr=output, cwd=cwd)  # noqa: S603
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in allowed:
            output.seek(0)
            told = output.read().decode("utf-8", "replace").splitlines()[-20:]
            raise RuntimeError("\n".join([f"{command[:4]} ended with {child.returncode}", *told]))
    # Linux gives KiB, macOS bytes.
    scale = 1 << 10 if sys.platform != "darwin" else 1
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale / _MIB)


def middle(runs: Sequence[Run]) -> Run:
    """Return the medians of several runs, and the largest peak."""
    return Run(
        median(one.seconds for one in runs),
        median(one.cpu_seconds for one in runs),
        max(one.peak_mib for one in runs),
    )


def write_record(
    file: Path | None,
    *,
    benchmark: str,
    goal: str,
    argv: Sequence[str],
    parameters: Mapping[str, Any],
    results: Sequence[Result],
) -> dict[str, Any]:
    """Return the record of one run, print its figures, and write it where a file is named."""
    words = [str(word) for word in argv]
    kept = [word for at, word in enumerate(words) if word != "--json" and words[max(at - 1, 0)] != "--json"]
    record = {
        "benchmark": benchmark,
        "goal": goal,
        "command": " ".join(["python", f"benchmarks/{benchmark}.py", *kept]),
        "commit": _commit(),
        "machine": _machine(),
        "versions": _versions(),
        "parameters": {name: str(value) if isinstance(value, Path) else value for name, value in parameters.items()},
        "results": [{**asdict(one), "value": _rounded(one.value), "met": one.met} for one in results],
    }
    for one in results:
        judged = {True: "  met", False: "  NOT met", None: ""}[one.met]
        print(f"{one.name:60} {_rounded(one.value):>14,} {one.unit:8} {one.goal or '':12}{judged}")
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return record


def _rounded(value: float) -> float:
    """Return a figure with at most four digits behind the point, a whole number as one."""
    shorter = round(value, 4 if abs(value) < 10 else 2 if abs(value) < 1_000 else 0)  # noqa: PLR2004
    return int(shorter) if shorter == int(shorter) else shorter


def _commit() -> str:
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        # What a benchmark writes makes no tree dirty.
        changed = [line for line in _git("status", "--porcelain").splitlines() if not _is_written(line[3:])]
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}-dirty" if changed else head


def _is_written(path: str) -> bool:
    return path.startswith("benchmarks/results/") or path == "docs/benchmarks.md"


def _git(*words: str) -> str:
    found = subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603, S607
    return found.stdout.rstrip()


def _machine() -> dict[str, Any]:
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30), 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
