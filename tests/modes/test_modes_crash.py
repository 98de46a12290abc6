"""A run that is killed loses nothing: run again it ends where an undisturbed one does."""

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from golden.journal import lines
from golden.play import final, judge, learn, opened, request
from leeway.modes.projections import baseline_document
from leeway.testing import Fleet

FLEET = Fleet(3)
NOW = FLEET.start + timedelta(days=11)

_DRIVER = """
import os, signal, sys, threading
from datetime import datetime
from pathlib import Path
sys.path.insert(0, {tests!r})
from golden.play import opened, request
from leeway import modes
mode, state, file, count, now, point, delay = sys.argv[1:]
calls = 0
def progress(stage, done):
    global calls
    calls += 1
    if calls == int(point):
        if float(delay):  # inside the next transaction, not between two
            threading.Timer(float(delay), os.kill, (os.getpid(), signal.SIGKILL)).start()
        else:
            os.kill(os.getpid(), signal.SIGKILL)
with opened(Path(state)) as directory:
    asked = dict(now=datetime.fromisoformat(now), progress=progress, count=int(count) or None)
    getattr(modes, mode)(directory, request(Path(file), **asked))
"""


def run(mode: str, state: Path, file: Path, *, count: int = 0, point: int = 0, delay: float = 0.0) -> int:
    """Run a mode in a process of its own that kills itself at the n-th word of progress; return its exit code."""
    driver = _DRIVER.format(tests=str(Path(__file__).parents[1]))
    words = (mode, state, file, count, NOW.isoformat(), point, delay)
    return subprocess.run([sys.executable, "-c", driver, *map(str, words)], check=False, timeout=120).returncode


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("crash") / "events.jsonl"
    path.write_bytes(lines(event for event in FLEET.events() if event.host == "ci-fir"))
    return path


@pytest.fixture(scope="module")
def undisturbed(file: Path) -> Path:
    state = file.parent / "undisturbed"
    learn(state, file, count=7, now=NOW)
    judge(state, file, now=NOW)
    return state


def document(state: Path) -> bytes:
    with opened(state) as directory:
        return msgspec.json.encode(baseline_document(directory, request()), order="sorted")


def test_a_killed_run_is_taken_up_where_it_was(file: Path, undisturbed: Path, tmp_path: Path) -> None:
    """Three batches are read and seven days judged: killed while reading, between days, and inside transactions."""
    state = tmp_path / "state"
    for point, delay in ((2, 0), (4, 0.02), (6, 0), (3, 0.1)):
        assert run("bootstrap", state, file, count=7, point=point, delay=delay) == -signal.SIGKILL
    assert run("bootstrap", state, file, count=7) == 0
    for point, delay in ((1, 0), (2, 0.01), (1, 0)):
        assert run("detect", state, file, point=point, delay=delay) == -signal.SIGKILL
    assert run("detect", state, file) == 0
    assert document(state) == document(undisturbed)
    assert final(state) == final(undisturbed)


def test_late_events_of_a_killed_run_are_not_forgotten(file: Path, tmp_path: Path) -> None:
    """Killed after late events were stored and before their closed day was judged again."""
    rows = file.read_bytes().splitlines(keepends=True)
    part, rest, state, whole = (tmp_path / name for name in ("part.jsonl", "rest.jsonl", "state", "whole"))
    part.write_bytes(b"".join(row for number, row in enumerate(rows) if number % 9))
    rest.write_bytes(b"".join(rows[::9]))
    for each in (state, whole):
        learn(each, part, count=7, now=NOW)
        judge(each, part, now=NOW)
    learn(whole, rest, now=NOW)
    assert run("bootstrap", state, rest, point=1) == -signal.SIGKILL
    assert run("bootstrap", state, rest) == 0
    assert document(state) == document(whole)
    assert final(state) == final(whole)


def test_a_killed_training_leaves_what_was_known(file: Path, undisturbed: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    learn(state, file, count=7, now=NOW)
    judge(state, file, now=NOW)
    assert run("train", state, file, point=5) == -signal.SIGKILL
    assert document(state) == document(undisturbed)
