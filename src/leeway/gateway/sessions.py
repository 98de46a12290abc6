"""What each session did most recently, in bounded memory."""

from collections import OrderedDict, deque
from collections.abc import Mapping
from itertools import count
from threading import Lock
from typing import Final, NamedTuple

from msgspec import Struct

from leeway.errors import InvalidConfigError
from leeway.library.security_event import SecurityEvent

_OVERHEAD: Final = 256
"""Characters that an event counts for by itself, and each value within its arguments beside its own text: 16."""
_VALUE: Final = 16


class Bounds(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much a gate holds at most, and how much it does at a time.

    Raises:
        InvalidConfigError: where one of them is below 1, or `workers` below 0.
    """

    history: int = 64
    """Events of a session that are remembered."""
    sessions: int = 4096
    sessions_per_agent: int = 256
    """Where an agent opens more, its own least recently used one is closed, not another agent's."""
    characters: int = 64 * 1024 * 1024
    """Of all remembered events together, arguments and requests included."""
    workers: int = 4
    """Threads in which the judge runs; it must bear that. With 0 it runs in the thread of whoever asks: there is no
    time limit then, and no time lost between threads where the machine is busy."""
    waiting: int = 1024
    """Acts that may be with the judge, or wait for it."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            least = 0 if name == "workers" else 1
            if getattr(self, name) < least:
                raise InvalidConfigError(f"the bound '{name}' of a gate must be at least {least}")


class Place(NamedTuple):
    """Where an event stands: its session and its number."""

    agent_id: str
    session_id: str
    number: int


class _Entry(NamedTuple):
    number: int
    event: SecurityEvent
    weight: int


class _Session:
    __slots__ = ("entries", "opened", "weight")

    def __init__(self) -> None:
        self.entries: deque[_Entry] = deque()
        self.weight = 0
        self.opened = 0
        """Events that ever came."""


class Sessions:
    """Keeps the latest events of each session. Any thread may call it."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._agents: OrderedDict[str, OrderedDict[str, _Session]] = OrderedDict()
        self._lock = Lock()
        self._numbers = count()
        self._open = 0
        self._weight = 0
        self._evicted = 0

    @property
    def open(self) -> int:
        """Sessions that are remembered."""
        return self._open

    @property
    def evicted(self) -> int:
        """Sessions that had to be forgotten because there were too many, or they held too much."""
        return self._evicted

    @property
    def characters(self) -> int:
        """What all remembered events count for."""
        return self._weight

    def position(self, agent_id: str, session_id: str) -> int:
        """Return how many events a session had so far: a place in its order for an event without time."""
        with self._lock:
            session = self._found(agent_id, session_id)
            return session.opened if session else 0

    def add(self, agent_id: str, event: SecurityEvent) -> tuple[Place, tuple[SecurityEvent, ...]]:
        """Remember an event; return its place, and the events before it, the oldest first.

        It is remembered before it is judged, so that acts of one session at the same time see each other.
        """
        session_id = event.session_id or ""
        weight = weight_of(event)
        with self._lock:
            session = self._used(agent_id, session_id)
            recent = tuple(entry.event for entry in session.entries)
            place = Place(agent_id, session_id, next(self._numbers))
            session.opened += 1
            session.entries.append(_Entry(place.number, event, weight))
            session.weight += weight
            self._weight += weight
            if len(session.entries) > self._bounds.history:
                self._lighten(session)
            self._fit(agent_id, session)
        return place, recent

    def change(self, place: Place, event: SecurityEvent | None) -> bool:
        """Put another event in a place, or none; say whether the place was still remembered."""
        with self._lock:
            session = self._found(place.agent_id, place.session_id)
            for index, entry in enumerate(session.entries if session else ()):
                if session and entry.number == place.number:
                    weight = weight_of(event) if event else 0
                    session.weight += weight - entry.weight
                    self._weight += weight - entry.weight
                    if event:
                        session.entries[index] = _Entry(place.number, event, weight)
                    else:
                        del session.entries[index]
                    return True
        return False

    def _found(self, agent_id: str, session_id: str) -> _Session | None:
        of_agent = self._agents.get(agent_id)
        return of_agent.get(session_id) if of_agent else None

    def _used(self, agent_id: str, session_id: str) -> _Session:
        of_agent = self._agents.setdefault(agent_id, OrderedDict())
        self._agents.move_to_end(agent_id)
        if session_id not in of_agent:
            of_agent[session_id] = _Session()
            self._open += 1
        of_agent.move_to_end(session_id)
        return of_agent[session_id]

    def _fit(self, agent_id: str, session: _Session) -> None:
        if len(self._agents[agent_id]) > self._bounds.sessions_per_agent:
            self._evict(agent_id)
        while self._open > self._bounds.sessions or (self._weight > self._bounds.characters and self._open > 1):
            self._evict(next(iter(self._agents)))
        while self._weight > self._bounds.characters and session.entries:
            self._lighten(session)

    def _evict(self, agent_id: str) -> None:
        of_agent = self._agents[agent_id]
        _, session = of_agent.popitem(last=False)
        self._weight -= session.weight
        self._open -= 1
        self._evicted += 1
        if not of_agent:
            del self._agents[agent_id]

    def _lighten(self, session: _Session) -> None:
        entry = session.entries.popleft()
        session.weight -= entry.weight
        self._weight -= entry.weight


def weight_of(event: SecurityEvent) -> int:
    """Return for how many characters an event counts: its texts, and something for each value.

    >>> weight_of(SecurityEvent(event_type="call", sequence=1, arguments={"to": ["ana", "ben"]}))
    348
    """
    texts = (event.event_type, event.tool, event.request, event.session_id, event.destination)
    weight = _OVERHEAD + sum(len(text) for text in texts if text)
    waiting: list[object] = [event.arguments] if event.arguments else []
    seen: set[int] = set()
    while waiting:
        value = waiting.pop()
        weight += _VALUE
        if isinstance(value, str | bytes):
            weight += len(value)
        elif isinstance(value, Mapping | list | tuple) and id(value) not in seen:
            seen.add(id(value))  # a value that holds itself
            if isinstance(value, Mapping):
                waiting += value.keys()
                waiting += value.values()
            else:
                waiting += value
    return weight
