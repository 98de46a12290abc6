"""One detector's remark on one agent's day, and the facts it rests on."""

from datetime import datetime

from msgspec import Struct

from leeway.events import Value
from leeway.findings.severity import Severity

CAUTION = "An anomaly is a departure from this agent's own past. It is not proof of malice."
"""Said wherever findings are shown (row B44)."""

EVENTS_SHOWN = 16
"""Event ids that a finding carries at most; the first by (time, id)."""


class Evidence(Struct, frozen=True, array_like=True):
    """One fact: what was looked at, what was seen, what the baseline led one to expect."""

    what: str
    seen: str
    expected: str

    def __str__(self) -> str:
        return f"{self.what}: {self.seen} (expected: {self.expected})"


class Surprise(Struct, frozen=True):
    """How unlikely a remark of this kind is for this agent, as a tail probability, and on what it rests."""

    p: float
    """Estimated probability that the next value is a new one, given the baseline."""
    n: int
    """Observations behind the estimate."""
    calibrated: bool
    """False where fewer than seven speak."""


class Held(Struct, frozen=True, array_like=True):
    """A value that must not be learnt while its case is open."""

    facet: str
    """Name of the facet, or of the measure."""
    value: Value


class Signal(Struct, frozen=True, kw_only=True):
    """One detector's remark: for machines; findings are made from it."""

    agent: str
    type: str
    value: Value
    """The type-specific value; (agent, type, value) names the case."""
    severity: Severity
    evidence: tuple[Evidence, ...]
    first: datetime
    last: datetime
    hours: int
    """UTC hours concerned, a 24-bit mask."""
    event_ids: tuple[str, ...]
    surprise: Surprise
    held: tuple[Held, ...] = ()
    is_established: bool = False
    """True where the value itself is normal and something else is remarked."""

    @property
    def reason(self) -> str:
        """The evidence in words; there is no other explanation."""
        return "; ".join(map(str, self.evidence))
