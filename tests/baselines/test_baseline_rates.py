import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.baselines import Limit, hourly_limit, total_limit

TODAY = 100


def days(*amounts: int, last: int = TODAY - 1) -> dict[int, dict[int, int]]:
    """Return one amount a day at ten o'clock, the last one on `last`."""
    return {last - age: {10: amount} for age, amount in enumerate(reversed(amounts))}


# By hand: limit = 2^(m + 6·max(1.4826·MAD, 0.75)) for the median m and MAD of log2(1 + amount); 6·0.75 = 4.5.
@pytest.mark.parametrize(
    ("history", "limit"),
    [
        pytest.param({}, None, id="no history"),
        # m = 0: 2^4.5 = 22.6
        pytest.param(days(0), Limit(22, 0, 1), id="nothing sent"),
        # m = log2(1024) = 10, MAD 0: 2^14.5 = 23170.4, about 22 times the median; zero variance is a tolerance
        pytest.param(days(*[1_023] * 7), Limit(23_170, 1_023, 7), id="no variance"),
        # logs 9, 10, 11: m = 10, MAD = 1: 2^(10 + 8.8956) = 487688
        pytest.param(days(511, 1_023, 2_047), Limit(487_688, 1_023, 3), id="spread"),
        # logs 10, 12: m = 11, MAD = 1
        pytest.param(days(1_023, 4_095), Limit(975_376, 2_047, 2), id="median between two"),
        # bounded by 2^62
        pytest.param(days(1 << 61), Limit(1 << 62, 1 << 61, 1), id="never beyond 2^62"),
    ],
)
def test_limits_by_hand(history: dict[int, dict[int, int]], limit: Limit | None) -> None:
    found = hourly_limit(history, TODAY)
    if limit is None:
        assert found is None
    else:
        assert found is not None
        assert found.amount == pytest.approx(limit.amount, rel=1e-4)
        assert (found.median, found.n) == (pytest.approx(limit.median, abs=1), limit.n)


def test_only_the_last_seven_days_with_an_amount_before_the_day_speak() -> None:
    old = days(*[1 << 30] * 5, last=TODAY - 20)
    assert hourly_limit({**old, **days(*[1_023] * 7)}, TODAY) == hourly_limit(days(*[1_023] * 7), TODAY)
    assert hourly_limit({**days(*[1_023] * 7), TODAY: {1: 1 << 40}}, TODAY) == hourly_limit(days(*[1_023] * 7), TODAY)
    few = hourly_limit({**old, **days(1_023)}, TODAY)
    assert few is not None
    assert few.n == 6


def test_an_hour_and_a_day_have_limits_of_their_own() -> None:
    history = {TODAY - 1: {9: 511, 10: 511}, TODAY - 2: {9: 511, 10: 511}}
    hourly, daily = hourly_limit(history, TODAY), total_limit(history, TODAY)
    assert hourly is not None
    assert daily is not None
    assert (hourly.n, hourly.median) == (4, 511)
    assert (daily.n, daily.median) == (2, 1_022)


@given(st.lists(st.integers(0, 1 << 50), min_size=1, max_size=10))
def test_a_limit_is_beyond_twenty_times_the_median(amounts: list[int]) -> None:
    limit = hourly_limit(days(*amounts), TODAY)
    assert limit is not None
    assert limit.amount >= min(22 * limit.median, 1 << 61)
    assert limit.n == min(len(amounts), 7)


@given(st.permutations([5, 80, 900, 70_000]))
def test_a_limit_does_not_depend_on_the_order_of_days(amounts: list[int]) -> None:
    assert hourly_limit(days(*amounts), TODAY) == hourly_limit(days(5, 80, 900, 70_000), TODAY)
