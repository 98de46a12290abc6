"""Our own JSON lines as columns, where reading them line by line would take every line for just the same.

DuckDB reads JSON more leniently than our reader: it casts, passes over commas, takes the other one of a key that is
there twice. So it is shown by counting bytes that nothing of the kind is in a file. Of each line it is worked out how
many bytes the values that were read take in the shortest spelling there is: without spaces, each known member once,
nothing escaped that need not be. No line of those values is shorter; a line that has anything else is longer. Where the
sum over all lines is the size of the file, and each value is of its type, every line is therefore spelt just so, and
means the same to any reader. A line with a value that is not has no number of bytes, so the sum falls short.

`leeway snapshot` spells lines so, and whatever writes JSON without spaces. All other files are read line by line.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from leeway.config import Resources
from leeway.engines.duckdb.line_columns import LINE_BYTES, rows_of
from leeway.engines.duckdb.looking import telling
from leeway.engines.duckdb.session import insert, open_session, quoted
from leeway.errors import SourceError, UnsupportedError
from leeway.events import (
    COLUMNS,
    AnyEvent,
    ConnectionOpened,
    FileTouched,
    NameResolved,
    ProcessStarted,
    ToolCalled,
)
from leeway.sources import Place
from leeway.sources.parquet_file import as_pattern
from leeway.sources.redacted import without_secrets

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LEAST: Final = 1 << 22
"""Bytes below which lines are read one by one just as fast."""

_CHUNK: Final = 1 << 20
_GROWTH: Final = 64
"""How many times as long as it is stored a compressed file may be, to be unpacked on disk."""

_ROW_GROUP: Final = 122_880


def write_columns(place: Place, draft: Path, resources: Resources, least: int = LEAST) -> int | None:
    """Write our own JSON lines as Parquet, without secrets, and return the position behind the last line.

    None, and no file, where lines are to be read one by one. Whether each row is an event is for `look_at` to say; of
    those with one id the first line's comes first. Beside `draft` what is compressed is unpacked for a while.
    """
    import duckdb  # noqa: PLC0415  # takes longer to import than most commands take

    found = None
    # Where it fails, reading line by line says what is wrong, and reads what can be read.
    failures = (duckdb.Error, OSError, EOFError, UnicodeError, SourceError, UnsupportedError)
    with suppress(*failures), _unpacked(place, draft.parent, least) as unpacked:
        found = _written(unpacked, draft, resources) if unpacked is not None else None
    if found is None:
        draft.unlink(missing_ok=True)
    return found


def _written(unpacked: "_Unpacked", draft: Path, resources: Resources) -> int | None:
    with open_session(resources) as session:
        session.execute("SET preserve_insertion_order = true")
        is_ordered = _write(session, unpacked.path, draft)
        if is_ordered is None or _counted(session, draft) != (unpacked.lines, unpacked.size):
            return None
        return unpacked.size if is_ordered or _are_unique(session, draft) else None


class _Unpacked(NamedTuple):
    path: Path
    lines: int
    size: int


@contextmanager
def _unpacked(place: Place, folder: Path, least: int) -> Iterator[_Unpacked | None]:
    """Give the file as it is when it is not compressed; None where it is small, or has an empty or unfinished line."""
    stored = place.path.stat().st_size
    if not place.path.is_file() or stored * _GROWTH < least:
        yield None
        return
    with place.path.open("rb") as file:
        is_plain = file.read(1) == b"{"
    if is_plain:
        counted = _count(place, None, stored) if stored >= least else None
        yield None if counted is None else _Unpacked(place.path, *counted)
        return
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".draft-") as copy:
        counted = _count(place, copy.fileno(), stored * _GROWTH)
        is_large = counted is not None and counted[1] >= least
        yield _Unpacked(Path(copy.name), *counted) if counted is not None and is_large else None


def _count(place: Place, copy: int | None, most: int) -> tuple[int, int] | None:
    """Return (lines, bytes) and copy what is read; None where a line is empty or has no end, or there are too many."""
    lines = size = 0
    last = b"\n"
    with place.open() as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if (last == b"\n" and chunk.startswith(b"\n")) or b"\n\n" in chunk or size > most:
                return None
            lines += chunk.count(b"\n")
            last = chunk[-1:]
            rest = memoryview(chunk) if copy is not None else b""
            while rest and copy is not None:
                rest = rest[os.write(copy, rest) :]
    return (lines, size) if last == b"\n" and size else None


def _write(session: "DuckDBPyConnection", file: Path, draft: Path) -> bool | None:
    """Write the rows and say whether they are in the order of lines; None where secrets are in what stays as it is."""
    rows = rows_of(file)
    redacted = _redacted(session, rows)
    if redacted is None:
        return None
    for place, (column, texts) in enumerate(sorted(redacted.items())):
        session.execute(f"CREATE OR REPLACE TEMP TABLE clean_{column} (raw VARCHAR, clean VARCHAR)")
        insert(session, f"clean_{column}", {"raw": "VARCHAR", "clean": "VARCHAR"}, texts.items())
        rows = (
            f'SELECT r{place}.* REPLACE (coalesce(c.clean, r{place}."{column}") AS "{column}") FROM ({rows}) r{place} '
            f'LEFT JOIN clean_{column} c ON c.raw = r{place}."{column}"'
        )
    session.execute(
        f"COPY ({rows}) TO {quoted(str(draft))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
    )
    return not redacted


def _redacted(session: "DuckDBPyConnection", rows: str) -> dict[str, dict[str, str]] | None:
    """Return column to its texts that hold secrets, each with what is left of it; None where arguments do."""
    odd = r"""CASE WHEN NOT regexp_full_match({0}, '[\w.:%\[\]-]*') THEN {0} END AS {0}"""
    session.execute(
        "CREATE OR REPLACE TEMP TABLE events_read AS SELECT DISTINCT process_command_line, parent_command_line, "
        f"{odd.format('destination')}, {odd.format('name')}, "
        f"CASE WHEN contains(path, '://') THEN path END AS path, arguments FROM ({rows})"
    )
    found: dict[str, dict[str, str]] = {}
    for event in telling(session, COLUMNS):
        clean = without_secrets(event)
        if clean == event:
            continue
        for column, raw, left in _texts(event, clean):
            found.setdefault(column, {})[raw] = left
        if isinstance(event, ToolCalled):
            return None
    session.execute("DROP TABLE events_read")
    return found


def _texts(event: AnyEvent, clean: AnyEvent) -> Iterator[tuple[str, str, str]]:
    """Yield the columns in which a telling event differs from the clean one, with both texts."""
    if isinstance(event, ProcessStarted) and event.process is not None and isinstance(clean, ProcessStarted):
        line, left = event.process.command_line or "", clean.process.command_line if clean.process else None
        yield from ((f"{who}_command_line", line, left or "") for who in ("process", "parent"))
    elif isinstance(event, ConnectionOpened) and isinstance(clean, ConnectionOpened):
        yield "destination", event.destination, clean.destination
    elif isinstance(event, NameResolved) and isinstance(clean, NameResolved):
        yield "name", event.name, clean.name
    elif isinstance(event, FileTouched) and isinstance(clean, FileTouched):
        yield "path", event.path, clean.path


def _are_unique(session: "DuckDBPyConnection", draft: Path) -> bool:
    """Say whether no id is told twice, so that the order of rows does not matter."""
    query = f"SELECT count(*) = count(DISTINCT hash(id)) FROM read_parquet({quoted(as_pattern(draft))})"
    return session.execute(query).fetchone() == (True,)


def _counted(session: "DuckDBPyConnection", draft: Path) -> tuple[int, int] | None:
    """Return the number of rows that were written and the bytes of their lines; None where one's are not known."""
    written = f"read_parquet({quoted(as_pattern(draft))})"
    query = f"SELECT count(*), count({LINE_BYTES}), sum({LINE_BYTES} + 1) FROM {written}"
    ((rows, known, size),) = session.execute(query).fetchall()
    return (int(rows), int(size)) if rows and rows == known else None
