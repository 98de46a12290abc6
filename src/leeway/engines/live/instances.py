"""What is known of each process instance while a day grows, and which new facts change nothing that was said before."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from msgspec import Struct

from leeway.agents import AgentKey, Instance, InstanceKey
from leeway.engines.live.cells import Owner
from leeway.engines.live.showings import Place
from leeway.events import AnyEvent, ModuleLoaded, Process, ProcessEnded, ProcessStarted

DEPTH: Final = 32
"""Ancestors that are followed, as in `agents.Lineage`."""

Fact = tuple[str, object]
"""A field of `Instance` and what an event says of it."""

FACTS: Final = ("image", "command_line", "user", "parent", "digest", "sha1", "unit", "pid", "started", "ended")
TELLING: Final = frozenset({"image", "command_line", "parent", "digest", "sha1", "unit"})
"""Facts by which an instance may turn out to be somebody else's."""

_START: Final = datetime(1, 1, 1, tzinfo=UTC)
_NOTHING: Final[frozenset[str]] = frozenset()  # one for all: each call makes another


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


class LiveInstance(Struct, eq=False, gc=False):
    """One process instance. Facts are those of `Instance`; the first event that says one is believed.

    The garbage collector is kept from looking at them, as at cells: no chain of references leads from one to itself.
    """

    key: Place
    known: Instance | None
    """What earlier days taught of it; that comes first."""
    image: str = ""
    command_line: str | None = None
    user: str | None = None
    parent: Place | None = None
    digest: str | None = None
    sha1: str | None = None
    unit: str | None = None
    pid: int | None = None
    started: datetime | None = None
    ended: datetime | None = None
    acted: frozenset[str] = _NOTHING
    """Evidence of what it and its children did; that of its start goes by its facts."""
    own: int = 0
    """Facts that its own events gave, and not a child's start, as `BITS`."""
    last: datetime = _START
    """Time of the last event that named it."""
    is_touched: bool = False
    """Whether an event of the day named it."""
    has_started: bool = False
    """Whether an event of the day is its start."""
    checked: Process | None = None
    """What its own events last said of it; said again it changes nothing."""
    told: Process | None = None
    """What the last start of a child said of it."""
    line: "tuple[LiveInstance, ...] | None" = None
    """Its ancestors, where they were looked up since the lineage last changed, and are not in a circle."""
    agents: tuple[str, ...] | None = None
    """The agents that it counts for, likewise."""
    agent: str = ""
    """Id of the agent it is; empty where it is none."""
    agent_key: AgentKey | None = None
    owner: Owner | None = None
    """What its own events are counted under; set by whoever counts them."""

    def __post_init__(self) -> None:
        if self.known is not None:
            for name in FACTS:
                setattr(self, name, getattr(self.known, name))
            self.acted = self.known.evidence

    @property
    def host(self) -> str:
        """The host that it runs on."""
        return self.key[0]

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
            key=InstanceKey(*self.key),
            image=self.image,
            pid=self.pid,
            command_line=self.command_line,
            user=self.user,
            started=self.started,
            ended=self.ended,
            parent=None if self.parent is None else InstanceKey(*self.parent),
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
        self._orphaned: set[Place] = set()
        self._lines: dict[Place, tuple[LiveInstance, ...]] = {}
        """Instance to the line of its children, which they share."""

    def __iter__(self) -> Iterator[LiveInstance]:
        return iter(self._live.values())

    def meet(self, key: Place) -> LiveInstance:
        """Return an instance, made where it was not met before."""
        found = self._live.get(key)
        if found is None:
            found = self._live[key] = LiveInstance(key, self._known.get(InstanceKey(*key)))
        return found

    def is_missed(self, key: Place) -> bool:
        """Say whether an instance that is not known yet is already some other's parent."""
        return key in self._orphaned

    def ancestors(self, instance: LiveInstance) -> tuple[LiveInstance, ...]:
        """Return the parent, its parent and so on, as far as they are known."""
        if instance.line is not None:
            return instance.line
        above = self._live.get(instance.parent) if instance.parent is not None else None
        if above is not None and above.line is not None and len(above.line) < DEPTH and instance not in above.line:
            line = self._lines.get(above.key)
            if line is None:
                line = self._lines[above.key] = (above, *above.line)
            instance.line = line
            return line
        found, is_circle = self._climb(instance)
        if not is_circle:
            instance.line = found
        return found

    def renew(self, instance: LiveInstance) -> None:
        """Forget what was looked up of one instance; those below it keep theirs until the lineage has moved."""
        instance.line = instance.agents = None
        self._lines.pop(instance.key, None)

    def forget(self) -> None:
        """Forget what was looked up, because the lineage has changed."""
        self._lines.clear()
        for instance in self._live.values():
            instance.line = instance.agents = None

    def _climb(self, instance: LiveInstance) -> tuple[tuple[LiveInstance, ...], bool]:
        """Return the ancestors of an instance, and whether they may go round in a circle."""
        found: list[LiveInstance] = []
        seen = {instance.key}
        parent = instance.parent
        while parent is not None and parent not in seen and len(seen) <= DEPTH:
            one = self._live.get(parent)
            if one is None and InstanceKey(*parent) not in self._known:
                self._orphaned.add(parent)
                break
            one = one or self.meet(parent)
            found.append(one)
            seen.add(parent)
            parent = one.parent
        return tuple(found), parent in seen or len(seen) > DEPTH
