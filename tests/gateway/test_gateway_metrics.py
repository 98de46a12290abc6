"""Metrics are what the gate counted, under names that do not change."""

import subprocess
import sys

import pytest
from gateway_judge import AGENT, TableJudge, Ticks, call, raising

from leeway.gateway import FAIL_OPEN, Gate, Metrics

prometheus_client = pytest.importorskip("prometheus_client")


def samples(metrics: Metrics) -> dict[str, float]:
    """Return the samples, without the times at which they were created."""
    return {
        one.name + "".join(f"|{value}" for value in one.labels.values()): one.value
        for family in metrics.registry.collect()
        for one in family.samples
        if not one.name.endswith("_created")
    }


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(monotonic=Ticks())


def test_what_a_gate_does_is_shown(metrics: Metrics) -> None:
    with Gate(TableJudge(), monotonic=Ticks()) as gate:
        metrics.watch(gate)
        metrics.watch(gate)
        for tool in ("search", "search", "low_one", "medium_one", "high_one", "learning"):
            gate.check_now(AGENT, call(tool))
        gate.check_now(AGENT, None)
        gate.passed()
    found = samples(metrics)
    assert {name: value for name, value in found.items() if "bucket" not in name} == {
        "leeway_decisions_total|allow": 4,
        "leeway_decisions_total|ask": 1,
        "leeway_decisions_total|deny": 2,
        "leeway_decision_causes_total|level": 5,
        "leeway_decision_causes_total|state": 1,
        "leeway_decision_causes_total|unreadable": 1,
        "leeway_results_total|high": 1,
        "leeway_results_total|low": 1,
        "leeway_results_total|medium": 1,
        "leeway_results_total|none": 2,
        "leeway_results_total|unknown": 1,
        "leeway_result_states_total|judged": 5,
        "leeway_result_states_total|learning": 1,
        "leeway_failures_total|open": 0,
        "leeway_failures_total|closed": 1,
        "leeway_failures_total|meter": 0,
        "leeway_passed_total": 1,
        "leeway_evicted_sessions_total": 0,
        "leeway_open_sessions": 1,
        "leeway_detect_seconds_count": 7,
        "leeway_detect_seconds_sum": 7 * 0.25,
        "leeway_tail_probability_count": 6,
        "leeway_tail_probability_sum": pytest.approx(0.5 + 0.5 + 0.03 + 0.004 + 0.0005 + 1.0),
        "leeway_training_seconds_count": 0,
        "leeway_training_seconds_sum": 0,
        "leeway_verdicts_total|yes|anomaly": 0,
        "leeway_verdicts_total|yes|benign": 0,
        "leeway_verdicts_total|no|anomaly": 0,
        "leeway_verdicts_total|no|benign": 0,
    }
    assert found["leeway_detect_seconds_bucket|0.1"] == 0
    assert found["leeway_detect_seconds_bucket|0.5"] == 7
    assert found["leeway_tail_probability_bucket|0.01"] == 2


def test_gates_are_added_up(metrics: Metrics) -> None:
    with Gate(TableJudge()) as one, Gate(raising(ValueError()), policy=FAIL_OPEN) as other:
        metrics.watch(one)
        metrics.watch(other)
        one.check_now(AGENT, call())
        other.check_now(AGENT, call())
    found = samples(metrics)
    assert (found["leeway_decisions_total|allow"], found["leeway_failures_total|open"]) == (2, 1)
    assert found["leeway_open_sessions"] == 2


def test_what_the_host_tells(metrics: Metrics) -> None:
    with metrics.training():
        pass
    with pytest.raises(ValueError, match="too few"), metrics.training():
        raise ValueError("too few events")
    for flagged, is_anomaly in ((True, False), (True, False), (True, True), (False, True)):
        metrics.verdict(flagged=flagged, is_anomaly=is_anomaly)
    found = samples(metrics)
    assert (found["leeway_training_seconds_count"], found["leeway_training_seconds_sum"]) == (1, 0.25)
    verdicts = {name: value for name, value in found.items() if name.startswith("leeway_verdicts")}
    assert verdicts == {
        "leeway_verdicts_total|yes|benign": 2,
        "leeway_verdicts_total|yes|anomaly": 1,
        "leeway_verdicts_total|no|anomaly": 1,
        "leeway_verdicts_total|no|benign": 0,
    }


def test_the_text_for_prometheus_names_no_agent(metrics: Metrics) -> None:
    with Gate(TableJudge()) as gate:
        metrics.watch(gate)
        gate.check_now("agent-4711", call("tool-4711", session_id="session-4711"))
    text = metrics.render().decode()
    assert 'leeway_decisions_total{decision="allow"} 1.0' in text
    assert "4711" not in text
    assert all(line.split()[2 if line.startswith("#") else 0].startswith("leeway_") for line in text.splitlines())


def test_a_registry_of_the_host_is_used() -> None:
    registry = prometheus_client.CollectorRegistry()
    assert Metrics(registry).registry is registry
    assert registry.get_sample_value("leeway_open_sessions") == 0


def test_without_the_extra_only_metrics_are_missing() -> None:
    code = """
import sys
sys.modules["prometheus_client"] = None
from leeway.errors import UnsupportedError
from leeway.gateway import Metrics
try:
    Metrics()
except UnsupportedError as error:
    sys.stdout.write(f"{error} | {error.hint}")
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout == "metrics need prometheus-client | pip install 'agent-leeway[metrics]'"


def test_the_room_loads_nothing_heavy() -> None:
    code = """
import sys
import leeway.gateway
sys.stdout.write(" ".join(one for one in ("numpy", "prometheus_client", "duckdb", "apsw") if one in sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout == ""
