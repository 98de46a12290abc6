"""Which values and entities the agents of a setting are used to, and how often a value is explained at all.

Values are kept as digests: they may be secrets, and nobody has to read them from a model.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Final, NamedTuple

from msgspec import Struct

from leeway.library.calls.entities import DESTINATIONS, Entity
from leeway.library.calls.reading import LONG, Call, Leaf, Request
from leeway.library.calls.words import words_of

MOST_VALUES: Final = 65_536
"""Digests that are kept; those of one task alone go first."""

_NOVELTY: Final = (1.0, 0.7)
"""How new a value is that no other task had, and one that a single other task had; from two on it is known."""

_ALIKE: Final = 0.7
"""How much of that a value loses whose every word is in the request."""

_UNEXPLAINED: Final = 0.3
"""Share of values that neither request nor past explain, before anything is known."""

_PRIOR: Final = 2.0
"""Tasks that the next wider share counts for."""

_FLOOR: Final = 1e-3


class Strange(NamedTuple):
    """What explains a value least, and how surprising that is."""

    surprise: float
    leaf: Leaf | None
    usual: float
    """Share of values of that argument that neither request nor past explain."""


class OwnValues(NamedTuple):
    """What one task adds to what is known; to be left out when that task is judged."""

    keys: frozenset[int]
    unexplained: Mapping[str, float]
    """Place to the share of unexplained values there."""


NOTHING: Final = OwnValues(frozenset(), {})


class Familiar(Struct, frozen=True):
    """What the agents of a setting are used to."""

    tasks: dict[int, int]
    """Digest of a value at its place, or of an entity, to the tasks that had it."""
    unexplained: dict[str, tuple[float, int]]
    """Place (tool and argument, tool, all) to the sum over tasks of unexplained shares, and to the tasks."""

    def novelty(self, key: int, own: OwnValues) -> float:
        """Return how new a value is: 1 where no other task had it, 0 where two had."""
        others = self.tasks.get(key, 0) - (key in own.keys)
        return _NOVELTY[others] if others < len(_NOVELTY) else 0.0

    def entity_novelty(self, entity: Entity, request: Request, own: OwnValues) -> float:
        """Return how new a destination is that the request does not name; 0 for what is no destination."""
        if entity.kind not in DESTINATIONS or entity in request.entities:
            return 0.0
        new = self.novelty(entity_key(entity), own)
        return new and new * (1 - _ALIKE * _alike(entity.value, request))

    def leaf_novelty(self, tool: str, leaf: Leaf, request: Request, own: OwnValues) -> float:
        """Return how little a value is explained by the request or by past use, from 0 to 1."""
        if leaf.entities and leaf.entities <= request.entities:
            return 0.0
        if len(leaf.value) > LONG:
            fresh = (entity for entity in leaf.entities if entity not in request.entities)
            return max((float(self.novelty(entity_key(entity), own) > 0) for entity in fresh), default=0.0)
        if request.names(leaf.value):
            return 0.0
        new = self.novelty(leaf_key(tool, leaf), own)
        return new and new * (1 - _ALIKE * _alike(leaf.value, request))

    def strangest(self, call: Call, request: Request, own: OwnValues) -> Strange:
        """Return the value of a call that is the least explained, measured by how usual that is at its place."""
        worst = Strange(0.0, None, 0.0)
        for leaf in call.leaves:
            if not leaf.is_said:
                continue
            new = self.leaf_novelty(call.tool, leaf, request, own)
            if new:
                usual = self.usually_unexplained(call.tool, leaf.path, own)
                surprise = -new * math.log(min(1.0, usual + _FLOOR))
                if surprise > worst.surprise:
                    worst = Strange(surprise, leaf, usual)
        return worst

    def usually_unexplained(self, tool: str, path: str, own: OwnValues) -> float:
        """Return the share of values at a place that nothing explains, narrow places leaning on wide ones."""
        share = _UNEXPLAINED
        for place in places(tool, path):
            total, tasks = self.unexplained.get(place, (0.0, 0))
            if place in own.unexplained:
                total, tasks = total - own.unexplained[place], tasks - 1
            share = (max(0.0, total) + _PRIOR * share) / (tasks + _PRIOR)
        return share


def _alike(value: str, request: Request) -> float:
    """Return which part of the letters of a value stands in words of the request."""
    words = words_of(value)
    whole = sum(map(len, words))
    return sum(len(word) for word in words if word in request.words) / whole if whole else 0.0


def places(tool: str, path: str) -> tuple[str, str, str]:
    """Return the places that a value stands at, the widest first."""
    return "", tool, f"{tool}\0{path}"


def entity_key(entity: Entity) -> int:
    """Return the digest of an entity, wherever it stands."""
    return _digest(f"{entity.kind}\0\0{entity.value}")


def leaf_key(tool: str, leaf: Leaf) -> int:
    """Return the digest of a value at its place."""
    return _digest(f"{tool}\0{leaf.path}\0{leaf.value}")


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=7).digest())


def keys_of(call: Call) -> frozenset[int]:
    """Return what a call makes known."""
    kept = (leaf_key(call.tool, leaf) for leaf in call.leaves if leaf.is_said and len(leaf.value) <= LONG)
    return frozenset(kept) | frozenset(map(entity_key, call.entities))


def familiar_of(keys: Iterable[frozenset[int]]) -> Familiar:
    """Return what is known from the keys of each task; nothing yet of how often values are explained."""
    counted: Counter[int] = Counter()
    for own in keys:
        counted.update(own)
    kept = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]
    return Familiar(dict(kept), {})


def with_unexplained(known: Familiar, own: Iterable[Mapping[str, float]]) -> Familiar:
    """Return the same with the shares of unexplained values of each task."""
    sums: dict[str, tuple[float, int]] = {}
    for shares in own:
        for place, share in shares.items():
            total, tasks = sums.get(place, (0.0, 0))
            sums[place] = (total + share, tasks + 1)
    return Familiar(known.tasks, sums)


def unexplained_shares(
    known: Familiar, calls: Iterable[tuple[Call, Request]], keys: frozenset[int]
) -> dict[str, float]:
    """Return, for each place in the calls of one task, the share of values that neither request nor past explain."""
    own = OwnValues(keys, {})
    sums: dict[str, list[float]] = {}
    for call, request in calls:
        for leaf in call.leaves:
            if not leaf.is_said:
                continue
            new = known.leaf_novelty(call.tool, leaf, request, own)
            for place in places(call.tool, leaf.path):
                pair = sums.setdefault(place, [0.0, 0.0])
                pair[0] += new
                pair[1] += 1
    return {place: total / count for place, (total, count) in sums.items()}
