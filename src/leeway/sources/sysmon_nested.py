"""Windows events as nested JSON, made flat: what Winlogbeat ships, and the event log's own XML written as JSON.

Winlogbeat's modules and the Elastic Agent move what they understand out of `winlog.event_data` into ECS fields; which
field goes where is that of their ingest pipelines for Sysmon and Security (Beats 7 and 8).
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec.json import Decoder

from leeway.errors import InvalidEventError
from leeway.sources.sysmon_rows import Row, Scalar, number

_RECORDS: Final = Decoder(dict[str, object])

_Paths = Mapping[str, tuple[str, ...]]

_SYSMON: Final[_Paths] = {
    "ProcessGuid": ("process", "entity_id"),
    "ProcessId": ("process", "pid"),
    "Image": ("process", "executable"),
    "CommandLine": ("process", "command_line"),
    "ParentProcessGuid": ("process", "parent", "entity_id"),
    "ParentProcessId": ("process", "parent", "pid"),
    "ParentImage": ("process", "parent", "executable"),
    "ParentCommandLine": ("process", "parent", "command_line"),
    "Protocol": ("network", "transport"),
    "SourceIp": ("source", "ip"),
    "SourceHostname": ("source", "domain"),
    "DestinationIp": ("destination", "ip"),
    "DestinationHostname": ("destination", "domain"),
    "DestinationPort": ("destination", "port"),
    "ImageLoaded": ("file", "path"),
    "TargetFilename": ("file", "path"),
    "Signature": ("file", "code_signature", "subject_name"),
    "SignatureStatus": ("file", "code_signature", "status"),
    "Signed": ("file", "code_signature", "signed"),
    "QueryName": ("dns", "question", "name"),
}
"""Where each field of a Sysmon event is found when it is no longer among the event's own."""

_SECURITY: Final[dict[int, _Paths]] = {
    4688: {
        "NewProcessName": ("process", "executable"),
        "NewProcessId": ("process", "pid"),
        "CommandLine": ("process", "command_line"),
        "ParentProcessName": ("process", "parent", "executable"),
        "ProcessId": ("process", "parent", "pid"),
    },
    4689: {"ProcessName": ("process", "executable"), "ProcessId": ("process", "pid")},
    5156: {
        "Application": ("process", "executable"),
        "ProcessID": ("process", "pid"),
        "Direction": ("network", "direction"),
        "Protocol": ("network", "transport"),
        "SourceAddress": ("source", "ip"),
        "DestAddress": ("destination", "ip"),
        "DestPort": ("destination", "port"),
    },
}

_SUBJECT: Final[_Paths] = {"SubjectUserName": ("user", "name"), "SubjectDomainName": ("user", "domain")}

_INITIATED: Final = {"egress": "true", "outbound": "true", "ingress": "false", "inbound": "false"}

_LOADED: Final = 7
"""Sysmon's event id of a module load, whose hashes are the module's and not the process's."""

_ABSENT: Final = ("", "-", None)


def row_of(record: bytes) -> Row:
    """Return the row that one nested record is.

    Raises:
        msgspec.MsgspecError: where it is no JSON object, or a field is of a type that Windows never gives it.
        InvalidEventError: where it is of neither form.
    """
    fields = _RECORDS.decode(record)
    if isinstance(fields.get("winlog"), dict):
        return msgspec.convert(_from_winlog(fields), Row)
    if isinstance(fields.get("Event"), dict):
        return msgspec.convert(_from_event(fields), Row)
    raise InvalidEventError("neither winlog nor Event is an object")


def _from_winlog(record: Mapping[str, object]) -> dict[str, object]:
    event_id = _at(record, "winlog", "event_id")
    identified = number(event_id) if isinstance(event_id, Scalar) else None
    moved = _moved(record, identified)
    return {
        **moved,
        **_present(_at(record, "winlog", "event_data")),
        **_heading(event_id, _at(record, "winlog", "channel")),
        "SourceName": _at(record, "winlog", "provider_name"),
        "Hostname": _at(record, "winlog", "computer_name"),
        "Computer": _at(record, "host", "name"),
        "@timestamp": record.get("@timestamp"),
    }


def _moved(record: Mapping[str, object], event_id: int | None) -> dict[str, object]:
    """Return, by its own name, each field that was moved to ECS."""
    paths = {**_SUBJECT, **_SECURITY[event_id]} if event_id in _SECURITY else _SYSMON
    found = {name: value for name, path in paths.items() if (value := _at(record, *path)) not in _ABSENT}
    if event_id not in _SECURITY:
        found |= _reshaped(record, "file" if event_id == _LOADED else "process")
    return found


def _reshaped(record: Mapping[str, object], hashed: str) -> dict[str, object]:
    """Return the fields of Sysmon that ECS holds in another shape."""
    sha256 = _at(record, hashed, "hash", "sha256") or _at(record, "hash", "sha256")
    resolved = _at(record, "dns", "resolved_ip")
    direction = _at(record, "network", "direction")
    shaped = {
        "User": _user(record),
        "Hashes": f"SHA256={sha256}" if isinstance(sha256, str) else None,
        "QueryResults": ";".join(map(str, resolved)) if isinstance(resolved, list) else None,
        "Initiated": _INITIATED.get(direction) if isinstance(direction, str) else None,
    }
    return {name: value for name, value in shaped.items() if value is not None}


def _user(record: Mapping[str, object]) -> str | None:
    name, domain = _at(record, "user", "name"), _at(record, "user", "domain")
    if not isinstance(name, str):
        return None
    return f"{domain}\\{name}" if isinstance(domain, str) and domain not in _ABSENT else name


def _from_event(record: Mapping[str, object]) -> dict[str, object]:
    """Flatten `Event`, its attributes under `#attributes` or beside the element as `NAME_attributes`."""
    system = _at(record, "Event", "System")
    event_id = _at(system, "EventID")
    return {
        **_present(_at(record, "Event", "EventData")),
        **_heading(
            _at(event_id, "#text") if isinstance(event_id, dict) else event_id,
            _at(system, "Channel"),
        ),
        "SourceName": _attribute(system, "Provider", "Name"),
        "Hostname": _at(system, "Computer"),
        "TimeCreated": _attribute(system, "TimeCreated", "SystemTime"),
    }


def _heading(event_id: object, channel: object) -> dict[str, object]:
    """Return the fields of a row that tell of the event itself, so that no field of its data can pose as one."""
    blank = dict.fromkeys(("host", "ThreadID", "@timestamp", "TimeCreated", "_capture", "Computer"))
    return {**blank, "EventID": event_id, "Channel": channel}


def _present(data: object) -> dict[str, object]:
    return {name: value for name, value in data.items() if value not in _ABSENT} if isinstance(data, dict) else {}


def _attribute(element: object, name: str, attribute: str) -> object:
    within = _at(element, name, "#attributes", attribute)
    return _at(element, f"{name}_attributes", attribute) if within is None else within


def _at(value: object, *path: str) -> object:
    """Return what is at the path, None where nothing is."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
