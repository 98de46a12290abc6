"""Take the secrets out of an event where it enters, so that nothing behind this room ever holds one."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from msgspec.structs import replace

from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    Event,
    FileTouched,
    ModuleLoaded,
    NameResolved,
    Process,
    ProcessStarted,
    ToolCalled,
    identified,
)
from leeway.text import redact

_CACHED_LENGTH: Final = 1_024
"""Characters up to which a text's redaction is remembered: bounds the cache to some 16 MB."""

_USUAL: Final[str] = ConnectionOpened(time=datetime(1970, 1, 1, tzinfo=UTC), host="-", destination="", port=0).protocol
"""The very object that is the default: msgspec tells defaults, which no canonical record holds, by identity."""

_HOST: Final = re.compile(r"[\w.:%\[\]-]*")
"""What host names and addresses are made of; a destination that holds anything else is searched for secrets."""

_MARK: Final = "<secret>"


def without_secrets(event: AnyEvent) -> AnyEvent:
    """Return the event with secrets redacted and its id filled in; doing it twice changes nothing.

    The id is the sensor's own, else the digest of the *redacted* record, so that an event written and read again
    keeps it. Command lines and tool arguments are searched always; destinations only where they are no host's name, and
    paths only where they are URLs, for else `sk-12345678.example.org` and `/home/ana/secret plans` would lose theirs.
    """
    process = event.process
    if process is not None and process.command_line:
        event = _with_process(event, "process", process)
    act = _ACTS.get(type(event))
    if act is not None:
        event = act(event)
    return event if event.id else identified(event)


def _with_parent(event: ProcessStarted) -> AnyEvent:
    parent = event.parent
    return _with_process(event, "parent", parent) if parent is not None and parent.command_line else event


def _with_name(event: NameResolved) -> NameResolved:
    return event if _is_host(event.name) else replace(event, name=redact(event.name))


def _with_path(event: FileTouched | ModuleLoaded) -> AnyEvent:
    return replace(event, path=redact(event.path)) if "://" in event.path else event


def _with_arguments(event: ToolCalled) -> ToolCalled:
    given = event.arguments
    return replace(event, arguments={redact(key): _argument(key, value) for key, value in given.items()})


def _with_destination(event: ConnectionOpened) -> ConnectionOpened:
    name, protocol = event.destination, event.protocol
    if not _is_host(name):
        event = replace(event, destination=redact(name))
    if protocol is not _USUAL and protocol == _USUAL:
        event = replace(event, protocol=_USUAL)
    return event


def _with_process(event: AnyEvent, field: str, process: Process) -> AnyEvent:
    text = process.command_line or ""
    clean = _remembered(text) if len(text) <= _CACHED_LENGTH else redact(text)
    return event if clean == text else replace(event, **{field: replace(process, command_line=clean)})


@lru_cache(maxsize=16_384)
def _remembered(text: str) -> str:
    return redact(text)


@lru_cache(maxsize=16_384)
def _is_host(name: str) -> bool:
    return _HOST.fullmatch(name) is not None


def _argument(key: str, value: str) -> str:
    """Return the value without secrets; nothing of it where the key says that it is one."""
    clean = redact(f"{key}={value}")
    rest = clean.removeprefix(f"{key}=")
    return _MARK if rest.startswith(_MARK) or not clean.startswith(f"{key}=") else rest


_ACTS: Final[dict[type[Event], Callable[[Any], AnyEvent]]] = {
    ProcessStarted: _with_parent,
    ConnectionOpened: _with_destination,
    NameResolved: _with_name,
    FileTouched: _with_path,
    ModuleLoaded: _with_path,
    ToolCalled: _with_arguments,
}
"""Kind to what takes the secrets out of that which is peculiar to it."""
