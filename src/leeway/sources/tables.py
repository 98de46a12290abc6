"""Rows of a table in a file, CSV, JSON lines or Parquet, told apart by their first bytes.

Nothing here knows what the columns mean.
"""

from collections.abc import Collection, Iterator
from typing import Any, Final

import msgspec

from leeway.sources.csv_table import CsvTable
from leeway.sources.lines import flaw, lines
from leeway.sources.parquet_file import MAGIC
from leeway.sources.parquet_table import ParquetTable
from leeway.sources.places import Place
from leeway.sources.table_rows import Broken, Row, Table

__all__ = ["Broken", "CsvTable", "JsonTable", "ParquetTable", "Row", "Table", "object_of", "open_table"]

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_OBJECTS: Final = msgspec.json.Decoder(dict[str, Any])


def open_table(place: Place) -> Table:
    """Return the table at a place, by its first bytes.

    Raises:
        SourceError: where the place cannot be opened.
    """
    with place.open() as stream:
        try:
            start = stream.peek(len(MAGIC)).removeprefix(_BYTE_ORDER_MARK)
        except (EOFError, OSError):
            start = b""  # reading the rows says what is wrong
    if start.startswith(MAGIC):
        return ParquetTable(place)
    return JsonTable(place) if start.lstrip()[:1] in (b"{", b"[") else CsvTable(place)


class JsonTable:
    """JSON lines: one object a line, each with columns of its own."""

    columns: None = None

    def __init__(self, place: Place) -> None:
        self._place = place

    def rows(self, after: str | None, wanted: Collection[str] | None = None) -> Iterator[tuple[int, Row | Broken]]:
        """Yield each line's object with the byte offset behind it.

        Raises:
            SourceError: when the file cannot be read on.
        """
        del wanted  # there is no header to choose from
        for offset, line in lines(self._place, after):
            yield offset, Broken(b"", line) if isinstance(line, str) else object_of(line)


def object_of(line: bytes) -> Row | Broken:
    """Return the JSON object of one line."""
    if line.startswith(b"["):
        return Broken(line, "a JSON array; one object a line is read: split it by jq -c '.[]'")
    if reason := flaw(line):
        return Broken(line, reason)
    try:
        return _OBJECTS.decode(line)
    except msgspec.MsgspecError as error:
        return Broken(line, str(error))
