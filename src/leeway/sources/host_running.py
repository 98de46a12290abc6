"""What is read of a live host before it becomes events: its processes, and what could not be seen of them."""

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

from msgspec import Struct

from leeway.events import Process

GONE = "processes that ended while they were read"
ZOMBIE = "processes that have ended and wait for their parent"
KERNEL = "kernel threads"
ITSELF = "this snapshot's own process"
LISTENING = "listening sockets"
CLOSING = "connections that no process holds: ended, or not taken up yet"

HIDDEN = "processes that /proc shows no details of (hidepid)"
HIDING = "/proc without other users' processes (hidepid): how many there are is not told"
NO_IMAGE = "processes whose executable could not be read: known by their name only"
NO_COMMAND_LINE = "processes whose command line could not be read"
NO_USER = "processes whose user could not be read"
NO_SOCKETS = "processes whose sockets could not be read"
NO_MODULES = "processes whose modules could not be read"
NO_NAMESPACE = "network namespaces whose connections could not be read"
NOBODYS = "connections of no process that could be seen"
TOO_MANY_MODULES = "modules beyond the first 4,096 of a process"
ID_ONLY = "containers known only by their id: told without a name"
DELETED_IMAGE = "executables replaced or deleted since the start"
DELETED_MODULE = "modules replaced or deleted since they were loaded"
TOO_LARGE = "files too large for a digest"
NO_DIGEST = "files whose digest could not be taken"
NO_MODULES_HERE = "modules: not observable on this system"

MODULES_LIMIT = 4_096
"""Modules of one process that are told."""


class Connection(NamedTuple):
    """A socket with another side."""

    protocol: str
    outbound: bool
    destination: str
    """Address of the other side."""
    port: int
    """The other side's port of an outbound connection, the own one of an inbound one."""


class Module(NamedTuple):
    """A file that is mapped so that it can be run."""

    path: str
    digest: str | None = None
    """SHA-256, where it was asked for and could be taken."""


class Running(Struct, frozen=True, kw_only=True):
    """A process that runs, as far as it could be seen."""

    process: Process
    """With its uid and its start."""
    parent: int | None = None
    """Process id of the parent; None where there is none within sight."""
    user: str | None = None
    unit: str | None = None
    """Container or service unit, by its name."""
    digest: str | None = None
    """SHA-256 of the executable."""
    connections: tuple[Connection, ...] = ()
    modules: tuple[Module, ...] = ()


class Host(NamedTuple):
    """What runs on a host."""

    boot: str
    """What tells one run of the host from the next; empty where process ids and starts do that alone."""
    running: tuple[Running, ...]
    left_out: Counter[str]
    """Seen, and no part of an agent's behaviour."""
    unseen: Counter[str]
    """What could not be seen, by reason; the constants of this module."""


def bounded(modules: Iterable[Module], unseen: Counter[str]) -> tuple[Module, ...]:
    """Return each module once, by path, the first `MODULES_LIMIT` of them; those beyond are counted."""
    paths = sorted({one.path: one for one in modules}.values())
    if len(paths) > MODULES_LIMIT:
        unseen[TOO_MANY_MODULES] += len(paths) - MODULES_LIMIT
    return tuple(paths[:MODULES_LIMIT])


def mark(text: str) -> str:
    """Return 8 hex digits that stand for a text within an id."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
