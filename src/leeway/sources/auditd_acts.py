"""Which event each audit event is, and from which of its records."""

import re
from datetime import UTC, datetime
from hashlib import blake2b
from ipaddress import ip_address
from itertools import zip_longest
from posixpath import join, normpath
from typing import Final

import msgspec
from msgspec import Struct, field

from leeway.destinations import address_of
from leeway.errors import InvalidEventError
from leeway.events import AnyEvent, ConnectionOpened, FileTouched, ModuleLoaded, ProcessEnded, ProcessStarted
from leeway.sources.argument_lines import quoted_line
from leeway.sources.auditd_calls import FILE_CALLS, FileCall, argument, call_name
from leeway.sources.auditd_groups import Group
from leeway.sources.auditd_records import Stamp, Values, fields, plain, raw, text
from leeway.sources.records import Fields, Meaning
from leeway.sources.whole_numbers import unsigned

ARGUMENT_LIMIT: Final = 4_096
"""Arguments of a command line that are read."""

_LINE_LIMIT: Final = 1 << 20
"""Characters of a command line that are kept: as many as an event holds."""

_PARTS: Final = frozenset({"EXECVE", "PATH", "CWD", "PROCTITLE", "SOCKADDR", "SOCKETCALL", "OPENAT2"})
"""Records that only add to a SYSCALL record."""

_ATTEMPTED: Final = frozenset({"-110", "-111", "-115", "ETIMEDOUT", "ECONNREFUSED", "EINPROGRESS"})
"""Results of a `connect` that failed, or has yet to succeed, after something was sent."""

_UNSET: Final = frozenset({"", "4294967295", "-1", "unset"})
_AT_FDCWD: Final = 0xFFFFFF9C
_WRITES: Final = 0o1003
"""O_WRONLY, O_RDWR, O_TRUNC (asm-generic/fcntl.h; the same on x86 and ARM)."""

_LIBRARY: Final = re.compile(r"[^/]\.so(?:\.\d{1,9})*$")
_ARGUMENT: Final = re.compile(r"a(\d{1,4})(?:\[\d{1,9}\])?")
_LIST: Final = msgspec.json.Decoder(list[str])
_INET: Final = (2, 10)
_LOCAL: Final = 1


class _Call(Struct):
    """A system call with what the other records of its event add."""

    name: str
    syscall: Values
    execve: list[Values] = field(default_factory=list)
    paths: list[Values] = field(default_factory=list)
    more: Values = field(default_factory=dict)
    """Values of the records of which an event has one: cwd, saddr, proctitle, oflag, cmdline, containerid."""


def event_of(group: Group, stamp: Stamp, host: str) -> AnyEvent | str:
    """Return the event that a group of records is, or why it is none.

    Raises:
        InvalidEventError: where records are missing or a field cannot be read; the message names it.
        msgspec.ValidationError: where a field is out of an event's bounds.
    """
    call = _call(group)
    if isinstance(call, str):
        return call
    name = f"{host}\0{stamp.seconds}.{stamp.fraction}:{stamp.serial}".encode()
    shared = {
        "time": datetime.fromtimestamp(stamp.seconds, UTC).replace(microsecond=int(stamp.fraction.ljust(6, "0")[:6])),
        "id": blake2b(name, digest_size=16).hexdigest(),
        "host": host,
        "user": _user(call.syscall),
    }
    found = _act(call)
    return found if isinstance(found, str) else msgspec.convert({**shared, **found[1]}, found[0])


def _call(group: Group) -> _Call | str:
    """Return the system call of a group, or why it has none that is used."""
    types = {kind for kind, _ in group.records} - {"EOE"}
    own = next((kind for kind in ("SYSCALL", "AUOMS_SYSCALL", "AUOMS_EXECVE") if kind in types), "")
    if types and types <= _PARTS:
        raise InvalidEventError("no SYSCALL record")
    if not own:
        return f"not used: {group.records[0][0]}"
    call = _Call("", {})
    for kind, body in group.records:
        _add(call, kind, body, own)
    call.name = call_name(call.syscall)
    return call


def _add(call: _Call, kind: str, body: bytes, own: str) -> None:
    if kind == own:
        call.syscall = call.syscall or (fields(body) if kind == "SYSCALL" else _folded(body, call))
    elif kind == "EXECVE":
        call.execve.append(fields(body))
    elif kind == "PATH":
        call.paths.append(fields(body))
    elif kind in _PARTS:
        call.more = {**fields(body), **call.more}


def _folded(body: bytes, call: _Call) -> Values:
    """Return the fields of an AUOMS record: all of an event in one, its command line in quotes that nothing escapes."""
    start, _, rest = body.partition(b" cmdline=")
    line, _, tail = rest.partition(b" redactors=") if b" redactors=" in rest else rest.partition(b" containerid=")
    found = fields(start)
    if rest:
        text_of_line = line.decode("utf-8", "backslashreplace").strip()
        call.more["cmdline"] = re.sub(r'\A"(.*)"\Z', r"\1", text_of_line, flags=re.DOTALL)
    call.more["containerid"] = plain(fields(b"redactors=" + tail).get("containerid")) if tail else ""
    call.more |= {name: found[name] for name in ("cwd", "saddr", "proctitle") if name in found}
    call.paths += _paths(found)
    return found


def _paths(found: Values) -> list[Values]:
    """Return the PATH records that AUOMS folded into one: fields of their own, or lists as JSON writes them."""
    if "path_name" not in found:
        return [{key: found[key] for key in ("name", "nametype", "mode") if key in found}]
    try:
        lists = [_LIST.decode(found.get(f"path_{key}", "[]")) for key in ("name", "nametype", "mode")]
    except msgspec.MsgspecError as error:
        raise InvalidEventError(f"path_name, path_nametype or path_mode: {error}") from error
    named = zip_longest(*lists, fillvalue="")
    return [{"name": f'"{name}"', "nametype": nametype, "mode": mode} for name, nametype, mode in named]


def _act(call: _Call) -> Meaning:
    """Return the kind of event and its own fields, or why the call is none."""
    success = plain(call.syscall.get("success"))
    if call.name == "exit_group":
        return ProcessEnded, {"process": _process(call)}
    if call.name in {"connect", "sendto"}:
        result = plain(call.syscall.get("exit")).partition("(")[0]
        if success != "yes" and not (call.name == "connect" and result in _ATTEMPTED):
            return f"not used: {call.name} that failed"
        return _connected(call)
    if call.name not in {"execve", "execveat"} and call.name not in FILE_CALLS:
        return f"not used: system call {call.name[:60]}"
    if success != "yes":
        return f"not used: {call.name} that failed"
    return _touched(call, FILE_CALLS[call.name]) if call.name in FILE_CALLS else _started(call)


def _number(found: Values, name: str) -> int:
    given = plain(found.get(name))
    number = unsigned(given)
    if number is None:
        raise InvalidEventError(f"{name} {given[:40]!r} is none" if given else f"no {name}")
    return number


def _process(call: _Call) -> Fields:
    image = text(call.syscall.get("exe")) or text(call.syscall.get("comm"))
    if not image:
        raise InvalidEventError("neither exe nor comm")
    return {"image": image, "pid": _number(call.syscall, "pid")}


def _user(syscall: Values) -> str | None:
    """Return the account that the process runs as: by name where the log gives one, else by number."""
    named = next((plain(syscall.get(name)) for name in ("UID", "user", "uid") if plain(syscall.get(name))), "")
    return None if named in _UNSET else named


def _started(call: _Call) -> tuple[type[AnyEvent], Fields]:
    parent = {"pid": _number(call.syscall, "ppid")} if plain(call.syscall.get("ppid")) else None
    process = {**_process(call), "command_line": _command_line(call)}
    return ProcessStarted, {"process": process, "parent": parent, "unit": call.more.get("containerid") or None}


def _command_line(call: _Call) -> str | None:
    """Return the command line: of the EXECVE records, else as AUOMS or PROCTITLE (its first 128 bytes) give it."""
    if call.execve:
        arguments = _arguments(call.execve)
    elif "cmdline" in call.more:
        return call.more["cmdline"][:_LINE_LIMIT]
    else:
        arguments = raw(call.more.get("proctitle")).rstrip(b"\0").split(b"\0")[:ARGUMENT_LIMIT]
    spelt = [argument.decode("utf-8", "backslashreplace") for argument in arguments]
    return quoted_line(spelt)[:_LINE_LIMIT] or None


def _arguments(execve: list[Values]) -> list[bytes]:
    """Return the arguments in order. A long one comes in pieces, `a1[0]`, `a1[1]`; an empty one may be left out."""
    pieces: dict[int, list[bytes]] = {}
    for record in execve:
        for name, value in record.items():
            found = _ARGUMENT.fullmatch(name)
            if found:
                pieces.setdefault(int(found[1]), []).append(raw(value))
    told = next((plain(record.get("argc")) for record in execve if "argc" in record), "")
    count = unsigned(told, digits=len(str(ARGUMENT_LIMIT))) or 0
    last = max(pieces, default=-1) + 1
    return [b"".join(pieces.get(index, [])) for index in range(min(max(count, last), ARGUMENT_LIMIT))]


def _connected(call: _Call) -> Meaning:
    """Return the connection that a socket address names; the log does not tell TCP from UDP but by the call."""
    if "saddr" not in call.more:
        return f"not used: {call.name} without an address" if call.name == "sendto" else _missing("SOCKADDR")
    address = _socket_address(call.more["saddr"])
    # The family stands in the byte order of the host.
    family = (address[0] or address[1]) if len(address) > 1 and 0 in address[:2] else None
    if family not in _INET:
        return "not used: a local socket" if family == _LOCAL else "not used: a socket of another family"
    place = address[4:8] if family == _INET[0] else address[8:24]
    if len(place) < (4 if family == _INET[0] else 16):
        raise InvalidEventError(f"saddr {call.more['saddr'][:60]!r} is cut short")
    port = int.from_bytes(address[2:4], "big")
    if not port:
        return "not used: a connect to port 0, which sends nothing"
    spelt = str(address_of(str(ip_address(place))))
    protocol = "udp" if call.name == "sendto" else "tcp"
    opened = {"destination": spelt, "address": spelt, "port": port, "protocol": protocol}
    return ConnectionOpened, {"process": _process(call), **opened}


def _socket_address(saddr: str) -> bytes:
    try:
        return bytes.fromhex(plain(saddr))
    except ValueError:
        raise InvalidEventError(f"saddr {saddr[:60]!r} is none") from None


def _missing(record: str) -> str:
    raise InvalidEventError(f"no {record} record")


def _touched(call: _Call, meaning: FileCall) -> Meaning:
    flags = _flags(call, meaning)
    item = _item(call, meaning)
    if item is None:
        raise InvalidEventError(f"no PATH record of the file of {call.name}")
    if plain(item.get("mode")).startswith("04"):
        return "not used: a directory"
    path = _path(call, text(item.get("name")), meaning)
    action = meaning.action
    if meaning.nametype == "NORMAL" and plain(item.get("nametype")) == "CREATE":
        action = "created"
    elif action == "opened":
        action = "modified" if flags & _WRITES else "read"
    acting: Fields = {"process": _process(call), "path": path}
    if action == "read" and _LIBRARY.search(path):
        return ModuleLoaded, acting
    return FileTouched, {**acting, "action": action}


def _flags(call: _Call, meaning: FileCall) -> int:
    """Return the flags of opening; 0 for a call without. `openat2` writes them in octal, in a record of its own."""
    if not meaning.flags:
        return 0
    if meaning.flags != "oflag":
        return argument(call.syscall, meaning.flags) or 0
    given = plain(call.more.get("oflag"))[:24]
    return int(given, 8) if re.fullmatch("[0-7]+", given) else 0


def _item(call: _Call, meaning: FileCall) -> Values | None:
    """Return the PATH record of the file: a created one first, else one of the kind that the call has."""
    wanted = ("CREATE", "NORMAL", "UNKNOWN", "") if meaning.nametype == "NORMAL" else (meaning.nametype,)
    for nametype in wanted:
        for item in call.paths:
            if plain(item.get("nametype")) == nametype and text(item.get("name")):
                return item
    return None


def _path(call: _Call, name: str, meaning: FileCall) -> str:
    """Return the path in full where the log tells it: a name below a directory that only a number names stays as it is.

    >>> _path(_Call("open", {}, more={"cwd": '"/srv"'}), "./a", FILE_CALLS["open"])
    '/srv/a'
    """
    start = argument(call.syscall, meaning.directory) if meaning.directory else _AT_FDCWD
    known = start is not None and start & 0xFFFFFFFF == _AT_FDCWD
    folder = text(call.more.get("cwd")) if known else ""
    path = join(folder, name)
    return "/" + normpath(path).lstrip("/") if path.startswith("/") else path
