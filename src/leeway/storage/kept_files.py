"""Files that never change, each under the digest of what it holds.

A file is written under the name of a draft, made durable and then renamed, before any row names it. What a crash leaves
in between, and what no row names any more, is swept up by the next run.
"""

import os
import re
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from shutil import rmtree
from typing import Final, NamedTuple

from leeway.errors import StateError
from leeway.storage.files import make_private_directory, put_in_place

_CHUNK: Final = 8 << 20
"""Bytes that are copied, and digested, at a time."""

_DRAFT: Final = ".draft-"
"""How the name of what is not finished starts."""

_NAME: Final = re.compile(r"([0-9a-f]{64})\.parquet")

_SPACE: Final = "is there space, and may you write here?"

_RESTORE: Final = "restore the directory from a backup, or start with an empty one"


class Draft(NamedTuple):
    """A file that no row can name yet."""

    path: Path
    name: str
    """What it will go by: the digest of what it holds, 64 hex digits."""


@contextmanager
def copied(source: Path, folder: Path) -> Iterator[Draft]:
    """Give a private copy of a file in `folder`; it is gone afterwards where it was not kept.

    Where the file system can, both share their blocks until one of them changes.

    Raises:
        StateError: where the disk does not take it.
    """
    make_private_directory(folder)
    try:
        descriptor, name = tempfile.mkstemp(prefix=_DRAFT, dir=folder)
        path = Path(name)
        try:
            with os.fdopen(descriptor, "r+b", buffering=0), source.open("rb", buffering=0) as stored:
                digest = _copy(stored.fileno(), descriptor)
            yield Draft(path, digest)
        finally:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StateError(f"cannot copy {source} to {folder}: {error.strerror}", hint=_SPACE) from error


def _copy(source: int, target: int) -> str:
    """Copy one open file to another and return the digest of what arrived."""
    digest = blake2b(digest_size=32)
    done = 0
    while moved := _move(source, target):
        rest = moved
        while rest:
            chunk = os.pread(target, rest, done)
            digest.update(chunk)
            done += len(chunk)
            rest -= len(chunk)
    return digest.hexdigest()


def _move(source: int, target: int) -> int:
    """Copy the next bytes of a file and return how many those were; 0 at its end."""
    if hasattr(os, "copy_file_range"):
        with suppress(OSError):  # not between these two file systems
            return os.copy_file_range(source, target, _CHUNK)
    rest = memoryview(os.read(source, _CHUNK))
    size = len(rest)
    while rest:
        rest = rest[os.write(target, rest) :]
    return size


def keep(draft: Draft, folder: Path) -> str:
    """Make a draft a file of `folder` for good and return its name.

    Raises:
        StateError: where the disk does not take it.
    """
    put_in_place(draft.path, folder / f"{draft.name}.parquet")
    return draft.name


@contextmanager
def drafts(folder: Path) -> Iterator[Path]:
    """Give a folder within `folder`, gone afterwards, for files that are not finished.

    Raises:
        StateError: where it cannot be made.
    """
    make_private_directory(folder)
    try:
        place = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=folder))
    except OSError as error:
        raise StateError(f"cannot create a folder in {folder}: {error.strerror}", hint=_SPACE) from error
    try:
        yield place
    finally:
        rmtree(place, ignore_errors=True)


def draft_of(path: Path) -> Draft:
    """Return a finished file as what can be kept.

    Raises:
        StateError: where it cannot be read.
    """
    return Draft(path, _digest(path))


def kept(folder: Path, name: str) -> Path:
    """Return the path of a file that a row names, looked through to its end: it holds what was written.

    Raises:
        StateError: where it is not there, or holds something else.
    """
    path = folder / f"{name}.parquet"
    if not _NAME.fullmatch(path.name) or path.is_symlink() or not path.is_file():
        raise StateError(f"{path} is missing", hint=_RESTORE)
    if _digest(path) != name:
        raise StateError(f"{path} is damaged", hint=_RESTORE)
    return path


def _digest(path: Path) -> str:
    digest = blake2b(digest_size=32)
    try:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror}", hint=_RESTORE) from error
    return digest.hexdigest()


def sweep(folder: Path, named: Collection[str]) -> None:
    """Remove the files of `folder` that no row names, and drafts; what others put there stays.

    Only where the rows are committed and nobody else is at work in the folder.
    """
    if folder.is_symlink() or not folder.is_dir():
        return
    for path in folder.iterdir():
        found = _NAME.fullmatch(path.name)
        if path.name.startswith(_DRAFT) and path.is_dir() and not path.is_symlink():
            rmtree(path, ignore_errors=True)
        elif path.name.startswith(_DRAFT) or (found and found[1] not in named):
            with suppress(OSError):
                path.unlink()
