"""Files that are there whole or not at all, readable by their owner only."""

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from leeway.errors import StateError

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700

SECRET_BYTES = 32


def make_private_directory(path: Path) -> None:
    """Create a directory and its parents, 0700 whatever the umask; refuse a link or one that others may write to.

    Raises:
        StateError: for a symbolic link, something that is no directory, or a world-writable one.
    """
    if path.is_symlink():
        raise StateError(f"{path} is a symbolic link", hint="name the directory itself")
    try:
        # mkdir(parents=True) would give the parents the umask's mode, not this one.
        for missing in reversed([one for one in path.parents if not one.exists()]):
            missing.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
        path.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    except OSError as error:
        raise StateError(f"cannot create {path}: {error.strerror}") from error
    if path.stat().st_mode & 0o002:
        raise StateError(f"{path} is writable by everyone", hint=f"chmod o-w {path}")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new, never a part (0600).

    Raises:
        StateError: where the disk does not take it; the old content is still there then.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, PRIVATE_FILE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        draft.replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise StateError(
            f"cannot write {path}: {error.strerror}", hint="is there space, and may you write here?"
        ) from error


def put_in_place(draft: Path, path: Path) -> None:
    """Make a finished file the one at `path`, durably and 0600; both lie in one file system.

    Raises:
        StateError: where it cannot be; what was at `path` is still there then.
    """
    try:
        draft.chmod(PRIVATE_FILE)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        raise StateError(
            f"cannot write {path}: {error.strerror}", hint="is there space, and may you write here?"
        ) from error


def append_whole(path: Path, content: bytes, *, head: bytes = b"") -> None:
    """Add lines to a file, durably, all of them or none; made 0600 where there is none, never through a link.

    Args:
        path: the file.
        content: whole lines; they stand by themselves where another program, or a crash, left half a line.
        head: what an empty file is started with.

    Raises:
        OSError: where there is no regular file to be had, or the disk does not take it; what it took is taken back.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, PRIVATE_FILE)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        is_torn = found.st_size > 0 and os.pread(descriptor, 1, found.st_size - 1) != b"\n"
        before = b"\n" if is_torn else b"" if found.st_size else head
        try:
            _write_all(descriptor, before + content)
            os.fsync(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, found.st_size)
            raise
    finally:
        os.close(descriptor)
    if not found.st_size:
        _sync_directory(path.parent)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_or_make_secret(path: Path) -> bytes:
    """Return the secret in a file of 64 hex digits; made at random, 0600, where there is none yet.

    Raises:
        StateError: where the file is not such a secret, or others may read it.
    """
    if not path.exists():
        # In a sticky folder such as /tmp others may write, but not take this file's place.
        if not path.parent.is_dir() or not path.parent.stat().st_mode & stat.S_ISVTX:
            make_private_directory(path.parent)
        write_whole(path, secrets.token_hex(SECRET_BYTES).encode() + b"\n")
    if path.stat().st_mode & 0o077:
        raise StateError(f"{path} may be read by others", hint=f"chmod 600 {path}")
    try:
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise StateError(
            f"{path} is not an id key", hint="it holds 64 hex digits; leeway makes one where none is"
        ) from error
    if len(secret) != SECRET_BYTES:
        raise StateError(f"{path} is not an id key: {len(secret)} bytes instead of {SECRET_BYTES}")
    return secret
