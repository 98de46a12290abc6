"""How good a split is: what it is worth to cut these rows, by one column, at this value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from leeway.forest.trees import Floats

BLIND = 0.3
"""Share of the nodes that take the first split that parts their rows, whatever it is worth: trees that all look for the
same thing miss the same rows (the mixture of choices of Cortes 2021)."""

CHOOSY = 32
"""Rows that the nodes of a level have on average, down to which they choose; of fewer, what a split is worth is mostly
chance."""

LEAST_SHARE = 1e-6
"""A side has at least this share of its parent's range: what lies on the very edge is not infinitely dense."""


class Splits(StrEnum):
    """How a node chooses among the splits that it draws."""

    RANDOM = "random"
    """The first that parts its rows (Liu, Ting and Zhou 2008)."""
    POOLED = "pooled"
    """The one that takes most of the standard deviation away (pooled gain, as in Cortes 2021)."""
    DENSITY = "density"
    """The one whose sides differ most in density (after Ram and Gray 2011, density estimation trees)."""


SMALLEST = float(np.finfo(np.float64).tiny)


FEWEST_DRAWN = 2
"""Splits that a node draws which takes the first of them that parts its rows."""

DRAWN: Mapping[Splits, int] = MappingProxyType({Splits.RANDOM: FEWEST_DRAWN, Splits.POOLED: 4, Splits.DENSITY: 4})
"""How many splits a node draws among which it chooses."""


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """Some splits drawn for every node of a level: arrays of (draws, nodes), or of (draws, rows of all nodes)."""

    threshold: Floats
    low: NDArray[np.int64]
    """Rows that go left."""
    high: NDArray[np.int64]
    range_share: Floats
    """Share of the node's range that goes left."""
    values: Floats
    """Of each row its value in its node's column."""
    least: Floats
    """Of each node the least value in its column."""
    goes_left: NDArray[np.bool_]
    starts: NDArray[np.int64]
    """Of each node its first row."""
    sizes: NDArray[np.int64]
    """Of each node how many rows it has."""
    has_gaps: bool
    """Whether a value may be NaN."""


def _pooled(cut: Cut) -> Floats:
    """1 - (n_l sd_l + n_r sd_r) / (n sd)."""
    # From the node's least value on; the largest numbers are 1e38, so their squares are numbers as well.
    values = cut.values - np.repeat(cut.least, cut.sizes, axis=1)
    if cut.has_gaps:
        values[np.isnan(values)] = 0
    total, squares = _sums(cut, values)
    left, left_squares = _sums(cut, values * cut.goes_left)
    apart = _spread(cut.low, left, left_squares) + _spread(cut.high, total - left, squares - left_squares)
    return 1 - apart / np.maximum(_spread(cut.low + cut.high, total, squares), SMALLEST)


def _sums(cut: Cut, values: Floats) -> tuple[Floats, Floats]:
    """Return of each node the sum and the sum of squares."""
    return np.add.reduceat(values, cut.starts, axis=1), np.add.reduceat(values * values, cut.starts, axis=1)


def _spread(count: NDArray[np.int64], total: Floats, squares: Floats) -> Floats:
    """Return n times the standard deviation."""
    found: Floats = np.sqrt(np.maximum(count * squares - total * total, 0))
    return found


def _density(cut: Cut) -> Floats:
    """What the split adds to the rows' mean log-likelihood, were they even within each side.

    With p the left's share of the rows and q its share of the range: p ln(p / q) + (1 - p) ln((1 - p) / (1 - q)).
    """
    share = cut.low / np.maximum(cut.low + cut.high, 1)
    share = np.minimum(np.maximum(share, LEAST_SHARE), 1 - LEAST_SHARE)
    rest, range_share = 1 - share, cut.range_share
    gain: Floats = share * np.log(share / range_share) + rest * np.log(rest / (1 - range_share))
    return gain


GAINS: Mapping[Splits, Callable[[Cut], Floats]] = MappingProxyType({Splits.POOLED: _pooled, Splits.DENSITY: _density})


def worth(splits: Splits, cut: Cut, chance: Floats) -> Floats:
    """Return what each split is worth (draws, nodes), -inf where it parts no rows.

    Args:
        splits: how the nodes choose.
        cut: what was drawn for them.
        chance: of each node a number drawn from 0 to 1; below `BLIND` the first split is worth most.
    """
    gain = -np.arange(len(cut.low), dtype=np.float64)[:, None]
    if len(cut.low) > FEWEST_DRAWN:
        gain = np.where(chance < BLIND, gain, GAINS[splits](cut))
    return np.where((cut.low > 0) & (cut.high > 0), gain, -np.inf)
