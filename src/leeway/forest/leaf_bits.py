"""One row through all trees at once, by bits: the quickest way that plain Python has."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from leeway.forest.trees import Floats, Trees

MOST_LEAVES = 8_192
"""Of more leaves, what is kept would take more memory than the rest of a model."""

KEPT_EVERY = 16
"""Of so many prefixes of a feature's splits one is made beforehand, the others when a row first asks for them."""

_PLACE = np.zeros(256, dtype=np.int64)
_PLACE[1 << np.arange(8)] = np.arange(8)
"""Of a byte with one bit its place."""


class FeatureSplits(NamedTuple):
    """The splits of one feature in all trees, by threshold."""

    feature: int
    thresholds: list[float]
    left: list[int]
    """Of each prefix of the splits the leaves that are left of all; 0 where no row has asked for it yet."""
    starts: NDArray[np.int32]
    """Of each split the first bit of the leaves to its left."""
    sizes: NDArray[np.int32]
    """Of each split how many leaves lie to its left."""

    def ask(self, rank: int) -> int:
        """Return the leaves that are left where the first `rank` splits send a row to the right."""
        kept = rank - rank % KEPT_EVERY
        left = self.left[rank] = self.left[kept] & ~self.ruled_out(kept, rank)
        return left

    def ruled_out(self, start: int, end: int) -> int:
        """Return the leaves that some of the splits rule out when they send a row to the right."""
        return _bits(self.starts[start:end].tolist(), self.sizes[start:end].tolist())


@dataclass(frozen=True, slots=True, eq=False)
class LeafBits:
    """A bit for every leaf, those of a tree from left to right and from a whole byte on.

    A split that sends a row to the right rules out the leaves to its left. When all have spoken, the lowest bit that is
    left of each tree is the leaf that the row comes to (QuickScorer: Lucchese and others, 2015). Of a feature, those
    that send a value to the right are the first of its splits by threshold, so one number is looked up for all.
    """

    leaves: int
    """All of them."""
    firsts: int
    """The first of each tree."""
    size: int
    """Bytes that they take."""
    splits: list[FeatureSplits]
    credit: Floats
    """Of each bit (rows) what coming to its leaf credits to each feature (columns), from the root on."""

    @classmethod
    def of(cls, trees: Trees, credit: Floats, features: int) -> Self | None:
        """Return the bits of trees, `credit` being of each node what coming to it credits to its parent's feature.

        None where there are too many leaves.
        """
        ends = np.flatnonzero(trees.feature < 0)
        if len(ends) > MOST_LEAVES:
            return None
        first, under = _places(trees)
        roots = slice(trees.roots)
        of_bits = np.zeros((-(-int(first[trees.roots - 1] + under[trees.roots - 1]) // 8) * 8, features))
        of_bits[first[ends]] = _paths(trees, credit, features)[ends]
        leaves = _bits(first[roots].tolist(), under[roots].tolist())
        firsts = _bits(first[roots].tolist(), [1] * trees.roots)
        split_by = np.bincount(trees.feature[trees.feature >= 0], minlength=features)
        found = [
            _by_threshold(int(feature), trees, leaves, first[trees.left], under[trees.left])
            for feature in np.flatnonzero(split_by)
        ]
        return cls(leaves, firsts, len(of_bits) // 8, found, of_bits)

    def credited(self, row: Sequence[float]) -> list[float]:
        """Return what the leaves that a row comes to credit to each feature; each value is one and not foreign."""
        left = self.leaves
        for splits in self.splits:
            feature, thresholds, known, _, _ = splits
            rank = bisect_left(thresholds, row[feature])
            left &= known[rank] or splits.ask(rank)
        # Taking one from the first bit of each tree turns its lowest bit off, and only bits below that one on.
        left ^= left & (left - self.firsts)
        found = np.frombuffer(left.to_bytes(self.size, "little"), np.uint8)
        places = found.nonzero()[0]
        at = (places << 3) + _PLACE.take(found.take(places))
        parts: list[float] = np.add.reduce(self.credit.take(at, 0)).tolist()
        return parts


def _places(trees: Trees) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return of each node the first bit of the leaves below it, and how many they are."""
    low, levels = trees.left, trees.levels()
    under = np.ones(len(low), dtype=np.int64)
    for level in reversed(levels):
        nodes = _splitting(trees, level)
        under[nodes] = under[low[nodes]] + under[low[nodes] + 1]
    whole = -(-under[: trees.roots] // 8) * 8
    first = np.zeros(len(low), dtype=np.int64)
    first[: trees.roots] = np.cumsum(whole) - whole
    for level in levels:
        nodes = _splitting(trees, level)
        first[low[nodes]] = first[nodes]
        first[low[nodes] + 1] = first[nodes] + under[low[nodes]]
    return first, under


def _paths(trees: Trees, credit: Floats, features: int) -> Floats:
    """Return of each node (rows) what the way to it credits to each feature (columns)."""
    low = trees.left
    found = np.zeros((len(low), features))
    for level in trees.levels():
        nodes = _splitting(trees, level)
        for side in (low[nodes], low[nodes] + 1):
            found[side] = found[nodes]
            found[side, trees.feature[nodes]] += credit[side]
    return found


def _splitting(trees: Trees, level: slice) -> NDArray[np.int64]:
    nodes = np.arange(level.start, level.stop)
    return nodes[trees.feature[level] >= 0]


def _by_threshold(
    feature: int, trees: Trees, leaves: int, starts: NDArray[np.int64], sizes: NDArray[np.int64]
) -> FeatureSplits:
    """Return the splits of a feature; `starts` and `sizes` are, of each node, of the leaves to its left."""
    nodes = np.flatnonzero(trees.feature == feature)
    nodes = nodes[np.argsort(trees.threshold[nodes], kind="stable")]
    thresholds = trees.threshold[nodes].astype(np.float64).tolist()
    left = [leaves, *[0] * len(nodes)]
    found = FeatureSplits(feature, thresholds, left, starts[nodes].astype(np.int32), sizes[nodes].astype(np.int32))
    for rank in range(KEPT_EVERY, len(left), KEPT_EVERY):
        left[rank] = left[rank - KEPT_EVERY] & ~found.ruled_out(rank - KEPT_EVERY, rank)
    return found


def _bits(starts: Sequence[int], sizes: Sequence[int]) -> int:
    """Return the bits of ranges."""
    found = 0
    for start, size in zip(starts, sizes, strict=True):
        found |= ((1 << size) - 1) << start
    return found
