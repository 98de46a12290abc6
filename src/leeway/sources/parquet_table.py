"""Parquet through DuckDB, a page of rows at a time."""

import re
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

from leeway.errors import SourceError
from leeway.sources.places import Place
from leeway.sources.positions import cut_short, position_of
from leeway.sources.table_rows import COLUMN_LIMIT, Broken, Row

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAGIC: Final = b"PAR1"
"""First and last bytes of a Parquet file (its format, section "File format")."""

_CELL_LIMIT: Final = 1 << 20
"""Characters of one cell: the longest text that an event holds."""

_PAGE: Final = 16_384
"""Rows read at a time, counted from the first of the file, so that a flaw costs the same rows wherever one began."""

_TOGETHER: Final = 256
"""Rows that are held at a time as Python has them."""

_PARTS: Final = 16
"""How many pages become of one that takes too much memory."""

_PATIENCE: Final = 64
"""Pages of a file that may take too much, each some seconds' work."""

_LEVELS: Final = 12
"""Lists and structures within each other; what DuckDB has to do doubles with each level of lists."""

_SETTINGS: Final[dict[str, Any]] = {
    "memory_limit": "192MB",  # a page that takes more is an error, not a full machine
    "threads": "1",
    "temp_directory": "",
    "autoinstall_known_extensions": "false",  # nothing is fetched
    "autoload_known_extensions": "false",
}

_PLAIN: Final = re.compile("BOOLEAN|U?(?:TINY|SMALL|BIG)INT|U?INTEGER|FLOAT|DOUBLE")
_NESTED: Final = re.compile(r"STRUCT\(.*|MAP\(.*|.*\]", re.DOTALL)
_NAME: Final = re.compile('"(?:[^"]|"")*"')
_LEVEL: Final = re.compile(r"\[\d*\]|[(),]")
_TIME: Final = "TIMESTAMP"
_ZONED: Final = "WITH TIME ZONE"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ParquetTable:
    """The rows of a Parquet file.

    Instants come zoned. A time without zone comes without one, for what it means is the table's matter; digits beyond
    the microsecond are cut off. Nested values come as JSON text, other types as DuckDB writes them.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(self._types)

    @cached_property
    def _types(self) -> dict[str, str]:
        """Return the type of each column."""
        with self._connected() as connection:
            found = self._fetched(connection, "DESCRIBE SELECT * FROM read_parquet(?)", self._pattern)
        if len(found) > COLUMN_LIMIT:
            raise SourceError(f"{self._place.uri}: {len(found)} columns, at most {COLUMN_LIMIT} are read")
        types = {name: kind for name, kind, *_ in found}
        if deep := [name for name, kind in types.items() if nested_levels(kind) > _LEVELS]:
            raise SourceError(f"{self._place.uri}: the column {deep[0][:60]!r} is nested deeper than {_LEVELS} levels")
        return types

    def rows(self, after: str | None, wanted: Collection[str] | None = None) -> Iterator[tuple[int, Row | Broken]]:
        """Yield each row with the number of rows up to and with it.

        Raises:
            SourceError: when the file cannot be read on, or ends before `after`.
        """
        behind = position_of(self._place, after)
        types = {name: kind for name, kind in self._types.items() if wanted is None or name in wanted}
        query = (
            f"SELECT file_row_number, {', '.join(_expression(*column) for column in types.items()) or 'NULL'} "  # noqa: S608  # names are quoted
            "FROM read_parquet(?, file_row_number = true) WHERE file_row_number >= ? AND file_row_number < ?"
        )
        with self._connected() as connection:
            count = self._fetched(connection, "SELECT count(*) FROM read_parquet(?)", self._pattern)[0][0]
            if behind > count:
                raise cut_short(self._place, behind)
            pages = _Pages(partial(self._streamed, connection, query, self._pattern))
            for start in range(behind // _PAGE * _PAGE, count, _PAGE):
                for number, *cells in pages.rows(start, start + _PAGE):
                    if number >= behind:
                        yield number + 1, _row(types, cells) if cells else Broken(b"", "it takes too much memory")

    @property
    def _pattern(self) -> str:
        """Return the path as a pattern that matches no other."""
        return re.sub(r"([*?\[])", r"[\1]", str(self._place.path.resolve()))

    def _connected(self) -> "DuckDBPyConnection":
        import duckdb  # noqa: PLC0415  # takes longer to load than many a run takes

        with self._place.path.open("rb") as stored:
            if stored.read(len(MAGIC)) != MAGIC:
                raise SourceError(
                    f"{self._place.uri}: Parquet within another compression",
                    hint="unpack it; Parquet is compressed inside",
                )
        return duckdb.connect(":memory:", config=_SETTINGS)

    def _fetched(self, connection: "DuckDBPyConnection", query: str, *values: object) -> list[tuple[Any, ...]]:
        return list(self._streamed(connection, query, *values))

    def _streamed(self, connection: "DuckDBPyConnection", query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        import duckdb  # noqa: PLC0415  # as above

        try:
            answer = connection.execute(query, list(values))
            while found := answer.fetchmany(_TOGETHER):
                yield from found
        except duckdb.OutOfMemoryException as error:
            raise _TooLargeError(f"{self._place.uri}: unreadable as Parquet: it takes too much memory") from error
        except (duckdb.Error, RuntimeError, ValueError) as error:
            # A stream was copied to a file of a random name, which says nothing to whoever reads the message.
            reason = str(error).partition("\n")[0].replace(self._pattern, self._place.uri)
            raise SourceError(f"{self._place.uri}: unreadable as Parquet: {reason[:400]}") from error


class _TooLargeError(SourceError):
    """What was asked for takes more memory than it may."""


class _Pages:
    """The rows of a file page by page; what is left of a page that takes too much memory is read in parts."""

    def __init__(self, rows_from: Callable[[int, int], Iterator[tuple[Any, ...]]]) -> None:
        self._rows_from = rows_from
        self._refused = 0

    def rows(self, start: int, end: int) -> Iterator[tuple[Any, ...]]:
        """Yield (number of the row, its cells) from `start` to before `end`; no cells of a row that is too large.

        Raises:
            SourceError: where the file cannot be read, or too many pages of it are too large.
        """
        next_one = start
        try:
            for row in self._rows_from(start, end):
                yield row
                next_one = row[0] + 1
        except _TooLargeError:
            self._refused += 1
            if self._refused > _PATIENCE:
                raise
            yield from self._in_parts(next_one, end)

    def _in_parts(self, start: int, end: int) -> Iterator[tuple[Any, ...]]:
        if end - start == 1:
            yield (start,)
            return
        step = max(1, (end - start) // _PARTS)
        for part in range(start, end, step):
            yield from self.rows(part, min(part + step, end))


def nested_levels(kind: str) -> int:
    """Return how deep lists and structures are nested in a type, as DuckDB writes it.

    >>> nested_levels("BIGINT"), nested_levels('STRUCT("a)(" BIGINT[], b DECIMAL(18,3)[][])[]')
    (0, 5)
    """
    deepest = level = 0
    around = [0]
    for match in reversed(list(_LEVEL.finditer(_NAME.sub("", kind)))):
        if match[0] in "(,":
            around = around[:-1] if match[0] == "(" else around
            level = around[-1] if around else 0
            continue
        level += 1
        deepest = max(deepest, level)
        if match[0] == ")":
            around.append(level)
    return deepest


def _expression(name: str, kind: str) -> str:
    """Return the SQL of one column: numbers and flags as they are, times in microseconds, all else as bounded text."""
    quoted = '"' + name.replace('"', '""') + '"'
    if _PLAIN.fullmatch(kind):
        return quoted
    if kind.startswith(_TIME):
        # Nanoseconds are cut here: DuckDB would round them, and one instant would differ between two tables.
        return f"epoch_ns({quoted}) // 1000" if "_NS" in kind else f"epoch_us({quoted})"
    spelt = f"to_json({quoted})" if _NESTED.fullmatch(kind) else quoted
    return f"left(CAST({spelt} AS VARCHAR), {_CELL_LIMIT + 1})"


def _row(types: dict[str, str], cells: list[Any]) -> Row | Broken:
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
    return time if kind.endswith(_ZONED) else time.replace(tzinfo=None)
