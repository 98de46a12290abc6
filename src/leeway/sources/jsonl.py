"""Leeway's own JSON lines: one event a line, as `leeway schema` describes it.

On the sensor: `leeway schema` describes the lines; `leeway snapshot` writes them on a host that has no sensor. A sensor
of your own also writes a heartbeat now and then: it tells a quiet host from one that is no longer heard, and may list
in `observes` what can be seen at all.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

import msgspec
from msgspec import Struct

from leeway.events import AnyEvent, Facet, Measure
from leeway.sources.by_line import LineFeed
from leeway.sources.declared import SIDES, Declared
from leeway.sources.lines import flaw
from leeway.sources.places import Place
from leeway.sources.records import Record, Rejected, Skipped

_READER: Final[msgspec.json.Decoder[AnyEvent]] = msgspec.json.Decoder(AnyEvent)
_WRITER: Final = msgspec.json.Encoder(order="deterministic")


class _Marks(Struct):
    """The keys by which a line of this feed is known."""

    kind: str
    time: str


_MARKS: Final = msgspec.json.Decoder(_Marks)


class JsonLines(LineFeed):
    """Events as Leeway writes them; every facet and measure can be in them.

    Where the heartbeats of every host in it say what their sensors can show, that is what it observes, as far as it
    was read: a snapshot counts no bytes, and `excess_transfer` is blind there, not quiet.

    Blind to: a key given twice (the last one counts) and keys that no event has (ignored).
    """

    name: ClassVar[str] = "jsonl"
    observes: frozenset[Facet | Measure] = frozenset(SIDES)

    @classmethod
    def recognises(cls, line: bytes) -> bool:
        """Say whether the line is an object with a `kind` and a `time`."""
        try:
            return not flaw(line) and bool(_MARKS.decode(line).kind)
        except msgspec.MsgspecError:
            return False

    @property
    def place(self) -> Place:
        """Return where the lines are."""
        return self._place

    def event_of(self, line: bytes) -> AnyEvent:
        """Return the event that a line is."""
        return _READER.decode(line)

    def read(self, *, after: str | None = None) -> Iterator[tuple[str, Record]]:
        """Yield each record with the decimal byte offset behind it.

        Raises:
            SourceError: when the file cannot be read on.
        """
        declared = Declared()
        for position, record in super().read(after=after):
            if not isinstance(record, Rejected | Skipped):
                declared.hear(record)
            yield position, record
        if declared.is_whole:
            self.observes = declared.sides


def write_event(event: AnyEvent) -> bytes:
    """Return the event as one JSON line, its end included; equal events give equal bytes."""
    return _WRITER.encode(event) + b"\n"
