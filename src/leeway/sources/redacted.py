"""Take the secrets out of an event where it enters, so that nothing behind this room ever holds one."""

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

_USUAL: Final[str] = ConnectionOpened(time=datetime.min.replace(tzinfo=UTC), host="-", destination="", port=0).protocol
"""The very object that is the default: msgspec tells defaults, which no canonical record holds, by identity."""

_MARK: Final = "<secret>"


def without_secrets(event: AnyEvent) -> AnyEvent:
    """Return the event with secrets redacted and its id filled in; doing it twice changes nothing.

    The id is the sensor's own, else the digest of the *redacted* record, so that an event written and read again
    keeps it. Command lines and tool arguments are searched always; destinations and paths only where they hold what
    a URL with credentials holds, for else `/home/ana/secret plans` would lose its name.
    """
    process = event.process
    if process is not None and process.command_line:
        event = _with_process(event, "process", process)
    match event:
        case ProcessStarted(parent=Process(command_line=str()) as parent):
            event = _with_process(event, "parent", parent)
        case ConnectionOpened(destination=name, protocol=protocol):
            if "@" in name or "://" in name:
                event = replace(event, destination=redact(name))
            if protocol is not _USUAL and protocol == _USUAL:
                event = replace(event, protocol=_USUAL)
        case NameResolved(name=name) if "@" in name or "://" in name:
            event = replace(event, name=redact(name))
        case FileTouched(path=path) | ModuleLoaded(path=path) if "://" in path:
            event = replace(event, path=redact(path))
        case ToolCalled(arguments=arguments) if arguments:
            event = replace(event, arguments={key: _argument(key, value) for key, value in arguments.items()})
        case _:
            pass
    return identified(event)


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
