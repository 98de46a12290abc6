"""Findings as syslog messages with structured data (RFC 5424)."""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from leeway.findings import Finding, Severity
from leeway.sinks.bounds import fit
from leeway.sinks.sink import Told
from leeway.text import display

_FACILITY = 16
"""local0."""

_LEVELS = {Severity.CRITICAL: 2, Severity.HIGH: 3, Severity.MEDIUM: 4, Severity.LOW: 5, Severity.INFO: 6}
"""Critical, error, warning, notice, informational (RFC 5424, table 2)."""

_ELEMENT = "leeway@32473"
"""Name of the structured data; 32473 is the enterprise number set aside for those who have none (RFC 5612)."""

MESSAGE_BYTES = 8_192
"""What a message holds at most; what is longer is cut, with a mark."""

_ROOM = {"agentName": 512, "command": 1_024, "lineage": 768, "context": 768, "parent": 256, "process": 256}
"""Bytes of a parameter's value, escapes included; 128 of any other."""

_OTHER_ROOM = 128

_HOST_LENGTH, _TYPE_LENGTH = 255, 32
"""Characters of HOSTNAME and MSGID."""

_NOT_PLAIN = re.compile(r"[^!-~]+")
_SPECIAL = re.compile(r'[\\"\]]')


class Syslog:
    """One message a finding, each ended by a line feed."""

    name: ClassVar[str] = "syslog"
    suffix: ClassVar[str] = ".syslog"
    is_appended: ClassVar[bool] = True

    def render(self, findings: Iterable[Finding], told: Told | None = None) -> bytes:
        """Return the messages; each has at most 8 KiB."""
        return b"".join(syslog_message(one, _data(one, told), _words(one)) + b"\n" for one in findings)


def syslog_message(finding: Finding, data: str, words: str) -> bytes:
    """Return one message about a finding: the header, structured data (`-` for none) and words, cut to 8 KiB."""
    stamp = finding.last.isoformat(timespec="microseconds").replace("+00:00", "Z")
    host = _plain(finding.host, _HOST_LENGTH)
    kind = _plain(finding.type, _TYPE_LENGTH)
    head = f"<{_FACILITY * 8 + _LEVELS[finding.severity]}>1 {stamp} {host} leeway - {kind} {data} ".encode()
    # RFC 5424 section 6.4 asks for the mark where the text is UTF-8; ASCII goes bare, as old receivers show the mark.
    mark = b"" if words.isascii() else b"\xef\xbb\xbf"
    return head + mark + fit(words, MESSAGE_BYTES - len(head) - len(mark)).encode()


def _words(finding: Finding) -> str:
    text = f"{finding.severity} {finding.type}: {finding.agent_name}: {finding.reason}"
    return display(text, limit=MESSAGE_BYTES)


def _data(finding: Finding, told: Told | None) -> str:
    parameters = (f' {name}="{_quoted(name, text)}"' for name, text in _parameters(finding, told) if text)
    return f"[{_ELEMENT}{''.join(parameters)}]"


def _parameters(finding: Finding, told: Told | None) -> Iterator[tuple[str, str]]:
    yield from (("finding", finding.finding_id), ("case", finding.case_id), ("agent", finding.agent))
    yield from (("agentName", finding.agent_name), ("severity", str(finding.severity)), ("state", finding.state))
    yield from (("day", finding.day.isoformat()), ("process", finding.process), ("parent", finding.parent))
    yield from (("user", finding.user), ("command", finding.command_line), ("lineage", " > ".join(finding.lineage)))
    yield from (("tags", ", ".join(finding.tags)), ("context", ", ".join(finding.context)))
    yield "surprise", f"{finding.surprise.p:.6g}"
    if told is not None:
        yield from (("activity", told.activity), ("caseDays", str(told.days)), ("delivery", told.delivery))


def _quoted(name: str, text: str) -> str:
    """Return a parameter's value: shown text, its quotes, backslashes and brackets escaped (section 6.3.3)."""
    room = _ROOM.get(name, _OTHER_ROOM)
    # A cut never ends in half an escape that would take the closing quote with it: the mark stands between.
    return fit(_SPECIAL.sub(r"\\\g<0>", display(text, limit=room)), room)


def _plain(text: str, length: int) -> str:
    """Return a header's word: printable ASCII without spaces, `-` for none."""
    return _NOT_PLAIN.sub("_", text)[:length] or "-"
