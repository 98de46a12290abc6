"""A finding is one day of a case: signals, evidence, entity, disposition."""

from datetime import date, datetime
from hashlib import blake2b

import msgspec
from msgspec import Struct

from leeway.agents import IdKey
from leeway.events import Value
from leeway.findings.severity import Severity
from leeway.findings.signal import Evidence, Held, Surprise

_DETERMINISTIC = msgspec.json.Encoder(order="deterministic")


class Finding(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is said about one agent on one day; the id is the same in every engine under one id key."""

    finding_id: str
    case_id: str
    agent: str
    """Agent id."""
    agent_name: str
    type: str
    value: Value
    severity: Severity
    day: date
    first: datetime
    last: datetime
    hours: int = 0
    evidence: tuple[Evidence, ...]
    event_ids: tuple[str, ...]
    surprise: Surprise
    host: str = ""
    process: str = ""
    """Name of the process that acted in the first event."""
    parent: str = ""
    user: str = ""
    command_line: str = ""
    lineage: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    """Ordinary upkeep that the remark was recognised as, each with its evidence; its severity is one less then."""
    state: str = ""
    """Baseline state of the agent when it was judged."""
    held: tuple[Held, ...] = ()
    members: tuple[str, ...] = ()
    """Findings that a correlation joined."""
    linked_to: str = ""
    """The finding that owns the display of the same event, where this one only repeats it."""
    is_final: bool = True
    """False while the day is open."""

    @property
    def reason(self) -> str:
        """The evidence in words."""
        return "; ".join(map(str, self.evidence))


def case_id(ids: IdKey, tenant: str, agent: str, kind: str, value: Value) -> str:
    """Return the id of (tenant, agent, type, value), which has neither day nor detector version in it."""
    return ids.id_of("case", tenant, agent, kind, value)


def finding_id(ids: IdKey, case: str, day: date) -> str:
    """Return the id of one day of a case."""
    return ids.id_of("finding", case, day.isoformat())


def evidence_digest(finding: Finding) -> str:
    """Return a digest of what the finding rests on; equal in every engine and entrance."""
    return blake2b(_DETERMINISTIC.encode((finding.evidence, finding.event_ids)), digest_size=16).hexdigest()
