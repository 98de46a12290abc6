from math import floor, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import at, called, reached, summary_of
from leeway.events import Measure
from leeway.summaries import bin_of


@pytest.mark.parametrize(
    ("amount", "slot"),
    [
        pytest.param(-1, 0, id="below zero"),
        pytest.param(0, 0, id="zero"),
        pytest.param(1, 1, id="one"),
        pytest.param(2, 3, id="two"),
        pytest.param(3, 4, id="three"),
        pytest.param(1_023, 20, id="below a power"),
        pytest.param(1_024, 21, id="power"),
        pytest.param(1_448, 21, id="below a power times root two"),
        pytest.param(1_449, 22, id="above a power times root two"),
        pytest.param(1 << 62, 125, id="largest count"),
    ],
)
def test_bins_are_powers_of_root_two(amount: int, slot: int) -> None:
    assert bin_of(amount) == slot


@given(st.integers(1, 1 << 40))
def test_bins_equal_the_formula(amount: int) -> None:
    # 2·log2 is an integer at powers of two only, where floats are exact; below 2^40 it is far from one elsewhere.
    assert bin_of(amount) == floor(2 * log2(amount)) + 1


@given(st.integers(0, 61), st.integers(-1, 1))
def test_bins_around_powers_are_exact(exponent: int, step: int) -> None:
    amount = (1 << exponent) + step
    below = [n for n in range(130) if n % 2 == 0 and 1 << (n // 2) <= amount] if amount > 0 else []
    assert bin_of(amount) in ({max(below) + 1, max(below) + 2} if below else {0})


@given(st.integers(0, 1 << 62), st.integers(0, 1 << 62))
def test_bins_keep_the_order(one: int, other: int) -> None:
    assert (bin_of(one) <= bin_of(other)) or one > other


def test_a_measure_holds_count_sum_largest_bins_and_hours() -> None:
    events = [
        reached("a.example", when=at(9), bytes_out=0),
        reached("a.example", when=at(9, 30), bytes_out=1_024),
        reached("b.example", when=at(12), bytes_out=1_024),
        reached("b.example", when=at(13)),
    ]
    totals = summary_of(events).measures[Measure.BYTES_OUT]
    whole = totals[""]
    assert (whole.n, whole.total, whole.largest) == (3, 2_048, 1_024)
    assert whole.exemplar == (events[1].time, events[1].id)
    assert whole.bins == {0: 1, 21: 2}
    assert whole.hours == {9: 1_024, 12: 1_024}
    assert {key: part.total for key, part in totals.items()} == {"": 2_048, "a.example": 1_024, "b.example": 1_024}


@pytest.mark.parametrize(
    ("event", "measure", "sums"),
    [
        pytest.param(reached("a.example", bytes_in=5), Measure.BYTES_IN, {"": 5}, id="bytes in"),
        pytest.param(
            reached("www.a.example", bytes_out=5),
            Measure.BYTES_OUT,
            {"": 5, "a.example": 5},
            id="by registrable domain",
        ),
        pytest.param(
            reached("192.0.2.7", bytes_out=5), Measure.BYTES_OUT, {"": 5, "192.0.2.7": 5}, id="by bare address"
        ),
        pytest.param(reached("a.example"), Measure.BYTES_OUT, {}, id="a sensor that does not count"),
        pytest.param(called("search", duration_us=9), Measure.TOOL_DURATION_US, {"search": 9}, id="tool duration"),
        pytest.param(called("search"), Measure.EVENTS, {"": 1}, id="events"),
    ],
)
def test_measures_of_an_event(event: object, measure: Measure, sums: dict[str, int]) -> None:
    parts = summary_of([event]).measures.get(measure, {})
    assert {key: totals.total for key, totals in parts.items()} == sums
