"""Entries, membership, states: how well a value, and an agent, is known."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import AGENT, DAY, KEY, days_of, learnt, reached, reference_of, settled
from leeway.baselines import (
    AgentState,
    Baseline,
    Entry,
    Membership,
    decode_baseline,
    encode_baseline,
    membership_of,
    state_of,
)
from leeway.baselines.baseline import entry_of
from leeway.config import LearningProfile
from leeway.errors import StateError
from leeway.events import AnyEvent, EventRef
from leeway.summaries import Sighting

TODAY = DAY.toordinal()
DEFAULT = LearningProfile()


def sighting(count: int = 1, hours: int = 1 << 10, name: str = "e", day: int = TODAY) -> Sighting:
    moment = datetime.fromordinal(day).replace(tzinfo=UTC) + timedelta(hours=10)
    return Sighting(count, moment, moment, hours, EventRef(moment, name))


def entry(*ages: int, count: int | None = None) -> Entry:
    """Return the entry of a value seen so many days ago, once a day unless `count` says otherwise."""
    first, *rest = (entry_of(TODAY - age, sighting(day=TODAY - age)) for age in ages)
    for one in rest:
        first = first.merge(one)
    return first if count is None else msgspec.structs.replace(first, count=count)


@pytest.mark.parametrize(
    ("known", "membership"),
    [
        pytest.param(None, Membership.NEW, id="never"),
        pytest.param(entry(1), Membership.RARE, id="once"),
        pytest.param(entry(1, 2, count=9), Membership.RARE, id="two days"),
        pytest.param(entry(1, 2, 3, count=4), Membership.RARE, id="three days, four sightings"),
        pytest.param(entry(1, 2, 3, count=5), Membership.ESTABLISHED, id="three days, five sightings"),
        pytest.param(entry(28, 29, 30, count=5), Membership.ESTABLISHED, id="at the edge of the window"),
        pytest.param(entry(28, 29, 31, count=5), Membership.RARE, id="one of its days outside the window"),
        pytest.param(entry(30), Membership.RARE, id="thirty days ago"),
        pytest.param(entry(31), Membership.NEW, id="thirty-one days ago"),
        pytest.param(entry(31, 32, 33, count=500), Membership.NEW, id="forgotten however often"),
        pytest.param(entry(0, 1, 2, count=5), Membership.ESTABLISHED, id="the trusted part of the day counts"),
    ],
)
def test_membership(known: Entry | None, membership: Membership) -> None:
    assert membership_of(known, TODAY, DEFAULT) is membership


@pytest.mark.parametrize(
    ("established", "known", "membership"),
    [
        pytest.param(1, entry(1), Membership.ESTABLISHED, id="one day: once is enough"),
        pytest.param(1, entry(31), Membership.NEW, id="one day: forgotten all the same"),
        pytest.param(2, entry(1), Membership.RARE, id="two days: once"),
        pytest.param(2, entry(1, 2), Membership.ESTABLISHED, id="two days: twice"),
        pytest.param(4, entry(1, 2, 3, count=9), Membership.RARE, id="four days: three"),
        pytest.param(4, entry(1, 2, 3, 4, count=5), Membership.ESTABLISHED, id="four days: four"),
    ],
)
def test_membership_under_another_profile(established: int, known: Entry, membership: Membership) -> None:
    assert membership_of(known, TODAY, LearningProfile(established_days=established)) is membership


def test_memberships_are_ordered() -> None:
    assert Membership.NEW < Membership.RARE < Membership.ESTABLISHED
    assert len(Membership) == 3


@pytest.mark.parametrize(
    ("ages", "window", "days"),
    [
        pytest.param((0,), 30, 1, id="the day itself"),
        pytest.param((1, 2, 3), 30, 3, id="three"),
        pytest.param((1, 1, 1), 30, 1, id="one day thrice"),
        pytest.param((30,), 30, 1, id="on the edge"),
        pytest.param((31,), 30, 0, id="past the edge"),
        pytest.param((0, 59), 60, 2, id="59 days apart: remembered"),
        pytest.param((0, 60), 60, 1, id="60 days apart: the older one is forgotten"),
        pytest.param((0, 61), 90, 1, id="61 days apart: the older one is forgotten"),
        pytest.param((59,), 59, 1, id="59 days ago"),
        pytest.param((60,), 60, 1, id="60 days ago"),
        pytest.param((61,), 60, 0, id="61 days ago"),
        pytest.param((0, 10_000), 30, 1, id="far apart"),
    ],
)
def test_distinct_days_in_a_window(ages: tuple[int, ...], window: int, days: int) -> None:
    for order in (ages, ages[::-1]):
        assert entry(*order).distinct_days(TODAY, window) == days


AGES = st.lists(st.integers(0, 200), min_size=1, max_size=8)


@given(AGES, AGES, AGES)
def test_merging_entries_is_commutative_and_associative(one: list[int], two: list[int], three: list[int]) -> None:
    a, b, c = entry(*one), entry(*two), entry(*three)
    assert a.merge(b) == b.merge(a) == entry(*one, *two)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(b).days < 1 << 60


@given(AGES, st.integers(1, 59))
def test_distinct_days_equal_a_set_of_days(ages: list[int], window: int) -> None:
    remembered = {age for age in ages if age - min(ages) < 60}
    assert entry(*ages).distinct_days(TODAY, window) == len({age for age in remembered if age <= window})


@pytest.mark.parametrize(
    ("age", "hours"),
    [
        pytest.param(0, 1 << 10, id="Monday"),
        pytest.param(1, 1 << 34, id="Sunday"),
        pytest.param(2, 1 << 34, id="Saturday"),
        pytest.param(3, 1 << 10, id="Friday"),
    ],
)
def test_hours_of_weekends_are_kept_apart(age: int, hours: int) -> None:
    assert entry(age).hours == hours


# States


def baseline(first: int, last: int = 1, events: int = 49) -> Baseline:
    return Baseline(agent=AGENT, key=KEY, first_day=TODAY - first, last_day=TODAY - last, active_days=1, events=events)


@pytest.mark.parametrize(
    ("known", "profile", "state"),
    [
        pytest.param(None, DEFAULT, AgentState.UNKNOWN, id="unknown"),
        pytest.param(baseline(6), DEFAULT, AgentState.LEARNING, id="six days"),
        pytest.param(baseline(7), DEFAULT, AgentState.SETTLED, id="seven days"),
        pytest.param(baseline(7, events=48), DEFAULT, AgentState.LEARNING, id="seven days with 48 events"),
        pytest.param(baseline(40, 14), DEFAULT, AgentState.SETTLED, id="last active 14 days ago"),
        pytest.param(baseline(40, 15), DEFAULT, AgentState.STALE, id="last active 15 days ago"),
        pytest.param(baseline(40, 15, events=1), DEFAULT, AgentState.LEARNING, id="never settled, so not stale"),
        pytest.param(baseline(1, events=1), LearningProfile(learning_days=0), AgentState.SETTLED, id="at once"),
        pytest.param(
            baseline(1, events=6), LearningProfile(learning_days=1), AgentState.LEARNING, id="one day, six events"
        ),
        pytest.param(
            baseline(1, events=7), LearningProfile(learning_days=1), AgentState.SETTLED, id="one day, seven events"
        ),
    ],
)
def test_states(known: Baseline | None, profile: LearningProfile, state: AgentState) -> None:
    assert state_of(known, TODAY, profile) is state
    assert reference_of(known, profile=profile).state is state


def test_the_four_states_are_a_closed_set() -> None:
    assert [str(state) for state in AgentState] == ["unknown", "learning", "settled", "stale"]


# Codec


@given(st.lists(days_of(most=8), min_size=1, max_size=3))
def test_a_stored_baseline_reads_back_and_equal_ones_have_equal_bytes(days: list[list[AnyEvent]]) -> None:
    known = learnt([(DAY - timedelta(days=len(days) - n), events) for n, events in enumerate(days)])
    body = encode_baseline(known)
    assert decode_baseline(body) == known
    assert encode_baseline(decode_baseline(body)) == body
    backwards = {facet: dict(reversed(values.items())) for facet, values in reversed(known.entries.items())}
    assert encode_baseline(msgspec.structs.replace(known, entries=backwards)) == body


def _foreign() -> bytes:
    stored = msgspec.msgpack.decode(encode_baseline(settled(reached("a.example"))))
    return msgspec.msgpack.encode([stored[0] + 1, *stored[1:]])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(_foreign(), "this program reads version", id="another version"),
        pytest.param(b"", "not a stored baseline", id="empty"),
        pytest.param(b"\x90", "not a stored baseline", id="empty list"),
    ],
)
def test_other_bytes_are_refused(body: bytes, message: str) -> None:
    with pytest.raises(StateError, match=message):
        decode_baseline(body)
