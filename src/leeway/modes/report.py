"""What a run did, for people and for `--json`."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from leeway.config import Settings
from leeway.findings import CAUTION, Finding, Severity

REASONS = 200
"""Reasons that are counted apart; some quote a record, whose writer could make any number of them."""

OTHER_REASONS = "for reasons beyond the first 200"


def tally(counts: dict[str, int], reason: str) -> None:
    """Count a record by its reason, and by none of its own where there are too many already."""
    named = reason if reason in counts or len(counts) < REASONS else OTHER_REASONS
    counts[named] = counts.get(named, 0) + 1


@dataclass
class Deliveries:
    """What came of telling sinks."""

    sent: int = 0
    waiting: int = 0
    """To be tried again by a later run."""
    dead: int = 0
    """Refused, or tried twenty times; kept."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Why deliveries wait or are dead: the sink's form and the reason, without its address, to their number."""

    due: dict[str, datetime] = field(default_factory=dict)
    """Reason to when the first delivery that waits for it is tried next; one without a time is tried by any run."""

    def __str__(self) -> str:
        counts = ((self.sent, "sent"), (self.waiting, "waiting"), (self.dead, "dead"))
        told = ", ".join(f"{count:,} {what}" for count, what in counts if count)
        why = "; ".join(f"{reason}{self._next(reason)}" for reason in sorted(self.reasons))
        return (told or "none") + (f": {why}" if why else "")

    def _next(self, reason: str) -> str:
        if reason not in self.due:
            return ""
        # The minute in which it is due to have passed: a run at the time that is shown sends it.
        minute = (self.due[reason] + timedelta(minutes=1, microseconds=-1)).astimezone(UTC)
        return f", next at {minute:%H:%MZ}"

    def as_json(self) -> dict[str, object]:
        """Return the counts and reasons."""
        reasons = dict(sorted(self.reasons.items()))
        return {"sent": self.sent, "waiting": self.waiting, "dead": self.dead, "reasons": reasons}


@dataclass
class Report:
    """Counts of one run; every cap, rejection and gap is in it."""

    mode: str
    settings: Settings
    read: int = 0
    new: int = 0
    """Events that were not known by their id."""
    duplicates: int = 0
    outside: int = 0
    """Events outside the asked-for periods."""
    late: int = 0
    """Events of days whose history is no longer kept; not judged."""
    rejected: dict[str, int] = field(default_factory=dict)
    """Reason to records."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Kinds of records that are understood and not used."""
    closed: list[str] = field(default_factory=list)
    opened_again: list[str] = field(default_factory=list)
    """Closed days that were judged again because late events arrived."""
    open: list[str] = field(default_factory=list)
    without_events: list[str] = field(default_factory=list)
    """Days before judged ones on which no source had an event: nobody was watched."""
    agents: int = 0
    findings: list[Finding] = field(default_factory=list)
    """New ones, or such that changed since the last run."""
    not_observable: dict[str, list[str]] = field(default_factory=dict)
    """Detector to what no source of this run can see: silence there is not quiet."""
    host_not_told: bool = False
    """Whether a log named no host, so that all such logs count as one."""
    resumed: bool = False
    """Whether a source was read on where an earlier run had stopped; then a few bad lines are no wrong kind."""
    unreadable: dict[str, str] = field(default_factory=dict)
    """URI of a source that could not be read on, to why; the others were read."""
    hosts_in_doubt: dict[str, list[str]] = field(default_factory=dict)
    """Short host name to the full ones that it may be; merged with none of them."""
    observe: bool = False
    deliveries: Deliveries | None = None
    """None where no sink was given and nothing waits for one."""
    files: list[str] = field(default_factory=list)
    values_not_listed: int = 0
    """Values of the baselines where they are too many for every run to write them as JSON; 0 where they were."""

    @property
    def remarked(self) -> bool:
        """Whether there is something to look at: a finding of LOW or more."""
        return any(one.severity >= Severity.LOW for one in self.findings)

    def severities(self) -> dict[str, int]:
        """Return the number of findings of each severity."""
        return {str(level): sum(one.severity is level for one in self.findings) for level in reversed(Severity)}

    def as_json(self) -> dict[str, object]:
        """Return everything but the findings' texts, which `leeway findings` gives."""
        profile = self.settings.profile
        return {
            "mode": self.mode,
            "learning_days": profile.learning_days,
            "established_days": profile.established_days,
            "scope": str(self.settings.scope),
            "events": {
                "read": self.read,
                "new": self.new,
                "duplicates": self.duplicates,
                "outside": self.outside,
                "late": self.late,
            },
            "rejected": dict(sorted(self.rejected.items())),
            "skipped": dict(sorted(self.skipped.items())),
            "days": {
                "closed": self.closed,
                "opened_again": self.opened_again,
                "open": self.open,
                "without_events": self.without_events,
            },
            "agents": self.agents,
            "findings_by_severity": self.severities(),
            "finding_ids": sorted(one.finding_id for one in self.findings),
            "not_observable": self.not_observable,
            "host_not_told": self.host_not_told,
            "unreadable": dict(sorted(self.unreadable.items())),
            "hosts_in_doubt": dict(sorted(self.hosts_in_doubt.items())),
            "delivered": not self.observe,
            "deliveries": self.deliveries.as_json() if self.deliveries else None,
            "files": self.files,
            "values_not_listed": self.values_not_listed,
            "caution": CAUTION,
        }
