"""Tool functions behind a gate: the call is judged before the function runs."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from functools import partial, wraps
from typing import Any, Final, ParamSpec, TypeVar

from leeway.errors import LeewayError
from leeway.gateway.adapters import TOOL_CALLED, tool_call
from leeway.gateway.decisions import Decision
from leeway.gateway.gate import Adapter, Checked, Gate

P = ParamSpec("P")
R = TypeVar("R")

Said = str | Callable[[], str | None] | None
"""A text, or what gives it at the time of a call, such as the `get` of a context variable."""

Answerer = Callable[[Checked], object]
"""Asks a person; only `True`, or an awaitable of it, is a yes."""

_OWN: Final = frozenset({"self", "cls"})


class DeniedError(LeewayError):
    """An act was denied and did not run; `checked` says by which rule."""

    def __init__(self, checked: Checked) -> None:
        super().__init__(checked.reason, hint=f"denied by the rule for: {checked.cause}")
        self.checked = checked


class ApprovalNeededError(DeniedError):
    """An act waits for a person's yes and did not run."""


class Guard:
    """Puts tool functions of one agent behind a gate.

    Args:
        gate: decides.
        agent_id: whose calls these are.
        session_id: in which session; a name that the host gave, for an agent that may choose it has no history.
        request: what the user asked for.
        on_ask: asks a person where the policy says so; without it such a call does not run.
        event_type: what calls are named in the history that the agent was trained on.

    Its calls wear a function of any kind: plain, `async`, or one that yields.
    """

    def __init__(
        self,
        gate: Gate,
        agent_id: str | Callable[[], str],
        *,
        session_id: Said = None,
        request: Said = None,
        on_ask: Answerer | None = None,
        event_type: str = TOOL_CALLED,
    ) -> None:
        self._gate = gate
        self._agent_id = agent_id
        self._session_id = session_id
        self._request = request
        self._on_ask = on_ask
        self._event_type = event_type

    def tool(self, function: Callable[P, R] | None = None, *, name: str = "", without: Collection[str] = ()) -> Any:  # noqa: ANN401  # a decorator with and without parentheses
        """Put a function behind the gate, under its own name or another; `without` names parameters not to be judged.

        Raises DeniedError, or ApprovalNeededError, in the place of a call that may not run.
        """
        if function is None:
            return lambda given: self.tool(given, name=name, without=without)
        call = _Call(self, function, name or getattr(function, "__name__", type(function).__name__), frozenset(without))
        if inspect.isasyncgenfunction(function):
            return call.yielding_later()
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004  # an object whose call is async
            return call.later()
        return call.now()

    async def admit(self, tool: str, arguments: dict[str, object]) -> Checked:
        """Return the check of a call that may run.

        Raises:
            DeniedError: where it may not.
            ApprovalNeededError: where a person has not said yes.
        """
        checked = await self._gate.check(_said(self._agent_id) or "", arguments, adapter=self._adapter(tool))
        answer: object = None
        try:
            if checked.decision is Decision.ASK and self._on_ask is not None:
                answer = self._on_ask(checked)
                if inspect.isawaitable(answer):
                    answer = await answer
        finally:
            self._heard(checked, answer)
        return _admitted(checked, answer)

    def admit_now(self, tool: str, arguments: dict[str, object]) -> Checked:
        """Return the check of a call that may run, as `admit` does, holding up the calling thread."""
        checked = self._gate.check_now(_said(self._agent_id) or "", arguments, adapter=self._adapter(tool))
        answer: object = None
        try:
            if checked.decision is Decision.ASK and self._on_ask is not None:
                answer = self._on_ask(checked)
                if inspect.iscoroutine(answer):
                    answer.close()  # it cannot be waited for here: no answer, hence no yes
        finally:
            self._heard(checked, answer)
        return _admitted(checked, answer)

    def settle(self, checked: Checked, *, success: bool) -> None:
        """Say how an admitted call went, for the calls after it."""
        self._gate.settle(checked, success=success)

    def _adapter(self, tool: str) -> Adapter:
        session_id, request = _said(self._session_id), _said(self._request)
        return partial(tool_call, tool, session_id=session_id, request=request, event_type=self._event_type)

    def _heard(self, checked: Checked, answer: object) -> None:
        if checked.decision is Decision.ASK and answer is not True:
            self._gate.withdraw(checked)


class _Call:
    """One function behind the gate."""

    def __init__(self, guard: Guard, function: Callable[..., Any], name: str, without: frozenset[str]) -> None:
        self._guard = guard
        self._function = function
        self._name = name
        self._without = without
        self._signature = inspect.signature(function)
        first = next(iter(self._signature.parameters), "")
        self._own = _OWN & {first}

    def now(self) -> Callable[..., Any]:
        function = self._function

        @wraps(function)
        def guarded(*given: Any, **named: Any) -> Any:  # noqa: ANN401  # whatever the function takes and gives
            checked = self._guard.admit_now(self._name, self._arguments(given, named))
            went_well: bool | None = False
            try:
                answer = function(*given, **named)
                is_to_come = inspect.isawaitable(answer) or inspect.isgenerator(answer)
                went_well = None if is_to_come else True
                return answer
            finally:
                if went_well is not None:
                    self._guard.settle(checked, success=went_well)

        return guarded

    def later(self) -> Callable[..., Awaitable[Any]]:
        function = self._function

        @wraps(function)
        async def guarded(*given: Any, **named: Any) -> Any:  # noqa: ANN401  # whatever the function takes and gives
            checked = await self._guard.admit(self._name, self._arguments(given, named))
            went_well = False
            try:
                answer = await function(*given, **named)
                went_well = True
                return answer
            finally:
                self._guard.settle(checked, success=went_well)

        return guarded

    def yielding_later(self) -> Callable[..., AsyncIterator[Any]]:
        function = self._function

        @wraps(function)
        async def guarded(*given: Any, **named: Any) -> AsyncIterator[Any]:  # noqa: ANN401  # likewise
            await self._guard.admit(self._name, self._arguments(given, named))
            async for item in function(*given, **named):
                yield item

        return guarded

    def _arguments(self, given: tuple[Any, ...], named: dict[str, Any]) -> dict[str, object]:
        """Return the arguments by their names, defaults included.

        Raises:
            TypeError: where the function would not take them; it is neither judged nor called then.
        """
        bound = self._signature.bind(*given, **named)
        bound.apply_defaults()
        found: dict[str, object] = {}
        for name, value in bound.arguments.items():
            if self._signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
                # A name may be given beside a parameter of that name that takes no name: none may hide the other.
                found |= {f"**{one}" if one in found else one: held for one, held in value.items()}
            elif name not in self._own:
                found[name] = value
        return {name: value for name, value in found.items() if name not in self._without}


def _admitted(checked: Checked, answer: object) -> Checked:
    if checked.decision is Decision.DENY:
        raise DeniedError(checked)
    if checked.decision is Decision.ASK and answer is not True:
        raise ApprovalNeededError(checked)
    return checked


def _said(given: Said) -> str | None:
    return given() if callable(given) else given
