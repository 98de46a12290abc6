"""All that runs on a Linux host, read from the folder /proc; needs no rights and no other package."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from leeway.errors import UnsupportedError
from leeway.events import Process
from leeway.sources import host_running as why
from leeway.sources.host_digests import Digests
from leeway.sources.host_running import Connection, Host, Module, Running, bounded, mark
from leeway.sources.host_units import name_by_monitor, unit_of
from leeway.sources.proc import (
    Boot,
    Image,
    Stat,
    as_line,
    name_of,
    read_arguments,
    read_boot,
    read_cgroups,
    read_image,
    read_modules,
    read_network_namespace,
    read_socket_inodes,
    read_stat,
    read_user_id,
    started_at,
)
from leeway.sources.proc_sockets import read_sockets

_MARK_LENGTH: Final = 8


class Draft(NamedTuple):
    """A process that was read, before its connections and its container's name are known."""

    running: Running
    ticks: int
    namespace: str
    inodes: frozenset[int]
    cgroups: tuple[str, ...]
    arguments: tuple[str, ...]


def read_linux(root: Path, *, names: Mapping[str, str], hertz: int | None = None, takes_digests: bool = False) -> Host:
    """Return what the folder `root`, of the form of /proc, shows.

    Args:
        root: the folder.
        names: names of containers by id; conmon processes tell those that are missing.
        hertz: clock ticks a second; the system's own by default.
        takes_digests: whether executables and modules are read.

    Raises:
        UnsupportedError: where the folder is not of that form.
    """
    boot = read_boot(root)
    if boot is None:
        raise UnsupportedError(f"{root} does not tell when the host started", hint="mount proc there")
    reader = _Reader(root, boot, hertz or os.sysconf("SC_CLK_TCK"), takes_digests=takes_digests)
    drafts = tuple(reader.drafts())
    connections = _Network(root, reader.left_out, reader.unseen).connections(drafts)
    told = dict(_monitored(drafts)) | dict(names)
    units = [unit_of(one.cgroups, told) for one in drafts]
    reader.unseen[why.ID_ONLY] += len({one.container for one in units if one.container and one.name is None})
    running = [_completed(one, unit.name, connections) for one, unit in zip(drafts, units, strict=True)]
    return Host(boot.id, tuple(running), reader.left_out, reader.unseen)


class _Reader:
    """Reads one process after the other."""

    def __init__(self, root: Path, boot: Boot, hertz: int, *, takes_digests: bool) -> None:
        self.left_out: Counter[str] = Counter()
        self.unseen: Counter[str] = Counter()
        self._root = root
        self._boot = boot
        self._hertz = hertz
        self._digests = Digests(self.unseen) if takes_digests else None

    def drafts(self) -> Iterator[Draft]:
        """Yield the processes in the order of their ids."""
        pids = sorted(int(one.name) for one in self._root.iterdir() if one.name.isascii() and one.name.isdecimal())
        if 1 not in pids:
            self.unseen[why.HIDING] += 1
        own = _own(self._root)
        for pid in pids:
            folder = self._root / str(pid)
            stat = read_stat(folder)
            if stat is None:
                self.unseen[why.HIDDEN if folder.exists() else why.GONE] += 1
            elif reason := _left_out(stat, own):
                self.left_out[reason] += 1
            else:
                yield from self._read(folder, stat)

    def _read(self, folder: Path, stat: Stat) -> Iterator[Draft]:
        unseen: Counter[str] = Counter()
        draft = self._draft(folder, stat, unseen)
        again = read_stat(folder)
        if again is None or again.ticks != stat.ticks:
            self.unseen[why.GONE] += 1  # half of it may be of another process with the same id
        else:
            self.unseen.update(unseen)
            yield draft

    def _draft(self, folder: Path, stat: Stat, unseen: Counter[str]) -> Draft:
        arguments, image, inodes = read_arguments(folder), read_image(folder), read_socket_inodes(folder)
        user = read_user_id(folder)
        unseen[why.NO_COMMAND_LINE] += arguments is None
        unseen[why.NO_IMAGE] += image is None
        unseen[why.DELETED_IMAGE] += image is not None and image.is_deleted
        unseen[why.NO_SOCKETS] += inodes is None
        process = Process(
            image=image.path if image else name_of(stat.comm, arguments or ()),
            pid=stat.pid,
            uid=self._uid(stat, image),
            started=started_at(self._boot, stat.ticks, self._hertz),
            command_line=None if arguments is None else as_line(arguments) if arguments else "",
        )
        running = Running(
            process=process,
            parent=stat.parent or None,
            user=None if user is None else user_name(user),
            digest=self._digests.of(folder / "exe", through_link=True) if self._digests and image else None,
            modules=self._modules(folder, process.image, unseen),
        )
        namespace = read_network_namespace(folder) or ""
        return Draft(running, stat.ticks, namespace, frozenset(inodes or ()), read_cgroups(folder), arguments or ())

    def _uid(self, stat: Stat, image: Image | None) -> str:
        """Return the id of this run of this program; a process that becomes another program (exec) is another one."""
        start = f"{self._boot.id[:_MARK_LENGTH]}-{stat.pid}-{stat.ticks}"
        return f"{start}-{mark(image.path)}" if image else start

    def _modules(self, folder: Path, image: str, unseen: Counter[str]) -> tuple[Module, ...]:
        found = read_modules(folder, image)
        if found is None:
            unseen[why.NO_MODULES] += 1
            return ()
        unseen[why.DELETED_MODULE] += sum(one.is_deleted for one in found)
        return bounded((Module(one.path, self._digest(folder, one)) for one in found), unseen)

    def _digest(self, folder: Path, module: Image) -> str | None:
        if self._digests is None or not module.path.startswith("/"):
            return None
        return self._digests.of(folder / "root" / module.path[1:], module.inode)


class _Network:
    """The connections of this process's network namespace and of every other one that can be told apart from it."""

    def __init__(self, root: Path, left_out: Counter[str], unseen: Counter[str]) -> None:
        self._root = root
        self._left_out = left_out
        self._unseen = unseen

    def connections(self, drafts: Iterable[Draft]) -> dict[int, list[Connection]]:
        """Return the connections by process id; one that several processes hold is the eldest one's."""
        elders = sorted(drafts, key=lambda one: one.ticks)
        left: dict[int, Connection] = {}
        for folders in self._spaces(elders).values():
            left |= self._listed(folders)
        found: dict[int, list[Connection]] = {}
        for draft in elders:
            # A socket's inode is the kernel's, one count for all namespaces.
            for inode in draft.inodes & left.keys():
                found.setdefault(draft.running.process.pid or 0, []).append(left.pop(inode))
        self._unseen[why.NOBODYS] += len(left)
        return found

    def _spaces(self, drafts: Iterable[Draft]) -> dict[str, list[Path]]:
        """Return the folders through which each namespace can be read."""
        spaces = {read_network_namespace(self._root / "self") or "": [self._root / "net"]}
        for draft in drafts:
            if draft.namespace:
                spaces.setdefault(draft.namespace, []).append(self._root / str(draft.running.process.pid) / "net")
        return spaces

    def _listed(self, folders: Iterable[Path]) -> dict[int, Connection]:
        """Return what the first folder lists whose process still runs."""
        for folder in folders:
            sockets = read_sockets(folder)
            if sockets is not None:
                self._left_out[why.LISTENING] += sockets.listening
                self._left_out[why.CLOSING] += sockets.closing
                return sockets.connections
        self._unseen[why.NO_NAMESPACE] += 1
        return {}


def _monitored(drafts: Iterable[Draft]) -> Iterator[tuple[str, str]]:
    """Yield (container id, name) of the containers whose first process is the child of the monitor that names them.

    Any process can be called with such arguments; to be believed it must have started the container.
    """
    arguments = {one.running.process.pid: one.arguments for one in drafts}
    for one in drafts:
        named = name_by_monitor(arguments.get(one.running.parent, ()))
        if named and any(named[0] in path for path in one.cgroups):
            yield named


def _completed(draft: Draft, unit: str | None, connections: Mapping[int, list[Connection]]) -> Running:
    held = tuple(sorted(set(connections.get(draft.running.process.pid or 0, ()))))
    return replace(draft.running, unit=unit, connections=held)


def _left_out(stat: Stat, own: int) -> str:
    if stat.is_kernel_thread:
        return why.KERNEL
    if stat.state == "Z":
        return why.ZOMBIE
    return why.ITSELF if stat.pid == own else ""


def _own(root: Path) -> int:
    """Return the id of this process as the folder has it, 0 where it has none: in another namespace it differs."""
    try:
        own = (root / "self").readlink().name
    except OSError:
        return 0
    return int(own) if own.isdecimal() else 0


@lru_cache(maxsize=4_096)
def user_name(uid: int) -> str:
    """Return the name of a user id on this host, the number where it has none."""
    import pwd  # noqa: PLC0415  # Windows has none, and may read a folder of this form

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
