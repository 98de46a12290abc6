"""Column maps: what the columns of a renamed table are called by Microsoft.

A map is a TOML file, given as `--map FILE.toml`:

    [map]
    table = "DeviceProcessEvents"   # the table that every row is of; or table_column, the column that names it

    [columns]                       # Microsoft's name = the name in the file
    Timestamp = "ReportTime"
    FileName = "CreatedProcessName"

    [constants]                     # what the file leaves out because it is the same in every row
    ActionType = "ProcessCreated"

    [times]
    zone = "UTC"                    # of times without a zone, or an offset as "+02:00"; without it they are refused

Columns that the map does not name keep their own names. One column of the file may stand for several of Microsoft's.
"""

import re
from datetime import UTC, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Final

from msgspec import Struct, ValidationError, convert, field
from msgspec.structs import replace

from leeway.config.toml_files import read_toml
from leeway.errors import InvalidConfigError
from leeway.sources.defender_columns import COLUMNS, OTHER_NAMES, TABLES, UTC_CAPTION, Cells, Clock

_LIMIT: Final = 1 << 16
"""Bytes of a map."""

_ZONE: Final = re.compile("UTC|([+-])(0[0-9]|1[0-4]):([0-5][0-9])")


class ColumnMap(Struct, frozen=True, kw_only=True):
    """The names of one map, and where it says so."""

    path: str
    columns: dict[str, str]
    """Microsoft's name of a column to the one in the file."""
    constants: dict[str, object]
    zone: tzinfo | None = None
    """Of times without a zone."""
    lines: dict[str, int] = field(default_factory=dict)
    """Microsoft's name of a column to the line of the map that names it."""

    def place(self, name: str) -> str:
        """Return `file:line` of the entry for a column."""
        return f"{self.path}:{self.lines.get(name, 1)}"


class Layout(Struct, frozen=True):
    """What the columns of a file, or of one JSON row, are."""

    pairs: tuple[tuple[str, str], ...]
    """Microsoft's name of a column, the name in the file."""
    constants: dict[str, object]
    clock: Clock

    @property
    def names(self) -> frozenset[str]:
        """Return those columns of the file that are read."""
        return frozenset(own for _, own in self.pairs)

    def cells(self, row: dict[str, object]) -> Cells:
        """Return the cells of a row by Microsoft's names."""
        values = {name: row[own] for name, own in self.pairs}
        return Cells(values | self.constants if self.constants else values, self.clock)


def layout_of(columns: tuple[str, ...], column_map: ColumnMap | None = None) -> Layout:
    """Return what columns of these names are; a map goes before Microsoft's names, and they before their variants."""
    named: dict[str, str] = {}
    for own in columns:
        bare = own.removesuffix(UTC_CAPTION)
        name = OTHER_NAMES.get(bare, bare)
        if name in COLUMNS and (name not in named or bare == name):
            named[name] = own
    clock = Clock(iso=UTC, portal=None)
    if column_map is not None:
        clock = Clock(iso=column_map.zone, portal=column_map.zone)
        stated = {name: own for name, own in column_map.columns.items() if own in columns}
        replaced = column_map.columns.keys() | column_map.constants.keys()
        named = {name: own for name, own in named.items() if name not in replaced} | stated
    captioned = frozenset(name for name, own in named.items() if own.endswith(UTC_CAPTION))
    constants = column_map.constants if column_map is not None else {}
    return Layout(tuple(named.items()), constants, replace(clock, captioned=captioned))


class _Head(Struct, frozen=True, forbid_unknown_fields=True):
    table: str = ""
    table_column: str = ""


class _Times(Struct, frozen=True, forbid_unknown_fields=True):
    zone: str = ""


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    map: _Head = _Head()
    columns: dict[str, str] = {}  # msgspec copies empty defaults
    constants: dict[str, str | int | bool] = {}
    times: _Times = _Times()


def load_column_map(path: Path) -> ColumnMap:
    """Read a column map.

    Raises:
        InvalidConfigError: where it cannot be read, is too large, is not TOML, has an unknown key, or names a table or
            column that is not read.
    """
    raw, found = read_toml(path, _LIMIT)
    try:
        stated = convert(found, _File)
    except ValidationError as error:
        hint = "its tables are [map], [columns], [constants] and [times]"
        raise InvalidConfigError(f"{path}:{_line(raw, str(error))}: {error}", hint=hint) from error
    return _checked(path, raw, stated)


def _checked(path: Path, raw: bytes, stated: _File) -> ColumnMap:
    columns, constants = dict(stated.columns), dict[str, object](stated.constants)
    if stated.map.table:
        constants["Type"] = stated.map.table
    if stated.map.table_column:
        columns["Type"] = stated.map.table_column
    lines = {name: _line(raw, name) for name in (*columns, *constants)}
    lines["Type"] = _line(raw, "table")
    for name in (*columns, *constants):
        if name not in COLUMNS:
            raise InvalidConfigError(f"{path}:{lines[name]}: unknown column {name!r}", hint=_hint(name))
        if name in columns and name in constants:
            raise InvalidConfigError(f"{path}:{lines[name]}: {name} is both a column and a constant")
    if stated.map.table and stated.map.table not in TABLES:
        hint = f"tables are {', '.join(TABLES)}"
        raise InvalidConfigError(f"{path}:{lines['Type']}: unknown table {stated.map.table!r}", hint=hint)
    zone = _zone(path, raw, stated.times.zone)
    return ColumnMap(path=str(path), columns=columns, constants=constants, zone=zone, lines=lines)


def _zone(path: Path, raw: bytes, spelt: str) -> tzinfo | None:
    if not spelt:
        return None
    match = _ZONE.fullmatch(spelt)
    if match is None:
        hint = 'write "UTC" or an offset as "+02:00"'
        raise InvalidConfigError(f"{path}:{_line(raw, 'zone')}: unknown zone {spelt!r}", hint=hint)
    if match[1] is None:
        return UTC
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == "-" else offset)


def _line(raw: bytes, text: str) -> int:
    """Return the line that sets a key, or the part that a validation message (`$.columns[...]`) points into; else 1."""
    pointed = re.search(r"`\$\.(\w+)", text) or re.search("`([^`]+)`", text)
    wanted = re.escape((pointed[1] if pointed else text).encode())
    for number, line in enumerate(raw.splitlines(), 1):
        if re.match(rb"\s*\[?\s*[\"']?" + wanted + rb"(?:_column)?[\"']?\s*[=\]]", line):
            return number
    return 1


def _hint(name: str) -> str:
    like = [one for one in sorted(COLUMNS) if one.casefold() == name.casefold()]
    return f"did you mean {like[0]}?" if like else f"columns that are read: {', '.join(sorted(COLUMNS))}"
