"""Many rows through all trees at once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leeway.forest.trees import Floats, Trees

ROWS_AT_ONCE = 1_024
SPECIAL_AT_ONCE = 64
"""Fewer of those that go both ways: in the worst case one comes to every node."""


class Limits(NamedTuple):
    """Of each column the bounds beyond which a value is foreign: isolated by the first split on its column."""

    lowest: Floats
    highest: Floats


def depths(trees: Trees, limits: Limits, rows: Floats) -> Floats:
    """Return the depth at which each tree (columns) isolates each row.

    A row that does not say what a split asks goes both ways, by the shares of the training rows; one with a foreign
    value is isolated at the first split on that column, and at the root where no tree splits that column.
    """
    left = trees.left
    mute = ~np.isin(np.arange(rows.shape[1]), trees.feature)
    found = np.empty((len(rows), trees.roots))
    levels = len(trees.levels())
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        foreign = (part < limits.lowest) | (part > limits.highest)
        into = found[start : start + ROWS_AT_ONCE]
        into[:] = trees.ends[_ends(trees, left, part, levels)]
        special = np.flatnonzero((foreign | np.isnan(part)).any(axis=1))
        for few in np.split(special, range(SPECIAL_AT_ONCE, len(special), SPECIAL_AT_ONCE)):
            into[few] = _mean_depths(trees, left, part[few], foreign[few])
        into[(foreign & mute).any(axis=1)] = 0
    return found


def _ends(trees: Trees, left: NDArray[np.int64], rows: Floats, levels: int) -> NDArray[np.int64]:
    """Return the leaf of each row in each tree."""
    # A leaf's threshold is never exceeded and its left child is itself, so who has arrived stays.
    threshold = np.where(trees.feature >= 0, trees.threshold, np.inf)
    feature = np.maximum(trees.feature, 0).astype(np.int64)
    flat = rows.ravel()
    begin = np.repeat(np.arange(len(rows)) * rows.shape[1], trees.roots)
    node = np.tile(np.arange(trees.roots), len(rows))
    for _ in range(levels - 1):
        goes_right = flat.take(feature.take(node) + begin) > threshold.take(node)
        node = left.take(node) + goes_right
    return node.reshape(len(rows), trees.roots)


def _mean_depths(trees: Trees, left: NDArray[np.int64], rows: Floats, foreign: NDArray[np.bool_]) -> Floats:
    """Return the mean depth of rows of which some values are absent or foreign."""
    size = len(rows) * trees.roots
    found = np.zeros(size)
    place = np.arange(size)
    node, weight = np.tile(np.arange(trees.roots), len(rows)), np.ones(size)
    while len(node):
        feature, row = trees.feature[node], place // trees.roots
        is_isolated = (feature >= 0) & foreign[row, feature]
        stops = (feature < 0) | is_isolated
        value = np.where(is_isolated, trees.reached[node], trees.ends[node])
        found += np.bincount(place[stops], (weight * value)[stops], size)
        place, node, weight = place[~stops], node[~stops], weight[~stops]
        asked = rows[place // trees.roots, trees.feature[node]]
        share = trees.count[left[node] + 1] / trees.count[node]
        right = np.where(np.isnan(asked), share, asked > trees.threshold[node])
        place = np.concatenate([place, place])
        node = np.concatenate([left[node], left[node] + 1])
        weight = np.concatenate([weight * (1 - right), weight * right])
        goes = weight > 0
        place, node, weight = place[goes], node[goes], weight[goes]
    return found.reshape(len(rows), trees.roots)
