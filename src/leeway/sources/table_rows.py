"""What every table gives: rows by the name of their columns, or the reason why a record is none."""

from collections.abc import Collection, Iterator
from typing import Final, Protocol

from msgspec import Struct

COLUMN_LIMIT: Final = 1_000
"""Columns of a table; the widest one that Defender has counts some 90."""

Row = dict[str, object]
"""One row: its cells by the name of their column; text, numbers, flags, times with or without zone, JSON, or None."""


class Broken(Struct, frozen=True):
    """A record that is no row, and why."""

    record: bytes
    reason: str


class Table(Protocol):
    """The rows of one file. A position is a byte offset, decompressed; of Parquet, a number of rows."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Return the names of the columns, or None where each row names its own.

        Raises:
            SourceError: where they cannot be read.
        """
        ...

    def rows(self, after: str | None, wanted: Collection[str] | None = None) -> Iterator[tuple[int, Row | Broken]]:
        """Yield each row with the position behind it; only the `wanted` columns of a file that has a header.

        Raises:
            SourceError: when the file cannot be read on, after every row before that.
        """
        ...
