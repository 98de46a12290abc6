"""From a judgement to the answer that callers get: score, level, shares and words, all from the same numbers."""

from functools import lru_cache
from math import log
from typing import Final, NamedTuple

from leeway.library.detection.acts import Act
from leeway.library.detection.explanation import in_words, usual_words
from leeway.library.detection.members import ASPECTS
from leeway.library.detection.model import ALONE, FOREST, AgentModel, Judgement
from leeway.library.results import AnomalyResult, State
from leeway.library.security_event import SecurityEvent
from leeway.library.threat_level import ThreatLevel, level_of

CALLS: Final = "calls"
"""What the tool and the arguments of a call add to the score."""

VERDICT: Final = "verdict"
"""What a person's verdict adds to the score."""

_ODD: Final = 3.0
"""Surprise, in nats, from which on an event is odd in an aspect: one in twenty."""

_TOLD: Final = tuple(aspect for aspect in ASPECTS if aspect not in {FOREST, ALONE})

_SILENT: Final = {
    State.UNKNOWN_AGENT: "there is no model of this agent: train one, or load it",
    State.LEARNING: "the agent's model is still learning",
    State.DEGENERATE: "every event of the past was of a type of its own: nothing can be expected",
}


class Terms(NamedTuple):
    """On which terms a tail probability becomes a score."""

    contamination: float
    threshold: float
    exponent: float
    """a in 1 - p^a: ln(1 - threshold) / ln(contamination)."""

    def level(self, p: float) -> ThreatLevel:
        """Return the level of an event that is an anomaly; NONE for others."""
        return max(ThreatLevel.LOW, level_of(p)) if p < self.contamination else ThreatLevel.NONE


class Found(NamedTuple):
    """What is known of an event before any verdict."""

    state: State
    act: Act | None = None
    judgement: Judgement = Judgement(1.0, {}, {})
    model: AgentModel | None = None


def odd_of(judgement: Judgement) -> list[str]:
    """Return in what an event departs: what a verdict on it is about."""
    odd = [name for name, surprise in judgement.surprises.items() if surprise >= _ODD and name not in {FOREST, ALONE}]
    if odd or not judgement.shares:
        return odd
    return [max(judgement.shares, key=lambda aspect: judgement.shares[aspect])]


def with_calls(judgement: Judgement, p: float) -> Judgement:
    """Return a judgement of which the tool and the arguments of the call are the rarer part, with their `p`."""
    own = log(judgement.p) / log(p)
    shares = {aspect: share * own for aspect, share in judgement.shares.items()}
    shares[CALLS] = 1 - sum(shares.values())
    return Judgement(p, shares, {**judgement.surprises, CALLS: -log(p)})


def answer(agent_id: str, event: SecurityEvent, found: Found, p: float, terms: Terms) -> AnomalyResult:
    """Return the answer on an event.

    Args:
        agent_id: whose event it is.
        event: what it says.
        found: what is known of it before any verdict.
        p: its tail probability after the verdicts.
        terms: of the detector.
    """
    judgement = found.judgement
    score = 1 - p**terms.exponent
    is_anomaly = p < terms.contamination and score > terms.threshold
    level = terms.level(p) if is_anomaly else ThreatLevel.NONE
    state = State.MALFORMED if event.flaws and not is_anomaly and found.state is State.JUDGED else found.state
    if not is_anomaly and state is not State.JUDGED:
        level = ThreatLevel.UNKNOWN
    return AnomalyResult(
        agent_id=agent_id,
        timestamp=event.timestamp,
        anomaly_score=score,
        is_anomaly=is_anomaly,
        threat_level=level,
        contributing_factors=_factors(judgement, p, score, terms),
        explanation=_explained(event, found, p, score, is_flagged=is_anomaly and judgement.p < terms.contamination),
        p=p,
        state=state,
        not_judged=(_TOLD if found.act is None else _unsaid(tuple(judgement.surprises))) + event.flaws,
    )


def _factors(judgement: Judgement, p: float, score: float, terms: Terms) -> dict[str, float]:
    """Return the parts of the score; they sum to it."""
    if p >= judgement.p:
        return {aspect: share * score for aspect, share in judgement.shares.items()}
    before = 1 - judgement.p**terms.exponent
    factors = {aspect: share * before for aspect, share in judgement.shares.items()}
    factors[VERDICT] = score - sum(factors.values())
    return factors


def _explained(event: SecurityEvent, found: Found, p: float, score: float, *, is_flagged: bool) -> str:
    state, act, judgement, model = found
    if act is None or model is None or state is State.DEGENERATE:
        said = _SILENT[state]
    elif is_flagged:
        said = in_words(judgement.shares, act, model.members, model.events)
    else:
        said = usual_words(model.events)
    if p != judgement.p:
        said = f"{said}; a person's verdict makes it {'flagged' if p < judgement.p else 'ordinary'}"
    if event.flaws:
        said = f"{said}; cannot be read: {', '.join(event.flaws)}"
    return f"score {score:.2f} (p {p:.2g}): {said}"


@lru_cache(maxsize=256)
def _unsaid(judged: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(aspect for aspect in _TOLD if aspect not in judged)
