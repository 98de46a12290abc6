"""What reading gives beside events: records refused, records left alone; and the protocol every feed keeps."""

from collections.abc import Iterator
from typing import ClassVar, Protocol

from msgspec import Struct

from leeway.events import AnyEvent, Facet, Measure
from leeway.sources.places import Place
from leeway.text import redact

_SHOWN = 2_000
"""Characters of a refused record that are kept."""

_SCANNED = 4 * _SHOWN
"""Characters of it that are searched for secrets: more than are kept, so that no secret is cut in two and shown."""


class Rejected(Struct, frozen=True):
    """A record that could not be read, kept with its place and the reason."""

    position: str
    record: str
    """The record without its secrets, at most 2,000 characters of it."""
    reason: str


class Skipped(Struct, frozen=True):
    """A record that is sound and of a kind Leeway learns nothing from; counted by `reason`."""

    position: str
    reason: str


Record = AnyEvent | Rejected | Skipped

Fields = dict[str, object]
"""An event's fields before they are checked against its type."""

Meaning = tuple[type[AnyEvent], Fields] | str
"""The event that a record tells of, or why nothing is learned from it."""


class Source(Protocol):
    """One feed at one place."""

    name: ClassVar[str]

    @property
    def observes(self) -> frozenset[Facet | Measure]:
        """Return what this telemetry can show; a detector that asks for more is blind here."""
        ...

    @property
    def uri(self) -> str:
        """Return the place as the caller wrote it; positions belong to it."""
        ...

    def read(self, *, after: str | None = None) -> Iterator[tuple[str, Record]]:
        """Yield each record with the position to resume from once it has been dealt with.

        A position is a decimal number that only grows: the byte offset, in the decompressed stream, just behind the
        record; of a format without lines, the number of records up to and with it.

        Raises:
            SourceError: when the feed as a whole cannot be read on, after every good record before that point.
        """
        ...


class SourceKind(Protocol):
    """What the class of a source offers, so that one entry in one list adds a feed."""

    name: str
    patterns: tuple[str, ...]
    """Shell patterns of the file names that a folder is searched for."""

    def __call__(self, place: Place) -> Source:
        """Return the source that reads `place`."""
        ...

    def recognises(self, line: bytes) -> bool:
        """Say whether `line`, one of the first of a file, is of this feed; of a binary file it is its first 4 KiB."""
        ...


def rejected(position: int, record: bytes, reason: str) -> Rejected:
    """Return the refusal of `record` for `reason`, without secrets in either: a reason may quote the record."""
    text = record[: 4 * _SCANNED].decode("utf-8", "replace")[:_SCANNED]
    return Rejected(str(position), redact(text)[:_SHOWN], redact(reason))
