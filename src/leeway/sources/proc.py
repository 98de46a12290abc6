r"""One process as Linux shows it under /proc (proc_pid_*(5)): bytes in, values out; what cannot be read is None.

Every function takes the process's folder, `/proc/PID`, so that any folder of the same form can be read.
"""

import os
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from leeway.sources.argument_lines import quoted_line

_KERNEL_THREAD: Final = 0x0020_0000
"""PF_KTHREAD among the flags of /proc/PID/stat."""

_DELETED: Final = " (deleted)"
_MEMORY_FILE: Final = "/memfd:"

_READ: Final = 1 << 20
"""Bytes that are read of a command line."""

_COMM_LENGTH: Final = 15
"""Bytes to which the kernel cuts a process's name."""

_SOCKET: Final = re.compile(rb"socket:\[([0-9]+)\]")


class Boot(NamedTuple):
    """The run of the host that its process ids belong to."""

    id: str
    """Random id of this run; the time of its start where the kernel tells none."""
    started: datetime


class Stat(NamedTuple):
    """What /proc/PID/stat tells of a process; readable for every process that can be seen."""

    pid: int
    comm: str
    state: str
    parent: int
    ticks: int
    """Start, in clock ticks since the boot."""
    is_kernel_thread: bool


class Image(NamedTuple):
    """The executable or a mapped file."""

    path: str
    is_deleted: bool
    inode: int = 0


def read_boot(root: Path) -> Boot | None:
    """Return the boot that the folder `/proc` tells of, None where it tells of none."""
    stat = _content(root / "stat") or b""
    found = re.search(rb"^btime ([0-9]{1,12})$", stat, re.MULTILINE)
    if found is None:
        return None
    id_ = (_content(root / "sys/kernel/random/boot_id") or found[1]).decode("ascii", "replace").strip()
    return Boot(id_, datetime.fromtimestamp(int(found[1]), UTC))


def started_at(boot: Boot, ticks: int, hertz: int) -> datetime:
    """Return when a process started: boot time + starttime / CLK_TCK, as proc_pid_stat(5) has it."""
    return boot.started + timedelta(microseconds=ticks * 1_000_000 // hertz)


def read_stat(folder: Path) -> Stat | None:
    """Return the process's stat; its name may hold spaces and brackets, so that the last one ends it."""
    content = _content(folder / "stat") or b""
    head, _, tail = content.rpartition(b")")
    pid, _, comm = head.partition(b"(")
    fields = tail.split()
    try:
        return Stat(
            pid=int(pid),
            comm=comm.decode("utf-8", "replace"),
            state=fields[0].decode("ascii", "replace"),
            parent=int(fields[1]),
            ticks=int(fields[19]),
            is_kernel_thread=bool(int(fields[6]) & _KERNEL_THREAD),
        )
    except (ValueError, IndexError):
        return None


def read_user_id(folder: Path) -> int | None:
    """Return the effective user id: whose rights the process acts with."""
    found = re.search(rb"^Uid:\s+[0-9]+\s+([0-9]{1,10})\s", _content(folder / "status") or b"", re.MULTILINE)
    return int(found[1]) if found else None


def read_arguments(folder: Path) -> tuple[str, ...] | None:
    """Return the program as it was called and its arguments; empty for a process that has none."""
    content = _content(folder / "cmdline", _READ)
    pieces = (content or b"").rstrip(b"\0 ").decode("utf-8", "replace")
    return None if content is None else tuple(pieces.split("\0")) if pieces else ()


def as_line(arguments: tuple[str, ...]) -> str:
    """Return arguments as one line; those with white space or quotes in them are quoted as a shell would have it.

    A process that wrote a title over its arguments has one piece, which is taken as it stands.

    >>> as_line(("bash", "-c", "git status")), as_line(("nginx: worker process",))
    ("bash -c 'git status'", 'nginx: worker process')
    """
    return arguments[0] if len(arguments) == 1 else quoted_line(arguments)


def read_image(folder: Path) -> Image | None:
    """Return the executable that the process runs."""
    target = _target(folder / "exe")
    return _image(target.decode("utf-8", "replace")) if target else None


def name_of(comm: str, arguments: tuple[str, ...]) -> str:
    """Return what a process without a readable executable is called: its name, in full where its arguments tell it.

    The kernel cuts names at 15 bytes. What a process calls itself is no proof of what it is.

    >>> name_of("containerd-shim", ("/usr/bin/containerd-shim-runc-v2", "-namespace", "moby"))
    '/usr/bin/containerd-shim-runc-v2'
    """
    program = arguments[0] if arguments else ""
    called = program.rpartition("/")[2]
    is_cut = len(comm.encode()) >= _COMM_LENGTH and called.startswith(comm)
    return program if called == comm or is_cut else comm


def read_modules(folder: Path, image: str) -> list[Image] | None:
    """Return the files that are mapped executable, in the order of their addresses; not the executable itself."""
    try:
        with (folder / "maps").open("rb") as lines:
            found = dict.fromkeys(_mapped(lines))
    except OSError:
        return None
    return [one for one in found if one.path != image]


def _mapped(lines: Iterable[bytes]) -> Iterator[Image]:
    for line in lines:
        # address, permissions, offset, device, inode, path (which may hold spaces)
        fields = line.rstrip(b"\n").split(None, 5)
        if len(fields) == 6 and b"x" in fields[1] and fields[4].isdigit() and fields[4] != b"0":  # noqa: PLR2004
            path = fields[5].replace(rb"\012", b"\n").decode("utf-8", "replace")
            yield _image(path, int(fields[4]))


def _image(path: str, inode: int = 0) -> Image:
    is_deleted = path.endswith(_DELETED)
    path = path.removesuffix(_DELETED)
    if path.startswith(_MEMORY_FILE):
        # A file in memory never was in a folder, so that the mark is no news of it.
        return Image(path[1:], is_deleted=False, inode=inode)
    return Image(path, is_deleted, inode)


def read_socket_inodes(folder: Path) -> set[int] | None:
    """Return the inodes of the sockets that the process holds."""
    try:
        links = list((folder / "fd").iterdir())
    except OSError:
        return None
    targets = map(_target, links)
    return {int(found[1]) for target in targets if target and (found := _SOCKET.fullmatch(target))}


def read_network_namespace(folder: Path) -> str | None:
    """Return the mark of the network namespace that the process is in, as `net:[4026531840]`."""
    target = _target(folder / "ns/net")
    return target.decode("ascii", "replace") if target else None


def read_cgroups(folder: Path) -> tuple[str, ...]:
    """Return the control groups of the process, the unified hierarchy's first, then systemd's, then the others'."""
    lines = (_content(folder / "cgroup") or b"").decode("utf-8", "replace").splitlines()
    named = [line.split(":", 2)[1:] for line in lines if line.count(":") > 1]
    ranked = sorted(named, key=lambda one: ({"": 0, "name=systemd": 1}.get(one[0], 2), one[0]))
    return tuple(path for _, path in ranked)


def _content(path: Path, limit: int = -1) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError:
        return None


def _target(path: Path) -> bytes | None:
    try:
        return os.fsencode(path.readlink())
    except OSError:
        return None
