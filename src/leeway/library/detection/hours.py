"""The aspect of when: how busy the agent usually is at that time of the day, on weekdays and on weekends."""

from collections.abc import Sequence
from math import exp, log
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from leeway.library.detection.acts import SLOTS_A_DAY

Floats = NDArray[np.float64]

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
        table = np.array(counts, dtype=np.float64).reshape(1, 2, SLOTS_A_DAY)
        return cls(counts, days, is_split, _densities(table, days, is_split=is_split)[0].ravel().tolist())

    def departure(self, slot: int) -> float:
        """Return -ln of how busy the agent usually is then."""
        return -log(self.density[slot])

    def held_out(self, slots: Sequence[int | None], days: Sequence[int | None]) -> list[float | None]:
        """Return the departure of each event of the past as if its whole day had not been seen.

        The events of one day come together: leaving out a single one would find its neighbours of the same hour.
        """
        places = {day: at for at, day in enumerate(sorted({day for day in days if day is not None}))}
        own = np.zeros((len(places), 2 * SLOTS_A_DAY))
        for slot, day in zip(slots, days, strict=True):
            if slot is not None and day is not None:
                own[places[day], slot] += 1
        others = (np.array(self.counts) - own).reshape(-1, 2, SLOTS_A_DAY)
        tables = -np.log(_densities(others, self.days - 1, is_split=self.is_split)).reshape(-1, 2 * SLOTS_A_DAY)
        known = dict(zip(places, tables.tolist(), strict=True))
        return [
            None if slot is None or day is None else known[day][slot] for slot, day in zip(slots, days, strict=True)
        ]

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


def _smoothed(counts: Floats) -> Floats:
    """Return counts, smoothed around the clock, which is their last axis."""
    found = np.zeros(counts.shape)
    for k, share in enumerate(KERNEL, -_REACH):
        found += share * np.roll(counts, k, axis=-1)
    return found


def _densities(counts: Floats, days: int, *, is_split: bool) -> Floats:
    """Return how busy the slots of weekdays and weekends are, relative to even activity.

    They are mixed with an even one of the weight of one day.

    Args:
        counts: of one past or more the events in each slot of weekdays, then of weekends (n, 2, 96).
        days: on which they lie.
        is_split: weekdays and weekends are told apart.
    """
    smooth, sizes = _smoothed(counts), counts.sum(axis=-1, keepdims=True)
    size = sizes.sum(axis=1, keepdims=True)
    every = smooth.sum(axis=1, keepdims=True) / np.maximum(size, 1) * SLOTS_A_DAY
    if is_split:
        # Events on such days, against what even activity over the week would give.
        share = (sizes + 1) / (size + 2) / np.array([[5 / 7], [2 / 7]])
        busy = share * (smooth * SLOTS_A_DAY + _DRAWN * every) / (sizes + _DRAWN)
    else:
        busy = np.broadcast_to(every, counts.shape)
    even = 1 / (max(days, 1) + 1)
    # Rounded, so that slots that are equally busy are equal, in whatever order their neighbours were added.
    return np.where(size > 0, np.round((1 - even) * busy + even * 0.1, 9), 1.0)
