"""The reading that feeds of one JSON object a line share: what is left of such a source is what its records mean."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import ClassVar

import msgspec

from leeway.errors import InvalidEventError
from leeway.events import AnyEvent
from leeway.sources.lines import flaw, lines
from leeway.sources.places import Place
from leeway.sources.records import Feed, Record, Skipped, rejected
from leeway.sources.redacted import without_secrets

EventOf = Callable[[bytes], AnyEvent | str]
"""Return the event that a line is, or why nothing is learned from it; raise where the line is broken."""


def read_each(place: Place, after: str | None, event_of: EventOf) -> Iterator[tuple[str, Record]]:
    """Yield what each line is, with the decimal byte offset behind it.

    Raises:
        SourceError: when the file cannot be read on.
    """
    for offset, line in lines(place, after):
        yield str(offset), rejected(offset, b"", line) if isinstance(line, str) else record_of(line, offset, event_of)


def record_of(line: bytes, position: int, event_of: EventOf) -> Record:
    """Return what one line is: an event without secrets, or why there is none."""
    if reason := flaw(line):
        return rejected(position, line, reason)
    try:
        event = event_of(line)
        return Skipped(str(position), event) if isinstance(event, str) else without_secrets(event)
    except (msgspec.MsgspecError, InvalidEventError) as error:
        return rejected(position, line, str(error))


class LineFeed(Feed, ABC):
    """A feed of one JSON object a line; a kind says what a line is."""

    patterns: ClassVar[tuple[str, ...]] = ("*.jsonl", "*.json", "*.ndjson", "*.log")

    @abstractmethod
    def event_of(self, line: bytes) -> AnyEvent | str:
        """Return the event that a line is, or why nothing is learned from it; raise where the line is broken."""

    def read(self, *, after: str | None = None) -> Iterator[tuple[str, Record]]:
        """Yield each record with the decimal byte offset behind it.

        Raises:
            SourceError: when the file cannot be read on.
        """
        yield from read_each(self._place, after, self.event_of)
