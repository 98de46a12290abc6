"""Defender's advanced hunting tables, and the process rows of SecurityEvent, as CSV, JSON lines or Parquet.

They come from the portals' exports, from Kusto (Sentinel, Azure Data Explorer) and from the streaming API. They show
processes, connections, modules, files and who signed them. They do not show how much was sent or received, when a
process ended, or which file was read.

On the sensor: there is nothing to switch on. Export all five tables, each with its columns as they are: processes,
connections, modules and files are four tables, and signers come with the fifth, `DeviceFileCertificateInfo`. Of
`DeviceEvents` the names that were looked up (`DnsQueryResponse`) are read. What a missing table leaves unseen,
`leeway sources FILE` says.

- Advanced hunting: a query a table, then *Export*. An answer has a limit of rows, which the portal states; ask for so
  short a span that it is not reached:

      DeviceProcessEvents | where Timestamp between (datetime(2026-03-02) .. 1h)

- Azure Data Explorer or Fabric: Parquet, straight from Kusto:

      .export to parquet (h@"https://ACCOUNT.blob.core.windows.net/CONTAINER;KEY") <|
          DeviceNetworkEvents | where Timestamp between (datetime(2026-03-02) .. 1d)

- The streaming API, to a storage account or event hub: choose the same tables. Records come one a line; a message of
  several is split by `jq -c '.records[]'`.
- Sentinel: the same tables with `TimeGenerated`, and `SecurityEvent` (4688, 4689) of hosts without Defender.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache, partial
from itertools import islice
from typing import ClassVar, Final

import msgspec

from leeway.errors import InvalidEventError, SourceError
from leeway.events import Facet, Measure
from leeway.sources.column_map import ColumnMap, Layout, layout_of
from leeway.sources.defender_acts import STREAMED, act_of, table_of
from leeway.sources.defender_columns import COLUMNS, OTHER_NAMES, TABLES, UTC_CAPTION, Cells
from leeway.sources.parquet_file import MAGIC
from leeway.sources.places import Place
from leeway.sources.records import Feed, Record, Skipped, rejected
from leeway.sources.redacted import without_secrets
from leeway.sources.tables import Broken, Row, object_of, open_table

_HEAD: Final = 1_000
"""First rows by which it is told which tables are in a file."""

_LAYOUTS: Final = 256
"""Sets of columns of JSON rows whose meaning is remembered."""

_HINTED: Final = 12
"""Columns of a file that a message names."""

_TIMES: Final = frozenset({"Timestamp", "TimeGenerated"})
_MARKS: Final = frozenset({"DeviceName", "ActionType"})
_CERTIFICATE_MARKS: Final = frozenset({"DeviceName", "IsSigned", "IsTrusted", "Signer"})
_EVENT_MARKS: Final = frozenset({"Computer", "EventID", "NewProcessName"})
"""Columns by which a header is known, beside one of a time."""

NEEDED: Final = (("Timestamp", "TimeGenerated"), ("DeviceName", "Computer"))
"""Columns of which every table has one."""

_TYPE_LINE: Final = "#TYPE"
"""How the line starts that PowerShell 5 puts before a header."""

_NAMED: Final = frozenset(f"{name}{caption}" for name in (*COLUMNS, *OTHER_NAMES) for caption in ("", UTC_CAPTION))
"""How the columns that are read may be called."""

_NOTHING: Final[frozenset[Facet | Measure]] = frozenset()


def _shown(*facets: Facet) -> frozenset[Facet | Measure]:
    return frozenset((Facet.USER, Facet.HOUR, Measure.EVENTS, *facets))


_NAMES: Final = (Facet.REGISTRABLE_DOMAIN, Facet.DOMAIN, Facet.DOMAIN_CONTEXT)
_NETWORKS: Final = (Facet.SUPERNET, Facet.NETWORK, Facet.NETWORK_PORT, Facet.NAMED_RANGE, Facet.NAMED_NETWORK, Facet.IP)
_MODELS: Final = (Facet.MODEL_FILE, Facet.MODEL_FILE_USER, Facet.MODEL_FILE_ARGUMENTS)

SHOWN: Final[dict[str, frozenset[Facet | Measure]]] = {
    "DeviceProcessEvents": _shown(Facet.CHILD, Facet.CHILD_ARGUMENTS),
    "DeviceNetworkEvents": _shown(*_NAMES, *_NETWORKS, Facet.DOMAIN_PORT, Facet.PORT),
    "DeviceImageLoadEvents": _shown(Facet.MODULE, Facet.MODULE_DIGEST),
    "DeviceFileEvents": _shown(Facet.TREE, Facet.DIRECTORY, Facet.FILE, *_MODELS),
    "DeviceFileCertificateInfo": _NOTHING,
    "DeviceEvents": _shown(*_NAMES),
    "SecurityEvent": _shown(Facet.CHILD, Facet.CHILD_ARGUMENTS),
}
"""What the events of each table show."""


class Defender(Feed):
    """Tables of Defender, of one kind or mixed in one file.

    A connection that failed was still tried, and is an event. A question put to the name service mostly comes from
    inspected packets and names no process. Ids are digests: `ReportId` repeats, even on one device. What a file can
    show is told by the tables that its first 1,000 rows are of.

    Blind to: rows that Defender sums up, but for connections (`…AggregatedReport` of processes and files).
    """

    name: ClassVar[str] = "defender"
    observes: frozenset[Facet | Measure] = frozenset().union(*SHOWN.values())
    patterns: ClassVar[tuple[str, ...]] = (
        *("*.csv", "*.parquet"),
        *("*.jsonl", "*.json", "*.ndjson"),
    )

    def __init__(self, place: Place, column_map: ColumnMap | None = None) -> None:
        super().__init__(place)
        self._map = column_map
        self._names = _NAMED | frozenset(column_map.columns.values() if column_map else ())
        self._layout_of = lru_cache(maxsize=_LAYOUTS)(partial(layout_of, column_map=column_map))
        if shown := {SHOWN.get(table, _NOTHING) for table in self._tables()} - {_NOTHING}:
            self.observes = frozenset().union(*shown)

    @classmethod
    def recognises(cls, line: bytes) -> bool:
        """Say whether the line is a row or header of these tables, or the start of a Parquet file."""
        if line.startswith(MAGIC):
            return True
        if not line.startswith(b"{"):
            return _is_header(line)
        row = object_of(line)
        flat = row if isinstance(row, Broken) else _unwrapped(row)
        return not isinstance(flat, Broken) and _is_row(flat)

    def read(self, *, after: str | None = None) -> Iterator[tuple[str, Record]]:
        """Yield each record with the position to resume from.

        Raises:
            SourceError: when the file cannot be read on, has not the columns that every table has, or not those that
                the column map names.
        """
        for position, row in self._rows(after):
            yield str(position), _record(position, row)

    def _tables(self) -> set[str]:
        """Return the tables that the first rows are of."""
        found: set[str] = set()
        with suppress(SourceError, InvalidEventError):  # reading says what is wrong
            for _, row in islice(self._rows(None), _HEAD):
                if isinstance(row, Cells):
                    found.add(table_of(row))
        return found

    def _rows(self, after: str | None) -> Iterator[tuple[int, Cells | Broken]]:
        table = open_table(self._place)
        columns = table.columns
        if columns is None:
            for position, row in table.rows(after):
                yield position, self._flat(row)
        elif columns:
            layout = self._checked(columns)
            for position, row in table.rows(after, layout.names):
                yield position, row if isinstance(row, Broken) else layout.cells(row)

    def _flat(self, row: Row | Broken) -> Cells | Broken:
        """Return the cells of a JSON row."""
        flat = row if isinstance(row, Broken) else _unwrapped(row)
        if isinstance(flat, Broken):
            return flat
        return self._layout_of(tuple(name for name in flat if name in self._names)).cells(flat)

    def _checked(self, columns: tuple[str, ...]) -> Layout:
        """Return what the columns of a header are.

        Raises:
            SourceError: where some are missing.
        """
        for name, own in self._map.columns.items() if self._map else ():
            if own not in columns:
                place = self._map.place(name) if self._map else ""
                raise SourceError(
                    f"{place}: {self.uri} has no column {own!r}", hint=f"it has {', '.join(columns[:_HINTED])} …"
                )
        layout = self._layout_of(columns)
        known = {name for name, _ in layout.pairs} | layout.constants.keys()
        for either in NEEDED:
            if known.isdisjoint(either):
                hint = "name it in a column map: --map FILE.toml"
                if columns[0].startswith(_TYPE_LINE):
                    hint = f"take out its first line, {_TYPE_LINE} …: Export-Csv -NoTypeInformation leaves it out"
                raise SourceError(f"{self.uri}: no column {' or '.join(either)}", hint=hint)
        return layout


def _unwrapped(row: Row) -> Row | Broken:
    """Return the row within what the streaming API delivers, or the row itself."""
    if isinstance(row.get("records"), list):
        return Broken(b"", "a batch of records; one a line is read: split it by jq -c '.records[]'")
    within = row.get("properties")
    if not isinstance(within, dict):
        return row
    return {**within, "Type": row.get("category")}


def _is_row(row: Row) -> bool:
    table = row.get("Type") or row.get("$table") or row.get("category")
    if isinstance(table, str):
        return table.startswith(STREAMED) or (table in TABLES and not _TIMES.isdisjoint(row))
    return not _TIMES.isdisjoint(row) and row.keys() >= _MARKS


def _is_header(line: bytes) -> bool:
    """Say whether a line names the columns that rows are known by; names of columns hold no commas."""
    names = {name.strip('"').removesuffix(UTC_CAPTION) for name in line.decode("utf-8", "replace").strip().split(",")}
    return not _TIMES.isdisjoint(names) and any(names >= marks for marks in (_MARKS, _CERTIFICATE_MARKS, _EVENT_MARKS))


def _record(position: int, row: Cells | Broken) -> Record:
    if isinstance(row, Broken):
        return rejected(position, row.record, row.reason)
    try:
        act = act_of(row)
        fields = act if isinstance(act, str) else act.fields_of(row)
        if isinstance(act, str) or isinstance(fields, str):
            return Skipped(str(position), f"not used: {fields}")
        return without_secrets(msgspec.convert({**fields, "time": row.time()}, act.kind))
    except (msgspec.MsgspecError, InvalidEventError) as error:
        return rejected(position, row.shown().encode("utf-8", "replace"), str(error))
