"""JSON that is not one record a line: which form it has, and the `jq` filter that makes it one record a line."""

import re
from typing import Final, NamedTuple

_KEYS_LIMIT: Final = 200
"""Keys of an object that are looked at."""

_TOKEN: Final = re.compile(r'"((?:[^"\\]++|\\.)*+)"(?:\s*+:\s*+(?=(\S)))?|[\[\]{}]', re.DOTALL)
"""A string, with the first character of its value where it is a key; or a bracket."""

_LISTS: Final = tuple("Results results value records Records Events events data items rows entries".split())  # noqa: SIM905  # reads as a list
"""Keys under which programs' answers list their records."""

_QUERIED: Final = re.compile("[a-z][a-z0-9_]*")
"""How osquery names columns."""

_TABLES: Final = (
    ".{tables}[0] | [.{columns}[].{name}] as $names | .{rows}[] | [$names, .] | transpose | map({{(.[0]): .[1]}}) | add"
)
"""Filter that makes objects of a table that is a list of columns and one of rows."""

_AZURE: Final = {"columns": "columns", "name": "name", "rows": "rows"}
_KUSTO: Final = {"columns": "Columns", "name": "ColumnName", "rows": "Rows"}


class Nested(NamedTuple):
    """What a text is whose records are not one JSON object a line."""

    seen: str
    hint: str = ""
    keys: list[str] = []  # noqa: RUF012  # a field, and nothing is added to it
    """Keys to be told of objects that are in the right form, of no known kind."""


def nested(text: str, *, is_one_line: bool) -> Nested | None:
    """Say which form JSON has that starts so; None where it is none.

    Args:
        text: the start of a file, without leading blanks.
        is_one_line: whether its first line is an object, whole.
    """
    if text.startswith("["):
        return _array(text) if re.match(r"\[\s*+(?:[\[{]|$)", text) else None
    if not re.match(r'\{\s*+(?:"|$)', text):
        return None
    keys = top_keys(text)
    if inside := _within(keys):
        return inside
    if not is_one_line:
        return Nested("a JSON object over several lines", _one_a_line("."))
    return Nested("JSON objects", keys=sorted(keys))


def top_keys(text: str) -> dict[str, str]:
    """Return the keys of the first object in a text, each with the first character of its value; at most 200.

    >>> top_keys('{"took": 3, "hits": {"total": 7')
    {'took': '3', 'hits': '{'}
    """
    found: dict[str, str] = {}
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in {"{", "["}:
            depth += 1
        elif token in {"}", "]"}:
            depth -= 1
            if depth <= 0:
                break
        elif depth == 1 and match[2]:
            found[match[1]] = match[2]
            if len(found) >= _KEYS_LIMIT:
                break
    return found


def _array(text: str) -> Nested:
    keys = top_keys(text[max(text.find("{"), 0) :])
    if "FrameType" in keys:
        tables = _TABLES.format(tables="FILE", **_KUSTO).removeprefix(".FILE[0] | ")
        return Nested(
            "an answer of Kusto, in frames", _one_a_line(f'.[] | select(.TableKind == "PrimaryResult") | {tables}')
        )
    if keys and set(keys.values()) == {'"'} and all(map(_QUERIED.fullmatch, keys)):
        hint = "osqueryi names neither host nor query: read what osqueryd logs, osqueryd.results.log"
        return Nested("a JSON array, as osqueryi answers", hint)
    return Nested("a JSON array", _one_a_line(".[]"))


def _within(keys: dict[str, str]) -> Nested | None:
    """Return the form of an object that records are in, by its keys."""
    if keys.get("Tables") == "[":
        return Nested("an answer of Kusto", _one_a_line(_TABLES.format(tables="Tables", **_KUSTO)))
    if keys.get("tables") == "[":
        return Nested("an answer of Azure Monitor", _one_a_line(_TABLES.format(tables="tables", **_AZURE)))
    if keys.get("hits") == "{":
        return Nested("an answer of Elasticsearch", _one_a_line(".hits.hits[]._source"))
    if keys.get("_source") == "{":
        return Nested("documents as Elasticsearch stores them", _one_a_line("._source"))
    if keys.get("log") == '"' and keys.get("stream") == '"':
        return Nested("a container's log as Docker keeps it", "take the lines out: jq -j .log FILE")
    if keys.get("__REALTIME_TIMESTAMP"):
        return Nested("entries of the journal", "take the lines out: jq -r .MESSAGE FILE, or journalctl -o cat")
    if keys.get("result") == "{" and "preview" in keys:
        return Nested("an answer of Splunk", "take the events out: jq -r .result._raw FILE")
    for name in _LISTS:
        if keys.get(name) == "[":
            return Nested(f"one JSON object that lists records under {name!r}", _one_a_line(f".{name}[]"))
    return None


def _one_a_line(chosen: str) -> str:
    return f"one object a line is read: jq -c '{chosen}' FILE"
