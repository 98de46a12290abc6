"""The laws of summaries: merging is a commutative monoid, and every way to one day's summary gives the same value."""

from datetime import date
from functools import reduce
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import ACTOR, AGENT, BOUND, DAY, IDS, at, called, days_of, reached, summary_of
from leeway.config import Caps
from leeway.errors import StateError
from leeway.events import AnyEvent, Facet, Measure
from leeway.summaries import Bound, Summary, decode_summary, encode_summary, merge, observe
from leeway.summaries.builder import Credits
from leeway.summaries.summary import MEASURE_KEYS

TINY = Bound(Caps(values_per_facet=3, session_steps=2), IDS)
BOUNDS = [pytest.param(BOUND, id="wide"), pytest.param(TINY, id="capped")]
EMPTY = Summary(agent=AGENT, day=DAY)


def folded(events: list[AnyEvent], bound: Bound) -> Summary:
    """Return the fold of `merge` over `observe`, the definition that the builder is a short cut for."""
    seen = (observe(event, Credits((AGENT,), (AGENT,)), ACTOR, bound)[AGENT] for event in events)
    return reduce(lambda one, other: merge(one, other, bound), seen, EMPTY)


@pytest.mark.parametrize("bound", BOUNDS)
@given(events=days_of())
def test_the_builder_is_the_fold_of_merge_over_observe(bound: Bound, events: list[AnyEvent]) -> None:
    assert summary_of(events, bound=bound) == folded(events, bound)


@pytest.mark.parametrize("bound", BOUNDS)
@given(events=days_of(), cut=st.integers(0, 25), seed=st.integers(0, 1 << 30))
def test_any_split_and_any_order_give_the_same_summary(
    bound: Bound, events: list[AnyEvent], cut: int, seed: int
) -> None:
    shuffled = list(events)
    Random(seed).shuffle(shuffled)  # noqa: S311  # an order, no secret
    parts = summary_of(shuffled[cut:], bound=bound), summary_of(shuffled[:cut], bound=bound)
    assert merge(*parts, bound) == summary_of(events, bound=bound)


@pytest.mark.parametrize("bound", BOUNDS)
@given(first=days_of(most=12), second=days_of(most=12), third=days_of(most=12))
def test_merge_is_a_commutative_monoid(
    bound: Bound, first: list[AnyEvent], second: list[AnyEvent], third: list[AnyEvent]
) -> None:
    a, b, c = (summary_of(part, bound=bound) for part in (first, second, third))
    assert merge(a, b, bound) == merge(b, a, bound)
    assert merge(merge(a, b, bound), c, bound) == merge(a, merge(b, c, bound), bound)
    assert merge(a, EMPTY, bound) == a == merge(EMPTY, a, bound)


@given(first=days_of(), second=days_of())
def test_merging_leaves_its_inputs_as_they_were(first: list[AnyEvent], second: list[AnyEvent]) -> None:
    a, b = summary_of(first, bound=TINY), summary_of(second, bound=TINY)
    before = encode_summary(a), encode_summary(b)
    merge(a, b, TINY)
    assert (encode_summary(a), encode_summary(b)) == before


@given(first=days_of(), second=days_of())
def test_a_merged_summary_lists_its_values_in_order(first: list[AnyEvent], second: list[AnyEvent]) -> None:
    merged = merge(summary_of(first), summary_of(second), BOUND)
    for values in merged.sightings.values():
        assert list(values) == sorted(values)


@pytest.mark.parametrize(
    ("agent", "day"), [pytest.param("b", DAY, id="agents"), pytest.param(AGENT, date(2026, 3, 10), id="days")]
)
def test_summaries_of_two_agents_or_days_do_not_merge(agent: str, day: date) -> None:
    with pytest.raises(ValueError, match="one agent and one day"):
        merge(EMPTY, Summary(agent=agent, day=day), BOUND)


# Caps


def many(hosts: int) -> list[AnyEvent]:
    return [reached(f"www.site{n}.example", bytes_out=n) for n in range(hosts)]


@given(seed=st.integers(0, 1 << 30), hosts=st.integers(1, 40), cap=st.integers(2, 8))
def test_past_the_cap_the_smallest_fingerprints_stay_in_any_order(seed: int, hosts: int, cap: int) -> None:
    bound = Bound(Caps(values_per_facet=cap), IDS)
    events = many(hosts)
    expected = sorted(
        ((f"site{n}.example",) for n in range(hosts)), key=lambda value: bound.rank(Facet.REGISTRABLE_DOMAIN, value)
    )
    Random(seed).shuffle(events)  # noqa: S311  # an order, no secret
    summary = summary_of(events, bound=bound)
    assert sorted(summary.sightings[Facet.REGISTRABLE_DOMAIN]) == sorted(expected[:cap])
    assert (Facet.REGISTRABLE_DOMAIN in summary.capped) == (hosts > cap)
    assert Facet.PORT not in summary.capped


@pytest.mark.parametrize(
    ("hosts", "cap", "least", "most"),
    [
        pytest.param(0, 64, 0, 0, id="none"),
        pytest.param(64, 64, 64, 64, id="at the cap it is exact"),
        pytest.param(65, 64, 40, 100, id="one past it"),
        pytest.param(640, 64, 440, 900, id="ten times"),
        pytest.param(3_000, 512, 2_600, 3_400, id="default cap"),
    ],
)
def test_the_estimate_is_near_the_number_of_values(hosts: int, cap: int, least: int, most: int) -> None:
    bound = Bound(Caps(values_per_facet=cap), IDS)
    summary = summary_of(many(hosts), bound=bound)
    assert least <= summary.estimate(Facet.REGISTRABLE_DOMAIN, bound) <= most


@given(seed=st.integers(0, 1 << 30), extra=st.integers(0, 3 * MEASURE_KEYS), cut=st.integers(0, 4 * MEASURE_KEYS))
def test_parts_of_a_measure_are_bounded_and_do_not_depend_on_order(seed: int, extra: int, cut: int) -> None:
    events = many(extra + 2)
    Random(seed).shuffle(events)  # noqa: S311  # an order, no secret
    summary = summary_of(events)
    parts = summary.measures[Measure.BYTES_OUT]
    assert len(parts) == min(extra + 2, MEASURE_KEYS) + 1
    assert parts[""].total == sum(range(extra + 2))
    assert merge(summary_of(events[cut:]), summary_of(events[:cut]), BOUND) == summary


def test_parts_without_a_whole_are_bounded_in_any_order() -> None:
    calls = [called(f"tool{n}", duration_us=n) for n in range(MEASURE_KEYS + 2)]
    ranked = sorted(calls, key=lambda call: BOUND.rank(Measure.TOOL_DURATION_US, (call.tool,)))
    last = [ranked[-1]]
    whole = summary_of(calls)
    assert len(whole.measures[Measure.TOOL_DURATION_US]) == MEASURE_KEYS
    assert merge(summary_of(ranked[:-1]), summary_of(last), BOUND) == whole
    assert (
        merge(merge(whole, summary_of(last), BOUND), EMPTY, BOUND).measures[Measure.TOOL_DURATION_US].keys()
        == whole.measures[Measure.TOOL_DURATION_US].keys()
    )


def test_a_connection_without_a_destination_counts_once() -> None:
    parts = summary_of([reached("", bytes_out=7)]).measures[Measure.BYTES_OUT]
    assert parts[""].total == 7
    assert parts[""].n == 1


# Codec


@given(events=days_of())
def test_a_stored_summary_reads_back_and_equal_ones_have_equal_bytes(events: list[AnyEvent]) -> None:
    summary = summary_of(events)
    body = encode_summary(summary)
    assert decode_summary(body) == summary
    assert encode_summary(decode_summary(body)) == body
    assert encode_summary(folded(events[::-1], BOUND)) == body


def _foreign() -> bytes:
    stored = msgspec.msgpack.decode(encode_summary(summary_of([reached("a.example")])))
    return msgspec.msgpack.encode([2, *stored[1:]])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(_foreign(), "version 2; this program reads version 1", id="another version"),
        pytest.param(b"", "not a stored summary", id="empty"),
        pytest.param(b"\xc1", "not a stored summary", id="no MessagePack"),
        pytest.param(msgspec.msgpack.encode({"version": 1}), "not a stored summary", id="another shape"),
    ],
)
def test_other_bytes_are_refused(body: bytes, message: str) -> None:
    with pytest.raises(StateError, match=message):
        decode_summary(body)


def test_an_empty_summary_counts_no_event() -> None:
    assert EMPTY.events == 0
    assert summary_of([reached("a.example"), reached("b.example")]).events == 2


def test_a_sighting_says_how_often_when_and_by_which_event_first() -> None:
    early, late = reached("a.example", when=at(9, 5)), reached("a.example", when=at(23, 59))
    also = reached("a.example", when=at(9, 5), user="ana")
    seen = summary_of([late, early, also]).sightings[Facet.DOMAIN][("a.example", "a.example")]
    assert (seen.count, seen.first, seen.last, seen.hours) == (3, at(9, 5), at(23, 59), 1 << 9 | 1 << 23)
    assert seen.exemplar == (at(9, 5), min(early.id, also.id))
