"""Requests as events: nothing hides behind something else, and nothing is asked to describe itself."""

import math
from enum import IntEnum, StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.errors import InvalidEventError
from leeway.gateway import mcp_call, plain, read_json, tool_call


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    LARGE = 7


class Loud:
    def __repr__(self) -> str:
        raise AssertionError("asked to describe itself")

    __str__ = __repr__
    __hash__ = None  # type: ignore[assignment]  # nor to be compared


def deep(levels: int) -> object:
    value: object = "end"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param("a", "a", id="text"),
        pytest.param(None, None, id="nothing"),
        pytest.param(True, True, id="truth"),
        pytest.param(1.5, 1.5, id="number"),
        pytest.param(math.inf, "<float>", id="infinite"),
        pytest.param(Colour.RED, "red", id="a text's class"),
        pytest.param(Size.LARGE, 7, id="a number's class"),
        pytest.param(b"secret", "<bytes>", id="bytes"),
        pytest.param(Loud(), "<Loud>", id="object"),
        pytest.param([Loud(), (1, {2})], ["<Loud>", [1, [2]]], id="lists"),
        pytest.param({1: "a", "1": "b", (2,): "c"}, {"1": "a", "1 #1": "b", "<tuple>": "c"}, id="names"),
        pytest.param(deep(15), deep(15), id="deep"),
    ],
)
def test_plain_values(value: object, found: object) -> None:
    assert plain(value) == found
    assert type(plain(value)) in {str, int, float, bool, list, dict, type(None)}


def test_what_lies_too_deep_is_seen_to_be_there() -> None:
    found = plain(deep(40))
    levels = 0
    while isinstance(found, list):
        found, levels = found[0], levels + 1
    assert (found, levels) == ("<list>", 16)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_plain_values_stay_as_they_are(value: object) -> None:
    assert plain(value) == value


@given(st.dictionaries(st.one_of(st.text(), st.integers(), st.booleans(), st.tuples(st.integers())), st.integers()))
def test_no_value_is_hidden_by_another(value: dict[object, int]) -> None:
    found = plain(value)
    assert isinstance(found, dict)
    assert sorted(found.values()) == sorted(value.values())


def test_a_value_that_holds_itself_is_refused() -> None:
    loop: list[object] = []
    loop += [loop, loop, loop]
    with pytest.raises(InvalidEventError, match="100,000"):
        tool_call("t", {"loop": loop})


def test_the_event_of_a_tool_s_call() -> None:
    assert tool_call("send", {"to": ("ana",)}, session_id="s", request="tell ana") == {
        "event_type": "tool_called",
        "tool": "send",
        "arguments": {"to": ["ana"]},
        "session_id": "s",
        "request": "tell ana",
    }


def test_json_is_read_as_it_is() -> None:
    assert read_json('{"a": [1, {"b": "ü"}]}'.encode()) == {"a": [1, {"b": "ü"}]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b'{"a": {"b": 1, "b": 2}}', "a name twice", id="twice within"),
        pytest.param(b'{"a": -Infinity}', "-Infinity", id="infinite"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", "no JSON", id="long number"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', "no JSON", id="byte order mark"),
        pytest.param(b'{"a": 1} {"a": 2}', "no JSON", id="two"),
    ],
)
def test_json_that_two_readers_may_read_differently(body: bytes, words: str) -> None:
    with pytest.raises(InvalidEventError, match=words):
        read_json(body)
    with pytest.raises(InvalidEventError, match="larger"):
        read_json(b"{}", is_whole=False)


def test_mcp_messages() -> None:
    params = {"name": "send", "arguments": {"to": "ana"}}
    assert mcp_call({"method": "tools/call", "params": params}) == tool_call("send", {"to": "ana"})
    assert mcp_call({"method": "resources/read"}, session_id="s") == {
        "event_type": "mcp:resources/read",
        "session_id": "s",
    }
    assert mcp_call({"result": {}}) is None
