"""How well a value, and an agent, is known."""

from enum import IntEnum, StrEnum

from leeway.baselines.baseline import Baseline, Entry
from leeway.config import LearningProfile

KNOWN_DAYS = 30
"""A value is known while it was seen within these days: with a half-life of 30 days its weight is then at least 0.5."""

STALE_DAYS = 14
"""An agent without a closed day in these is stale."""


class Membership(IntEnum):
    """How well a baseline knows a value."""

    NEW = 0
    RARE = 1
    ESTABLISHED = 2


class AgentState(StrEnum):
    """Where a baseline stands; each state has its policy (ARCHITECTURE section 4)."""

    UNKNOWN = "unknown"
    LEARNING = "learning"
    SETTLED = "settled"
    STALE = "stale"


def membership_of(entry: Entry | None, day: int, profile: LearningProfile) -> Membership:
    """Return how well a value is known on `day` (an ordinal) by what was learnt before it.

    Known: seen on a day within 30. Established: on ≥ 3 distinct ones and ≥ 5 times (or as the profile says).
    """
    if entry is None:
        return Membership.NEW
    days = entry.distinct_days(day, KNOWN_DAYS)
    if days == 0:
        return Membership.NEW
    if days >= profile.established_days and entry.count >= profile.established_sightings:
        return Membership.ESTABLISHED
    return Membership.RARE


def state_of(baseline: Baseline | None, day: int, profile: LearningProfile) -> AgentState:
    """Return the state in which an agent is judged on `day` (an ordinal)."""
    if baseline is None:
        return AgentState.UNKNOWN
    # Calendar days, not active ones: an agent that rests at the weekend is watched then as well.
    age = day - baseline.first_day
    if age < profile.learning_days or baseline.events < profile.settled_events:
        return AgentState.LEARNING
    return AgentState.STALE if day - baseline.last_day > STALE_DAYS else AgentState.SETTLED
