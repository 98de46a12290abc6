"""What was found about one session of calls."""

from typing import Final

from msgspec import Struct

from leeway.library.calls.aspects import (
    CALLS,
    DESTINATION,
    DESTINATIONS_NEW,
    TOOL,
    UNRELATED,
    VALUE,
    WORK,
    CallLook,
    RunLook,
)
from leeway.library.results import State
from leeway.library.threat_level import ThreatLevel
from leeway.text import display, redact

MOST_REASONS: Final = 8
_SHOWN: Final = 120


class Reason(Struct, frozen=True, kw_only=True):
    """One aspect in which a session departs."""

    aspect: str
    seen: str
    expected: str
    surprise: float
    """-log of the share of benign runs that depart as far in this; they add up to the judgement."""
    call: int | None = None
    """Place of the call among those of the session, from 0, or of the event where the agent calls no tools; None for an
    aspect of the whole."""


class SessionResult(Struct, frozen=True, kw_only=True):
    """What was found about one session."""

    score: float
    """From 0 to 1: 1 - exp(-surprise / 10), the surprise being that of the worst call and of the whole: what ranks
    sessions. Of an agent that calls no tools 1 - p^a, as an event's."""
    threat_level: ThreatLevel
    p: float
    """How rarely benign sessions depart as far, taken together; 1 where nothing departs. The level goes by it."""
    reasons: tuple[Reason, ...]
    """The most surprising first."""
    state: State = State.JUDGED
    not_judged: tuple[str, ...] = ()
    """What could not be compared with anything, such as a tool that no run has called, or that no event says."""

    @property
    def explanation(self) -> str:
        """The reasons in one line."""
        return "; ".join(f"{one.aspect}: {one.seen} (expected: {one.expected})" for one in self.reasons)


def call_reason(aspect: str, look: CallLook, surprise: float, at: int) -> Reason:
    """Return an aspect of one call in words."""
    tool = display(look.call.tool, limit=_SHOWN)
    if aspect == TOOL:
        seen, expected = tool, f"called in {look.likelihood:.0%} of runs of such a request"
    elif aspect == DESTINATION and look.entity is not None:
        seen = f"{look.entity.kind} {display(redact(look.entity.value), limit=_SHOWN)} in {tool}"
        expected = "one that the request names or that two other tasks went to"
    elif aspect == VALUE and look.strange.leaf is not None:
        leaf = look.strange.leaf
        seen = f"{tool}: {display(redact(f'{leaf.path}={leaf.value}'), limit=_SHOWN)}"
        expected = f"a value from the request or from past use, as in {1 - look.strange.usual:.0%} of past calls"
    else:
        part = max(0.0, -look.values.get(UNRELATED, 0.0))
        seen, expected = f"{tool} and its arguments share {part:.0%} of their words with the request", "more"
    return Reason(aspect=aspect, seen=seen, expected=expected, surprise=surprise, call=at)


def run_reason(aspect: str, look: RunLook, surprise: float) -> Reason:
    """Return an aspect of the whole session in words."""
    if aspect == WORK:
        seen = f"{sum(one.call.changes for one in look.calls)} calls that change something"
        expected = f"about {look.expected.work:.1f} for such a request"
    elif aspect == CALLS:
        seen, expected = f"{len(look.calls)} calls", f"about {look.expected.calls:.1f} for such a request"
    else:
        seen, expected = f"{look.values[DESTINATIONS_NEW]:.1f} new places", "fewer in one session"
    return Reason(aspect=aspect, seen=seen, expected=expected, surprise=surprise)
