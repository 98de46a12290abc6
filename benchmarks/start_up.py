"""How long until something happens (P8): `leeway --help`, `import leeway`, and how much an installation weighs.

    python benchmarks/start_up.py --json FILE

Each command in a process of its own, the first run thrown away, medians of `--repeat`; the peer is the same interpreter
doing nothing. The installation is a fresh environment with `requirements/runtime.txt` and nothing else, without what
the empty environment held; `--no-install` leaves it out where there is no package index.
"""

import argparse
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from record import ROOT, Result, middle, run, write_record

RUNTIME = ROOT / "requirements" / "runtime.txt"


def timed(command: Sequence[str], repeat: int) -> float:
    """Return the median seconds of a command, its first run thrown away."""
    return middle([run(command) for _ in range(repeat + 1)][1:]).seconds


def installed_mib(scratch: Path) -> float:
    """Return how much larger an environment is with the runtime requirements and the project than without, in MiB."""
    place = scratch / "environment"
    venv.create(place, with_pip=True)
    empty = size_of(place)
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "--requirement", RUNTIME])
    run([*pip, "--no-deps", "--no-build-isolation", ROOT])
    return (size_of(place) - empty) / (1 << 20)


def size_of(folder: Path) -> int:
    """Return the bytes of the files below a folder, compiled ones included."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def measured(options: argparse.Namespace, scratch: Path) -> list[Result]:
    """Return all figures."""
    python = sys.executable
    nothing = timed([python, "-c", "pass"], options.repeat)
    shown = timed([python, "-m", "leeway", "--help"], options.repeat)
    imported = timed([python, "-c", "import leeway"], options.repeat)
    results = [
        Result("P8: leeway --help", shown, "s", "≤ 0.25"),
        Result("P8: import leeway", imported, "s", "≤ 0.3"),
        Result("python -c pass", nothing, "s"),
        Result("leeway --help / python -c pass", shown / nothing, "ratio"),
        Result("import leeway / python -c pass", imported / nothing, "ratio"),
    ]
    if options.install:
        results.insert(2, Result("P8: core installation", installed_mib(scratch), "MiB", "≤ 170"))
    return results


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--install", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", type=Path)
    given = list(sys.argv[1:] if argv is None else argv)
    options = parser.parse_args(given)
    with TemporaryDirectory(prefix="leeway-start-") as scratch:
        results = measured(options, Path(scratch))
    write_record(
        options.json,
        benchmark="start_up",
        goal="P8",
        argv=given,
        parameters={"repeat": options.repeat, "install": options.install},
        results=results,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
