"""One JSON object a line, keys sorted: the lossless form."""

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from leeway.findings import Finding, evidence_digest

_ENCODER = msgspec.json.Encoder(order="sorted")


def finding_record(finding: Finding) -> dict[str, object]:
    """Return a finding as plain values: ids, times in ISO 8601 with Z, severity by name, evidence as objects."""
    return {
        "finding_id": finding.finding_id,
        "case_id": finding.case_id,
        "agent": finding.agent,
        "agent_name": finding.agent_name,
        "type": finding.type,
        "value": list(finding.value),
        "severity": str(finding.severity),
        "severity_id": int(finding.severity),
        "day": finding.day.isoformat(),
        "first": finding.first,
        "last": finding.last,
        "evidence": [{"what": one.what, "seen": one.seen, "expected": one.expected} for one in finding.evidence],
        "evidence_digest": evidence_digest(finding),
        "event_ids": list(finding.event_ids),
        "surprise": finding.surprise,
        "process": finding.process,
        "parent": finding.parent,
        "user": finding.user,
        "command_line": finding.command_line,
        "lineage": list(finding.lineage),
        "tags": list(finding.tags),
        "state": finding.state,
        "members": list(finding.members),
        "linked_to": finding.linked_to,
        "final": finding.is_final,
    }


class JsonLinesFindings:
    """Findings as JSON lines."""

    name: ClassVar[str] = "jsonl"
    suffix: ClassVar[str] = ".jsonl"

    def render(self, findings: Iterable[Finding]) -> bytes:
        """Return one line a finding; JSON escapes what a terminal would obey."""
        return b"".join(_ENCODER.encode(finding_record(finding)) + b"\n" for finding in findings)
