"""Run the benchmarks on real captures, or say aloud that there are none."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

BENCHMARKS = {"endpoint_captures": "otrf", "defender_intrusion": "mde_msticpy"}
"""Script to the folder of the data that it wants."""


def main() -> int:
    """Return the worst exit code of the benchmarks; one without data is skipped, with a word about it."""
    data = Path(os.environ.get("LEEWAY_DATA") or ROOT.parent / "shared" / "data")
    return max(_run(name, data / folder) for name, folder in BENCHMARKS.items())


def _run(name: str, data: Path) -> int:
    if not data.is_dir():
        print(f"skipped {name}: nothing in {data}; set LEEWAY_DATA to the folder that holds {data.name}/")
        return 0
    result = ROOT / "benchmarks" / "results" / f"{name}.json"
    page = ROOT / "docs" / f"{name.replace('_', '-')}.md"
    script = ROOT / "benchmarks" / f"{name}.py"
    command = [sys.executable, str(script), "--data", str(data), "--json", str(result), "--table", str(page)]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
