"""Documents in the Elastic Common Schema (ECS), as Elastic's endpoint, Auditbeat, Packetbeat and traced agents write.

ECS has room for all that is remembered: processes with signers, names and bytes of connections, libraries, files,
tool calls. What a feed does show depends on who wrote it; documents of Winlogbeat are another source's.

On the sensor:

- Elastic Defend (Elastic Agent): under event collection choose process, network, file, DNS, and on Windows DLL and
  driver load. It tells names, signers and, when a connection ends, its bytes.
- Auditbeat: its `auditd` module with rules as `auditd` says, its `system` module for processes and sockets.
- Packetbeat: `packetbeat.procs.enabled: true`. Without it a connection has no process and is nobody's.
- Agents that are traced by OpenTelemetry's conventions (`gen_ai.*`): `execute_tool` documents, with the arguments where
  these are recorded, which is off unless asked for.

Out of Elasticsearch, one hit or document a line: `jq -c '.hits.hits[]'` of a search's answer. Or a Beat's own
`output.file`.
"""

from typing import ClassVar, Final

import msgspec

from leeway.events import AnyEvent, Facet, Measure
from leeway.sources.by_line import LineFeed
from leeway.sources.ecs_acts import event_of
from leeway.sources.ecs_fields import Document
from leeway.sources.ecs_usual import usual_event
from leeway.sources.lines import flaw

_DOCUMENTS: Final[msgspec.json.Decoder[dict[str, object]]] = msgspec.json.Decoder(dict[str, object])

_HIT: Final = "_source"
"""Under which a search hit holds the document."""


class Ecs(LineFeed):
    """ECS documents, one JSON object a line, nested or with dotted keys, bare or as search hits (`_source`).

    An event's id is its `event.id`, which ECS defines as the unique one of the event. A connection is reported when it
    opens, and again when it ends with the bytes it carried. Records without a process are left alone, for they are
    nobody's, except tool calls.
    Blind to: the end of a process where one document tells its start and its end.
    """

    name: ClassVar[str] = "ecs"
    observes: ClassVar[frozenset[Facet | Measure]] = frozenset((*Facet, *Measure))

    @classmethod
    def recognises(cls, line: bytes) -> bool:
        """Say whether the line has a time and an ECS version or event, and nothing of Windows' own rows."""
        if flaw(line):
            return False
        try:
            document = _document(line)
        except msgspec.MsgspecError:
            return False
        if any(document.value(foreign) is not None for foreign in ("winlog", "EventID", "output_fields")):
            return False
        marks = ("ecs.version", "event.category", "event.kind", "gen_ai.operation.name")
        return document.value("@timestamp") is not None and any(document.value(mark) is not None for mark in marks)

    def event_of(self, line: bytes) -> AnyEvent | str:
        """Return the event that a line is, or why it is not used."""
        return usual_event(line) or event_by_name(line)


def _document(line: bytes) -> Document:
    fields = _DOCUMENTS.decode(line)
    inner = fields.get(_HIT)
    return Document(inner if isinstance(inner, dict) else fields)


def event_by_name(line: bytes) -> AnyEvent | str:
    """Return the event that a line is, or why it is not used, every field asked for by its name.

    Raises:
        InvalidEventError: where something needed is missing or unreadable.
        msgspec.MsgspecError: where the line is no object, or a value is out of an event's bounds.
    """
    return event_of(_document(line))
