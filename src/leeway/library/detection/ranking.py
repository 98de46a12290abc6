"""From how far an event departs in each aspect to one tail probability: by rank among the agent's own held-out past."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import exp, log
from typing import Final

from msgspec import Struct

UNIT: Final = 16
"""Surprises are kept in sixteenths of a nat."""

UNSAID: Final = 255
"""What a row says of an aspect that its event did not say."""

MOST_ROWS: Final = 960
"""Held-out events that are kept: by rank alone no event is rarer than one in 961, which is MEDIUM."""

MOST_SURPRISE: Final = 40.0

SHARED: Final = 0.15
"""What each further nat of any aspect adds to the largest surprise."""

_ENOUGH: Final = 100
"""Rows that say all that an event says, from which on it is ranked among them only."""

_BEYOND: Final = 2.0
"""Nats beyond all of the past that make an event rarer by a factor of e: surprises are estimates out there."""

_SLACK: Final = 0.02
_JUST_BELOW: Final = 0.999

_MOST_TABLES: Final = 64

_TAIL: Final = 0.9
"""The tail is what lies beyond the ninetieth percentile."""

_KNOTS: Final = (0.9, 0.75, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01, 0.005, 0.0025)


GRAVE: Final = 0.0101
"""Just above MEDIUM."""


def by_session(p: float, chances: float) -> float:
    """Return a tail probability of MEDIUM or graver as one of sessions: a session of many events has many chances.

    1 - (1 - p)^k for k events a session (Sidak 1967), but never more than what is just LOW: what is flagged stays so.
    """
    return p if p > GRAVE or chances <= 1 else max(p, min(1 - (1 - p) ** chances, GRAVE))


class Scale(Struct, frozen=True, gc=False):
    """How surprising a departure is in one aspect: -ln of the share of the past that departs as far, in nats."""

    departures: list[float]
    surprises: list[float]
    beyond: float
    """Departure that makes one more nat, further off than anything in the past."""

    @classmethod
    def of(cls, departures: Sequence[float], least: float, distrusted: float = 0.0) -> "Scale":
        """Return the scale of held-out departures.

        Args:
            departures: one for each event that says the aspect.
            least: the least departure that makes one more nat beyond the past; else it is what makes one there on
                average (an exponential tail).
            distrusted: the share of the past that may be bad. What departs as far as that counts as beyond the past:
                rows that are all bad in one way would be each other's excuse.
        """
        ordered = sorted(departures)
        count = len(ordered)
        last = count - 1 - int(2 * distrusted * count)
        picked = sorted({0, last, *(min(last, int((1 - share) * count)) for share in _KNOTS)})
        knots: dict[float, float] = {}
        for at in picked:
            value = ordered[at]
            knots[value] = -log((1 + count - bisect_left(ordered, value)) / (count + 1))
        tail = ordered[int(_TAIL * last) : last + 1]
        excess = sum(tail) / len(tail) - tail[0]
        return cls(list(knots), list(knots.values()), max(least, excess))

    def surprise(self, departure: float) -> float:
        """Return the surprise of a departure, in nats; linear between knots and beyond the last."""
        departures = self.departures
        at = bisect_right(departures, departure)
        if not at:
            return 0.0
        surprises = self.surprises
        low = departures[at - 1]
        if at == len(departures):
            return min(MOST_SURPRISE, surprises[-1] + (departure - low) / self.beyond)
        share = (departure - low) / (departures[at] - low)
        return surprises[at - 1] + share * (surprises[at] - surprises[at - 1])


def statistic(surprises: Sequence[float]) -> float:
    """Return how far an event departs over all: its largest surprise, and a share of their sum.

    The largest keeps a single aspect from drowning among ordinary ones; the sum adds up several that each depart a bit.
    """
    return max(surprises) + SHARED * sum(surprises)


class Ranking:
    """The held-out events of one agent's past, by their surprises."""

    def __init__(self, columns: dict[str, bytes]) -> None:
        self.columns = columns
        """Aspect to the surprise of each row, in sixteenths of a nat."""
        self._tables: dict[tuple[str, ...], list[float]] = {}

    def table(self, aspects: tuple[str, ...]) -> list[float]:
        """Return the statistic of the held-out events over some aspects, ascending."""
        found = self._tables.get(aspects)
        if found is None:
            if len(self._tables) >= _MOST_TABLES:
                self._tables.clear()
            found = self._tables[aspects] = self._made(aspects)
        return found

    def _made(self, aspects: tuple[str, ...]) -> list[float]:
        rows = list(zip(*(self.columns[aspect] for aspect in aspects), strict=True))
        whole = [row for row in rows if UNSAID not in row]
        if len(whole) < min(_ENOUGH, len(rows)):
            whole = [tuple(0 if one == UNSAID else one for one in row) for row in rows]
        return sorted((max(row) + SHARED * sum(row)) / UNIT for row in whole)

    def p(self, aspects: tuple[str, ...], surprises: Sequence[float], contamination: float) -> float:
        """Return how rarely the past departs as far as an event does, over the aspects that the event says.

        (1 + how many do) / (n + 1). Where many depart equally far, the contamination may fall among equals: they lie
        below it where that flags a share nearer to it, by at most two points more. Beyond all of the past p falls by a
        factor of e with each two nats.
        """
        table = self.table(aspects)
        count = len(table)
        rounded = [min(UNSAID - 1, int(one * UNIT + 0.5)) for one in surprises]
        value = (max(rounded) + SHARED * sum(rounded)) / UNIT
        least = bisect_left(table, value)
        p = (1 + count - least) / (count + 1)
        if p >= contamination:
            further = (count - bisect_right(table, value)) / count
            if (count - least) / count <= contamination + min(_SLACK, contamination - further):
                p = _JUST_BELOW * contamination
        beyond = statistic(surprises) - table[-1]
        return p * exp(-beyond / _BEYOND) if value > table[-1] else p
