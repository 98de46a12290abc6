"""Falco's JSON alerts, taken as hints: each says only what its rule matched, in the fields that the rule prints.

Between alerts Falco says nothing, so that a quiet day here is no quiet day of the agent. How much happened, which host
names were spoken to, which modules were loaded: a detector of those is blind on this feed.

On the sensor: JSON, and with every rule the fields that are read. In `falco.yaml`, of Falco 0.39 or later:

    json_output: true
    json_include_output_fields_property: true
    file_output: {enabled: true, keep_alive: false, filename: /var/log/falco/alerts.jsonl}
    append_output:
      - match: {source: syscall}
        extra_fields: [
          evt.type, evt.res, evt.arg.flags, user.name, user.uid, container.name,
          proc.exepath, proc.name, proc.pid, proc.pid.ts, proc.cmdline,
          proc.pexepath, proc.pname, proc.ppid, proc.ppid.ts, proc.pcmdline,
          fd.name, fd.sip, fd.sport, fd.l4proto, fs.path.name, fs.path.target]

Falco's own rules speak of what is suspicious anywhere. To have more of an agent's life seen, add rules of a low
priority whose condition is no more than the agent's processes and `spawned_process`, `outbound` or `open_write`.
"""

from typing import ClassVar, Final

import msgspec
from msgspec import Struct

from leeway.events import AnyEvent, Facet, Measure
from leeway.sources.by_line import LineFeed
from leeway.sources.falco_acts import event_of
from leeway.sources.lines import flaw


class _Marks(Struct):
    """The keys by which an alert is known."""

    rule: str
    priority: str
    output_fields: dict[str, msgspec.Raw]


_MARKS: Final = msgspec.json.Decoder(_Marks)


class Falco(LineFeed):
    """Falco's alerts (`json_output: true`), one JSON object a line, also as Falcosidekick hands them on.

    Read are alerts on system calls that name the call (`evt.type`) and the process. Ids are digests: alerts have none.
    Blind to: everything that no rule matches, and every field that its rule does not print.
    """

    name: ClassVar[str] = "falco"
    observes: ClassVar[frozenset[Facet | Measure]] = frozenset(
        {
            Facet.CHILD,
            Facet.CHILD_ARGUMENTS,
            Facet.SUPERNET,
            Facet.NETWORK,
            Facet.NETWORK_PORT,
            Facet.NAMED_RANGE,
            Facet.NAMED_NETWORK,
            Facet.IP,
            Facet.PORT,
            Facet.TREE,
            Facet.DIRECTORY,
            Facet.FILE,
            Facet.MODEL_FILE,
            Facet.MODEL_FILE_USER,
            Facet.MODEL_FILE_ARGUMENTS,
            Facet.USER,
            Facet.HOUR,
        }
    )
    partial: ClassVar[str] = "alerts, not telemetry: only what a rule matched"

    @classmethod
    def recognises(cls, line: bytes) -> bool:
        """Say whether the line is an object with a rule, a priority and output fields."""
        try:
            return not flaw(line) and bool(_MARKS.decode(line).rule)
        except msgspec.MsgspecError:
            return False

    def event_of(self, line: bytes) -> AnyEvent | str:
        """Return the event that a line is, or why it is not used."""
        return event_of(line)
