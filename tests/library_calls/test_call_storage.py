import json

import pytest
from call_samples import HIJACKED, ORDINARY, benign
from hypothesis import given
from hypothesis import strategies as st

from leeway.errors import StateError
from leeway.library.calls import fit, from_json, to_json

MODEL = fit(benign())
TEXT = to_json(MODEL)


def test_a_model_comes_back_as_it_was() -> None:
    back = from_json(TEXT)
    assert to_json(back) == TEXT
    for events in (ORDINARY, *HIJACKED.values()):
        assert back.judge_session(events) == MODEL.judge_session(events)
        assert back.judge_call(events[-1], events[:-1]) == MODEL.judge_call(events[-1], events[:-1])


def test_values_are_not_readable_in_it() -> None:
    assert b"cleo@bank.example" not in TEXT
    assert b"send_money" in TEXT


def _broken(*path: str | int, to: object) -> bytes:
    tree = json.loads(TEXT)
    inner = tree
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return json.dumps(tree).encode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(TEXT[:-20], id="cut"),
        pytest.param(_broken("version", to=2), id="version"),
        pytest.param(_broken("runs", to=-1), id="runs"),
        pytest.param(_broken("more", to=1), id="unknown field"),
        pytest.param(_broken("tails", "tool", "above", 0, to=2.0), id="share above one"),
        pytest.param(_broken("tails", "tool", "above", 0, to=0.0), id="share of nothing"),
        pytest.param(_broken("tails", "tool", "points", to=[]), id="points without shares"),
        pytest.param(_broken("tails", "tool", to=None), id="no tail"),
        pytest.param(_broken("tails", to={}), id="no tails"),
        pytest.param(_broken("whole", "reach", to=0), id="no scale"),
        pytest.param(_broken("asking", "postings", "pay", to=[[10_000, 0.5]]), id="task that is not there"),
        pytest.param(_broken("asking", "words", "pay", to=0), id="word without task"),
        pytest.param(_broken("familiar", "tasks", to={"1": 0}), id="value without task"),
        pytest.param(_broken("familiar", "unexplained", "", to=[9.0, 0]), id="sum of nothing"),
    ],
)
def test_what_cannot_be_a_model_is_refused(text: str) -> None:
    with pytest.raises(StateError):
        from_json(text)


@given(st.integers(0, len(TEXT) - 1), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_does_no_harm(at: int, byte: int) -> None:
    try:
        model = from_json(TEXT[:at] + bytes([byte]) + TEXT[at + 1 :])
    except StateError:
        return
    for events in HIJACKED.values():
        assert 0 <= model.judge_session(events).score <= 1
