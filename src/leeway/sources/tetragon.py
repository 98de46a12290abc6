"""Tetragon's JSON export: executions, exits, loaded libraries, and the probes of its documented example policies.

Tetragon sees processes with their whole line of parents, the addresses they connect to, the libraries they map and the
files that a policy watches. It does not see host names, digests or signers, what was received, nor an agent's tools.

On the sensor: executions and ends come by themselves; the rest is a tracing policy. This one shows TCP connections,
libraries, and the files below a folder:

    apiVersion: cilium.io/v1alpha1
    kind: TracingPolicy
    metadata: {name: leeway}
    spec:
      loader: true
      kprobes:
        - call: tcp_connect
          syscall: false
          args: [{index: 0, type: sock}]
        - call: security_file_permission
          syscall: false
          return: true
          args: [{index: 0, type: file}, {index: 1, type: int}]
          returnArg: {index: 0, type: int}
          selectors:
            - matchArgs: [{index: 0, operator: Prefix, values: [/srv/models/]}]

Further functions that are understood: those of Tetragon's example policies for files (`security_mmap_file`,
`security_path_truncate`, `fd_install`, `sys_openat`, `sys_unlinkat`, `sys_renameat2`), UDP (`ip4_datagram_connect`),
accepted connections (`inet_csk_accept`), bytes sent (`tcp_sendmsg` with `{index: 2, type: int}`, one record a call).

Write to a file (`--export-filename`), neither aggregated nor limited in rate; rotated files go soon, so read often or
keep more. The Helm chart's `exportAllowList` leaves `PROCESS_LOADER` out, and its `exportDenyList` leaves out processes
of the host (the empty namespace): change both. `--username-metadata unix` adds the names of the host's users.
"""

from typing import ClassVar, Final

import msgspec
from msgspec import Struct

from leeway.events import AnyEvent, Facet, Measure
from leeway.sources.by_line import LineFeed
from leeway.sources.lines import flaw
from leeway.sources.tetragon_acts import KINDS, event_of

_UNSEEN: Final = frozenset(
    {
        Facet.REGISTRABLE_DOMAIN,
        Facet.DOMAIN,
        Facet.DOMAIN_PORT,
        Facet.DOMAIN_CONTEXT,
        Facet.MODULE_DIGEST,
        Facet.TOOL,
        Facet.TOOL_ARGUMENT,
        Measure.BYTES_IN,
        Measure.TOOL_DURATION_US,
    }
)
"""What no event of Tetragon tells. Bytes sent are told only where a policy probes `tcp_sendmsg` with its size."""

_KEYS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Marks(Struct):
    process: dict[str, msgspec.Raw]


_MARKS: Final = msgspec.json.Decoder(_Marks)


class Tetragon(LineFeed):
    """Tetragon's events, one JSON object a line, as its export file and `tetra getevents -o json` write them.

    Ids are digests: the records have none of their own. A process that was running before the sensor (`procFS`) is
    reported as started when the sensor met it.
    Blind to: functions that no documented example policy probes, and whether an opened file was then written.
    """

    name: ClassVar[str] = "tetragon"
    observes: ClassVar[frozenset[Facet | Measure]] = frozenset((*Facet, *Measure)) - _UNSEEN

    @classmethod
    def recognises(cls, line: bytes) -> bool:
        """Say whether the line is an object that holds one of Tetragon's kinds of event."""
        if flaw(line):
            return False
        try:
            found = _KEYS.decode(line)
            return any(_MARKS.decode(found[kind]).process is not None for kind in KINDS if kind in found)
        except msgspec.MsgspecError:
            return False

    def event_of(self, line: bytes) -> AnyEvent | str:
        """Return the event that a line is, or why it is not used."""
        return event_of(line)
