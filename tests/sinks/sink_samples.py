"""Findings that the tests of sinks render: a plain one, hostile ones, and one of each shape a sink knows apart."""

from datetime import UTC, date, datetime

from msgspec.structs import replace

from leeway.findings import TAGS, Evidence, Finding, Severity, Surprise
from leeway.sinks import Cef, CsvAlerts, JsonDocument, JsonLinesFindings, Ocsf, Sink, Syslog

PLAIN = Finding(
    finding_id="f1",
    case_id="c1",
    agent="a1",
    agent_name="claude --print @ desk",
    type="new_child",
    value=("bash",),
    severity=Severity.MEDIUM,
    day=date(2025, 3, 10),
    first=datetime(2025, 3, 10, 9, tzinfo=UTC),
    last=datetime(2025, 3, 10, 9, 30, 0, 5, tzinfo=UTC),
    evidence=(Evidence("child", "bash", "one of 3 known"), Evidence("agent", "learning", "settled")),
    event_ids=("e1", "e2"),
    surprise=Surprise(0.125, 6, calibrated=False),
    process="bash",
    parent="claude",
    user="ana",
    command_line="bash -c id",
    lineage=("systemd", "claude", "bash"),
    tags=("ATT&CK T1059",),
    state="settled",
)
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "one\rtwo\nthree\r\n",
    "nul\x00inside",
    "\u202egpj.exe",
    "\u2066a\u2069\u2028b\u2029",
    "\x9b31m\x85\x7f",
    "=cmd|'/C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "  =1",
    "＝１",  # noqa: RUF001  # full width, as some spreadsheets read it
    "'quoted",
    '"a","b"',
    "a,b;c",
    "<script>alert(1)</script>",
    "\U000e0041\ue000",
    "é日本",
    "",
)
FIELDS = ("agent_name", "process", "parent", "user", "command_line", "state", "linked_to", "agent", "type")


def hostile(text: str) -> Finding:
    """Return a finding with a text in every field that takes one."""
    changed = dict.fromkeys(FIELDS, text)
    parts = dict.fromkeys(("value", "event_ids", "lineage", "tags", "context", "members"), (text, text))
    return replace(PLAIN, **changed, **parts, evidence=(Evidence(text, text, text),))


def shaped(kind: str, severity: Severity, value: tuple[str, ...], *evidence: Evidence) -> Finding:
    """Return a finding of a type about a value."""
    ids = {"finding_id": f"f-{kind}-{len(value)}", "case_id": f"c-{kind}-{len(value)}"}
    told = {"host": "desk.example.org", "tags": TAGS.get(kind, ())}
    return replace(PLAIN, type=kind, severity=severity, value=value, evidence=evidence, **ids, **told)


SHAPES = (
    PLAIN,
    shaped("new_destination", Severity.MEDIUM, ("example.org",), Evidence("domain", "example.org", "one of 1 known")),
    shaped(
        "new_destination",
        Severity.LOW,
        ("198.51.0.0/16", "198.51.100.0/24", "8443"),
        Evidence("port", "8443 of 198.51.100.0/24", "one of 1 known ports of 198.51.100.0/24"),
    ),
    shaped("new_path", Severity.LOW, ("/srv", "/srv/bot", "a.env"), Evidence("file", "a.env", "one of 2 known")),
    shaped(
        "module_not_approved", Severity.CRITICAL, ("libhook.so", "ab" * 32), Evidence("module", "libhook.so", "≤ 0")
    ),
    replace(
        shaped("excess_transfer", Severity.HIGH, (), Evidence("bytes sent", "1,800,000", "≤ 103,219")),
        context=("package manager: dpkg runs under apt",),
        members=("f1", "f2"),
        is_final=False,
    ),
    shaped("new_agent", Severity.INFO, (), Evidence("agent", 'bot | a=b \\ [c] "d"', "a known agent")),
    replace(hostile("one\rtwo\nthree\u202e|=]\\"), finding_id="f-hostile"),
)
"""What the golden files show."""

GOLDEN: tuple[Sink, ...] = (CsvAlerts(), JsonLinesFindings(), JsonDocument(), Ocsf("0"), Syslog(), Cef("0"))
"""The forms, under a version of their own that no release changes."""

INSIDE = (
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104  # an address to refuse
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.127.255.255",
    "198.18.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::1",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "5f00::1",
)
OUTSIDE = ("8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::1", "2001:4860::8888")
"""Addresses: none of the first may be reached by a webhook, all of the second may."""
