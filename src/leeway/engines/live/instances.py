"""What is known of each process instance while a day grows, and which new facts change nothing that was said before."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from leeway.agents import AgentKey, Instance, InstanceKey
from leeway.engines.live.cells import Owner
from leeway.events import AnyEvent, ModuleLoaded, Process, ProcessEnded, ProcessStarted

DEPTH: Final = 32
"""Ancestors that are followed, as in `agents.Lineage`."""

Fact = tuple[str, object]
"""A field of `Instance` and what an event says of it."""

FACTS: Final = ("image", "command_line", "user", "parent", "digest", "sha1", "unit", "pid", "started", "ended")
TELLING: Final = frozenset({"image", "command_line", "parent", "digest", "sha1", "unit"})
"""Facts by which an instance may turn out to be somebody else's."""

_START: Final = datetime(1, 1, 1, tzinfo=UTC)


class UnclearError(Exception):
    """Two events differ about an instance, and which one counts is seen only with all of them in order."""


_BEGUN: Final = ("image", "command_line", "user", "digest", "sha1", "unit")
BITS: Final = {
    name: 1 << place for place, name in enumerate((*_BEGUN, *(name for name in FACTS if name not in _BEGUN)))
}


def told_by(facts: Iterable[object]) -> int:
    """Return the bits of those facts of a start that are told."""
    bits, bit = 0, 1
    for fact in facts:
        if fact is not None and fact != "":
            bits |= bit
        bit <<= 1
    return bits


class LiveInstance:
    """One process instance. Facts are those of `Instance`; the first event that says one is believed."""

    __slots__ = (
        *FACTS,
        "acted",
        "agent",
        "agent_key",
        "agents",
        "checked",
        "has_started",
        "is_touched",
        "key",
        "known",
        "last",
        "line",
        "own",
        "owner",
        "told",
    )

    image: str
    command_line: str | None
    user: str | None
    parent: InstanceKey | None
    digest: str | None
    sha1: str | None
    unit: str | None
    pid: int | None
    started: datetime | None
    ended: datetime | None

    def __init__(self, key: InstanceKey, known: Instance | None) -> None:
        self.key = key
        self.known = known
        """What earlier days taught of it; that comes first."""
        self.image = ""
        self.command_line = self.user = self.parent = self.digest = self.sha1 = self.unit = None
        self.pid = self.started = self.ended = None
        for name in FACTS if known else ():
            setattr(self, name, getattr(known, name))
        self.acted: frozenset[str] = known.evidence if known else frozenset()
        """Evidence of what it and its children did; that of its start goes by its facts."""
        self.own = 0
        """Facts that its own events gave, and not a child's start, as `BITS`."""
        self.last: datetime = _START
        """Time of the last event that named it."""
        self.is_touched = False
        """Whether an event of the day named it."""
        self.has_started = False
        """Whether an event of the day is its start."""
        self.checked: Process | None = None
        """What its own events last said of it; said again it changes nothing."""
        self.told: Process | None = None
        """What the last start of a child said of it."""
        self.line: tuple[LiveInstance, ...] | None = None
        """Its ancestors, where they were looked up since the lineage last changed."""
        self.agents: tuple[str, ...] | None = None
        """The agents that it counts for, likewise."""
        self.agent = ""
        """Id of the agent it is; empty where it is none."""
        self.agent_key: AgentKey | None = None
        self.owner: Owner | None = None
        """What its own events are counted under; set by whoever counts them."""

    def agrees(self, process: Process) -> bool:
        """Say whether a naming of the process says nothing but what is known, times and its number left out."""
        line, sha1 = process.command_line, process.sha1
        return (
            (process.image == self.image or not process.image)
            and (line is None or line == self.command_line)
            and (not sha1 or sha1.casefold() == self.sha1)
        )

    def begin(self, event: ProcessStarted, process: Process) -> list[str]:
        """Take the facts of its start, times and its number left out, where nothing was known before; return them."""
        self.image, self.command_line, self.user = process.image, process.command_line, event.user
        self.sha1, self.digest, self.unit = _folded(process.sha1), _folded(event.digest), event.unit
        self.last, self.is_touched = event.time, True
        self.own = told_by((self.image, self.command_line, self.user, self.digest, self.sha1, self.unit))
        return ["image", "command_line", "digest", "unit"]

    def learn(self, facts: Iterable[Fact], time: datetime, *, is_own: bool) -> list[str]:
        """Take the facts of one event, in the order of arrival; return which are new.

        Raises:
            UnclearError: where the event contradicts one that may stand behind it in the order of time.
        """
        new: list[str] = []
        for name, value in facts:
            if value is None or (value == "" and name == "image"):
                continue
            current = getattr(self, name)
            if current is None or (current == "" and name == "image"):
                setattr(self, name, value)
                new.append(name)
            elif current != value:
                self._weigh(name, time, is_own=is_own)
                continue
            if is_own:
                self.own |= BITS[name]
        self.last = max(self.last, time)
        self.is_touched = True
        return new

    def _weigh(self, name: str, time: datetime, *, is_own: bool) -> None:
        """Pass over a contradiction that is not believed."""
        believed = getattr(self.known, name) if self.known is not None else None
        if believed is not None and believed != "":
            return
        is_later, is_told_by_own = time > self.last, bool(self.own & BITS[name])
        # What an instance's own events say goes before what the starts of its children say.
        if (is_told_by_own and (is_later or not is_own)) or (not is_told_by_own and not is_own and is_later):
            return
        raise UnclearError

    def as_instance(self) -> Instance:
        """Return it as attribution knows it."""
        return Instance(
            key=self.key,
            image=self.image,
            pid=self.pid,
            command_line=self.command_line,
            user=self.user,
            started=self.started,
            ended=self.ended,
            parent=self.parent,
            digest=self.digest,
            sha1=self.sha1,
            unit=self.unit,
            evidence=self.acted,
        )


def own_facts(event: AnyEvent, process: Process) -> list[Fact]:
    """Return what an event says of the instance that acted, but for its parent."""
    facts = told_facts(process)
    if isinstance(event, ProcessStarted):
        facts[-1] = ("started", process.started or event.time)
        facts += [("user", event.user), ("digest", _folded(event.digest)), ("unit", event.unit)]
    elif isinstance(event, ProcessEnded):
        facts.append(("ended", event.time))
    elif isinstance(event, ModuleLoaded) and event.digest and is_own_image(event.path, process.image):
        facts += [("user", event.user), ("digest", _folded(event.digest))]
    else:
        facts.append(("user", event.user))
    return facts


def told_facts(process: Process) -> list[Fact]:
    """Return what naming a process says of it."""
    return [
        ("image", process.image),
        ("command_line", process.command_line),
        ("sha1", _folded(process.sha1)),
        ("pid", process.pid),
        ("started", process.started),
    ]


def _folded(digest: str | None) -> str | None:
    return digest.casefold() if digest else None


@lru_cache(maxsize=65_536)
def is_own_image(path: str, image: str) -> bool:
    """Say whether a module is the executable of the process that loaded it."""
    return path.replace("\\", "/").casefold() == image.replace("\\", "/").casefold()


class Instances:
    """The instances of a day on top of those that earlier days taught."""

    def __init__(self, known: Mapping[InstanceKey, Instance]) -> None:
        self._known = known
        self._live: dict[tuple[str, str], LiveInstance] = {}
        self.get = self._live.get
        """Return the instance of (host, local id) where it was met before."""
        self._orphaned: set[InstanceKey] = set()

    def __iter__(self) -> Iterator[LiveInstance]:
        return iter(self._live.values())

    def meet(self, key: InstanceKey) -> LiveInstance:
        """Return an instance, made where it was not met before."""
        found = self._live.get(key)
        if found is None:
            found = self._live[key] = LiveInstance(key, self._known.get(key))
        return found

    def is_missed(self, key: InstanceKey) -> bool:
        """Say whether an instance that is not known yet is already some other's parent."""
        return key in self._orphaned

    def ancestors(self, instance: LiveInstance) -> tuple[LiveInstance, ...]:
        """Return the parent, its parent and so on, as far as they are known."""
        if instance.line is None:
            instance.line = tuple(self._climb(instance))
        return instance.line

    def forget(self) -> None:
        """Forget what was looked up, because the lineage has changed."""
        for instance in self._live.values():
            instance.line = instance.agents = None

    def _climb(self, instance: LiveInstance) -> Iterable[LiveInstance]:
        above = self._live.get(instance.parent) if instance.parent is not None else None
        if above is not None and above.line is not None and len(above.line) < DEPTH and instance not in above.line:
            return (above, *above.line)
        found: list[LiveInstance] = []
        seen = {instance.key}
        parent = instance.parent
        while parent is not None and parent not in seen and len(seen) <= DEPTH:
            one = self._live.get(parent)
            if one is None and parent not in self._known:
                self._orphaned.add(parent)
                break
            one = one or self.meet(parent)
            found.append(one)
            seen.add(parent)
            parent = one.parent
        return found
