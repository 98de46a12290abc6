"""Forests: what they find, and what every input means."""

import math

import numpy as np
import pytest
from forest_rows import Rows, matrices, ordinary
from hypothesis import given
from hypothesis import strategies as st

from leeway.errors import InvalidConfigError, InvalidEventError, StateError, UnsupportedError
from leeway.forest import SPLITS, SUBSAMPLE, TREES, Splits, challenge, grow, refit
from leeway.forest.splits import BLIND, FEWEST_DRAWN, Cut, worth
from leeway.forest.trees import levels_of


def auroc(scores: Rows, bad: int) -> float:
    """The chance that one of the last `bad` rows scores above one of the others."""
    return float((scores[-bad:, None] > scores[None, :-bad]).mean())


def test_the_default_is_what_the_benchmarks_print() -> None:
    assert (TREES, SUBSAMPLE, SPLITS) == (32, 192, Splits.POOLED)


def test_trees_drawn_together_share_no_row() -> None:
    sampled = grow(ordinary(1_000), subsample=200, trees=12).sampled
    for start in (0, 5):
        assert len(np.unique(sampled[start : start + 5])) == 1_000
    assert len(np.unique(sampled[10:])) == 400
    assert not np.array_equal(np.sort(sampled[0]), np.sort(sampled[5]))


def test_rows_that_end_together_count_as_deep_as_if_they_were_parted() -> None:
    trees = grow(np.arange(400.0)[:, None] ** 3, trees=8, subsample=64).forest.trees
    leaves = (trees.feature < 0) & (trees.count > 2)
    assert leaves.sum() > 20
    deeper = (trees.ends - trees.reached)[leaves]
    harmonic = np.array([(1 / np.arange(1, many)).sum() for many in trees.count[leaves]])
    exact = 2 * harmonic - 2 * (trees.count[leaves] - 1) / trees.count[leaves]
    assert deeper == pytest.approx(exact, abs=0.9)
    assert np.corrcoef(deeper, exact)[0, 1] > 0.99


def test_some_nodes_take_the_first_split_that_parts_their_rows() -> None:
    shape = (3, 2)
    low = np.array([[0, 0], [1, 1], [5, 5]])
    at = np.array([[0.5, 0.5], [0.1, 0.1], [0.9, 0.9]])
    assert len(low) > FEWEST_DRAWN
    cut = Cut(
        threshold=np.zeros(shape),
        low=low,
        high=10 - low,
        range_share=at,
        values=np.zeros((3, 20)),
        least=np.zeros(shape),
        goes_left=np.zeros((3, 20), dtype=np.bool_),
        starts=np.array([0, 10]),
        sizes=np.array([10, 10]),
        has_gaps=False,
    )
    found = worth(Splits.DENSITY, cut, np.array([BLIND - 0.01, BLIND]))
    assert found.argmax(axis=0).tolist() == [1, 2]
    assert np.isneginf(found[0]).all()


@pytest.mark.parametrize("splits", Splits)
def test_rows_apart_from_the_others_score_higher(splits: Splits) -> None:
    rows = ordinary(500)
    rows[-10:, 0] = 6
    rows[-10:, 3] = -5
    grown = grow(rows, splits=splits)
    scores = grown.forest.score(rows)
    assert auroc(scores, 10) > 0.95
    assert auroc(grown.held_out, 10) > 0.95
    assert abs(np.median(scores) - 0.5) < 0.05
    assert scores[-10:].min() > 0.55


@pytest.mark.parametrize("splits", Splits)
def test_the_seed_decides_everything(splits: Splits) -> None:
    rows = ordinary()
    one, same, other = (grow(rows, seed=seed, splits=splits) for seed in (7, 7, 8))
    assert np.array_equal(one.forest.score(rows), same.forest.score(rows))
    assert np.array_equal(one.held_out, same.held_out)
    assert not np.array_equal(one.forest.score(rows), other.forest.score(rows))


def test_the_scores_of_a_seed_stay_what_they_are() -> None:
    rows = [[(7 * at) % 11, (at * at) % 13, at / 8] for at in range(60)]
    scores = grow(rows, trees=5, seed=3).forest.score([[0, 0, 0], [5, 6, 3], [40, 6, 3]])
    assert scores.tolist() == pytest.approx(PINNED, abs=1e-12)


PINNED = [0.5839629839605245, 0.47545002178695567, 0.829774000653547]


@given(matrices(gaps=True), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: Rows, chance: "np.random.Generator") -> None:
    order = list(range(len(rows)))
    chance.shuffle(order)
    one, other = grow(rows, trees=3), grow(rows[order], trees=3)
    assert np.array_equal(one.forest.score(rows), other.forest.score(rows))


@pytest.mark.parametrize("splits", [[True], [False, True], [True, False, False, False]])
def test_nodes_without_their_children_are_no_trees(splits: list[bool]) -> None:
    with pytest.raises(StateError, match="do not make trees"):
        levels_of(np.array(splits), 1)


def test_growing_leaves_the_rows_as_they_were() -> None:
    rows = ordinary()
    rows[3, 3], rows[4, 4] = np.inf, np.nan
    before = rows.copy()
    grown = grow(rows)
    grown.forest.score(rows)
    refit(grown, 0.1)
    assert np.array_equal(rows, before, equal_nan=True)


@pytest.mark.parametrize("count", [4, 20, 200, 1000, 5000])
def test_no_tree_sees_more_than_half_of_the_rows_or_the_subsample(count: int) -> None:
    grown = grow(ordinary(count))
    assert grown.sampled.shape == (TREES, min(count // 2, SUBSAMPLE))
    assert all(len(set(tree)) == len(tree) for tree in grown.sampled.tolist())


def test_held_out_is_the_score_of_the_trees_that_did_not_see_the_row() -> None:
    rows = ordinary(30)
    grown = grow(rows, trees=6)
    depths = grown.forest.depths(rows)
    for at in range(len(rows)):
        unseen = [tree for tree in range(6) if at not in grown.sampled[tree]] or list(range(6))
        assert grown.held_out[at] == pytest.approx(grown.forest.score_of(depths[at, unseen].mean()), abs=1e-12)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([[1.0, 2.0]], id="one row"),
        pytest.param([[1.0, 2.0]] * 50, id="equal rows"),
        pytest.param([[np.nan, 2.0]] * 50, id="a column that is never said"),
        pytest.param([[1.0, 1e-320], [1.0, 2e-320]] * 9, id="subnormal differences"),
        pytest.param([[1.0, 1e300], [1.0, 1e308]] * 9, id="beyond what a threshold holds"),
        pytest.param([[1.0, np.inf], [1.0, 1e39]] * 9, id="infinity is as the largest"),
    ],
)
def test_rows_that_cannot_be_told_apart_are_flagged(rows: list[list[float]]) -> None:
    forest = grow(rows).forest
    assert forest.is_degenerate
    assert forest.score(rows).tolist() == [0.5] * len(rows)
    assert forest.score_one(rows[0]) == 0.5
    assert forest.score_one([9.0, rows[0][1]]) == (1.0 if rows[0][0] == 1.0 else 0.5)


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        pytest.param([], InvalidEventError, id="no rows"),
        pytest.param(np.zeros((0, 4)), InvalidEventError, id="no rows of four"),
        pytest.param([[], []], InvalidEventError, id="no columns"),
        pytest.param([1.0, 2.0], InvalidEventError, id="a row, not rows"),
        pytest.param([[1.0], [1.0, 2.0]], InvalidEventError, id="ragged"),
        pytest.param([["a"], ["b"]], InvalidEventError, id="text"),
        pytest.param([[None], [1.0]], InvalidEventError, id="objects"),
        pytest.param([[1j]], InvalidEventError, id="complex"),
        pytest.param(np.zeros((2, 4097)), UnsupportedError, id="too many columns"),
    ],
)
def test_what_is_no_rows_is_refused(rows: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        grow(rows)  # type: ignore[arg-type]
    with pytest.raises(error):
        grow(ordinary(20)).forest.score(rows)  # type: ignore[arg-type]


def test_rows_beyond_the_cap_are_refused_before_they_are_looked_at() -> None:
    many = np.broadcast_to(np.float64(0), (20_000_001, 1))
    with pytest.raises(UnsupportedError, match="20,000,001 rows"):
        grow(many)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        pytest.param({"trees": 0}, UnsupportedError, id="no trees"),
        pytest.param({"trees": 1_025}, UnsupportedError, id="too many trees"),
        pytest.param({"subsample": 1}, UnsupportedError, id="one row a tree"),
        pytest.param({"subsample": 4_097}, UnsupportedError, id="too many rows a tree"),
        pytest.param({"splits": "best"}, InvalidConfigError, id="unknown splits"),
        pytest.param({"categories": (6,)}, InvalidConfigError, id="a category that is no column"),
        pytest.param({"seed": -1}, InvalidConfigError, id="a seed below zero"),
    ],
)
def test_parameters_have_bounds(asked: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        grow(ordinary(20), **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.float32, np.bool_])
def test_numbers_of_any_kind_are_numbers(dtype: type[np.generic]) -> None:
    rows = (np.arange(120).reshape(40, 3) % 7).astype(dtype)
    assert np.array_equal(grow(rows).forest.score(rows), grow(rows.astype(float)).forest.score(rows.astype(float)))


def test_equal_rows_weigh_as_the_many_that_they_are() -> None:
    rows = np.vstack([np.zeros((400, 3)), np.random.default_rng(1).normal(size=(40, 3))])
    scores = grow(rows).forest.score(rows)
    assert scores[0] < scores[400:].min()
    assert len(set(scores[:400].tolist())) == 1


def test_a_constant_column_has_no_part_until_it_changes() -> None:
    rows = ordinary()
    rows[:, 4] = 3.0
    forest = grow(rows).forest
    _, parts = forest.explain_one(rows[0].tolist())
    assert parts[4] == 0
    other = rows[0].tolist()
    other[4] = 3.1
    assert forest.foreign(other) == [4]
    score, parts = forest.explain_one(other)
    assert score == 1.0
    assert parts == [0, 0, 0, 0, 1, 0]
    assert forest.score([other]).tolist() == [1.0]
    other[4] = 3.0 + 1e-9
    assert forest.score_one(other) == forest.score_one(rows[0].tolist())


@pytest.mark.parametrize(
    ("value", "is_foreign"),
    [
        pytest.param(np.inf, True, id="infinity"),
        pytest.param(-np.inf, True, id="minus infinity"),
        pytest.param(1e308, True, id="huge"),
        pytest.param(-1e308, True, id="huge, below zero"),
        pytest.param(15.0, True, id="more than a range above"),
        pytest.param(14.5, False, id="within a range above"),
        pytest.param(5e-324, False, id="subnormal"),
        pytest.param(np.nan, False, id="not said"),
    ],
)
def test_a_value_far_outside_is_foreign_and_isolates(value: float, *, is_foreign: bool) -> None:
    rows = ordinary(400, 3)
    rows[:, 0] = np.linspace(0, 7.25, 400)
    forest = grow(rows).forest
    row = [value, 1.0, 0.0]
    assert bool(forest.foreign(row)) is is_foreign
    assert (forest.score_one(row) > 0.75) == is_foreign
    assert forest.score([row])[0] == pytest.approx(forest.score_one(row), abs=1e-12)


@pytest.mark.parametrize("index", [-1, 3, 250])
def test_an_unseen_category_is_foreign_however_near(index: int) -> None:
    rows = ordinary()
    row = rows[5].tolist()
    row[1] = index
    assert grow(rows, categories=(1,)).forest.foreign(row) == [1]
    assert grow(rows, categories=(1,)).forest.score_one(row) > grow(rows).forest.score_one(rows[5].tolist())


def test_infinite_values_that_were_learnt_are_not_foreign() -> None:
    rows = ordinary(200)
    rows[:90, 0] = np.inf
    forest = grow(rows).forest
    assert forest.foreign([np.inf, 1, 0, 0, 0, 0]) == []
    assert forest.foreign([1e308, 1, 0, 0, 0, 0]) == []
    assert math.isfinite(forest.score_one([np.inf, 1, 0, 0, 0, 0]))


def test_a_row_that_says_nothing_is_neither_normal_nor_not() -> None:
    rows = ordinary()
    forest = grow(rows).forest
    score, parts = forest.explain_one([math.nan] * 6)
    assert score == pytest.approx(0.5, abs=1e-12)
    assert parts == [0] * 6


def test_a_column_that_was_never_said_is_not_judged() -> None:
    rows = ordinary()
    rows[:, 3] = np.nan
    forest = grow(rows).forest
    row = [0.0, 1.0, 0.0, 1e9, 0.0, 0.0]
    assert forest.foreign(row) == []
    assert forest.explain_one(row)[1][3] == 0


def test_gaps_are_spread_as_those_who_speak() -> None:
    rows = ordinary(600)
    rows[::3, 0] = np.nan
    rows[-6:, 4] = 7
    forest = grow(rows).forest
    assert auroc(forest.score(rows), 6) > 0.97
    trees = forest.trees
    splits = trees.feature >= 0
    assert (trees.count[splits] == trees.count[trees.left[splits]] + trees.count[trees.left[splits] + 1]).all()


def test_a_trimmed_forest_sees_what_was_hidden_among_its_rows() -> None:
    generator = np.random.default_rng(2)
    rows = generator.normal(size=(600, 4))
    rows[:30] = generator.normal(6, 0.2, size=(30, 4))
    grown = grow(rows)
    trimmed = refit(grown, 0.05)
    assert len(trimmed.rows) == 570
    assert (trimmed.rows > 5).all(axis=1).sum() <= 10
    assert trimmed.growth == grown.growth
    assert trimmed.forest.score([[6.0] * 4])[0] > grown.forest.score([[6.0] * 4])[0]


@pytest.mark.parametrize(
    ("share", "left"),
    [
        pytest.param(0.0, 40, id="nothing"),
        pytest.param(0.01, 39, id="rounded up"),
        pytest.param(0.5, 20, id="half"),
    ],
)
def test_a_refit_drops_its_share(share: float, left: int) -> None:
    assert len(refit(grow(ordinary(40)), share).rows) == left


@pytest.mark.parametrize("share", [-0.1, 0.51, math.nan])
def test_no_more_than_half_is_trimmed(share: float) -> None:
    with pytest.raises(InvalidConfigError, match="cannot be trimmed"):
        refit(grow(ordinary(40)), share)


def test_of_one_row_one_is_left() -> None:
    assert len(refit(grow([[1.0]]), 0.5).rows) == 1


def test_a_challenger_that_sees_the_canaries_replaces_the_champion() -> None:
    rows, canaries = ordinary(), [[6.0, 1, 0, 5, 0, 0], [0, 9, 0, 0, 0, -7]]
    champion, challenger = (grow(rows, seed=seed, trees=200).forest for seed in (1, 2))
    choice = challenge(champion, challenger, canaries, rows)
    assert choice.forest is challenger
    assert choice.why == "no canary falls by more than 0.02"
    assert min(choice.before) > 0.95
    assert min(choice.after) > 0.95


def test_a_challenger_that_learnt_a_canary_does_not() -> None:
    rows = ordinary()
    poisoned = np.vstack([rows, np.full((200, 6), 6.0)])
    champion, challenger = grow(rows).forest, grow(poisoned).forest
    choice = challenge(champion, challenger, [[6.0] * 6], rows)
    assert choice.forest is champion
    assert choice.why.startswith("canary 0 falls from rank 1.000 to 0.")
    assert challenge(champion, challenger, [[6.0] * 6], rows, slack=1).forest is challenger


def test_a_challenger_that_tells_nothing_apart_does_not() -> None:
    champion = grow(ordinary()).forest
    same, narrow = grow(np.ones((9, 6))).forest, grow(ordinary(50, 4)).forest
    canaries = [[6.0] * 6]
    assert challenge(champion, same, canaries, ordinary()).why == "it cannot tell its rows apart"
    assert challenge(champion, narrow, canaries, ordinary()).why == "it knows 4 features, not 6"
    with pytest.raises(InvalidConfigError):
        challenge(champion, champion, canaries, ordinary(), slack=2)
    with pytest.raises(InvalidEventError):
        challenge(champion, champion, [], ordinary())
