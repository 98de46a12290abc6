"""Rows that forests are grown from in tests."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

Rows = NDArray[np.float64]


def ordinary(rows: int = 400, features: int = 6, seed: int = 1) -> Rows:
    """A cloud, with one column of few values (1) and one that is nearly always 0 (2)."""
    generator = np.random.default_rng(seed)
    found = generator.normal(size=(rows, features))
    found[:, 1] = generator.integers(0, 3, rows)
    found[:, 2] = generator.random(rows) < 0.02
    return found


def matrices(
    least: float | None = -1e6, most: float | None = 1e6, *, gaps: bool = False, rows: int = 40
) -> st.SearchStrategy[Rows]:
    is_bounded = least is not None
    values = st.floats(least, most, allow_nan=gaps and not is_bounded, width=64)
    some = st.sampled_from([0.0, 1.0, -2.5, *([np.nan] if gaps else [])])
    return st.tuples(st.integers(1, rows), st.integers(1, 5)).flatmap(
        lambda shape: arrays.arrays(np.float64, shape, elements=st.one_of(some, values))
    )
