"""A `CallModel` as JSON, and back: what is read is checked before it is believed."""

import math
from itertools import pairwise
from typing import Final

import msgspec

from leeway.errors import StateError
from leeway.library.calls.asking import Asking
from leeway.library.calls.aspects import OF_CALL, OF_RUN, UNRELATED, Known
from leeway.library.calls.familiar import Familiar
from leeway.library.calls.fitting import MOST_RUNS
from leeway.library.calls.model import CallModel, tail_name
from leeway.library.calls.tails import MOST_POINTS, Tail

VERSION: Final = 1

MOST_BYTES: Final = 64 << 20
"""Bytes of a model as JSON."""

_NAMES: Final = frozenset(
    (*OF_CALL, *OF_RUN, tail_name(UNRELATED, changes=True), tail_name(UNRELATED, changes=False)),
)


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    asking: Asking
    familiar: Familiar
    tails: dict[str, Tail]
    worst: Tail
    whole: Tail
    runs: int


def to_json(model: CallModel) -> bytes:
    """Return a model as JSON; the same model always gives the same bytes."""
    stored = _Stored(
        VERSION, model.known.asking, model.known.familiar, model.tails, model.worst, model.whole, model.runs
    )
    return msgspec.json.encode(stored)


def from_json(text: bytes) -> CallModel:
    """Return the model that was written down.

    Raises:
        StateError: where it is too large, was written by another version, or cannot be what `to_json` writes.
    """
    if len(text) > MOST_BYTES:
        raise StateError(f"a model of tool calls has at most {MOST_BYTES} bytes, this one has {len(text)}")
    try:
        stored = msgspec.json.decode(text, type=_Stored)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise StateError(f"a model of tool calls cannot be read: {wrong}") from wrong
    if stored.version != VERSION:
        raise StateError(f"a model of tool calls has version {stored.version}, not {VERSION}")
    if not _is_sound(stored):
        raise StateError("a model of tool calls holds numbers that none can have")
    return CallModel(Known(stored.asking, stored.familiar), stored.tails, stored.worst, stored.whole, stored.runs)


def _is_sound(stored: _Stored) -> bool:
    tails = (*stored.tails.values(), stored.worst, stored.whole)
    return (
        0 <= stored.runs <= MOST_RUNS
        and stored.tails.keys() == _NAMES
        and all(map(_is_tail, tails))
        and _is_asking(stored.asking)
        and all(count >= 1 for count in stored.familiar.tasks.values())
        and all(_is_share(total, count) for total, count in stored.familiar.unexplained.values())
    )


def _is_tail(tail: Tail) -> bool:
    return (
        len(tail.points) == len(tail.above) <= MOST_POINTS
        and all(map(math.isfinite, tail.points))
        and all(low < high for low, high in pairwise(tail.points))
        and all(0 < share <= 1 for share in (*tail.above, tail.beyond))
        and all(low >= high for low, high in pairwise(tail.above))
        and math.isfinite(tail.reach)
        and 0 <= tail.near <= 1
        and tail.reach > 0
    )


def _is_asking(asking: Asking) -> bool:
    size = len(asking.tasks)
    numbers = [*asking.sums, *asking.slopes, *asking.usual.values()]
    numbers += [number for task in asking.tasks for number in (task.calls, task.work, task.size, *task.tools.values())]
    counts = [*asking.rare.values(), *asking.words.values()]
    return (
        size <= MOST_RUNS
        and all(map(math.isfinite, numbers))
        and all(number >= 0 for number in (*asking.sums, *asking.usual.values()))
        and all(1 <= count <= size for count in counts)
        and all(0 <= at < size and 0 <= share <= 1 for posts in asking.postings.values() for at, share in posts)
    )


def _is_share(total: float, count: int) -> bool:
    return count >= 1 and 0 <= total <= count + 1
