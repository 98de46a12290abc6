"""How unusual an amount is, by a histogram in power-of-√2 bins."""

from collections.abc import Sequence
from math import erfc, log2, sqrt
from typing import Final

from msgspec import Struct

_CONSISTENT: Final = 1.4826
"""Makes the median absolute deviation estimate a normal standard deviation."""

FLOOR: Final = 0.5
"""Least spread, in powers of two: to a history without variance, half or twice is just within two deviations."""

_PARTS: Final = 1_000
"""Amounts are added up as whole thousandths: the sum is the same in any order."""


class Amounts(Struct):
    """Amounts by bin, with their count, sum and sum of squares, exactly."""

    n: int = 0
    total: int = 0
    squares: int = 0
    bins: dict[int, int] = {}  # msgspec copies empty defaults

    def add(self, amount: float, at: int) -> None:
        """Count an amount of a bin."""
        parts = round(amount * _PARTS)
        self.n += 1
        self.total += parts
        self.squares += parts * parts
        self.bins[at] = self.bins.get(at, 0) + 1

    def take(self, other: "Amounts") -> None:
        """Take other amounts out."""
        self.n -= other.n
        self.total -= other.total
        self.squares -= other.squares
        for at, count in other.bins.items():
            self.bins[at] -= count
            if not self.bins[at]:
                del self.bins[at]

    @property
    def mean(self) -> float | None:
        """The mean; None without amounts."""
        return self.total / self.n / _PARTS if self.n else None

    @property
    def deviation(self) -> float | None:
        """The standard deviation of all of them; None without amounts."""
        if not self.n:
            return None
        return sqrt(max(self.squares * self.n - self.total * self.total, 0)) / self.n / _PARTS


def amount_tail(bins: Sequence[tuple[int, int]], given: int) -> float:
    """Return how rarely an amount lies as far out as one does, on either side.

    The larger of two: its rank among all, and that of a normal distribution of the logarithm with a robust centre and
    spread. So an amount that was seen is never called unseen, and one a bin beyond the largest is not called extreme.

    Args:
        bins: each bin with its count, in order.
        given: the bin of the amount.
    """
    n = sum(count for _, count in bins)
    below = sum(count for at, count in bins if at <= given)
    above = sum(count for at, count in bins if at >= given)
    ranked = 2 * (min(below, above) + 1) / (n + 1)
    centre = _median(bins)
    spread = _CONSISTENT * _median(sorted((abs(at - centre), count) for at, count in bins)) / 2
    apart = abs(given - centre) / 2 / max(spread, FLOOR)
    return min(1.0, max(ranked, erfc(apart / sqrt(2))))


def count_tail(hours: Sequence[tuple[int, int]], given: int) -> float:
    """Return how rarely an event finds as many others in its hour.

    An hour of N events is met by N of them, and N - given + 1 of those find `given` or more. The larger of that and of
    the upper tail of a normal distribution, as above; never less than the number of hours can tell.

    Args:
        hours: each number of events in an hour with the number of hours that had it, in order.
        given: the number of events in the hour, the one in question included.
    """
    events = sum(count * times for count, times in hours)
    seen = sum((count - given + 1) * times for count, times in hours if count >= given)
    least = 1 / (sum(times for _, times in hours) + 1)
    logs = [(log2(1 + count), times) for count, times in hours]
    centre = _median(logs)
    spread = _CONSISTENT * _median(sorted((abs(at - centre), times) for at, times in logs))
    apart = (log2(1 + given) - centre) / max(spread, FLOOR)
    return min(1.0, max(seen / events, least, erfc(apart / sqrt(2)) / 2))


def _median(weighted: Sequence[tuple[float, int]]) -> float:
    """Return the lower median of values in order, each with its weight."""
    half, passed = (sum(weight for _, weight in weighted) + 1) // 2, 0
    for value, weight in weighted:
        passed += weight
        if passed >= half:
            return value
    return 0.0
