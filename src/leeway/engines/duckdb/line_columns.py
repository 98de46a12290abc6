"""SQL that reads a file of our own JSON lines as columns of events, and says of each how short it can be spelt.

A member of a line that its kind does not have, or whose value is not of its type, leaves the line without that number.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, get_args

from leeway.engines.duckdb.session import quoted
from leeway.events import COLUMNS, AnyEvent
from leeway.sources.lines import LINE_LIMIT
from leeway.sources.parquet_file import as_pattern

LINE_BYTES: Final = "line_bytes"
"""Column of the file that is written: bytes of the line's shortest spelling, NULL where it is not known."""

_WITHIN: Final[Mapping[str, str]] = {"process": "process_", "parent": "parent_", "agent": "agent_"}

_TIME: Final = (
    r'"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?'
    r'(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"'
)
"""Times that every reader takes for one instant; far from the calendar's ends in whatever zone."""

_TOLD: Final[dict[str, set[str]]] = {}
"""Member of an object to the kinds that have it."""
for _kind in get_args(AnyEvent):
    for _field in _kind.__struct_fields__:
        _TOLD.setdefault(_field, set()).add(str(_kind.__struct_config__.tag))

_NEEDED: Final = '"kind" IS NOT NULL AND "time" IS NOT NULL AND strlen("id"::VARCHAR) > 2'
"""Without an id an event gets the digest of what it says, which only the reader of lines works out."""


def rows_of(file: Path) -> str:
    """Return the SQL that reads lines as the columns of events, with the bytes of each line."""
    cells = ", ".join(f'{_cell(name)} AS "{name}"' for name in COLUMNS)
    types = ", ".join(f"{quoted(name)}: {quoted(sort)}" for name, sort in _members().items())
    return (
        f"SELECT {cells}, {_line_bytes()} AS {LINE_BYTES} FROM read_json({quoted(as_pattern(file))}, "  # quoted
        "format = 'newline_delimited', compression = 'uncompressed', hive_partitioning = false, "
        f"maximum_object_size = {LINE_LIMIT}, columns = {{{types}}})"
    )


@cache
def _members() -> dict[str, str]:
    """Return the members of a line and the types as which they are read: values stay as they are spelt."""
    found = {}
    for field in ("kind", *_TOLD):
        if field in _WITHIN:
            inner = ", ".join(f'"{_inner(name)}" JSON' for name in _columns_within(field))
            found[field] = f"STRUCT({inner})"
        else:
            found[field] = {"VARCHAR[]": "JSON[]", "MAP(VARCHAR, VARCHAR)": "MAP(VARCHAR, JSON)"}.get(
                COLUMNS[field], "JSON"
            )
    return found


def _columns_within(field: str) -> list[str]:
    return [name for name in COLUMNS if name.startswith(_WITHIN[field])]


def _inner(column: str) -> str:
    return column.partition("_")[2]


def _value(column: str) -> str:
    """Return the SQL of what a column is read from: JSON as it is spelt."""
    for field, prefix in _WITHIN.items():
        if column.startswith(prefix):
            return f'"{field}"."{_inner(column)}"::VARCHAR'
    return f'"{column}"::VARCHAR'


def _text(value: str) -> str:
    return f"CASE WHEN contains({value}, '\\') THEN ({value}) ->> '$' ELSE ({value})[2:-2] END"


def _cell(column: str) -> str:
    """Return the SQL of one column, as `row_of` would have it."""
    value, sort = _value(column), COLUMNS[column]
    if sort == "VARCHAR[]":
        cell = f'list_transform("{column}", lambda x: {_text("x::VARCHAR")})'
    elif sort.startswith("MAP"):
        pair = f"{{'key': x.key, 'value': {_text('x.value::VARCHAR')}}}"
        cell = f'map_from_entries(list_transform(map_entries("{column}"), lambda x: {pair}))'
    elif sort == "TIMESTAMPTZ":
        cell = f"TRY_CAST(({value})[2:-2] AS TIMESTAMPTZ)"
    else:
        cell = _text(value) if sort == "VARCHAR" else f"TRY_CAST({value} AS {sort})"
    default = _DEFAULTS.get(column)
    return cell if default is None else f"coalesce({cell}, {default})"


def _where_told(field: str, default: str) -> str:
    return f'CASE WHEN "{field}" IS NOT NULL THEN {default} END'


def _of_kind(kind: str, default: str) -> str:
    return f'CASE WHEN "kind"::VARCHAR = \'"{kind}"\' THEN {default} END'


_DEFAULTS: Final[Mapping[str, str]] = {
    "host": "''",
    "process_image": _where_told("process", "''"),
    "parent_image": _where_told("parent", "''"),
    "agent_instance_uid": _where_told("agent", "''"),
    "agent_name": _where_told("agent", "''"),
    "protocol": _of_kind("connection_opened", "'tcp'"),
    "outbound": _of_kind("connection_opened", "true"),
    "addresses": _of_kind("name_resolved", "[]::VARCHAR[]"),
    "arguments": _of_kind("tool_called", "MAP {}::MAP(VARCHAR, VARCHAR)"),
}
"""What an event has where its line does not tell it."""


def _line_bytes() -> str:
    """Return the SQL of the bytes of a line's shortest spelling; NULL where one of its values is not of its type."""
    members = " + ".join(_within_bytes(field) if field in _WITHIN else _member_bytes(field) for field in _members())
    # Two braces, and a comma behind each member but the last.
    return f"CASE WHEN {_NEEDED} AND 1 + {members} < {LINE_LIMIT} THEN 1 + {members} END"


def _within_bytes(field: str) -> str:
    inner = " + ".join(_inner_bytes(name) for name in _columns_within(field))
    needed = ' AND "agent"."uid" IS NOT NULL' if field == "agent" else ""
    return (
        f'CASE WHEN "{field}" IS NULL THEN 0 WHEN {_has(field)}{needed} '
        f"THEN {len(field) + 4} + greatest(2, 1 + {inner}) END"
    )


def _inner_bytes(column: str) -> str:
    value = _value(column)
    spelt = f"{len(_inner(column)) + 4} + strlen({value})"
    return f"CASE WHEN {value} IS NULL THEN 0 WHEN {_is_plain(value, COLUMNS[column])} THEN {spelt} END"


def _member_bytes(field: str) -> str:
    sort = COLUMNS[field]
    if sort == "VARCHAR[]":
        flaw = f'list_filter("{field}", lambda x: x IS NULL OR NOT starts_with(x::VARCHAR, \'"\'))'
        plain, size = f"len({flaw}) = 0", _sum(f'list_transform("{field}", lambda x: strlen(x::VARCHAR) + 1)')
    elif sort.startswith("MAP"):
        flaw = f'list_filter(map_values("{field}"), lambda x: x IS NULL OR NOT starts_with(x::VARCHAR, \'"\'))'
        pair = "strlen(to_json(x.key)) + strlen(x.value::VARCHAR) + 2"
        plain, size = f"len({flaw}) = 0", _sum(f'list_transform(map_entries("{field}"), lambda x: {pair})')
    else:
        value = _value(field)
        plain, size = _is_plain(value, sort), f"strlen({value})"
    return f'CASE WHEN "{field}" IS NULL THEN 0 WHEN {_has(field)} AND {plain} THEN {len(field) + 4} + {size} END'


def _sum(sizes: str) -> str:
    return f"greatest(2, 1 + coalesce(list_sum({sizes}), 0)::BIGINT)"


def _has(field: str) -> str:
    """Return the condition that a line is of a kind that has a member; of another the reader would pass over it."""
    kinds = _TOLD.get(field, set())
    if field == "kind" or len(kinds) == len(get_args(AnyEvent)):
        return "true"
    listed = ", ".join(f"'\"{kind}\"'" for kind in sorted(kinds))
    return f'"kind"::VARCHAR IN ({listed})'


def _is_plain(value: str, sort: str) -> str:
    """Return the condition that a value is of its type, spelt as every reader takes it."""
    if sort == "VARCHAR":
        return f"starts_with({value}, '\"')"
    if sort == "TIMESTAMPTZ":
        return f"regexp_full_match({value}, {quoted(_TIME)}) AND TRY_CAST(({value})[2:-2] AS TIMESTAMPTZ) IS NOT NULL"
    return f"TRY_CAST({value} AS {sort})::VARCHAR = {value}"
