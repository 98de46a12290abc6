"""A judge for tests: pure, by a table from what an event does to what is said of it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event
from typing import TypeVar

from leeway.gateway import Bounds, Gate, GatePolicy
from leeway.gateway.gate import DEFAULT_BOUNDS
from leeway.library.results import AnomalyResult, State
from leeway.library.security_event import SecurityEvent
from leeway.library.threat_level import ThreatLevel, level_of

T = TypeVar("T")

AGENT = "planner"
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)

OF_LEVEL = {ThreatLevel.NONE: 0.5, ThreatLevel.LOW: 0.03, ThreatLevel.MEDIUM: 0.004, ThreatLevel.HIGH: 0.0005}
OF_LEVEL |= {ThreatLevel.CRITICAL: 0.00001, ThreatLevel.UNKNOWN: 1.0}


def result(
    level: ThreatLevel = ThreatLevel.NONE, state: State = State.JUDGED, why: str = "", agent: str = AGENT
) -> AnomalyResult:
    p = OF_LEVEL[level]
    score = round(1 - p**0.4, 6)
    return AnomalyResult(
        agent_id=agent,
        timestamp=None,
        anomaly_score=score,
        is_anomaly=p < 0.05,
        threat_level=level if level is ThreatLevel.UNKNOWN else level_of(p),
        contributing_factors={"tool": score},
        explanation=why or f"said {level}",
        p=p,
        state=state,
    )


class TableJudge:
    """Says of an event what stands in its tool's name (a level or a state), and records what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, SecurityEvent, tuple[SecurityEvent, ...]]] = []

    def detect(self, agent_id: str, event: SecurityEvent, *, recent: Sequence[SecurityEvent] = ()) -> AnomalyResult:
        self.asked.append((agent_id, event, tuple(recent)))
        words = (event.tool or event.event_type).split("_")
        for level in ThreatLevel:
            if level.value in words:
                return result(level, agent=agent_id)
        for state in State:
            if state.value.split("_")[0] in words:
                return result(ThreatLevel.UNKNOWN, state, agent=agent_id)
        return result(agent=agent_id)


class HaltingJudge(TableJudge):
    """Does not answer before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = Event()

    def detect(self, agent_id: str, event: SecurityEvent, *, recent: Sequence[SecurityEvent] = ()) -> AnomalyResult:
        self.go.wait(10)
        return super().detect(agent_id, event, recent=recent)


class CallJudge:
    """Does what it is given: raises, or answers nonsense."""

    def __init__(self, call: Callable[[], AnomalyResult]) -> None:
        self.call = call

    def detect(self, agent_id: str, event: SecurityEvent, *, recent: Sequence[SecurityEvent] = ()) -> AnomalyResult:
        del agent_id, event, recent
        return self.call()


def raising(error: BaseException) -> CallJudge:
    def call() -> AnomalyResult:
        raise error

    return CallJudge(call)


class Ticks:
    """A monotonic clock of a quarter of a second a look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.25
        return self.now


@contextmanager
def halting_gate(policy: GatePolicy, bounds: Bounds = DEFAULT_BOUNDS) -> Iterator[Gate]:
    """A gate whose judge does not answer; it is let go in the end."""
    judge = HaltingJudge()
    with Gate(judge, policy=policy, bounds=bounds) as gate:
        yield gate
    judge.go.set()


def call(tool: str = "search", **more: object) -> dict[str, object]:
    return {"event_type": "tool_call", "timestamp": NOON, "tool": tool, **more}


def run(made: Awaitable[T]) -> T:
    async def main() -> T:
        return await made

    return asyncio.run(main())


def asked_tools(judge: TableJudge) -> list[str | None]:
    return [event.tool for _, event, _ in judge.asked]
