"""Which event each Windows event is, and from which of its fields: one function an event id, one table of them all."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from leeway.errors import InvalidEventError
from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    FileTouched,
    ModuleLoaded,
    NameResolved,
    ProcessEnded,
    ProcessStarted,
)
from leeway.sources.records import Fields
from leeway.sources.sysmon_rows import Row, account, addresses, guid, number, path_on_volume, sha1, sha256, text, truth

_TRANSPORTS: Final = {"6": "tcp", "17": "udp"}
"""IANA protocol numbers that have a name here; any other stays a number."""

_OUTBOUND: Final = "%%14593"
_INBOUND: Final = "%%14592"
"""How 5156 writes the direction: the message ids of Windows' own texts."""

_DIRECTIONS: Final = {_OUTBOUND: True, "outbound": True, _INBOUND: False, "inbound": False}
"""Whether the connection is outbound; Elastic's pipelines put the texts in the place of their ids."""


def _needed(value: str | None, name: str) -> str:
    if not text(value):
        raise InvalidEventError(f"no {name}")
    return text(value)


def _process(image: str, pid: int | None, uid: str | None = None, command_line: str | None = None) -> Fields:
    return {"image": image, "pid": pid, "uid": guid(uid), "command_line": text(command_line) or None}


def _parent(process: Fields) -> Fields | None:
    """Return the parent, or None where the row says nothing of it."""
    return process if any(value not in ("", None) for value in process.values()) else None


def _acting(row: Row) -> Fields:
    """Return who acted, as Sysmon reports it.

    `ProcessID` and `ExecutionProcessID` name the sensor's own process in these rows: better no pid than that one.
    """
    process = _process(_needed(row.image, "Image"), number(row.process_id), row.process_guid)
    return {"process": process, "user": text(row.user) or None}


def _sysmon_started(row: Row, time: datetime) -> Fields:
    image = _needed(row.image, "Image")
    process = _process(image, number(row.process_id), row.process_guid, row.command_line)
    parent = _process(
        text(row.parent_image), number(row.parent_process_id), row.parent_process_guid, row.parent_command_line
    )
    return {
        "process": {**process, "started": time, "sha1": sha1(row.hashes)},
        "user": text(row.user) or None,
        "parent": _parent(parent),
        "digest": sha256(row.hashes),
    }


def _sysmon_connected(row: Row, _: datetime) -> Fields:
    outbound = truth(_needed(text(row.initiated), "Initiated"))
    # The source is whoever opened the connection; the port is always that of the side which was spoken to.
    side, name, address = (
        ("Destination", row.destination_hostname, row.destination_ip)
        if outbound
        else ("Source", row.source_hostname, row.source_ip)
    )
    return {
        **_acting(row),
        "destination": text(name) or _needed(address, f"{side}Ip"),
        "address": text(address) or None,
        "port": number(row.destination_port),
        "protocol": text(row.protocol).casefold() or "tcp",
        "outbound": outbound,
    }


def _module_loaded(row: Row, _: datetime) -> Fields:
    held = truth(row.signed) and text(row.signature_status).casefold() == "valid"
    return {
        **_acting(row),
        "path": _needed(row.image_loaded, "ImageLoaded"),
        "digest": sha256(row.hashes),
        "sha1": sha1(row.hashes),
        "signer": text(row.signature) or None if held else None,
    }


def _ended(row: Row, _: datetime) -> Fields:
    return _acting(row)


def _created(row: Row, _: datetime) -> Fields:
    return {**_acting(row), "path": _needed(row.target_filename, "TargetFilename"), "action": "created"}


def _deleted(row: Row, _: datetime) -> Fields:
    return {**_acting(row), "path": _needed(row.target_filename, "TargetFilename"), "action": "deleted"}


def _resolved(row: Row, _: datetime) -> Fields:
    return {**_acting(row), "name": _needed(row.query_name, "QueryName"), "addresses": addresses(row.query_results)}


def _security_started(row: Row, time: datetime) -> Fields:
    image = _needed(row.new_process_name, "NewProcessName")
    process = _process(image, number(row.new_process_id), command_line=row.command_line)
    target = account(row.target_domain_name, row.target_user_name)
    return {
        "process": {**process, "started": time},
        "user": target or account(row.subject_domain_name, row.subject_user_name),
        "parent": _parent(_process(text(row.parent_process_name), number(row.process_id))),
    }


def _security_ended(row: Row, _: datetime) -> Fields:
    image = _needed(row.process_name, "ProcessName")
    return {
        "process": _process(image, number(row.process_id)),
        "user": account(row.subject_domain_name, row.subject_user_name),
    }


def _security_connected(row: Row, _: datetime) -> Fields:
    outbound = _DIRECTIONS.get(text(row.direction).casefold())
    if outbound is None:
        raise InvalidEventError(f"Direction {text(row.direction)[:40]!r} is neither {_OUTBOUND} nor {_INBOUND}")
    side, remote = ("DestAddress", row.dest_address) if outbound else ("SourceAddress", row.source_address)
    address = _needed(remote, side)
    # 5156 itself calls the pid ProcessID; nxlog puts the reporting process there, and gives itself away by ThreadID.
    own = row.process_id if row.process_id is not None or row.thread_id is not None else row.reported_process_id
    protocol = text(row.protocol).casefold()
    return {
        "process": _process(_needed(path_on_volume(row.application), "Application"), number(own)),
        "destination": address,
        "address": address,
        "port": number(row.dest_port),
        "protocol": _TRANSPORTS.get(protocol, protocol) or "tcp",
        "outbound": outbound,
    }


FieldsOf = Callable[[Row, datetime], Fields]

ACTS: Final[dict[tuple[str, int], tuple[type[AnyEvent], FieldsOf]]] = {
    ("Sysmon", 1): (ProcessStarted, _sysmon_started),
    ("Sysmon", 3): (ConnectionOpened, _sysmon_connected),
    ("Sysmon", 5): (ProcessEnded, _ended),
    ("Sysmon", 7): (ModuleLoaded, _module_loaded),
    ("Sysmon", 11): (FileTouched, _created),
    ("Sysmon", 15): (FileTouched, _created),
    ("Sysmon", 22): (NameResolved, _resolved),
    ("Sysmon", 23): (FileTouched, _deleted),
    ("Sysmon", 26): (FileTouched, _deleted),
    ("Security", 4688): (ProcessStarted, _security_started),
    ("Security", 4689): (ProcessEnded, _security_ended),
    ("Security", 5156): (ConnectionOpened, _security_connected),
}
"""(feed, event id) to the event it is and the function that fills it. To add one: its function, its line, its test."""
