"""CSV by RFC 4180, a record at a time, in bounded memory and whatever the bytes are."""

import re
from collections import deque
from collections.abc import Collection, Iterator
from functools import cached_property
from typing import BinaryIO, Final

from leeway.errors import SourceError
from leeway.sources.lines import LINE_LIMIT
from leeway.sources.places import Place
from leeway.sources.positions import broken_off, go_to, position_of
from leeway.sources.table_rows import COLUMN_LIMIT, Broken, Row

RECORD_LIMIT: Final = LINE_LIMIT
"""Bytes of one record, line breaks within quotes included: a long JSON line's worth, with every quote of it doubled."""

_BREAKS_LIMIT: Final = 1 << 16
"""Line breaks within one record; what lies between them is held apart."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_QUOTED: Final = '"([^"]*+(?:""[^"]*+)*+)"'
_CELL: Final = re.compile(f'(?:^|,)(?:{_QUOTED}|([^",]*+))')
_RECORD: Final = re.compile(f'(?:{_QUOTED}|[^",]*+)(?:,(?:{_QUOTED}|[^",]*+))*+')


class CsvTable:
    """Comma-separated records behind a header; a record may hold line breaks within quotes.

    Where a quote is out of place only the line it stands in is refused, and reading goes on with the next one.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names in the header; the index of a data frame has an empty one."""
        return tuple(self._header[1])

    @cached_property
    def _header(self) -> tuple[int, list[str]]:
        """Return (offset behind the header, names)."""
        for offset, cells in self._records(0):
            if isinstance(cells, Broken):
                raise SourceError(f"{self._place.uri}: no header: {cells.reason}", hint="save it as CSV in UTF-8")
            named = [name for name in cells if name]
            if len(cells) > COLUMN_LIMIT or len(named) != len(set(named)):
                raise SourceError(f"{self._place.uri}: its header names {len(cells)} columns, or one of them twice")
            return offset, cells
        return 0, []

    def rows(self, after: str | None, wanted: Collection[str] | None = None) -> Iterator[tuple[int, Row | Broken]]:
        """Yield each record with the byte offset behind it.

        Raises:
            SourceError: when the file cannot be read on, or has no header.
        """
        start, names = self._header
        width = len(names)
        chosen = [(name, at) for at, name in enumerate(names) if name and (wanted is None or name in wanted)]
        for offset, cells in self._records(max(start, position_of(self._place, after))):
            if isinstance(cells, Broken):
                yield offset, cells
            elif len(cells) != width:
                yield offset, Broken(",".join(cells).encode(), f"{len(cells)} cells, {width} columns")
            else:
                yield offset, {name: cells[at] for name, at in chosen}

    def _records(self, start: int) -> Iterator[tuple[int, list[str] | Broken]]:
        """Yield (offset behind it, cells) of each record from an offset on; blank lines never."""
        offset = start
        with self._place.open() as stream:
            try:
                go_to(stream, self._place, start)
                taken = _Lines(stream, start)
                while line := taken.take():
                    if cells := _cells_of(line, taken):
                        offset = taken.offset
                        yield offset, cells
            except (EOFError, OSError) as error:
                raise broken_off(self._place, offset, error) from error


class _Lines:
    """The lines of a stream with their ends; those that turned out not to belong together are given back."""

    def __init__(self, stream: BinaryIO, offset: int) -> None:
        self.offset = offset
        """Behind the last line that was taken."""
        self._stream = stream
        self._returned: deque[bytes] = deque()

    def take(self) -> bytes:
        """Return the next line, or the first `RECORD_LIMIT` bytes of a longer one; empty at the end."""
        line = self._returned.popleft() if self._returned else self._stream.readline(RECORD_LIMIT)
        self.offset += len(line)
        return line

    def give_back(self, taken: list[bytes]) -> None:
        """Have lines taken again, in the same order."""
        self._returned.extendleft(reversed(taken))
        self.offset -= sum(map(len, taken))


def _cells_of(line: bytes, following: _Lines) -> list[str] | Broken | None:
    """Return the cells of the record that starts with `line`, taking as many more lines as its quotes span."""
    if len(line) == RECORD_LIMIT and not line.endswith(b"\n"):
        while line and not line.endswith(b"\n"):
            line = following.take()
        return _too_long(b"")
    more = _to_closing_quote(len(line), following) if line.count(b'"') % 2 else []
    record = b"".join((line, *more))
    mark = _BYTE_ORDER_MARK if following.offset == len(record) else b""
    cells = _split(record.removeprefix(mark).rstrip(b"\r\n"))
    if isinstance(cells, Broken) and more:
        following.give_back(more)
        return Broken(line, cells.reason)
    return cells


def _to_closing_quote(size: int, following: _Lines) -> list[bytes]:
    """Return the lines up to the one that closes an open quote, or as many as one record may hold.

    Lines that are given back are taken a second time, but hardly a third: within them no quote is open that a later one
    closes, so that reading stays linear.
    """
    more: list[bytes] = []
    while size <= RECORD_LIMIT and len(more) < _BREAKS_LIMIT and (line := following.take()):
        more.append(line)
        size += len(line)
        if line.count(b'"') % 2:
            break
    return more


def _split(record: bytes) -> list[str] | Broken | None:
    """Return the cells of one record; None of a blank one."""
    if not record.strip():
        return None
    if len(record) > RECORD_LIMIT:
        return _too_long(record[:LINE_LIMIT])
    try:
        text = record.decode("utf-8")
    except UnicodeDecodeError as error:
        return Broken(record, f"not UTF-8: {error.reason} at byte {error.start}")
    if '"' not in text:
        return text.split(",")
    if not _RECORD.fullmatch(text):
        return Broken(record, "not CSV: a quote is out of place")
    return [quoted.replace('""', '"') if quoted else plain for quoted, plain in _CELL.findall(text)]


def _too_long(record: bytes) -> Broken:
    return Broken(record, f"longer than {RECORD_LIMIT} bytes")
