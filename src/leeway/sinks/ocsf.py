"""Findings as OCSF Detection Findings (class 2004), JSON lines.

After the schema of Open Cybersecurity Schema Framework 1.9.0, the first release with `ai_agent`. There the agent stands
among the evidence: the profile that has it at the top does not apply to findings.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from leeway import __version__
from leeway.findings import NAMED_RANGE, Evidence, Finding, Severity, evidence_digest
from leeway.sinks.instants import milliseconds
from leeway.sinks.json_lines import fitted
from leeway.sinks.sink import Activity, Told

SCHEMA_VERSION = "1.9.0"

_CLASS = 2004
_ACTIVITIES = {Activity.CREATE: (1, "Create"), Activity.UPDATE: (2, "Update")}
_CAPTIONS = {
    Severity.INFO: "Informational",
    Severity.LOW: "Low",
    Severity.MEDIUM: "Medium",
    Severity.HIGH: "High",
    Severity.CRITICAL: "Critical",
}
_MATRICES = {"ATT&CK": "17", "ATLAS": "5"}
"""Versions of the matrices that the tags are of."""

_FILE_PARTS = 3
"""Parts of the value of a new file: tree, directory, name. A directory has two of them, a tree one."""

_HOST, _ADDRESS, _USER, _FILE, _PROCESS, _COMMAND = 1, 2, 4, 45, 9, 13
"""Types of observables."""


@dataclass(frozen=True)
class Ocsf:
    """One Detection Finding a line."""

    version: str = __version__
    """Of this product, as the metadata tell it."""

    name: ClassVar[str] = "ocsf"
    suffix: ClassVar[str] = ".ocsf"
    is_appended: ClassVar[bool] = True

    def render(self, findings: Iterable[Finding], told: Told | None = None) -> bytes:
        """Return the lines."""
        return b"".join(self.line(one, told) + b"\n" for one in findings)

    def line(self, finding: Finding, told: Told | None = None) -> bytes:
        """Return the line of one finding, its texts cut where it would be longer than 256 KiB."""
        metadata = {**_metadata(finding, told, self.version), "is_truncated": True}
        return fitted(ocsf_record(finding, told, self.version), {"metadata": metadata})


def ocsf_record(finding: Finding, told: Told | None = None, version: str = __version__) -> dict[str, object]:
    """Return a finding as a Detection Finding in plain values.

    `finding_info.uid` is the case, so that an update meets what it updates; `time` is the last event's, as a finding
    has no other and a second rendering must not differ.
    """
    number, activity = _ACTIVITIES[told.activity if told else Activity.CREATE]
    return {
        "activity_id": number,
        "activity_name": activity,
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": _CLASS,
        "class_name": "Detection Finding",
        "type_uid": _CLASS * 100 + number,
        "type_name": f"Detection Finding: {activity}",
        "time": milliseconds(finding.last),
        "start_time": milliseconds(finding.first),
        "end_time": milliseconds(finding.last),
        "severity_id": int(finding.severity),
        "severity": _CAPTIONS[finding.severity],
        "status_id": 1,
        "status": "New",
        "is_alert": finding.severity >= Severity.LOW,
        "message": finding.reason,
        "metadata": _metadata(finding, told, version),
        "finding_info": _finding_info(finding),
        "evidences": [_evidence(finding)],
        "observables": list(_observables(finding)),
        "unmapped": _unmapped(finding),
        **({"count": told.days} if told else {}),
        **({"device": {"hostname": finding.host, "type_id": 0}} if finding.host else {}),
        **({"anomaly_analyses": [_analysis(finding)]} if finding.evidence else {}),
    }


def _metadata(finding: Finding, told: Told | None, version: str) -> dict[str, object]:
    product = {"name": "Leeway", "vendor_name": "Leeway", "version": version}
    delivery = {"uid": told.delivery} if told else {}
    return {"version": SCHEMA_VERSION, "product": product, "event_code": finding.type, **delivery}


def _finding_info(finding: Finding) -> dict[str, object]:
    techniques = [attack for tag in finding.tags if (attack := _attack(tag))]
    return {
        "uid": finding.case_id,
        "uid_alt": finding.finding_id,
        "title": f"{finding.type}: {finding.agent_name}",
        "desc": finding.reason,
        "types": [finding.type],
        "first_seen_time": milliseconds(finding.first),
        "last_seen_time": milliseconds(finding.last),
        "analytic": {"name": finding.type, "uid": finding.type, "type_id": 2, "type": "Behavioral"},
        **({"attacks": techniques} if techniques else {}),
        **({"related_events": [{"uid": one} for one in finding.members]} if finding.members else {}),
    }


def _attack(tag: str) -> dict[str, object] | None:
    """Return the technique of a tag such as `ATT&CK T1059`; None for a tag that is none."""
    matrix, _, technique = tag.partition(" ")
    if matrix not in _MATRICES or not technique:
        return None
    return {"technique": {"uid": technique}, "version": _MATRICES[matrix]}


def _evidence(finding: Finding) -> dict[str, object]:
    reached = _reached(finding)
    touched = _touched(finding)
    return {
        "name": "event",
        "ai_agent": {"uid": finding.agent, "name": finding.agent_name, "type_id": 0},
        "data": [_fact(one) for one in finding.evidence],
        **({"uid": finding.event_ids[0], "process": _process(finding)} if finding.event_ids else {}),
        **({"user": {"name": finding.user, "type_id": 0}} if finding.user else {}),
        **({"dst_endpoint": reached} if reached else {}),
        **({"file": touched} if touched else {}),
    }


def _fact(one: Evidence) -> dict[str, object]:
    return {"what": one.what, "seen": one.seen, "expected": one.expected}


def _process(finding: Finding) -> dict[str, object]:
    """Return the process that acted first, by the event that shows it: findings keep no process numbers.

    The lineage goes from the root down; OCSF's ancestry from the parent up.
    """
    ancestors = list(reversed(finding.lineage[:-1])) or ([finding.parent] if finding.parent else [])
    return {
        "uid": finding.event_ids[0],
        **({"name": finding.process} if finding.process else {}),
        **({"cmd_line": finding.command_line} if finding.command_line else {}),
        **({"ancestry": [{"name": one} for one in ancestors]} if ancestors else {}),
    }


def _reached(finding: Finding) -> dict[str, object]:
    """Return the destination that a finding is about; empty for one about something else, or about an open port."""
    if finding.type != "new_destination" or not finding.value or finding.value[0] == "in":
        return {}
    if finding.value[0] == NAMED_RANGE:  # a name that the user gave: it may read like a number, an address or a host
        return {"name": finding.value[1], **_port(finding.value[2:])} if finding.value[1:] else {}
    places = [one for one in finding.value if not one.isdecimal()]
    return {**_place(places[-1]), **_port(finding.value[1:])} if places else {}


def _place(text: str) -> dict[str, object]:
    """Return a place under what it is; a network and a name without a dot are no host names."""
    if _is_address(text):
        return {"ip": text}
    return {"hostname" if "." in text and not {"/", " "} & set(text) else "name": text}


def _port(parts: Sequence[str]) -> dict[str, object]:
    ports = [int(one) for one in parts if one.isdecimal() and len(one) <= len("65535")]
    return {"port": ports[-1]} if ports and ports[-1] <= 0xFFFF else {}  # noqa: PLR2004  # the last port


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _touched(finding: Finding) -> dict[str, object]:
    """Return the file or folder that a finding is about; empty for one about something else."""
    if not finding.value:
        return {}
    last = finding.value[-1]
    if finding.type == "new_path":
        is_file = len(finding.value) == _FILE_PARTS
        return _file(f"{finding.value[1].rstrip('/')}/{last}" if is_file else last, 1 if is_file else 2)
    if finding.type.startswith("model_file"):
        return _file(finding.value[0], 1)
    if finding.type in {"new_module", "module_not_approved"}:
        return _file(finding.value[0], 0)
    return {}


def _file(path: str, kind: int) -> dict[str, object]:
    """Return a file by its path or name; `kind` is 0 for not known, 1 for a regular file, 2 for a folder."""
    name = path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path
    return {"name": name, "type_id": kind, **({"path": path} if path != name else {})}


def _observables(finding: Finding) -> Iterator[dict[str, object]]:
    reached = _reached(finding)
    touched = _touched(finding)
    rows = [
        ("device.hostname", _HOST, finding.host),
        ("evidences[0].process.name", _PROCESS, finding.process if finding.event_ids else ""),
        ("evidences[0].process.cmd_line", _COMMAND, finding.command_line if finding.event_ids else ""),
        ("evidences[0].user.name", _USER, finding.user),
        ("evidences[0].dst_endpoint.ip", _ADDRESS, reached.get("ip")),
        ("evidences[0].dst_endpoint.hostname", _HOST, reached.get("hostname")),
        ("evidences[0].file.path", _FILE, touched.get("path")),
    ]
    for name, kind, value in rows:
        if value:
            yield {"name": name, "type_id": kind, "value": value}


def _analysis(finding: Finding) -> dict[str, object]:
    """Return what was seen beside what the baseline led one to expect, parameter by parameter."""
    target = {"name": finding.agent_name or finding.agent, "type": "AI agent"}
    return {
        "analysis_targets": [target],
        "anomalies": [_measured(finding, one, one.seen) for one in finding.evidence],
        "baselines": [_measured(finding, one, one.expected) for one in finding.evidence],
    }


def _measured(finding: Finding, one: Evidence, value: str) -> dict[str, object]:
    return {
        "observation_parameter": one.what,
        "observation_type": finding.type,
        "observations": [{"value": value}],
    }


def _unmapped(finding: Finding) -> dict[str, object]:
    surprise = {"p": finding.surprise.p, "n": finding.surprise.n, "calibrated": finding.surprise.calibrated}
    return {
        "case_id": finding.case_id,
        "finding_id": finding.finding_id,
        "day": finding.day.isoformat(),
        "value": list(finding.value),
        "baseline_state": finding.state,
        "lineage": list(finding.lineage),
        "context": list(finding.context),
        "event_ids": list(finding.event_ids),
        "evidence_digest": evidence_digest(finding),
        "surprise": surprise,
        "linked_to": finding.linked_to,
        "final": finding.is_final,
    }
