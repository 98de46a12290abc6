"""Run the benchmark on real captures, or say aloud that there are none."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "benchmarks" / "endpoint_captures.py"


def main() -> int:
    """Return the benchmark's exit code; 0, with a word about it, where there is no data."""
    data = Path(os.environ.get("LEEWAY_DATA") or ROOT.parent / "shared" / "data") / "otrf"
    if not data.is_dir():
        print(f"skipped: no captures in {data}; set LEEWAY_DATA to the folder that holds otrf/")
        return 0
    result = ROOT / "benchmarks" / "results" / "endpoint_captures.json"
    table = ROOT / "docs" / "endpoint-captures.md"
    command = [sys.executable, str(SCRIPT), "--data", str(data), "--json", str(result), "--table", str(table)]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
