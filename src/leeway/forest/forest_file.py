"""A forest and what it was grown from, in one file."""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from leeway.errors import InvalidConfigError, StateError, UnsupportedError
from leeway.forest.arrays_file import Form, packed, read_bounded, unpacked
from leeway.forest.forest import Forest
from leeway.forest.growing import MOST_SUBSAMPLE, MOST_TREES
from leeway.forest.matrix import MOST_FEATURES
from leeway.forest.trees import DEEPEST, LONGEST_STEP, STEP_UNIT, Trees, depths_of, levels_of
from leeway.forest.walking import Limits
from leeway.storage import write_whole

SCHEMA = "leeway-forest/2"

MOST_CANARIES = 64
CANARY_SLACK = 1e-9
"""How far the score of a canary may be off what was written."""

LONGEST_TEXT = 256
_LONGEST_STEP = int(LONGEST_STEP / STEP_UNIT)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a forest beside its numbers."""

    features: tuple[str, ...]
    """Names of the columns, in order."""
    rows: int = 0
    """How many rows it was grown from."""
    window: tuple[str, str] | None = None
    """First and last instant of the rows, in ISO 8601."""
    data_digest: str = ""
    """A digest of the rows, for whoever has to say what was learnt."""
    version: str = ""
    """Version of the program that grew it."""
    canaries: tuple[tuple[float | None, ...], ...] = ()
    """Known rows (None where they do not say), whose scores are kept and must come out again on loading."""


class _Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The manifest and the bounds of the arrays, as they are in the file."""

    schema: str
    manifest: Manifest
    roots: int
    nodes: int
    splits: int
    deepest: int
    unit: float
    scores: tuple[float, ...]
    """Of each canary."""
    sha256: str
    """Over the header without it, and all arrays."""


def save(forest: Forest, file: Path, manifest: Manifest) -> None:
    """Write a forest: the whole file or nothing, 0600.

    Raises:
        InvalidConfigError, UnsupportedError: see `to_bytes`.
        StateError: where the disk does not take it.
    """
    write_whole(file, to_bytes(forest, manifest))


def load(file: Path) -> tuple[Forest, Manifest]:
    """Return a forest and its manifest from a file that need not be trusted: it may be wrong, it cannot do harm.

    Raises:
        StateError: where it cannot be read or is not what `save` wrote.
    """
    return from_bytes(read_bounded(file))


def to_bytes(forest: Forest, manifest: Manifest) -> bytes:
    """Return the content of a model file; the same forest and manifest give the same bytes.

    Raises:
        InvalidConfigError: where the manifest does not fit the forest.
        UnsupportedError: for a forest whose depths are not those of its rows and splits: they would not come out again.
    """
    _check_manifest(manifest, forest.features)
    arrays = _arrays_of(forest)
    splits = int((forest.trees.feature >= 0).sum())
    header = _Header(
        schema=SCHEMA,
        manifest=manifest,
        roots=forest.trees.roots,
        nodes=len(forest.trees.feature),
        splits=splits,
        deepest=forest.deepest,
        unit=forest.unit,
        scores=tuple(forest.score_one(_row(canary)) for canary in manifest.canaries),
        sha256="",
    )
    if not _is_same(forest, _forest_of(header, arrays)):
        raise UnsupportedError("the depths of the forest are not those of its rows, so a file would not give them back")
    signed = msgspec.structs.replace(header, sha256=_digest(header, arrays))
    return packed(msgspec.json.encode(signed), arrays)


def from_bytes(content: bytes) -> tuple[Forest, Manifest]:
    """Return the forest and the manifest of `to_bytes`; the digest guards against damage, not against a forger.

    Raises:
        StateError: where the content is not what `to_bytes` made.
    """
    raw, arrays = unpacked(content, lambda found: _forms(_header(found)))
    header = _header(raw)
    if _digest(header, arrays) != header.sha256:
        raise StateError("the model file is damaged: its digest is another")
    forest = _forest_of(header, arrays)
    for canary, score in zip(header.manifest.canaries, header.scores, strict=True):
        if not abs(forest.score_one(_row(canary)) - score) <= CANARY_SLACK:
            raise StateError("the model file is damaged: a known row has another score than it had")
    return forest, header.manifest


def _header(raw: bytes) -> _Header:
    try:
        header = msgspec.json.decode(raw, type=_Header)
        _check_manifest(header.manifest, len(header.manifest.features))
    except (msgspec.MsgspecError, InvalidConfigError, RecursionError) as error:
        raise StateError(f"the model file's manifest cannot be read: {error}") from error
    if header.schema != SCHEMA:
        raise StateError(f"the model file is of schema {header.schema[:40]!r}, this version reads {SCHEMA}")
    sound = (
        1 <= header.roots <= MOST_TREES
        and 0 <= header.splits <= header.roots * (MOST_SUBSAMPLE - 1)
        and header.nodes == header.roots + 2 * header.splits
        and 0 < header.deepest < DEEPEST
        and 0 <= header.unit <= DEEPEST * LONGEST_STEP
        and len(header.scores) == len(header.manifest.canaries)
    )
    if not sound:
        raise StateError("the model file's manifest is out of bounds")
    return header


def _check_manifest(manifest: Manifest, features: int) -> None:
    texts = (*manifest.features, *(manifest.window or ()), manifest.data_digest, manifest.version)
    sound = (
        len(manifest.features) == features
        and 1 <= features <= MOST_FEATURES
        and manifest.rows >= 0
        and all(len(text) <= LONGEST_TEXT for text in texts)
        and len(manifest.canaries) <= MOST_CANARIES
        and all(len(canary) == features for canary in manifest.canaries)
        and all(math.isfinite(value) for canary in manifest.canaries for value in canary if value is not None)
    )
    if not sound:
        raise InvalidConfigError(
            "the manifest does not fit the forest",
            hint=f"a name a feature, at most {MOST_CANARIES} canaries of finite values, texts to {LONGEST_TEXT}",
        )


def _row(canary: tuple[float | None, ...]) -> list[float]:
    return [math.nan if value is None else value for value in canary]


def _forms(header: _Header) -> dict[str, Form]:
    """Return what each array has to be."""
    features = len(header.manifest.features)
    return {
        "splits": Form("|u1", ((header.nodes + 7) // 8,)),
        "feature": Form("|u1" if features <= 1 << 8 else "<u2", (header.splits,)),
        "threshold": Form("<f4", (header.splits,)),
        "count": Form("<u2", (header.nodes - header.splits,)),
        "step": Form("|u1", (header.nodes - header.roots,)),
        "limits": Form("<f8", (2, features)),
    }


def _arrays_of(forest: Forest) -> dict[str, NDArray[Any]]:
    """Return the arrays as they are kept: of every node whether it splits, then what cannot be worked out from that."""
    trees = forest.trees
    splits = trees.feature >= 0
    parents = np.repeat(trees.reached[splits], 2)
    return {
        "splits": np.packbits(splits),
        "feature": trees.feature[splits].astype("|u1" if forest.features <= 1 << 8 else "<u2"),
        "threshold": trees.threshold[splits].astype("<f4"),
        "count": trees.count[~splits].astype("<u2"),
        "step": np.rint((trees.reached[trees.roots :] - parents) / STEP_UNIT).astype("|u1"),
        "limits": np.stack(forest.limits).astype("<f8"),
    }


def _forest_of(header: _Header, arrays: Mapping[str, NDArray[Any]]) -> Forest:
    """Return the forest of arrays, each of which already has the form that the header says.

    Raises:
        StateError: where they are not those of a forest.
    """
    splits = np.unpackbits(arrays["splits"])[: header.nodes].astype(np.bool_)
    lowest, highest = arrays["limits"].astype(np.float64)
    sound = (
        int(np.unpackbits(arrays["splits"]).sum()) == int(splits.sum()) == header.splits
        and (arrays["feature"] < len(lowest)).all()
        and np.isfinite(arrays["threshold"]).all()
        and (arrays["count"] > 0).all()
        and (arrays["step"] <= _LONGEST_STEP).all()
        and (lowest <= highest).all()
        and len(levels_of(splits, header.roots)) <= header.deepest + 1
    )
    if not sound:
        raise StateError("the model file's arrays are no forest")
    feature = np.full(header.nodes, -1, dtype=np.int16)
    feature[splits] = arrays["feature"]
    threshold = np.zeros(header.nodes, dtype=np.float32)
    threshold[splits] = arrays["threshold"]
    count = _counts(splits, arrays["count"], header.roots)
    step = np.concatenate([np.zeros(header.roots, dtype=np.uint8), arrays["step"]])
    reached, ends = depths_of(splits, count, step, header.roots)
    trees = Trees(header.roots, feature, threshold, count, reached, ends)
    return Forest(trees, Limits(lowest, highest), header.deepest, header.unit)


def _counts(splits: NDArray[np.bool_], of_leaves: NDArray[np.uint16], roots: int) -> NDArray[np.int32]:
    """Return how many rows came to each node, from those that ended in each leaf."""
    count = np.zeros(len(splits), dtype=np.int32)
    count[~splits] = of_leaves
    child = roots + 2 * (np.cumsum(splits) - 1)
    for level in reversed(levels_of(splits, roots)):
        nodes = np.flatnonzero(splits[level]) + level.start
        count[nodes] = count[child[nodes]] + count[child[nodes] + 1]
    return count


def _is_same(one: Forest, other: Forest) -> bool:
    return np.array_equal(one.trees.ends, other.trees.ends) and np.array_equal(one.trees.count, other.trees.count)


def _digest(header: _Header, arrays: Mapping[str, NDArray[Any]]) -> str:
    found = hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(header, sha256="")))
    for name in sorted(arrays):
        found.update(name.encode() + b"\0" + arrays[name].tobytes())
    return found.hexdigest()
