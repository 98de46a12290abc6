"""Sessions of agents that call no tools: as strange as their strangest event. What training keeps of those that do."""

from datetime import UTC, datetime, timedelta
from math import log
from pathlib import Path
from typing import Any

import pytest

from leeway.library.calls import SessionResult
from leeway.library.detector import AnomalyDetector
from leeway.library.results import State
from leeway.library.threat_level import ThreatLevel

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PAST: list[dict[str, Any]] = [
    {
        "timestamp": START + timedelta(days=day, minutes=10 * k),
        "event_type": ("read", "read", "write")[k % 3],
        "duration_ms": 200 + 7 * (k * 11 % 13),
        "success": True,
    }
    for day in range(14)
    for k in range(40)
]
SESSION = PAST[200:208]
SLOW = [*SESSION[:5], {**SESSION[5], "duration_ms": 9_000}, *SESSION[6:]]


def trained(past: list[dict[str, Any]] | None = None, model_dir: Path | None = None) -> AnomalyDetector:
    made = AnomalyDetector(model_dir)
    made.train("a", PAST if past is None else past)
    return made


def test_an_ordinary_session_is_none() -> None:
    found = trained().detect_session("a", SESSION)
    assert (found.threat_level, found.state, found.reasons) == (ThreatLevel.NONE, State.JUDGED, ())
    assert found.p > 0.2
    assert {"tool", "destination", "resource"} <= set(found.not_judged)


def test_a_session_is_as_strange_as_its_strangest_event_of_so_many() -> None:
    made = trained()
    each = [made.detect("a", event, recent=SLOW[:at]) for at, event in enumerate(SLOW)]
    found = made.detect_session("a", SLOW)
    worst = min(each, key=lambda one: one.p)
    assert found.p == pytest.approx(1 - (1 - worst.p) ** 8, rel=1e-6)
    assert found.p > worst.p
    assert found.score == pytest.approx(1 - found.p ** (log(0.3) / log(0.05)))
    assert found.threat_level is ThreatLevel.CRITICAL
    first = found.reasons[0]
    assert (first.aspect, first.call) == ("duration", 5)
    assert "duration_ms 9,000 is" in first.seen
    assert first.expected == "as in the 560 events known"
    assert [one.surprise for one in found.reasons] == sorted((one.surprise for one in found.reasons), reverse=True)


def test_more_events_make_the_same_event_less_strange() -> None:
    made = trained()
    odd = {**PAST[201], "event_type": "export"}
    several = [made.detect_session("a", [*PAST[200 - k : 201], odd]).p for k in (10, 20, 40)]
    assert several == sorted(several)
    assert several[2] > 3 * several[0]


def test_a_past_that_tells_sessions_is_not_corrected_twice() -> None:
    told = [{**event, "session_id": str(at // 8)} for at, event in enumerate(PAST)]
    made = trained(told)
    session = [{**event, "session_id": "x", "timestamp": event["timestamp"] + timedelta(days=14)} for event in SLOW]
    worst = min(made.detect("a", event, recent=session[:at]).p for at, event in enumerate(session))
    assert worst < 0.001
    assert made.detect_session("a", session).p == pytest.approx(worst, rel=1e-9)


def test_a_verdict_is_not_a_chance_among_many() -> None:
    made = trained()
    made.update_from_feedback("a", SESSION[3], is_anomaly=True, who="ann")
    long = PAST[200:240]
    found = made.detect_session("a", long)
    assert found.threat_level >= ThreatLevel.MEDIUM
    assert "verdict" in {one.aspect for one in found.reasons}
    assert "a person found an event like it malicious (expected: no such verdict)" in found.explanation


@pytest.mark.parametrize(
    ("change", "state", "named"),
    [
        ({"duration_ms": "long"}, State.MALFORMED, ()),
        ({"tool": "shell"}, State.JUDGED, ("tool shell",)),
    ],
    ids=["malformed", "a first tool"],
)
def test_what_cannot_be_judged_is_unknown_and_not_none(
    change: dict[str, object], state: State, named: tuple[str, ...]
) -> None:
    found = trained().detect_session("a", [{**SESSION[3], **change}])
    assert (found.threat_level, found.state) == (ThreatLevel.UNKNOWN, state)
    assert found.not_judged[: len(named)] == named


def test_states_of_the_agent() -> None:
    few = trained(PAST[:5])
    unjudged = SessionResult(score=0.0, threat_level=ThreatLevel.UNKNOWN, p=1.0, reasons=(), state=State.LEARNING)
    assert few.detect_session("a", SESSION) == unjudged
    assert few.detect_session("b", SESSION).state is State.UNKNOWN_AGENT
    assert trained().detect_session("a", []).threat_level is ThreatLevel.NONE
    new = trained([{"event_type": f"once {k}", "sequence": k} for k in range(100)])
    found = new.detect_session("a", [{"event_type": "another", "sequence": 100}])
    assert (found.state, found.threat_level) == (State.DEGENERATE, ThreatLevel.UNKNOWN)


def test_a_loaded_model_judges_sessions_alike(tmp_path: Path) -> None:
    made = trained(model_dir=tmp_path)
    made.save_model("a")
    other = AnomalyDetector(tmp_path)
    other.load_model("a")
    assert other.detect_session("a", SLOW) == made.detect_session("a", SLOW)


def test_a_loaded_model_takes_the_place_of_all_that_was_known(tmp_path: Path) -> None:
    without = trained(model_dir=tmp_path)
    without.save_model("a")
    made = AnomalyDetector(tmp_path)
    made.train("a", [event for run in range(40) for event in calls(run, "each")])
    made.load_model("a")
    called = calls(41, "each")
    assert made.detect_session("a", SLOW) == without.detect_session("a", SLOW)
    assert made.detect_session("a", called) == without.detect_session("a", called)
    assert made.detect("a", called[1]) == without.detect("a", called[1])


def test_other_agents_calls_say_nothing_of_an_agent_without() -> None:
    made = trained()
    alone = made.detect_session("a", SLOW)
    made.train("b", [event for run in range(40) for event in calls(run, "each")])
    assert made.detect_session("a", SLOW) == alone


def test_an_agent_that_no_longer_calls_tools_is_judged_by_its_events() -> None:
    made = trained([event for run in range(40) for event in calls(run, "each")])
    made.train("a", PAST)
    assert made.detect_session("a", SLOW) == trained().detect_session("a", SLOW)


def calls(run: int, asked: str) -> list[dict[str, Any]]:
    """A session of two calls; the request is said by each of them, or by an event before them."""
    request = {"request": f"Please pay the bill of customer {run} to shop{run % 4}@example.org"}
    said: dict[str, Any] = {
        "session_id": f"run {run}",
        "event_type": "tool_call",
        **(request if asked == "each" else {}),
    }
    ahead = (
        [{"session_id": f"run {run}", "event_type": "request", "sequence": 0, **request}] if asked == "ahead" else []
    )
    return [
        *ahead,
        {**said, "tool": "read_bill", "arguments": {"customer": run}, "sequence": 1},
        {**said, "tool": "pay", "arguments": {"to": f"shop{run % 4}@example.org"}, "sequence": 2},
    ]


def test_a_request_that_stands_before_the_calls_is_learnt() -> None:
    def found(asked: str) -> SessionResult:
        made = trained([event for run in range(60) for event in calls(run, asked)])
        *before, last = calls(61, asked)
        return made.detect_session("a", [*before, {**last, "arguments": {"to": "mallory@evil.example"}}])

    assert found("ahead") == found("each")
    assert found("ahead") != found("never")
