"""What the sensors of a feed of Leeway's own events say, by their heartbeats, that they can show."""

from typing import Final

from leeway.events import AnyEvent, Facet, Heartbeat, Measure

SIDES: Final[tuple[Facet | Measure, ...]] = (*Facet, *Measure)
"""Everything that a feed can show."""

HOSTS: Final = 100_000
"""Hosts of a feed beyond which what its sensors say is not asked any more."""


class Declared:
    """What the sensors of a feed say that they can show."""

    def __init__(self) -> None:
        self.sides: frozenset[Facet | Measure] = frozenset()
        self._silent: set[str] = set()
        self._told: set[str] = set()

    @property
    def is_whole(self) -> bool:
        """Whether every host of the feed has said it."""
        return bool(self._told) and len(self._told) < HOSTS and self._silent <= self._told

    def hear(self, event: AnyEvent) -> None:
        """Take note of an event, and of what it says where it is a heartbeat."""
        if isinstance(event, Heartbeat) and event.observes is not None:
            if len(self._told) < HOSTS:
                self._told.add(event.host)
            self.sides |= sides_named(event.observes)
        elif len(self._silent) < HOSTS:
            self._silent.add(event.host)


def sides_named(names: tuple[str, ...]) -> frozenset[Facet | Measure]:
    """Return the facets and measures among some names; others are of a later version, and left out."""
    return frozenset(side for side in SIDES if side in names)
