"""SHA-256 of the files that a host runs, each read once a snapshot."""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from leeway.sources.host_running import NO_DIGEST, TOO_LARGE

LARGEST: Final = 256 << 20
"""Bytes of the largest file that a digest is taken of."""

# Without them, somebody who put a pipe or a link in the file's place could stop a snapshot or lead it elsewhere.
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)


class Digests:
    """Digests of files, remembered by device, inode, size and time of change."""

    def __init__(self, unseen: Counter[str]) -> None:
        """Files without a digest are counted in `unseen`, each once."""
        self._unseen = unseen
        self._known: dict[tuple[int, int, int, int], str | None] = {}
        self._refused: set[tuple[Path, int]] = set()

    def of(self, path: Path, inode: int = 0, *, through_link: bool = False) -> str | None:
        """Return the digest of a file, None where it cannot be taken.

        Args:
            path: the file.
            inode: of the file that is meant; another one by that path has taken its place. 0 takes any.
            through_link: whether `path` may be a link, as `/proc/PID/exe` is.
        """
        try:
            with _opened(path, _FLAGS | (0 if through_link else _NO_LINK)) as descriptor:
                status = os.fstat(descriptor)
                if stat.S_ISREG(status.st_mode) and (not inode or status.st_ino == inode):
                    return self._taken(descriptor, status)
        except OSError:
            pass
        if (path, inode) not in self._refused:
            self._refused.add((path, inode))
            self._unseen[NO_DIGEST] += 1
        return None

    def _taken(self, descriptor: int, status: os.stat_result) -> str | None:
        key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if key not in self._known:
            is_small = status.st_size <= LARGEST
            self._known[key] = None
            if is_small:
                with os.fdopen(descriptor, "rb", closefd=False) as file:
                    self._known[key] = hashlib.file_digest(file, "sha256").hexdigest()
            else:
                self._unseen[TOO_LARGE] += 1
        return self._known[key]


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
