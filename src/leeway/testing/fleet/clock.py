"""The fleet's fake clock, and the draws that every part of the simulation derives from the seed."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from random import Random

START = datetime(2026, 3, 2, tzinfo=UTC)
"""Midnight of day 1, a Monday."""
DAYS = 9
BOOTSTRAP_DAYS = 7
"""Days 1 to 7 are learned from; the days after them are judged."""
DAY_SECONDS = 86_400
HOUR_SECONDS = 3_600

_WEEK = 7
_SATURDAY = 5


def moment(second: float) -> datetime:
    """Return the instant `second` seconds after the start, to the millisecond.

    >>> moment(90.5).isoformat()
    '2026-03-02T00:01:30.500000+00:00'
    """
    return START + timedelta(milliseconds=int(second * 1000))


def midnight(day: int) -> int:
    """Return the second at which `day` (1 is the first) begins."""
    return (day - 1) * DAY_SECONDS


def day_of(second: float) -> int:
    """Return the day (1 is the first) in which a second lies."""
    return int(second // DAY_SECONDS) + 1


def is_weekend(day: int) -> bool:
    """Say whether `day` is a Saturday or Sunday."""
    return (day - 1) % _WEEK >= _SATURDAY


def draw(*scope: object) -> Random:
    """Return the generator of one purpose: the same scope gives the same draws, whatever else is drawn."""
    return Random("|".join(map(str, scope)))


def token(*scope: object) -> str:
    """Return 32 hex digits for one purpose; nothing of the scope can be read off them."""
    return blake2b("|".join(map(str, scope)).encode(), digest_size=16).hexdigest()
