"""One level of all trees while they grow: which rows came to which node, and where each node is split."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leeway.forest.splits import CHOOSY, DRAWN, FEWEST_DRAWN, LEAST_SHARE, Cut, Splits, worth
from leeway.forest.trees import Floats, step_of

CELLS_AT_ONCE = 1 << 20
"""Values that are looked at together where all columns of some nodes are."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """What a forest is grown from."""

    flat: Floats
    width: int
    least: Floats
    """Of each column, NaN where no row says it."""
    most: Floats
    lively: NDArray[np.int64]
    """Columns with more than one value."""
    has_gaps: bool
    """Whether any value is NaN."""

    @classmethod
    def of(cls, rows: Floats) -> "Columns":
        """Return the columns of rows (n, d)."""
        low, high = np.fmin.reduce(rows, axis=0), np.fmax.reduce(rows, axis=0)
        return cls(rows.ravel(), rows.shape[1], low, high, np.flatnonzero(high > low), bool(np.isnan(rows).any()))


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The split that each node of a level takes; the feature is -1 where none can be had."""

    feature: NDArray[np.int64]
    threshold: Floats
    range_share: Floats
    low: NDArray[np.int64]
    """Of each node how many rows go left, those that do not say left aside."""
    goes_left: NDArray[np.bool_]
    """Of each row of the level."""


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """Nodes that may still be split, and their rows, node after node."""

    rows: NDArray[np.int64]
    """Of each row the place of its first value."""
    sizes: NDArray[np.int64]
    """Of each node how many rows it has, at least 1."""

    def split(self, columns: Columns, splits: Splits, generator: np.random.Generator) -> Choice:
        """Return the best of a few random splits of each node; where all of them fail, every column is looked at."""
        nodes = len(self.sizes)
        if not len(columns.lively):
            none = np.zeros(nodes, dtype=np.int64)
            return Choice(none - 1, np.zeros(nodes), np.zeros(nodes), none, np.zeros(0, dtype=np.bool_))
        draws = DRAWN[splits] if len(self.rows) >= CHOOSY * nodes else FEWEST_DRAWN
        drawn = generator.integers(len(columns.lively), size=(draws, nodes))
        choice = self._best(columns, columns.lively.take(drawn), splits, generator)
        stuck = np.flatnonzero((choice.feature < 0) & (self.sizes > 1))
        for few in _batches(stuck, self.sizes, len(columns.lively)):
            found = self.only(few).split_by_any(columns, generator)
            choice.feature[few] = found.feature
            choice.threshold[few] = found.threshold
            choice.range_share[few] = found.range_share
            choice.low[few] = found.low
            choice.goes_left[self._belong(few)] = found.goes_left
        return choice

    def _best(
        self, columns: Columns, feature: NDArray[np.int64], splits: Splits, generator: np.random.Generator
    ) -> Choice:
        """Return of each node the best split by one of the columns drawn for it (draws, nodes)."""
        cut = self.cut(columns, feature, generator.random(feature.shape))
        gain = worth(splits, cut, generator.random(len(self.sizes)))
        chosen = gain.argmax(axis=0)
        best = chosen, np.arange(len(chosen))
        fits = gain[best] > -np.inf
        # Flat places of the chosen draw's rows.
        rows = np.repeat(chosen * len(self.rows), self.sizes) + np.arange(len(self.rows))
        return Choice(
            np.where(fits, feature[best], -1),
            np.where(fits, cut.threshold[best], 0),
            cut.range_share[best],
            cut.low[best],
            cut.goes_left.ravel().take(rows),
        )

    def split_by_any(self, columns: Columns, generator: np.random.Generator) -> Choice:
        """Return for each node a random split by one of the columns in which its rows differ, however few those are."""
        values = columns.flat[self.rows[:, None] + columns.lively]
        starts = np.cumsum(self.sizes) - self.sizes
        least, most = np.fmin.reduceat(values, starts, axis=0), np.fmax.reduceat(values, starts, axis=0)
        column = np.argmax((most > least) * (generator.random(least.shape) + 1), axis=1)
        nodes = np.arange(len(column))
        low, high = least[nodes, column], most[nodes, column]
        threshold = _rounded(low + generator.random(len(column)) * (high - low))
        fits = (low <= threshold) & (threshold < high)
        share = _share(threshold - low, np.where(fits, high - low, 1))
        own = values[np.arange(len(values)), np.repeat(column, self.sizes)]
        goes_left = own <= np.repeat(threshold, self.sizes)
        many = np.add.reduceat(goes_left, starts, dtype=np.int64)
        return Choice(np.where(fits, columns.lively[column], -1), np.where(fits, threshold, 0), share, many, goes_left)

    def only(self, nodes: NDArray[np.int64]) -> "Level":
        """Return some of the nodes, in order, with their rows."""
        if len(nodes) == len(self.sizes):
            return self
        return Level(self.rows[self._belong(nodes)], self.sizes[nodes])

    def _belong(self, nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return of each row whether it belongs to one of the nodes."""
        chosen = np.zeros(len(self.sizes), dtype=np.bool_)
        chosen[nodes] = True
        return np.repeat(chosen, self.sizes)

    def next(
        self, columns: Columns, choice: Choice, generator: np.random.Generator, *, is_last: bool
    ) -> tuple["Level", NDArray[np.uint8]]:
        """Return the children of the nodes that are split, two by two, and how much deeper they lie.

        Where they are the last, and so are not split themselves, their rows are left out.
        """
        parents = np.flatnonzero(choice.feature >= 0)
        part, goes_right, low = self, ~choice.goes_left, choice.low
        if len(parents) < len(self.sizes):
            belong = self._belong(parents)
            part, goes_right, low = Level(self.rows[belong], self.sizes[parents]), goes_right[belong], low[parents]
        if columns.has_gaps:
            values = columns.flat.take(part.rows + np.repeat(choice.feature[parents], part.sizes))
            goes_right = _spread_gaps(values, goes_right, part.sizes, generator)
            low = np.add.reduceat(~goes_right, np.cumsum(part.sizes) - part.sizes, dtype=np.int64)
        sizes = np.column_stack([low, part.sizes - low])
        rows = np.empty_like(part.rows[: 0 if is_last else None])
        if not is_last:
            # Within its node a row keeps its order, those that go left before those that go right.
            lies_right = np.repeat(np.tile([False, True], len(parents)), sizes.ravel())
            rows[lies_right] = part.rows[goes_right]
            rows[~lies_right] = part.rows[~goes_right]
        share = np.column_stack([choice.range_share[parents], 1 - choice.range_share[parents]])
        step = step_of(sizes / part.sizes[:, None], share)
        return Level(rows, sizes.ravel()), step.ravel()

    def cut(self, columns: Columns, feature: NDArray[np.int64], at: Floats) -> Cut:
        """Return splits of each node (draws, nodes) by columns, `at` a share of their ranges."""
        starts = np.cumsum(self.sizes) - self.sizes
        values = columns.flat.take(self.rows + np.repeat(feature, self.sizes, axis=1))
        least_of, most_of = (np.fmin, np.fmax) if columns.has_gaps else (np.minimum, np.maximum)
        least, most = least_of.reduceat(values, starts, axis=1), most_of.reduceat(values, starts, axis=1)
        width = most - least
        threshold = _rounded(least + at * width)
        goes_left = values <= np.repeat(threshold, self.sizes, axis=1)
        low = np.add.reduceat(goes_left, starts, axis=1, dtype=np.int64)
        said = np.add.reduceat(~np.isnan(values), starts, axis=1, dtype=np.int64) if columns.has_gaps else self.sizes
        width[~(width > 0)] = 1
        share = _share(threshold - least, width)
        return Cut(threshold, low, said - low, share, values, least, goes_left, starts, self.sizes, columns.has_gaps)


def _rounded(threshold: Floats) -> Floats:
    """Return thresholds as the file keeps them."""
    return threshold.astype(np.float32).astype(np.float64)


def _share(part: Floats, width: Floats) -> Floats:
    """Return the share of a range, where neither side is nothing."""
    found: Floats = np.minimum(np.maximum(part / width, LEAST_SHARE), 1 - LEAST_SHARE)
    return found


def _spread_gaps(
    values: Floats, goes_right: NDArray[np.bool_], sizes: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Return the sides, those of rows that say nothing drawn by the share of the rows that do."""
    gap = np.isnan(values)
    starts = np.cumsum(sizes) - sizes
    right = np.add.reduceat(goes_right & ~gap, starts, dtype=np.int64)
    share = right / np.add.reduceat(~gap, starts, dtype=np.int64)
    return np.where(gap, generator.random(len(values)) < np.repeat(share, sizes), goes_right)


def _batches(nodes: NDArray[np.int64], sizes: NDArray[np.int64], width: int) -> Iterator[NDArray[np.int64]]:
    """Yield the nodes in parts whose rows, times the columns, are not too many at once."""
    if not len(nodes):
        return
    cells = np.cumsum(sizes[nodes] * width) // CELLS_AT_ONCE
    yield from np.split(nodes, np.flatnonzero(np.diff(cells)) + 1)
