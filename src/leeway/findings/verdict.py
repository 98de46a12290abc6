"""What a person judged: who, when, why, until when."""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct

from leeway.events import Value
from leeway.findings.signal import Held


class Judgement(StrEnum):
    """What a verdict says."""

    BENIGN = "benign"
    MALICIOUS = "malicious"


class Disposition(StrEnum):
    """What becomes of a finding; rules about deployments come with their own room."""

    QUEUED = "queued"
    SUPPRESSED = "suppressed"
    ESCALATED = "escalated"


class Verdict(Struct, frozen=True, kw_only=True):
    """One person's judgement of one case. The last one given holds."""

    case_id: str
    agent: str
    type: str
    value: Value
    judgement: Judgement
    reason: str
    by: str
    at: datetime
    effective: date
    """First day at whose close it enters the baseline: the first one not closed when it was given."""
    until: date | None = None
    """Last day on which a benign verdict holds; such a one suppresses and teaches nothing."""
    held: tuple[Held, ...] = ()
    """The values it speaks of."""

    def disposition(self, day: date) -> Disposition:
        """Return what this verdict makes of a finding of `day`."""
        if self.judgement is Judgement.MALICIOUS:
            return Disposition.ESCALATED
        return Disposition.QUEUED if self.until is not None and day > self.until else Disposition.SUPPRESSED


def in_force(verdicts: Iterable[Verdict], day: date) -> dict[str, Verdict]:
    """Return the verdict that holds for each case at the close of `day`."""
    held: dict[str, Verdict] = {}
    for verdict in sorted(verdicts, key=lambda one: (one.at, one.case_id)):
        if verdict.effective <= day:
            held[verdict.case_id] = verdict
    return held
