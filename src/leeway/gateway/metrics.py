"""What a gate and its detector do, as metrics of Prometheus (extra `metrics`).

No metric carries an agent, a session or a tool: their number has no bound.
"""

import time as clock
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from leeway.errors import UnsupportedError
from leeway.gateway.gate import Checked, Gate

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Metric

_DETECT_SECONDS: Final = (0.00005, 0.0001, 0.0002, 0.0004, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0)
_TRAINING_SECONDS: Final = (0.005, 0.01, 0.02, 0.04, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
_P: Final = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)


def _prometheus() -> ModuleType:
    try:
        import prometheus_client  # noqa: PLC0415  # an extra, needed only here
    except ImportError as error:
        raise UnsupportedError("metrics need prometheus-client", hint="pip install 'agent-leeway[metrics]'") from error
    return prometheus_client


class Metrics:
    """Metrics for Prometheus, each named `leeway_…`.

    - Of gates, once watched: `leeway_decisions_total{decision}`, `leeway_decision_causes_total{cause}`,
      `leeway_results_total{level}`, `leeway_result_states_total{state}` (an anomaly rate is a level's share),
      `leeway_failures_total{outcome}` (`open`, `closed`, `meter`), `leeway_passed_total`, `leeway_open_sessions`,
      `leeway_evicted_sessions_total`.
    - Of each check: `leeway_detect_seconds`, and `leeway_tail_probability`: while an agent stays what it was, its
      values spread evenly from 0 to 1, so that the shares of this histogram show how far baselines have drifted.
    - Told by the host: `leeway_training_seconds` (its count is the number of trainings), and
      `leeway_verdicts_total{flagged, verdict}`: what was said and what a person judged, hence false positives and
      accuracy.

    Args:
        registry: where they are registered; one of their own by default.
        monotonic: by which trainings are timed, in seconds.

    Raises:
        UnsupportedError: where prometheus-client is not installed.
    """

    def __init__(
        self, registry: "CollectorRegistry | None" = None, *, monotonic: Callable[[], float] = clock.perf_counter
    ) -> None:
        library = _prometheus()
        self.registry: CollectorRegistry = registry or library.CollectorRegistry()
        self._library: Final = library
        self._monotonic: Final = monotonic
        self._gates: Final[list[Gate]] = []
        self._lock: Final = Lock()
        self._detect = self._histogram("detect_seconds", "From a request to its decision.", _DETECT_SECONDS)
        self._p = self._histogram("tail_probability", "How rarely an agent's own past departs as far.", _P)
        self._training = self._histogram("training_seconds", "Training of one agent.", _TRAINING_SECONDS)
        self._verdicts = library.Counter(
            "leeway_verdicts", "What people judged.", ("flagged", "verdict"), registry=self.registry
        )
        for flagged in ("yes", "no"):
            for verdict in ("anomaly", "benign"):
                self._verdicts.labels(flagged, verdict)
        self.registry.register(_Standing(self._gates, self._lock))

    def watch(self, gate: Gate) -> None:
        """Show what a gate does from now on, and what it counted so far."""
        with self._lock:
            if gate not in self._gates:
                self._gates.append(gate)
        gate.meter = self

    def checked(self, checked: Checked) -> None:
        """Take note of a check; a watched gate calls this."""
        self._detect.observe(checked.seconds)
        if checked.result is not None:
            self._p.observe(checked.result.p)

    @contextmanager
    def training(self) -> Iterator[None]:
        """Time the training of one agent; one that fails is not counted."""
        started = self._monotonic()
        yield
        self._training.observe(max(self._monotonic() - started, 0.0))

    def verdict(self, *, flagged: bool, is_anomaly: bool) -> None:
        """Count a person's verdict on an event that was, or was not, flagged."""
        self._verdicts.labels("yes" if flagged else "no", "anomaly" if is_anomaly else "benign").inc()

    def render(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        text: bytes = self._library.generate_latest(self.registry)
        return text

    def _histogram(self, name: str, words: str, buckets: tuple[float, ...]) -> Any:  # noqa: ANN401  # of an extra
        return self._library.Histogram(f"leeway_{name}", words, buckets=buckets, registry=self.registry)


class _Standing:
    """What gates have counted, asked when metrics are collected."""

    def __init__(self, gates: list[Gate], lock: Lock) -> None:
        self._gates = gates
        self._lock = lock

    def collect(self) -> "Iterator[Metric]":
        from prometheus_client import core as families  # noqa: PLC0415  # an extra, needed only here

        with self._lock:
            counts = [gate.counts for gate in self._gates]
        for name, label, words, field in (
            ("decisions", "decision", "Decisions on acts.", "decisions"),
            ("decision_causes", "cause", "By which kind of rule it was decided.", "causes"),
            ("results", "level", "Judged acts by threat level.", "levels"),
            ("result_states", "state", "Judged acts by how far they could be judged.", "states"),
        ):
            family = families.CounterMetricFamily(f"leeway_{name}", words, labels=[label])
            for value in sorted({key for one in counts for key in getattr(one, field)}):
                family.add_metric([value], sum(getattr(one, field).get(value, 0) for one in counts))
            yield family
        failures = families.CounterMetricFamily("leeway_failures", "Acts or notes that failed.", labels=["outcome"])
        failures.add_metric(["open"], sum(one.failed_open for one in counts))
        failures.add_metric(["closed"], sum(one.failed_closed for one in counts))
        failures.add_metric(["meter"], sum(one.meter_failures for one in counts))
        yield failures
        passed, evicted = sum(one.passed for one in counts), sum(one.evicted_sessions for one in counts)
        sessions = sum(one.open_sessions for one in counts)
        yield families.CounterMetricFamily("leeway_passed", "Requests that are no act of an agent.", value=passed)
        yield families.CounterMetricFamily("leeway_evicted_sessions", "Sessions forgotten for room.", value=evicted)
        yield families.GaugeMetricFamily("leeway_open_sessions", "Sessions that are remembered.", value=sessions)
