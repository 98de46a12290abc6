"""In what an event departs from the window of its agent, each aspect by its own tail probability."""

from collections.abc import Callable
from math import sqrt
from typing import Final

from leeway.library.amounts import amount_tail, count_tail
from leeway.library.learner_days import (
    DURATION,
    HOURS,
    KIND,
    NEXT,
    PLACE,
    RESOURCE,
    SILENT,
    Act,
    Days,
    action_of,
    kind_of,
    place_of,
)
from leeway.library.verdicts import amount_bin, is_amount

STEEPNESS: Final = 5
"""Power of the score: half of all ordinary events lie below .031, and 95 of 100 below .77."""

ODD: Final = 0.05
"""Tail probability up to which an aspect counts as one in which the event departs."""

ENOUGH: Final = 20
"""Amounts of one type of event by which that type is judged; with fewer, all types together are."""


def score_of(p: float) -> float:
    """Return the score of a tail probability: near 0 for what happens often, near 1 for what hardly does.

    >>> [round(score_of(p), 3) for p in (1, 0.5, 0.05, 0.01, 0.001)]
    [0.0, 0.031, 0.774, 0.951, 0.995]
    """
    return (1.0 - p) ** STEEPNESS


def aspect_tails(days: Days, act: Act) -> dict[str, float]:
    """Return the tail probability of every aspect that an event can be judged by."""
    found = {aspect: judge(days, act) for aspect, judge in ASPECTS.items()}
    return {aspect: p for aspect, p in found.items() if p is not None}


def _temporal(days: Days, act: Act) -> float | None:
    whole = sum(days.mass)
    if act.ordinal is None or not whole:
        return None
    mass, active, cell = days.mass, days.active, act.cell
    exposed: tuple[int, ...] = days.exposed
    if not days.knows_weekends:  # then an hour is an hour, whatever the day
        mass = [one + other for one, other in zip(mass[:HOURS], mass[HOURS:], strict=True)]
        active = [one + other for one, other in zip(active[:HOURS], active[HOURS:], strict=True)]
        exposed, cell = (sum(exposed),), act.hour
    shares = [part / span for span, half in zip(exposed, _halves(active), strict=True) for part in _smooth(half)]
    usual, span = shares[cell], exposed[cell // HOURS]
    # Hours that differ by no more than the days can tell are equally rare.
    most = usual + sqrt(max(usual * (1 - usual), 0) / span) + 1 / span
    events = [part for half in _halves(mass) for part in _smooth(half)]
    rare = sum(part for part, share in zip(events, shares, strict=True) if share <= most)
    # The chance of an hour that was not seen yet, by hours of single days: a few days say little about the clock.
    unseen = (active.count(1) + 1) / (sum(active) + 1)
    return min(1.0, max(rare / whole, unseen))


def _halves(cells: list[int]) -> list[list[int]]:
    return [cells[start : start + HOURS] for start in range(0, len(cells), HOURS)]


def _smooth(hours: list[int]) -> list[float]:
    """Return each hour with a quarter of its neighbours, around the clock."""
    return [
        (before + 2 * here + after) / 4
        for before, here, after in zip(hours[-1:] + hours[:-1], hours, hours[1:] + hours[:1], strict=True)
    ]


def _event_type(days: Days, act: Act) -> float | None:
    return days.facets[KIND].rarity(kind_of(act.event))


def _destination(days: Days, act: Act) -> float | None:
    place, kind = place_of(act.event), kind_of(act.event)
    if place is None:
        return None
    known = days.facets[PLACE]
    if known.outer.n:
        return known.rarity(place)
    # The agent never went anywhere. Where it did the same before, without, that is a departure; else nothing is known.
    silent = days.facets[SILENT].outer.counts.get(kind.outer, 0)
    return 1 / (silent + 1) if silent else None


def _duration(days: Days, act: Act) -> float | None:
    return _amount(days, DURATION, kind_of(act.event).outer, act.event.duration_ms)


def _resource(days: Days, act: Act) -> float | None:
    return _amount(days, RESOURCE, kind_of(act.event).outer, act.event.resource_count)


def _amount(days: Days, facet: str, kind: tuple[str, ...], amount: float | None) -> float | None:
    if not is_amount(amount):
        return None
    bins = list(days.facets[facet].bins(kind))
    if sum(count for _, count in bins) < ENOUGH:
        bins = sorted(days.amounts[facet].bins.items())
    return amount_tail(bins, amount_bin(amount)) if bins else None


def _rate(days: Days, act: Act) -> float | None:
    if act.ordinal is None:
        return None
    present = days.hour_count(act)
    # The hour in question is not compared with itself.
    hours = sorted((count, times - (count == present)) for count, times in days.busy.items())
    others = [(count, times) for count, times in hours if times]
    return count_tail(others, present + 1) if others else None


def _sequence(days: Days, act: Act) -> float | None:
    before = days.before(act.event)
    followed = None if before is None else days.facets[NEXT].inner.get(before)
    return None if followed is None else followed.rarity(action_of(act.event))


ASPECTS: Final[dict[str, Callable[[Days, Act], float | None]]] = {
    "temporal": _temporal,
    "resource": _resource,
    "event_type": _event_type,
    "duration": _duration,
    "rate": _rate,
    "sequence": _sequence,
    "destination": _destination,
}
"""Each with the judgement of it: None where the event or the window does not say enough."""
