"""What every detector of the library keeps, whatever the events are: one check that the tests of all of them share."""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from leeway.library.detector import AnomalyDetector
from leeway.library.results import AnomalyResult, State
from leeway.library.threat_level import ThreatLevel

Event = Mapping[str, Any]
Make = Callable[..., AnomalyDetector]
"""Gives an empty detector with the settings that are named."""

AGENT = "an/agent ../of\nany 'id'"
NOTHING = {State.UNKNOWN_AGENT, State.LEARNING, State.DEGENERATE, State.MALFORMED}

SCRIPT = """
import json, sys
from datetime import datetime
from leeway.library.detector import AnomalyDetector
said = json.load(sys.stdin)
detector = AnomalyDetector(said["dir"])
detector.load_model(said["agent"])
print(json.dumps([detector.detect(said["agent"], event).anomaly_score for event in said["events"]]))
"""


def check_answer(result: AnomalyResult, event: Event) -> None:
    """Hold one answer to what all answers keep."""
    assert 0 < result.p <= 1
    assert 0 <= result.anomaly_score <= 1
    assert math.isclose(sum(result.contributing_factors.values()), result.anomaly_score, abs_tol=1e-9)
    assert all(share >= 0 for share in result.contributing_factors.values())
    assert result.is_anomaly == (result.threat_level >= ThreatLevel.LOW)
    if not result.is_anomaly:
        assert (result.threat_level is ThreatLevel.UNKNOWN) == (result.state in NOTHING)
    assert result.explanation.startswith(f"score {result.anomaly_score:.2f}")
    assert "\n" not in result.explanation
    assert result.timestamp == event.get("timestamp")


def scores(detector: AnomalyDetector, events: Sequence[Event]) -> list[float]:
    found = []
    for event in events:
        result = detector.detect(AGENT, event)
        check_answer(result, event)
        found.append(result.anomaly_score)
    return found


def trained(make: Make, past: Sequence[Event], **settings: str | Path) -> AnomalyDetector:
    detector = make(**settings)
    detector.train(AGENT, past)
    return detector


def check_detector(make: Make, past: Sequence[Event], asked: Sequence[Event], place: Path) -> None:
    """Hold a detector to its contract: `past` is what it is trained on, `asked` what it is asked."""
    detector = trained(make, past)
    known = scores(detector, asked)
    assert scores(detector, asked) == known, "an answer changes the next one"
    assert scores(trained(make, past), asked) == known, "the same past and seed give another model"
    shuffled = list(past)
    Random(1).shuffle(shuffled)  # noqa: S311  # a repeatable order
    assert scores(trained(make, shuffled), asked) == known, "the order of a past with times matters"
    _check_shift(make, past, asked, known)
    _check_scale(make, past, asked, known)
    check_small(make, past)
    check_malformed(detector, past)
    check_saved(make, past, asked, known, place)


def _check_shift(make: Make, past: Sequence[Event], asked: Sequence[Event], known: list[float]) -> None:
    """Whole weeks later nothing is different; in another zone only the hours are named otherwise."""
    weeks = timedelta(weeks=5)
    later = [[{**event, "timestamp": event["timestamp"] + weeks} for event in events] for events in (past, asked)]
    assert close(scores(trained(make, later[0]), later[1]), known, 1e-9)
    moved = scores(trained(make, past, zone="Asia/Kolkata"), asked)
    assert sum((a > 0.7) == (b > 0.7) for a, b in zip(known, moved, strict=True)) >= 0.9 * len(known)


def _check_scale(make: Make, past: Sequence[Event], asked: Sequence[Event], known: list[float]) -> None:
    """The unit of a duration does not matter."""
    both = [[seconds(event) for event in events] for events in (past, asked)]
    found = scores(trained(make, both[0]), both[1])
    same = [abs(a - b) < 0.02 for a, b in zip(found, known, strict=True)]
    assert sum(same) >= 0.9 * len(same)


def seconds(event: Event) -> Event:
    if "duration_ms" not in event:
        return event
    return {**event, "duration_ms": event["duration_ms"] * 1000}


def check_small(make: Make, past: Sequence[Event]) -> None:
    """None, one and too few events are visible states; so is a constant past, and its usual event is no anomaly."""
    for count in (0, 1, 29):
        result = trained(make, past[:count]).detect(AGENT, past[0])
        assert (result.state, result.threat_level) == (State.LEARNING, ThreatLevel.UNKNOWN)
    assert make().detect(AGENT, past[0]).state is State.UNKNOWN_AGENT
    same = trained(make, [past[0]] * 200)
    result = same.detect(AGENT, past[0])
    assert (result.is_anomaly, result.threat_level, result.state) == (False, ThreatLevel.NONE, State.JUDGED)
    other = same.detect(AGENT, {**past[0], "event_type": "never seen"})
    assert other.threat_level >= ThreatLevel.MEDIUM
    doubled = trained(make, [*past, *past])
    assert doubled.detect(AGENT, {**past[0], "event_type": "never seen"}).is_anomaly


def check_malformed(detector: AnomalyDetector, past: Sequence[Event]) -> None:
    """What cannot be read is visible, and what else departs is still found."""
    for wrong in (math.nan, math.inf, -1.0, "long", [], True, 10**400):
        result = detector.detect(AGENT, {**past[0], "duration_ms": wrong})
        assert "duration_ms" in result.not_judged
        assert result.is_anomaly or (result.state, result.threat_level) == (State.MALFORMED, ThreatLevel.UNKNOWN)
        drift = detector.detect(AGENT, {**past[0], "duration_ms": wrong, "event_type": "never seen"})
        assert drift.is_anomaly
    for huge in (0, 5e-324, 1e18):
        check_answer(detector.detect(AGENT, {**past[0], "duration_ms": huge}), past[0])


def check_saved(make: Make, past: Sequence[Event], asked: Sequence[Event], known: list[float], place: Path) -> None:
    """A saved model gives the same scores in another process."""
    detector = trained(make, past, model_dir=place)
    path = detector.save_model(AGENT)
    assert path.parent == place
    assert path.stat().st_mode & 0o777 == 0o600
    said = {
        "dir": str(place),
        "agent": AGENT,
        "events": [{**event, "timestamp": event["timestamp"].isoformat()} for event in asked],
    }
    command = [sys.executable, "-c", SCRIPT]
    run = subprocess.run(command, input=json.dumps(said), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert close(json.loads(run.stdout), known, 1e-9)


def close(one: Sequence[float], other: Sequence[float], most: float) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= most
