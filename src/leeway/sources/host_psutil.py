"""All that runs on a host without /proc (macOS, Windows), read through psutil (extra `host`)."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from socket import SOCK_STREAM
from types import ModuleType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from msgspec.structs import replace

from leeway.destinations import address_of
from leeway.errors import UnsupportedError
from leeway.events import Process
from leeway.sources import host_running as why
from leeway.sources.host_digests import Digests
from leeway.sources.host_running import Connection, Host, Module, Running, bounded, mark
from leeway.sources.proc import as_line

if TYPE_CHECKING:
    import psutil

_MICROSECONDS: Final = 1_000_000
_LISTEN: Final = "LISTEN"
_KERNEL: Final = frozenset({0})
"""Process ids that are the kernel's own, on macOS and Windows."""

_Answer = TypeVar("_Answer")


class _Socket(NamedTuple):
    protocol: str
    own: tuple[str, int]
    other: tuple[str, int] | None


class _Draft(NamedTuple):
    running: Running
    sockets: tuple[_Socket, ...]


def read_through_psutil(*, takes_digests: bool = False) -> Host:
    """Return what psutil shows of this host.

    Raises:
        UnsupportedError: where psutil is not installed.
    """
    reader = _Reader(_psutil(), takes_digests=takes_digests)
    drafts = list(reader.drafts())
    ports = {(one.protocol, one.own[1]) for draft in drafts for one in draft.sockets if one.other is None}
    reader.left_out[why.LISTENING] += sum(one.other is None for draft in drafts for one in draft.sockets)
    running = tuple(replace(one.running, connections=_connections(one.sockets, ports)) for one in drafts)
    return Host("", running, reader.left_out, reader.unseen)


def _psutil() -> ModuleType:
    try:
        import psutil  # noqa: PLC0415  # an extra, needed only here
    except ImportError as error:
        raise UnsupportedError(
            "a snapshot needs psutil where there is no /proc", hint="pip install 'agent-leeway[host]'"
        ) from error
    return psutil


class _Reader:
    """Reads one process after the other."""

    def __init__(self, library: ModuleType, *, takes_digests: bool) -> None:
        self.left_out: Counter[str] = Counter()
        self.unseen: Counter[str] = Counter()
        self._library = library
        self._digests = Digests(self.unseen) if takes_digests else None
        self._shows_modules = hasattr(library.Process, "memory_maps")

    def drafts(self) -> Iterator[_Draft]:
        """Yield the processes in the order of their ids."""
        if not self._shows_modules:
            self.unseen[why.NO_MODULES_HERE] += 1
        for process in self._library.process_iter():
            if process.pid in _KERNEL:
                self.left_out[why.KERNEL] += 1
            elif process.pid == os.getpid():
                self.left_out[why.ITSELF] += 1
            else:
                yield from self._read(process)

    def _read(self, process: "psutil.Process") -> Iterator[_Draft]:
        unseen: Counter[str] = Counter()
        try:
            with process.oneshot():
                draft = self._draft(process, unseen)
        except self._library.ZombieProcess:
            self.left_out[why.ZOMBIE] += 1
        except self._library.NoSuchProcess:
            self.unseen[why.GONE] += 1
        except self._library.AccessDenied:
            self.unseen[why.HIDDEN] += 1
        else:
            self.unseen.update(unseen)
            yield draft

    def _draft(self, process: "psutil.Process", unseen: Counter[str]) -> _Draft:
        created = process.create_time()
        image = self._asked(process.exe, unseen, why.NO_IMAGE) or ""
        arguments = self._asked(process.cmdline, unseen, why.NO_COMMAND_LINE)
        sockets = self._asked(lambda: process.net_connections("inet"), unseen, why.NO_SOCKETS)
        start = f"{process.pid}-{int(created * _MICROSECONDS)}"
        running = Running(
            process=Process(
                image=image or process.name(),
                pid=process.pid,
                uid=f"{start}-{mark(image)}" if image else start,
                started=datetime.fromtimestamp(created, UTC),
                command_line=None if arguments is None else as_line(tuple(arguments)) if arguments else "",
            ),
            parent=process.ppid() or None,
            user=self._asked(process.username, unseen, why.NO_USER),
            digest=self._digests.of(Path(image)) if self._digests and image else None,
            modules=self._modules(process, image, unseen),
        )
        return _Draft(running, tuple(_sockets(sockets or ())))

    def _asked(self, question: Callable[[], _Answer], unseen: Counter[str], reason: str) -> _Answer | None:
        """Return the answer, None where it is refused: that is counted."""
        try:
            return question()
        except self._library.AccessDenied:
            unseen[reason] += 1
            return None

    def _modules(self, process: "psutil.Process", image: str, unseen: Counter[str]) -> tuple[Module, ...]:
        if not self._shows_modules:
            return ()
        maps = self._asked(lambda: process.memory_maps(grouped=False), unseen, why.NO_MODULES)
        paths = {one.path for one in maps or () if "x" in one.perms and not one.path.startswith("[")} - {image, ""}
        return bounded((Module(one, self._digest(one)) for one in paths), unseen)

    def _digest(self, path: str) -> str | None:
        return self._digests.of(Path(path)) if self._digests else None


def _sockets(found: Iterable[object]) -> Iterator[_Socket]:
    for one in found:
        own, other = getattr(one, "laddr", ()), getattr(one, "raddr", ())
        if not own:
            continue
        protocol = "tcp" if getattr(one, "type", None) == SOCK_STREAM else "udp"
        if other and other.port:
            yield _Socket(protocol, (own.ip, own.port), (other.ip, other.port))
        elif protocol == "udp" or getattr(one, "status", "") == _LISTEN:
            yield _Socket(protocol, (own.ip, own.port), None)


def _connections(sockets: Iterable[_Socket], ports: set[tuple[str, int]]) -> tuple[Connection, ...]:
    """Return the sockets with another side; inbound where their own port is one on which the host listens."""
    found = set()
    for protocol, own, other in sockets:
        if other is not None:
            is_inbound = (protocol, own[1]) in ports
            address = str(address_of(other[0]) or other[0])
            found.add(Connection(protocol, not is_inbound, address, own[1] if is_inbound else other[1]))
    return tuple(sorted(found))
