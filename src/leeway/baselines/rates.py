"""How much is normal: limits on hourly and daily sums from the last seven closed days."""

from math import exp2, log2
from statistics import median

from msgspec import Struct

WINDOW = 7
"""Closed days with the measure that a limit rests on."""

DEVIATIONS = 6.0
"""Robust standard deviations allowed. On the log scale of a sum's hours this is far out for any unimodal history."""

FLOOR = 0.75
"""Least spread, in powers of two: a history without variance allows 2^(6·0.75) ≈ 22 times its median, no less."""

_CONSISTENT = 1.4826
"""Makes the median absolute deviation estimate a normal standard deviation."""


class Limit(Struct, frozen=True):
    """A bound and what it came from."""

    amount: int
    median: int
    n: int
    """Hours or days behind it."""


def hourly_limit(days: dict[int, dict[int, int]], day: int) -> Limit | None:
    """Return the limit on one hour's sum, from the active hours of the last seven days before `day` that have any."""
    return _limit([amount for hours in _recent(days, day) for amount in hours.values()])


def total_limit(days: dict[int, dict[int, int]], day: int) -> Limit | None:
    """Return the limit on a whole day's sum."""
    return _limit([sum(hours.values()) for hours in _recent(days, day)])


def _recent(days: dict[int, dict[int, int]], day: int) -> list[dict[int, int]]:
    return [days[one] for one in sorted(days, reverse=True) if one < day][:WINDOW]


def _limit(amounts: list[int]) -> Limit | None:
    """Return 2^(median + 6·max(1.4826·MAD, 0.75)) of log2(1 + amount); None without history."""
    if not amounts:
        return None
    logs = sorted(log2(1 + amount) for amount in amounts)
    centre = median(logs)
    spread = max(_CONSISTENT * median(abs(value - centre) for value in logs), FLOOR)
    return Limit(int(exp2(min(centre + DEVIATIONS * spread, 62.0))), round(exp2(centre)) - 1, len(amounts))
