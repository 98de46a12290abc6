"""Model files: whole, private, the same again; and harmless whatever they hold."""

import hashlib
import io
import json
import stat
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forest_rows import Rows, matrices, ordinary
from hypothesis import given
from hypothesis import strategies as st

from leeway.errors import InvalidConfigError, StateError
from leeway.forest import Forest, Manifest, Splits, from_bytes, grow, load, save, to_bytes

NAMES = tuple("abcdef")
FOREST = grow(ordinary(), trees=5).forest
MANIFEST = Manifest(
    features=NAMES,
    rows=400,
    window=("2026-01-01T00:00:00Z", "2026-01-31T00:00:00Z"),
    data_digest="ab12",
    version="0.1.0",
    canaries=((0.0, 1.0, 0.0, None, 5.0, 0.0),),
)
CONTENT = to_bytes(FOREST, MANIFEST)


def test_a_file_gives_the_forest_back(tmp_path: Path) -> None:
    save(FOREST, tmp_path / "model", MANIFEST)
    forest, manifest = load(tmp_path / "model")
    assert manifest == MANIFEST
    rows = np.vstack([ordinary(), ordinary(5) * 40])
    assert np.array_equal(forest.score(rows), FOREST.score(rows))
    assert [forest.explain_one(row) for row in rows[:9].tolist()] == [
        FOREST.explain_one(row) for row in rows[:9].tolist()
    ]
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@given(matrices(gaps=True), st.sampled_from(Splits))
def test_every_forest_comes_back(rows: Rows, splits: Splits) -> None:
    forest = grow(rows, trees=3, splits=splits, categories=(0,)).forest
    content = to_bytes(forest, Manifest(features=NAMES[: rows.shape[1]]))
    again, manifest = from_bytes(content)
    assert np.array_equal(again.score(rows), forest.score(rows))
    assert again.is_degenerate == forest.is_degenerate
    assert to_bytes(again, manifest) == content


def test_a_default_forest_is_small() -> None:
    rows = np.random.default_rng(1).normal(size=(1000, 12))
    content = to_bytes(grow(rows).forest, Manifest(features=tuple(f"feature {at}" for at in range(12))))
    assert len(content) <= 30_000


def test_numpy_reads_the_arrays_without_objects() -> None:
    with np.load(io.BytesIO(CONTENT), allow_pickle=False) as held:
        assert set(held.files) == {"manifest.json", "splits", "feature", "threshold", "count", "step", "limits"}
        assert held["threshold"].dtype == np.float32
        assert held["limits"].shape == (2, 6)


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(Manifest(features=NAMES[:5]), id="too few names"),
        pytest.param(Manifest(features=NAMES, rows=-1), id="less than no rows"),
        pytest.param(Manifest(features=NAMES, version="x" * 257), id="long text"),
        pytest.param(Manifest(features=NAMES, canaries=((1.0,),)), id="a canary too short"),
        pytest.param(Manifest(features=NAMES, canaries=((float("inf"),) * 6,)), id="an infinite canary"),
        pytest.param(Manifest(features=NAMES, canaries=((0.0,) * 6,) * 65), id="too many canaries"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(manifest: Manifest) -> None:
    with pytest.raises(InvalidConfigError):
        to_bytes(FOREST, manifest)


def _entries(content: bytes = CONTENT) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def _zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return written.getvalue()


def _forged(header: dict[str, Any], **arrays: "np.ndarray[Any, Any]") -> bytes:
    """A file whose digest is right, with some things of the header and the arrays another."""
    entries = _entries()
    with np.load(io.BytesIO(CONTENT)) as held:
        known = {name: held[name] for name in held.files if name != "manifest.json"} | arrays
    told = json.loads(entries["manifest.json"]) | header
    told["sha256"] = ""
    digest = hashlib.sha256(json.dumps(told, separators=(",", ":")).encode())
    for name in sorted(known):
        digest.update(name.encode() + b"\0" + known[name].tobytes())
        written = io.BytesIO()
        np.save(written, known[name], allow_pickle=False)
        entries[f"{name}.npy"] = written.getvalue()
    told["sha256"] = digest.hexdigest()
    entries["manifest.json"] = json.dumps(told, separators=(",", ":")).encode()
    return _zipped(entries)


def _array(name: str) -> "np.ndarray[Any, Any]":
    with np.load(io.BytesIO(CONTENT)) as held:
        found: np.ndarray[Any, Any] = held[name].copy()
        return found


def _with(name: str, at: int, value: float) -> bytes:
    array = _array(name)
    array.reshape(-1)[at] = value
    return _forged({}, **{name: array})


def test_what_the_tests_forge_is_read_where_nothing_is_changed() -> None:
    forest, manifest = from_bytes(_forged({}))
    assert manifest == MANIFEST
    assert np.array_equal(forest.score(ordinary()), FOREST.score(ordinary()))


FORGERIES: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no zip": lambda: b"PK" + b"\0" * 400,
    "a pickle": lambda: b"\x80\x04\x95\x0b\x00\x00\x00",
    "no manifest": lambda: _zipped({k: v for k, v in _entries().items() if k != "manifest.json"}),
    "no threshold": lambda: _zipped({k: v for k, v in _entries().items() if k != "threshold.npy"}),
    "one entry more": lambda: _zipped({**_entries(), "more.npy": b""}),
    "manifest is no JSON": lambda: _zipped({**_entries(), "manifest.json": b"{"}),
    "manifest is deep": lambda: _zipped({**_entries(), "manifest.json": b"[" * 200_000}),
    "manifest too large": lambda: _zipped({**_entries(), "manifest.json": b" " * (1 << 21)}),
    "another schema": lambda: _forged({"schema": "leeway-forest/3"}),
    "an unknown field": lambda: _forged({"more": 1}),
    "no trees": lambda: _forged({"roots": 0}),
    "too many trees": lambda: _forged({"roots": 10_000}),
    "more nodes than arrays": lambda: _forged({"nodes": 2**40 + 5, "splits": 2**39}),
    "nodes that are not two a split": lambda: _forged({"splits": 1}),
    "negative depth": lambda: _forged({"deepest": -1}),
    "deeper than it says": lambda: _forged({"deepest": 2}),
    "endless unit": lambda: _forged({"unit": 1e300}),
    "unit is no number": lambda: _forged({"unit": "1"}),
    "another score of the canary": lambda: _forged({"scores": [0.123]}),
    "no score of the canary": lambda: _forged({"scores": []}),
    "threshold NaN": lambda: _with("threshold", 0, np.nan),
    "threshold infinite": lambda: _with("threshold", 0, np.inf),
    "threshold of eight bytes": lambda: _forged({}, threshold=_array("threshold").astype(np.float64)),
    "threshold too short": lambda: _forged({}, threshold=_array("threshold")[:-1]),
    "threshold as columns": lambda: _forged({}, threshold=_array("threshold")[:, None]),
    "feature that is no column": lambda: _with("feature", 3, 6),
    "no rows in a leaf": lambda: _with("count", 0, 0),
    "a step too long": lambda: _with("step", 0, 17),
    "limits NaN": lambda: _with("limits", 0, np.nan),
    "limits crossed": lambda: _with("limits", 0, 1e30),
    "every node splits": lambda: _forged({}, splits=np.full_like(_array("splits"), 255)),
    "no node splits": lambda: _forged({}, splits=np.zeros_like(_array("splits"))),
    "splits in another order": lambda: _forged({}, splits=_array("splits")[::-1].copy()),
    "objects": lambda: _zipped({**_entries(), "threshold.npy": _objects()}),
    "digest of another": lambda: _zipped({**_entries(), "step.npy": _entries()["step.npy"][:-1] + b"\x01"}),
    "unknown compression": lambda: _zipped(_entries(), zipfile.ZIP_LZMA)[:-30],
    "a bomb that says so": lambda: _zipped({**_entries(), "threshold.npy": b"\0" * (1 << 26)}),
    "a bomb that does not": lambda: _lying(_zipped({**_entries(), "step.npy": b"\0" * (1 << 24)})),
}


def _objects() -> bytes:
    written = io.BytesIO()
    np.save(written, np.array([print], dtype=object), allow_pickle=True)
    return written.getvalue()


def _lying(content: bytes) -> bytes:
    """The declared size of the bomb is put down to that of the true entry, in both places that say it."""
    true, said = len(_entries()["step.npy"]), (1 << 24).to_bytes(4, "little")
    assert content.count(said) >= 2
    return content.replace(said, true.to_bytes(4, "little"))


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_file_is_refused(forge: Callable[[], bytes], tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(forge())
    with pytest.raises(StateError):
        load(tmp_path / "model")


@pytest.mark.parametrize("entry", ["threshold.npy", "manifest.json"])
def test_a_bomb_is_refused_before_it_goes_off(entry: str) -> None:
    content = _zipped({**_entries(), entry: b"\0" * (1 << 26)})
    assert len(content) < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(StateError):
            from_bytes(content)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 1 << 24


@given(st.data())
def test_a_damaged_file_is_refused_or_the_same(data: st.DataObject) -> None:
    content = bytearray(CONTENT)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([len(content), len(content), len(content) // 2, len(content) - 1]))
    try:
        forest, _ = from_bytes(bytes(content[:cut]))
    except StateError:
        return
    assert np.array_equal(forest.score(ordinary(20)), FOREST.score(ordinary(20)))


@given(
    st.sampled_from(["splits", "feature", "threshold", "count", "step", "limits"]),
    st.lists(st.tuples(st.integers(0, 10_000), st.floats(width=32)), min_size=1, max_size=9),
)
def test_whoever_signs_it_a_file_gives_a_forest_or_is_refused(name: str, changes: list[tuple[int, float]]) -> None:
    array = _array(name)
    flat = array.reshape(-1)
    for at, value in changes:
        flat[at % len(flat)] = value if array.dtype.kind == "f" else int(np.nan_to_num(value)) % 256
    try:
        forest, _ = from_bytes(_forged({"manifest": {"features": NAMES}, "scores": []}, **{name: array}))
    except StateError:
        return
    _is_sound(forest)


def _is_sound(forest: Forest) -> None:
    rows = np.vstack([ordinary(20), np.full((1, 6), np.nan), np.full((1, 6), 1e9)])
    scores = forest.score(rows)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert [forest.score_one(row) for row in rows.tolist()] == pytest.approx(scores.tolist(), abs=1e-9)


def test_a_file_that_is_not_there_or_too_large_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot read"):
        load(tmp_path / "none")
    with pytest.raises(StateError, match="cannot read"):
        load(tmp_path)
    with (tmp_path / "large").open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(StateError, match="too large"):
        load(tmp_path / "large")


def test_a_write_that_fails_leaves_the_old_model(tmp_path: Path) -> None:
    save(FOREST, tmp_path / "model", MANIFEST)
    with pytest.raises(InvalidConfigError):
        save(FOREST, tmp_path / "model", Manifest(features=("a",)))
    assert (tmp_path / "model").read_bytes() == CONTENT
