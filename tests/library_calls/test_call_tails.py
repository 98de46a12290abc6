import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.library.calls.tails import MOST_POINTS, tail_of

VALUES = st.lists(st.floats(-100, 100), min_size=1, max_size=60)


def test_a_tail_is_the_share_at_or_beyond() -> None:
    tail = tail_of((value, 1.0) for value in (1, 2, 2, 3))
    assert tail.p(0) == 1
    assert tail.p(2) == pytest.approx(3.5 / 4.5)
    assert tail.p(3) == pytest.approx(1.5 / 4.5)
    assert tail.p(4) == pytest.approx(0.5 / 4.5)
    assert tail.surprise(4) == pytest.approx(-math.log(0.5 / 4.5))


def test_nothing_known_surprises_nobody() -> None:
    assert tail_of(()).p(7) == 1
    assert tail_of(()).smooth(7) == 1


def test_constant_values_are_usual_and_larger_ones_are_not() -> None:
    tail = tail_of((5.0, 1.0) for _ in range(99))
    assert tail.p(5) == tail.smooth(5) == 1
    assert tail.p(6) == pytest.approx(0.5 / 99.5)


@given(VALUES, st.floats(-200, 200), st.floats(0, 200))
def test_larger_is_never_more_usual(values: list[float], value: float, more: float) -> None:
    tail = tail_of((one, 1.0) for one in values)
    assert tail.p(value + more) <= tail.p(value)
    assert 0 < tail.smooth(value + more) <= tail.smooth(value) <= 1


@given(VALUES, st.randoms(use_true_random=False))
def test_order_makes_no_difference(values: list[float], rng: random.Random) -> None:
    mixed = list(values)
    rng.shuffle(mixed)
    assert tail_of((one, 0.3) for one in mixed) == tail_of((one, 0.3) for one in values)


def test_many_values_are_thinned_out_and_stay_true() -> None:
    tail = tail_of((value, 1.0) for value in range(10_000))
    assert len(tail.points) <= MOST_POINTS
    assert tail.p(9_999) == pytest.approx(1.5 / 10_000.5)
    assert tail.p(5_000) == pytest.approx(0.5, abs=0.01)


def test_the_fewer_are_known_the_slower_a_tail_falls() -> None:
    values = [(value / 10, 1.0) for value in range(40)]
    assert tail_of(values, 200).smooth(12) < tail_of(values, 8).smooth(12)
