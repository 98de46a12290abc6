"""The gate decides whatever happens: levels, failures, time limits, many at a time."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any, cast

import pytest
from gateway_judge import (
    AGENT,
    NOON,
    CallJudge,
    HaltingJudge,
    TableJudge,
    Ticks,
    asked_tools,
    call,
    halting_gate,
    raising,
    result,
    run,
)

from leeway.events import ToolCalled, identified
from leeway.gateway import FAIL_CLOSED, FAIL_OPEN, Bounds, Cause, Checked, Decision, Gate, GatePolicy, Judge
from leeway.library.results import State
from leeway.library.threat_level import ThreatLevel

QUICK = GatePolicy(time_limit_ms=40)
PATIENT = GatePolicy(time_limit_ms=30_000)
QUICK_OPEN = GatePolicy(time_limit_ms=40, timeout=Decision.ALLOW, busy=Decision.ALLOW)


@pytest.fixture
def judge() -> TableJudge:
    return TableJudge()


@pytest.mark.parametrize(
    ("tool", "decision"),
    [
        ("search", Decision.ALLOW),
        ("low_one", Decision.ALLOW),
        ("medium_one", Decision.ASK),
        ("high_one", Decision.DENY),
        ("critical_one", Decision.DENY),
        ("learning", Decision.ALLOW),
        ("unknown_one", Decision.ASK),
        ("malformed", Decision.ASK),
    ],
)
def test_a_decision_with_its_reason_and_result(judge: TableJudge, tool: str, decision: Decision) -> None:
    with Gate(judge) as gate:
        checked = run(gate.check(AGENT, call(tool)))
        assert gate.check_now(AGENT, call(tool)).decision is decision
    assert checked.decision is decision
    assert checked.is_allowed is (decision is Decision.ALLOW)
    assert checked.result is not None
    assert checked.reason
    assert checked.event is not None
    assert checked.event.tool == tool
    assert gate.counts.decisions == {decision.value: 2}


FAILING = [
    pytest.param(raising(ValueError("token=hunter2hunter2")), "ValueError", id="raises"),
    pytest.param(raising(SystemExit(3)), "SystemExit", id="exits"),
    pytest.param(raising(RecursionError()), "RecursionError", id="recurses"),
    pytest.param(CallJudge(cast("Any", lambda: None)), "no result", id="says nothing"),
    pytest.param(CallJudge(cast("Any", lambda: {"threat_level": "none"})), "no result", id="says something else"),
    pytest.param(CallJudge(lambda: result(agent="another")), "no result", id="speaks of another agent"),
    pytest.param(CallJudge(lambda: result(cast("Any", ThreatLevel.LOW))), "", id="answers"),
]


@pytest.mark.parametrize(
    ("policy", "decision"), [(FAIL_CLOSED, Decision.DENY), (FAIL_OPEN, Decision.ALLOW)], ids=["closed", "open"]
)
@pytest.mark.parametrize(("failing", "words"), FAILING)
def test_a_judge_that_fails_is_decided_by_policy_and_counted(
    failing: CallJudge, words: str, policy: GatePolicy, decision: Decision
) -> None:
    with Gate(failing, policy=policy) as gate:
        checked = run(gate.check(AGENT, call()))
    counts = gate.counts
    if not words:
        assert (checked.decision, counts.failed_open, counts.failed_closed) == (Decision.ALLOW, 0, 0)
        return
    assert (checked.decision, checked.cause, checked.result) == (decision, Cause.ERROR, None)
    assert not checked.is_judged
    assert words in checked.reason
    assert "hunter2" not in checked.reason
    assert (counts.failed_open, counts.failed_closed) == ((1, 0) if decision is Decision.ALLOW else (0, 1))
    assert counts.levels == {}


@pytest.mark.parametrize("level", ["high", ThreatLevel.HIGH.rank, None], ids=repr)
def test_a_level_that_is_none_does_not_reach_the_policy(level: object) -> None:
    answer = result()
    odd = type(answer)(**{name: getattr(answer, name) for name in answer.__struct_fields__} | {"threat_level": level})
    with Gate(CallJudge(lambda: odd)) as gate:
        assert gate.check_now(AGENT, call()).cause is Cause.ERROR


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        pytest.param({"timestamp": NOON}, "no event_type", id="no type"),
        pytest.param(call(timestamp=datetime(2026, 3, 9)), "no zone", id="no zone"),  # noqa: DTZ001  # meant
        pytest.param(call(timestamp="yesterday"), "ISO 8601", id="no time"),
        pytest.param(7, "not int", id="no event"),
        pytest.param(None, "not NoneType", id="nothing"),
    ],
)
def test_a_request_that_is_no_event(judge: TableJudge, request_: object, words: str) -> None:
    with Gate(judge) as gate:
        checked = run(gate.check(AGENT, request_))
    assert (checked.decision, checked.cause, checked.event) == (Decision.DENY, Cause.UNREADABLE, None)
    assert words in checked.reason
    assert judge.asked == []
    assert gate.counts.failed_closed == 1


@pytest.mark.parametrize("agent", ["", "x" * 1025], ids=["none", "long"])
def test_an_agent_without_a_name_is_not_judged(judge: TableJudge, agent: str) -> None:
    with Gate(judge) as gate:
        assert gate.check_now(agent, call()).cause is Cause.UNREADABLE
    assert judge.asked == []


def test_an_adapter_that_fails_says_no_secret(judge: TableJudge) -> None:
    def adapter(request: dict[str, object]) -> object:
        return request["password=hunter2hunter2"]

    with Gate(judge, adapter=adapter) as gate:
        checked = gate.check_now(AGENT, {})
    assert (checked.cause, checked.reason) == (
        Cause.UNREADABLE,
        "the request is no event that can be judged: KeyError",
    )


def test_typed_events_are_events(judge: TableJudge) -> None:
    typed = identified(ToolCalled(time=NOON, host="h1", tool="high_one", arguments={"to": "ana"}))
    with Gate(judge) as gate:
        assert gate.check_now(AGENT, typed).decision is Decision.DENY


@pytest.mark.parametrize(
    ("judging", "decision", "cause"),
    [
        pytest.param(TableJudge(), Decision.DENY, Cause.LEVEL, id="answers"),
        pytest.param(raising(OSError()), Decision.DENY, Cause.ERROR, id="raises"),
    ],
)
def test_a_gate_without_threads(judging: Judge, decision: Decision, cause: Cause) -> None:
    with Gate(judging, bounds=Bounds(workers=0)) as gate:
        found = [run(gate.check(AGENT, call("high_one"))), gate.check_now(AGENT, call("high_one"))]
    assert [(one.decision, one.cause) for one in found] == [(decision, cause)] * 2
    assert gate.check_now(AGENT, call()).cause is Cause.BUSY  # it is closed


# Time


def test_the_event_s_own_time_holds(judge: TableJudge) -> None:
    with Gate(judge) as gate:
        gate.check_now(AGENT, call())
        gate.check_now(AGENT, call(), time=NOON + timedelta(hours=3))
    assert [event.timestamp for _, event, _ in judge.asked] == [NOON, NOON + timedelta(hours=3)]


def test_a_given_time_holds_over_what_the_agent_says(judge: TableJudge) -> None:
    night = datetime(2026, 3, 10, 3, tzinfo=UTC)
    with Gate(judge, time=lambda: night) as gate:
        gate.check_now(AGENT, call())
        gate.check_now(AGENT, {"event_type": "call"})
    assert [event.timestamp for _, event, _ in judge.asked] == [night, night]


def test_an_event_without_time_stands_at_its_place(judge: TableJudge) -> None:
    with Gate(judge, bounds=Bounds(history=2)) as gate:
        for _ in range(4):
            gate.check_now(AGENT, {"event_type": "call", "session_id": "s"})
    assert [(event.timestamp, event.sequence) for _, event, _ in judge.asked] == [(None, n) for n in range(4)]


def test_latency_is_measured_by_what_was_given(judge: TableJudge) -> None:
    with Gate(judge, monotonic=Ticks()) as gate:
        assert gate.check_now(AGENT, call()).seconds == 0.25
        assert run(gate.check(AGENT, call())).seconds == 0.25


# A judge that is slow


@pytest.mark.parametrize(
    ("policy", "decision"), [(QUICK, Decision.DENY), (QUICK_OPEN, Decision.ALLOW)], ids=["closed", "open"]
)
def test_a_slow_judge_is_not_waited_for(policy: GatePolicy, decision: Decision) -> None:
    with halting_gate(policy) as gate:
        checked = run(gate.check(AGENT, call()))
        assert gate.check_now(AGENT, call()).decision is decision
        counts = gate.counts
    assert (checked.decision, checked.cause) == (decision, Cause.TIMEOUT)
    assert counts.failed_open + counts.failed_closed == 2
    assert (counts.failed_open == 2) is (decision is Decision.ALLOW)


def test_the_loop_goes_on_while_the_judge_is_slow() -> None:
    async def main(gate: Gate) -> tuple[int, Checked]:
        task = asyncio.create_task(gate.check(AGENT, call()))
        turns = 0
        while not task.done():
            await asyncio.sleep(0.001)
            turns += 1
        return turns, await task

    with halting_gate(QUICK) as gate:
        turns, checked = run(main(gate))
    assert turns >= 5
    assert checked.cause is Cause.TIMEOUT


def test_what_waits_is_bounded_when_the_judge_hangs() -> None:
    async def main(gate: Gate) -> list[Checked]:
        return await asyncio.gather(*(gate.check(AGENT, call()) for _ in range(20)))

    with halting_gate(QUICK, Bounds(workers=2, waiting=5)) as gate:
        causes = [one.cause for one in run(main(gate))]
        assert gate.check_now(AGENT, call()).cause is Cause.BUSY
    assert sorted(causes) == [Cause.BUSY] * 15 + [Cause.TIMEOUT] * 5


def test_the_gate_works_again_when_the_judge_does() -> None:
    judge = HaltingJudge()
    with Gate(judge, policy=QUICK, bounds=Bounds(workers=1, waiting=1)) as gate:
        assert gate.check_now(AGENT, call()).cause is Cause.TIMEOUT
        judge.go.set()
        while gate.check_now(AGENT, call()).cause is not Cause.LEVEL:
            sleep(0.001)
        assert {gate.check_now(AGENT, call()).cause for _ in range(50)} == {Cause.LEVEL}


def test_a_closed_gate_lets_nothing_pass(judge: TableJudge) -> None:
    with Gate(judge) as gate:
        pass
    assert gate.check_now(AGENT, call()).decision is Decision.DENY
    assert judge.asked == []


# History


def test_recent_is_what_the_session_did(judge: TableJudge) -> None:
    with Gate(judge, bounds=Bounds(history=2)) as gate:
        for tool in ("one", "two", "three", "four"):
            gate.check_now(AGENT, call(tool, session_id="s"))
        gate.check_now(AGENT, call("other", session_id="t"))
        gate.check_now("another", call("foreign", session_id="s"))
    assert [[one.tool for one in recent] for _, _, recent in judge.asked] == [
        [],
        ["one"],
        ["one", "two"],
        ["two", "three"],
        [],
        [],
    ]


@pytest.mark.parametrize(
    ("remembers", "then"), [(False, []), (True, [("high_one", False)])], ids=["did not happen", "an attempt"]
)
def test_what_was_denied_did_not_happen(judge: TableJudge, *, remembers: bool, then: list[tuple[str, bool]]) -> None:
    with Gate(judge, policy=GatePolicy(remembers_denied=remembers)) as gate:
        gate.check_now(AGENT, call("high_one"))
        gate.check_now(AGENT, call("next"))
    assert [(one.tool, one.success) for one in judge.asked[-1][2]] == then


def test_how_an_act_went_is_seen_by_the_next(judge: TableJudge) -> None:
    with Gate(judge) as gate:
        first, second = gate.check_now(AGENT, call("one")), gate.check_now(AGENT, call("two"))
        assert gate.settle(first, success=False, duration_ms=12.5)
        assert gate.withdraw(second)
        assert not gate.settle(second, success=True)
        gate.check_now(AGENT, call("three"))
    assert [(one.tool, one.success, one.duration_ms) for one in judge.asked[-1][2]] == [("one", False, 12.5)]


def test_acts_at_the_same_time_see_each_other() -> None:
    judge = HaltingJudge()

    async def main(gate: Gate) -> list[Checked]:
        tasks = [asyncio.create_task(gate.check(AGENT, call(f"t{number}"))) for number in range(6)]
        await asyncio.sleep(0.01)
        judge.go.set()
        return await asyncio.gather(*tasks)

    with Gate(judge) as gate:
        assert all(one.is_allowed for one in run(main(gate)))
    assert sorted(len(recent) for _, _, recent in judge.asked) == [0, 1, 2, 3, 4, 5]


def test_an_act_that_was_cancelled_is_forgotten() -> None:
    judge = HaltingJudge()

    async def main(gate: Gate) -> None:
        task = asyncio.create_task(gate.check(AGENT, call("cancelled")))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        judge.go.set()
        await gate.check(AGENT, call("next"))

    with Gate(judge) as gate:
        run(main(gate))
    assert judge.asked[-1][2] == ()


# Trust, meters, threads


def test_a_trusted_agent_is_judged_every_time(judge: TableJudge) -> None:
    with Gate(judge, policy=GatePolicy(trusted=frozenset({AGENT}))) as gate:
        decisions = [gate.check_now(AGENT, call(tool)).decision for tool in ("search", "medium_one", "high_one") * 2]
    assert decisions == [Decision.ALLOW, Decision.ALLOW, Decision.DENY] * 2
    assert asked_tools(judge) == ["search", "medium_one", "high_one"] * 2
    assert gate.counts.causes == {"level": 4, "trust": 2}


def test_a_meter_that_fails_stops_nothing(judge: TableJudge) -> None:
    class Broken:
        def checked(self, checked: Checked) -> None:
            raise OSError(checked.agent_id)

    with Gate(judge, meter=Broken()) as gate:
        assert gate.check_now(AGENT, call()).is_allowed
    assert gate.counts.meter_failures == 1


def test_threads_and_loops_share_a_gate(judge: TableJudge) -> None:
    def use(number: int) -> list[bool]:
        async def main() -> list[Checked]:
            return await asyncio.gather(*(gate.check(f"a{number}", call(tool)) for tool in ("search", "high_one") * 20))

        return [one.is_allowed for one in asyncio.run(main())] + [gate.check_now(f"a{number}", call()).is_allowed]

    with Gate(judge, policy=PATIENT) as gate, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(use, range(8)))
    assert found == [[True, False] * 20 + [True]] * 8
    assert gate.counts.decisions == {"allow": 8 * 21, "deny": 8 * 20}
    assert gate.counts.open_sessions == 8


def test_states_and_levels_are_counted(judge: TableJudge) -> None:
    with Gate(judge) as gate:
        for tool in ("search", "search", "low_one", "learning", "unknown_one"):
            gate.check_now(AGENT, call(tool))
    assert gate.counts.levels == {"none": 2, "low": 1, "unknown": 2}
    assert gate.counts.states == {State.JUDGED.value: 4, State.LEARNING.value: 1}


def test_arguments_that_change_while_they_are_weighed_are_no_event(judge: TableJudge) -> None:
    class Changing(dict[str, object]):
        def values(self) -> Any:  # noqa: ANN401  # as of a mapping that another thread changes
            raise RuntimeError("dictionary changed size during iteration")

    with Gate(judge) as gate:
        checked = gate.check_now(AGENT, call(arguments=Changing(to="ana")))
    assert (checked.cause, checked.is_allowed) == (Cause.UNREADABLE, False)


def test_a_judge_that_hangs_does_not_keep_the_program_from_ending() -> None:
    code = """
import sys, threading
from leeway.gateway import Gate, GatePolicy
class Hanging:
    def detect(self, agent_id, event, *, recent=()):
        threading.Event().wait()
gate = Gate(Hanging(), policy=GatePolicy(time_limit_ms=20))
sys.stdout.write(gate.check_now("a", {"event_type": "x", "sequence": 1}).cause)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert ended.stdout == "timeout"
