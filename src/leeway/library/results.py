"""What the library answers."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from leeway.library.threat_level import ThreatLevel


class State(StrEnum):
    """How far an event could be judged."""

    JUDGED = "judged"
    LEARNING = "learning"
    """The agent's model has seen too few events."""
    UNKNOWN_AGENT = "unknown_agent"
    """There is no model of the agent."""
    DEGENERATE = "degenerate"
    """The model cannot tell events apart in anything that this one says."""
    MALFORMED = "malformed"
    """A field of the event cannot be read, and nothing else of it departs."""


class AnomalyResult(Struct, frozen=True, kw_only=True):
    """What was found about one event of one agent."""

    agent_id: str
    timestamp: datetime | None
    anomaly_score: float
    """From 0 to 1: 1 - p^a, so that it lies above the threshold where p is below the contamination."""
    is_anomaly: bool
    threat_level: ThreatLevel
    contributing_factors: dict[str, float]
    """Aspect to its share of the score; the shares sum to `anomaly_score`."""
    explanation: str
    p: float
    """How rarely the agent's own past departs as far; 1 where nothing could be judged."""
    state: State = State.JUDGED
    not_judged: tuple[str, ...] = ()
    """Aspects that the event says nothing of, or that cannot be read."""


class BehavioralPattern(Struct, frozen=True, kw_only=True):
    """What an agent normally does, in numbers that people read. None where no event of the window says it."""

    hourly_distribution: list[float]
    """Share of the events in each of the 24 hours, in the agent's zone."""
    daily_distribution: list[float]
    """Share of the events on each of the 7 weekdays, Monday first."""
    avg_resources_per_event: float | None
    std_resources_per_event: float | None
    common_event_types: dict[str, float]
    """Event type to its share, the most frequent first."""
    avg_event_duration_ms: float | None
    std_event_duration_ms: float | None
    avg_events_per_hour: float


class BehavioralBaseline(Struct, frozen=True, kw_only=True):
    """What is known of an agent over a window of event time."""

    agent_id: str
    learned_at: datetime | None
    """The latest event of the window, for there is no clock here; None where its events have no times."""
    event_count: int
    time_window_days: int
    pattern: BehavioralPattern
