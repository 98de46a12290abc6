"""How often, when, and by which event first, an agent showed one value on one day."""

from datetime import datetime

from msgspec import Struct

from leeway.events import EventRef


class Sighting(Struct, frozen=True, array_like=True, gc=False):
    """A value seen: a commutative, associative count that keeps its first event as the exemplar."""

    count: int
    first: datetime
    last: datetime
    hours: int
    """Bit h is set when the value was seen in UTC hour h."""
    exemplar: EventRef
    """The event with the least (time, id); lineage, user and command line are shown from it."""

    def merge(self, other: "Sighting") -> "Sighting":
        """Return the sighting of both; the order of merging does not matter."""
        return Sighting(
            self.count + other.count,
            min(self.first, other.first),
            max(self.last, other.last),
            self.hours | other.hours,
            min(self.exemplar, other.exemplar),
        )
