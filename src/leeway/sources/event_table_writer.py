"""Write events as Leeway's own Parquet, whatever their number: they are sorted on disk, in bounded memory."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from leeway.errors import StateError
from leeway.events import COLUMNS, INSTANTS, AnyEvent, Facet, Measure, identified, row_of
from leeway.sources.event_table import NOTE
from leeway.sources.parquet_file import as_pattern, quoted
from leeway.storage import put_in_place

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROW_GROUP: Final = 122_880
"""Rows that are stored, and can be passed over, together."""

_LINE: Final = 1 << 24
"""Bytes of a line that DuckDB makes room for at least."""

_NUMBER: Final = "row_number"
"""Column of a row's place among those given, from 0 on."""

_SETTINGS: Final[dict[str, Any]] = {
    "memory_limit": "1GB",  # what does not fit is spilled beside the file
    "threads": "2",  # each takes its share of the memory
    "disabled_optimizers": "join_order,build_side_probe_side",  # guessing sizes, it would hold all rows in memory
    "autoinstall_known_extensions": "false",  # nothing is fetched
    "autoload_known_extensions": "false",
}

_WRITER: Final = msgspec.json.Encoder()


def write_event_table(
    path: Path, events: Iterable[AnyEvent], observed: Callable[[], Iterable[Facet | Measure]] = tuple
) -> int:
    """Write events to a Parquet file, sorted by time and id, each id once, and return how many were written.

    Of events with one id the first one given is kept. The file is 0600, and there as a whole or not at all; until then
    the folder that it is in holds the events twice.

    Args:
        path: the file; one that is there is replaced.
        events: the events; one without an id gets its digest.
        observed: asked when all events were taken, as some sources know it only then: what the feeds that they came
            from can show; nothing where that is not known.

    Raises:
        StateError: where the disk does not take it; what was at `path` is still there then.
    """
    with _workshop(path) as folder:
        # Not named as sources are: whoever reads the folder that the file is in does not come upon them.
        spool, draft = folder / "spool", folder / "draft"
        longest = _spooled(spool, events)
        with _connected(folder) as connection:
            written = _write_sorted(connection, _rows(spool, longest), draft, ",".join(sorted(observed())))
        put_in_place(draft, path)
    return written


def write_event_rows(path: Path, events: Iterable[AnyEvent]) -> None:
    """Write events to a Parquet file in the order given, those with the id of another as well.

    Raises:
        StateError: where the disk does not take it; what was at `path` is still there then.
    """
    with _workshop(path) as folder:
        spool, draft = folder / "spool", folder / "draft"
        longest = _spooled(spool, events)
        with _connected(folder) as connection:
            cells = ", ".join(_cell(name) for name in COLUMNS)
            connection.execute(
                f"COPY (SELECT {cells} FROM {_rows(spool, longest)} AS given) "  # noqa: S608  # names and a quoted path
                f"TO {_literal(str(draft))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
            )
        put_in_place(draft, path)


@contextmanager
def _workshop(path: Path) -> Iterator[Path]:
    """Give a folder of one's own beside a file, gone afterwards.

    Raises:
        StateError: where it cannot be made, or what is done in it fails.
    """
    import duckdb  # noqa: PLC0415  # takes longer to load than many a run takes

    try:
        with tempfile.TemporaryDirectory(prefix=".leeway-", dir=path.parent) as name:
            yield Path(name)
    except (OSError, UnicodeError, duckdb.Error) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0][:400]
        raise StateError(f"cannot write {path}: {reason}", hint="is there space, and may you write here?") from error


def _spooled(spool: Path, events: Iterable[AnyEvent]) -> int:
    """Write the rows of events as JSON lines in the order given; return the length of the longest, in bytes."""
    longest = 0
    with spool.open("wb") as file:
        for number, event in enumerate(events):
            line = _WRITER.encode({_NUMBER: number, **row_of(identified(event))})
            longest = max(longest, len(line))
            file.write(line + b"\n")
    return longest


def _connected(folder: Path) -> "DuckDBPyConnection":
    import duckdb  # noqa: PLC0415  # as above

    connection = duckdb.connect(":memory:", config={**_SETTINGS, "temp_directory": str(folder / "spilled")})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _rows(spool: Path, longest: int) -> str:
    """Return the SQL that reads the spooled rows."""
    types = {_NUMBER: "BIGINT", **{name: "BIGINT" if name in INSTANTS else sort for name, sort in COLUMNS.items()}}
    told = ", ".join(f"{quoted(name)}: '{sort}'" for name, sort in types.items())
    return (
        f"read_json({_literal(as_pattern(spool))}, format = 'newline_delimited', compression = 'uncompressed', "
        f"columns = {{{told}}}, maximum_object_size = {max(_LINE, longest + 2)})"
    )


def _write_sorted(connection: "DuckDBPyConnection", rows: str, draft: Path, note: str) -> int:
    """Write rows, the first of each id, and return how many those are."""
    # Ids that come twice are few: a table of all of them would be most of the file.
    connection.execute(
        f"CREATE TEMP TABLE repeated AS SELECT id, min({_NUMBER}) AS first FROM {rows} "  # noqa: S608  # names and a quoted path
        "GROUP BY id HAVING count(*) > 1"
    )
    cells = ", ".join(_cell(name) for name in COLUMNS)
    noted = f", KV_METADATA {{{_literal(NOTE)}: {_literal(note)}}}" if note else ""
    answer = connection.execute(
        f"COPY (SELECT {cells} FROM {rows} AS given LEFT JOIN repeated ON given.id = repeated.id "  # noqa: S608  # as above
        f"WHERE repeated.id IS NULL OR {_NUMBER} = repeated.first ORDER BY given.time, given.id) "
        f"TO {_literal(str(draft))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP}{noted})"
    )
    ((written,),) = answer.fetchall()
    return int(written)


def _cell(name: str) -> str:
    column = f"given.{quoted(name)}"
    return f"CAST(make_timestamp({column}) AS TIMESTAMPTZ) AS {quoted(name)}" if name in INSTANTS else column


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
