"""How much an event departs from what its agent normally does, as a level."""

from enum import Enum
from typing import Final


class ThreatLevel(Enum):
    """Levels in their order: `NONE < UNKNOWN < LOW < MEDIUM < HIGH < CRITICAL`; `max` of some is the gravest.

    `NONE` says that nothing departs. `UNKNOWN` says that nothing could be judged, which is never the same: no model, a
    model that knows too little, or a field that is not what it should be.
    """

    NONE = "none"
    UNKNOWN = "unknown"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Its place in the order, from 0."""
        return _RANKS[self]

    def __lt__(self, other: object) -> bool:
        return _RANKS[self] < _RANKS[other] if isinstance(other, ThreatLevel) else NotImplemented

    def __le__(self, other: object) -> bool:
        return _RANKS[self] <= _RANKS[other] if isinstance(other, ThreatLevel) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return _RANKS[self] > _RANKS[other] if isinstance(other, ThreatLevel) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return _RANKS[self] >= _RANKS[other] if isinstance(other, ThreatLevel) else NotImplemented

    def __str__(self) -> str:
        return self.value


_RANKS: Final = {level: rank for rank, level in enumerate(ThreatLevel)}

LEVELS: Final = (
    (0.0001, ThreatLevel.CRITICAL),
    (0.001, ThreatLevel.HIGH),
    (0.01, ThreatLevel.MEDIUM),
    (0.05, ThreatLevel.LOW),
)
"""Tail probability up to which each level is reached, the gravest first."""


def level_of(p: float) -> ThreatLevel:
    """Return the level of a tail probability: how rarely the agent's own past departs as far as this."""
    for most, level in LEVELS:
        if p <= most:
            return level
    return ThreatLevel.NONE
