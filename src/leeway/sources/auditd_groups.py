"""Put the records of one audit event back together, in the order in which the events' last lines stand in the log."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct, field

from leeway.errors import SourceError
from leeway.sources.auditd_records import Head, Stamp, head

OPEN_LIMIT: Final = 200
"""Events that may wait for further records; the one that waited longest is taken as whole beyond that.

The kernel hands the records of an event over one after the other; few other events come between them.
"""

RECORD_LIMIT: Final = 512
"""Records of one event that are kept; a command line of a megabyte takes some 300."""

_BYTES_LIMIT: Final = 1 << 24
"""Bytes of all waiting events together."""

_LAST: Final = "EOE"


class Group(Struct):
    """The records of one event, or one line that is no record."""

    end: int
    """Offset behind the last line."""
    line: bytes
    """The first line, to be shown where the event is refused."""
    stamp: Stamp | None = None
    """None for a line that is no record."""
    reason: str = ""
    """Why the line could not be held."""
    records: list[tuple[str, bytes]] = field(default_factory=list)
    """Type and fields of each record."""
    size: int = 0


class _Waiting:
    """Groups ordered by where their last lines end: what comes first can no longer be overtaken once it is whole."""

    def __init__(self) -> None:
        self._groups: OrderedDict[Stamp | int, Group] = OrderedDict()
        self._size = 0

    def take(self, end: int, line: bytes | str) -> None:
        """Add a line, or the reason why there is none."""
        start = head(line) if isinstance(line, bytes) else None
        if isinstance(line, str) or start is None:
            kept, reason = (b"", line) if isinstance(line, str) else (line, "")
            self._groups[end] = Group(end, kept, reason=reason, size=len(kept))
            self._size += len(kept)
        else:
            self._join(end, line, start)

    def _join(self, end: int, line: bytes, start: Head) -> None:
        group = self._groups.pop(start.stamp, None) or Group(end, line, start.stamp)
        group.end = end
        if len(group.records) < RECORD_LIMIT:
            group.records.append((start.type, line[start.body :]))
            group.size += len(line)
            self._size += len(line)
        # A whole group is kept by its place in the log, so that nothing joins it any more.
        self._groups[end if start.type == _LAST else start.stamp] = group

    def ready(self) -> Iterator[Group]:
        """Take out what is whole and can no longer be overtaken, or has to be taken as whole."""
        while self._groups:
            first = next(iter(self._groups))
            if not isinstance(first, int) and len(self._groups) <= OPEN_LIMIT and self._size <= _BYTES_LIMIT:
                return
            yield self._out(first)

    def rest(self) -> Iterator[Group]:
        """Take out everything: the log ends here."""
        while self._groups:
            yield self._out(next(iter(self._groups)))

    def _out(self, key: Stamp | int) -> Group:
        group = self._groups.pop(key)
        self._size -= group.size
        return group


def groups(numbered: Iterable[tuple[int, bytes | str]]) -> Iterator[Group]:
    """Yield each event of a log, given as `lines` yields it, in the order of their last lines.

    Raises:
        SourceError: when the log cannot be read on, after every event before that.
    """
    waiting = _Waiting()
    cut: SourceError | None = None
    try:
        for end, line in numbered:
            waiting.take(end, line)
            yield from waiting.ready()
    except SourceError as error:
        cut = error
    yield from waiting.rest()
    if cut is not None:
        raise cut
