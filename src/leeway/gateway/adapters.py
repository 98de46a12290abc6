"""What requests look like elsewhere, as events: a tool's call, a JSON body, MCP's `tools/call`."""

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import count
from typing import Final

from leeway.errors import InvalidEventError

TOOL_CALLED: Final = "tool_called"
"""Event type of a tool's call, the same as that of a typed `ToolCalled`: a history must speak as the gate does."""

_DEPTH: Final = 16
"""Levels of an argument that are looked into; what lies deeper is the name of its class."""

_MOST_VALUES: Final = 100_000


def tool_call(
    tool: str,
    arguments: Mapping[str, object],
    *,
    session_id: str | None = None,
    request: str | None = None,
    event_type: str = TOOL_CALLED,
) -> dict[str, object]:
    """Return the event of a tool's call; `request` is what the user asked for, never what a tool answered."""
    return {
        "event_type": event_type,
        "tool": tool,
        "arguments": plain(arguments),
        "session_id": session_id,
        "request": request,
    }


def plain(value: object) -> object:
    """Return a value of texts, numbers, lists and mappings; anything else by the name of its class alone.

    Objects are not asked to describe themselves: that may run their code, and may tell a secret.

    Raises:
        InvalidEventError: where it holds more than 100,000 values.

    >>> plain({"to": ("ana", b"x"), "via": object()})
    {'to': ['ana', '<bytes>'], 'via': '<object>'}
    """
    return _plain(value, _DEPTH, count())


def _plain(value: object, depth: int, seen: Iterator[int]) -> object:
    if next(seen) >= _MOST_VALUES:
        raise InvalidEventError(f"the arguments hold more than {_MOST_VALUES:,} values")
    found: object = f"<{type(value).__name__}>"
    match value:
        case None | bool():
            found = value
        case str():
            found = str.__str__(value)
        case int():
            found = int.__int__(value)
        case float() if math.isfinite(value):
            found = float.__float__(value)
        case Mapping() if depth:
            named: dict[str, object] = {}
            for key, one in value.items():
                named[_name(key, named)] = _plain(one, depth - 1, seen)
            found = named
        case list() | tuple() | set() | frozenset() if depth:
            found = [_plain(one, depth - 1, seen) for one in value]
    return found


def _name(key: object, taken: Collection[str]) -> str:
    """Return a key as a name that is not taken yet: no value may hide another."""
    name = str(key) if type(key) in {str, int, bool, float} else f"<{type(key).__name__}>"
    return name if name not in taken else f"{name} #{len(taken)}"


def read_json(body: bytes, *, is_whole: bool = True) -> dict[str, object]:
    """Return the object that a JSON body holds.

    A name given twice is refused, and so are numbers that JSON does not know: the application behind the gate may take
    the other one.

    Raises:
        InvalidEventError: where the body is not whole, no JSON, ambiguous, or no object.
    """
    if not is_whole:
        raise InvalidEventError("the body is larger than what is read of it")
    try:
        found = json.loads(body.decode("utf-8"), object_pairs_hook=_unambiguous, parse_constant=_unknown)
    except (ValueError, RecursionError) as error:
        if isinstance(error, InvalidEventError):
            raise
        raise InvalidEventError("the body is no JSON") from None
    if not isinstance(found, dict):
        raise InvalidEventError("the body is no JSON object")
    return found


def mcp_call(message: Mapping[str, object], *, session_id: str | None = None) -> dict[str, object] | None:
    """Return the event of an MCP message: of its tool's call, or of another method; None for an answer.

    Raises:
        InvalidEventError: where a tool's call does not say which tool, or its arguments are no object.
    """
    method = message.get("method")
    if not isinstance(method, str):
        return None
    if method != "tools/call":
        return {"event_type": f"mcp:{method}", "session_id": session_id}
    params = message.get("params")
    name = params.get("name") if isinstance(params, Mapping) else None
    arguments = (params.get("arguments") if isinstance(params, Mapping) else None) or {}
    if not isinstance(name, str) or not name or not isinstance(arguments, Mapping):
        raise InvalidEventError("a call of a tool does not say which, or its arguments are no object")
    return tool_call(name, arguments, session_id=session_id)


def _unambiguous(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    listed = list(pairs)
    found = dict(listed)
    if len(found) != len(listed):
        raise InvalidEventError("the body gives a name twice")
    return found


def _unknown(constant: str) -> object:
    raise InvalidEventError(f"the body holds {constant}, which is no JSON")
