"""Our own JSON lines, read line by line, as one file of events: for large files that are spelt in whatever way."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from leeway.engines.duckdb.leaving import LeaveToFoldError
from leeway.errors import SourceError, StateError, UnsupportedError
from leeway.events import AnyEvent, Process, ProcessStarted
from leeway.sources import JsonLines, Place, Rejected, Skipped
from leeway.sources.event_table_writer import write_event_rows
from leeway.sources.places import is_unfinished

_PACKED: Final = 8
"""How many times as long as it is stored a compressed file of lines is taken to be."""


def write_lines_read(place: Place, draft: Path, least: int) -> int | None:
    """Write the events of all lines to a file and return the position behind the last one; None, and no file, else.

    That is where there are fewer than `least` bytes, a line is no event or has no end yet, or a process goes without
    an id of the sensor's own: such days are folded, for which rows are as good.
    """
    reading = _Reading(place)
    try:
        with place.path.open("rb") as file:
            is_plain = file.read(1) == b"{"
        if place.path.stat().st_size * (1 if is_plain else _PACKED) < least:
            return None
        write_event_rows(draft, reading.events())
    except (LeaveToFoldError, SourceError, StateError, UnsupportedError, OSError):
        # Reading it into rows says what is wrong.
        return None
    return reading.end


class _Reading:
    """The events of a file, as long as every line is one."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.end = 0
        """Position behind the last line that was read."""

    def events(self) -> Iterator[AnyEvent]:
        """Yield the events.

        Raises:
            LeaveToFoldError: where not every line may be taken.
            SourceError: where the file cannot be read on.
        """
        for position, record in JsonLines(self._place).read():
            if isinstance(record, Rejected | Skipped) or not _is_named(record):
                raise LeaveToFoldError
            self.end = int(position)
            yield record
        if not self.end or is_unfinished(self._place, str(self.end)):
            raise LeaveToFoldError


def _is_named(event: AnyEvent) -> bool:
    """Say whether the processes of an event go by ids of the sensor's own."""
    parent = event.parent if isinstance(event, ProcessStarted) else None
    return all(not isinstance(one, Process) or one.uid is not None for one in (event.process, parent))
