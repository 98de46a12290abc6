"""The detector as callers meet it: states, answers, context, verdicts, settings."""

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from leeway.errors import InvalidConfigError, InvalidEventError, NotFoundError
from leeway.library.detector import AnomalyDetector
from leeway.library.results import State
from leeway.library.threat_level import ThreatLevel
from leeway.testing.acting import SHAPES, past_of

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PAST = past_of(SHAPES[0], 3, 600)
EVENT = PAST[300]


@pytest.fixture(scope="module")
def detector() -> AnomalyDetector:
    made = AnomalyDetector()
    made.train("a", PAST)
    return made


def test_states(detector: AnomalyDetector) -> None:
    few = AnomalyDetector()
    few.train("a", PAST[:29])
    assert few.state("a") is State.LEARNING
    assert few.state("b") is State.UNKNOWN_AGENT
    assert detector.state("a") is State.JUDGED
    for result in (few.detect("a", EVENT), few.detect("b", EVENT)):
        assert (result.anomaly_score, result.p, result.is_anomaly) == (0.0, 1.0, False)
        assert result.threat_level is ThreatLevel.UNKNOWN
        assert "event_type" in result.not_judged


def test_training_on_too_few_events_replaces_a_model() -> None:
    made = AnomalyDetector()
    made.train("a", PAST)
    made.train("a", PAST[:5])
    assert made.detect("a", EVENT).state is State.LEARNING


def test_a_past_without_a_repeated_type_expects_nothing() -> None:
    made = AnomalyDetector()
    made.train("a", [{"event_type": f"once {k}", "sequence": k} for k in range(100)])
    result = made.detect("a", {"event_type": "another", "sequence": 100})
    assert (result.state, result.threat_level, result.is_anomaly) == (State.DEGENERATE, ThreatLevel.UNKNOWN, False)


def test_the_score_lies_above_the_threshold_where_p_lies_below_the_contamination() -> None:
    for contamination, threshold in ((0.01, 0.5), (0.05, 0.7), (0.2, 0.95)):
        made = AnomalyDetector(contamination=contamination, threshold=threshold)
        made.train("a", PAST)
        results = [made.detect("a", event) for event in PAST]
        assert {(one.p < contamination) == one.is_anomaly == (one.anomaly_score > threshold) for one in results} == {
            True
        }
        for one in results:
            assert one.anomaly_score == pytest.approx(1 - one.p ** (math.log(1 - threshold) / math.log(contamination)))


@pytest.mark.parametrize(
    ("change", "aspect", "words"),
    [
        ({"event_type": "export"}, "event_type", "event_type 'export' was never seen in 600 events"),
        ({"duration_ms": 500_000.0}, "duration", "duration_ms 500,000 is"),
        ({"resource_count": 9_000.0}, "resource", "resource_count 9,000 is"),
        ({"timestamp": START.replace(hour=3, minute=20)}, "temporal", "03:15 on a weekday sees"),
    ],
)
def test_the_largest_share_is_that_of_what_departs(
    detector: AnomalyDetector, change: dict[str, Any], aspect: str, words: str
) -> None:
    result = detector.detect("a", {**EVENT, **change})
    assert result.is_anomaly
    assert max(result.contributing_factors, key=lambda one: result.contributing_factors[one]) == aspect
    assert result.contributing_factors[aspect] > 0.5
    assert words in result.explanation


def test_a_failure_is_told_where_acts_never_fail() -> None:
    past = past_of(SHAPES[7], 1, 400)
    result = trained(past).detect("a", {**past[9], "success": False})
    assert result.is_anomaly
    assert "failure is 0.0" in result.explanation


def test_an_amount_is_told_with_what_is_usual() -> None:
    made = AnomalyDetector()
    past = [
        {"event_type": "run", "timestamp": START + timedelta(minutes=k), "duration_ms": 4000.0 * (1 + (k % 5 - 2) / 10)}
        for k in range(200)
    ]
    made.train("a", past)
    result = made.detect("a", {**past[0], "duration_ms": 52_000})
    assert "duration_ms 52,000 is 12.9 × the usual 4,000 of 'run' (3,361 to 4,612)" in result.explanation


def test_hostile_text_stays_on_its_line(detector: AnomalyDetector) -> None:
    result = detector.detect("a", {**EVENT, "event_type": "\x1b[2J\nscore 0.00"})
    assert "\x1b" not in result.explanation
    assert "\n" not in result.explanation


def test_what_an_event_does_not_say_is_not_judged(detector: AnomalyDetector) -> None:
    result = detector.detect("a", {"event_type": EVENT["event_type"], "timestamp": EVENT["timestamp"]})
    assert set(result.not_judged) >= {"duration", "resource", "success", "tool", "destination", "rate", "sequence"}
    assert set(result.contributing_factors) <= {"event_type", "temporal"}
    assert not result.is_anomaly


def test_context_comes_from_recent_events_only(detector: AnomalyDetector) -> None:
    before = [{**EVENT, "timestamp": EVENT["timestamp"] - timedelta(minutes=20 * k)} for k in range(10, 0, -1)]
    calm = detector.detect("a", EVENT, recent=before)
    assert not {"interval", "rate", "failures", "sequence"} & set(calm.not_judged)
    failing = [{**event, "success": False} for event in before]
    burst = detector.detect("a", {**EVENT, "success": False}, recent=failing)
    assert burst.threat_level is ThreatLevel.CRITICAL
    assert "10 of the last 10 outcomes are failures" in burst.explanation
    rush = [{**EVENT, "timestamp": EVENT["timestamp"] - timedelta(milliseconds=50 * k)} for k in range(10, 0, -1)]
    assert detector.detect("a", EVENT, recent=rush).p < calm.p
    assert detector.detect("a", EVENT).p == detector.detect("a", EVENT, recent=[]).p


def test_a_usual_event_stays_usual_however_few_are_handed_over_before_it() -> None:
    past = [
        {"event_type": "aab"[k % 3], "timestamp": START + timedelta(minutes=9 * k), "duration_ms": 90 + k * 7 % 23}
        for k in range(600)
    ]
    made = trained(past)
    for most in (1, 2, 3, 5, 10):
        found = [made.detect("a", past[at], recent=past[at - most : at]) for at in range(300, 340)]
        assert sum(one.is_anomaly for one in found) <= 4


def test_an_unusual_order_is_told() -> None:
    past = [{"event_type": "abc"[k % 3], "sequence": k} for k in range(300)]
    made = AnomalyDetector()
    made.train("a", past)
    usual = made.detect("a", past[3], recent=past[:3])
    swapped = made.detect("a", past[5], recent=past[:3])
    assert not usual.is_anomaly
    assert swapped.is_anomaly
    assert re.search(r"'c' after 'c' has a likelihood of 0?\.?[\de.-]*[1-9]", swapped.explanation)
    assert {"temporal", "rate", "interval"} <= set(swapped.not_judged)


def test_times_without_a_zone() -> None:
    naive = [{**event, "timestamp": event["timestamp"].replace(tzinfo=None)} for event in PAST]
    with pytest.raises(InvalidEventError) as caught:
        AnomalyDetector().train("a", naive)
    assert "assume_zone" in caught.value.hint
    one, other = AnomalyDetector(assume_zone="UTC"), AnomalyDetector()
    one.train("a", naive)
    other.train("a", PAST)
    assert one.detect("a", naive[3]).p == other.detect("a", PAST[3]).p


def test_hours_are_those_of_the_zone() -> None:
    zone = timezone(timedelta(hours=9))
    moved = [{**event, "timestamp": event["timestamp"].replace(tzinfo=zone)} for event in PAST]
    made = AnomalyDetector(zone="Asia/Tokyo")
    made.train("a", moved)
    assert made.detect("a", moved[3]).p == trained(PAST).detect("a", PAST[3]).p


def trained(past: list[dict[str, Any]]) -> AnomalyDetector:
    made = AnomalyDetector()
    made.train("a", past)
    return made


@pytest.mark.parametrize(
    "settings",
    [
        {"contamination": 0.0},
        {"contamination": 0.6},
        {"threshold": 0.0},
        {"threshold": 1.0},
        {"min_events": 5},
        {"zone": "Nowhere/At all"},
        {"assume_zone": "../etc"},
    ],
    ids=str,
)
def test_settings_out_of_bounds_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigError):
        AnomalyDetector(**settings)


def test_positional_settings_are_those_that_people_write(tmp_path: Path) -> None:
    made = AnomalyDetector(tmp_path, 0.1, 0.6)
    assert (made.model_dir, made.contamination, made.threshold) == (tmp_path, 0.1, 0.6)
    assert AnomalyDetector("~/models").model_dir == Path.home() / "models"


def test_a_benign_verdict_changes_the_next_score_of_like_events_and_undo_restores_it() -> None:
    made = trained(PAST)
    odd = next(event for event in PAST if made.detect("a", event).threat_level is ThreatLevel.LOW)
    before = made.detect("a", odd)
    verdict = made.update_from_feedback("a", odd, is_anomaly=False, who="ann")
    after = made.detect("a", odd)
    assert not after.is_anomaly
    assert after.anomaly_score < before.anomaly_score
    assert "verdict makes it ordinary" in after.explanation
    assert made.verdicts("a") == (verdict,)
    made.undo_feedback("a", verdict)
    assert made.detect("a", odd) == before


def test_a_malicious_verdict_flags_like_events_and_keeps_them_out_of_training(tmp_path: Path) -> None:
    made = AnomalyDetector(tmp_path)
    made.train("a", PAST)
    usual = next(event for event in PAST if not made.detect("a", event).is_anomaly)
    made.update_from_feedback("a", usual, is_anomaly=True, who="ann", why="stolen session")
    flagged = made.detect("a", usual)
    assert flagged.is_anomaly
    assert flagged.threat_level >= ThreatLevel.LOW
    assert sum(flagged.contributing_factors.values()) == pytest.approx(flagged.anomaly_score, abs=1e-12)
    assert flagged.contributing_factors["verdict"] > 0
    made.save_model("a")
    other = AnomalyDetector(tmp_path)
    other.load_model("a")
    assert other.detect("a", usual) == flagged
    made.train("a", PAST)
    assert made.detect("a", usual).is_anomaly


def test_events_that_were_found_malicious_are_not_learnt() -> None:
    slipped = [{**event, "event_type": "export"} for event in PAST[100:140]]
    made = trained(PAST)
    verdict = made.update_from_feedback("a", slipped[0], is_anomaly=True, who="ann")
    made.train("a", [*PAST, *slipped])
    made.undo_feedback("a", verdict)
    assert made.detect("a", slipped[5]) == trained(PAST).detect("a", slipped[5])
    assert "was never seen in 600 events" in made.detect("a", slipped[5]).explanation
    assert not trained([*PAST, *slipped]).detect("a", slipped[5]).is_anomaly


def test_a_benign_verdict_never_lowers_a_grave_event() -> None:
    made = trained(PAST)
    grave = {**EVENT, "duration_ms": 1e9}
    before = made.detect("a", grave)
    made.update_from_feedback("a", grave, is_anomaly=False)
    assert made.detect("a", grave) == before
    assert before.threat_level is ThreatLevel.CRITICAL


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    made = AnomalyDetector(tmp_path / "none")
    for call in (made.save_model, made.load_model):
        with pytest.raises(NotFoundError):
            call("a")
    with pytest.raises(NotFoundError):
        made.undo_feedback("a", 0)
    assert not (tmp_path / "none").exists()


def test_the_zone_of_a_saved_model_is_kept_to(tmp_path: Path) -> None:
    made = AnomalyDetector(tmp_path)
    made.train("a", PAST)
    made.save_model("a")
    with pytest.raises(InvalidConfigError):
        AnomalyDetector(tmp_path, zone="Asia/Tokyo").load_model("a")


def test_agents_do_not_know_of_each_other(tmp_path: Path) -> None:
    made = AnomalyDetector(tmp_path)
    made.train("a", PAST)
    alone = made.detect("a", EVENT)
    made.train("b", past_of(SHAPES[2], 1, 300))
    assert made.detect("a", EVENT) == alone
    assert made.detect("b", EVENT).is_anomaly


def calls(run: int) -> list[dict[str, Any]]:
    request = f"Please pay the bill of customer {run} to shop{run % 4}@example.org"
    said = {"session_id": f"run {run}", "request": request}
    return [
        {**said, "event_type": "tool_called", "tool": "read_bill", "arguments": {"customer": run}, "sequence": 0},
        {
            **said,
            "event_type": "tool_called",
            "tool": "pay",
            "arguments": {"to": f"shop{run % 4}@example.org"},
            "sequence": 1,
        },
    ]


def test_sessions_of_calls_are_judged_by_their_arguments(tmp_path: Path) -> None:
    made = AnomalyDetector(tmp_path)
    made.train("a", [event for run in range(60) for event in calls(run)])
    usual, taken = calls(61), calls(61)
    taken[1]["arguments"] = {"to": "mallory@evil.example"}
    one, other = made.detect_session("a", usual), made.detect_session("a", taken)
    assert other.score > one.score
    made.save_model("a")
    loaded = AnomalyDetector(tmp_path)
    loaded.load_model("a")
    assert loaded.detect_session("a", taken) == other
    call = made.detect("a", taken[1], recent=taken[:1])
    assert call.p < made.detect("a", usual[1], recent=usual[:1]).p
    assert loaded.detect("a", taken[1], recent=taken[:1]) == call
    assert call.contributing_factors["calls"] > 0
    assert sum(call.contributing_factors.values()) == pytest.approx(call.anomaly_score, abs=1e-12)
