"""What is known about the simulated fleet and never told in its events."""

from dataclasses import dataclass
from datetime import datetime

from leeway.testing.fleet.roster import DriftType


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedAgent:
    """An agent as an observer could identify it: by host, executable and command line, or as it declares itself."""

    label: str
    """The simulation's own name; no event carries it."""
    host: str
    image: str
    command_line: str
    """Of one run; others differ in what is blanked."""
    user: str
    unit: str | None
    digest: str
    """SHA-256 of the executable on the first day."""
    signer: str | None
    first_day: int
    """Day (1 is the first) of its first event."""
    declared_uid: str | None = None
    """The stable id where the agent declares itself; image, command line, user and digest are empty then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A drift of one agent, and the events that exist because of it alone."""

    id: str
    agent: str
    """The agent's label."""
    type: DriftType
    first: datetime
    last: datetime
    event_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A benign new version of one agent, and the events of the processes that run it."""

    agent: str
    """The agent's label."""
    first: datetime
    last: datetime
    event_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """Who did what: label to event ids (those of child processes and agents included), drifts, releases."""

    agents: dict[str, tuple[str, ...]]
    drifts: tuple[Drift, ...]
    releases: tuple[Release, ...]
