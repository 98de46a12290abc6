"""Process instances and their lineage, rebuilt from a day's events in any order of arrival.

An instance is (host, the sensor's own id), else (host, pid, start) within a tolerance: a second sensor that reports
the same start (Security 4688 beside Sysmon 1) names the same instance.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from leeway.events import AnyEvent, Event, ModuleLoaded, Process, ProcessEnded, ProcessStarted
from leeway.text import base_name

TOLERANCE = timedelta(seconds=2)
"""How far two sensors' clocks may differ about one start; also how long after its end a process may still be named."""

DEPTH = 32
"""Ancestors that are followed; longer chains, and loops made by reused ids, stop there."""


_Fact = TypeVar("_Fact")


class InstanceKey(NamedTuple):
    """One run of one process: its host, and the sensor's id or `pid@start`."""

    host: str
    local: str


class Instance(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is known of one process instance; only ever grows."""

    key: InstanceKey
    image: str = ""
    pid: int | None = None
    command_line: str | None = None
    user: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    parent: InstanceKey | None = None
    digest: str | None = None
    sha1: str | None = None
    unit: str | None = None
    evidence: frozenset[str] = frozenset()
    """Ids of the catalogue entries that spoke for an AI agent."""
    last_day: int = 0
    """Ordinal of the last day on which an event named it."""


class Lineage:
    """The instances of one window, on top of those carried over from closed days."""

    def __init__(self, carried: Mapping[InstanceKey, Instance], events: Iterable[AnyEvent]) -> None:
        """Learn every instance from `events`, which are ordered by (time, id)."""
        self._known: dict[InstanceKey, Instance] = dict(carried)
        self._by_pid: dict[tuple[str, int], list[tuple[datetime, InstanceKey]]] = {}
        self._resolved: dict[str, InstanceKey] = {}
        self.touched: set[InstanceKey] = set()
        for instance in carried.values():
            self._index(instance)
        starts: list[ProcessStarted] = []
        rest: list[AnyEvent] = []
        for event in events:
            process = event.process
            if process is None:
                continue
            if isinstance(event, ProcessStarted):
                starts.append(event)
            if process.uid is not None:
                self._learn(event, process)
            elif not isinstance(event, ProcessStarted):
                rest.append(event)
        self._learn_each(event for event in starts if not _names_uid(event))
        # Parents are looked up when every start is known: clocks may show a child's start before its parent's.
        self._adopt(starts)
        self._learn_each(rest)

    def __getitem__(self, key: InstanceKey) -> Instance:
        return self._known[key]

    def __contains__(self, key: object) -> bool:
        return key in self._known

    def actor(self, event: Event) -> InstanceKey | None:
        """Return the instance that acted in an event of this window, or None where the event names no process."""
        return self._resolved.get(event.id)

    def ancestors(self, key: InstanceKey) -> Iterator[InstanceKey]:
        """Yield the parent, its parent and so on, as far as they are known."""
        seen = {key}
        parent = self._known[key].parent
        while parent is not None and parent in self._known and parent not in seen and len(seen) <= DEPTH:
            yield parent
            seen.add(parent)
            parent = self._known[parent].parent

    def admit(self, instances: Iterable[Instance], *, named: bool = False) -> None:
        """Take instances as they were worked out elsewhere; `named` ones are of this window."""
        for instance in instances:
            self._known[instance.key] = instance
            if named:
                self.touched.add(instance.key)

    def place(self, event_id: str, key: InstanceKey) -> None:
        """Say which instance acted in an event that was worked out elsewhere."""
        self._resolved[event_id] = key

    def grow(self, key: InstanceKey, evidence: frozenset[str]) -> None:
        """Add evidence to an instance."""
        instance = self._known[key]
        if not evidence <= instance.evidence:
            self._known[key] = replace(instance, evidence=instance.evidence | evidence)

    def instances(self) -> Iterable[Instance]:
        """Return those that an event of the window named."""
        return (self._known[key] for key in sorted(self.touched))

    def _learn_each(self, events: Iterable[AnyEvent]) -> None:
        for event in events:
            if event.process is not None:
                self._learn(event, event.process)

    def _learn(self, event: AnyEvent, process: Process) -> None:
        key = self._resolve(event.host, process, event.time, starting=isinstance(event, ProcessStarted))
        self._resolved[event.id] = key
        known = self._known.get(key)
        if known is None or key not in self.touched or not _is_told(known, event, process):
            self._update(key, _facts(key, event, process))

    def _adopt(self, starts: Iterable[ProcessStarted]) -> None:
        for event in starts:
            process, child = event.parent, self._resolved[event.id]
            if process is None:
                continue
            key = self._resolve(event.host, process, event.time, starting=False)
            if key == child:
                continue
            day = event.time.toordinal()
            known = self._known.get(key)
            if known is None or key not in self.touched or not _says_no_more(process, known, day):
                self._update(key, _facts_of(key, process, day))
            born = self._known[child]
            if born.parent is None or born.last_day < day:
                self._known[child] = replace(born, parent=_first(born.parent, key), last_day=max(born.last_day, day))

    def _resolve(self, host: str, process: Process, time: datetime, *, starting: bool) -> InstanceKey:
        if process.uid is not None:
            return InstanceKey(host, process.uid)
        if process.pid is None:
            return InstanceKey(host, f"@{base_name(process.image)}")
        moment = process.started or time
        found = self._at(host, process, moment, starting=starting or process.started is not None)
        if found is not None:
            return found
        if starting or process.started is not None:
            return InstanceKey(host, f"{process.pid}@{moment.isoformat()}")
        return InstanceKey(host, f"{process.pid}@{base_name(process.image)}")

    def _at(self, host: str, process: Process, time: datetime, *, starting: bool) -> InstanceKey | None:
        """Return the instance that held a pid at a time: the latest start before it that had not ended."""
        if process.pid is None:
            return None
        runs = self._by_pid.get((host, process.pid), [])
        position = bisect_right(runs, time + TOLERANCE, key=lambda run: run[0])
        for started, key in reversed(runs[:position]):
            instance = self._known[key]
            if not _same_image(instance.image, process.image):
                continue
            if starting:
                return key if started >= time - TOLERANCE else None
            return key if instance.ended is None or instance.ended >= time - TOLERANCE else None
        return None

    def _update(self, key: InstanceKey, facts: Instance) -> None:
        known = self._known.get(key)
        merged = facts if known is None else _joined(known, facts)
        self._known[key] = merged
        self.touched.add(key)
        if known is None or known.started != merged.started or known.pid != merged.pid:
            self._index(merged)

    def _index(self, instance: Instance) -> None:
        if instance.pid is not None and instance.started is not None:
            runs = self._by_pid.setdefault((instance.key.host, instance.pid), [])
            if (instance.started, instance.key) not in runs[-8:]:
                insort(runs, (instance.started, instance.key))


def _names_uid(event: AnyEvent) -> bool:
    return event.process is not None and event.process.uid is not None


def _same_image(one: str, other: str) -> bool:
    return not one or not other or base_name(one) == base_name(other)


def _facts(key: InstanceKey, event: AnyEvent, process: Process) -> Instance:
    started, ended, user, digest, unit = process.started, None, event.user, None, None
    if isinstance(event, ProcessStarted):
        started, digest, unit = process.started or event.time, _digest(event.digest), event.unit
    elif isinstance(event, ProcessEnded):
        ended, user = event.time, None
    elif isinstance(event, ModuleLoaded) and event.digest and same_path(event.path, process.image):
        digest = _digest(event.digest)
    return Instance(
        key=key,
        image=process.image,
        pid=process.pid,
        command_line=process.command_line,
        user=user,
        started=started,
        ended=ended,
        digest=digest,
        sha1=_digest(process.sha1),
        unit=unit,
        last_day=event.time.toordinal(),
    )


def _facts_of(key: InstanceKey, process: Process, day: int) -> Instance:
    return Instance(
        key=key,
        image=process.image,
        pid=process.pid,
        command_line=process.command_line,
        started=process.started,
        sha1=_digest(process.sha1),
        last_day=day,
    )


def _is_told(known: Instance, event: AnyEvent, process: Process) -> bool:
    """Whether all that an event says of its instance is known; nearly every event only names it once more."""
    if isinstance(event, ProcessStarted | ProcessEnded):
        return False
    if known.digest is None and isinstance(event, ModuleLoaded) and event.digest:
        return False
    return (known.user is not None or event.user is None) and _says_no_more(process, known, event.time.toordinal())


def _says_no_more(process: Process, known: Instance, day: int) -> bool:
    """Whether a process, named on `day`, is known so well that `_joined` would give what is known."""
    return (
        known.last_day >= day
        and (known.image != "" or process.image == "")
        and (known.pid is not None or process.pid is None)
        and (known.command_line is not None or process.command_line is None)
        and (known.started is not None or process.started is None)
        and (known.sha1 is not None or not process.sha1)
    )


def _digest(text: str | None) -> str | None:
    return text.casefold() if text else None


def same_path(one: str, other: str) -> bool:
    """Say whether two spellings are one path, in any case and with either kind of slash."""
    return one.replace("\\", "/").casefold() == other.replace("\\", "/").casefold()


def _joined(known: Instance, facts: Instance) -> Instance:
    """Return what both say; where they differ the earlier event, which comes first, is believed."""
    return Instance(
        key=known.key,
        image=known.image or facts.image,
        pid=_first(known.pid, facts.pid),
        command_line=_first(known.command_line, facts.command_line),
        user=_first(known.user, facts.user),
        started=_first(known.started, facts.started),
        ended=_first(known.ended, facts.ended),
        parent=_first(known.parent, facts.parent),
        digest=_first(known.digest, facts.digest),
        sha1=_first(known.sha1, facts.sha1),
        unit=_first(known.unit, facts.unit),
        evidence=known.evidence | facts.evidence,
        last_day=max(known.last_day, facts.last_day),
    )


def _first(one: _Fact | None, other: _Fact | None) -> _Fact | None:
    return other if one is None else one
