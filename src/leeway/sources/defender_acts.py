"""Which event each row of Defender's tables is, and from which of its cells: one function an act, one table of them."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from leeway.errors import InvalidEventError
from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    FileTouched,
    ModuleLoaded,
    NameResolved,
    ProcessEnded,
    ProcessStarted,
    SignatureChecked,
)
from leeway.sources.answers import answered
from leeway.sources.defender_columns import Cells
from leeway.sources.lines import flaw
from leeway.sources.records import Fields
from leeway.sources.sysmon_rows import account, path_on_volume
from leeway.text import base_name

STREAMED: Final = "AdvancedHunting-"
"""What the streaming API puts before the name of a table."""

_TRANSPORTS: Final = {"tcpv4": "tcp", "tcpv6": "tcp", "udpv4": "udp", "udpv6": "udp"}


def _image(folder_path: str, name: str) -> str:
    """Return the path of a file of which the table gives folder and name.

    The reference calls `FolderPath` the folder; what is delivered there ends in the name, on Windows and on Linux.
    """
    path = path_on_volume(folder_path)
    if not path or not name or base_name(path) == base_name(name):
        return path or path_on_volume(name)
    separator = "/" if path.startswith("/") else "\\"
    return f"{path.rstrip(separator)}{separator}{name}"


def _initiator(cells: Cells) -> Fields | None:
    """Return the process that acted; None where the row names none, as those of inspected packets do."""
    image = _image(cells.text("InitiatingProcessFolderPath"), cells.text("InitiatingProcessFileName"))
    pid = cells.number("InitiatingProcessId")
    if not image and not pid:
        return None
    return {
        "image": image,
        "pid": pid,
        "uid": cells.unique("InitiatingProcessUniqueId"),
        "started": cells.started("InitiatingProcessCreationTime"),
        "command_line": cells.text("InitiatingProcessCommandLine") or None,
        "sha1": _digest(cells.text("InitiatingProcessSHA1")),
    }


def _user(cells: Cells, role: str) -> str | None:
    """Return the account, lower case: Windows compares accounts so, and the tables differ in how they write them."""
    return (account(cells.text(f"{role}AccountDomain"), cells.text(f"{role}AccountName")) or "").casefold() or None


def _acting(cells: Cells) -> Fields:
    return {
        "host": cells.needed("DeviceName").casefold(),
        "process": _initiator(cells),
        "user": _user(cells, "InitiatingProcess"),
    }


def _digest(text: str) -> str | None:
    return text.casefold() or None


def _path(cells: Cells) -> str:
    path = _image(cells.text("FolderPath"), cells.text("FileName"))
    if not path:
        raise InvalidEventError("no FolderPath and no FileName")
    return path


def _started(cells: Cells) -> Fields:
    return {
        "host": cells.needed("DeviceName").casefold(),
        "process": {
            "image": _path(cells),
            "pid": cells.number("ProcessId"),
            "uid": cells.unique("ProcessUniqueId"),
            "started": cells.started("ProcessCreationTime"),
            "command_line": cells.text("ProcessCommandLine") or None,
            "sha1": _digest(cells.text("SHA1")),
        },
        "user": _user(cells, "") or _user(cells, "InitiatingProcess"),
        "parent": _initiator(cells),
        "digest": _digest(cells.text("SHA256")),
    }


def _connected(cells: Cells) -> Fields:
    return _connection(cells, host_of(cells.text("RemoteUrl")), "RemotePort", outbound=True)


def _accepted(cells: Cells) -> Fields:
    # The other side opened it: the name in RemoteUrl, if any, would be ours, and the port spoken to is the local one.
    return _connection(cells, "", "LocalPort", outbound=False)


def _connection(cells: Cells, name: str, port: str, *, outbound: bool) -> Fields:
    address = cells.text("RemoteIP")
    if not name and not address:
        raise InvalidEventError("no RemoteUrl and no RemoteIP")
    protocol = cells.text("Protocol").casefold()
    number = cells.number(port)
    if number is None:
        raise InvalidEventError(f"no {port}")
    return {
        **_acting(cells),
        "destination": name or address,
        "address": address or None,
        "port": number,
        "protocol": _TRANSPORTS.get(protocol, protocol) or "tcp",
        "outbound": outbound,
    }


def host_of(url: str) -> str:
    """Return the host of what may be a URL, a host with a port, or a host.

    >>> host_of("https://ana@api.example.org:8443/v1?key=1"), host_of("api.example.org"), host_of("[2001:db8::1]:443")
    ('api.example.org', 'api.example.org', '2001:db8::1')
    """
    authority = url.partition("://")[2] or url
    for end in "/?#":
        authority = authority.partition(end)[0]
    authority = authority.rpartition("@")[2]
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    host, colon, port = authority.rpartition(":")
    return host if colon and port.isdecimal() and ":" not in host else authority


def _module_loaded(cells: Cells) -> Fields:
    sha1, sha256 = _digest(cells.text("SHA1")), _digest(cells.text("SHA256"))
    return {**_acting(cells), "path": _path(cells), "digest": sha256, "sha1": sha1}


def _touched(action: str) -> Callable[[Cells], Fields]:
    def fields(cells: Cells) -> Fields:
        return {**_acting(cells), "path": _path(cells), "action": action}

    return fields


def _dns_inspected(cells: Cells) -> Fields | str:
    found = _additional(cells)
    if str(found.get("direction", "")).casefold() == "in":
        return "DnsConnectionInspected, a question put to this host"
    return _resolved(cells, found.get("query"), found.get("answers"))


def _dns_answered(cells: Cells) -> Fields | str:
    found = _additional(cells)
    return _resolved(cells, found.get("DnsQueryString"), found.get("DnsQueryResult"))


def _resolved(cells: Cells, name: object, answers: object) -> Fields | str:
    if not isinstance(name, str) or not name:
        return f"{cells.text('ActionType')} without a name"
    listed = _json(answers) if isinstance(answers, str) else answers
    parts = [one.get("Result") if isinstance(one, dict) else one for one in listed] if isinstance(listed, list) else []
    return {**_acting(cells), "name": name, "addresses": answered(parts)}


def _additional(cells: Cells) -> dict[str, object]:
    """Return `AdditionalFields`, which some exports write as text within the text."""
    value = cells.values.get("AdditionalFields")
    found = _json(value) if isinstance(value, str) else value
    return found if isinstance(found, dict) else {}


def _json(text: str) -> object:
    line = text.encode("utf-8", "replace")
    try:
        return None if not text or flaw(line) else msgspec.json.decode(line)
    except msgspec.MsgspecError:
        return None


def _checked(cells: Cells) -> Fields | str:
    if not cells.truth("IsSigned"):
        return "a file without signature"
    if not cells.truth("IsTrusted"):
        return "a signature that does not hold"
    return {
        "host": cells.needed("DeviceName").casefold(),
        "digest": cells.needed("SHA1").casefold(),
        "signer": cells.needed("Signer"),
    }


def _security_user(cells: Cells, role: str) -> str | None:
    return (account(cells.text(f"{role}DomainName"), cells.text(f"{role}UserName")) or "").casefold() or None


def _security_started(cells: Cells) -> Fields:
    parent, creator = cells.text("ParentProcessName"), cells.number("ProcessId")
    return {
        "host": cells.needed("Computer").casefold(),
        "process": {
            "image": cells.needed("NewProcessName"),
            "pid": cells.number("NewProcessId"),
            "started": cells.time(),
            "command_line": cells.text("CommandLine") or None,
        },
        "user": _security_user(cells, "Target") or _security_user(cells, "Subject"),
        "parent": {"image": parent, "pid": creator} if parent or creator is not None else None,
    }


def _security_ended(cells: Cells) -> Fields:
    return {
        "host": cells.needed("Computer").casefold(),
        "process": {"image": cells.needed("ProcessName"), "pid": cells.number("ProcessId")},
        "user": _security_user(cells, "Subject"),
    }


class Act(NamedTuple):
    """The event that a row is, and the function that fills it, or says why nothing is learned from the row."""

    kind: type[AnyEvent]
    fields_of: Callable[[Cells], Fields | str]


ACTS: Final[dict[str, dict[str, Act]]] = {
    "DeviceProcessEvents": {"ProcessCreated": Act(ProcessStarted, _started)},
    "DeviceNetworkEvents": {
        "ConnectionSuccess": Act(ConnectionOpened, _connected),
        "ConnectionSuccessAggregatedReport": Act(ConnectionOpened, _connected),
        "ConnectionFailed": Act(ConnectionOpened, _connected),
        "ConnectionFailedAggregatedReport": Act(ConnectionOpened, _connected),
        "ConnectionRequest": Act(ConnectionOpened, _connected),
        "ConnectionAttempt": Act(ConnectionOpened, _connected),
        "ConnectionFound": Act(ConnectionOpened, _connected),
        "InboundConnectionAccepted": Act(ConnectionOpened, _accepted),
        "DnsConnectionInspected": Act(NameResolved, _dns_inspected),
    },
    "DeviceEvents": {"DnsQueryResponse": Act(NameResolved, _dns_answered)},
    "DeviceImageLoadEvents": {"ImageLoaded": Act(ModuleLoaded, _module_loaded)},
    "DeviceFileEvents": {
        "FileCreated": Act(FileTouched, _touched("created")),
        "FileModified": Act(FileTouched, _touched("modified")),
        "FileRenamed": Act(FileTouched, _touched("renamed")),
        "FileDeleted": Act(FileTouched, _touched("deleted")),
    },
    "DeviceFileCertificateInfo": {"": Act(SignatureChecked, _checked)},
    "SecurityEvent": {"4688": Act(ProcessStarted, _security_started), "4689": Act(ProcessEnded, _security_ended)},
}
"""Table and ActionType, or EventID, to the act; certificates have neither. To add one: its function, line and test."""

_PASSED_OVER: Final = frozenset(
    {
        "ProcessCreatedAggregatedReport",
        "FileCreatedAggregatedReport",
        "FileModifiedAggregatedReport",
        "FileRenamedAggregatedReport",
        "ListeningConnectionCreated",
        "InboundConnectionAttempt",
        "ConnectionAcknowledged",
        "NetworkSignatureInspected",
        "HttpConnectionInspected",
        "SslConnectionInspected",
        "SshConnectionInspected",
        "FtpConnectionInspected",
        "IcmpConnectionInspected",
        "SmtpConnectionInspected",
        "NtlmAuthenticationInspected",
        "KerberosInspected",
        "InboundInternetScanInspected",
    }
)
"""Kinds that are counted by name; of the rest, which anybody may invent, only the table is named."""

_EVENT_ID: Final = re.compile("[0-9]{1,5}")

_OTHER_TABLES: Final = frozenset(
    {"DeviceInfo", "DeviceNetworkInfo", "DeviceRegistryEvents", "DeviceLogonEvents", "AlertInfo", "AlertEvidence"}
)

_TABLE_OF: Final = {action: table for table, acts in ACTS.items() for action in acts if action.isalpha()}


def table_of(cells: Cells) -> str:
    """Return the table that a row is of, by what it says, by its act or by its columns; empty where only its act tells.

    Raises:
        InvalidEventError: where nothing tells.
    """
    table = cells.text("Type").removeprefix(STREAMED)
    if table:
        return table
    action = cells.text("ActionType")
    if action:
        return _TABLE_OF.get(action, "")
    if {"IsSigned", "IsTrusted"} <= cells.values.keys():
        return "DeviceFileCertificateInfo"
    if {"EventID", "Computer"} <= cells.values.keys():
        return "SecurityEvent"
    raise InvalidEventError("no ActionType, and no Type that says which table this is of")


def act_of(cells: Cells) -> Act | str:
    """Return the act that a row is, or which kind of row it is that nothing is learned from.

    Raises:
        InvalidEventError: where nothing tells what it is.
    """
    table = table_of(cells)
    by = "EventID" if table == "SecurityEvent" else "ActionType"
    action = "" if table == "DeviceFileCertificateInfo" else cells.text(by)
    if table and table not in ACTS:
        return f"table {table}" if table in _OTHER_TABLES else "another table"
    if not action and table != "DeviceFileCertificateInfo":
        raise InvalidEventError(f"no {by}")
    act = ACTS.get(table, {}).get(action)
    if act is not None:
        return act
    named = action in _PASSED_OVER or _EVENT_ID.fullmatch(action)
    return f"{table} {action if named else f'of another {by}'}".strip()
