"""What a gate counts."""

from collections import Counter
from threading import Lock

from msgspec import Struct

from leeway.gateway.decisions import FAILURES, Cause, Decision


class Counts(Struct, frozen=True, kw_only=True):
    """How often each thing happened."""

    decisions: dict[str, int]
    causes: dict[str, int]
    levels: dict[str, int]
    """Threat levels of what was judged."""
    states: dict[str, int]
    failed_open: int
    """Acts that could not be judged and were allowed."""
    failed_closed: int
    """Acts that could not be judged and were not allowed."""
    passed: int
    """Requests that are no act of an agent."""
    meter_failures: int
    """Decisions that the meter failed to take note of."""
    open_sessions: int
    evicted_sessions: int


class Tally:
    """Counts decisions. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._decisions: Counter[str] = Counter()
        self._causes: Counter[str] = Counter()
        self._levels: Counter[str] = Counter()
        self._states: Counter[str] = Counter()
        self._others: Counter[str] = Counter()

    def decided(self, decision: Decision, cause: Cause, level: str, state: str) -> None:
        """Count a decision; level and state are empty where nothing was judged."""
        with self._lock:
            self._decisions[decision.value] += 1
            self._causes[cause.value] += 1
            if cause in FAILURES:
                self._others["failed_open" if decision is Decision.ALLOW else "failed_closed"] += 1
            if level:
                self._levels[level] += 1
                self._states[state] += 1

    def add(self, what: str) -> None:
        """Count something else."""
        with self._lock:
            self._others[what] += 1

    def counts(self, open_sessions: int, evicted_sessions: int) -> Counts:
        """Return what was counted so far."""
        with self._lock:
            return Counts(
                decisions=dict(self._decisions),
                causes=dict(self._causes),
                levels=dict(self._levels),
                states=dict(self._states),
                failed_open=self._others["failed_open"],
                failed_closed=self._others["failed_closed"],
                passed=self._others["passed"],
                meter_failures=self._others["meter"],
                open_sessions=open_sessions,
                evicted_sessions=evicted_sessions,
            )
