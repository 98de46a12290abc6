"""One line of an audit log: its head (host, time, serial, type) and its fields, with their quoting undone.

The forms are those the kernel and auditd write (raw and enriched), those of a syslog that passed them on, and those of
AUOMS, which folds an event into one record.
"""

import re
from typing import Final, NamedTuple

_STAMP: Final = rb"audit\((?P<seconds>\d{1,11})\.(?P<fraction>\d{1,9}):(?P<serial>\d{1,20})\)\s{0,8}:"
_SYSLOG: Final = (
    rb"(?:<\d{1,3}>)?(?:1 )?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S{5,40}) "
    rb"(?P<relay>\S{1,253}) (?:\S{1,64} {1,4}){0,6}?"
)
"""What RFC 3164 and RFC 5424 put before a message: priority, time, host, and what tells the program."""

_HEAD: Final = re.compile(
    rb"(?:" + _SYSLOG + rb")?(?:node=(?P<node>\S{1,253}) )?"
    rb"type=(?P<type>[A-Z][A-Z0-9_]{0,63}|(?:UNKNOWN\[)?(?P<number>\d{1,9})\]?) (?:msg=)?" + _STAMP
)

_NUMBERED: Final = {
    b"1300": "SYSCALL",
    b"1302": "PATH",
    b"1304": "SOCKETCALL",
    b"1306": "SOCKADDR",
    b"1307": "CWD",
    b"1309": "EXECVE",
    b"1320": "EOE",
    b"1327": "PROCTITLE",
    b"1337": "OPENAT2",
}
"""Types by the numbers that the kernel's own log, and an auditd older than its kernel, write."""

_INTERPRETED: Final = "SADDR|ARCH|SYSCALL|OAUID|OUID|OGID|AUID|EUID|SUID|FSUID|EGID|SGID|FSGID|UID|GID"
"""Names that an enriched log adds. Some relays drop the separator before them, or write it as `#035`."""

_FIELD: Final = re.compile(
    r"(?:#035)?([A-Za-z_][\w-]{0,39}(?:\[\d{1,9}\])?)="
    r"(\"[^\"]*+\"?|'[^']*+'?|\{[^}]*+\}?|\[[^\]]*+\]?"
    rf"|[^\s\"]*?(?=(?:#035)?(?:{_INTERPRETED})=|[\s\"]|$))|\S++"
)
_HEX: Final = re.compile("[0-9A-Fa-f]++")
_ARGUMENTS: Final = re.compile(
    rb"\b((?:a\d{1,4}(?:\[\d{1,9}\])?|proctitle|cmd|data|saddr)=)(?:\"[^\"]*+\"?|\S++)|\b(cmdline=).*+"
    rb"|\b(?:[0-9A-Fa-f]{2}){16,}",
    re.DOTALL,
)
"""What a program was called with. No secret can be told within: arguments stand apart, and many in hexadecimal."""

_KEPT: Final = 1 << 15
"""Bytes of a refused line that are looked at."""

_NOTHING: Final = frozenset({"(null)", "(none)", "?", "<none>"})

Values = dict[str, str]
"""The values of a record as they stand in it; of a name given twice the first."""


class Stamp(NamedTuple):
    """What the records of one event share: who reported it, when, and the serial number the kernel gave it."""

    host: str
    """Host that the line names, lower case; empty where it names none."""
    seconds: int
    """Seconds since 1970-01-01T00:00:00Z."""
    fraction: str
    """Digits behind the point; three as the kernel writes them."""
    serial: str


class Head(NamedTuple):
    """How a line starts, and where its fields do."""

    stamp: Stamp
    type: str
    body: int
    """Offset of the fields within the line."""


def head(line: bytes) -> Head | None:
    """Return the head of an audit record; None where the line is none, or its time has been written out for people."""
    found = _HEAD.match(line)
    if found is None:
        return None
    host = found["node"] or found["relay"] or b""
    stamp = Stamp(
        host.decode("utf-8", "backslashreplace").casefold()[:253],
        int(found["seconds"]),
        found["fraction"].decode(),
        found["serial"].decode(),
    )
    number = found["number"]
    kind = found["type"].decode() if number is None else _NUMBERED.get(number, number.decode())
    return Head(stamp, kind, found.end())


def fields(body: bytes) -> Values:
    """Return the fields of a record by name; those that enriching added have names in capitals.

    >>> fields(b'pid=7 comm="a b" key=(null)ARCH=x86_64')
    {'pid': '7', 'comm': '"a b"', 'key': '(null)', 'ARCH': 'x86_64'}
    """
    found: Values = {}
    for match in _FIELD.finditer(body.decode("utf-8", "backslashreplace")):
        if match[1]:
            found.setdefault(match[1], match[2])
    return found


def without_arguments(line: bytes) -> bytes:
    """Return the start of a line, to be kept where it is refused: without what a program was called with.

    >>> without_arguments(b'type=EXECVE msg=audit(1.0:7): argc=2 a0="login" a1=70617373776F7264')
    b'type=EXECVE msg=audit(1.0:7): argc=2 a0=<not kept> a1=<not kept>'
    """
    return _ARGUMENTS.sub(lambda found: (found[1] or found[2] or b"") + b"<not kept>", line[:_KEPT])


def plain(value: str | None) -> str:
    """Return a value that is never encoded, without its quotes; empty where it stands for nothing."""
    if value is None or value in _NOTHING:
        return ""
    return value[1:].removesuffix(value[0]) if value[:1] in {'"', "'"} else value


def raw(value: str | None) -> bytes:
    """Return the bytes of a value that a program chose: literal in quotes, else in hexadecimal.

    The kernel writes quotes only where no byte is a quote, a control character or a blank.
    """
    if value is not None and not len(value) % 2 and _HEX.fullmatch(value):
        return bytes.fromhex(value)
    return plain(value).encode()


def text(value: str | None) -> str:
    """Return the text of a value that a program chose; bytes that are no UTF-8 are written as escapes."""
    return raw(value).decode("utf-8", "backslashreplace")
