"""The aspect of when: how busy the agent usually is at that time of the day, on weekdays and on weekends."""

from collections.abc import Sequence
from math import exp, log
from typing import Final

from msgspec import Struct

from leeway.library.detection.acts import SLOTS_A_DAY

FEWEST_DAYS: Final = 3
"""Days that hours need: fewer say nothing of a day's rhythm."""

FEWEST_HOURS: Final = 20
"""Different hours of different days that hours need: events of one hour may be one piece of work."""

WEEKEND_DAYS: Final = 14
"""Days that the past must span before weekdays and weekends are told apart."""

_REACH: Final = 8
_WIDTH: Final = 3.0
"""Quarters of an hour: the kernel's standard deviation, cut off at two hours."""

_KERNEL: Final = [exp(-0.5 * (k / _WIDTH) ** 2) for k in range(-_REACH, _REACH + 1)]
_SUM: Final = sum(_KERNEL)
KERNEL: Final = [one / _SUM for one in _KERNEL]

_DRAWN: Final = 10.0
"""Events by which weekdays and weekends are each drawn towards all days."""


class Hours(Struct, frozen=True):
    """How busy each quarter of an hour is, smoothed around the clock."""

    counts: list[int]
    """Events in each quarter of an hour of weekdays, then of weekends."""
    days: int
    is_split: bool
    """Weekdays and weekends are told apart."""
    density: list[float]
    """Relative to even activity: 1 is what a quarter of an hour of any day would see on average."""

    @classmethod
    def of(cls, slots: Sequence[int | None], days: Sequence[int | None]) -> "Hours | None":
        """Return the rhythm of events with a time, None where they lie on too few days."""
        known = sorted({day for day in days if day is not None})
        hours = {
            (day, slot // 4) for day, slot in zip(days, slots, strict=True) if day is not None and slot is not None
        }
        if len(known) < FEWEST_DAYS or len(hours) < FEWEST_HOURS:
            return None
        is_split = known[-1] - known[0] + 1 >= WEEKEND_DAYS
        counts = [0] * (2 * SLOTS_A_DAY)
        for slot in slots:
            if slot is not None:
                counts[slot] += 1
        return cls.restored(counts, len(known), is_split=is_split)

    @classmethod
    def restored(cls, counts: list[int], days: int, *, is_split: bool) -> "Hours":
        """Return the rhythm of stored counts."""
        smooth = _smoothed(dict(enumerate(counts)))
        density = _densities(smooth, counts, days, is_split=is_split)
        return cls(counts, days, is_split, density)

    def departure(self, slot: int) -> float:
        """Return -ln of how busy the agent usually is then."""
        return -log(self.density[slot])

    def held_out(self, slots: Sequence[int | None], days: Sequence[int | None]) -> list[float | None]:
        """Return the departure of each event of the past as if its whole day had not been seen.

        The events of one day come together: leaving out a single one would find its neighbours of the same hour.
        """
        own: dict[int, dict[int, int]] = {}
        for slot, day in zip(slots, days, strict=True):
            if slot is not None and day is not None:
                there = own.setdefault(day, {})
                there[slot] = there.get(slot, 0) + 1
        smooth = _smoothed(dict(enumerate(self.counts)))
        tables = {day: self._without(smooth, there) for day, there in own.items()}
        return [
            None if slot is None or day is None else tables[day][slot] for slot, day in zip(slots, days, strict=True)
        ]

    def _without(self, smooth: list[float], there: dict[int, int]) -> dict[int, float]:
        """Return the departures at the slots of one day, without that day's events."""
        less = _smoothed(there)
        is_weekend = next(iter(there)) >= SLOTS_A_DAY
        own = sum(there.values())
        weekday, weekend = sum(self.counts[:SLOTS_A_DAY]), sum(self.counts[SLOTS_A_DAY:])
        sizes = (weekday, weekend - own) if is_weekend else (weekday - own, weekend)
        return {
            slot: -log(_density(slot, [a - b for a, b in zip(_pair(smooth, slot), _pair(less, slot), strict=True)],
                                sizes, self.days - 1, is_split=self.is_split))
            for slot in there
        }  # fmt: skip

    def busiest(self, slot: int) -> tuple[int, int]:
        """Return the first and last hour of the shortest span that holds nine tenths of that kind of day's events."""
        start = SLOTS_A_DAY if self.is_split and slot >= SLOTS_A_DAY else 0
        hours = [sum(self.counts[start + 4 * h : start + 4 * h + 4]) for h in range(24)]
        if not self.is_split:
            hours = [a + sum(self.counts[SLOTS_A_DAY + 4 * h : SLOTS_A_DAY + 4 * h + 4]) for h, a in enumerate(hours)]
        return _shortest(hours, 0.9 * sum(hours))


def _shortest(hours: Sequence[int], wanted: float) -> tuple[int, int]:
    """Return the shortest span of hours around the clock that holds as much as wanted, by two hands."""
    best, last, held = (0, 24), 0, 0
    for first in range(24):
        while held < wanted and last < first + 24:
            held += hours[last % 24]
            last += 1
        if held >= wanted and last - first < best[1]:
            best = (first, last - first)
        held -= hours[first]
    return best[0], (best[0] + best[1]) % 24


def _smoothed(counts: dict[int, int]) -> list[float]:
    smooth = [0.0] * (2 * SLOTS_A_DAY)
    for slot, count in counts.items():
        if count:
            start, at = (SLOTS_A_DAY, slot - SLOTS_A_DAY) if slot >= SLOTS_A_DAY else (0, slot)
            for k, share in enumerate(KERNEL, -_REACH):
                smooth[start + (at + k) % SLOTS_A_DAY] += count * share
    return smooth


def _pair(smooth: Sequence[float], slot: int) -> tuple[float, float]:
    at = slot % SLOTS_A_DAY
    return smooth[at], smooth[at + SLOTS_A_DAY]


def _densities(smooth: list[float], counts: list[int], days: int, *, is_split: bool) -> list[float]:
    sizes = (sum(counts[:SLOTS_A_DAY]), sum(counts[SLOTS_A_DAY:]))
    return [_density(slot, _pair(smooth, slot), sizes, days, is_split=is_split) for slot in range(2 * SLOTS_A_DAY)]


def _density(slot: int, sums: Sequence[float], sizes: tuple[int, int], days: int, *, is_split: bool) -> float:
    """Return how busy a slot is, relative to even activity, mixed with an even one of the weight of one day."""
    size = sizes[0] + sizes[1]
    if not size:
        return 1.0
    every = max(0.0, sums[0] + sums[1]) / size * SLOTS_A_DAY
    if is_split:
        is_weekend = slot >= SLOTS_A_DAY
        own = max(0.0, sums[is_weekend]) * SLOTS_A_DAY
        # Events on such days, against what even activity over the week would give.
        share = (sizes[is_weekend] + 1) / (size + 2) / (2 / 7 if is_weekend else 5 / 7)
        every = share * (own + _DRAWN * every) / (sizes[is_weekend] + _DRAWN)
    even = 1 / (max(days, 1) + 1)
    return (1 - even) * every + even * 0.1
