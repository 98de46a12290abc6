"""Which event a Falco alert proves, by its system call: one function a kind of call, one table of them all."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from leeway.destinations import address_of
from leeway.errors import InvalidEventError
from leeway.events import AnyEvent, ConnectionOpened, FileTouched, ProcessEnded, ProcessStarted
from leeway.sources.records import Fields, Meaning
from leeway.sources.whole_numbers import unsigned

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_ABSENT: Final = frozenset({"", "<NA>"})
"""How Falco writes a field that the event does not have, beside null."""

_NO_USER: Final = frozenset({"-1", str((1 << 32) - 1)})
"""How Falco writes that there is no user id, signed and not."""

_WRITING: Final = frozenset({"O_WRONLY", "O_RDWR"})
_CREATED: Final = "O_F_CREATED"
"""Falco's own flag: the file was not there before it was opened."""

_DOCKERSHIM: Final = 6
"""Parts of a container's name as Kubernetes gives it to Docker: k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT."""


class Alert(Struct):
    """One alert; the keys of `output_fields` are the names of Falco's fields, with their dots and brackets."""

    time: Annotated[datetime, Meta(tz=True)]
    output_fields: dict[str, object]
    hostname: str | None = None
    source: str | None = None

    def text(self, name: str) -> str | None:
        """Return a field as text; None where the alert does not have it."""
        value = self.output_fields.get(name)
        if not isinstance(value, str | int) or str(value) in _ABSENT:
            return None
        return str(value)

    def number(self, name: str) -> int | None:
        """Return a field as a number; None where the alert does not have it.

        Raises:
            InvalidEventError: where it is none.
        """
        spelt = self.text(name)
        if spelt is None or spelt == "-1":
            return None
        number = unsigned(spelt)
        if number is None:
            raise InvalidEventError(f"{name} is no number: {spelt[:40]!r}")
        return number

    def time_of(self, name: str) -> datetime | None:
        """Return a field that counts nanoseconds since 1970 (UTC) as a time."""
        nanoseconds = self.number(name)
        return _EPOCH + timedelta(microseconds=nanoseconds // 1_000) if nanoseconds else None

    def true(self, name: str) -> bool:
        """Say whether a flag is set."""
        return (self.text(name) or "").casefold() == "true"


_ALERTS: Final = msgspec.json.Decoder(Alert)


def event_of(line: bytes) -> AnyEvent | str:
    """Return the event that a line proves, or why nothing is learned from it.

    Raises:
        InvalidEventError: where a field is unreadable; the message names it.
        msgspec.MsgspecError: where the line is no alert, or a value is out of an event's bounds.
    """
    alert = _ALERTS.decode(line)
    if alert.source not in {None, "", "syscall"}:
        return "not used: an alert on something else than system calls"
    call = alert.text("evt.type")
    act = _ACTS.get(call or "")
    if act is None:
        return "not used: alert on another evt.type" if call else "not used: alert without evt.type"
    process = _process(alert, "")
    if not process["image"]:
        return "not used: alert without process"
    told = act(alert)
    if isinstance(told, str):
        return told
    kind, fields = told
    host = (alert.hostname or alert.text("evt.hostname") or "").casefold()
    shared = {"time": alert.time, "host": host, "user": _user(alert), "process": process}
    return msgspec.convert({**shared, **fields}, kind)


def _process(alert: Alert, of: str) -> Fields:
    """Return the process of the call, or with `of` = `p` its parent: Falco puts that letter before the same names."""
    return {
        "image": alert.text(f"proc.{of}exepath") or alert.text(f"proc.{of}name") or "",
        "pid": alert.number(f"proc.{of}pid"),
        "started": alert.time_of(f"proc.{of}pid.ts"),
        "command_line": alert.text(f"proc.{of}cmdline"),
    }


def _user(alert: Alert) -> str | None:
    uid = alert.text("user.uid")
    return alert.text("user.name") or (None if uid in _NO_USER else uid)


def _unit(alert: Alert) -> str | None:
    """Return the container's name, without what Kubernetes adds to it that changes from run to run."""
    name = alert.text("container.name")
    if name is None or name == "host":
        return None
    parts = name.split("_")
    return f"{parts[3]}/{parts[1]}" if parts[0] == "k8s" and len(parts) == _DOCKERSHIM else name


def _failed(alert: Alert) -> bool:
    result = alert.text("evt.res") or ""
    return alert.true("evt.failed") or (result.startswith("E") and result.isalnum())


def _started(alert: Alert) -> Meaning:
    if _failed(alert):
        return "not used: the call failed"
    parent = _process(alert, "p")
    known = parent["image"] or parent["pid"] is not None
    return ProcessStarted, {"parent": parent if known else None, "unit": _unit(alert)}


def _ended(_: Alert) -> Meaning:
    return ProcessEnded, {}


def _connected(alert: Alert) -> Meaning:
    """Return the attempt to connect.

    The server's side is asked for first: which address is the remote one Falco only guesses from the host's interfaces,
    and mistakes it inside a container.
    """
    _, server = _ends(alert.text("fd.name"))
    given = _ends(alert.text("evt.arg.addr"))[1]
    address = alert.text("fd.sip") or server[0] or alert.text("fd.rip") or given[0]
    port = alert.number("fd.sport")
    if port is None:
        port = server[1] if server[1] is not None else alert.number("fd.rport")
    return _connection(alert, address, port if port is not None else given[1], outbound=True)


def _accepted(alert: Alert) -> Meaning:
    """Return the connection that the client's side opened, with the port of this one."""
    client, server = _ends(alert.text("fd.name"))
    address = alert.text("fd.cip") or client[0] or alert.text("fd.rip")
    port = alert.number("fd.sport")
    if port is None:
        port = server[1] if server[1] is not None else alert.number("fd.lport")
    return _connection(alert, address, port, outbound=False)


_Side = tuple[str, int | None]


def _ends(name: str | None) -> tuple[_Side, _Side]:
    """Return the client's and the server's (address, port) of `10.0.0.5:61142->192.0.2.7:443`; empty what it lacks.

    >>> _ends("::1:38255->2001:db8::1:53")
    (('::1', 38255), ('2001:db8::1', 53))
    """
    client, arrow, server = (name or "").partition("->")
    return (_side(client), _side(server)) if arrow else (("", None), _side(client))


def _side(text: str) -> _Side:
    address, _, spelt = text.rpartition(":")
    port = unsigned(spelt, digits=len("65535"))
    return ("", None) if address_of(address) is None or port is None else (address, port)


def _connection(alert: Alert, address: str | None, port: int | None, *, outbound: bool) -> Meaning:
    if not address or port is None:
        return "not used: alert without the address and port spoken to"
    known = address_of(address)
    if known is None:
        raise InvalidEventError(f"{address[:40]!r} is no address")
    return ConnectionOpened, {
        "destination": str(known),
        "address": str(known),
        "port": port,
        "protocol": (alert.text("fd.l4proto") or "tcp").casefold(),
        "outbound": outbound,
    }


def _opened(alert: Alert) -> Meaning:
    """Return the file that was opened: for reading, where nothing says that it was for writing."""
    flags = frozenset((alert.text("evt.arg.flags") or "").split("|"))
    if _CREATED in flags or alert.true("evt.is_open_create") or alert.text("evt.type") == "creat":
        return _touched(alert, alert.text("fd.name"), "created")
    writes = alert.true("evt.is_open_write") or bool(flags & _WRITING)
    return _touched(alert, alert.text("fd.name"), "modified" if writes else "read")


def _deleted(alert: Alert) -> Meaning:
    return _touched(alert, alert.text("fs.path.name") or alert.text("evt.arg.name"), "deleted")


def _renamed(alert: Alert) -> Meaning:
    return _touched(alert, alert.text("fs.path.target") or alert.text("evt.arg.newpath"), "renamed")


def _touched(alert: Alert, path: str | None, action: str) -> Meaning:
    if _failed(alert):
        return "not used: the call failed"
    if path is None or not path.startswith("/"):
        return "not used: alert without the path of a file"
    return FileTouched, {"path": path, "action": action}


_ACTS: Final[dict[str, Callable[[Alert], Meaning]]] = {
    **dict.fromkeys(("execve", "execveat", "clone", "clone3", "fork", "vfork"), _started),
    "procexit": _ended,
    "connect": _connected,
    **dict.fromkeys(("accept", "accept4"), _accepted),
    **dict.fromkeys(("open", "openat", "openat2", "open_by_handle_at", "creat"), _opened),
    **dict.fromkeys(("unlink", "unlinkat"), _deleted),
    **dict.fromkeys(("rename", "renameat", "renameat2"), _renamed),
}
"""System call to what an alert on it proves. To add one: its function, its line, its test."""
