"""Tool functions behind the gate: what is denied is never called."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import Context, ContextVar
from functools import partial
from typing import Any

import pytest
from gateway_judge import AGENT, TableJudge, raising, run

from leeway.gateway import ApprovalNeededError, Cause, Checked, Decision, DeniedError, Gate, Guard

Made = Callable[..., Any]
CALLED: list[object] = []


@pytest.fixture
def judge() -> TableJudge:
    CALLED.clear()
    return TableJudge()


@pytest.fixture
def guard(judge: TableJudge) -> Iterator[Guard]:
    with Gate(judge) as gate:
        yield Guard(gate, AGENT)


def plainly(to: str, *rest: int, text: str = "hi", **more: object) -> str:
    CALLED.append((to, rest, text, more))
    return f"sent to {to}"


async def later(to: str) -> str:
    await asyncio.sleep(0)
    CALLED.append(to)
    return f"sent to {to}"


async def yielding_later(to: str) -> AsyncIterator[str]:
    CALLED.append(to)
    yield to
    yield "end"


def yielding(to: str) -> Iterator[str]:
    CALLED.append(to)
    yield to
    yield "end"


class Sender:
    async def __call__(self, to: str) -> str:
        CALLED.append(to)
        return to

    def send(self, to: str) -> str:
        CALLED.append(to)
        return to


async def all_of(stream: AsyncIterator[str]) -> list[str]:
    return [one async for one in stream]


KINDS = [
    pytest.param(plainly, lambda made: made, "sent to ana", id="plain"),
    pytest.param(later, run, "sent to ana", id="async"),
    pytest.param(yielding, list, ["ana", "end"], id="generator"),
    pytest.param(yielding_later, lambda made: run(all_of(made)), ["ana", "end"], id="async generator"),
    pytest.param(Sender(), run, "ana", id="object with an async call"),
    pytest.param(partial(later), run, "sent to ana", id="partial"),
    pytest.param(lambda to: later(to), run, "sent to ana", id="gives an awaitable"),  # noqa: PLW0108  # meant
    pytest.param(Sender().send, lambda made: made, "ana", id="method"),
]


@pytest.mark.parametrize(("function", "awaited", "answer"), KINDS)
def test_what_is_allowed_runs(guard: Guard, judge: TableJudge, function: Made, awaited: Made, answer: object) -> None:
    guarded = guard.tool(function, name="send")
    assert awaited(guarded(to="ana")) == answer
    assert len(CALLED) == 1
    assert [(event.tool, (event.arguments or {})["to"]) for _, event, _ in judge.asked] == [("send", "ana")]


@pytest.mark.parametrize(("function", "awaited", "answer"), KINDS)
@pytest.mark.parametrize(("name", "error"), [("high_one", DeniedError), ("medium_one", ApprovalNeededError)])
def test_what_is_not_allowed_is_never_called(
    guard: Guard, function: Made, awaited: Made, answer: object, name: str, error: type[DeniedError]
) -> None:
    del answer
    guarded = guard.tool(function, name=name)
    with pytest.raises(error) as raised:
        awaited(guarded(to="ana"))
    assert type(raised.value) is error
    assert CALLED == []
    assert raised.value.checked.reason == str(raised.value)
    assert str(raised.value).startswith("level ")
    assert raised.value.hint == "denied by the rule for: level"


def test_a_judge_that_fails_stops_the_tool() -> None:
    CALLED.clear()
    with Gate(raising(OSError())) as gate:
        guarded = Guard(gate, AGENT).tool(plainly)
        with pytest.raises(DeniedError, match="the judge failed: OSError"):
            guarded("ana")
    assert CALLED == []


def test_arguments_are_judged_by_their_names(guard: Guard, judge: TableJudge) -> None:
    guard.tool(plainly)("ana", 1, 2, extra={"a": object()})
    event = judge.asked[0][1]
    assert (event.tool, event.event_type) == ("plainly", "tool_called")
    assert event.arguments == {"to": "ana", "rest": [1, 2], "text": "hi", "extra": {"a": "<object>"}}


def test_some_parameters_are_not_judged(guard: Guard, judge: TableJudge) -> None:
    class Tools:
        @guard.tool(without=("context",))
        def send(self, to: str, context: object = None) -> str:
            del context
            return to

    assert Tools().send("ana", context="secret") == "ana"
    assert judge.asked[0][1].arguments == {"to": "ana"}


def test_no_argument_hides_another(guard: Guard, judge: TableJudge) -> None:
    @guard.tool
    def send(to: str, /, **more: object) -> object:
        return to, more

    assert send("mallory", to="ana") == ("mallory", {"to": "ana"})
    assert judge.asked[0][1].arguments == {"to": "mallory", "**to": "ana"}


def test_arguments_that_do_not_fit_are_neither_judged_nor_called(guard: Guard, judge: TableJudge) -> None:
    with pytest.raises(TypeError):
        guard.tool(plainly)()
    assert (judge.asked, CALLED) == ([], [])


def test_arguments_without_end_are_no_event(guard: Guard) -> None:
    twice: object = "x"
    for _ in range(40):
        twice = [twice] * 4
    with pytest.raises(DeniedError, match="100,000 values") as raised:
        guard.tool(plainly)("ana", extra=twice)
    assert raised.value.checked.cause is Cause.UNREADABLE


def test_how_calls_went_is_remembered(guard: Guard, judge: TableJudge) -> None:
    @guard.tool
    def fails(*, badly: bool) -> None:
        if badly:
            raise LookupError("no such file")

    @guard.tool
    async def fails_later() -> None:
        raise LookupError("no such file")

    fails(badly=False)
    with pytest.raises(LookupError, match="no such file"):
        fails(badly=True)
    with pytest.raises(LookupError):
        asyncio.run(fails_later())
    guard.tool(yielding)("ana")
    guard.tool(plainly)("ana")
    assert [(one.tool, one.success) for one in judge.asked[-1][2]] == [
        ("fails", True),
        ("fails", False),
        ("fails_later", False),
        ("yielding", None),
    ]


def test_a_decorated_function_looks_like_itself(guard: Guard) -> None:
    guarded = guard.tool(later)
    assert (guarded.__name__, inspect.iscoroutinefunction(guarded)) == ("later", True)
    assert list(inspect.signature(guarded).parameters) == ["to"]


# A person's yes


async def yes_later(checked: Checked) -> object:
    await asyncio.sleep(0)
    return checked.decision is Decision.ASK


ANSWERS = [
    pytest.param(lambda _: True, True, id="yes"),
    pytest.param(lambda _: False, False, id="no"),
    pytest.param(lambda _: "yes", False, id="only true is yes"),
    pytest.param(lambda _: None, False, id="no answer"),
]


@pytest.mark.parametrize(("on_ask", "runs"), ANSWERS)
@pytest.mark.parametrize("function", [plainly, later], ids=["plain", "async"])
def test_a_person_is_asked(judge: TableJudge, on_ask: Made, function: Made, *, runs: bool) -> None:
    with Gate(judge) as gate:
        guard = Guard(gate, AGENT, on_ask=on_ask)
        guarded = guard.tool(function, name="medium_one")
        made = (lambda: run(guarded("ana"))) if function is later else (lambda: guarded("ana"))
        if runs:
            assert made() == "sent to ana"
        else:
            with pytest.raises(ApprovalNeededError):
                made()
        assert len(CALLED) == runs
        gate.check_now(AGENT, {"event_type": "next"})
    assert len(judge.asked[-1][2]) == runs


def test_an_answer_that_comes_later(judge: TableJudge) -> None:
    with Gate(judge) as gate:
        guard = Guard(gate, AGENT, on_ask=yes_later)
        assert run(guard.tool(later, name="medium_one")("ana")) == "sent to ana"
        with pytest.raises(ApprovalNeededError):  # nobody can wait for it in a plain function
            guard.tool(plainly, name="medium_one")("ana")


def test_a_question_that_cannot_be_asked_is_no_yes(judge: TableJudge) -> None:
    def broken(checked: Checked) -> object:
        raise ConnectionError(checked.agent_id)

    with Gate(judge) as gate:
        guard = Guard(gate, AGENT, on_ask=broken)
        with pytest.raises(ConnectionError):
            guard.tool(plainly, name="medium_one")("ana")
        gate.check_now(AGENT, {"event_type": "next"})
    assert CALLED == []
    assert judge.asked[-1][2] == ()


def test_who_and_for_what_may_be_known_only_at_the_call(judge: TableJudge) -> None:
    agent: ContextVar[str] = ContextVar("agent")
    session: ContextVar[str | None] = ContextVar("session", default=None)
    with Gate(judge) as gate:
        guarded = Guard(gate, agent.get, session_id=session.get, request=lambda: "book a room").tool(plainly)
        agent.set("reader")
        session.set("s1")
        guarded("ana")
        with pytest.raises(LookupError):  # nobody said who
            asyncio.run(_in_nobody_s_name(guarded))
    asked, event, _ = judge.asked[0]
    assert (asked, event.session_id, event.request) == ("reader", "s1", "book a room")
    assert len(CALLED) == 1


async def _in_nobody_s_name(guarded: Made) -> None:
    Context().run(guarded, "ana")
