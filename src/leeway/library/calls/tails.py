"""Tail probabilities: how often a value at least as large was seen where all was well."""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

MOST_POINTS: Final = 256
"""Values that one tail keeps: the larger half as they are, the rest thinned out."""

_HALF: Final = 0.5
"""What is added to both sides of a share, so that nothing is impossible."""

_NEAR: Final = 1e-9
"""Values that close together are one: their sums may have been taken in another order."""

_LEAST_REACH: Final = 0.5
_LEAST_P: Final = 1e-6
"""Nothing is said to be rarer than one in a million."""

_ERRORS: Final = 2.0
"""Standard errors by which the scale of a tail is taken larger; that of an exponential one is scale / sqrt(n)."""


class Tail(Struct, frozen=True):
    """Values in ascending order, and the share of the weight that lies at each or beyond it."""

    points: list[float]
    above: list[float]
    near: float
    """How far a value may lie beyond another and still be the same: to a constant agent any difference is a record."""
    beyond: float
    """The share that is left for what is larger than all of them."""
    reach: float
    """The scale of what is larger than all of them: how far the larger half lies beyond the middle, on average, and
    two standard errors."""

    def p(self, value: float) -> float:
        """Return the share of values at least as large."""
        at = bisect_left(self.points, value - self.near - _NEAR)
        return self.above[at] if at < len(self.above) else self.beyond

    def surprise(self, value: float) -> float:
        """Return -log of that share."""
        return -math.log(self.p(value))

    def smooth(self, value: float) -> float:
        """Return the share without steps: log-linear between values, exponential beyond the largest.

        Beyond the largest value the tail is exponential, as that of excesses over a high value is (Pickands 1975, with
        shape 0). Its scale is the mean excess over the middle, two standard errors up: the fewer sessions are known,
        the slower anything becomes improbable.
        """
        points, above = self.points, self.above
        if not points or value <= points[0] + _NEAR:
            return 1.0
        at = bisect_left(points, value - _NEAR)
        if at == len(points):
            return max(above[-1] * math.exp((points[-1] - value) / self.reach), _LEAST_P)
        low, high = points[at - 1], points[at]
        part = min(1.0, (value - low) / (high - low))
        return math.exp(math.log(above[at - 1]) * (1 - part) + math.log(above[at]) * part)


def tail_of(weighted: Iterable[tuple[float, float]], independent: int = 2, near: float = 0.0) -> Tail:
    """Return the tail of values with their weights, in whatever order they come.

    Args:
        weighted: values, each with its weight.
        independent: how many of them are independent, as of several runs of one task only one is.
        near: how far a value may lie beyond another and still count as no larger.
    """
    weights: defaultdict[float, float] = defaultdict(float)
    for value, weight in sorted(weighted):
        weights[value] += weight
    points = sorted(weights)
    total = sum(weights[point] for point in points)
    above: list[float] = []
    rest = 0.0
    for point in reversed(points):
        rest += weights[point]
        above.append(min(1.0, (rest + _HALF) / (total + _HALF)))
    above.reverse()
    middle = next((point for point, share in zip(points, above, strict=True) if share <= _HALF), 0.0)
    upper = [(point - middle, weights[point]) for point in points if point >= middle]
    weight = sum(part for _, part in upper)
    reach = sum(excess * part for excess, part in upper) / weight if weight else 0.0
    kept = _thinned(len(points))
    return Tail(
        [points[at] for at in kept],
        [above[at] for at in kept],
        near,
        _HALF / (total + _HALF),
        max(reach, _LEAST_REACH) * (1 + _ERRORS / math.sqrt(max(1.0, independent / 2))),
    )


def _thinned(size: int) -> list[int]:
    if size <= MOST_POINTS:
        return list(range(size))
    half = MOST_POINTS // 2
    first = size - half
    return sorted({step * (first - 1) // (half - 1) for step in range(half)}) + list(range(first, size))
