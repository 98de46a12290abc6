"""A forest that is grown: how isolated a row is, and by which features."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan

import numpy as np
from numpy.typing import ArrayLike

from leeway.errors import InvalidEventError
from leeway.forest.leaf_bits import LeafBits
from leeway.forest.matrix import matrix
from leeway.forest.trees import Floats, Trees
from leeway.forest.walking import Limits, depths


@dataclass(frozen=True, eq=False)
class Forest:
    """Isolation trees, and what they hold for foreign.

    The score of a row is 2^(-E[h] / u), as in Liu, Ting and Zhou 2008: E[h] is the mean over the trees of the depth at
    which the row is isolated, u is `unit`. For a forest grown here, u is the mean E[h] of its own training rows, so
    0.5 is the score of the typical row, and of one that says nothing; it rises to 1 for one isolated before any split.

    The contribution of a feature is exact. Each node has an expected depth, the mean over the training rows below it;
    where a row takes a split, the feature is credited with the expected depth of the node less that of the child, over
    u and the number of trees. All contributions of a row sum to `typical` - E[h] / u = `typical` + log2(score).

    What a value means that no training row could have taught:

    - NaN, "not said": the row goes both ways, by the shares of the training rows, and nothing is credited.
    - A foreign value, outside `limits`: the row is isolated at the first split on its feature. Where no tree splits
      the feature, as where it was constant, the row is isolated at the root, and its score is 1.
    - Infinite and beyond ±1e38: as ±1e38, which is foreign unless training rows were as far out.
    - Values that differ by less than a number of four bytes can say are equal.

    A forest of equal rows, or of one, has no split: `is_degenerate`. It gives 0.5 to the row it knows and 1 to others,
    and neither means anything.
    """

    trees: Trees
    limits: Limits
    """Of each feature the least and the greatest value that is not foreign."""
    deepest: int
    """Levels below the roots that the trees were allowed."""
    unit: float = 0.0
    """What depths are measured in; 0 for the mean depth of the training rows."""

    @property
    def features(self) -> int:
        """How many columns a row has."""
        return len(self.limits.lowest)

    @cached_property
    def is_degenerate(self) -> bool:
        """Whether there is no split in any tree: the training rows could not be told apart."""
        return not (self.trees.feature >= 0).any()

    @cached_property
    def typical(self) -> float:
        """The mean depth of the training rows in units: 1 for a forest grown here."""
        return self._mean_depth / self._unit

    def score(self, rows: ArrayLike) -> Floats:
        """Return the score of each row, from 0 to 1; higher is more isolated.

        Raises:
            InvalidEventError: where they are not rows of numbers, as many in each as the forest has features.
        """
        known = matrix(rows)
        if known.shape[1] != self.features:
            raise InvalidEventError(f"rows of {known.shape[1]} values; the forest knows {self.features} features")
        return self.score_of(self.depths(known).mean(axis=1))

    def depths(self, rows: Floats) -> Floats:
        """Return the depth at which each tree (columns) isolates each row."""
        return depths(self.trees, self.limits, rows)

    def score_of(self, depth: Floats) -> Floats:
        """Return the scores of mean depths."""
        score: Floats = np.exp2(-depth / self._unit)
        return score

    def score_one(self, row: Sequence[float]) -> float:
        """Return the score of one row; the same as `score` says, to the last digits."""
        return self.explain_one(row)[0]

    def explain_one(self, row: Sequence[float]) -> tuple[float, list[float]]:
        """Return the score of one row and the contribution of each feature to log2 of it; positive: more isolated.

        Raises:
            InvalidEventError: where the row has more or fewer values than the forest has features.
        """
        if len(row) != self.features:
            raise InvalidEventError(f"a row of {len(row)} values; the forest knows {self.features} features")
        for value, (low, high) in zip(row, self._bounds, strict=True):
            if not low <= value <= high:  # NaN is not, either
                return self._walked(row)
        if self._leaves is None:
            return self._walked(row)
        return self._explained(self._leaves.credited(row))

    @cached_property
    def _expected(self) -> Floats:
        return self.trees.expected()

    @cached_property
    def _mean_depth(self) -> float:
        return float(self._expected[: self.trees.roots].mean())

    @cached_property
    def _unit(self) -> float:
        return self.unit or self._mean_depth

    @cached_property
    def _credit(self) -> Floats:
        """Of each node but the roots what coming to it credits to the feature of its parent."""
        splits = np.flatnonzero(self.trees.feature >= 0)
        credit = np.zeros(len(self._expected))
        credit[self.trees.roots :] = np.repeat(self._expected[splits], 2) - self._expected[self.trees.roots :]
        return credit / (self._unit * self.trees.roots)

    @cached_property
    def _leaves(self) -> LeafBits | None:
        return LeafBits.of(self.trees, self._credit, self.features)

    @cached_property
    def _bounds(self) -> list[tuple[float, float]]:
        return list(zip(self.limits.lowest.tolist(), self.limits.highest.tolist(), strict=True))

    @cached_property
    def _mute(self) -> frozenset[int]:
        """Features that no tree splits."""
        return frozenset(range(self.features)) - set(self.trees.feature.tolist())

    @cached_property
    def _nodes(self) -> tuple[list[int], list[float], list[int], list[float], list[float], list[float]]:
        """What a walk needs of each node."""
        trees = self.trees
        left = trees.left
        share = np.zeros(len(left))
        splits = np.flatnonzero(trees.feature >= 0)
        share[splits] = trees.count[left[splits] + 1] / trees.count[splits]
        isolated = (self._expected - trees.reached) / (self._unit * trees.roots)
        lists = (trees.feature, trees.threshold, left, self._credit, share, isolated)
        return tuple(one.tolist() for one in lists)

    def foreign(self, row: Sequence[float]) -> list[int]:
        """Return the features whose value in this row is foreign."""
        return [
            feature
            for feature, (value, (low, high)) in enumerate(zip(row, self._bounds, strict=True))
            if value < low or value > high
        ]

    def _walked(self, row: Sequence[float]) -> tuple[float, list[float]]:
        """Explain a row, which may have values that are absent or foreign, node by node."""
        parts = [0.0] * len(row)
        foreign = set(self.foreign(row))
        silent = foreign & self._mute
        if silent:
            for feature in silent:
                parts[feature] = self.typical / len(silent)
            return self._explained(parts)
        features, thresholds, lefts, credit, share, isolated = self._nodes
        ways = [(root, 1.0) for root in range(self.trees.roots)]
        while ways:
            node, weight = ways.pop()
            feature = features[node]
            if feature < 0:
                continue
            value, left = row[feature], lefts[node]
            if feature in foreign:
                parts[feature] += weight * isolated[node]
            elif isnan(value):
                # What both ways credit, by their shares, is nothing.
                ways += [(left, weight * (1 - share[node])), (left + 1, weight * share[node])]
            else:
                child = left + (value > thresholds[node])
                parts[feature] += weight * credit[child]
                ways.append((child, weight))
        return self._explained(parts)

    def _explained(self, parts: list[float]) -> tuple[float, list[float]]:
        return 2.0 ** min(sum(parts) - self.typical, 0.0), parts
