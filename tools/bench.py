"""Run the benchmarks, write their results, and make docs/benchmarks.md of them.

    python tools/bench.py [--long] [--only NAME]...

Those on real captures say aloud where there are none, and are skipped.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmark_docs import PAGE, page

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "benchmarks"
RESULTS = SCRIPTS / "results"

MEASURED = (
    "start_up",
    "baseline_memory",
    "live_feed",
    "batch_speed",
    "forest_speed",
    "library_speed",
    "library_rates",
    "harombe_peer",
)
"""Scripts whose results have goals; they make their own data."""

SCORED = {"forest_quality": "adbench", "agent_traces_report": "agentdojo", "tau2_calls": "tau2", "streams": "nab"}
"""Scripts whose results have goals to the folder of the data that they want."""

GROWING = "batch_speed"
"""The one that `--long` is for."""

CAPTURES = {"endpoint_captures": "otrf", "defender_intrusion": "mde_msticpy"}
"""Script to the folder of the data that it wants."""


def main(argv: Sequence[str] | None = None) -> int:
    """Return the worst exit code of the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="100 million rows as well")
    parser.add_argument("--only", action="append", choices=[*MEASURED, *SCORED, *CAPTURES], help="may be repeated")
    options = parser.parse_args(argv)
    chosen = options.only or [*MEASURED, *SCORED, *CAPTURES]
    data = Path(os.environ.get("LEEWAY_DATA") or ROOT.parent / "shared" / "data")
    codes = [_measure(name, is_long=options.long) for name in MEASURED if name in chosen]
    codes += [_run(name, data / folder) for name, folder in SCORED.items() if name in chosen]
    codes += [_run(name, data / folder, with_page=True) for name, folder in CAPTURES.items() if name in chosen]
    PAGE.write_text(page(RESULTS), encoding="utf-8")
    print(f"wrote {PAGE.name}")
    return max(codes)


def _measure(name: str, *, is_long: bool) -> int:
    print(f"\n{name}", flush=True)
    longer = ["--long"] if is_long and name == GROWING else []
    command = [sys.executable, f"benchmarks/{name}.py", *longer, "--json", f"benchmarks/results/{name}.json"]
    return subprocess.run(command, check=False, cwd=ROOT).returncode


def _run(name: str, data: Path, *, with_page: bool = False) -> int:
    if not data.is_dir():
        print(f"skipped {name}: nothing in {data}; set LEEWAY_DATA to the folder that holds {data.name}/")
        return 0
    print(f"\n{name}", flush=True)
    result = RESULTS / f"{name}.json"
    made = ROOT / "docs" / f"{name.replace('_', '-')}.md"
    command = [sys.executable, f"benchmarks/{name}.py", "--data", _near(data), "--json", str(result)]
    return subprocess.run([*command, *(["--table", str(made)] if with_page else [])], check=False, cwd=ROOT).returncode


def _near(data: Path) -> str:
    """Return a path as it is seen from the checkout: a result names no other folder of the machine."""
    return os.path.relpath(data, ROOT)


if __name__ == "__main__":
    sys.exit(main())
