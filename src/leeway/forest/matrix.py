"""Rows of numbers as forests take them."""

import numpy as np
from numpy.typing import ArrayLike

from leeway.errors import InvalidEventError, UnsupportedError
from leeway.forest.trees import Floats

LARGEST = 1e38
"""What a threshold of four bytes still holds; values further out, infinite ones too, count as this."""

MOST_ROWS = 20_000_000
MOST_FEATURES = 4_096


def matrix(rows: ArrayLike) -> Floats:
    """Return rows as an array (n, d), with nothing beyond ±1e38; NaN stays.

    Raises:
        InvalidEventError: where they are not numbers, not n rows of d, or none.
        UnsupportedError: for more rows or columns than a forest takes.
    """
    try:
        found = np.asarray(rows)
    except (ValueError, TypeError) as error:
        raise InvalidEventError(f"not rows of numbers: {error}", hint="as many in every row, NaN if absent") from error
    if found.dtype.kind not in "biuf":
        raise InvalidEventError("not rows of numbers", hint="an absent one is NaN")
    if found.ndim != 2 or not found.size:  # noqa: PLR2004  # rows and columns
        raise InvalidEventError(f"not rows of numbers: their shape is {found.shape}")
    if len(found) > MOST_ROWS or found.shape[1] > MOST_FEATURES:
        raise UnsupportedError(
            f"{len(found):,} rows of {found.shape[1]:,} columns are more than a forest takes",
            hint=f"at most {MOST_ROWS:,} and {MOST_FEATURES:,}; a random part of the rows does as well",
        )
    # Adding 0 makes -0 into 0: they are equal, and so must their bits be.
    known = np.ascontiguousarray(found, dtype=np.float64) + 0.0
    return np.clip(known, -LARGEST, LARGEST, out=known)
