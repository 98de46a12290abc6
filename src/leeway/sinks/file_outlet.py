"""Findings added to a file, durably."""

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from leeway.sinks.outlet import SENT, Answer, Parcel, Receipt, failure
from leeway.sinks.sink import Sink

_TOGETHER = 1_000
"""Findings added at once."""

_PRIVATE = 0o600


@dataclass(frozen=True)
class FileOutlet:
    """Adds to a file what its form renders; made 0600 where there is none, never through a symbolic link."""

    path: Path
    form: Sink

    @property
    def label(self) -> str:
        """Form and way."""
        return f"{self.form.name} file"

    def batches(self, parcels: Sequence[Parcel]) -> list[Sequence[Parcel]]:
        """Return portions of a thousand."""
        return [parcels[start : start + _TOGETHER] for start in range(0, len(parcels), _TOGETHER)]

    def send(self, parcels: Sequence[Parcel]) -> Receipt:
        """Add the parcels to the file; what the disk does not take whole is taken back."""
        head = self.form.render(())
        body = b"".join(self.form.render((one.finding,), one.told).removeprefix(head) for one in parcels)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags, _PRIVATE)
        except OSError as error:
            return Receipt(Answer.LATER, _why(error))
        try:
            return _add(descriptor, self.path, head, body)
        except OSError as error:
            return Receipt(Answer.LATER, _why(error))
        finally:
            os.close(descriptor)


def _add(descriptor: int, path: Path, head: bytes, body: bytes) -> Receipt:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        return Receipt(Answer.LATER, "not a regular file")
    # A line that another program, or a crash, left half written must not swallow the next one.
    is_torn = found.st_size > 0 and os.pread(descriptor, 1, found.st_size - 1) != b"\n"
    content = (b"\n" if is_torn else b"") + (b"" if found.st_size else head) + body
    try:
        _write(descriptor, content)
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, found.st_size)
        raise
    if not found.st_size:
        _sync(path.parent)
    return SENT


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why(error: OSError) -> str:
    # The system's words for a file name no place; those for a network may.
    return error.strerror.lower() if error.strerror else failure(error)
