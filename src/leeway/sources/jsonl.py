"""Leeway's own JSON lines: one event a line, as `leeway schema` describes it."""

from collections.abc import Iterator
from typing import ClassVar, Final

import msgspec
from msgspec import Struct

from leeway.events import AnyEvent, Facet, Measure
from leeway.sources.lines import flaw, lines
from leeway.sources.places import Place
from leeway.sources.records import Record, rejected
from leeway.sources.redacted import without_secrets

_READER: Final[msgspec.json.Decoder[AnyEvent]] = msgspec.json.Decoder(AnyEvent)
_WRITER: Final = msgspec.json.Encoder(order="deterministic")


class _Marks(Struct):
    """The keys by which a line of this feed is known."""

    kind: str
    time: str


_MARKS: Final = msgspec.json.Decoder(_Marks)


class JsonLines:
    """Events as Leeway writes them; every facet and measure can be in them.

    Blind to: a key given twice (the last one counts) and keys that no event has (ignored).
    """

    name: ClassVar[str] = "jsonl"
    observes: ClassVar[frozenset[Facet | Measure]] = frozenset((*Facet, *Measure))
    patterns: ClassVar[tuple[str, ...]] = ("*.jsonl", "*.json", "*.ndjson", "*.log")

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def uri(self) -> str:
        """Return the place as the caller wrote it."""
        return self._place.uri

    @classmethod
    def recognises(cls, line: bytes) -> bool:
        """Say whether the line is an object with a `kind` and a `time`."""
        try:
            return not flaw(line) and bool(_MARKS.decode(line).kind)
        except msgspec.MsgspecError:
            return False

    def read(self, *, after: str | None = None) -> Iterator[tuple[str, Record]]:
        """Yield each record with the decimal byte offset behind it.

        Raises:
            SourceError: when the file cannot be read on.
        """
        for offset, line in lines(self._place, after):
            yield str(offset), rejected(offset, b"", line) if isinstance(line, str) else _record(offset, line)


def _record(offset: int, line: bytes) -> Record:
    if reason := flaw(line):
        return rejected(offset, line, reason)
    try:
        return without_secrets(_READER.decode(line))
    except msgspec.MsgspecError as error:
        return rejected(offset, line, str(error))


def write_event(event: AnyEvent) -> bytes:
    """Return the event as one JSON line, its end included; equal events give equal bytes."""
    return _WRITER.encode(event) + b"\n"
