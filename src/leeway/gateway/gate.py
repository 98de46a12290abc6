"""The gate: an act is judged before it runs, and a policy decides; whatever happens, there is a decision."""

import asyncio
import time as clock
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol, Self

from msgspec import Struct
from msgspec.structs import replace

from leeway.errors import InvalidEventError
from leeway.gateway.attempt import Attempt
from leeway.gateway.decisions import FAIL_CLOSED, FAILURES, Cause, Decision, GatePolicy, Ruling, ruling_on
from leeway.gateway.decisions import ruling_on_failure as failed
from leeway.gateway.sessions import Bounds, Place, Sessions
from leeway.gateway.tally import Counts, Tally
from leeway.gateway.workers import Outcome, Workers
from leeway.library.results import AnomalyResult, State
from leeway.library.security_event import MOST_NAME, SecurityEvent, read_event
from leeway.library.threat_level import ThreatLevel

Adapter = Callable[[Any], object]
"""Makes an event of a request: a mapping, a typed event or a `SecurityEvent`."""

DEFAULT_BOUNDS: Final = Bounds()

_AWRY: Final = "its answer is no result for this agent"


class Judge(Protocol):
    """Whoever judges events: `AnomalyDetector` does. Several threads may ask at a time."""

    def detect(self, agent_id: str, event: SecurityEvent, *, recent: Sequence[SecurityEvent] = ()) -> AnomalyResult:
        """Return how far an event departs from what the agent does, after those before it. Remembers nothing."""
        ...


class Checked(Struct, frozen=True, kw_only=True):
    """What a gate says of one act."""

    agent_id: str
    decision: Decision
    cause: Cause
    reason: str
    """One line in words, without secrets of a known shape."""
    result: AnomalyResult | None = None
    """None where nothing was judged: see `cause`."""
    event: SecurityEvent | None = None
    """The act as it was judged; None where the request is no event."""
    seconds: float = 0.0
    """From the request to the decision."""
    place: Place | None = None
    """Where it stands in the session's history."""

    @property
    def is_allowed(self) -> bool:
        """Whether the act may run."""
        return self.decision is Decision.ALLOW

    @property
    def is_judged(self) -> bool:
        """Whether the judge gave an answer."""
        return self.cause not in FAILURES


class Meter(Protocol):
    """Whoever is told of each decision, such as `Metrics`. What it raises is counted and goes no further."""

    def checked(self, checked: Checked) -> None:
        """Take note of a decision."""
        ...


class _Draft(NamedTuple):
    agent_id: str
    started: float
    event: SecurityEvent | None = None
    place: Place | None = None
    recent: tuple[SecurityEvent, ...] = ()
    trouble: str = ""


class Gate:
    """Judges acts before they run. Threads and event loops may share one gate.

    Args:
        judge: who judges; it runs in threads (`Bounds.workers`), each act at most as long as the policy's time limit.
        policy: which decision follows from what.
        bounds: how much is remembered, and how much waits.
        adapter: makes an event of a request; a request is an event by itself by default.
        time: says when an act happens, with a zone, whatever its event says. By default an event's own time holds, and
            one without time stands at its place in the order of its session.
        monotonic: by which latency is measured, in seconds.
        meter: is told of each decision.
    """

    def __init__(
        self,
        judge: Judge,
        *,
        policy: GatePolicy = FAIL_CLOSED,
        bounds: Bounds = DEFAULT_BOUNDS,
        adapter: Adapter = lambda request: request,
        time: Callable[[], datetime] | None = None,
        monotonic: Callable[[], float] = clock.perf_counter,
        meter: Meter | None = None,
    ) -> None:
        self.policy: Final = policy
        self._judge: Final = judge
        self._adapter: Final = adapter
        self._time: Final = time
        self._monotonic: Final = monotonic
        self.meter = meter
        self._sessions: Final = Sessions(bounds)
        self._workers: Final = Workers(bounds.workers, bounds.waiting)
        self._tally: Final = Tally()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def counts(self) -> Counts:
        """What the gate did so far."""
        return self._tally.counts(self._sessions.open, self._sessions.evicted)

    def close(self) -> None:
        """Let the threads end. What is checked from now on is decided by the policy's rule for a busy judge."""
        self._workers.close()

    def is_judging(self) -> bool:
        """Say whether the caller is the judge at work, whose own acts cannot wait for a judgement."""
        return self._workers.is_inside()

    async def check(
        self, agent_id: str, request: object, *, time: datetime | None = None, adapter: Adapter | None = None
    ) -> Checked:
        """Return the decision on an act, waiting without holding up the loop.

        There is no way around the judge: not for a trusted agent, not for one that was allowed before. `time` and
        `adapter` hold for this act in the place of the gate's own.
        """
        draft = self._drafted(agent_id, request, time, adapter)
        future = self._submitted(draft)
        if future is not None and not future.done():
            waiting = asyncio.wrap_future(future)
            has_waited = False
            try:
                await asyncio.wait({waiting}, timeout=self.policy.time_limit_ms / 1000)
                has_waited = True
            finally:
                waiting.cancel()  # nothing where it is done; work that has not begun is dropped
                future.cancel()
                if not has_waited and draft.place is not None:  # whoever asked was cancelled: the act will not run
                    self._sessions.change(draft.place, None)
        return self._concluded(draft, future)

    def check_now(
        self,
        agent_id: str,
        request: object,
        *,
        time: datetime | None = None,
        adapter: Adapter | None = None,
        has_happened: bool = False,
    ) -> Checked:
        """Return the decision as `check` does, holding up the calling thread for the policy's time limit at most.

        An act that `has_happened` stays in its session's history whatever is decided.
        """
        draft = self._drafted(agent_id, request, time, adapter)
        future = self._submitted(draft)
        if future is not None:
            wait({future}, timeout=self.policy.time_limit_ms / 1000)
            future.cancel()
        return self._concluded(draft, future, has_happened=has_happened)

    def settle(self, checked: Checked, *, success: bool, duration_ms: float | None = None) -> bool:
        """Say how an allowed act went, for the acts after it; False where it is remembered no more."""
        if checked.place is None or checked.event is None:
            return False
        took = checked.event.duration_ms if duration_ms is None else duration_ms
        return self._sessions.change(checked.place, replace(checked.event, success=success, duration_ms=took))

    def withdraw(self, checked: Checked) -> bool:
        """Say that an act did not happen after all, such as one to which a person said no."""
        return checked.place is not None and self._sessions.change(checked.place, None)

    def passed(self) -> None:
        """Count a request that is no act of an agent, and was therefore not judged."""
        self._tally.add("passed")

    def _drafted(self, agent_id: str, request: object, time: datetime | None, adapter: Adapter | None) -> _Draft:
        started = self._monotonic()
        known: tuple[SecurityEvent, Place, tuple[SecurityEvent, ...]] | None = None
        with Attempt() as attempt:
            if not agent_id or len(agent_id) > MOST_NAME:
                raise InvalidEventError("the agent has no name, or one that is too long")
            when = time or (self._time() if self._time else None)
            event = self._event(agent_id, (adapter or self._adapter)(request), when)
            known = (event, *self._sessions.add(agent_id, event))
        if known is None:
            own = isinstance(attempt.error, InvalidEventError)
            return _Draft(agent_id, started, trouble=str(attempt.error) if own else attempt.failure)
        return _Draft(agent_id, started, *known)

    def _event(self, agent_id: str, given: object, time: datetime | None) -> SecurityEvent:
        if isinstance(given, Mapping):
            if time is not None:
                given = {**given, "timestamp": time}
            elif given.get("timestamp") is None and given.get("sequence") is None:
                session_id = given.get("session_id")
                known = session_id if isinstance(session_id, str) else ""
                given = {**given, "sequence": self._sessions.position(agent_id, known)}
            return read_event(given)
        event = read_event(given)
        return event if time is None else replace(event, timestamp=time)

    def _submitted(self, draft: _Draft) -> "Future[Outcome[AnomalyResult]] | None":
        if draft.event is None:
            return None
        return self._workers.submit(partial(self._judge.detect, draft.agent_id, draft.event, recent=draft.recent))

    def _concluded(
        self, draft: _Draft, future: "Future[Outcome[AnomalyResult]] | None", *, has_happened: bool = False
    ) -> Checked:
        ruling, result = self._ruled(draft, future)
        place, does_happen = draft.place, has_happened or ruling.decision is not Decision.DENY
        if not does_happen and draft.event is not None and place is not None:
            kept = replace(draft.event, success=False) if self.policy.remembers_denied else None
            self._sessions.change(place, kept)
            place = place if kept else None
        checked = Checked(
            agent_id=draft.agent_id,
            decision=ruling.decision,
            cause=ruling.cause,
            reason=ruling.reason,
            result=result,
            event=draft.event,
            seconds=max(self._monotonic() - draft.started, 0.0),
            place=place,
        )
        self._told(checked)
        return checked

    def _ruled(
        self, draft: _Draft, future: "Future[Outcome[AnomalyResult]] | None"
    ) -> tuple[Ruling, AnomalyResult | None]:
        if draft.event is None:
            return failed(self.policy, Cause.UNREADABLE, draft.trouble), None
        if future is None:
            return failed(self.policy, Cause.BUSY), None
        if not future.done() or future.cancelled():
            return failed(self.policy, Cause.TIMEOUT), None
        result, failure = future.result()
        if failure or result is None:
            return failed(self.policy, Cause.ERROR, failure or _AWRY), None
        if not _is_result(result, draft.agent_id):
            return failed(self.policy, Cause.ERROR, _AWRY), None
        return ruling_on(self.policy, result), result

    def _told(self, checked: Checked) -> None:
        level = checked.result.threat_level.value if checked.result else ""
        state = checked.result.state.value if checked.result else ""
        self._tally.decided(checked.decision, checked.cause, level, state)
        if self.meter is not None:
            with Attempt() as attempt:
                self.meter.checked(checked)
            if attempt.error is not None:
                self._tally.add("meter")


_KINDS: Final = {"agent_id": str, "threat_level": ThreatLevel, "state": State, "explanation": str}


def _is_result(result: object, agent_id: str) -> bool:
    """Say whether a judge's answer is one for this agent: another one must fail here and not in the policy."""
    return isinstance(result, AnomalyResult) and (
        all(isinstance(getattr(result, name), kind) for name, kind in _KINDS.items()) and result.agent_id == agent_id
    )
