"""Whether a newly grown forest may take the place of the one in use."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from leeway.errors import InvalidConfigError
from leeway.forest.forest import Forest
from leeway.forest.matrix import matrix
from leeway.forest.trees import Floats

SLACK = 0.02
"""By how much the rank of a canary may fall."""


class Choice(NamedTuple):
    """Which forest is to be used, and why."""

    forest: Forest
    why: str
    before: tuple[float, ...]
    """Rank of each canary under the champion."""
    after: tuple[float, ...]
    """Its rank under the challenger."""


def challenge(
    champion: Forest, challenger: Forest, canaries: ArrayLike, rows: ArrayLike, *, slack: float = SLACK
) -> Choice:
    """Return the challenger where it still sees every canary, the champion otherwise.

    A canary is a row that is known to be bad. Its rank is the share of `rows` whose score is below its own, so that
    forests of different depths can be compared; it may fall by at most `slack`.

    Args:
        champion: the forest in use.
        challenger: the one that would take its place.
        canaries: known rows (k, d), k at least 1.
        rows: ordinary rows (n, d), the same for both.
        slack: from 0 to 1.

    Raises:
        InvalidConfigError: for a slack outside 0 to 1.
        InvalidEventError: where there are no canaries or rows, or they have other features than the champion.
    """
    if not 0 <= slack <= 1:
        raise InvalidConfigError(f"a slack of {slack}", hint="from 0 to 1")
    before = _ranks(champion, canaries, rows)
    if challenger.features != champion.features:
        return Choice(champion, f"it knows {challenger.features} features, not {champion.features}", before, ())
    after = _ranks(challenger, canaries, rows)
    if challenger.is_degenerate:
        return Choice(champion, "it cannot tell its rows apart", before, after)
    falls = np.subtract(before, after)
    worst = int(falls.argmax())
    if falls[worst] > slack:
        why = f"canary {worst} falls from rank {before[worst]:.3f} to {after[worst]:.3f}"
        return Choice(champion, why, before, after)
    return Choice(challenger, f"no canary falls by more than {slack:g}", before, after)


def _ranks(forest: Forest, canaries: ArrayLike, rows: ArrayLike) -> tuple[float, ...]:
    ordinary: Floats = np.sort(forest.score(matrix(rows)))
    below = np.searchsorted(ordinary, forest.score(matrix(canaries)), side="left")
    return tuple((below / len(ordinary)).tolist())
