"""Isolation trees as plain arrays, level by level."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leeway.errors import StateError

Floats = NDArray[np.float64]

EULER = 0.5772156649015329

STEP_UNIT = 1 / 8
"""Depths of a step are whole multiples of this, so that one fits a byte of the file."""

LONGEST_STEP = 2
"""A side that holds all of the rows in none of the range is this much deeper than its parent."""


DEEPEST = 64
"""More levels than any forest has."""


def average_path(rows: Floats) -> Floats:
    """Return c(n) of Liu, Ting and Zhou 2008, equation 1: the mean depth at which `rows` rows would all be apart."""
    inner = np.maximum(rows - 1, 1)
    found = 2 * (np.log(inner) + EULER) - 2 * (rows - 1) / np.maximum(rows, 1)
    return np.where(rows > 2, found, np.where(rows == 2, 1.0, 0.0))  # noqa: PLR2004  # two rows are one split apart


def step_of(rows_share: Floats, range_share: Floats) -> NDArray[np.uint8]:
    """Return how much deeper than its parent a side of a split lies, in units of `STEP_UNIT`.

    2 / (1 + 1 / (2 r)), r being the side's share of the rows over its share of the range: 4/3 for a side as dense as
    its parent, less for a sparser one, up to 2 for a denser one. This is what isotree calls adjusted depth (Cortes
    2021, "Revisiting randomized choices in isolation forests").
    """
    density = rows_share / range_share
    step: NDArray[np.uint8] = np.rint(LONGEST_STEP / (1 + 1 / (2 * density)) / STEP_UNIT).astype(np.uint8)
    return step


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """All nodes of all trees: the roots, then their children, then theirs; the two sides of a split are neighbours.

    The sides of the i-th node that splits are the nodes `roots + 2 i` (values up to the threshold) and the one after
    it, so which child belongs to which node need not be written down.
    """

    roots: int
    feature: NDArray[np.int16]
    """Of each node the column that it splits, -1 for a leaf."""
    threshold: NDArray[np.float32]
    """Of each node the greatest value that goes left; 0 for a leaf."""
    count: NDArray[np.int32]
    """Of each node how many of its tree's training rows came to it."""
    reached: Floats
    """Of each node the depth at which it lies; of a row that is alone there, the depth of its isolation."""
    ends: Floats
    """Of each leaf the depth at which a row that ends there counts as isolated; of other nodes, as `reached`."""

    @property
    def left(self) -> NDArray[np.int64]:
        """Of each node its left child; of a leaf the node itself."""
        splits = self.feature >= 0
        child = self.roots + 2 * (np.cumsum(splits) - 1)
        return np.where(splits, child, np.arange(len(splits)))

    def levels(self) -> list[slice]:
        """Return the nodes of each level, the roots first.

        Raises:
            StateError: where the nodes are not laid out as trees.
        """
        return levels_of(self.feature >= 0, self.roots)

    def expected(self) -> Floats:
        """Return of each node the mean of `ends` over the training rows below it."""
        found = self.ends.copy()
        left = self.left
        for level in reversed(self.levels()):
            nodes = np.flatnonzero(self.feature[level] >= 0) + level.start
            low = left[nodes]
            found[nodes] = (found[low] * self.count[low] + found[low + 1] * self.count[low + 1]) / self.count[nodes]
        return found


def levels_of(splits: NDArray[np.bool_], roots: int) -> list[slice]:
    """Return the nodes of each level, where `splits` says of each node whether it has children.

    Raises:
        StateError: where the nodes are not laid out as trees: every child comes after its parent, none is missing.
    """
    levels: list[slice] = []
    start, end = 0, roots
    while start < end <= len(splits) and len(levels) <= DEEPEST:
        levels.append(slice(start, end))
        start, end = end, end + 2 * int(splits[start:end].sum())
    if start != len(splits) or end != start:
        raise StateError("the nodes of the forest do not make trees")
    return levels


def depths_of(
    splits: NDArray[np.bool_], count: NDArray[np.int32], step: NDArray[np.uint8], roots: int
) -> tuple[Floats, Floats]:
    """Return `reached` and `ends` of trees.

    A leaf of several rows, alike or at the deepest level, ends by c(rows) deeper than it was reached (Liu, Ting and
    Zhou 2008). A tree without a split is at least one step deep, so that it says neither of any row.
    """
    reached = np.zeros(len(splits))
    levels = levels_of(splits, roots)
    for depth, level in enumerate(levels):
        if depth:
            above = levels[depth - 1]
            reached[level] = np.repeat(reached[above][splits[above]], 2) + step[level] * STEP_UNIT
    ends = reached + np.where(splits, 0, average_path(count.astype(np.float64)))
    ends[:roots] = np.where(splits[:roots], ends[:roots], np.maximum(ends[:roots], 1))
    return reached, ends
