"""The parts that the detector judges by: what each says of values of which the answer is known."""

from datetime import UTC, datetime, timedelta
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from leeway.library.detection.acts import SLOTS_A_DAY, act_of, acts_of, in_order, word
from leeway.library.detection.amounts import Amounts, Failures, Intervals, Usual
from leeway.library.detection.features import FeatureVector
from leeway.library.detection.frequencies import Frequency, Outcome, Sequences, chance_of_new
from leeway.library.detection.hours import Hours
from leeway.library.detection.members import ASPECTS, Members
from leeway.library.detection.ranking import Ranking, Scale, by_session, statistic
from leeway.library.security_event import SecurityEvent, read_event
from leeway.testing.acting import SHAPES, past_of

START = datetime(2026, 3, 2, 9, tzinfo=UTC)

words = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60)
numbers = st.lists(st.floats(0, 50), min_size=1, max_size=80)


def test_a_new_value_is_as_likely_as_values_seen_once() -> None:
    assert chance_of_new({"a": 90, **{f"x{k}": 1 for k in range(10)}}, 100) == pytest.approx(0.1)


def test_where_none_was_seen_once_a_new_value_is_unlikely_and_possible() -> None:
    chances = [chance_of_new({"a": n // 2, "b": n // 2}, n) for n in (10, 100, 1000, 10_000)]
    assert chances == sorted(chances, reverse=True)
    assert 1e-5 < chances[-1] < 1e-4
    assert chance_of_new({"a": 100}, 100) < chances[1] < chance_of_new(dict.fromkeys("abcdefghij", 10), 100)


@given(words)
def test_the_rarer_a_value_the_further_it_departs(values: list[str]) -> None:
    frequency = Frequency.of(values)
    assert frequency is not None
    counts = sorted(frequency.counts.values())
    departures = sorted((frequency.departure(value) for value in frequency.counts), reverse=True)
    assert len(counts) == len(departures)
    assert max(departures) <= frequency.departure("never") + 1e-12
    held_out = frequency.held_out(values)
    assert all(a is not None and a >= frequency.departure(v) - 1e-12 for a, v in zip(held_out, values, strict=True))


def test_rare_values_beyond_the_most_count_as_new() -> None:
    frequency = Frequency.of([f"v{k}" for k in range(2000)] + ["common"] * 2000)
    assert frequency is not None
    assert len(frequency.counts) == 512
    assert frequency.new == pytest.approx(0.5, abs=0.13)


def test_outcomes_go_by_event_type_and_are_drawn_to_all() -> None:
    outcome = Outcome.of(["a"] * 100 + ["b"] * 100, [True] * 100 + [True, False] * 50)
    assert outcome is not None
    assert outcome.share("a", success=False) < 0.01
    assert outcome.share("b", success=False) == pytest.approx(0.5, abs=0.02)
    assert outcome.share("new", success=False) == pytest.approx(0.25, abs=0.01)
    assert Outcome.of(["a"], [None]) is None


def test_sequences_tell_the_usual_order() -> None:
    actions = ["a", "b", "c"] * 50
    befores = [None, ("a",), *[(actions[k - 1], actions[k - 2]) for k in range(2, 150)]]
    sequences = Sequences.of(actions, befores)
    assert sequences is not None
    assert sequences.share("c", ("b", "a")) > 0.98
    assert sequences.share("a", ("b", "a")) < 0.02
    assert sequences.share("never", ("b", "a")) < 0.001
    assert max(one for one in sequences.held_out(actions, befores) if one is not None) < 0.1
    assert Sequences.of(["a"], [None]) is None


def test_an_action_of_which_only_one_before_is_known_may_follow_any_that_is_common() -> None:
    actions = list("aab") * 100 + list("cb")
    befores = [None if not at else tuple(reversed(actions[max(0, at - 2) : at])) for at in range(len(actions))]
    sequences = Sequences.of(actions, befores)
    assert sequences is not None
    assert sequences.share("a", ("a",)) > 0.95
    assert sequences.share("b", ("a",)) > 0.95
    assert sequences.share("c", ("a",)) < 0.02
    assert sequences.share("c", ("b",)) < 0.02
    assert sequences.share("a", ("never",)) == sequences.share("a", ("never", "a"))


@given(st.floats(1e-3, 1e6), st.floats(1e-6, 1e6))
def test_the_unit_of_an_amount_does_not_matter(amount: float, unit: float) -> None:
    values = [float(k) for k in range(1, 40)]
    plain = Amounts.of(["a"] * 39, values, offset=0.01, own={"a"})
    scaled = Amounts.of(["a"] * 39, [unit * one for one in values], offset=0.01, own={"a"})
    assert plain is not None
    assert scaled is not None
    assert plain.departure("a", amount) == pytest.approx(scaled.departure("a", unit * amount), abs=1e-6)


def test_amounts_go_by_event_type() -> None:
    amounts = Amounts.of(["s", "l"] * 50, [10.0, 1000.0] * 50, offset=0.01, own={"s", "l"})
    assert amounts is not None
    assert amounts.departure("s", 10.0) == pytest.approx(0)
    assert amounts.units("s", 1000.0) > 20
    assert amounts.departure("other", 1000.0) < 1.5
    assert amounts.in_words("l")[0] == pytest.approx(1000)
    assert Amounts.of(["a"] * 7, [1.0] * 7, offset=0.01, own=()) is None
    zero = Amounts.of(["a"] * 9, [0.0] * 9, offset=0.1, own={"a"})
    assert zero is not None
    assert zero.departure("a", 0.0) == 0


def test_an_amount_is_no_part_of_its_own_reference_where_there_are_few() -> None:
    values = [1.0] * 9 + [100.0]
    amounts = Amounts.of(["a"] * 10, values, offset=0.01, own={"a"})
    assert amounts is not None
    assert amounts.held_out(["a"] * 10, values)[-1] == pytest.approx(log(100.01 / 1.01) / 0.1, abs=0.3)


@given(numbers)
def test_a_usual_amount_has_a_middle_and_units_above_zero(values: list[float]) -> None:
    usual = Usual.of(sorted(values))
    assert min(values) <= usual.middle <= max(values)
    assert min(usual.below, usual.above) >= 0.1
    assert usual.units(usual.middle) == 0


def test_only_shorter_intervals_depart() -> None:
    intervals = Intervals.of([log(60.0 + k) for k in range(20)])
    assert intervals is not None
    assert intervals.departure(log(0.5)) > 20
    assert intervals.departure(log(5000.0)) < 0
    assert Intervals.of([1.0] * 7) is None


def test_failures_are_as_surprising_as_independent_ones() -> None:
    failures = Failures(0.1)
    assert failures.departure((0, 10)) == 0
    assert exp(-failures.departure((10, 10))) == pytest.approx(1e-10)
    assert exp(-failures.departure((1, 10))) == pytest.approx(1 - 0.9**10)


def hours_of(days: list[int], hours: range) -> Hours:
    slots = [hour * 4 + (SLOTS_A_DAY if day % 7 >= 5 else 0) for day in days for hour in hours]
    found = Hours.of(slots, [START.toordinal() + day for day in days for _ in hours])
    assert found is not None
    return found


def test_hours_are_circular_and_tell_weekends_apart() -> None:
    night = hours_of([day for day in range(28) if day % 7 < 5], range(22, 24))
    assert night.departure(0) < night.departure(4 * 4) < night.departure(12 * 4) + 0.1
    assert night.departure(22 * 4) < 0 < night.departure(12 * 4)
    assert night.departure(SLOTS_A_DAY + 22 * 4) > 2 + night.departure(22 * 4)
    assert night.busiest(0) == (22, 0)
    short = hours_of([0, 1, 2, 3, 4], range(9, 18))
    assert not short.is_split
    assert short.departure(10 * 4) == short.departure(SLOTS_A_DAY + 10 * 4)


def test_few_days_or_hours_say_nothing_of_a_rhythm() -> None:
    assert Hours.of([36] * 100, [1, 2] * 50) is None
    assert Hours.of([36] * 100, [day % 10 for day in range(100)]) is None
    assert Hours.of([None], [None]) is None


def test_a_day_is_left_out_as_a_whole() -> None:
    slots, days = [40] * 20 + [80] * 30, [*range(20), *[25] * 30]
    hours = Hours.restored(_counts(slots), 21, is_split=False)
    held_out = hours.held_out(slots, days)
    assert held_out[-1] is not None
    assert held_out[-1] > hours.departure(80) + 1


def _counts(slots: list[int]) -> list[int]:
    return [slots.count(slot) for slot in range(2 * SLOTS_A_DAY)]


@given(numbers, st.floats(0, 200), st.floats(0, 200))
def test_a_scale_never_falls(departures: list[float], one: float, other: float) -> None:
    scale = Scale.of(departures, 0.5)
    low, high = sorted((one, other))
    assert 0 <= scale.surprise(low) <= scale.surprise(high) <= 40
    assert scale.departures == sorted(set(scale.departures))


def test_a_scale_knows_the_share_that_departs_as_far() -> None:
    scale = Scale.of([float(k) for k in range(1000)], 0.5)
    for share in (0.5, 0.1, 0.01):
        assert exp(-scale.surprise(1000 * (1 - share))) == pytest.approx(share, rel=0.1)
    assert scale.surprise(10_000.0) > scale.surprise(999.0) + 20


def ranking(surprises: list[float]) -> Ranking:
    return Ranking({"a": bytes(int(16 * one) for one in surprises)})


def test_ranks_count_those_that_depart_as_far() -> None:
    table = ranking([k / 16 for k in range(100)])
    assert table.p(("a",), [0.0], 0.05) == 1
    assert table.p(("a",), [50 / 16], 0.05) == pytest.approx(51 / 101)
    assert table.p(("a",), [95 / 16], 0.05) < 0.05 < table.p(("a",), [94 / 16], 0.05)
    assert table.p(("a",), [20.0], 0.05) < 1e-3 < table.p(("a",), [99 / 16], 0.05)


@pytest.mark.parametrize(("equal", "is_flagged"), [(1, True), (5, True), (7, True), (9, False), (100, False)], ids=str)
def test_equals_are_flagged_together_where_that_is_nearer(equal: int, is_flagged: bool) -> None:  # noqa: FBT001  # a table
    table = ranking([0.0] * (100 - equal) + [3.0] * equal)
    assert (table.p(("a",), [3.0], 0.05) < 0.05) == is_flagged


def test_events_are_ranked_among_those_that_say_as_much() -> None:
    both = Ranking({"a": bytes([16] * 150 + [0] * 150), "b": bytes([255] * 150 + [32] * 150)})
    assert len(both.table(("a", "b"))) == 150
    assert len(both.table(("a",))) == 300
    few = Ranking({"a": bytes([16] * 30), "b": bytes([255] * 25 + [32] * 5)})
    assert len(few.table(("a", "b"))) == 30


def test_the_statistic_is_the_largest_and_a_share_of_all() -> None:
    assert statistic([1.0, 4.0, 2.0]) == pytest.approx(4 + 0.15 * 7)


def event(minutes: float, kind: str = "a", **said: object) -> SecurityEvent:
    return SecurityEvent(event_type=kind, timestamp=START + timedelta(minutes=minutes), **said)  # type: ignore[arg-type]


def test_context_is_that_of_the_same_session() -> None:
    events = [event(k, kind=str(k), session_id=str(k % 2)) for k in range(6)]
    acts = acts_of(in_order(reversed(events)), UTC)  # type: ignore[arg-type]  # any order
    assert [act.before for act in acts] == [None, None, ("0",), ("1",), ("2", "0"), ("3", "1")]
    assert acts[2].gap == pytest.approx(log(120.1))


def test_a_share_of_failures_needs_four_outcomes() -> None:
    recent = [event(k, success=False) for k in range(9)]
    assert act_of(event(10, success=False), recent, UTC).failures == (10, 10)
    assert act_of(event(10, success=True), recent[:3], UTC).failures == (3, 4)
    assert act_of(event(10, success=True), recent[:2], UTC).failures is None
    assert act_of(event(10), recent, UTC).failures is None


def test_long_words_are_told_apart() -> None:
    assert word("short") == "short"
    assert word("x" * 100) != word("x" * 101)
    assert len(word("x" * 100)) == 40


def test_the_features_have_names() -> None:
    vector = FeatureVector(success=1.0)
    assert len(vector.to_array()) == len(FeatureVector.feature_names()) == 13
    assert vector.to_array()[FeatureVector.feature_names().index("success")] == 1
    assert sum(one == one for one in vector.to_array()) == 1  # noqa: PLR0124  # NaN is what is not said


@pytest.mark.parametrize(
    ("p", "chances", "found"),
    [
        pytest.param(0.05, 20.0, 0.05, id="what is low stays low"),
        pytest.param(0.004, 1.0, 0.004, id="no sessions are told"),
        pytest.param(0.0001, 10.0, 1 - 0.9999**10, id="ten chances"),
        pytest.param(0.004, 10.0, 0.0101, id="never more than just low"),
    ],
)
def test_what_is_grave_counts_sessions(p: float, chances: float, found: float) -> None:
    assert by_session(p, chances) == pytest.approx(found)


def test_each_aspect_is_held_out_by_what_it_reads() -> None:
    past = [read_event(event) for event in past_of(SHAPES[0], 3, 600)]
    acts = acts_of([replace(one, tool=f"t{at % 4}", destination=f"d{at % 9}") for at, one in enumerate(past)], UTC)
    kept = [at % 50 > 0 for at in range(len(acts))]
    members = Members.of(acts, [act for act, is_kept in zip(acts, kept, strict=True) if is_kept], 0)
    columns = members.held_out(acts, kept)
    assert set(columns) == set(ASPECTS) - {"forest", "forest alone"}
    whole = [members.departures(act) for act in acts]
    for aspect, column in columns.items():
        pairs = [(held, one.get(aspect)) for held, one in zip(column, whole, strict=True)]
        assert all((held is None) == (own is None) for held, own in pairs)
        both = [(held, own) for held, own in pairs if held is not None and own is not None]
        assert len(both) > 500
        # What a single event adds is little: held out, it departs about as far.
        near = [abs(held - own) <= 0.1 * max(1, abs(own)) for held, own in both]
        assert sum(near) > 0.9 * len(near), aspect
        if aspect in {"interval", "rate", "failures"}:
            assert all(held == own for held, own in both)
