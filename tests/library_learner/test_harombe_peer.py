"""The benchmark beside harombe, on little data and with a stand-in for it."""

import sys
from datetime import UTC
from pathlib import Path
from types import ModuleType

import pytest

from benchmark_script import script_of

DETECTOR = """
from .models import SCORE

class AnomalyDetector:
    def __init__(self, model_dir):
        self.model_dir = model_dir

    def train(self, agent_id, events):
        self.events = len(events)

    def save_model(self, agent_id):
        (self.model_dir / "model").write_bytes(b"x" * self.events)

    def detect(self, agent_id, event):
        return SCORE
"""
LEARNER = """
class BaselineLearner:
    def record_event(self, agent_id, event):
        assert event["timestamp"].tzinfo is None
"""


@pytest.fixture
def script() -> ModuleType:
    return script_of("harombe_peer")


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {"models": "SCORE = 0.5", "anomaly_detector": DETECTOR, "behavioral_baseline": LEARNER}
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, f"harombe_ml.{name}", raising=False)
    (tmp_path / "__init__.py").write_text("raise ImportError", encoding="utf-8")
    return tmp_path


def test_its_modules_are_loaded_without_its_package(script: ModuleType, stand_in: Path) -> None:
    figures = script.scoring("harombe", stand_in, 1)
    assert figures["model"] == 1.0
    assert figures["p50"] > 0
    assert figures["p50 of processor time"] <= figures["p99 of processor time"]
    assert script.holding("harombe", stand_in, 1)["memory"] < 1_000
    assert script.recording("harombe", stand_in, 1, 50)["seconds"] >= 0


def test_ours_records_the_same_events_with_a_zone(script: ModuleType) -> None:
    one, other = script.events(40, seed=1, zone=True), script.events(40, seed=1, zone=False)
    drop = "timestamp"
    assert [{**event, drop: 0} for event in one] == [{**event, drop: 0} for event in other]
    assert {event[drop].tzinfo for event in one} == {UTC}
    assert script.recording("leeway", None, 1, 200)["seconds"] > 0


def test_every_goal_is_told(script: ModuleType) -> None:
    words = ("p50", "p50 of processor time", "p99 of processor time", "train", "model", "memory")
    scored = {
        "leeway": dict(zip(words, (10.0, 9.0, 40.0, 20.0, 30.0, 1_000.0), strict=True)),
        "harombe": dict(zip(words, (13_000.0, 9_000.0, 27_000.0, 90.0, 1_500.0, 1_500.0), strict=True)),
    }
    recorded = {("leeway", 1_000): 0.01, ("harombe", 1_000): 0.1, ("harombe", 2_000): 0.4, ("leeway", 2_000): 0.02}
    results = {one.name: one for one in script.told(scored, recorded)}
    assert results["Leeway, exponent of recording, 1,000 to 2,000 events"].value == pytest.approx(1)
    assert results["harombe, exponent of recording, 1,000 to 2,000 events"].value == pytest.approx(2)
    assert results["harombe / Leeway, recording 2,000 events"].value == pytest.approx(20)
    assert results["harombe / Leeway, model in memory"].value == pytest.approx(1.5)
    assert [one.met for one in results.values() if one.goal] == [True] * 6


def test_without_harombe_it_says_what_to_install(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "find_spec", lambda _: None)
    with pytest.raises(SystemExit, match="pip install --no-deps harombe"):
        script.peer_modules(None)
