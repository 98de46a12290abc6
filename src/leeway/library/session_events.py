"""A session of an agent that calls no tools: as strange as its strangest event, of as many as there are."""

from collections.abc import Sequence
from math import expm1, log, log1p
from typing import Final, NamedTuple

from leeway.library.answers import VERDICT, Found, Terms
from leeway.library.calls.session import MOST_REASONS, Reason, SessionResult
from leeway.library.detection.explanation import aspect_words
from leeway.library.detection.ranking import GRAVE
from leeway.library.results import AnomalyResult, State
from leeway.library.threat_level import ThreatLevel

_VERDICT: Final = "a person found an event like it malicious"

_LEAST_SHARE: Final = 0.1
"""Share of the score from which on an aspect is a reason."""


class Answered(NamedTuple):
    """One event of a session: what is known of it, and the answer on it."""

    found: Found
    result: AnomalyResult


def session_of(answers: Sequence[Answered], state: State, terms: Terms) -> SessionResult:
    """Return what departs in a session whose events are answered one by one, each after those before it.

    1 - (1 - p)^k for k events, of which the rarest has p (Sidak 1967): many events have many chances. The score is made
    of that as an event's score is made of its own.

    Args:
        answers: on the events in order.
        state: of the agent.
        terms: of the detector.
    """
    if state is not State.JUDGED or not answers:
        level = ThreatLevel.NONE if state is State.JUDGED else ThreatLevel.UNKNOWN
        return SessionResult(score=0.0, threat_level=level, p=1.0, reasons=(), state=state)
    p, at = min((_of_many(one, len(answers)), place) for place, one in enumerate(answers))
    worst = answers[at]
    level = terms.level(p)
    tools = _strange_tools(answers)
    states = {one.result.state for one in answers}
    if tools or states != {State.JUDGED}:
        level = max(level, ThreatLevel.UNKNOWN)
    if level is ThreatLevel.UNKNOWN:
        state = next(one for one in (State.MALFORMED, State.DEGENERATE, State.JUDGED) if one in states)
    return SessionResult(
        score=1 - p**terms.exponent,
        threat_level=level,
        p=p,
        reasons=_reasons(worst, at, p) if level > ThreatLevel.UNKNOWN else (),
        state=state,
        not_judged=(*tools, *_unread(answers)),
    )


def _of_many(one: Answered, events: int) -> float:
    """Return how rarely a session of some events has one as this.

    What is MEDIUM or graver already is of a session of `chances` events (`by_session`): only the rest is corrected. A
    verdict that flags an event is no chance.
    """
    p, model = one.result.p, one.found.model
    if p >= 1 or p < one.found.judgement.p or model is None:
        return p
    return -expm1((events / model.chances if p <= GRAVE else events) * log1p(-p))


def _reasons(worst: Answered, at: int, p: float) -> tuple[Reason, ...]:
    """Return the aspects of the strangest event; their surprises are its parts of -ln p."""
    (_, act, _, model), result = worst
    if act is None or model is None:
        return ()
    told = sorted(result.contributing_factors.items(), key=lambda factor: (-factor[1], factor[0]))[:MOST_REASONS]
    return tuple(
        Reason(
            aspect=aspect,
            seen=_VERDICT if aspect == VERDICT else aspect_words(aspect, act, model.members),
            expected="no such verdict" if aspect == VERDICT else f"as in the {model.events:,} events known",
            surprise=-log(p) * part / result.anomaly_score,
            call=at,
        )
        for aspect, part in told
        if part >= _LEAST_SHARE * result.anomaly_score
    )


def _strange_tools(answers: Sequence[Answered]) -> list[str]:
    """Return the tools of a session, where the agent has never called one that they could be compared with."""
    found = {
        one.found.act.tool
        for one in answers
        if one.found.act is not None and one.found.model is not None and one.found.model.members.tool is None
    }
    return [f"tool {tool}" for tool in sorted(found - {None}, key=str)[:MOST_REASONS]]


def _unread(answers: Sequence[Answered]) -> tuple[str, ...]:
    """Return the aspects that no event of the session was judged in."""
    first, *others = (one.result.not_judged for one in answers)
    never = set(first).intersection(*others)
    return tuple(dict.fromkeys(name for name in first if name in never))
