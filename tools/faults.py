"""Try to fool the tests: apply each patch of tests/faults in a copy of the tree, and expect the tests to turn red.

The first line of a patch names the tests that must notice: `tests: tests/events tests/summaries/test_laws.py`. What
follows, up to the first `diff` line, says in words what was broken.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 300
"""After which a run of tests counts as one that did not notice."""

RED = 1
"""Exit code of pytest where tests failed; others mean that it could not run them."""


class Verdict(NamedTuple):
    """What became of one patch."""

    patch: str
    noticed: bool
    what: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table of all patches; return 1 where one stays green or cannot be tried, 0 otherwise."""
    parser = argparse.ArgumentParser(description="Break the code on purpose; the tests must notice.")
    parser.add_argument("names", nargs="*", help="patches to try, by a part of their name; all by default")
    parser.add_argument("--workers", type=int, default=2, help="patches tried at once")
    parser.add_argument("--faults", type=Path, default=ROOT / "tests" / "faults", help="where the patches are")
    chosen = parser.parse_args(arguments)
    found = sorted(chosen.faults.glob("*.patch"))
    patches = [one for one in found if not chosen.names or any(name in one.name for name in chosen.names)]
    if not patches:
        print(f"no patch in {chosen.faults}: nobody has tried to fool the tests")
        return 1
    width = max(len(one.name) for one in patches)
    failed = 0
    with ThreadPoolExecutor(chosen.workers) as pool:
        for verdict in pool.map(tried, patches):
            failed += not verdict.noticed
            print(f"{'noticed' if verdict.noticed else 'MISSED':8} {verdict.patch:{width}}  {verdict.what}", flush=True)
    print(f"{len(patches) - failed} of {len(patches)} faults noticed")
    return 1 if failed else 0


def tried(patch: Path) -> Verdict:
    """Apply one patch in a copy of the tree and run the tests that its first line names."""
    first = patch.read_text("utf-8").partition("\n")[0]
    label, _, names = first.partition(":")
    if label != "tests" or not names.split():
        return Verdict(patch.name, noticed=False, what="its first line names no tests")
    if absent := [name for name in names.split() if not (ROOT / name.partition("::")[0]).exists()]:
        return Verdict(patch.name, noticed=False, what=f"there is no {absent[0]}")
    with tempfile.TemporaryDirectory(prefix="leeway-fault-") as scratch:
        tree = Path(scratch) / "tree"
        copy(tree)
        applied = run(tree, "git", "apply", "--whitespace=nowarn", str(patch.resolve()))
        if applied.returncode:
            return Verdict(patch.name, noticed=False, what=f"does not apply: {last_line(applied.stderr)}")
        return judged(patch, tree, names.split())


def judged(patch: Path, tree: Path, names: Sequence[str]) -> Verdict:
    """Run tests in a patched tree and say whether they noticed: whether one fails that passes without the patch."""
    try:
        tests = pytest(tree, *names)
        if tests.returncode != RED:
            told = "the tests stay green" if tests.returncode == 0 else f"the tests cannot run ({tests.returncode})"
            return Verdict(patch.name, noticed=False, what=f"{told}: {last_line(tests.stdout)}")
        failed = first_failure(tests.stdout)
        run(tree, "git", "apply", "--reverse", "--whitespace=nowarn", str(patch.resolve()))
        if pytest(tree, failed).returncode != 0:
            return Verdict(patch.name, noticed=False, what=f"red without the patch as well: {failed}")
    except subprocess.TimeoutExpired:
        return Verdict(patch.name, noticed=False, what=f"the tests took more than {SECONDS} s")
    return Verdict(patch.name, noticed=True, what=failed)


def pytest(tree: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """Run tests in a tree up to the first that fails."""
    return run(tree, sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *names)


def copy(tree: Path) -> None:
    """Copy the files that git knows or would add, as they are now, into `tree`."""
    listed = run(ROOT, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, tree / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def run(directory: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a directory whose own `src` comes before the installed package."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(directory / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CEILING_DIRECTORIES": str(directory.parent),
    }
    return subprocess.run(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def first_failure(output: str) -> str:
    """Return the first test that failed, from pytest's short summary."""
    failures = [line for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return failures[0].split(" - ")[0].partition(" ")[2] if failures else last_line(output)


def last_line(output: str) -> str:
    """Return the last line that says something."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else ""


if __name__ == "__main__":
    sys.exit(main())
