"""Windows events as flat JSON lines: Sysmon 1, 3, 5, 7, 11, 15, 22, 23, 26 and Security 4688, 4689, 5156.

Sysmon sees processes, connections, names, modules and files with their users. It does not see how much was sent or
received, nor the tools of an agent, nor which file was read; a detector of those is blind on this feed.

On the sensor: Sysmon logs connections (3) and module loads (7) only where its configuration asks for them, and hashes
by SHA-1 alone, which is read where there is no SHA-256, and by which no list of SHA-256 digests knows a module. What a
filter hides is neither learnt nor found, so filter little: an empty `exclude` rule logs everything of its kind. Of file
events (11, 15, 26) those of the agents' folders and of model files will do. For Sysmon 15:

    <Sysmon schemaversion="4.90">
      <HashAlgorithms>SHA256</HashAlgorithms>
      <EventFiltering>
        <ProcessCreate onmatch="exclude"/>
        <ProcessTerminate onmatch="exclude"/>
        <NetworkConnect onmatch="exclude"/>
        <DnsQuery onmatch="exclude"/>
        <ImageLoad onmatch="exclude"/>
        <FileCreate onmatch="exclude"/>
        <FileCreateStreamHash onmatch="exclude"/>
        <FileDeleteDetected onmatch="exclude"/>
      </EventFiltering>
    </Sysmon>

The Security log tells starts (4688), ends (4689) and connections (5156), and knows neither modules, names nor hashes.
Command lines come with the policy "Include command line in process creation events":

    auditpol /set /subcategory:"Process Creation" /success:enable
    auditpol /set /subcategory:"Process Termination" /success:enable
    auditpol /set /subcategory:"Filtering Platform Connection" /success:enable

The flat form is that of nxlog (`im_msvistalog` and `to_json()`): one object with `EventID`, `Channel`, `Hostname` and
the event's own fields. Keep `UtcTime`, or a time that says its zone.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import ClassVar, Final

import msgspec
from msgspec import Struct

from leeway.errors import InvalidEventError, SourceError
from leeway.events import AnyEvent, Facet, Measure
from leeway.sources.by_line import LineFeed
from leeway.sources.lines import flaw, lines
from leeway.sources.sysmon_acts import ACTS
from leeway.sources.sysmon_rows import ROWS, Row, Scalar, host_of, number, text
from leeway.sources.sysmon_times import Correction, own_time

_LAST_EVENT: Final = 65_535
"""Largest event id that Windows has."""

SEEN: Final[frozenset[Facet | Measure]] = frozenset((*Facet, *Measure)) - frozenset(
    {Facet.TOOL, Facet.TOOL_ARGUMENT, Measure.BYTES_OUT, Measure.BYTES_IN, Measure.TOOL_DURATION_US}
)
"""What Sysmon and Security events tell, in whatever form they come."""


class _Marks(Struct):
    event_id: Scalar = msgspec.field(name="EventID")


_MARKS: Final = msgspec.json.Decoder(_Marks)


class Sysmon(LineFeed):
    """Sysmon and Security events, one JSON object a line.

    Events that Leeway learns nothing from are skipped and counted. A start that both Sysmon and Security report stays
    two events. Ids are digests: the rows have none of their own that holds beyond one export.
    """

    name: ClassVar[str] = "sysmon"
    observes: ClassVar[frozenset[Facet | Measure]] = SEEN

    @classmethod
    def recognises(cls, line: bytes) -> bool:
        """Say whether the line is an object with an `EventID`."""
        try:
            return not flaw(line) and _MARKS.decode(line).event_id is not None
        except msgspec.MsgspecError:
            return False

    @cached_property
    def _correction(self) -> Correction:
        """How far the shipper's clock was off, over the whole file; measured when a first row needs it."""
        return Correction(self._whole_lines())

    def _whole_lines(self) -> Iterator[bytes]:
        """Yield the lines up to where the file is cut short, if it is: `read` comes to the same place and says so."""
        with suppress(SourceError):
            for _, line in lines(self._place):
                if isinstance(line, bytes):
                    yield line

    def event_of(self, line: bytes) -> AnyEvent | str:
        """Return the event that a row is, or why it is not used."""
        return understood(ROWS.decode(line), self._time_of)

    def _time_of(self, row: Row) -> datetime:
        return own_time(row) or self._correction.time_of(row)


def understood(row: Row, time_of: Callable[[Row], datetime]) -> AnyEvent | str:
    """Return the event that a row is, at the time that `time_of` gives it, or which kind it is that is not used.

    Raises:
        InvalidEventError, msgspec.MsgspecError: where the row lacks or breaks what its event needs.
    """
    feed, event_id = _feed(row), _event_id(row)
    act = ACTS.get((feed, event_id))
    if act is None:
        return f"not used: {feed} {event_id}" if feed else "not used: another channel"
    kind, fields_of = act
    time = time_of(row)
    return msgspec.convert({**fields_of(row, time), "time": time, "host": host_of(row)}, kind)


def _feed(row: Row) -> str:
    """Return which log the row is of, empty for one that is not read; Linux' Sysmon names its channel otherwise."""
    channel = (text(row.channel) or text(row.source_name)).casefold()
    if "sysmon" in channel:
        return "Sysmon"
    return "Security" if channel in {"security", "microsoft-windows-security-auditing"} else ""


def _event_id(row: Row) -> int:
    event_id = number(row.event_id)
    if event_id is None or not 0 <= event_id <= _LAST_EVENT:
        raise InvalidEventError(f"EventID {text(row.event_id)[:40]!r} is none")
    return event_id
