"""Quantities of one day as integers: count, sum, largest, a histogram in power-of-√2 bins, a sum for each hour."""

from msgspec import Struct

from leeway.events import EventRef

HOURS = 24


def bin_of(amount: int) -> int:
    """Return the bin of a non-negative integer: floor(2 · log2(amount)) + 1, and 0 for 0; exact, without floats.

    >>> [bin_of(n) for n in (0, 1, 2, 3, 4, 6, 1024)]
    [0, 1, 3, 4, 5, 6, 21]
    """
    if amount <= 0:
        return 0
    exponent = amount.bit_length() - 1
    # amount ≥ 2^(e + 1/2) exactly when amount² ≥ 2^(2e + 1).
    return 2 * exponent + (amount * amount >> (2 * exponent + 1) > 0) + 1


class MeasureTotals(Struct, frozen=True, array_like=True, gc=False):
    """One measure of one agent on one day."""

    n: int
    total: int
    largest: int
    exemplar: EventRef
    """The event of the largest amount; among equals the least (time, id)."""
    bins: dict[int, int]
    """`bin_of(amount)` to the number of events."""
    hours: dict[int, int]
    """UTC hour to the sum of its amounts; hours without an event are absent."""

    def merge(self, other: "MeasureTotals") -> "MeasureTotals":
        """Return the totals of both; the order of merging does not matter."""
        heavier = min((self, other), key=lambda one: (-one.largest, one.exemplar))
        return MeasureTotals(
            self.n + other.n,
            self.total + other.total,
            heavier.largest,
            heavier.exemplar,
            _added(self.bins, other.bins),
            _added(self.hours, other.hours),
        )


def _added(one: dict[int, int], other: dict[int, int]) -> dict[int, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in sorted(one.keys() | other.keys())}
