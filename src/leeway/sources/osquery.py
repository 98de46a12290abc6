"""The results log of osquery: processes, connections, names and files, as far as its schedule asks for them.

It shows what its queries ask for, in the time between two of them where a table is no table of events. It never shows
modules that are loaded, how much was sent, nor hashes and signers of programs.

On the sensor: flags for the tables of events, and a schedule that asks for them. On Linux osquery takes the audit
socket for itself, so that auditd must not run beside it:

    --host_identifier=hostname
    --logger_plugin=filesystem
    --disable_events=false
    --disable_audit=false
    --audit_allow_config=true
    --audit_allow_process_events=true
    --audit_allow_sockets=true

In `osquery.conf`; by `start_time` a process is told from the next one of the same number:

    {"schedule": {
      "process_events": {"query": "SELECT * FROM process_events", "interval": 60},
      "socket_events": {"query": "SELECT * FROM socket_events", "interval": 60},
      "processes": {"interval": 300,
        "query": "SELECT pid, parent, path, name, cmdline, uid, start_time FROM processes"}}}

Files: `process_file_events` with `--audit_allow_fim_events=true`, and the folders under `file_paths`; `file_events`
does not say who it was. With eBPF (`--enable_bpf_events=true`): `bpf_process_events`, `bpf_socket_events`. macOS:
`es_process_events` and `es_process_file_events`, with `--disable_endpointsecurity=false`,
`--disable_endpointsecurity_fim=false` and Full Disk Access. Windows: `process_etw_events` and `dns_lookup_events`, with
`--enable_process_etw_events=true` and `--enable_dns_lookup_events=true`.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

import msgspec

from leeway.errors import InvalidEventError
from leeway.events import Facet, Measure
from leeway.sources.lines import LINE_LIMIT, flaw, lines
from leeway.sources.osquery_lines import LINES, Columns, Line, Row, columns, host_of, instant, rows
from leeway.sources.osquery_tables import Seen, Table, table_of
from leeway.sources.places import Place
from leeway.sources.positions import position_of
from leeway.sources.records import Feed, Record, Skipped, rejected
from leeway.sources.redacted import without_secrets
from leeway.sources.whole_numbers import integer

_UNSEEN: Final = frozenset(
    {
        Facet.MODULE,
        Facet.MODULE_DIGEST,
        Facet.DOMAIN_PORT,
        Facet.TOOL,
        Facet.TOOL_ARGUMENT,
        Measure.BYTES_OUT,
        Measure.BYTES_IN,
        Measure.TOOL_DURATION_US,
    }
)
"""What no table of osquery tells; names of hosts come from lookups alone (Windows), never with a port."""

ROW_LIMIT: Final = 200_000
"""Rows of one line: what the longest one holds of rows with a name and a number each."""

_VALUE_LIMIT: Final = 2_000_000
"""Values of one line."""

_ACTIONS: Final = frozenset({"added", "removed", "snapshot"})


class Osquery(Feed):
    """Results of scheduled queries, one JSON object a line: event, snapshot and batch format.

    A process that a query of `processes` finds was started at that time or before: its start is known only where the
    query asks for `start_time`. A socket that `process_open_sockets` finds is taken to be opened from this side. The
    row of a file event names no process, unless its table does. A name of a query decides only where columns do not.
    """

    name: ClassVar[str] = "osquery"
    observes: ClassVar[frozenset[Facet | Measure]] = frozenset((*Facet, *Measure)) - _UNSEEN
    patterns: ClassVar[tuple[str, ...]] = ("*.log", "*.json", "*.jsonl", "*.ndjson")

    @classmethod
    def recognises(cls, line: bytes) -> bool:
        """Say whether the line names a query, a host or time, and has rows in one of the three forms."""
        try:
            found = None if flaw(line) else LINES.decode(line)
        except msgspec.MsgspecError:
            return False
        if found is None or (found.unix_time is None and not found.host_identifier):
            return False
        return bool(found.columns) or found.snapshot is not None or found.diff_results is not None

    def read(self, *, after: str | None = None) -> Iterator[tuple[str, Record]]:
        """Yield each row with a decimal byte offset: behind its line, or within it for a row that others follow.

        Raises:
            SourceError: when the file cannot be read on.
        """
        behind = position_of(self._place, after)
        for end, line in lines(self._place, str(_line_start(self._place, behind))):
            found = _records(end, line)
            for index, record in enumerate(found, 1):
                # A line has more bytes than rows, and no position within it stands behind a line feed.
                position = end if index == len(found) else end - len(line) + index
                if position > behind:
                    yield str(position), _placed(record, position)


def _line_start(place: Place, position: int) -> int:
    """Return where the line starts within which a position lies; the position itself where it ends a line.

    What cannot be read is left to the reading of lines, which says so.
    """
    start = max(0, position - LINE_LIMIT)
    with place.open() as stream:
        try:
            before = stream.read(position - start) if stream.seek(start) == start else b""
        except (EOFError, OSError):
            return position
    if len(before) < position - start or before.endswith(b"\n"):
        return position
    feed = before.rfind(b"\n")
    return position if feed < 0 < start else start + feed + 1


def _records(end: int, line: bytes | str) -> list[Record]:
    """Return what a line holds: at least one record, all of them placed at its end."""
    if isinstance(line, str):
        return [rejected(end, b"", line)]
    if reason := flaw(line) or _crowded(line):
        return [rejected(end, line, reason)]
    try:
        found = LINES.decode(line)
    except msgspec.MsgspecError as error:
        return [rejected(end, line, str(error))]
    parts = rows(found)
    if not parts:
        return [Skipped(str(end), "not used: a result without rows")]
    readable = next((values for row in parts if (values := _columns(row)) is not None), None)
    table = None if readable is None else table_of(found.name, readable)
    if readable is not None and table is None:
        return [Skipped(str(end), f"not used: query {found.name[:60]}")]
    return [_record(end, found, table, row) for row in parts]


def _crowded(line: bytes) -> str:
    """Return why a line is not to be unpacked: short as it is, it would fill the memory with next to nothing."""
    is_crowded = line.count(b"{") > ROW_LIMIT or line.count(b",") > _VALUE_LIMIT
    return f"more than {ROW_LIMIT:,} rows, or {_VALUE_LIMIT:,} values" if is_crowded else ""


def _columns(row: Row) -> Columns | None:
    """Return the values of a row; None where it cannot be read."""
    try:
        return columns(row.raw)
    except msgspec.MsgspecError:
        return None


def _record(end: int, line: Line, table: Table | None, row: Row) -> Record:
    """Return what a row is; `table` is None where no row of the line can be read."""
    try:
        values = columns(row.raw)
        if row.action not in _ACTIONS:
            raise InvalidEventError(f"action {row.action[:40]!r} is none")  # noqa: TRY301  # refused as the rest is
        if table is None or (row.action == "removed" and not table.lasts):
            return Skipped(str(end), "not used: an event that osquery forgot")
        seen = Seen(instant(line.unix_time, "unixTime"), row.action == "removed")
        found = table.read(values, seen)
        if isinstance(found, str):
            return Skipped(str(end), found)
        own = next((name for name in ("time", "datetime") if integer(values.get(name)) is not None), "")
        time = instant(values[own], own) if own and not table.lasts else seen.time
        return without_secrets(msgspec.convert({**found[1], "time": time, "host": host_of(line)}, found[0]))
    except (msgspec.MsgspecError, InvalidEventError) as error:
        return rejected(end, bytes(row.raw), str(error))


def _placed(record: Record, position: int) -> Record:
    """Return a record with its position, where it carries one."""
    return msgspec.structs.replace(record, position=str(position)) if hasattr(record, "position") else record
