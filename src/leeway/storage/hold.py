"""One run at a time holds an output directory; a second one waits, or says who holds it."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leeway.errors import DirectoryInUseError, StateError

_POLL_SECONDS = 0.1


@contextmanager
def hold(directory: Path, *, who: str, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold `directory` while the block runs; `who` is told to anyone else who asks.

    The lock is the kernel's, so it ends with the process whatever happens to it.

    Raises:
        DirectoryInUseError: where another run still holds it after `wait_seconds`.
        StateError: where the directory cannot be held at all.
    """
    path = directory / ".lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StateError(f"cannot open {path}: {error.strerror}", hint="may you write to the directory?") from error
    try:
        _acquire(descriptor, directory, wait_seconds)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "run": who}).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, directory: Path, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise DirectoryInUseError(
                    f"{directory} is held by {_holder(descriptor)}", hint="wait for it, or give --wait SECONDS"
                ) from None
            time.sleep(_POLL_SECONDS)
        else:
            return


def _holder(descriptor: int) -> str:
    try:
        told = json.loads(os.pread(descriptor, 1024, 0))
        return f"process {told['pid']} ({told['run']})"
    except (ValueError, KeyError, TypeError):
        return "another run"
