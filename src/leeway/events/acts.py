"""One small class a kind of act. Each is refused at birth when its time has no zone or a field is out of bounds."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from leeway.errors import InvalidEventError

Name = Annotated[str, Meta(max_length=1024)]
"""A host, user, tool or destination name."""
Path = Annotated[str, Meta(max_length=32_768)]
Text = Annotated[str, Meta(max_length=1_048_576)]
"""A command line as a sensor reports it; stored redacted and at most 32,768 characters long."""
Identifier = Annotated[str, Meta(max_length=256)]
Digest = Annotated[str, Meta(max_length=128, pattern="^[0-9a-fA-F]*$")]
Count = Annotated[int, Meta(ge=0, le=(1 << 62))]


_FIRST, _LAST = 2, 9_998
"""Years of a time: one short of the calendar's ends, so that whatever is added or taken away stays within it."""


_TCP = "tcp"
"""The one object that is the default, by which it is known that a record need not say it."""


def _in_utc(time: datetime) -> datetime:
    if not _FIRST <= time.year <= _LAST:
        raise InvalidEventError(f"the time is out of range: the year {time.year}")
    return time if time.tzinfo is UTC else time.astimezone(UTC)


class Process(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Which process: the sensor's own id for the instance where it has one, else pid and start."""

    image: Path = ""
    """Path or name of the executable, as reported."""
    pid: Count | None = None
    uid: Identifier | None = None
    """The sensor's id for this one run (Sysmon ProcessGuid, ECS entity_id); unique on its host."""
    started: Annotated[datetime, Meta(tz=True)] | None = None
    command_line: Text | None = None
    """None where the sensor does not say; an empty one is a value of its own."""
    sha1: Digest | None = None
    """SHA-1 of the executable, by which some sensors (Defender) name its signer apart from its starts."""

    def __post_init__(self) -> None:
        started = self.started
        if started is not None and (utc := _in_utc(started)) is not started:
            force_setattr(self, "started", utc)


class DeclaredAgent(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The AI agent that an event itself names: `uid` is stable and owns the baseline, `instance_uid` is one run."""

    uid: Identifier
    instance_uid: Identifier = ""
    name: Name = ""


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", gc=False):
    """One act of one process or one declared agent at one instant.

    Raises:
        InvalidEventError: when `time` has no zone, or when neither a host nor a declared agent is named.
    """

    time: Annotated[datetime, Meta(tz=True)]
    """When it happened, by the sensor's clock; converted to UTC."""
    id: Identifier = ""
    """The sensor's own id, else the digest of the canonical record (`identified` fills it in)."""
    host: Name = ""
    process: Process | None = None
    """Who acted; for a started process, the new one."""
    user: Name | None = None
    agent: DeclaredAgent | None = None

    def __post_init__(self) -> None:
        time = self.time
        if time.tzinfo is UTC and self.host and _FIRST <= time.year <= _LAST:
            return  # as nearly every event
        if time.tzinfo is None:
            raise InvalidEventError("the time has no zone", hint="write 2026-03-02T09:00:00Z, or with an offset")
        if not self.host and self.agent is None:
            raise InvalidEventError("neither a host nor a declared agent is named")
        utc = _in_utc(time)
        if utc is not time:
            force_setattr(self, "time", utc)


class ProcessStarted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="process_started"):
    """`process` was started by `parent`."""

    parent: Process | None = None
    digest: Digest | None = None
    """SHA-256 of the executable; None where the sensor does not say."""
    signer: Name | None = None
    unit: Name | None = None
    """Container or service unit that runs it."""


class ProcessEnded(Event, frozen=True, kw_only=True, omit_defaults=True, tag="process_ended"):
    """`process` ended."""


class ConnectionOpened(Event, frozen=True, kw_only=True, omit_defaults=True, tag="connection_opened"):
    """The process spoke to `destination`: a host name where known and an address otherwise."""

    destination: Name
    port: Annotated[int, Meta(ge=0, le=65_535)]
    address: Identifier | None = None
    """The address behind a host name, where the sensor gives both."""
    protocol: Identifier = _TCP
    outbound: bool = True
    """False where the other side opened the connection."""
    bytes_out: Count | None = None
    """Bytes sent; None where the sensor does not say (Sysmon, Defender)."""
    bytes_in: Count | None = None
    range: Name | None = None
    """Named range that the address lies in, by the tables that were loaded when the event was read."""

    def __post_init__(self) -> None:
        Event.__post_init__(self)  # a third of what super() takes, for the commonest of all acts
        # Defaults are left out of the canonical record by identity, so an equal string must be the same object.
        protocol = self.protocol
        if protocol is not _TCP and protocol == _TCP:
            force_setattr(self, "protocol", _TCP)


class NameResolved(Event, frozen=True, kw_only=True, omit_defaults=True, tag="name_resolved"):
    """The process asked for the addresses of `name`."""

    name: Name
    addresses: Annotated[tuple[Identifier, ...], Meta(max_length=64)] = ()


class ModuleLoaded(Event, frozen=True, kw_only=True, omit_defaults=True, tag="module_loaded"):
    """The process mapped a library or an executable image."""

    path: Path
    digest: Digest | None = None
    """SHA-256 of the file."""
    sha1: Digest | None = None
    """SHA-1 of the file."""
    signer: Name | None = None
    """Who signed it, where the signature was checked and held; None where the sensor does not say or it did not."""


class FileTouched(Event, frozen=True, kw_only=True, omit_defaults=True, tag="file_touched"):
    """The process created, modified, read, renamed or deleted a file."""

    path: Path
    action: Literal["created", "modified", "read", "renamed", "deleted"]

    @property
    def modifies(self) -> bool:
        """Whether the file is another one afterwards."""
        return self.action != "read"


class ToolCalled(Event, frozen=True, kw_only=True, omit_defaults=True, tag="tool_called"):
    """A declared agent called a tool. What the tool answered is never part of an event."""

    tool: Name
    arguments: Annotated[dict[Name, Text], Meta(max_length=256)] = {}  # msgspec copies empty defaults
    duration_us: Count | None = None


class SignatureChecked(Event, frozen=True, kw_only=True, omit_defaults=True, tag="signature_checked"):
    """The sensor checked the signature of a file, and it held; names who signed every process and module of it."""

    digest: Digest
    """SHA-256 or SHA-1 of the file."""
    signer: Name


class Heartbeat(Event, frozen=True, kw_only=True, omit_defaults=True, tag="heartbeat"):
    """The sensor on `host` was alive."""

    observes: Annotated[tuple[Identifier, ...], Meta(max_length=64)] | None = None
    """Names of the facets and measures that the sensor can show at all; None where it does not say."""


AnyEvent = (
    ProcessStarted
    | ProcessEnded
    | ConnectionOpened
    | NameResolved
    | ModuleLoaded
    | FileTouched
    | ToolCalled
    | SignatureChecked
    | Heartbeat
)
