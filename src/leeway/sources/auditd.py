"""The log of the Linux audit daemon: starts and ends, connections, files, and libraries as they are opened.

What it shows is what its rules ask for. It never shows names of hosts, how much was sent, what a library or program
hashes to, nor which container acted.

On the sensor: rules, as `/etc/audit/rules.d/60-leeway.rules`; name the folders that matter to you. For 32-bit programs
repeat them with `arch=b32`; on ARM leave out `open`, `creat`, `unlink` and `rename`, which it does not have:

    -a always,exit -F arch=b64 -S execve,execveat -k leeway
    -a always,exit -F arch=b64 -S exit_group -k leeway
    -a always,exit -F arch=b64 -S connect -k leeway
    -a always,exit -F arch=b64 -S open,openat,creat,truncate -F dir=/srv/models -k leeway
    -a always,exit -F arch=b64 -S unlink,unlinkat,rename,renameat,renameat2 -F dir=/srv/models -k leeway
    -a always,exit -F arch=b64 -S open,openat -F dir=/usr/lib -k leeway

The last one is for libraries, and the one to leave out first where the log grows too fast. `sendto` shows UDP without
`connect`, at the price of a record for each packet. In `auditd.conf`, so that users and hosts have their names (a log
that names no host is given one by `--host NAME`):

    log_format = ENRICHED
    name_format = hostname
"""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

import msgspec

from leeway.errors import InvalidEventError
from leeway.events import Facet, Measure
from leeway.sources.auditd_acts import event_of
from leeway.sources.auditd_groups import Group, groups
from leeway.sources.auditd_records import head, without_arguments
from leeway.sources.lines import lines
from leeway.sources.places import Place
from leeway.sources.positions import cut_short, position_of
from leeway.sources.records import Feed, Record, Skipped, rejected
from leeway.sources.redacted import without_secrets

HOST_NOT_TOLD: Final = "(host not told)"
"""Host of the events of a log that names none: visible, and no name that a host could have."""

_SEPARATOR: Final = re.compile(rb"-{4}\s*|time->.*", re.DOTALL)
"""What ausearch writes between events."""


class Auditd(Feed):
    """Audit records, put back together by their serial number: raw, enriched, behind a syslog's prefix, or AUOMS'.

    The id of an event is the digest of its host, time and serial number, which the kernel gives once; the same event
    read from a copy of the log keeps it. Opening a library to read it counts as loading it. A connection is called TCP
    unless a datagram was sent: the log does not tell. A user is who the process runs as, by number where only that is
    logged.
    """

    name: ClassVar[str] = "auditd"
    observes: ClassVar[frozenset[Facet | Measure]] = frozenset(
        {
            Facet.CHILD,
            Facet.CHILD_ARGUMENTS,
            Facet.SUPERNET,
            Facet.NETWORK,
            Facet.NETWORK_PORT,
            Facet.NAMED_RANGE,
            Facet.NAMED_NETWORK,
            Facet.IP,
            Facet.PORT,
            Facet.MODULE,
            Facet.TREE,
            Facet.DIRECTORY,
            Facet.FILE,
            Facet.MODEL_FILE,
            Facet.MODEL_FILE_USER,
            Facet.MODEL_FILE_ARGUMENTS,
            Facet.USER,
            Facet.HOUR,
            Measure.EVENTS,
        }
    )
    patterns: ClassVar[tuple[str, ...]] = ("audit.log*", "*.log")

    def __init__(self, place: Place, host: str = "") -> None:
        """`host` is whose log it is, where its lines do not say."""
        super().__init__(place)
        self._host = host.casefold() or HOST_NOT_TOLD

    @classmethod
    def recognises(cls, line: bytes) -> bool:
        """Say whether the line starts as an audit record does."""
        return head(line) is not None

    def read(self, *, after: str | None = None) -> Iterator[tuple[str, Record]]:
        """Yield each event with the decimal byte offset behind its last line.

        Events overlap in the log, so what lies before `after` is read again, and only what ends behind it is yielded.

        Raises:
            SourceError: when the file cannot be read on.
        """
        behind = position_of(self._place, after)
        reached = 0
        for group in groups(lines(self._place)):
            reached = max(reached, group.end)
            if group.end > behind:
                yield str(group.end), self._record(group)
        if reached < behind:
            raise cut_short(self._place, behind)

    def _record(self, group: Group) -> Record:
        stamp = group.stamp
        if group.reason:
            return rejected(group.end, b"", group.reason)
        if stamp is None:
            if _SEPARATOR.fullmatch(group.line):
                return Skipped(str(group.end), "not used: a separator of ausearch")
            reason = "no audit record: it starts without type= and audit(time:serial)"
            return rejected(group.end, without_arguments(group.line), reason)
        try:
            found = event_of(group, stamp, stamp.host or self._host)
        except (msgspec.MsgspecError, InvalidEventError) as error:
            return rejected(group.end, without_arguments(group.line), str(error))
        if isinstance(found, str):
            return Skipped(str(group.end), found)
        self.host_not_told |= found.host == HOST_NOT_TOLD
        return without_secrets(found)
