"""One run at a time: the second is told who holds the directory, or waits."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from leeway.errors import DirectoryInUseError, StateError
from leeway.storage import hold

_HOLDER = """
import sys, time
from pathlib import Path
from leeway.storage import hold
with hold(Path(sys.argv[1]), who="leeway train"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(directory: Path, seconds: float) -> subprocess.Popen:
    """Start a process that holds the directory, and return it when it does."""
    command = [sys.executable, "-c", _HOLDER, directory, str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    with holder(tmp_path, 60) as process:
        with (
            pytest.raises(DirectoryInUseError, match=rf"held by process {process.pid} \(leeway train\)"),
            hold(tmp_path, who="leeway detect"),
        ):
            pass
        process.kill()


def test_a_second_run_waits_as_long_as_it_is_told(tmp_path: Path) -> None:
    with holder(tmp_path, 1.0):
        began = time.monotonic()
        with hold(tmp_path, who="leeway detect", wait_seconds=30):
            waited = time.monotonic() - began
    assert 0.3 < waited < 25


def test_waiting_ends(tmp_path: Path) -> None:
    with holder(tmp_path, 60) as process:
        began = time.monotonic()
        with pytest.raises(DirectoryInUseError), hold(tmp_path, who="leeway detect", wait_seconds=0.3):
            pass
        assert 0.3 <= time.monotonic() - began < 10
        process.kill()


def test_a_killed_run_holds_nothing(tmp_path: Path) -> None:
    process = holder(tmp_path, 60)
    process.kill()
    process.communicate()
    with hold(tmp_path, who="leeway detect"):
        pass


def test_a_hold_ends_with_its_block_even_by_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), hold(tmp_path, who="one"):
        raise ZeroDivisionError
    with hold(tmp_path, who="another"):
        pass


def test_an_unreadable_note_is_still_another_run(tmp_path: Path) -> None:
    with hold(tmp_path, who="one"):
        (tmp_path / ".lock").write_text("[1,2")
        with pytest.raises(DirectoryInUseError, match="held by another run"), hold(tmp_path, who="another"):
            pass


@pytest.mark.parametrize("make", [lambda lock: lock.symlink_to("/etc/hostname"), Path.mkdir], ids=["link", "directory"])
def test_a_lock_that_is_no_file_is_refused(make: Callable[[Path], object], tmp_path: Path) -> None:
    make(tmp_path / ".lock")
    with pytest.raises(StateError, match="cannot open"), hold(tmp_path, who="one"):
        pass
