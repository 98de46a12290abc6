"""Growing a forest: all nodes of a level of all trees at once."""

from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leeway.errors import InvalidConfigError, UnsupportedError
from leeway.forest.forest import Forest
from leeway.forest.levels import Columns, Level
from leeway.forest.matrix import LARGEST, matrix
from leeway.forest.splits import Splits
from leeway.forest.trees import Floats, Trees, depths_of
from leeway.forest.walking import Limits

TREES = 32
SUBSAMPLE = 192
SPLITS = Splits.POOLED

MOST_TREES = 1_024
MOST_SUBSAMPLE = 4_096
LARGEST_SHARE = 0.5
"""Most of the rows that one tree may see: the others are judged by it as new ones would be."""

FLAT_WIDTH = 1e-6
"""How far, relative to it, a value may be off a column's only one and still be equal to it."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How a forest is grown; see `grow`."""

    trees: int = TREES
    subsample: int = SUBSAMPLE
    seed: int = 0
    splits: Splits = SPLITS
    categories: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Grown:
    """A forest, with what it was grown from."""

    forest: Forest
    rows: Floats
    sampled: NDArray[np.int64]
    """Of each tree the rows that it saw."""
    growth: Growth

    @cached_property
    def held_out(self) -> Floats:
        """The score of each training row by the trees that did not see it; by all, where every tree did."""
        seen = np.zeros((len(self.rows), len(self.sampled)), dtype=np.bool_)
        seen[self.sampled.T, np.arange(len(self.sampled))] = True
        seen[seen.all(axis=1)] = False
        depth = np.where(seen, 0, self.forest.depths(self.rows))
        return self.forest.score_of(depth.sum(axis=1) / (~seen).sum(axis=1))


def grow(
    rows: ArrayLike,
    *,
    trees: int = TREES,
    subsample: int = SUBSAMPLE,
    seed: int = 0,
    splits: Splits | str = SPLITS,
    categories: tuple[int, ...] = (),
) -> Grown:
    """Return an isolation forest grown from `rows` (n, d). The order of the rows does not matter.

    Every node draws a few splits, each a random column and a random threshold within the range of the node's rows, and
    takes the best by `splits`; some nodes, and small ones, take the first. It ends where one row, or only equal rows,
    are left, or at depth ⌈log2 subsample⌉.

    Args:
        rows: numbers; NaN where a row does not say. Beyond ±1e38, infinity included, all are the same.
        trees: how many trees.
        subsample: rows that each tree sees, but at most half of them.
        seed: the same rows and seed give the same forest.
        splits: see `Splits`.
        categories: columns that hold the index of a category: one beyond those of the rows is foreign, however near.

    Raises:
        InvalidEventError: where there are no rows, or they are not numbers.
        InvalidConfigError: for an unknown way to split, a seed below 0, a column of categories that is not there.
        UnsupportedError: for more rows, columns, trees or subsample than a forest takes.
    """
    known = matrix(rows)
    growth = _growth(Growth(trees, subsample, seed, splits, categories), known.shape[1])  # type: ignore[arg-type]
    generator = np.random.Generator(np.random.PCG64(seed))
    sampled = _sampled(known, growth, generator)
    deepest = int(np.ceil(np.log2(max(sampled.shape[1], 2))))
    columns = Columns.of(known)
    grown = _trees(columns, sampled, deepest, growth.splits, generator)
    return Grown(Forest(grown, _limits(columns, categories), deepest), known, sampled, growth)


def refit(grown: Grown, share: float) -> Grown:
    """Return a forest grown again, in the same way, without the `share` of the rows that others isolate most.

    It is for a history in which bad rows may hide: they teach the second forest nothing. The number is rounded up.

    Raises:
        InvalidConfigError: for a share that is not from 0 to 0.5.
    """
    if not 0 <= share <= LARGEST_SHARE:
        raise InvalidConfigError(f"a share of {share} of the rows cannot be trimmed", hint="from 0 to 0.5")
    kept = max(len(grown.rows) - int(np.ceil(share * len(grown.rows))), 1)
    order = np.argsort(grown.held_out, kind="stable")
    return grow(grown.rows[np.sort(order[:kept])], **asdict(grown.growth))


def _growth(asked: Growth, features: int) -> Growth:
    """Return what is asked for, checked."""
    if not 1 <= asked.trees <= MOST_TREES or not 2 <= asked.subsample <= MOST_SUBSAMPLE:  # noqa: PLR2004
        raise UnsupportedError(
            f"{asked.trees} trees of {asked.subsample} rows",
            hint=f"1 to {MOST_TREES} trees, 2 to {MOST_SUBSAMPLE} rows each",
        )
    if asked.seed < 0:
        raise InvalidConfigError(f"a seed of {asked.seed}", hint="0 or more")
    if asked.splits not in set(Splits):
        raise InvalidConfigError(f"splits: {asked.splits!r} is unknown", hint=f"one of {', '.join(Splits)}")
    if any(not 0 <= column < features for column in asked.categories):
        raise InvalidConfigError(f"categories: {asked.categories} are not all columns", hint=f"0 to {features - 1}")
    return Growth(asked.trees, asked.subsample, asked.seed, Splits(asked.splits), tuple(asked.categories))


def _sampled(rows: Floats, growth: Growth, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return of each tree the rows that it sees.

    Trees drawn together share none, so between them they see as much of the rows as they can.
    """
    size = min(growth.subsample, max(int(len(rows) * LARGEST_SHARE), 2), len(rows))
    order = _canonical(rows)
    together = min(len(rows) // size, growth.trees)
    drawn: list[NDArray[np.int64]] = []
    for _ in range(-(-growth.trees // together)):
        some = generator.choice(len(rows), together * size, replace=False)
        drawn.append(some.reshape(together, size))
    return order[np.concatenate(drawn)[: growth.trees]]


def _canonical(rows: Floats) -> NDArray[np.int64]:
    """Return an order of the rows that depends on what they hold and not on how they came."""
    mixed = np.zeros(len(rows), dtype=np.uint64)
    for column in rows.view(np.uint64).T:
        mixed = (mixed ^ column) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return np.argsort(mixed, kind="stable")


def _limits(columns: Columns, categories: tuple[int, ...]) -> Limits:
    """Return the limits of each column: its range and once its width more to either side.

    Of a column of categories it is the range itself, of a constant one next to that. A column that no row says has no
    limits: nothing is known of it.
    """
    least, most = columns.least, columns.most
    width = most - least
    width = np.where(width > 0, width, FLAT_WIDTH * np.abs(least))
    width[list(categories)] = 0
    lowest, highest = least - width, most + width
    # What lies beyond the largest numbers is as the largest.
    return Limits(
        np.where(lowest > -LARGEST, lowest, -np.inf),
        np.where(highest < LARGEST, highest, np.inf),
    )


def _trees(
    columns: Columns, sampled: NDArray[np.int64], deepest: int, splits: Splits, generator: np.random.Generator
) -> Trees:
    """Return the trees of the sampled rows."""
    roots, size = sampled.shape
    level = Level(sampled.ravel() * columns.width, np.full(roots, size))
    steps = [np.zeros(roots, dtype=np.uint8)]
    counts, features, thresholds = [level.sizes], [], []
    for depth in range(deepest):
        feature, threshold = np.full(len(level.sizes), -1), np.zeros(len(level.sizes))
        growing = np.flatnonzero(level.sizes > 1)
        level = level.only(growing)
        choice = level.split(columns, splits, generator)
        feature[growing], threshold[growing] = choice.feature, choice.threshold
        features.append(feature)
        thresholds.append(threshold)
        if not (choice.feature >= 0).any():
            break
        level, step = level.next(columns, choice, generator, is_last=depth == deepest - 1)
        counts.append(level.sizes)
        steps.append(step)
    missing = len(level.sizes) if len(features) < len(counts) else 0
    feature = np.concatenate([*features, np.full(missing, -1)]).astype(np.int16)
    threshold = np.concatenate([*thresholds, np.zeros(missing)])
    count = np.concatenate(counts).astype(np.int32)
    reached, ends = depths_of(feature >= 0, count, np.concatenate(steps), roots)
    return Trees(roots, feature, threshold.astype(np.float32), count, reached, ends)
