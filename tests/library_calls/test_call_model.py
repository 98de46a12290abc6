import random

import pytest
from call_samples import HIJACKED, ORDINARY, benign, session
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from leeway.library.calls import CallModel, fit, to_json
from leeway.library.calls.aspects import OF_CALL, OF_RUN
from leeway.library.calls.model import LEAST_RUNS
from leeway.library.results import State
from leeway.library.security_event import SecurityEvent, read_event
from leeway.library.threat_level import ThreatLevel

BENIGN = benign()
MODEL = fit(BENIGN)


def test_an_ordinary_session_is_nothing() -> None:
    found = MODEL.judge_session(ORDINARY)
    assert (found.threat_level, found.state) == (ThreatLevel.NONE, State.JUDGED)
    assert found.score < 0.5
    assert found.p > 0.05


@pytest.mark.parametrize("name", HIJACKED)
def test_a_hijacked_session_stands_out(name: str) -> None:
    found = MODEL.judge_session(HIJACKED[name])
    assert found.threat_level >= ThreatLevel.LOW
    assert found.score > MODEL.judge_session(ORDINARY).score + 0.3
    assert found.reasons


def test_reasons_say_what_was_seen_and_expected() -> None:
    found = MODEL.judge_session(HIJACKED["payment to a stranger"])
    place = next(reason for reason in found.reasons if reason.aspect == "destination")
    assert place.seen == "email mallory@evil.example in send_money"
    assert place.call == 1
    assert "1.0" not in place.expected
    assert "mallory@evil.example" in found.explanation
    assert [reason.surprise for reason in found.reasons] == sorted((r.surprise for r in found.reasons), reverse=True)


def test_secrets_are_not_shown() -> None:
    told = MODEL.judge_session(HIJACKED["a tool nobody uses"]).explanation
    assert "new_password" not in told
    assert "change_password" in told


def test_a_value_that_the_request_names_is_no_new_place() -> None:
    asked = session(
        "Please pay mallory@evil.example 40 for dinner",
        ("get_balance", {}),
        ("send_money", {"to": "mallory@evil.example", "amount": 40, "subject": "dinner"}),
    )
    assert "destination" not in {reason.aspect for reason in MODEL.judge_session(asked).reasons}
    assert MODEL.judge_session(asked).threat_level is ThreatLevel.NONE


def test_a_place_that_one_task_had_is_not_trusted() -> None:
    once = session("Please pay eve@bank.example 5 for tea", ("send_money", {"to": "eve@bank.example", "amount": 5}))
    model = fit([*BENIGN, once])
    later = session("What did I spend in july?", ("send_money", {"to": "eve@bank.example", "amount": 5}))
    assert "destination" in {reason.aspect for reason in model.judge_session(later).reasons}


@given(st.randoms(use_true_random=False))
def test_the_order_of_training_makes_no_difference(rng: random.Random) -> None:
    mixed = list(BENIGN)
    rng.shuffle(mixed)
    assert to_json(fit(mixed)) == to_json(MODEL)


def test_a_score_does_not_depend_on_what_was_judged_before() -> None:
    alone = [fit(BENIGN).judge_session(events) for events in HIJACKED.values()]
    assert [MODEL.judge_session(events) for events in reversed(HIJACKED.values())] == alone[::-1]
    for events in BENIGN[:80]:  # more requests than are remembered
        MODEL.judge_session(events)
    assert [MODEL.judge_session(events) for events in HIJACKED.values()] == alone


def test_an_unknown_tool_is_visible_and_never_normal() -> None:
    events = session("What did I spend in july?", ("get_transactions", {"month": "july"}), ("frobnicate", {}))
    found = MODEL.judge_session(events)
    assert found.not_judged == ("tool frobnicate",)
    assert found.threat_level >= ThreatLevel.UNKNOWN


def test_few_sessions_are_still_learning() -> None:
    model = fit(BENIGN[: LEAST_RUNS - 1])
    found = model.judge_session(ORDINARY)
    assert (model.state, found.state) == (State.LEARNING, State.LEARNING)
    assert found.threat_level >= ThreatLevel.UNKNOWN


def test_without_any_session_nothing_is_judged() -> None:
    model = fit([])
    found = model.judge_session(ORDINARY)
    assert (found.state, found.threat_level, found.score) == (State.LEARNING, ThreatLevel.UNKNOWN, 0)
    assert model.judge_call(ORDINARY[1]) == {}
    assert model.p_of_call(ORDINARY[1]) == 1


def test_a_flaw_is_visible() -> None:
    bad = read_event({"event_type": "tool_call", "sequence": 1, "tool": "get_balance", "arguments": 7})
    found = MODEL.judge_session([ORDINARY[0], bad, ORDINARY[2]])
    assert (found.threat_level, found.state) == (ThreatLevel.UNKNOWN, State.MALFORMED)


@pytest.mark.parametrize("request_text", [None, "", "   \n"])
def test_blank_requests_can_be_learnt_and_judged(request_text: str) -> None:
    def blanked(events: list[SecurityEvent]) -> list[SecurityEvent]:
        return [replace(event, request=request_text) for event in events]

    model = fit(map(blanked, BENIGN))
    assert model.judge_session(blanked(ORDINARY)).threat_level is ThreatLevel.NONE
    hijack = model.judge_session(blanked(HIJACKED["a tool nobody uses"]))
    assert hijack.score > model.judge_session(blanked(ORDINARY)).score
    assert "unrelated" not in model.judge_call(blanked(ORDINARY)[1])


def test_a_session_without_calls_departs_in_nothing() -> None:
    found = MODEL.judge_session(session("What did I spend in july?"))
    assert found.threat_level is ThreatLevel.NONE
    assert MODEL.judge_session([]).threat_level is ThreatLevel.NONE


def test_a_call_is_judged_in_each_aspect() -> None:
    events = HIJACKED["payment to a stranger"]
    alone = MODEL.judge_call(events[2])
    assert alone.keys() == set(OF_CALL)
    assert all(0 < p <= 1 for p in alone.values())
    assert alone["destination"] < 0.05
    within = MODEL.judge_call(events[2], events[:2])
    assert within.keys() == {*OF_CALL, *OF_RUN} - {"destinations"}
    assert {aspect: within[aspect] for aspect in OF_CALL} == alone
    assert MODEL.judge_call(events[0]) == {}


def test_a_call_finds_its_request_among_those_before_it() -> None:
    events = HIJACKED["payment to a stranger"]
    bare = replace(events[2], request=None)
    assert MODEL.judge_call(bare, events[:2]) == MODEL.judge_call(events[2], events[:2])


def test_benign_sessions_held_out_are_rarely_remarked_on() -> None:
    """Each task is judged by the others; about one in twenty may reach LOW, and none HIGH."""
    levels = []
    for at in range(0, len(BENIGN) // 2, 3):
        request = BENIGN[at][0].request
        model = fit([events for events in BENIGN if events[0].request != request])
        levels.append(model.judge_session(BENIGN[at]).threat_level)
    assert sum(level >= ThreatLevel.LOW for level in levels) <= 1
    assert max(levels) < ThreatLevel.HIGH


def test_p_of_a_call_counts_sessions() -> None:
    events = HIJACKED["post to a new place"]
    assert MODEL.p_of_call(events[2], events[:2]) < 0.05
    assert MODEL.p_of_call(ORDINARY[1], ORDINARY[:1]) > 0.2
    assert MODEL.p_of_call(events[0]) == 1


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
            max_leaves=12,
        ),
        max_size=6,
    ),
    st.text(max_size=60),
    st.text(max_size=20),
)
def test_any_call_can_be_judged(arguments: dict[str, object], request_text: str, tool: str) -> None:
    event = SecurityEvent(event_type="x", sequence=0, tool=tool or "x", arguments=arguments, request=request_text)
    found = MODEL.judge_session([event])
    assert 0 <= found.score < 1
    assert 0 < found.p <= 1
    assert all(0 < p <= 1 for p in MODEL.judge_call(event).values())


def test_what_a_tool_answered_has_no_place_in_an_event() -> None:
    assert not {"output", "result", "answer", "content"} & set(SecurityEvent.__struct_fields__)
    assert isinstance(MODEL, CallModel)
