"""Aspects of how much and how long: how many robust units an amount lies from the agent's usual one."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from math import comb, exp, log
from typing import Final

from msgspec import Struct

FEWEST: Final = 8
"""Amounts of an event type from which on it is judged by its own; below, by those of all types."""

_LEAST_UNIT: Final = 0.1
"""Units are no smaller than ten per cent of an amount, so that a constant agent has some leeway."""

_FEW: Final = 120
"""Up to here an amount is left out of its own reference by doing so; further on it no longer matters."""

_NORMAL: Final = 1.2816
"""The ninetieth percentile of a normal distribution, in standard deviations."""


class Usual(Struct, frozen=True, gc=False):
    """The middle of some amounts, on a log scale, and a unit to each side."""

    middle: float
    below: float
    above: float

    @classmethod
    def of(cls, ordered: Sequence[float]) -> "Usual":
        """Return the usual one of ascending logs: their median, and the spread to the outer tenths."""
        last = len(ordered) - 1
        middle = _at(ordered, 0.5 * last)
        below = (middle - _at(ordered, 0.1 * last)) / _NORMAL
        above = (_at(ordered, 0.9 * last) - middle) / _NORMAL
        return cls(middle, max(_LEAST_UNIT, below), max(_LEAST_UNIT, above))

    def units(self, value: float) -> float:
        """Return how many units a log lies above the middle; negative below."""
        off = value - self.middle
        return off / self.above if off > 0 else off / self.below


def _at(ordered: Sequence[float], place: float) -> float:
    low = int(place)
    if low + 1 >= len(ordered):
        return ordered[-1]
    return ordered[low] + (place - low) * (ordered[low + 1] - ordered[low])


class Amounts(Struct, frozen=True):
    """Amounts, by event type where a type has enough of them."""

    offset: float
    """Added to every amount: a share of the median, so that the scale does not matter and zero has a log."""
    overall: Usual
    usual: dict[str, Usual]
    count: int

    @classmethod
    def of(
        cls, kinds: Sequence[str], amounts: Sequence[float | None], *, offset: float, own: Collection[str]
    ) -> "Amounts | None":
        """Return what is usual of the amounts that were said, None where there were too few.

        Args:
            kinds: event types.
            amounts: as many amounts, in any unit.
            offset: what is added to every amount, as a share of their median.
            own: event types that have a usual amount of their own where they have enough of them.
        """
        said = sorted(amount for amount in amounts if amount is not None)
        if len(said) < FEWEST:
            return None
        middle = said[len(said) // 2]
        offset *= middle if middle > 0 else next((one for one in said if one > 0), 1.0)
        by_kind: dict[str, list[float]] = {kind: [] for kind in sorted(own)}
        for kind, amount in zip(kinds, amounts, strict=True):
            if amount is not None and kind in by_kind:
                by_kind[kind].append(log(amount + offset))
        usual = {kind: Usual.of(sorted(logs)) for kind, logs in by_kind.items() if len(logs) >= FEWEST}
        return cls(offset, Usual.of([log(one + offset) for one in said]), usual, len(said))

    def units(self, kind: str, amount: float) -> float:
        """Return how many robust units an amount lies above what is usual for its event type; negative below."""
        return self.usual.get(kind, self.overall).units(log(amount + self.offset))

    def departure(self, kind: str, amount: float) -> float:
        """Return how many robust units an amount lies from what is usual, to either side."""
        return abs(self.units(kind, amount))

    def held_out(self, kinds: Sequence[str], amounts: Sequence[float | None]) -> list[float | None]:
        """Return the departure of each amount, without its own part in what is usual of a type with few of them."""
        own: dict[str, list[float]] = {}
        logs = [None if amount is None else log(amount + self.offset) for amount in amounts]
        for kind, value in zip(kinds, logs, strict=True):
            if value is not None and kind in self.usual:
                own.setdefault(kind, []).append(value)
        few = {kind: sorted(values) for kind, values in own.items() if len(values) <= _FEW}
        found: list[float | None] = []
        for kind, value in zip(kinds, logs, strict=True):
            if value is None:
                found.append(None)
                continue
            reference = self.usual.get(kind, self.overall)
            if kind in few and len(few[kind]) > 1:
                ordered = few[kind]
                at = bisect_left(ordered, value)
                reference = Usual.of([*ordered[:at], *ordered[at + 1 :]])
            found.append(abs(reference.units(value)))
        return found

    def in_words(self, kind: str) -> tuple[float, float, float]:
        """Return the usual amount and one unit to each side of it, in the amounts' own unit."""
        usual = self.usual.get(kind, self.overall)
        logs = (usual.middle, usual.middle - usual.below, usual.middle + usual.above)
        middle, low, high = (max(0.0, exp(one) - self.offset) for one in logs)
        return middle, low, high


class Intervals(Struct, frozen=True):
    """Intervals between events, as logs of seconds. Shorter ones than usual depart; a pause is no act."""

    usual: Usual

    @classmethod
    def of(cls, logs: Sequence[float | None]) -> "Intervals | None":
        """Return what is usual of the intervals that are known, None where there are too few."""
        said = sorted(one for one in logs if one is not None)
        return cls(Usual.of(said)) if len(said) >= FEWEST else None

    def departure(self, value: float) -> float:
        """Return how many robust units an interval lies below the usual one; negative above."""
        return -self.usual.units(value)

    def held_out(self, values: Sequence[float | None]) -> list[float | None]:
        """Return the departure of each interval; among so many its own part in the usual one is none to speak of."""
        return [None if value is None else self.departure(value) for value in values]


class Failures(Struct, frozen=True):
    """How many of the last outcomes are failures, where they fall independently."""

    share: float

    @classmethod
    def of(cls, successes: Sequence[bool | None]) -> "Failures | None":
        """Return the share of failures among the outcomes that were said, None where there were too few."""
        said = [one for one in successes if one is not None]
        return cls((said.count(False) + 0.5) / (len(said) + 1)) if len(said) >= FEWEST else None

    def departure(self, failures: tuple[int, int]) -> float:
        """Return -ln of how likely at least as many failures are (binomial)."""
        count, among = failures
        if not count:
            return 0.0
        share = self.share
        tail = sum(comb(among, k) * share**k * (1 - share) ** (among - k) for k in range(count, among + 1))
        return -log(max(tail, 1e-12))

    def held_out(self, values: Sequence[tuple[int, int] | None]) -> list[float | None]:
        """Return the departure of each run of outcomes; a single outcome has no part in the share to speak of."""
        known = {value: self.departure(value) for value in set(values) if value is not None}
        return [None if value is None else known[value] for value in values]
