"""JSON that is not one record a line: which form it has, and the `jq` filter that makes it one record a line."""

import re
from typing import Final, NamedTuple

_KEYS_LIMIT: Final = 200
"""Keys of an object that are looked at."""

_TOKEN: Final = re.compile(r'"((?:[^"\\]++|\\.)*+)(?:"(?:\s*+:\s*+(?=(\S)))?)?|[\[\]{}]', re.DOTALL)
"""A string, with the first character of its value where it is a key; or a bracket.

The closing quote is optional, so that an unterminated string is one match and the scan stays linear.
"""

_LISTS: Final = tuple("Results results value records Records Events events data items rows entries".split())  # noqa: SIM905  # reads as a list
"""Keys under which programs' answers list their records."""

_QUERIED: Final = re.compile("[a-z][a-z0-9_]*")
"""How osquery names columns."""

_TIMED: Final = frozenset({"time", "timestamp"})
"""Keys that what is asked of osquery for once seldom has, and records do."""


def _rows(columns: str, name: str, rows: str) -> str:
    """Return the filter that makes objects of a table which is a list of columns and one of rows."""
    return f"[.{columns}[].{name}] as $names | .{rows}[] | [$names, .] | transpose | map({{(.[0]): .[1]}}) | add"


def _one_a_line(chosen: str) -> str:
    return f"one object a line is read: jq -c '{chosen}' FILE"


_KUSTO: Final = _rows("Columns", "ColumnName", "Rows")

_WRITERS: Final = (
    ({"Tables": "["}, "an answer of Kusto", _one_a_line(f".Tables[0] | {_KUSTO}")),
    ({"tables": "["}, "an answer of Azure Monitor", _one_a_line(f".tables[0] | {_rows('columns', 'name', 'rows')}")),
    ({"hits": "{"}, "an answer of Elasticsearch", _one_a_line(".hits.hits[]._source")),
    ({"_source": "{"}, "documents as Elasticsearch stores them", _one_a_line("._source")),
    ({"log": '"', "stream": '"'}, "a container's log as Docker keeps it", "take its lines out: jq -j .log FILE"),
    ({"MESSAGE": '"', "_BOOT_ID": '"'}, "entries of the journal", "take their lines out: jq -r .MESSAGE FILE"),
    ({"preview": "", "result": "{"}, "an answer of Splunk", "take its events out: jq -r .result._raw FILE"),
    *(
        ({name: "["}, f"one JSON object that lists records under {name!r}", _one_a_line(f".{name}[]"))
        for name in _LISTS
    ),
)
"""Keys by which an object is known that holds records, with the first characters of their values, what it is, and how
to take them out."""


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


def is_begun(line: bytes | str) -> bool:
    """Say whether the first line of a file begins JSON that ends further down: what follows are parts of it.

    >>> is_begun(b'[{"kind": "heartbeat"},'), is_begun(b'{"kind": "heartbeat"}')
    (True, False)
    """
    bare = line.strip() if isinstance(line, bytes) else b""
    if bare.startswith(b"["):
        return bare[1:].lstrip()[:1] in {b"", b"[", b"{"}
    return bare.startswith(b"{") and bare.endswith((b"[", b"{", b","))


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
        primary = f'.[] | select(.TableKind == "PrimaryResult") | {_KUSTO}'
        return Nested("an answer of Kusto, in frames", _one_a_line(primary))
    if keys and set(keys.values()) == {'"'} and all(map(_QUERIED.fullmatch, keys)) and _TIMED.isdisjoint(keys):
        hint = "osqueryi names neither host nor query: read what osqueryd logs, osqueryd.results.log"
        return Nested("a JSON array, as osqueryi answers", hint)
    return Nested("a JSON array", _one_a_line(".[]"))


def _within(keys: dict[str, str]) -> Nested | None:
    """Return the form of an object that records are in, by its keys."""
    for marks, seen, hint in _WRITERS:
        if all(key in keys and keys[key].startswith(first) for key, first in marks.items()):
            return Nested(seen, hint)
    return None
