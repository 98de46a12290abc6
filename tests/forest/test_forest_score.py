"""One row and many: the same scores, explained exactly."""

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from forest_rows import Rows, matrices, ordinary
from hypothesis import given
from hypothesis import strategies as st

from benchmark_script import script_of
from leeway.errors import InvalidEventError, UnsupportedError
from leeway.forest import Manifest, Splits, from_bytes, grow, leaf_bits, to_bytes
from leeway.forest.leaf_bits import LeafBits

ORACLE = json.loads((Path(__file__).parent / "sklearn_forest.json").read_text("utf-8"))


@given(matrices(gaps=True), matrices(None, None, gaps=True), st.sampled_from(Splits))
def test_many_rows_and_one_score_alike_and_the_parts_sum_exactly(rows: Rows, asked: Rows, splits: Splits) -> None:
    forest = grow(rows, trees=4, splits=splits).forest
    asked = np.resize(asked, (len(asked), rows.shape[1]))
    for many, row in zip(forest.score(asked), asked.tolist(), strict=True):
        score, parts = forest.explain_one(row)
        assert 0 < score <= 1
        assert score == pytest.approx(many, abs=1e-12)
        assert sum(parts) == pytest.approx(forest.typical + math.log2(score), abs=1e-12)
        assert score == forest.score_one(row)


@given(matrices(), st.integers(1, 40), st.sampled_from(Splits), st.data())
def test_bits_say_what_a_walk_says(rows: Rows, trees: int, splits: Splits, data: st.DataObject) -> None:
    forest = grow(rows, trees=trees, splits=splits, seed=trees).forest
    walked = replace(forest)  # caches of its own
    walked.__dict__["_leaves"] = None
    held = forest.trees.feature >= 0
    edges = [
        sorted({*forest.trees.threshold[held & (forest.trees.feature == at)].astype(float), *rows[:, at].tolist()})
        for at in range(rows.shape[1])
    ]
    for _ in range(5):
        row = [data.draw(st.sampled_from(values)) for values in edges]
        score, parts = forest.explain_one(row)
        walked_score, walked_parts = walked.explain_one(row)
        assert score == pytest.approx(walked_score, abs=1e-12)
        assert parts == pytest.approx(walked_parts, abs=1e-12)


def test_what_was_asked_before_makes_no_difference() -> None:
    rows = ordinary(400)
    forest = grow(rows, trees=6).forest
    first = [forest.explain_one(row) for row in rows.tolist()]
    assert [forest.explain_one(row) for row in rows[::-1].tolist()] == first[::-1]


def test_a_forest_of_many_leaves_is_walked_and_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ordinary(300)
    small, large = (grow(rows, trees=6).forest for _ in range(2))
    by_bits = [small.explain_one(row) for row in rows.tolist()]
    monkeypatch.setattr(leaf_bits, "MOST_LEAVES", 100)
    assert LeafBits.of(large.trees, np.zeros(len(large.trees.feature)), large.features) is None
    for row, (score, parts) in zip(rows.tolist(), by_bits, strict=True):
        assert large.explain_one(row)[0] == pytest.approx(score, abs=1e-12)
        assert large.explain_one(row)[1] == pytest.approx(parts, abs=1e-12)


@given(matrices())
def test_the_typical_training_row_scores_a_half(rows: Rows) -> None:
    grown = grow(rows, trees=3)
    assert grown.forest.typical == pytest.approx(1, abs=1e-12)
    seen = [grown.forest.depths(rows[tree])[:, at] for at, tree in enumerate(grown.sampled)]
    assert grown.forest.score_of(np.concatenate(seen).mean()) == pytest.approx(0.5, abs=1e-9)


def test_the_feature_that_departs_is_credited() -> None:
    rows = ordinary(500)
    forest = grow(rows).forest
    row = [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    _, usual = forest.explain_one(row)
    row[3] = 3.2
    score, parts = forest.explain_one(row)
    assert score > forest.score_one([0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    assert max(range(6), key=parts.__getitem__) == 3
    assert parts[3] > usual[3]
    assert parts[3] > 0.05


def test_a_path_is_credited_as_the_docstring_says() -> None:
    rows = ordinary(120)
    forest = grow(rows, trees=1).forest
    trees, expected, left = forest.trees, forest.trees.expected(), forest.trees.left
    row = rows[11].tolist()
    wanted, node = [0.0] * 6, 0
    while trees.feature[node] >= 0:
        feature = trees.feature[node]
        child = left[node] + (row[feature] > trees.threshold[node])
        wanted[feature] += (expected[node] - expected[child]) / expected[0]
        node = child
    score, parts = forest.explain_one(row)
    assert parts == pytest.approx(wanted, abs=1e-12)
    assert score == pytest.approx(2 ** -(trees.ends[node] / expected[0]), abs=1e-12)


@pytest.mark.parametrize("row", [[], [1.0] * 5, [1.0] * 7])
def test_a_row_of_other_length_is_refused(row: list[float]) -> None:
    forest = grow(ordinary(50)).forest
    with pytest.raises(InvalidEventError):
        forest.explain_one(row)
    with pytest.raises(InvalidEventError):
        forest.score([row])


def _oracle() -> SimpleNamespace:
    """The public arrays of a fitted scikit-learn forest, as they were written down."""
    trees = [
        SimpleNamespace(tree_=SimpleNamespace(**{k: np.array(v) for k, v in tree.items()})) for tree in ORACLE["trees"]
    ]
    return SimpleNamespace(estimators_=trees, n_features_in_=ORACLE["features"], max_samples_=ORACLE["max_samples"])


def test_scikit_learns_trees_score_here_as_there() -> None:
    forest = script_of("forest_quality").forest_of(_oracle())
    rows = ORACLE["rows"]
    assert np.abs(forest.score(rows) - ORACLE["scores"]).max() < 1e-12
    assert max(abs(forest.score_one(row) - score) for row, score in zip(rows, ORACLE["scores"], strict=True)) < 1e-12
    score, parts = forest.explain_one(rows[0])
    assert sum(parts) == pytest.approx(forest.typical + math.log2(score), abs=1e-12)


def test_a_forest_of_other_origin_is_kept_where_it_comes_out_again() -> None:
    forest, manifest = script_of("forest_quality").forest_of(_oracle()), Manifest(features=("a", "b", "c"))
    again, _ = from_bytes(to_bytes(forest, manifest))
    assert np.array_equal(again.score(ORACLE["rows"]), forest.score(ORACLE["rows"]))
    deeper = replace(forest, trees=replace(forest.trees, ends=forest.trees.ends * 2))
    with pytest.raises(UnsupportedError, match="would not give them back"):
        to_bytes(deeper, manifest)


def test_quality_counts_ties_as_half() -> None:
    quality = script_of("forest_quality").quality
    assert quality(np.array([1.0, 2, 3, 4]), np.array([0, 0, 1, 1])) == (1.0, 1.0)
    assert quality(np.array([1.0, 1, 1, 1]), np.array([0, 0, 1, 1])) == (0.5, 0.5)
    assert quality(np.array([4.0, 3, 2, 1]), np.array([0, 1, 0, 1])) == (0.25, 0.5)
