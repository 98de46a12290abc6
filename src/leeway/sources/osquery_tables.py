"""Which table the rows of a query are of, which event a row is then, and from which of its columns.

A query's name is free text and its columns may be any; the table is told by the columns that only it has, and by the
name where those leave it open.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from leeway.destinations import address_of
from leeway.errors import InvalidEventError
from leeway.events import ConnectionOpened, FileTouched, NameResolved, ProcessEnded, ProcessStarted
from leeway.sources.osquery_lines import Columns, count, instant, text
from leeway.sources.records import Fields, Meaning
from leeway.sources.sysmon_rows import addresses
from leeway.sources.whole_numbers import integer


class Seen(NamedTuple):
    """When the query saw a row, and whether it saw it gone."""

    time: datetime
    gone: bool


Read = Callable[[Columns, Seen], Meaning]

_TRANSPORTS: Final = {"6": "tcp", "17": "udp"}
_EPOCH_SHOWS: Final = 1_000_000_000
"""A start below is in seconds since boot, as old versions of `processes` have it."""

_CLOCK: Final = timedelta(minutes=1)
"""How far a start may lie behind the time of the query that shows it, clocks being read apart."""

_WORD: Final = re.compile("[a-z]+")


def _needed(row: Columns, *names: str) -> str:
    found = next((text(row.get(name)) for name in names if text(row.get(name))), "")
    if not found:
        raise InvalidEventError(f"no {names[0]}")
    return found


def _pid(row: Columns) -> int:
    pid = count(row.get("pid"))
    if pid is None:
        raise InvalidEventError(f"pid {text(row.get('pid'))[:40]!r} is none")
    return pid


def _user(row: Columns) -> str | None:
    """Return the account by name where the row has it, else by number."""
    return text(row.get("username")) or text(row.get("uid")) or None


def _parent(row: Columns) -> Fields | None:
    pid = count(row.get("parent", row.get("ppid")))
    return None if pid is None else {"pid": pid}


def _acting(row: Columns) -> Fields:
    """Return who acted by `path`, the executable."""
    return {"process": {"image": _needed(row, "path"), "pid": _pid(row)}, "user": _user(row)}


def _starting(row: Columns) -> Meaning:
    process = {"image": _needed(row, "path"), "pid": _pid(row), "command_line": _command_line(row)}
    return ProcessStarted, {"process": process, "user": _user(row), "parent": _parent(row)}


def _command_line(row: Columns) -> str | None:
    return text(row["cmdline"]) if row.get("cmdline") is not None else None


def _process_event(row: Columns, _: Seen) -> Meaning:
    call = text(row.get("syscall"))
    if call and not call.startswith("exec"):
        return f"not used: process_events {call[:20]}"
    if text(row.get("status")) not in {"", "0"} or text(row.get("exit_code")) not in {"", "0"}:
        return "not used: a start that failed"
    return _starting(row)


def _es_process_event(row: Columns, _: Seen) -> Meaning:
    match text(row.get("event_type")):
        case "exec":
            return _starting(row)
        case "exit":
            return ProcessEnded, _acting(row)
        case other:
            return f"not used: es_process_events {other[:20]}"


def _etw_process_event(row: Columns, _: Seen) -> Meaning:
    return _starting(row) if text(row.get("type")) == "ProcessStart" else (ProcessEnded, _acting(row))


def _process(row: Columns, seen: Seen) -> Meaning:
    """Return a process that was there when the query ran; `started` only where the row tells."""
    process: Fields = {"image": _image(row), "pid": _pid(row), "started": _started(row, seen.time)}
    if seen.gone:
        return ProcessEnded, {"process": process, "user": _user(row)}
    process["command_line"] = _command_line(row)
    return ProcessStarted, {"process": process, "user": _user(row), "parent": _parent(row)}


def _image(row: Columns) -> str:
    """Return the executable: its path, else the first word of the command line, else the name.

    The name comes last: packs join `processes` to itself and give the parent's.
    """
    first = text(row.get("cmdline")).split(maxsplit=1)[:1]
    return text(row.get("path")) or "".join(first) or _needed(row, "name")


def _started(row: Columns, time: datetime) -> datetime | None:
    seconds = integer(row.get("start_time"))
    if seconds is None or seconds < _EPOCH_SHOWS:
        return None
    started = instant(seconds, "start_time")
    return started if started <= time + _CLOCK else None


def _socket_event(row: Columns, _: Seen) -> Meaning:
    """Return a connection that was made or taken; one that is under way was asked for, and counts."""
    act = text(row.get("action")) or text(row.get("syscall"))
    status = text(row.get("status")).replace("_", "")
    failed = status in {"failed", "noclient"} or (not status and text(row.get("success")) == "0")
    if act not in {"connect", "accept", "accept4"}:
        return f"not used: a socket's {act[:20]}"
    if failed or text(row.get("exit_code")) not in {"", "0", "-115"}:
        return f"not used: {act} that failed"
    return _connected(row, {"image": _needed(row, "path"), "pid": _pid(row)}, outbound=act == "connect")


def _open_socket(row: Columns, seen: Seen) -> Meaning:
    """Return a connection that was open when the query ran; who opened it is not told, and taken to be this side.

    `path` is that of a local socket here, and `name` or `cmdline` come from a join with `processes`.
    """
    if seen.gone:
        return "not used: a socket that was closed"
    image = text(row.get("name")) or "".join(text(row.get("cmdline")).split(maxsplit=1)[:1])
    return _connected(row, {"image": image, "pid": _pid(row)}, outbound=True)


def _connected(row: Columns, process: Fields, *, outbound: bool) -> Meaning:
    address = address_of(text(row.get("remote_address")))
    if address is None:
        return "not used: a socket without another side"
    port = count(row.get("remote_port" if outbound else "local_port"))
    if outbound and not port:
        return "not used: a socket without another side"
    protocol = text(row.get("protocol"))
    return ConnectionOpened, {
        "process": process,
        "user": _user(row),
        "destination": str(address),
        "address": str(address),
        "port": port,
        "protocol": _TRANSPORTS.get(protocol, "tcp"),
        "outbound": outbound,
    }


_CHANGES: Final = {
    "CREATED": "created",
    "UPDATED": "modified",
    "MOVED_TO": "renamed",
    "MOVED_FROM": "renamed",
    "DELETED": "deleted",
    "ACCESSED": "read",
    "create": "created",
    "creat": "created",
    "link": "created",
    "symlink": "created",
    "write": "modified",
    "open+truncate": "modified",
    "truncate": "modified",
    "rename": "renamed",
    "unlink": "deleted",
    "read": "read",
}
"""What the tables of file events call an action. `open` is none: it does not say what for."""


def _touched(row: Columns, act: str, process: Fields | None, *paths: str) -> Meaning:
    action = _CHANGES.get(act)
    if action is None:
        return f"not used: a file's {act[:30]}"
    return FileTouched, {"process": process, "path": _needed(row, *paths), "action": action}


def _file_event(row: Columns, _: Seen) -> Meaning:
    """Return what befell a watched file; the table does not say who did it, and its `uid` is the file's owner."""
    return _touched(row, text(row.get("action")), None, "target_path")


def _process_file_event(row: Columns, _: Seen) -> Meaning:
    process: Fields = {"image": _needed(row, "executable"), "pid": _pid(row)}
    found = _touched(row, text(row.get("operation")), process, "dest_path", "path")
    return found if isinstance(found, str) else (found[0], {**found[1], "user": _user(row)})


def _es_file_event(row: Columns, _: Seen) -> Meaning:
    process: Fields = {"image": _needed(row, "path"), "pid": _pid(row)}
    return _touched(row, text(row.get("event_type")), process, "dest_filename", "filename")


def _looked_up(row: Columns, _: Seen) -> Meaning:
    process: Fields = {"image": text(row.get("path")), "pid": _pid(row)}
    asked = {"name": _needed(row, "name"), "addresses": addresses(text(row.get("response")))}
    return NameResolved, {"process": process, "user": _user(row), **asked}


class Table(NamedTuple):
    """One table: how its rows are known, and what they are."""

    name: str
    all_of: frozenset[str]
    """Columns that its rows have."""
    one_of: frozenset[str]
    """Columns of which at least one tells it from other tables; none needed where this is empty."""
    read: Read
    lasts: bool = False
    """Whether rows are a state that begins and ends, and not events that each have a time."""


def _table(name: str, all_of: str, one_of: str, read: Read) -> Table:
    lasts = name in {"processes", "process_open_sockets"}
    return Table(name, frozenset(all_of.split()), frozenset(one_of.split()), read, lasts)


TABLES: Final = (
    _table("dns_lookup_events", "pid name", "response type_id", _looked_up),
    _table("es_process_file_events", "pid path filename event_type", "", _es_file_event),
    _table("process_file_events", "pid executable operation", "path dest_path", _process_file_event),
    _table("file_events", "target_path action", "", _file_event),
    _table("socket_events", "pid path remote_address", "action syscall status success", _socket_event),
    _table("process_open_sockets", "pid remote_address", "", _open_socket),
    _table("process_etw_events", "pid path type", "session_id ppid time_windows mandatory_label", _etw_process_event),
    _table("es_process_events", "pid path event_type", "", _es_process_event),
    _table("process_events", "pid path", "time syscall auid eid uptime cmdline_size ntime", _process_event),
    _table("processes", "pid", "path cmdline name", _process),
)
"""The first that fits is it. To add one: its function, its line, its test."""

_FOREIGN: Final = frozenset(
    ("port", "fd", "key", "permissions", "crash_path", "service_type", "start_type", "remote_address", "target_path")
)
"""Columns by which rows with a pid and a path are of a table that says nothing of starts."""


def table_of(query: str, row: Columns) -> Table | None:
    """Return the table that a row of the query named `query` is of; None for one that is not used."""
    words = _WORD.findall(query.casefold())
    return next((table for table in TABLES if _fits(table, words, row)), None)


def _fits(table: Table, words: list[str], row: Columns) -> bool:
    if not table.all_of <= row.keys():
        return False
    match table.name:
        case "process_events":
            # A query that leaves out what tells its table may still be named for it.
            named = "processevents" in "".join(words)
            return _FOREIGN.isdisjoint(row) and (named or not table.one_of.isdisjoint(row))
        case "processes":
            told = "parent" in row or "processes" in words
            return told and _FOREIGN.isdisjoint(row) and not table.one_of.isdisjoint(row)
        case _:
            return not table.one_of or not table.one_of.isdisjoint(row)
