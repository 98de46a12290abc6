"""What people hand over as an event: every form says the same, and nothing that cannot be read passes for normal."""

import math
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

import leeway
from leeway import AnomalyDetector, BaselineLearner, SecurityEvent
from leeway.errors import InvalidEventError
from leeway.events import ConnectionOpened, NameResolved, ToolCalled
from leeway.library.results import State
from leeway.library.security_event import read_event
from leeway.library.threat_level import ThreatLevel

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PAST: list[dict[str, Any]] = [
    {
        "timestamp": START + timedelta(days=day, minutes=10 * k),
        "event_type": "tool_call",
        "resource_count": 3 + k % 3,
        "duration_ms": 200 + k % 50,
        "success": k % 30 != 0,
    }
    for day in range(12)
    for k in range(40)
]
EVENT = PAST[50]


@pytest.fixture(scope="module")
def detector() -> AnomalyDetector:
    made = AnomalyDetector()
    made.train("a", PAST)
    return made


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_an_instant_is_the_same_in_any_zone_and_any_form(detector: AnomalyDetector, zone: str) -> None:
    moved = EVENT["timestamp"].astimezone(ZoneInfo(zone))
    usual = detector.detect("a", EVENT)
    assert detector.detect("a", {**EVENT, "timestamp": moved}) == usual
    assert detector.detect("a", {**EVENT, "timestamp": moved.isoformat()}) == usual
    assert detector.detect("a", SecurityEvent(**{**EVENT, "timestamp": moved})) == usual
    assert SecurityEvent(event_type="x", timestamp=moved).timestamp == moved


@pytest.mark.parametrize("amount", [math.nan, math.inf, -math.inf, -1.0, 1e19, 10**400], ids=str)
@pytest.mark.parametrize("name", ["duration_ms", "resource_count"])
def test_an_amount_that_is_none_is_a_flaw_in_every_form(detector: AnomalyDetector, name: str, amount: float) -> None:
    for event in ({**EVENT, name: amount}, SecurityEvent(**{**EVENT, name: amount})):
        assert getattr(read_event(event), name) is None
        found = detector.detect("a", event)
        assert (found.state, found.threat_level) == (State.MALFORMED, ThreatLevel.UNKNOWN)
        assert name in found.not_judged
        assert f"cannot be read: {name}" in found.explanation


def test_numbers_of_a_table_are_numbers(detector: AnomalyDetector) -> None:
    told = {**EVENT, "duration_ms": np.float32(210), "resource_count": np.int64(4), "success": np.bool_(True)}  # noqa: FBT003
    plain = {**EVENT, "duration_ms": 210, "resource_count": 4, "success": True}
    assert read_event(told) == read_event(plain)
    assert detector.detect("a", told) == detector.detect("a", plain)
    for wrong in (np.float64("nan"), np.array([1.0, 2.0]), np.array(3.0), np.complex128(1), np.str_("3"), True):
        assert read_event({**EVENT, "duration_ms": wrong}).flaws == ("duration_ms",)


def test_seconds_since_1970_are_refused_with_a_way_out() -> None:
    with pytest.raises(InvalidEventError, match="a timestamp is a float") as told:
        read_event({**EVENT, "timestamp": 1_760_000_000.0})
    assert "datetime.fromtimestamp" in (told.value.hint or "")


@pytest.mark.parametrize("agent", [7, None, b"agent", ("a", "b")], ids=repr)
def test_an_agent_goes_by_a_text(agent: Any) -> None:  # noqa: ANN401
    with pytest.raises(InvalidEventError, match="an agent goes by a text"):
        AnomalyDetector().train(agent, PAST)
    with pytest.raises(InvalidEventError, match="an agent goes by a text"):
        BaselineLearner().record_event(agent, EVENT)


def test_a_benign_verdict_does_not_make_normal_what_cannot_be_read() -> None:
    made = AnomalyDetector()
    made.train("a", PAST)
    odd = next(one for one in PAST if ThreatLevel.LOW <= made.detect("a", one).threat_level <= ThreatLevel.MEDIUM)
    made.update_from_feedback("a", odd, is_anomaly=False)
    assert made.detect("a", odd).threat_level is ThreatLevel.NONE
    for name in ("resource_count", "destination", "tool"):
        found = made.detect("a", {**odd, name: []})
        assert (found.state, found.threat_level, found.is_anomaly) == (State.MALFORMED, ThreatLevel.UNKNOWN, False)


def test_what_a_malicious_verdict_flags_is_judged() -> None:
    made = AnomalyDetector()
    made.train("a", PAST)
    made.update_from_feedback("a", EVENT, is_anomaly=True)
    found = made.detect("a", {**EVENT, "destination": 7})
    assert (found.state, found.threat_level) == (State.JUDGED, ThreatLevel.MEDIUM)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
@pytest.mark.parametrize("time", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)], ids=str)
def test_the_ends_of_the_calendar_are_judged(zone: str, time: datetime) -> None:
    event = {"timestamp": time, "event_type": "tool_call"}
    made = AnomalyDetector(zone=zone)
    made.train("a", [*PAST, event])
    assert made.detect("a", event).state is State.JUDGED
    learner = BaselineLearner(zone=zone, min_samples=1)
    learner.record_event("a", PAST[0], now=datetime.max.replace(tzinfo=UTC))
    assert learner.detect_anomalies("a", event)


def test_a_time_that_utc_does_not_have_is_refused() -> None:
    with pytest.raises(InvalidEventError):
        read_event({"timestamp": datetime.min.replace(tzinfo=ZoneInfo("Asia/Tokyo")), "event_type": "x"})


def test_a_time_without_a_zone_is_refused_with_both_ways_out() -> None:
    naive = {**EVENT, "timestamp": START.replace(tzinfo=None)}
    learner = BaselineLearner()
    asked: list[Any] = [
        lambda: AnomalyDetector().detect("a", naive),
        lambda: learner.record_event("a", naive),
        lambda: learner.detect_anomalies("a", naive),
        lambda: learner.update_from_feedback("a", naive, is_anomaly=False),
        lambda: SecurityEvent(event_type="x", timestamp=naive["timestamp"]),
    ]
    for ask in asked:
        with pytest.raises(InvalidEventError) as caught:
            ask()
        assert 'AnomalyDetector(assume_zone="UTC")' in caught.value.hint
        assert 'BaselineLearner(assume_zone="UTC")' in caught.value.hint
    assumed = BaselineLearner(assume_zone="UTC")
    assumed.record_event("a", naive)


@pytest.mark.parametrize("kind", [list, tuple, deque, iter], ids=["list", "tuple", "deque", "iterator"])
def test_recent_events_come_in_any_order_that_has_one(detector: AnomalyDetector, kind: Any) -> None:  # noqa: ANN401
    found = detector.detect("a", EVENT, recent=kind(PAST[20:50]))
    assert found == detector.detect("a", EVENT, recent=PAST[40:50])
    assert "sequence" not in found.not_judged


def test_typed_events_are_read() -> None:
    time = START.astimezone(ZoneInfo("Asia/Tokyo"))
    called = ToolCalled(time=time, host="h", tool="pay", arguments={"to": "x"}, duration_us=1_500)
    assert read_event(called) == SecurityEvent(
        event_type="tool_called", timestamp=START, duration_ms=1.5, tool="pay", arguments={"to": "x"}
    )
    opened = ConnectionOpened(time=time, host="h", destination="192.0.2.7", port=443)
    named = NameResolved(time=time, host="h", name="api.example.com")
    assert [read_event(one).destination for one in (opened, named)] == ["192.0.2.7", "api.example.com"]


def test_every_name_comes_from_the_package() -> None:
    for name in leeway.__all__:
        assert getattr(leeway, name) is not None
    named = {"AnomalyDetector", "BaselineLearner", "ThreatLevel", "SecurityEvent", "FeatureVector", "AnomalyResult"}
    assert named | {"BehavioralPattern", "BehavioralBaseline"} <= set(leeway.__all__)
