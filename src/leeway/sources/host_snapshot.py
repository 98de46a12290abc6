"""What runs on this host now, as events (row A13): a first telemetry for a host that has no sensor.

Each act has one id however often it is seen: a start for ever, a connection or a module once a process and UTC day.
Taken again and read again, what is known is recognised.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    Facet,
    Heartbeat,
    Measure,
    ModuleLoaded,
    Process,
    ProcessStarted,
    order,
)
from leeway.sources.host_linux import read_linux
from leeway.sources.host_psutil import read_through_psutil
from leeway.sources.host_running import Host, Running
from leeway.sources.host_units import RUNTIME_SOCKETS, names_by_runtimes, sockets_of_user
from leeway.sources.redacted import without_secrets

PROC: Final = Path("/proc")


OBSERVED: Final[tuple[Facet | Measure, ...]] = (
    *(Facet.CHILD, Facet.CHILD_ARGUMENTS, Facet.MODULE, Facet.USER, Facet.HOUR),
    *(Facet.SUPERNET, Facet.NETWORK, Facet.NETWORK_PORT, Facet.NAMED_RANGE, Facet.NAMED_NETWORK, Facet.IP),
    *(Facet.PORT, Measure.EVENTS),
)
"""What a snapshot can show: no names behind addresses, no bytes, no files, no tools; digests where they are taken."""


class Snapshot(NamedTuple):
    """What a host showed at one moment."""

    events: tuple[AnyEvent, ...]
    """Ordered by time, which is in the past for what has run for long."""
    seen: Mapping[str, int]
    """What the events tell, by kind."""
    left_out: Mapping[str, int]
    """What was seen and is no part of an agent's behaviour."""
    unseen: Mapping[str, int]
    """What could not be seen, by reason."""


def take_snapshot(now: datetime, *, host: str, takes_digests: bool = False) -> Snapshot:
    """Return what runs on this host.

    Args:
        now: the time of what has no time of its own: connections, modules.
        host: the name under which the host is known.
        takes_digests: whether executables and modules are read for their SHA-256.

    Raises:
        UnsupportedError: where the host has no /proc and psutil is not installed.
    """
    if (PROC / "stat").exists():
        names = names_by_runtimes((*RUNTIME_SOCKETS, *sockets_of_user()))
        return as_events(read_linux(PROC, names=names, takes_digests=takes_digests), now, host)
    return as_events(read_through_psutil(takes_digests=takes_digests), now, host)


def as_events(found: Host, now: datetime, host: str) -> Snapshot:
    """Return what was found on `host` at `now` as events, without secrets."""
    ids = _Ids(host, found.boot, f"{now:%Y-%m-%d}")
    by_pid = {one.process.pid: one for one in found.running}
    has_digests = any(module.digest for one in found.running for module in one.modules)
    observed = (*OBSERVED, Facet.MODULE_DIGEST) if has_digests else OBSERVED
    events: list[AnyEvent] = [Heartbeat(time=now, host=host, observes=tuple(map(str, observed)))]
    for one in found.running:
        started = min(one.process.started or now, now)  # a clock that was set back since would date it in the future
        one = replace(one, process=replace(one.process, started=started))  # noqa: PLW2901  # the same, corrected
        events += _of(one, _parent(one, by_pid), _Moment(now, host), ids)
    redacted = sorted(map(without_secrets, events), key=order)
    seen = {
        "processes": len(found.running),
        "connections": sum(len(one.connections) for one in found.running),
        "modules": len({module.path for one in found.running for module in one.modules}),
        "units": len({one.unit for one in found.running if one.unit}),
    }
    return Snapshot(tuple(redacted), seen, _told(found.left_out), _told(found.unseen))


class _Moment(NamedTuple):
    now: datetime
    host: str


class _Ids(NamedTuple):
    """Makes ids of what an act is, never of when it was seen."""

    host: str
    boot: str
    day: str

    def started(self, uid: str) -> str:
        return self._digest("started", uid)

    def today(self, uid: str, *what: str) -> str:
        return self._digest(self.day, uid, *what)

    def _digest(self, *parts: str) -> str:
        # No part can hold the mark between parts: a host's, user's or file's name has no NUL.
        text = "\0".join((self.host, self.boot, *parts))
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _of(one: Running, parent: Process | None, moment: _Moment, ids: _Ids) -> Iterator[AnyEvent]:
    uid, time, host = one.process.uid or "", moment.now, moment.host
    yield ProcessStarted(
        id=ids.started(uid),
        time=one.process.started or time,
        host=host,
        process=one.process,
        parent=parent,
        user=one.user,
        digest=one.digest,
        unit=one.unit,
    )
    process = replace(one.process, command_line=None)  # its start tells it
    for link in one.connections:
        yield ConnectionOpened(
            id=ids.today(uid, *map(str, link)),
            time=time,
            host=host,
            process=process,
            user=one.user,
            destination=link.destination,
            port=link.port,
            protocol=link.protocol,
            outbound=link.outbound,
        )
    for module in one.modules:
        yield ModuleLoaded(
            id=ids.today(uid, "module", module.path),
            time=time,
            host=host,
            process=process,
            user=one.user,
            path=module.path,
            digest=module.digest,
        )


def _parent(one: Running, by_pid: Mapping[int | None, Running]) -> Process | None:
    """Return the parent; None where it was not seen, or began later: then another process has taken its id."""
    found = by_pid.get(one.parent) if one.parent else None
    if found is None or found.process.started is None or one.process.started is None:
        return None
    is_elder = found.process.started <= one.process.started
    return replace(found.process, command_line=None) if is_elder else None


def _told(counts: Counter[str]) -> dict[str, int]:
    return {reason: count for reason, count in sorted(counts.items()) if count}
