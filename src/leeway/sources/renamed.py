"""Whether a column map is for a file: whether what it names is there."""

from collections.abc import Iterable
from contextlib import suppress

from leeway.errors import SourceError
from leeway.sources.column_map import ColumnMap, layout_of
from leeway.sources.defender import NEEDED
from leeway.sources.places import Place
from leeway.sources.tables import Broken, object_of, open_table


def misfit(place: Place, head: Iterable[bytes | str], column_map: ColumnMap, *, is_known: bool) -> str:
    """Return why a map is not for a file; empty where it is.

    Of a header it needs every column that it names. JSON leaves out what a row has not, so of its rows it needs the
    time and the device only, unless they are known by Microsoft's own names: there a map that fits in part would take
    away names that are right.

    Args:
        place: the file.
        head: its first lines, by which the columns of JSON rows are told.
        column_map: the map.
        is_known: whether the file was recognised by Microsoft's own names.
    """
    header = _header(place)
    columns = header if header is not None else _keys(head)
    if header is not None or is_known:
        for name, own in column_map.columns.items():
            if own not in columns:
                return f"no column {own!r}, which {column_map.place(name)} names"
    layout = layout_of(columns, column_map)
    known = {name for name, _ in layout.pairs} | layout.constants.keys()
    lacking = [" or ".join(either) for either in NEEDED if known.isdisjoint(either)]
    return f"no column {lacking[0]}, and {column_map.path} names none" if lacking else ""


def _header(place: Place) -> tuple[str, ...] | None:
    """Return the names of the columns; None where each row names its own."""
    with suppress(SourceError):  # what has no header, the map is not for
        return open_table(place).columns
    return ()


def _keys(head: Iterable[bytes | str]) -> tuple[str, ...]:
    """Return the names in the first rows, those within what the streaming API delivers included."""
    found: dict[str, None] = {}
    for line in head:
        row = object_of(line) if isinstance(line, bytes) else None
        if row is None or isinstance(row, Broken):
            continue
        within = row.get("properties")
        found |= dict.fromkeys((*row, *within) if isinstance(within, dict) else row)
    return tuple(found)
