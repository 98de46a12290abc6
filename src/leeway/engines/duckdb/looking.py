"""Whether a file of events may be taken as columns: only where reading it row by row would take every row as it is."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from leeway.config import Resources
from leeway.engines.duckdb.event_files import EventFiles
from leeway.engines.duckdb.session import open_session, quoted
from leeway.events import (
    COLUMNS,
    INSTANTS,
    ConnectionOpened,
    FileTouched,
    NameResolved,
    Process,
    ProcessStarted,
    ToolCalled,
    instant,
)
from leeway.sources.redacted import without_secrets

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from leeway.events import AnyEvent

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_NAME, _PATH, _TEXT, _IDENTIFIER, _DIGEST, _MOST = 1_024, 32_768, 1_048_576, 256, 128, 1 << 62
"""Bounds of an event's fields. Here they are held against bytes: what is too long in bytes only, goes by rows."""

_BOUNDS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("host", "user", "agent_name", "signer", "unit", "destination", "range", "name", "tool"), _NAME),
    **dict.fromkeys(("process_image", "parent_image", "path"), _PATH),
    **dict.fromkeys(("process_command_line", "parent_command_line"), _TEXT),
    **dict.fromkeys(
        ("id", "process_uid", "parent_uid", "agent_uid", "agent_instance_uid", "address", "protocol"), _IDENTIFIER
    ),
}
_DIGESTS: Final = ("digest", "sha1", "process_sha1", "parent_sha1")
_COUNTS: Final = ("process_pid", "parent_pid", "bytes_out", "bytes_in", "duration_us")
_FIRST: Final = "'0002-01-01 00:00:00+00'::TIMESTAMPTZ"
_LAST: Final = "'9998-12-31 23:59:59.999999+00'::TIMESTAMPTZ"

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "process_started": (),
    "process_ended": (),
    "connection_opened": ("destination", "port"),
    "name_resolved": ("name",),
    "module_loaded": ("path",),
    "file_touched": ("path", "action"),
    "tool_called": ("tool",),
    "signature_checked": ("digest", "signer"),
    "heartbeat": (),
}
"""Kind to the columns that an event of it cannot be without."""

_PARTS: Final[Mapping[str, str]] = {
    "process": "process_image",
    "parent": "parent_image",
    "agent": "agent_uid",
}


class Look(NamedTuple):
    """What a file holds."""

    rows: int
    first: datetime
    last: datetime
    days: Mapping[int, int]
    """Ordinal of a day to its distinct ids."""
    flaws: int
    """Kinds of rows, or distinct texts, that reading row by row would reject or change."""
    repeated: tuple[int, ...] = ()
    """Numbers of the rows whose id an earlier row of the day has."""


def look_at(file: Path, resources: Resources) -> Look:
    """Return what a Parquet file of events holds; one that cannot be read, or has other columns, is a flaw."""
    import duckdb  # noqa: PLC0415  # takes longer to import than most commands take

    with open_session(resources) as session:
        try:
            return _looked(session, file)
        except duckdb.Error:
            # Reading it row by row says what is wrong, and reads what can be read.
            return _NOTHING


_NOTHING: Final = Look(0, _EPOCH, _EPOCH, {}, 1)


def _looked(session: "DuckDBPyConnection", file: Path) -> Look:
    events = EventFiles(session, [file])
    there = events.columns
    if not {"kind", "time", "id"} <= there.keys() or not _fits(there) or events.has_flaw(_flawed(there), _DIGESTS):
        return _NOTHING
    repeated = events.repeated()
    days = events.days()
    return Look(
        rows=sum(row[1] for row in days),
        first=instant(min((row[2] for row in days), default=0)),
        last=instant(max((row[3] for row in days), default=0)),
        days={row[0]: row[1] - sum(1 for _, day in repeated if day == row[0]) for row in days},
        flaws=sum(1 for one in telling(session, there) if without_secrets(one) != one),
        repeated=tuple(number for number, _ in repeated),
    )


def _fits(there: Mapping[str, str]) -> bool:
    wanted = {name: "TIMESTAMP WITH TIME ZONE" if name in INSTANTS else sort for name, sort in COLUMNS.items()}
    return all(there[name] == wanted[name] for name in there.keys() & wanted.keys())


def _flawed(there: Mapping[str, str]) -> list[str]:
    """Return aggregates in SQL of which each is true of rows of one kind that are no events, or have no id."""
    host = "coalesce(host, '') = ''" if "host" in there else "true"
    agent = "agent_uid IS NULL" if "agent_uid" in there else "true"
    tests = [
        "count(id) < count(*) OR min(strlen(id)) = 0 OR count(time) < count(*)",
        f"min(time) < {_FIRST} OR max(time) > {_LAST}",
        f"bool_or({host} AND {agent})",
        *(f'max(strlen("{name}")) > {limit}' for name, limit in _BOUNDS.items() if name in there),
        *(f"max(strlen({name})) > {_DIGEST}" for name in _DIGESTS if name in there),
        *(f"min({name}) < 0 OR max({name}) > {_MOST}" for name in _COUNTS if name in there),
        *(
            f"min({name}) < {_FIRST} OR max({name}) > {_LAST}"
            for name in ("process_started", "parent_started")
            if name in there
        ),
        *(_without_first(prefix, first, there) for prefix, first in _PARTS.items()),
        *(f"bool_or({test})" for test in _of_lists(there)),
        *(_missing(kind, needed, there) for kind, needed in _NEEDED.items() if needed),
    ]
    if "port" in there:
        tests.append("min(port) < 0 OR max(port) > 65535")
    if "action" in there:
        tests.append("bool_or(action NOT IN ('created', 'modified', 'read', 'renamed', 'deleted'))")
    kinds = ", ".join(quoted(kind) for kind in _NEEDED)
    return [f"any_value(kind) IS NULL OR any_value(kind) NOT IN ({kinds})", *filter(None, tests)]


def _missing(kind: str, needed: tuple[str, ...], there: Mapping[str, str]) -> str:
    absent = " OR ".join(f"count({name}) < count(*)" if name in there else "true" for name in needed)
    return f"any_value(kind) = {quoted(kind)} AND ({absent})"


def _without_first(prefix: str, first: str, there: Mapping[str, str]) -> str:
    """Return the test for a structure that is told in part only: then its first column is not NULL."""
    rest = [name for name in COLUMNS if name.startswith(f"{prefix}_") and name != first and name in there]
    told = " OR ".join(f"{name} IS NOT NULL" for name in rest)
    return f"bool_or(({told}) AND {f'{first} IS NULL' if first in there else 'true'})" if told else ""


def _of_lists(there: Mapping[str, str]) -> Iterator[str]:
    for name in ("addresses", "observes"):
        if name in there:
            yield f"len({name}) > 64 OR len(list_filter({name}, lambda x: x IS NULL OR strlen(x) > {_IDENTIFIER})) > 0"
    if "arguments" in there:
        yield (
            "len(map_keys(arguments)) > 256 "
            f"OR len(list_filter(map_keys(arguments), lambda x: strlen(x) > {_NAME})) > 0 "
            "OR len(list_filter(map_values(arguments), lambda x: x IS NULL)) > 0 "
            f"OR len(list_filter(map_values(arguments), lambda x: strlen(x) > {_TEXT})) > 0"
        )


def telling(session: "DuckDBPyConnection", there: Mapping[str, str]) -> "Iterator[AnyEvent]":
    """Yield an event for each distinct text that may hold a secret."""

    def distinct(expression: str, column: str, condition: str = "true") -> list[tuple[Any, ...]]:
        if column not in there:
            return []
        query = f"SELECT DISTINCT {expression} FROM events_read WHERE {condition} AND {column} IS NOT NULL"
        return session.execute(query).fetchall()

    for column in ("process_command_line", "parent_command_line"):
        for (line,) in distinct(column, column):
            yield ProcessStarted(process=Process(command_line=line), time=_EPOCH, host="-", id="-")
    odd = "NOT regexp_full_match({0}, '[\\w.:%\\[\\]-]*')"
    for (place,) in distinct("destination", "destination", odd.format("destination")):
        yield ConnectionOpened(destination=place, port=0, time=_EPOCH, host="-", id="-")
    for (name,) in distinct("name", "name", odd.format("name")):
        yield NameResolved(name=name, time=_EPOCH, host="-", id="-")
    for (path,) in distinct("path", "path", "contains(path, '://')"):
        yield FileTouched(path=path, action="read", time=_EPOCH, host="-", id="-")
    for (pair,) in distinct("unnest(map_entries(arguments))", "arguments"):
        yield ToolCalled(tool="", arguments={pair["key"]: pair["value"]}, time=_EPOCH, host="-", id="-")
