"""One event as the numbers that the isolation forest reads."""

from collections.abc import Sequence
from math import cos, log, nan, pi, sin
from typing import Final

from msgspec import Struct

from leeway.library.detection.acts import SLOTS_A_DAY, Act
from leeway.library.detection.amounts import Amounts, Intervals
from leeway.library.detection.members import Members

_QUARTERS: Final = [
    (sin(2 * pi * (quarter + 0.5) / SLOTS_A_DAY), cos(2 * pi * (quarter + 0.5) / SLOTS_A_DAY))
    for quarter in range(SLOTS_A_DAY)
]
_WEEKDAYS: Final = [(sin(2 * pi * day / 7), cos(2 * pi * day / 7)) for day in range(7)]


class FeatureVector(Struct, frozen=True, gc=False):
    """What the forest reads of one event. NaN is what the event does not say."""

    hour_sin: float = nan
    hour_cos: float = nan
    weekday_sin: float = nan
    weekday_cos: float = nan
    is_weekend: float = nan
    event_type_rarity: float = nan
    """-ln of the smoothed frequency of the event type in the agent's own past."""
    log_duration: float = nan
    """Log of the duration over the agent's usual one."""
    log_resources: float = nan
    success: float = nan
    log_interval: float = nan
    """Log of the seconds since the event before, up to the usual ones."""
    log_pace: float = nan
    """Log of the seconds that one of the last events took on average, up to the usual ones."""
    failure_share: float = nan
    sequence_rarity: float = nan
    """-ln of how likely the action is after the two before it."""

    def to_array(self) -> list[float]:
        """Return the numbers in the order of `feature_names`."""
        return [getattr(self, name) for name in self.__struct_fields__]

    @classmethod
    def feature_names(cls) -> list[str]:
        """Return the names of the features."""
        return list(cls.__struct_fields__)


FEATURES: Final = tuple(FeatureVector.feature_names())

ASPECT_OF: Final = (
    *["temporal"] * 5,
    "event_type",
    "duration",
    "resource",
    "success",
    "interval",
    "rate",
    "failures",
    "sequence",
)
"""The aspect that each feature speaks of."""

CONTEXT: Final = FEATURES.index("log_interval")
"""From here on features need the events before."""

RARITIES: Final = (FEATURES.index("event_type_rarity"), FEATURES.index("sequence_rarity"))


def features_of(act: Act, members: Members, departures: dict[str, float]) -> list[float]:
    """Return the features of an act whose departures are known; NaN for what it does not say or nothing is known of."""
    when = (nan, nan, nan, nan, nan)
    if act.slot is None or act.day is None or members.temporal is None:
        pass
    elif not members.temporal.is_split:  # every weekday that the past did not hold would be a new one
        when = (*_QUARTERS[act.slot % SLOTS_A_DAY], nan, nan, nan)
    else:
        when = (
            *_QUARTERS[act.slot % SLOTS_A_DAY],
            *_WEEKDAYS[(act.day - 1) % 7],
            1.0 if act.slot >= SLOTS_A_DAY else 0.0,
        )
    duration, resource = members.duration, members.resource
    return [
        *when,
        departures.get("event_type", nan),
        nan if act.duration is None or duration is None else _level(act.duration, duration),
        nan if act.resources is None or resource is None else _level(act.resources, resource),
        nan if act.success is None else 1.0 if act.success else 0.0,
        _short(act.gap, members.interval),
        _short(act.pace, members.rate),
        nan if act.failures is None else act.failures[0] / act.failures[1],
        departures.get("sequence", nan),
    ]


def _short(interval: float | None, intervals: Intervals | None) -> float:
    """Return the log of an interval up to the usual one: only short ones depart, and the forest knows no sides."""
    return nan if interval is None or intervals is None else min(interval, intervals.usual.middle)


def _level(amount: float, amounts: Amounts) -> float:
    """Return the log of an amount over the usual one; rounded, so that its unit makes no difference."""
    return round(log(amount + amounts.offset) - amounts.overall.middle, 6)


def middles(rows: Sequence[Sequence[float]]) -> list[float]:
    """Return the median of each feature over the rows that say it; 0 where none does."""
    found = []
    for column in zip(*rows, strict=True):
        said = sorted(one for one in column if one == one)  # noqa: PLR0124  # NaN is not equal to itself
        found.append(said[len(said) // 2] if said else 0.0)
    return found


def filled(row: Sequence[float], usual: Sequence[float]) -> list[float]:
    """Return a row with the usual value where it says nothing, which isolates nothing."""
    return [one if one == one else other for one, other in zip(row, usual, strict=True)]  # noqa: PLR0124  # NaN
