"""What an agent and its cohort do with tools, and how far a call or a session departs from it.

Every aspect becomes a tail probability under benign runs that are judged with their own task left out. -log p is summed
over the aspects of a call; the worst call counts, and the excesses of the whole run are added. No weights, no labels.
"""

import math
from collections.abc import Sequence
from typing import Final

from msgspec import Struct, field

from leeway.library.calls.asking import Expected
from leeway.library.calls.aspects import OF_RUN, TOOL, UNRELATED, CallLook, Known, RunLook, look_at_call, look_at_run
from leeway.library.calls.aspects import excesses as run_excesses
from leeway.library.calls.reading import Request, read_call, read_request, read_run
from leeway.library.calls.session import MOST_REASONS, Reason, SessionResult, call_reason, run_reason
from leeway.library.calls.tails import Tail
from leeway.library.calls.words import changes_something
from leeway.library.results import State
from leeway.library.security_event import SecurityEvent
from leeway.library.threat_level import ThreatLevel, level_of

LEAST_RUNS: Final = 10
"""Sessions below which a model is still learning."""

SCALE: Final = 10.0
"""s of score = 1 - exp(-surprise / s): the score passes .7 at a surprise of 12, five or six aspects at p = .1."""

_WORTH_TELLING: Final = 1.2
"""Surprise from which an aspect is a reason; p below .3."""


_REMEMBERED: Final = 64
"""Requests of which it is remembered what they lead to."""


def tail_name(aspect: str, *, changes: bool) -> str:
    """Return under which name the tail of an aspect of a call is kept."""
    if aspect != UNRELATED:
        return aspect
    return f"{aspect}.changing" if changes else f"{aspect}.reading"


def unjudged(state: State) -> SessionResult:
    """Return what is said of a session that nothing can be compared with."""
    return SessionResult(score=0.0, threat_level=ThreatLevel.UNKNOWN, p=1.0, reasons=(), state=state)


class CallModel(Struct, frozen=True, eq=False):
    """What is known of the tool calls of an agent and its cohort. Made by `fit`."""

    known: Known
    tails: dict[str, Tail]
    """Aspect to its tail; `unrelated` apart for calls that change something and those that do not."""
    worst: Tail
    """Of the worst call of each benign run."""
    whole: Tail
    """Of each benign run, everything added up."""
    runs: int
    remembered: dict[str, Expected] = field(default_factory=dict)
    """What the last requests lead to: to work it out takes longer than to judge a call."""

    @property
    def state(self) -> State:
        """Whether enough was seen."""
        return State.JUDGED if self.runs >= LEAST_RUNS else State.LEARNING

    def judge_call(self, event: SecurityEvent, recent: Sequence[SecurityEvent] = ()) -> dict[str, float]:
        """Return, for each aspect that the call can be judged by, its tail probability among benign calls.

        Args:
            event: a call; without a tool nothing is judged.
            recent: the calls of the same session before it, for the excesses of the whole; none where unknown.
        """
        if event.tool is None or not self.runs:
            return {}
        look = self._look(event, recent)
        found = {aspect: self._tail(aspect, look).p(value) for aspect, value in look.values.items()}
        if recent:
            calls = [one for one in recent if one.tool is not None]
            work = sum(changes_something(one.tool or "") for one in calls) + look.call.changes
            expected = self._expect(request_of(event, recent))
            for aspect, value in run_excesses(work, len(calls) + 1, expected).items():
                found[aspect] = self.tails[aspect].p(value)
        return found

    def p_of_call(self, event: SecurityEvent, recent: Sequence[SecurityEvent] = ()) -> float:
        """Return the share of benign sessions whose worst call is at least as strange as this one; 1 without a tool.

        A session with many calls has many chances, so it is sessions that are counted: of a thousand benign calls fewer
        than ten lie below .01.
        """
        if event.tool is None or not self.runs:
            return 1.0
        return self.worst.smooth(self._sum(self._look(event, recent)))

    def judge_session(self, events: Sequence[SecurityEvent]) -> SessionResult:
        """Return what departs in a session, judged by itself."""
        if not self.runs:
            return unjudged(State.LEARNING)
        run = read_run(events)
        look = look_at_run(self.known, run.request, run.calls)
        surprise = self.total(look)
        p = self.whole.smooth(surprise)
        unknown = self._unknown_tools(look)
        is_malformed = any(event.flaws for event in events)
        level = level_of(p)
        if unknown or is_malformed or self.state is not State.JUDGED:
            level = max(level, ThreatLevel.UNKNOWN)
        is_unreadable = is_malformed and level is ThreatLevel.UNKNOWN
        return SessionResult(
            score=-math.expm1(-surprise / SCALE),
            threat_level=level,
            p=p,
            reasons=self._reasons(look),
            state=State.MALFORMED if is_unreadable and self.state is State.JUDGED else self.state,
            not_judged=tuple(f"{TOOL} {tool}" for tool in unknown),
        )

    def total(self, look: RunLook) -> float:
        """Return the surprise of a run: its worst call and its excesses."""
        return self.worst_of(look) + math.fsum(self.tails[aspect].surprise(look.values[aspect]) for aspect in OF_RUN)

    def worst_of(self, look: RunLook) -> float:
        """Return the surprise of the strangest call of a run; 0 without calls."""
        return max(map(self._sum, look.calls), default=0.0)

    def _expect(self, request: Request) -> Expected:
        found = self.remembered.get(request.text)
        if found is None:
            if len(self.remembered) >= _REMEMBERED:
                self.remembered.clear()
            found = self.remembered[request.text] = self.known.asking.expect(request)
        return found

    def _look(self, event: SecurityEvent, recent: Sequence[SecurityEvent]) -> CallLook:
        request = request_of(event, recent)
        return look_at_call(self.known, read_call(event), request, self._expect(request))

    def _tail(self, aspect: str, look: CallLook) -> Tail:
        return self.tails[tail_name(aspect, changes=look.call.changes)]

    def _sum(self, look: CallLook) -> float:
        return math.fsum(self._tail(aspect, look).surprise(value) for aspect, value in look.values.items())

    def _unknown_tools(self, look: RunLook) -> list[str]:
        return sorted({one.call.tool for one in look.calls} - self.known.asking.usual.keys())[:MOST_REASONS]

    def _reasons(self, look: RunLook) -> tuple[Reason, ...]:
        sums = [self._sum(one) for one in look.calls]
        found: list[Reason] = []
        if sums:
            at = sums.index(max(sums))
            worst = look.calls[at]
            found += [
                call_reason(aspect, worst, self._tail(aspect, worst).surprise(value), at)
                for aspect, value in worst.values.items()
            ]
        found += [run_reason(one, look, self.tails[one].surprise(look.values[one])) for one in OF_RUN]
        told = [reason for reason in found if reason.surprise >= _WORTH_TELLING]
        return tuple(sorted(told, key=lambda reason: -reason.surprise)[:MOST_REASONS])


def request_of(event: SecurityEvent, recent: Sequence[SecurityEvent]) -> Request:
    """Return what was asked for: by the event, or by the last one before it that says so."""
    asked = (one.request for one in (event, *reversed(recent)) if one.request and one.request.strip())
    return read_request(next(asked, None))
