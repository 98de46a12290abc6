"""The fields of one Windows event as flat JSON, read without trust: text or number, `-` for nothing, two names for one.

Meanings are those of Microsoft's documentation of Sysmon and of security auditing; the forms are those that nxlog,
Winlogbeat and the exports of the event log were seen to write.
"""

import re
from typing import Final

from msgspec import Raw, Struct, field
from msgspec.json import Decoder

from leeway.sources.answers import answered

Scalar = str | int | bool | None
_NUMBER: Final = re.compile("0x[0-9a-f]{1,16}|[0-9]{1,19}")
_GUID: Final = re.compile(r"\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?")
_NO_GUID: Final = "{00000000-0000-0000-0000-000000000000}"
"""How Sysmon writes that it does not know the process; as an id it would make one process of many."""


class Row(Struct, rename="pascal"):
    """One row; every field is optional, because each event fills its own."""

    event_id: Scalar = field(default=None, name="EventID")
    channel: str | None = None
    source_name: str | None = None
    hostname: str | None = None
    computer: str | None = None
    collector: str | dict[str, Raw] | None = field(default=None, name="host")
    """Who handed the row on; the host itself only where nothing else names one."""
    thread_id: Scalar = field(default=None, name="ThreadID")

    utc_time: str | None = None
    """Sysmon's own time: UTC, written without a zone."""
    timestamp: Scalar = field(default=None, name="@timestamp")
    time_created: Scalar = None
    capture: str | None = field(default=None, name="_capture")

    process_id: Scalar = None
    reported_process_id: Scalar = field(default=None, name="ProcessID")
    process_guid: str | None = None
    image: str | None = None
    command_line: str | None = None
    user: str | None = None
    hashes: str | None = None
    parent_process_guid: str | None = None
    parent_process_id: Scalar = None
    parent_image: str | None = None
    parent_command_line: str | None = None

    initiated: Scalar = None
    protocol: Scalar = None
    source_ip: str | None = None
    source_hostname: str | None = None
    destination_ip: str | None = None
    destination_hostname: str | None = None
    destination_port: Scalar = None

    image_loaded: str | None = None
    signed: Scalar = None
    signature: str | None = None
    signature_status: str | None = None
    target_filename: str | None = None
    query_name: str | None = None
    query_results: str | None = None

    new_process_id: Scalar = None
    new_process_name: str | None = None
    parent_process_name: str | None = None
    process_name: str | None = None
    subject_user_name: str | None = None
    subject_domain_name: str | None = None
    target_user_name: str | None = None
    target_domain_name: str | None = None
    application: str | None = None
    direction: str | None = None
    source_address: str | None = None
    dest_address: str | None = None
    dest_port: Scalar = None


ROWS: Final = Decoder(Row)


def text(value: Scalar) -> str:
    """Return a value as text; empty where it is absent, which these feeds also write as `-`."""
    if value is None:
        return ""
    spelt = str(value)
    return "" if spelt == "-" else spelt


def number(value: Scalar) -> int | None:
    """Return a number written in decimal or as `0x1f4`; None where it is absent or none."""
    spelt = text(value).casefold()
    if not _NUMBER.fullmatch(spelt):
        return None
    return int(spelt, 16) if spelt.startswith("0x") else int(spelt)


def guid(value: str | None) -> str | None:
    """Return a process's id, None where the sensor knew none; a GUID in lower case and braces, however it was spelt.

    >>> guid("39E4A257-DDE0-5F8B-501B-000000000400")
    '{39e4a257-dde0-5f8b-501b-000000000400}'
    """
    spelt = text(value)
    match = _GUID.fullmatch(spelt.casefold())
    if match is None:
        return spelt or None
    known = f"{{{match[1]}}}"
    return None if known == _NO_GUID else known


def truth(value: Scalar) -> bool:
    """Say whether a flag, written `true`, `True` or as JSON's own, is set."""
    return text(value).casefold() == "true"


def sha256(hashes: str | None) -> str | None:
    """Return the SHA-256 among `SHA1=…,MD5=…,SHA256=…,IMPHASH=…`, lower case; None where it was not taken."""
    return _hash(hashes, "SHA256=")


def sha1(hashes: str | None) -> str | None:
    """Return the SHA-1, lower case, where the sensor took no SHA-256: it says nothing beside that."""
    return None if sha256(hashes) else _hash(hashes, "SHA1=")


def _hash(hashes: str | None, label: str) -> str | None:
    for part in text(hashes).split(","):
        if part.upper().startswith(label):
            return part[len(label) :].casefold()
    return None


def account(domain: str | None, name: str | None) -> str | None:
    r"""Return `DOMAIN\name`, or the name where no domain is given, or None where there is neither."""
    if not text(name):
        return None
    return f"{text(domain)}\\{text(name)}" if text(domain) else text(name)


def addresses(results: str | None) -> tuple[str, ...]:
    """Return the addresses of a query's results, IPv4-mapped ones unwrapped; aliases (`type:  5 …`) are left out.

    >>> addresses("type:  5 host.example.net;::ffff:192.0.2.7;2001:db8::1;")
    ('192.0.2.7', '2001:db8::1')
    """
    return answered(text(results).split(";"))


def path_on_volume(application: str | None) -> str:
    r"""Return the path behind `\device\harddiskvolumeN`, whose drive letter the row does not tell.

    >>> path_on_volume("\\device\\harddiskvolume2\\windows\\explorer.exe")
    '\\windows\\explorer.exe'
    """
    spelt = text(application)
    if not spelt.casefold().startswith("\\device\\"):
        return spelt
    return "\\" + spelt.split("\\", 3)[-1]


def host_of(row: Row) -> str:
    """Return the name of the host, lower case; empty where the row has none."""
    collector = row.collector if isinstance(row.collector, str) else ""
    return (text(row.hostname) or text(row.computer) or text(collector)).casefold()
