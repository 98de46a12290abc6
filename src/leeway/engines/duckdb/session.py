"""A DuckDB in memory, within the limits it is given."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leeway.config import Resources

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def open_session(resources: Resources) -> "DuckDBPyConnection":
    """Return a new database in memory that keeps to `resources` and fetches nothing from anywhere."""
    import duckdb  # noqa: PLC0415  # takes longer to import than most commands take

    config: dict[str, Any] = {
        "memory_limit": resources.memory,
        "temp_directory": str(resources.spill or ""),
        "preserve_insertion_order": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    if resources.threads:
        config["threads"] = str(resources.threads)
    session = duckdb.connect(config=config)
    session.execute("SET TimeZone = 'UTC'")
    return session


def insert(
    session: "DuckDBPyConnection", table: str, columns: Mapping[str, str], rows: Iterable[Sequence[object]]
) -> None:
    """Append rows to a table that has exactly these columns (name to type), in their order.

    Columns go over as whole lists: thousands of rows in one statement, and no text in between that would have to be
    escaped.
    """
    lists = [list(column) for column in zip(*rows, strict=True)]
    if lists:
        parts = ", ".join(f"unnest(${place}::{sort}[])" for place, sort in enumerate(columns.values(), 1))
        session.execute(f"INSERT INTO {table} SELECT {parts}", lists)  # names of this package, no input


def drop(session: "DuckDBPyConnection", *tables: str) -> None:
    """Let go temporary tables that are read no more: what they hold would be written to disk to make place."""
    for table in tables:
        session.execute(f"DROP TABLE IF EXISTS {table}")


def quoted(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
