"""How often each value was seen, and how rare one is by that."""

from collections.abc import Hashable, Iterator
from heapq import heapify, heappushpop
from typing import Final, NamedTuple

from leeway.agents import IdKey
from leeway.config import Caps
from leeway.summaries import Bound

_BOUND: Final = Bound(Caps(), IdKey(b"leeway library"))
"""By its fingerprints a day keeps the same values in whatever order they come."""


class Value(NamedTuple):
    """A value of two levels: a domain and a host of it, a type of event and a tool."""

    outer: tuple[str, ...]
    inner: str | int | tuple[str, ...]


class DayCounts:
    """The values of one day, at most as many as a summary keeps of a facet."""

    __slots__ = ("_edge", "beyond", "counts")

    def __init__(self) -> None:
        self.counts: dict[Value, int] = {}
        self.beyond = 0
        """Events of values that are not kept."""
        self._edge: list[tuple[int, Value]] = []
        """All that are kept, once the day is full: a heap, the next to go first."""

    def add(self, value: Value) -> tuple[Value, int] | None:
        """Count a value; return what has no place, with the times that it was counted before."""
        held = self.counts.get(value)
        if held is not None:
            self.counts[value] = held + 1
            return None
        if len(self.counts) < _BOUND.caps.values_per_facet:
            self.counts[value] = 1
            return None
        if not self._edge:
            self._edge = [(_rank(one), one) for one in self.counts]
            heapify(self._edge)
        let_go = heappushpop(self._edge, (_rank(value), value))[1]
        times = self.counts.pop(let_go, 0)
        self.beyond += max(times, 1)
        if let_go != value:
            self.counts[value] = 1
        return let_go, times


def _rank(value: Value) -> int:
    """Return the place of a value: the greatest fingerprint comes first, and is the first to go."""
    inner = value.inner if isinstance(value.inner, tuple) else (str(value.inner),)
    return -_BOUND.rank("library", (str(len(value.outer)), *value.outer, *inner))


class Tally:
    """Counts of values, how many values have each count, and the whole."""

    __slots__ = ("_repeats", "beyond", "counts", "n")

    def __init__(self) -> None:
        self.counts: dict[Hashable, int] = {}
        self.n = 0
        self.beyond = 0
        """Events among the `n` of values that no day kept; they count as rare ones."""
        self._repeats: dict[int, int] = {}

    def add(self, value: Hashable, times: int) -> None:
        """Count a value some times more, or fewer."""
        before = self.counts.get(value, 0)
        after = before + times
        self.n += times
        self._move(before, -1)
        self._move(after, 1)
        if after:
            self.counts[value] = after
        else:
            self.counts.pop(value, None)

    def add_beyond(self, times: int) -> None:
        """Count events of values that are not kept."""
        self.n += times
        self.beyond += times

    def rarity(self, value: Hashable) -> float:
        """Return the share of events whose value was seen no oftener than this one: its tail probability.

        Of a value that was never seen it is that of values seen once, the estimate of the chance to see a new one
        (Good 1953); one more event is taken for granted, so that it is never 0.
        """
        most = max(self.counts.get(value, 0), 1)
        rare = sum(count * values for count, values in self._repeats.items() if count <= most)
        return min(1.0, (rare + self.beyond + 1) / (self.n + 1))

    def _move(self, count: int, by: int) -> None:
        if count:
            left = self._repeats.get(count, 0) + by
            if left:
                self._repeats[count] = left
            else:
                del self._repeats[count]


class Nested:
    """Values of two levels over many days."""

    __slots__ = ("inner", "outer")

    def __init__(self) -> None:
        self.outer = Tally()
        self.inner: dict[tuple[str, ...], Tally] = {}

    def add(self, value: Value, times: int) -> None:
        """Count a value some times more, or fewer."""
        self.outer.add(value.outer, times)
        inner = self.inner.get(value.outer)
        if inner is None:
            inner = self.inner[value.outer] = Tally()
        inner.add(value.inner, times)
        if not inner.n:
            del self.inner[value.outer]

    def take_in(self, day: DayCounts, value: Value) -> None:
        """Count a value of one day, here and there."""
        let_go = day.add(value)
        if let_go is None:
            self.add(value, 1)
            return
        other, times = let_go
        if times:
            self.add(value, 1)
            self.add(other, -times)
        self.outer.add_beyond(max(times, 1))

    def leave_out(self, day: DayCounts) -> None:
        """Take a whole day out."""
        for value, times in day.counts.items():
            self.add(value, -times)
        self.outer.add_beyond(-day.beyond)

    def rarity(self, value: Value) -> float:
        """Return the tail probability of a value, at the level where it is rarer.

        A level that does not vary says nothing, and is not counted as a second look.
        """
        outer = self.outer.rarity(value.outer)
        inner = self.inner.get(value.outer)
        if inner is None or inner.counts.keys() == {value.inner}:
            return outer
        return min(1.0, 2 * min(outer, inner.rarity(value.inner)))

    def most_common(self) -> list[tuple[tuple[str, ...], int]]:
        """Return the values of the outer level with their counts, the most frequent first, equals by name."""
        counts = [(outer, self.outer.counts.get(outer, 0)) for outer in self.inner]
        return sorted(counts, key=lambda one: (-one[1], one[0]))

    def bins(self, outer: tuple[str, ...]) -> Iterator[tuple[int, int]]:
        """Yield the bins of a value with their counts, in order; they are its inner level."""
        tally = self.inner.get(outer)
        counts = {} if tally is None else tally.counts
        yield from sorted((bin_, count) for bin_, count in counts.items() if isinstance(bin_, int))
