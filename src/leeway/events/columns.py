"""An event as one flat row, for engines and files that hold columns.

A structure within an event becomes columns with its name in front. One that is there has a first column that is not
NULL (`process_image`, `parent_image`, `agent_uid`), so that "not told" and "told, and empty" stay two things.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

import msgspec
from msgspec import Struct

from leeway.errors import InvalidEventError
from leeway.events.acts import AnyEvent, DeclaredAgent, Event, Process

_PROCESS: Final[dict[str, str]] = {
    "image": "VARCHAR",
    "pid": "BIGINT",
    "uid": "VARCHAR",
    "started": "TIMESTAMPTZ",
    "command_line": "VARCHAR",
    "sha1": "VARCHAR",
}

COLUMNS: Final[Mapping[str, str]] = {
    "kind": "VARCHAR",
    "time": "TIMESTAMPTZ",
    "id": "VARCHAR",
    "host": "VARCHAR",
    "user": "VARCHAR",
    **{f"process_{name}": sort for name, sort in _PROCESS.items()},
    **{f"parent_{name}": sort for name, sort in _PROCESS.items()},
    "agent_uid": "VARCHAR",
    "agent_instance_uid": "VARCHAR",
    "agent_name": "VARCHAR",
    "digest": "VARCHAR",
    "sha1": "VARCHAR",
    "signer": "VARCHAR",
    "unit": "VARCHAR",
    "destination": "VARCHAR",
    "port": "INTEGER",
    "address": "VARCHAR",
    "protocol": "VARCHAR",
    "outbound": "BOOLEAN",
    "bytes_out": "BIGINT",
    "bytes_in": "BIGINT",
    "range": "VARCHAR",
    "name": "VARCHAR",
    "addresses": "VARCHAR[]",
    "path": "VARCHAR",
    "action": "VARCHAR",
    "tool": "VARCHAR",
    "arguments": "MAP(VARCHAR, VARCHAR)",
    "duration_us": "BIGINT",
    "observes": "VARCHAR[]",
}
"""Column to its SQL type. `time` and the two `started` are instants with microseconds; every column may be NULL."""

INSTANTS: Final = frozenset(name for name, sort in COLUMNS.items() if sort == "TIMESTAMPTZ")
"""Columns that hold an instant."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_MICROSECOND: Final = timedelta(microseconds=1)
_KINDS: Final[dict[str, type[Event]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(AnyEvent)}
_TAGS: Final = {kind: tag for tag, kind in _KINDS.items()}
_OWN: Final[dict[str, tuple[str, ...]]] = {
    tag: tuple(name for name in kind.__struct_fields__ if name in COLUMNS and name != "time")
    for tag, kind in _KINDS.items()
}
_WITHIN: Final[dict[str, type[Struct]]] = {"process": Process, "parent": Process, "agent": DeclaredAgent}


def micros(time: datetime) -> int:
    """Return an instant as microseconds since 1970, exactly."""
    return (time - EPOCH) // _MICROSECOND


def instant(microseconds: int) -> datetime:
    """Return the instant of `micros`."""
    return EPOCH + timedelta(microseconds=microseconds)


def row_of(event: AnyEvent) -> dict[str, Any]:
    """Return the columns of an event that are not NULL; instants are microseconds since 1970."""
    kind = _TAGS[type(event)]
    row: dict[str, Any] = {"kind": kind, "time": micros(event.time)}
    for name in _OWN[kind]:
        value = getattr(event, name)
        if value is not None:
            row[name] = value
    for name in _WITHIN:
        part = getattr(event, name, None)
        if part is not None:
            row |= _flat(name, part)
    return row


def _flat(prefix: str, part: Struct) -> dict[str, Any]:
    found = ((f"{prefix}_{name}", getattr(part, name)) for name in part.__struct_fields__)
    return {name: micros(value) if name in INSTANTS else value for name, value in found if value is not None}


def event_of_row(row: Mapping[str, Any]) -> AnyEvent:
    """Return the event of a row; the inverse of `row_of`, every bound checked.

    Raises:
        InvalidEventError: where the row is no event: a kind that is not there, a time without value, a bound broken.
    """
    kind = _KINDS.get(row.get("kind") or "")
    if kind is None:
        raise InvalidEventError(f"there is no event of kind {str(row.get('kind'))[:40]!r}")
    try:
        told: dict[str, Any] = {"kind": row["kind"], "time": instant(row["time"])}
        told |= {name: value for name in _OWN[row["kind"]] if (value := row.get(name)) is not None}
        for prefix, part in _WITHIN.items():
            first = f"{prefix}_{part.__struct_fields__[0]}"
            if prefix in kind.__struct_fields__ and row.get(first) is not None:
                told[prefix] = _part(prefix, part, row)
        event: AnyEvent = msgspec.convert(told, AnyEvent)
    except (msgspec.MsgspecError, TypeError, KeyError, OverflowError, ValueError) as error:
        raise InvalidEventError(f"not an event: {error}") from error
    return event


def _part(prefix: str, part: type[Struct], row: Mapping[str, Any]) -> dict[str, Any]:
    found = ((name, f"{prefix}_{name}", row.get(f"{prefix}_{name}")) for name in part.__struct_fields__)
    return {name: instant(value) if column in INSTANTS else value for name, column, value in found if value is not None}
