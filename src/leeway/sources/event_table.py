"""Leeway's own Parquet: one event a row, as `leeway convert` writes it.

Instants are TIMESTAMP columns that are marked as UTC; numbers are whole; all else is text but `outbound` (a flag),
`addresses` and `observes` (lists of text) and `arguments` (a map of text to text). Other columns are passed over.

- of every event: `kind`, `time`, `id`, `host`, `user`
- of who acted: `process_image`, `process_pid`, `process_uid`, `process_started`, `process_command_line`,
  `process_sha1`; of who started it: `parent_image`, `parent_pid`, `parent_uid`, `parent_started`,
  `parent_command_line`, `parent_sha1`
- of a declared agent: `agent_uid`, `agent_instance_uid`, `agent_name`
- of the act: `digest`, `sha1`, `signer`, `unit`, `destination`, `port`, `address`, `protocol`, `outbound`, `bytes_out`,
  `bytes_in`, `range`, `name`, `addresses`, `path`, `action`, `tool`, `arguments`, `duration_us`, `observes`

On the sensor: there is nothing to switch on. `leeway convert SOURCE --out FILE.parquet` makes one file of any feeds:
sorted by time, each event once, without secrets, and smaller and faster to read than what it came from. What the feeds
can show is noted in it. A program of your own may write such tables as well: any of the columns, with `kind`, `time`
and one of `host` and `agent_uid` among them. Their meaning is that of `leeway schema`, structures flattened: a process
is there where one of its columns is, an agent where `agent_uid` is.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final

import msgspec

from leeway.errors import InvalidEventError, SourceError
from leeway.events import COLUMNS, Facet, Measure, event_of_row
from leeway.sources.declared import SIDES, Declared, sides_named
from leeway.sources.parquet_file import MAGIC, TOO_LARGE, ParquetFile, is_instant, microseconds_of, quoted
from leeway.sources.places import Place
from leeway.sources.records import Feed, Record, Rejected, Skipped, rejected
from leeway.sources.redacted import without_secrets

NOTE: Final = "leeway.observes"
"""Key under which a file notes what the feeds that it was made of can show: facets and measures, joined by commas."""

_NEEDED: Final = (("kind",), ("time",), ("host", "agent_uid"))
"""Columns of which every table has one."""

_TEXT_LIMIT: Final = 1 << 20
"""Characters of the longest text that an event holds."""

_LIST_LIMIT: Final = 64
_MAP_LIMIT: Final = 256
"""Entries of the longest list and map that an event holds."""

_HINTED: Final = 12
"""Columns of a file that a message names."""

_WHOLE: Final = r"U?(?:TINY|SMALL|BIG)INT|U?INTEGER"
_REALS: Final = ("FLOAT", "DOUBLE")
"""Numbers that may have a fraction: tables with gaps often hold whole ones so. A row with a fraction is refused."""

_NUMBER: Final = re.compile("|".join((_WHOLE, *_REALS)))

_FITTING: Final = {
    "VARCHAR": re.compile(f"VARCHAR|UUID|{_WHOLE}"),
    "BIGINT": _NUMBER,
    "INTEGER": _NUMBER,
    "BOOLEAN": re.compile("BOOLEAN"),
    "VARCHAR[]": re.compile(r"VARCHAR\[\]"),
    "MAP(VARCHAR, VARCHAR)": re.compile(r"MAP\(VARCHAR, VARCHAR\)"),
}
"""Type of one of our columns to the types, as DuckDB writes them, that are read as it."""

_INSTANT: Final = "TIMESTAMPTZ"
_UNTYPED: Final = '"NULL"'
"""Type of a column that holds nothing."""

_OF_AGENT: Final = ("agent_instance_uid", "agent_name")
_IMAGES: Final = {"process_image": "process_", "parent_image": "parent_"}


class EventTable(Feed):
    """Events as rows of Parquet; every facet and measure can be in them.

    A file that `leeway convert` wrote says what the feeds that it was made of could show, and that is what it observes;
    else, where the heartbeats of every host in it say it, what they say, as far as it was read.

    Blind to: a key given twice in one map (the last one counts) and columns that no event has (ignored).
    """

    name: ClassVar[str] = "events"
    observes: frozenset[Facet | Measure] = frozenset(SIDES)
    patterns: ClassVar[tuple[str, ...]] = ("*.parquet",)

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._file = ParquetFile(place)

    @classmethod
    def recognises(cls, line: bytes) -> bool:
        """Say whether a Parquet file has the columns `kind`, `time`, and `host` or `agent_uid`."""
        names = line.decode("utf-8", "replace").split("\n")[1:] if line.startswith(MAGIC) else []
        return not _lacking(names)

    def read(self, *, after: str | None = None) -> Iterator[tuple[str, Record]]:
        """Yield each record with the number of rows up to and with it.

        Raises:
            SourceError: when the file cannot be read on, lacks a column that every table has, or has one of a type
                that cannot be read as what it is to hold.
        """
        types = self._checked()
        noted = sides_named(tuple(self._file.noted(NOTE).decode("utf-8", "replace").split(",")))
        reals = [name for name, kind in types.items() if kind in _REALS]
        declared = Declared()
        for position, cells in self._file.rows(after, [_expression(name, types) for name in types]):
            record = _record(position, dict(zip(types, cells, strict=True)) if cells else None, reals)
            if not isinstance(record, Rejected | Skipped):
                declared.hear(record)
            yield str(position), record
        if noted or declared.is_whole:
            self.observes = noted or declared.sides

    def _checked(self) -> dict[str, str]:
        """Return those of the file's columns that events have, with their types."""
        types = self._file.types
        if lacking := _lacking(types):
            hint = f"it has {', '.join(name[:60] for name in list(types)[:_HINTED])} …"
            raise SourceError(f"{self.uri}: no column {lacking}", hint=hint)
        found = {name: types[name] for name in COLUMNS if name in types}
        for name, kind in found.items():
            if not _fits(COLUMNS[name], kind):
                raise self._misfit(name, kind)
        return found

    def _misfit(self, name: str, kind: str) -> SourceError:
        told = f"{self.uri}: the column {name!r} is {kind[:60]}"
        if COLUMNS[name] == _INSTANT and kind.startswith("TIMESTAMP"):
            return SourceError(
                f"{told} without a zone", hint="write instants, marked as UTC: which zone was meant is not guessed"
            )
        return SourceError(f"{told}, which cannot be read as {COLUMNS[name]}", hint="cast it where the file is written")


def _lacking(names: Iterable[str]) -> str:
    """Return the first column that every table has and these names do not; empty where none is lacking."""
    there = frozenset(names)
    return next((" or ".join(either) for either in _NEEDED if there.isdisjoint(either)), "")


def _fits(sort: str, kind: str) -> bool:
    if sort == _INSTANT:
        return is_instant(kind) or kind == _UNTYPED
    return kind == _UNTYPED or bool(_FITTING[sort].fullmatch(kind))


def _expression(name: str, types: dict[str, str]) -> str:
    """Return the SQL of one column: instants in microseconds; text and lists cut behind what shows them too long."""
    column, sort = quoted(name), COLUMNS[name]
    if types[name] == _UNTYPED:
        column = f"CAST(NULL AS {sort})"
    if sort == _INSTANT:
        return f"epoch_us({column})" if types[name] == _UNTYPED else microseconds_of(name, types[name])
    if sort == "VARCHAR":
        text = f"left(CAST({column} AS VARCHAR), {_TEXT_LIMIT + 1})"
        return _image(text, _IMAGES[name], types) if name in _IMAGES else text
    if sort == "VARCHAR[]":
        return f"list_slice({column}, 1, {_LIST_LIMIT + 1})"
    if sort.startswith("MAP"):
        # As pairs: DuckDB reads no further in a file where one map has a key twice.
        return f"list_slice(map_entries({column}), 1, {_MAP_LIMIT + 1})"
    return column


def _image(text: str, prefix: str, types: dict[str, str]) -> str:
    """Return the SQL of an image: empty, not NULL, where it is not told of a process of which something else is."""
    others = [f"{quoted(name)} IS NOT NULL" for name in types if name.startswith(prefix) and name not in _IMAGES]
    return f"coalesce({text}, CASE WHEN {' OR '.join(others)} THEN '' END)" if others else text


def _record(position: int, row: dict[str, Any] | None, reals: list[str]) -> Record:
    """Return what one row is: an event without secrets, or why there is none.

    Args:
        position: the number of rows up to and with it.
        row: its cells, or None where they are too large.
        reals: columns that hold whole numbers as others.
    """
    if row is None:
        return rejected(position, b"", TOO_LARGE)
    if (pairs := row.get("arguments")) is not None:
        row["arguments"] = {pair["key"]: pair["value"] for pair in pairs}
    for name in reals:
        if row[name] is not None and row[name].is_integer():
            row[name] = int(row[name])
    try:
        _require_whole(row)
        return without_secrets(event_of_row(row))
    except InvalidEventError as error:
        shown = {name: cell for name, cell in row.items() if cell is not None}
        return rejected(position, msgspec.json.encode(shown), str(error))


def _require_whole(row: dict[str, Any]) -> None:
    if row["time"] is None:
        raise InvalidEventError("it has no time")
    if row.get("agent_uid") is None and any(row.get(name) is not None for name in _OF_AGENT):
        raise InvalidEventError("an agent without agent_uid")
