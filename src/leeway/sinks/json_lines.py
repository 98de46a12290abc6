"""JSON with sorted keys, one object a line or one document: the lossless forms."""

import json
from collections.abc import Iterable, Mapping
from typing import ClassVar

import msgspec

from leeway.findings import Finding, evidence_digest
from leeway.sinks.bounds import shortened
from leeway.sinks.sink import Told

RECORD_BYTES = 256 * 1024
"""What a fitted record holds at most."""

_TEXT_LIMITS = (32_768, 8_192, 512, 32)
"""Characters of a text, and items of a list, tried in this order until the record fits."""

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
        "host": finding.host,
        "process": finding.process,
        "parent": finding.parent,
        "user": finding.user,
        "command_line": finding.command_line,
        "lineage": list(finding.lineage),
        "tags": list(finding.tags),
        "context": list(finding.context),
        "state": finding.state,
        "members": list(finding.members),
        "linked_to": finding.linked_to,
        "final": finding.is_final,
    }


class JsonLinesFindings:
    """Findings as JSON lines."""

    name: ClassVar[str] = "jsonl"
    suffix: ClassVar[str] = ".jsonl"
    is_appended: ClassVar[bool] = True

    def render(self, findings: Iterable[Finding], told: Told | None = None) -> bytes:
        """Return one line a finding, what a terminal would obey escaped."""
        return b"".join(as_json(told_record(finding, told)) + b"\n" for finding in findings)


class JsonDocument:
    """Findings as one JSON document: an array, indented."""

    name: ClassVar[str] = "json"
    suffix: ClassVar[str] = ".json"
    is_appended: ClassVar[bool] = False

    def render(self, findings: Iterable[Finding], told: Told | None = None) -> bytes:
        """Return an array of the findings."""
        body = _ENCODER.encode([told_record(finding, told) for finding in findings])
        return escaped(msgspec.json.format(body, indent=2)) + b"\n"


def told_record(finding: Finding, told: Told | None) -> dict[str, object]:
    """Return the record of a finding with what a delivery says of it."""
    added = {} if told is None else {"activity": told.activity, "case_days": told.days, "delivery": told.delivery}
    return finding_record(finding) | added


def as_json(record: object) -> bytes:
    """Return plain values as one line of JSON: keys sorted, what a terminal would obey escaped."""
    return escaped(_ENCODER.encode(record))


def fitted(record: dict[str, object], marks: Mapping[str, object]) -> bytes:
    """Return a record as one line of at most 256 KiB; where texts are cut for that, with `marks` to say so."""
    line = b""
    for limit in _TEXT_LIMITS:
        cut = shortened(record, limit)
        line = as_json(cut if cut == record else shortened({**record, **marks}, limit))
        if len(line) <= RECORD_BYTES:
            break
    return line


def escaped(document: bytes) -> bytes:
    r"""Return a JSON document with the characters escaped that JSON may hold and a terminal would obey.

    JSON escapes controls below U+0020 only: not DEL, the C1 controls, bidi overrides or line separators.

    >>> escaped('"ab\u202e"'.encode())
    b'"ab\\u202e"'
    """
    if document.isascii() and b"\x7f" not in document:
        return document
    return "".join(map(_escaped, document.decode())).encode()


def _escaped(character: str) -> str:
    if character.isprintable() or character in "\n ":
        return character
    return json.dumps(character)[1:-1] if ord(character) > 0xFFFF else f"\\u{ord(character):04x}"  # noqa: PLR2004  # the BMP
