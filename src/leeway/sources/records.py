"""What reading gives beside events: records refused, records left alone; and the protocol every feed keeps."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import ClassVar, Final, Protocol

from msgspec import Struct

from leeway.events import AnyEvent, Facet, Measure
from leeway.sources.places import Place
from leeway.text import redact

_SHOWN = 2_000
"""Characters of a refused record that are kept."""

_SCANNED = 4 * _SHOWN
"""Characters of it that are searched for secrets: more than are kept, so that no secret is cut in two and shown."""


_CACHED_LENGTH: Final = 256
"""Characters up to which what was searched is remembered: a million broken lines are often the same few."""

_ESCAPED: Final = re.compile(r"\\u00([2-7][0-9A-Fa-f])")
"""An ASCII character as JSON may spell it."""

_LISTED: Final = re.compile(
    r'("-{1,2}(?:[\w.-]{0,64}?(?:token|secret|passw(?:or)?d|passphrase|pass|pwd|pw|key|auth|credentials?|cookie|user|sig|'
    r'pin|otp|sid|jwt)|[uUpbw])\\{0,4}"\s{0,8},\s{0,8}\\{0,4}")(?:[^"\\]|\\[^"])*',
    re.IGNORECASE,
)
"""An argument behind the option that names it, in a list of JSON."""


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


class Feed:
    """The frame of a source: the place that it reads. A kind adds its marks and what its records mean."""

    partial: ClassVar[str] = ""
    """Why the feed shows less than its sensor saw; empty where it shows all of it."""
    host_not_told = False
    """Whether an event that was read so far had to go without the name of its host."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def uri(self) -> str:
        """Return the place as the caller wrote it."""
        return self._place.uri


class SourceKind(Protocol):
    """What the class of a source offers, so that one entry in one list adds a feed."""

    name: str
    patterns: tuple[str, ...]
    """Shell patterns of the file names that a folder is searched for."""

    def __call__(self, place: Place) -> Source:
        """Return the source that reads `place`."""
        ...

    def recognises(self, line: bytes) -> bool:
        """Say whether `line`, one of the first of a file, is of this feed.

        Of a binary file it is its first 4 KiB; of Parquet, `PAR1` and below it the names of its columns, one a line.
        """
        ...


def rejected(position: int, record: bytes, reason: str) -> Rejected:
    """Return the refusal of `record` for `reason`, without secrets in either: a reason may quote the record."""
    text = record[: 4 * _SCANNED].decode("utf-8", "replace")[:_SCANNED]
    return Rejected(str(position), _without_secrets(text)[:_SHOWN], _without_secrets(reason))


def _without_secrets(text: str) -> str:
    return _remembered(text) if len(text) <= _CACHED_LENGTH else _searched(text)


@lru_cache(maxsize=4_096)
def _remembered(text: str) -> str:
    return _searched(text)


def _searched(text: str) -> str:
    """Return a record, as its feed spells it, without secrets."""
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return redact(_LISTED.sub(r"\1<secret>", plain))
