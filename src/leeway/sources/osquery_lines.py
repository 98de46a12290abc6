"""One line of osquery's results log: which query, which host, when, and its rows, in the three forms there are."""

import re
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Raw, Struct

from leeway.errors import InvalidEventError
from leeway.sources.whole_numbers import integer

Scalar = str | int | float | bool | None
Columns = dict[str, Scalar]
"""One row of a query's result; numbers come as text unless osquery was told otherwise."""

_COLUMNS: Final[msgspec.json.Decoder[Columns]] = msgspec.json.Decoder(Columns)
_UUID: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_LAST_SECOND: Final = 253_402_300_799
"""9999-12-31T23:59:59Z in seconds since 1970."""


class _Difference(Struct):
    added: list[Raw] | str = ""
    """Older versions write an empty list as an empty text."""
    removed: list[Raw] | str = ""


class Line(Struct, rename="camel"):
    """What every form has, and the rows of one of them."""

    name: str
    action: str | None = None
    host_identifier: str | None = None
    hostname: str | None = None
    unix_time: Scalar = None
    decorations: Columns | None = None
    columns: Raw = Raw()
    """One row: the event format; empty where there is none."""
    snapshot: list[Raw] | str | None = None
    """All rows at one time: the snapshot format."""
    diff_results: _Difference | None = None
    """What changed since the query ran last: the batch format."""


class Row(Struct):
    """One row with what its line says of it."""

    action: str
    """`added`, `removed` or `snapshot`."""
    raw: Raw


LINES: Final = msgspec.json.Decoder(Line)


def text(value: Scalar) -> str:
    """Return a value as text; empty where it is absent."""
    return "" if value is None else str(value)


def count(value: Scalar) -> int | None:
    """Return a number of at least 0; None where there is none, as osquery says of a parent it does not know: -1."""
    found = integer(value)
    return found if found is not None and found >= 0 else None


def instant(value: Scalar, name: str) -> datetime:
    """Return a time that is written in seconds since 1970-01-01T00:00:00Z.

    Raises:
        InvalidEventError: where it is none; the message says that it is of `name`.
    """
    seconds = integer(value)
    if seconds is None or not 0 < seconds <= _LAST_SECOND:
        raise InvalidEventError(f"{name} {text(value)[:40]!r} is none" if text(value) else f"no {name}")
    return datetime.fromtimestamp(seconds, UTC)


def rows(line: Line) -> list[Row]:
    """Return the rows of a line in the order in which they stand, those of a batch that were removed first.

    What was removed is over before what was added began, where an id is used again.
    """
    if line.columns:
        return [Row(line.action or "", line.columns)]
    if line.diff_results is not None:
        changes = (("removed", line.diff_results.removed), ("added", line.diff_results.added))
        return [Row(action, raw) for action, group in changes if isinstance(group, list) for raw in group]
    return [Row("snapshot", raw) for raw in line.snapshot] if isinstance(line.snapshot, list) else []


def columns(raw: Raw) -> Columns:
    """Return the values of a row by column.

    Raises:
        msgspec.MsgspecError: where it is no object of plain values.
    """
    return _COLUMNS.decode(raw)


def host_of(line: Line) -> str:
    """Return the name of the host, lower case: the identifier, but a decoration where that is no name but a UUID."""
    given = (line.host_identifier or line.hostname or "").casefold()
    if given and not _UUID.fullmatch(given):
        return given
    decorations = line.decorations or {}
    named = next((text(decorations[key]) for key in ("hostname", "host_name") if decorations.get(key)), "")
    return named.casefold() or given
