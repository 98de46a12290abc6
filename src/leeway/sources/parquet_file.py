"""A Parquet file through DuckDB, a page of rows at a time."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leeway.errors import SourceError
from leeway.sources.places import Place
from leeway.sources.positions import cut_short, position_of
from leeway.sources.table_rows import COLUMN_LIMIT

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAGIC: Final = b"PAR1"
"""First and last bytes of a Parquet file (its format, section "File format")."""

TOO_LARGE: Final = "it takes too much memory"
"""Why a row of a file is refused whose cells are not even looked at."""

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

_NAME: Final = re.compile('"(?:[^"]|"")*"')
_LEVEL: Final = re.compile(r"\[\d*\]|[(),]")
_TABLE: Final = "read_parquet(?, hive_partitioning = false)"
"""The file; the names of the folders around it give no columns."""

_NUMBERED: Final = "read_parquet(?, hive_partitioning = false, file_row_number = true)"

_NOTE_LIMIT: Final = 1 << 16
"""Bytes of what is noted in a file."""


class ParquetFile:
    """What a Parquet file holds: its columns, and rows of whatever SQL makes of them."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @cached_property
    def types(self) -> dict[str, str]:
        """Return the type of each column, as DuckDB writes it.

        Raises:
            SourceError: where the file is no Parquet, too wide or nested too deeply.
        """
        with self._connected() as connection:
            found = self._fetched(connection, f"DESCRIBE SELECT * FROM {_TABLE}")  # noqa: S608  # a constant
        if len(found) > COLUMN_LIMIT:
            raise SourceError(f"{self._place.uri}: {len(found)} columns, at most {COLUMN_LIMIT} are read")
        types = {name: kind for name, kind, *_ in found}
        if deep := [name for name, kind in types.items() if nested_levels(kind) > _LEVELS]:
            raise SourceError(f"{self._place.uri}: the column {deep[0][:60]!r} is nested deeper than {_LEVELS} levels")
        return types

    def noted(self, key: str) -> bytes:
        """Return what whoever wrote the file noted in it under a key, at most 64 KiB of it; empty where nothing.

        Raises:
            SourceError: where the file is no Parquet.
        """
        query = f"SELECT value[:{_NOTE_LIMIT}] FROM parquet_kv_metadata(?) WHERE key = encode(?)"  # noqa: S608  # a number
        with self._connected() as connection:
            return next((bytes(value) for (value,) in self._fetched(connection, query, key)), b"")

    def rows(self, after: str | None, expressions: Sequence[str]) -> Iterator[tuple[int, tuple[Any, ...] | None]]:
        """Yield (number of rows up to and with it, its cells), one a SQL expression; None for one that is too large.

        Raises:
            SourceError: when the file cannot be read on, or ends before `after`.
        """
        behind = position_of(self._place, after)
        query = (
            f"SELECT file_row_number, {', '.join(expressions) or 'NULL'} FROM {_NUMBERED} "  # noqa: S608  # the caller's SQL
            "WHERE file_row_number >= ? AND file_row_number < ?"
        )
        with self._connected() as connection:
            count = self._fetched(connection, f"SELECT count(*) FROM {_TABLE}")[0][0]  # noqa: S608  # a constant
            if behind > count:
                raise cut_short(self._place, behind)
            pages = _Pages(partial(self._streamed, connection, query))
            for start in range(behind // _PAGE * _PAGE, count, _PAGE):
                for row in pages.rows(start, start + _PAGE):
                    if row[0] >= behind:
                        yield row[0] + 1, row[1:] or None

    def _connected(self) -> "DuckDBPyConnection":
        import duckdb  # noqa: PLC0415  # takes longer to load than many a run takes

        with self._place.path.open("rb") as stored:
            if stored.read(len(MAGIC)) != MAGIC:
                raise self._refused()
        return duckdb.connect(":memory:", config=_SETTINGS)

    def _refused(self) -> SourceError:
        """Return why a file that does not start as Parquet does is not read."""
        with self._place.open() as stream:
            try:
                is_packed = stream.peek(len(MAGIC)).startswith(MAGIC)
            except (EOFError, OSError):
                is_packed = False
        if is_packed:
            hint = "unpack it; Parquet is compressed inside"
            return SourceError(f"{self._place.uri}: Parquet within another compression", hint=hint)
        return SourceError(f"{self._place.uri}: no Parquet", hint="give a file that starts and ends with PAR1")

    def _fetched(self, connection: "DuckDBPyConnection", query: str, *values: object) -> list[tuple[Any, ...]]:
        return list(self._streamed(connection, query, *values))

    def _streamed(self, connection: "DuckDBPyConnection", query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """Yield the answer to a query whose first parameter is the file."""
        import duckdb  # noqa: PLC0415  # as above

        pattern = as_pattern(self._place.path)
        try:
            answer = connection.execute(query, [pattern, *values])
            while found := answer.fetchmany(_TOGETHER):
                yield from found
        except duckdb.OutOfMemoryException as error:
            raise _TooLargeError(f"{self._place.uri}: unreadable as Parquet: it takes too much memory") from error
        except (duckdb.Error, RuntimeError, ValueError) as error:
            # A stream was copied to a file of a random name, which says nothing to whoever reads the message.
            reason = str(error).partition("\n")[0].replace(pattern, self._place.uri)
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


def header_of(place: Place) -> bytes:
    """Return the line by which a Parquet file is recognised: its first bytes, below them its columns' names."""
    names: tuple[str, ...] = ()
    with suppress(SourceError):  # reading its rows says what is wrong
        names = tuple(ParquetFile(place).types)
    return "\n".join((MAGIC.decode(), *names)).encode("utf-8", "replace")


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


def as_pattern(path: Path) -> str:
    """Return a path as the pattern that matches no other file."""
    return re.sub(r"([*?\[])", r"[\1]", str(path.resolve()))


def quoted(name: str) -> str:
    """Return the name of a column as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def is_instant(kind: str) -> bool:
    """Say whether a type, as DuckDB writes it, is a time with a zone.

    >>> is_instant("TIMESTAMP WITH TIME ZONE"), is_instant("TIMESTAMPTZ_NS"), is_instant("TIMESTAMP_NS")
    (True, True, False)
    """
    return kind.startswith("TIMESTAMP") and (kind.endswith("WITH TIME ZONE") or "TZ" in kind)


def microseconds_of(name: str, kind: str) -> str:
    """Return the SQL of a column of times as microseconds since 1970."""
    # Nanoseconds are cut here: DuckDB would round them, and one instant would differ between two tables.
    return f"epoch_ns({quoted(name)}) // 1000" if "_NS" in kind else f"epoch_us({quoted(name)})"
