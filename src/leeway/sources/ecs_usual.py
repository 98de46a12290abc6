"""The usual ECS document as its event, read without asking for fields by name; None where `ecs_acts` has to look.

Holds the way of nearly every document of Elastic's endpoint, in an eighth of the time. It only takes what it is sure of
and says nothing about why a document is not used or refused: the meaning of everything else is written in `ecs_acts`.
"""

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from leeway.destinations import address_of
from leeway.errors import InvalidEventError
from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    FileTouched,
    ModuleLoaded,
    NameResolved,
    Process,
    ProcessEnded,
    ProcessStarted,
)
from leeway.sources.answers import answered
from leeway.sources.ecs_acts import ENDS, FILE_ACTIONS, INBOUND, LOOKUPS, NAME_SERVICE, STARTS
from leeway.sources.ecs_layout import DECODER, LOOSE

_Words = str | tuple[str, ...] | None

_NAME_LIMIT: Final = 1_024
_CACHED_LENGTH: Final = 256
"""Characters of a path up to which a process is remembered: hostile ones must not fill the cache's memory."""
_HEX: Final = re.compile("^[0-9a-fA-F]*$")


class _UnsureError(Exception):
    """The document is not a usual one."""


def usual_event(line: bytes) -> AnyEvent | None:
    """Return the event that `ecs_acts.event_of` gives for a usual document; None for any other.

    A number beyond the range of a double, in a field that nobody asks for, is the one flaw that is not seen here.
    """
    try:
        document = DECODER.decode(line)
    except msgspec.ValidationError:
        document = _loosely(line)
    except msgspec.MsgspecError:
        return None
    if document is None:
        return None
    event = document.event
    if event is None:
        return None
    act = _act(event.kind, event.category, event.type, event.action, event.outcome)
    try:
        return None if act is None else act(document)
    except (_UnsureError, InvalidEventError):
        return None


def _loosely(line: bytes) -> Any:  # noqa: ANN401  # a type that is made at run time
    try:
        return LOOSE.decode(line)
    except msgspec.MsgspecError:
        return None


@lru_cache(maxsize=4_096)
def _words(given: _Words) -> frozenset[str]:
    each = (given,) if isinstance(given, str) else given or ()
    return frozenset(word.casefold() for word in each)


@lru_cache(maxsize=4_096)
def _act(kind: _Words, category: _Words, sort: _Words, action: _Words, outcome: _Words) -> Callable[[Any], Any] | None:
    """Return what reads a document whose event is described so; None where that is not the usual."""
    told = _words(category) & _READ.keys()
    kinds = _words(kind)
    if (kinds and "event" not in kinds) or len(told) != 1 or "failure" in _words(outcome):
        return None
    return _READ[next(iter(told))](_words(sort), _words(action))


def _of_process(types: frozenset[str], actions: frozenset[str]) -> Callable[[Any], Any] | None:
    if (types | actions) & STARTS:
        return _started
    return _ended if (types | actions) & ENDS else None


def _of_library(types: frozenset[str], actions: frozenset[str]) -> Callable[[Any], Any] | None:
    return _loaded if (types | actions) & {"start", "load"} else None


def _of_network(types: frozenset[str], actions: frozenset[str]) -> Callable[[Any], Any] | None:
    if "denied" in types:
        return None
    is_end = "end" in types and "start" not in types
    asks, inbound = bool(actions & LOOKUPS), bool(actions & INBOUND)
    return lambda document: _spoke(document, asks=asks, inbound=inbound, is_end=is_end)


def _of_file(types: frozenset[str], actions: frozenset[str]) -> Callable[[Any], Any] | None:
    found = (action for action, words in FILE_ACTIONS if words & (types | actions))
    done = next(found, None)
    return None if done is None or "denied" in types else lambda document: _touched(document, done)


_READ: Final[dict[str, Callable[[frozenset[str], frozenset[str]], Callable[[Any], Any] | None]]] = {
    "process": _of_process,
    "library": _of_library,
    "driver": _of_library,
    "network": _of_network,
    "file": _of_file,
}


def _text(value: str | None) -> str | None:
    return None if value in ("", "-") else value


def _digest(value: str | None) -> str | None:
    if value is None or value in ("", "-"):
        return None
    if not _is_hex(value):
        raise _UnsureError
    return value


@lru_cache(maxsize=65_536)
def _is_hex(value: str) -> bool:
    return _HEX.search(value) is not None


class _Head(NamedTuple):
    """What documents of every kind say."""

    time: datetime
    id: str
    host: str
    user: str | None
    process: Process


def _head(document: Any) -> _Head:  # noqa: ANN401  # a type that is made at run time
    process = _process(document.process)
    host = document.host
    name = None if host is None else _text(host.name) or _text(host.hostname)
    if process is None or name is None:
        raise _UnsureError
    user = document.user
    who = None if user is None else _text(user.name) if user.domain is None else _user(user)
    return _Head(
        document.timestamp,
        _text(document.event.id) or "",
        _host(name),
        _text(user.id) if who is None and user is not None else who,
        process,
    )


@lru_cache(maxsize=16_384)
def _host(name: str) -> str:
    if not name.isascii():
        raise _UnsureError
    return name.casefold()


def _user(user: Any) -> str | None:  # noqa: ANN401  # likewise
    """Return the name of a user with its domain."""
    name, domain = _text(user.name), _text(user.domain)
    if name is None or domain is None:
        return name
    if len(domain) + len(name) >= _NAME_LIMIT:
        raise _UnsureError
    return f"{domain}\\{name}"


def _process(given: Any) -> Process | None:  # noqa: ANN401  # likewise
    """Return a process; None where it is not named at all."""
    if given is None:
        return None
    line, image, uid, digests = given.command_line, given.executable, given.entity_id, given.hash
    if not line or line == "-":
        if given.args is not None:
            raise _UnsureError
        line = None
    if not image or image == "-":
        image = _text(given.name) or ""
    if not uid or uid == "-":
        uid = None
    pid = given.pid
    if not image and pid is None and uid is None:
        return None
    if line is None and digests is None and len(image) <= _CACHED_LENGTH:
        return _named(image, pid, uid, given.start)
    sha1 = None if digests is None else _digest(digests.sha1)
    return Process(image=image, pid=pid, uid=uid, started=given.start, command_line=line, sha1=sha1)


@lru_cache(maxsize=16_384)
def _named(image: str, pid: int | None, uid: str | None, started: datetime | None) -> Process:
    """Return a process that is only named, as one and the same object each time: most events name one anew."""
    return Process(image=image, pid=pid, uid=uid, started=started)


def _signer(of: Any) -> str | None:  # noqa: ANN401  # likewise
    signature = of.code_signature
    holds = signature is not None and signature.trusted is True and signature.valid in (True, None)
    return _text(signature.subject_name) if holds else None


def _started(document: Any) -> ProcessStarted:  # noqa: ANN401  # likewise
    time, id_, host, user, process = _head(document)
    if not process.image:
        raise _UnsureError
    given = document.process
    return ProcessStarted(
        time=time,
        id=id_,
        host=host,
        user=user,
        process=process,
        parent=_process(given.parent),
        digest=None if given.hash is None else _digest(given.hash.sha256),
        signer=_signer(given),
        unit=None if document.container is None else _text(document.container.name),
    )


def _ended(document: Any) -> ProcessEnded:  # noqa: ANN401  # likewise
    time, id_, host, user, process = _head(document)
    if not process.image:
        raise _UnsureError
    return ProcessEnded(time=time, id=id_, host=host, user=user, process=process)


def _loaded(document: Any) -> ModuleLoaded:  # noqa: ANN401  # likewise
    dll = document.dll
    path = None if dll is None else _text(dll.path) or _text(dll.name)
    if path is None:
        raise _UnsureError
    time, id_, host, user, process = _head(document)
    return ModuleLoaded(
        time=time,
        id=id_,
        host=host,
        user=user,
        process=process,
        path=path,
        digest=None if dll.hash is None else _digest(dll.hash.sha256),
        sha1=None if dll.hash is None else _digest(dll.hash.sha1),
        signer=_signer(dll),
    )


def _touched(document: Any, action: str) -> FileTouched:  # noqa: ANN401  # likewise
    file = document.file
    path = None if file is None else _text(file.path)
    if path is None:
        raise _UnsureError
    time, id_, host, user, process = _head(document)
    return FileTouched(
        time=time,
        id=id_,
        host=host,
        user=user,
        process=process,
        path=path,
        action=action,  # type: ignore[arg-type]  # one of the table's
    )


def _spoke(document: Any, *, asks: bool, inbound: bool, is_end: bool) -> AnyEvent:  # noqa: ANN401  # likewise
    network, source, destination = document.network, document.source, document.destination
    port = None if destination is None else destination.port
    name = None if document.dns is None or document.dns.question is None else _text(document.dns.question.name)
    if name is not None and (
        asks or port is None or port == NAME_SERVICE or "dns" in _words(network and network.protocol)
    ):
        return _resolved(document, name)
    outbound = not (inbound or _words(network and network.direction) & INBOUND)
    near, far = (source, destination) if outbound else (destination, source)
    bytes_out, bytes_in = near and near.bytes, far and far.bytes
    if port is None or far is None or (is_end and bytes_out is None and bytes_in is None):
        raise _UnsureError
    place, address = _remote(_text(far.ip) or _text(far.address), _text(far.domain))
    time, id_, host, user, process = _head(document)
    return ConnectionOpened(
        time=time,
        id=id_,
        host=host,
        user=user,
        process=process,
        destination=place,
        port=port,
        address=address,
        protocol=_transport(network and network.transport),
        outbound=outbound,
        bytes_out=bytes_out,
        bytes_in=bytes_in,
    )


def _resolved(document: Any, name: str) -> NameResolved:  # noqa: ANN401  # likewise
    found = document.dns.resolved_ip
    time, id_, host, user, process = _head(document)
    return NameResolved(
        time=time,
        id=id_,
        host=host,
        user=user,
        process=process,
        name=name,
        addresses=_answered(found) if found else (),
    )


@lru_cache(maxsize=16_384)
def _answered(found: str | tuple[str, ...]) -> tuple[str, ...]:
    return answered((found,) if isinstance(found, str) else found)


@lru_cache(maxsize=65_536)
def _remote(address: str | None, name: str | None) -> tuple[str, str | None]:
    """Return the destination and its address, as `ecs_acts` has them."""
    if name is None and address is None:
        raise _UnsureError
    spelt = address_of(address) if address else None
    known = str(spelt) if spelt is not None else None
    place = name or address or ""
    return (known if place == address and known else place), known


def _transport(given: str | None) -> str:
    if given is None or given in ("", "-", "tcp"):
        return "tcp"
    if not given.isascii():
        raise _UnsureError
    return given.casefold()
