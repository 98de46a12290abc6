"""Take the secrets out of an event where it enters, so that nothing behind this room ever holds one."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from leeway.events import (
    AnyEvent,
    ConnectionOpened,
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
    return identified(_with_act(event))


def _with_act(event: AnyEvent) -> AnyEvent:
    """Return the event with what is peculiar to its kind of act redacted."""
    match event:
        case ProcessStarted(parent=Process(command_line=str()) as parent):
            return _with_process(event, "parent", parent)
        case ConnectionOpened():
            return _with_destination(event)
        case NameResolved(name=name) if not _HOST.fullmatch(name):
            return replace(event, name=redact(name))
        case FileTouched(path=path) | ModuleLoaded(path=path) if "://" in path:
            return replace(event, path=redact(path))
        case ToolCalled(arguments=arguments) if arguments:
            return replace(event, arguments={redact(key): _argument(key, value) for key, value in arguments.items()})
        case _:
            return event


def _with_destination(event: ConnectionOpened) -> ConnectionOpened:
    name, protocol = event.destination, event.protocol
    if not _HOST.fullmatch(name):
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


def _argument(key: str, value: str) -> str:
    """Return the value without secrets; nothing of it where the key says that it is one."""
    clean = redact(f"{key}={value}")
    rest = clean.removeprefix(f"{key}=")
    return _MARK if rest.startswith(_MARK) or not clean.startswith(f"{key}=") else rest
