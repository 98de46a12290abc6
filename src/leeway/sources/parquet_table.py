"""Parquet as a table of rows, whatever its columns."""

import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from leeway.sources.parquet_file import TOO_LARGE, ParquetFile, is_instant, microseconds_of, quoted
from leeway.sources.places import Place
from leeway.sources.table_rows import Broken, Row

_CELL_LIMIT: Final = 1 << 20
"""Characters of one cell: the longest text that an event holds."""

_PLAIN: Final = re.compile("BOOLEAN|U?(?:TINY|SMALL|BIG)INT|U?INTEGER|FLOAT|DOUBLE")
_NESTED: Final = re.compile(r"STRUCT\(.*|MAP\(.*|.*\]", re.DOTALL)
_TIME: Final = "TIMESTAMP"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ParquetTable:
    """The rows of a Parquet file.

    Instants come zoned. A time without zone comes without one, for what it means is the table's matter; digits beyond
    the microsecond are cut off. Nested values come as JSON text, other types as DuckDB writes them.
    """

    def __init__(self, place: Place) -> None:
        self._file = ParquetFile(place)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(self._file.types)

    def rows(self, after: str | None, wanted: Collection[str] | None = None) -> Iterator[tuple[int, Row | Broken]]:
        """Yield each row with the number of rows up to and with it.

        Raises:
            SourceError: when the file cannot be read on, or ends before `after`.
        """
        types = {name: kind for name, kind in self._file.types.items() if wanted is None or name in wanted}
        for position, cells in self._file.rows(after, [_expression(*column) for column in types.items()]):
            yield position, Broken(b"", TOO_LARGE) if cells is None else _row(types, cells)


def _expression(name: str, kind: str) -> str:
    """Return the SQL of one column: numbers and flags as they are, times in microseconds, all else as bounded text."""
    if _PLAIN.fullmatch(kind):
        return quoted(name)
    if kind.startswith(_TIME):
        return microseconds_of(name, kind)
    spelt = f"to_json({quoted(name)})" if _NESTED.fullmatch(kind) else quoted(name)
    return f"left(CAST({spelt} AS VARCHAR), {_CELL_LIMIT + 1})"


def _row(types: dict[str, str], cells: tuple[Any, ...]) -> Row | Broken:
    row: Row = {}
    for (name, kind), cell in zip(types.items(), cells, strict=False):
        if isinstance(cell, str) and len(cell) > _CELL_LIMIT:
            return Broken(b"", f"a cell longer than {_CELL_LIMIT} characters")
        row[name] = _time(cell, kind) if kind.startswith(_TIME) and cell is not None else cell
    return row


def _time(microseconds: int, kind: str) -> datetime | str:
    try:
        time = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return f"{microseconds} us"
    return time if is_instant(kind) else time.replace(tzinfo=None)
