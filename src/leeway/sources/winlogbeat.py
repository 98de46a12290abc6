"""Windows events as nested JSON lines: what Winlogbeat and the Elastic Agent ship, and what `evtx_dump` writes.

They are the events of `sysmon`, and show and hide the same.

On the sensor: switch on in Sysmon and the audit policy what `sysmon` says, and name the logs in `winlogbeat.yml`. The
files are then `winlogbeat-*.ndjson`; the oldest are removed, so read daily or keep more of them:

    winlogbeat.event_logs:
      - name: Microsoft-Windows-Sysmon/Operational
      - name: Security
        event_id: 4688, 4689, 5156
    output.file:
      path: "C:/Telemetry"
      filename: winlogbeat
      number_of_files: 100

From Elasticsearch, write out the documents themselves, one a line: `jq -c '.hits.hits[]._source'` of a search's answer.
An `.evtx` file without its extra: `evtx_dump -o jsonl`.
"""

from datetime import datetime
from typing import ClassVar, Final

import msgspec
from msgspec import Struct

from leeway.events import AnyEvent, Facet, Measure
from leeway.sources.by_line import LineFeed, record_of
from leeway.sources.lines import flaw
from leeway.sources.records import Record
from leeway.sources.sysmon import SEEN, understood
from leeway.sources.sysmon_nested import row_of
from leeway.sources.sysmon_rows import Row, Scalar
from leeway.sources.sysmon_times import own_time, shipped_time


class _Winlog(Struct):
    event_id: Scalar


class _System(Struct):
    channel: str = msgspec.field(name="Channel")


class _Event(Struct):
    system: _System = msgspec.field(name="System")


class _Marks(Struct):
    winlog: _Winlog | None = None
    event: _Event | None = msgspec.field(name="Event", default=None)


_MARKS: Final = msgspec.json.Decoder(_Marks)


class Winlogbeat(LineFeed):
    """Sysmon and Security events with their fields below `winlog`, or below `Event`, one JSON object a line.

    What Winlogbeat's modules moved to ECS fields is read from there. Times are the sensor's own or the event log's,
    both UTC. Ids are digests: a record's number starts anew when its log is cleared.

    Blind to: events whose data has no names (`param1`, `param2`, as where the provider is not installed).
    """

    name: ClassVar[str] = "winlogbeat"
    observes: ClassVar[frozenset[Facet | Measure]] = SEEN

    @classmethod
    def recognises(cls, line: bytes) -> bool:
        """Say whether the line is an object with `winlog.event_id` or `Event.System.Channel`."""
        try:
            marks = None if flaw(line) else _MARKS.decode(line)
        except msgspec.MsgspecError:
            return False
        return marks is not None and (marks.winlog is not None or marks.event is not None)

    def event_of(self, line: bytes) -> AnyEvent | str:
        """Return the event that a line is, or why it is not used."""
        return _event_of(line)


def nested_event(line: bytes, position: int) -> Record:
    """Return what one nested record, as JSON, is."""
    return record_of(line, position, _event_of)


def _event_of(line: bytes) -> AnyEvent | str:
    return understood(row_of(line), _time_of)


def _time_of(row: Row) -> datetime:
    return own_time(row) or shipped_time(row)
