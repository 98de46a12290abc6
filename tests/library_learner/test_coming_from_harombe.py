"""Every difference that docs/coming-from-harombe.md states, on our side."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest

from leeway.errors import InvalidEventError, LeewayError
from leeway.library.detector import AnomalyDetector
from leeway.library.learner import BaselineLearner
from leeway.library.results import State
from leeway.library.threat_level import ThreatLevel

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def acts(count: int, **said: object) -> list[dict[str, object]]:
    return [
        {"timestamp": START + number * HOUR, "event_type": ("api_call", "read")[number % 5 == 0], **said}
        for number in range(count)
    ]


def learnt(events: list[dict[str, object]], **options: int) -> BaselineLearner:
    learner = BaselineLearner(**options)
    for event in events:
        learner.record_event("agent", event)
    return learner


def varied(count: int) -> list[dict[str, object]]:
    draw = Random(1)  # noqa: S311  # a simulation
    return [{**event, "duration_ms": draw.lognormvariate(5, 0.5)} for event in acts(count)]


# Levels


def test_levels_are_in_their_order() -> None:
    ordered = ["none", "unknown", "low", "medium", "high", "critical"]
    assert [level.value for level in sorted(ThreatLevel)] == ordered
    assert [level.value for level in ThreatLevel if level >= ThreatLevel.HIGH] == ["high", "critical"]
    assert max(ThreatLevel.CRITICAL, ThreatLevel.NONE) is ThreatLevel.CRITICAL
    with pytest.raises(TypeError):
        assert ThreatLevel.HIGH >= "high"


def test_an_unknown_agent_is_not_none(tmp_path: Path) -> None:
    detector = AnomalyDetector(model_dir=tmp_path)
    unknown = detector.detect("nobody", acts(1)[0])
    assert (unknown.threat_level, unknown.state) == (ThreatLevel.UNKNOWN, State.UNKNOWN_AGENT)
    detector.train("agent", acts(9))
    few = detector.detect("agent", acts(1)[0])
    assert (few.threat_level, few.state) == (ThreatLevel.UNKNOWN, State.LEARNING)


def test_without_a_baseline_the_learner_says_so() -> None:
    learner = learnt(acts(50))
    assert learner.detect_anomalies("nobody", acts(1)[0]) == learner.detect_anomalies("agent", acts(1)[0]) == {}
    assert learner.state("nobody").state is State.UNKNOWN_AGENT
    assert learner.state("agent").state is State.LEARNING


def test_one_rule_says_what_an_anomaly_is(tmp_path: Path) -> None:
    detector = AnomalyDetector(model_dir=tmp_path, contamination=0.05, threshold=0.7)
    detector.train("agent", varied(400))
    rules = set()
    for number, event in enumerate(varied(200)):
        result = detector.detect("agent", {**event, "duration_ms": event["duration_ms"] * (1 + number % 9)})
        assert result.is_anomaly is (result.anomaly_score > 0.7) is (result.p < 0.05)
        rules.add(result.is_anomaly)
    assert rules == {True, False}


def test_the_factors_are_the_parts_of_the_score(tmp_path: Path) -> None:
    detector = AnomalyDetector(model_dir=tmp_path)
    detector.train("agent", [{**event, "resource_count": 900} for event in varied(400)])
    usual = {**varied(400)[-1], "resource_count": 900}
    result = detector.detect("agent", {**usual, "duration_ms": 90_000})
    assert sum(result.contributing_factors.values()) == pytest.approx(result.anomaly_score)
    assert max(result.contributing_factors, key=lambda aspect: result.contributing_factors[aspect]) == "duration"
    assert "duration" in result.explanation
    assert not detector.detect("agent", usual).is_anomaly


# Events

PRINT_SCORES = """
from datetime import UTC, datetime, timedelta
from leeway.library.learner import BaselineLearner
learner = BaselineLearner()
start = datetime(2026, 3, 2, tzinfo=UTC)
for n in range(600):
    learner.record_event("a", {"timestamp": start + n * timedelta(minutes=9), "event_type": f"type {n % 530}",
                               "destination": f"h{n}.example", "duration_ms": n % 40})
event = {"timestamp": start + timedelta(days=4), "event_type": "type 7", "destination": "h9.example", "duration_ms": 99}
print(learner.detect_anomalies("a", event), learner.compute_baseline("a"))
"""


def test_no_score_depends_on_the_salted_hash() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", PRINT_SCORES],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(told) == 1
    assert "'event_type'" in told.pop()


def test_what_is_not_said_is_not_judged() -> None:
    learner = learnt(acts(200, duration_ms=100, resource_count=3))
    event = {"timestamp": START + 200 * HOUR, "event_type": "api_call"}
    assert not {"duration", "resource"} & learner.detect_anomalies("agent", event).keys()
    assert learnt(acts(200)).compute_baseline("agent").pattern.avg_event_duration_ms is None  # type: ignore[union-attr]  # there is one


def test_a_field_that_cannot_be_read_is_no_error_and_not_normal() -> None:
    learner = learnt(acts(200, duration_ms=100))
    event = {"timestamp": START + 200 * HOUR, "event_type": "api_call", "duration_ms": "long"}
    assert "duration" not in learner.detect_anomalies("agent", event)
    learner.record_event("agent", event)
    assert learner.state("agent").flawed == 1


@pytest.mark.parametrize("time", [datetime(2026, 3, 2, 9), "2026-03-02T09:00:00"], ids=["a time", "text"])  # noqa: DTZ001  # the point
def test_a_time_without_zone_is_refused_with_a_hint(time: object) -> None:
    with pytest.raises(InvalidEventError, match="no zone") as caught:
        BaselineLearner().record_event("agent", {"timestamp": time, "event_type": "api_call"})
    assert "assume_zone" in caught.value.hint
    learner = BaselineLearner(min_samples=1, assume_zone="Europe/Lisbon")
    learner.record_event("agent", {"timestamp": time, "event_type": "api_call"})
    baseline = learner.compute_baseline("agent")
    assert baseline is not None
    assert baseline.learned_at == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_no_time_is_taken_for_now() -> None:
    with pytest.raises(InvalidEventError, match="no time"):
        BaselineLearner().record_event("agent", {"event_type": "api_call"})


# The learner


def test_an_ordinary_event_scores_near_nothing() -> None:
    event = {"timestamp": START + 501 * HOUR, "event_type": "api_call", "duration_ms": 120}
    assert max(learnt(acts(501, duration_ms=120)).detect_anomalies("agent", event).values()) < 0.1


def test_a_constant_agent_is_judged() -> None:
    learner = learnt(acts(500, duration_ms=120, resource_count=0))
    event = {"timestamp": START + 501 * HOUR, "event_type": "api_call", "duration_ms": 3_600_000, "resource_count": 40}
    scores = learner.detect_anomalies("agent", event)
    assert min(scores["duration"], scores["resource"]) > 0.95


def test_a_constant_agents_usual_event_is_no_anomaly(tmp_path: Path) -> None:
    detector = AnomalyDetector(model_dir=tmp_path)
    same = [{"timestamp": START + number * HOUR, "event_type": "poll", "duration_ms": 120} for number in range(400)]
    detector.train("agent", same)
    usual = {"timestamp": START + 400 * HOUR, "event_type": "poll", "duration_ms": 120}
    assert not detector.detect("agent", usual).is_anomaly
    assert detector.detect("agent", {**usual, "duration_ms": 3_600_000}).is_anomaly


def test_recording_takes_as_many_calls_for_the_last_event_as_for_the_first() -> None:
    events, calls = acts(6_000, duration_ms=120), []
    learner = learnt(events[:1_000], window_days=3_650)
    for event in events[1_000:]:
        counted = [0]
        sys.setprofile(lambda _, kind, __, counted=counted: counted.__setitem__(0, counted[0] + (kind == "call")))
        try:
            learner.record_event("agent", event)
        finally:
            sys.setprofile(None)
        calls.append(counted[0])
    assert learner.state("agent").events == 6_000
    assert sum(calls[-1_000:]) == pytest.approx(sum(calls[:1_000]), rel=0.01)


def test_old_logs_can_be_learnt() -> None:
    start = datetime(2003, 5, 5, tzinfo=UTC)
    learner = learnt([{"timestamp": start + number * HOUR, "event_type": "api_call"} for number in range(200)])
    assert learner.state("agent").events == 200


def test_a_wrong_clock_does_not_push_the_window_away() -> None:
    learner = learnt([*acts(200), {"timestamp": datetime(2099, 1, 1, tzinfo=UTC), "event_type": "api_call"}])
    assert (learner.state("agent").events, learner.state("agent").held_aside) == (200, 1)


def test_a_baseline_is_up_to_date() -> None:
    learner = learnt(acts(200))
    first = learner.get_baseline("agent")
    learner.record_event("agent", {"timestamp": START + 200 * HOUR, "event_type": "drop_tables"})
    again = learner.get_baseline("agent")
    assert first is not None
    assert again is not None
    assert "drop_tables" not in first.pattern.common_event_types
    assert again.pattern.common_event_types["drop_tables"] == 1 / 201


def test_shuffled_events_give_the_same_baseline() -> None:
    events = acts(300, duration_ms=120.7)
    shuffled = Random(1).sample(events, len(events))  # noqa: S311  # a simulation
    baseline = learnt(shuffled).compute_baseline("agent")
    assert baseline == learnt(events).compute_baseline("agent")
    assert baseline is not None
    assert baseline.pattern.avg_events_per_hour == 1.0


def test_calls_by_keyword_are_those_that_people_write() -> None:
    learner = BaselineLearner(window_days=30, min_samples=100)
    for event in varied(200):
        learner.record_event(agent_id="agent", event=event)
    found = learner.detect_anomalies("agent", varied(1)[0])
    assert learner.detect_anomalies(agent_id="agent", event=varied(1)[0]) == found
    assert learner.detect_anomalies(agent_id="agent", current_event=varied(1)[0]) == found
    with pytest.raises(InvalidEventError):
        learner.detect_anomalies("agent")
    assert learner.compute_baseline(agent_id="agent") == learner.get_baseline(agent_id="agent")


def test_results_become_plain_values() -> None:
    values = msgspec.to_builtins(learnt(acts(200)).compute_baseline("agent"))
    assert values["event_count"] == 200
    assert len(values["pattern"]["hourly_distribution"]) == 24


# Feedback


def test_feedback_does_something() -> None:
    learner = learnt(acts(500, duration_ms=120))
    slow = {"timestamp": START + 501 * HOUR, "event_type": "api_call", "duration_ms": 900}
    before = learner.detect_anomalies("agent", slow)
    benign = learner.update_from_feedback("agent", slow, is_anomaly=False)
    assert before["duration"] > 0.9
    assert learner.detect_anomalies("agent", slow)["duration"] < 0.1
    assert learner.state("agent").events == 500
    learner.undo_feedback("agent", benign)
    assert learner.detect_anomalies("agent", slow) == before
    learner.update_from_feedback("agent", slow, is_anomaly=True)
    assert learner.detect_anomalies("agent", slow)["verdict"] > 0.95


def test_feedback_changes_the_detectors_next_score(tmp_path: Path) -> None:
    detector = AnomalyDetector(model_dir=tmp_path)
    detector.train("agent", varied(400))
    usual = {"timestamp": START + 400 * HOUR, "event_type": "api_call", "duration_ms": 150}
    before = detector.detect("agent", usual)
    verdict = detector.update_from_feedback("agent", usual, is_anomaly=True)
    assert not before.is_anomaly
    assert detector.detect("agent", usual).threat_level >= ThreatLevel.MEDIUM
    detector.undo_feedback("agent", verdict)
    assert detector.detect("agent", usual) == before


# Models on disk


def test_making_a_detector_writes_nothing(tmp_path: Path) -> None:
    detector = AnomalyDetector(model_dir=tmp_path / "models")
    detector.train("agent", varied(200))
    detector.detect("agent", varied(1)[0])
    assert list(tmp_path.iterdir()) == []


def test_an_agents_id_is_no_path(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    detector = AnomalyDetector(model_dir=folder)
    for agent in ("../../escaped", "/etc/passwd", "a/b", "..", "x" * 5_000, "nul\x00"):
        detector.train(agent, varied(200))
        saved = detector.save_model(agent)
        assert saved.parent == folder
        AnomalyDetector(model_dir=folder).load_model(agent)
    assert [one.name for one in tmp_path.iterdir()] == ["models"]


def test_nothing_runs_on_reading(tmp_path: Path) -> None:
    detector = AnomalyDetector(model_dir=tmp_path)
    detector.train("agent", varied(200))
    saved = detector.save_model("agent")
    # A pickle that would make a file.
    saved.write_bytes(b"cposix\nmkdir\n(V" + str(tmp_path / "ran").encode() + b"\ntR.")
    with pytest.raises(LeewayError):
        AnomalyDetector(model_dir=tmp_path).load_model("agent")
    assert not (tmp_path / "ran").exists()
