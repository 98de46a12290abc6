"""How often the detector is right, on simulated agents: ordinary events, drifts, and a past that holds bad ones."""

from datetime import UTC, datetime, timedelta
from random import Random
from statistics import mean

import pytest

from leeway.library.detector import AnomalyDetector
from leeway.library.threat_level import ThreatLevel
from leeway.testing.acting import SHAPES, DriftOf, Said, drifted, halves, spoilt

NIGHT_SHIFT = {"around the clock", "nightly", "few words"}
PLAIN = [shape for shape in SHAPES if shape.says and not shape.heavy]
FIRM = [shape for shape in PLAIN if shape.name in {"office", "sessions", "many steps", "two speeds", "rare task"}]


def flagged(detector: AnomalyDetector, events: list[Said]) -> float:
    return mean(detector.detect("a", event).is_anomaly for event in events)


@pytest.mark.parametrize("contamination", [0.01, 0.05, 0.1])
def test_as_many_ordinary_events_are_flagged_as_asked(contamination: float) -> None:
    shares = []
    for shape in SHAPES:
        past, rest = halves(shape, 11, 1_000)
        detector = AnomalyDetector(contamination=contamination)
        detector.train("a", past)
        shares.append(flagged(detector, rest))
    assert mean(shares) == pytest.approx(contamination, abs=0.01)
    assert max(shares) < 2 * contamination + 0.02


def test_a_past_of_three_days_makes_no_other_day_of_the_week_strange() -> None:
    start = datetime(2026, 3, 3, tzinfo=UTC)  # a Tuesday
    steady = [
        {"timestamp": start + timedelta(minutes=5 * at), "event_type": "sample", "duration_ms": 100 + at % 7}
        for at in range(288 * 17)
    ]
    detector = AnomalyDetector()
    detector.train("a", steady[: 288 * 3])
    for day in range(3, 10):
        found = [detector.detect("a", event) for event in steady[288 * day : 288 * (day + 1)]]
        assert mean(one.is_anomaly for one in found) < 0.06
        assert mean(one.threat_level >= ThreatLevel.MEDIUM for one in found) < 0.015
        assert not any(one.threat_level >= ThreatLevel.HIGH for one in found)


def test_after_two_weeks_a_weekend_without_events_is_known() -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    steady = [
        {"timestamp": time, "event_type": "sample"}
        for time in (start + timedelta(minutes=20 * at) for at in range(72 * 30))
        if time.weekday() < 5
    ]
    detector = AnomalyDetector()
    detector.train("a", steady[: 72 * 15])
    later = [event for event in steady[72 * 15 :] if isinstance(event["timestamp"], datetime)]
    assert mean(detector.detect("a", event).is_anomaly for event in later) < 0.06
    saturday = [{"timestamp": datetime(2026, 3, 28, hour, tzinfo=UTC), "event_type": "sample"} for hour in range(24)]
    assert all(detector.detect("a", event).is_anomaly for event in saturday)


@pytest.mark.parametrize("drift", DriftOf, ids=lambda drift: drift.name)
def test_drifts_are_flagged(drift: DriftOf) -> None:
    found = []
    for seed in range(5):
        shape = PLAIN[seed]
        if drift is DriftOf.HOURS and shape.name in NIGHT_SHIFT:
            shape = FIRM[seed]
        past, rest = halves(shape, seed, 1_000)
        detector = AnomalyDetector()
        detector.train("a", past)
        for at in range(20, len(rest), 50):
            event, recent = drifted(rest[at], rest[at - 9 : at], drift)
            recent = recent if drift is DriftOf.FAILURES else []
            found.append(detector.detect("a", event, recent=recent).is_anomaly)
    assert mean(found) >= 0.95


@pytest.mark.parametrize("share", [0.01, 0.03, 0.05])
def test_what_was_slipped_into_the_past_stays_flagged(share: float) -> None:
    stays = 0
    for seed in range(5):
        past, rest = halves(FIRM[seed], seed, 1_000)
        count = int(share * len(past))
        bad = [spoilt(event) for event in Random(seed).sample(rest, count + 20)]  # noqa: S311  # a repeatable choice
        detector = AnomalyDetector(seed=seed)
        detector.train("a", [*past[count:], *bad[:count]])
        stays += flagged(detector, bad[count:]) >= 0.8
    assert stays >= 4


def test_every_level_is_reached() -> None:
    past, rest = halves(SHAPES[0], 1, 1_000)
    detector = AnomalyDetector()
    detector.train("a", past)
    grave = [{**one, "duration_ms": 10_000 * one["duration_ms"], "event_type": "other"} for one in rest[:40]]
    assert {detector.detect("a", one).threat_level.name for one in grave} == {"CRITICAL"}
    levels = [detector.detect("a", {**one, "event_type": "other"}).threat_level.name for one in rest[:40]]
    assert levels.count("HIGH") > 20
    assert set(levels) <= {"HIGH", "CRITICAL"}
    levels = [detector.detect("a", one).threat_level.name for one in rest]
    assert set(levels) >= {"NONE", "LOW", "MEDIUM"}
    assert levels.count("CRITICAL") <= 2
