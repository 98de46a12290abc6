"""Raw collections: CSV files a person can open, from which `train` reads back the very events that were collected.

`process_YYYYMMDD.csv` and `child_YYYYMMDD.csv` hold the events of one UTC day; the second one those starts that name
a parent. One line an event, one column a field (`COLUMNS`), RFC 4180, UTF-8. An empty cell is a field that the sensor
did not report; `<empty>` is one that it reported as empty. Text that would break a line is JSON behind `<json>`.

On the sensor: nothing; `leeway collect` writes them.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Final, Literal

import msgspec
from msgspec import Struct

from leeway.errors import InvalidEventError, SourceError
from leeway.events import AnyEvent, Facet, Measure, ProcessStarted, order
from leeway.sources.lines import LINE_LIMIT, lines
from leeway.sources.records import Feed, Record, rejected
from leeway.sources.redacted import without_secrets
from leeway.text import from_csv_cell, to_csv_cell

_EMPTY: Final = "<empty>"
_JSON: Final = "<json>"
_ROW_LIMIT: Final = 4 * LINE_LIMIT
"""Bytes of one row: what the longest JSON line can grow to when its quotes are doubled and its secrets marked."""

_CELL: Final = re.compile(r'(?:"([^"]*+(?:""[^"]*+)*+)"|([^",]*))(,|\Z)')
_TO_QUOTE: Final = re.compile(r'[",]')


class Column(Struct, frozen=True):
    """One column: the field it holds, how its text is read, and what it means."""

    path: tuple[str, ...]
    form: Literal["text", "number", "flag", "json"]
    meaning: str


def _process_columns(role: str, who: str) -> dict[str, Column]:
    return {
        f"{role}_image": Column((role, "image"), "text", f"path or name of the executable of {who}"),
        f"{role}_pid": Column((role, "pid"), "number", f"process id of {who}"),
        f"{role}_uid": Column((role, "uid"), "text", f"the sensor's own id of {who}, unique on its host"),
        f"{role}_started": Column((role, "started"), "text", f"when {who} started, ISO 8601 with zone"),
        f"{role}_sha1": Column((role, "sha1"), "text", f"SHA-1 of the executable of {who}, hexadecimal"),
        f"{role}_command_line": Column((role, "command_line"), "text", f"command line of {who}, without secrets"),
    }


COLUMNS: Final[dict[str, Column]] = {
    "event_id": Column(("id",), "text", "the sensor's id of the event, else the digest of the redacted record"),
    "time": Column(("time",), "text", "when it happened, ISO 8601, UTC"),
    "kind": Column(("kind",), "text", "which act it is, as in the JSON lines"),
    "host": Column(("host",), "text", "on which host"),
    "user": Column(("user",), "text", "under which user, as reported"),
    **_process_columns("process", "the process that acted; of a start, the new one"),
    **_process_columns("parent", "the process that started it"),
    "agent_uid": Column(("agent", "uid"), "text", "the AI agent that the event itself names: its stable id"),
    "agent_instance_uid": Column(("agent", "instance_uid"), "text", "one run of that agent"),
    "agent_name": Column(("agent", "name"), "text", "how that agent calls itself"),
    "digest": Column(("digest",), "text", "SHA-256 of the executable or module, hexadecimal"),
    "sha1": Column(("sha1",), "text", "SHA-1 of the module, hexadecimal"),
    "signer": Column(("signer",), "text", "who signed it, where the signature was checked and held"),
    "unit": Column(("unit",), "text", "container or service unit that runs the new process"),
    "destination": Column(("destination",), "text", "host name spoken to, or its address where no name is known"),
    "port": Column(("port",), "number", "port of the side that was spoken to"),
    "address": Column(("address",), "text", "address behind the name"),
    "protocol": Column(("protocol",), "text", "transport; empty for tcp"),
    "outbound": Column(("outbound",), "flag", "`false` where the other side opened the connection, else empty"),
    "bytes_out": Column(("bytes_out",), "number", "bytes sent"),
    "bytes_in": Column(("bytes_in",), "number", "bytes received"),
    "range": Column(("range",), "text", "named range of the address, by the tables loaded when it was read"),
    "name": Column(("name",), "text", "host name asked for"),
    "addresses": Column(("addresses",), "json", "addresses it got, a JSON list"),
    "path": Column(("path",), "text", "file touched or module loaded"),
    "action": Column(("action",), "text", "what was done to the file"),
    "tool": Column(("tool",), "text", "tool that was called"),
    "arguments": Column(("arguments",), "json", "its arguments without secrets, a JSON object of text"),
    "observes": Column(("observes",), "json", "what the sensor can show at all, a JSON list; of some heartbeats"),
    "duration_us": Column(("duration_us",), "number", "how long the call took, in microseconds"),
}
"""Every column, in order: one for each field of every kind of event."""

_PROCESSES: Final = ("process", "parent")


def to_row(event: AnyEvent) -> dict[str, str]:
    """Return the event as cells, safe in a spreadsheet; only those that are not empty."""
    record = msgspec.to_builtins(event, order="deterministic")
    for role in _PROCESSES:
        if role in record:  # a process of which nothing is known is still there: its image says so
            record[role].setdefault("image", "")
    row: dict[str, str] = {}
    for name, column in COLUMNS.items():
        value = record
        for step in column.path:
            value = value.get(step) if value is not None else None
        if value is not None:
            row[name] = to_csv_cell(_cell(value))
    return row


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        return _json(value)
    if not value:
        return _EMPTY
    return _JSON + _json(value) if "\n" in value or "\r" in value or value.startswith((_EMPTY, _JSON)) else value


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def from_row(row: Mapping[str, str]) -> AnyEvent:
    """Return the event that `to_row` gave these cells of.

    Raises:
        InvalidEventError: where they are no event's.
    """
    record: dict[str, object] = {}
    for name, cell in row.items():
        if not cell:
            continue
        column = COLUMNS.get(name)
        if column is None:
            raise InvalidEventError(f"unknown column {name[:40]!r}")
        part = record
        for step in column.path[:-1]:
            nested = part.setdefault(step, {})
            part = nested if isinstance(nested, dict) else {}
        part[column.path[-1]] = _value(column, from_csv_cell(cell))
    try:
        event: AnyEvent = msgspec.convert(record, AnyEvent)
    except msgspec.MsgspecError as error:
        raise InvalidEventError(str(error)) from error
    return event


def _value(column: Column, cell: str) -> object:
    if column.form == "number" and cell.isascii() and cell.isdecimal() and len(cell) < 20:  # noqa: PLR2004  # 64 bits
        return int(cell)
    if column.form == "flag" and cell in ("true", "false"):
        return cell == "true"
    if column.form == "json":
        return _decoded(cell)
    if cell == _EMPTY:
        return ""
    return _decoded(cell.removeprefix(_JSON)) if cell.startswith(_JSON) else cell


def _decoded(cell: str) -> object:
    try:
        return msgspec.json.decode(cell)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidEventError(f"a cell is not JSON: {error}") from error


def file_name(event: AnyEvent) -> str:
    """Return the name of the file that an event is collected in."""
    kind = "child" if isinstance(event, ProcessStarted) and event.parent is not None else "process"
    return f"{kind}_{event.time:%Y%m%d}.csv"


def render(events: Iterable[AnyEvent]) -> bytes:
    """Return the file of these events: a header, then one line each in the order of (time, id)."""
    rows = (to_row(event) for event in sorted(events, key=order))
    body = (",".join(_quoted(row.get(name, "")) for name in COLUMNS) for row in rows)
    return "".join(f"{line}\r\n" for line in (",".join(COLUMNS), *body)).encode()


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _TO_QUOTE.search(cell) else cell


class Collection(Feed):
    """One file of a raw collection; a folder of them is as many sources."""

    name: ClassVar[str] = "collection"
    observes: ClassVar[frozenset[Facet | Measure]] = frozenset((*Facet, *Measure))
    patterns: ClassVar[tuple[str, ...]] = ("process_*.csv", "child_*.csv")

    @classmethod
    def recognises(cls, line: bytes) -> bool:
        """Say whether the line is the header of a raw collection."""
        return line.startswith(b"event_id,time,kind,")

    def read(self, *, after: str | None = None) -> Iterator[tuple[str, Record]]:
        """Yield each record with the decimal byte offset behind it.

        Raises:
            SourceError: when the file cannot be read on, or its first line names no columns or unknown ones.
        """
        start, header = next(lines(self._place), (0, b""))
        names = header.decode("utf-8", "replace").split(",") if isinstance(header, bytes) else []
        if not self.recognises(header if isinstance(header, bytes) else b"") or not COLUMNS.keys() >= set(names):
            raise SourceError(f"{self.uri}: not a raw collection", hint="its first line names the columns")
        behind = after if after is not None and after != "0" else str(start)
        for offset, line in lines(self._place, behind, limit=_ROW_LIMIT):
            if isinstance(line, str):
                yield str(offset), rejected(offset, b"", line)
            else:
                yield str(offset), _record(offset, line, names)


def _record(offset: int, line: bytes, names: list[str]) -> Record:
    try:
        cells = _split(line.decode("utf-8"))
        if len(cells) != len(names):
            raise InvalidEventError(f"{len(cells)} cells, {len(names)} columns")  # noqa: TRY301  # one way to refuse
        return without_secrets(from_row(dict(zip(names, cells, strict=True))))
    except UnicodeDecodeError as error:
        return rejected(offset, line, f"not UTF-8: {error.reason} at byte {error.start}")
    except InvalidEventError as error:
        return rejected(offset, line, str(error))


def _split(line: str) -> list[str]:
    """Return the cells of one line by RFC 4180.

    Raises:
        InvalidEventError: where a quote is out of place.
    """
    if '"' not in line:
        return line.split(",")
    cells: list[str] = []
    place = 0
    while match := _CELL.match(line, place):
        quoted, plain, comma = match.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        if not comma:
            return cells
        place = match.end()
    raise InvalidEventError(f"a quote is out of place behind character {place}")
