"""Packed baselines say of a value that it is established exactly where the baselines do."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import AGENT, DAY, IDS, KEY, at, before, learnt, reached
from leeway.baselines import AgentState, Baseline, Entry, Kindred, Membership, Reference, membership_of, state_of
from leeway.baselines.packed import PackedBaselines, established_until
from leeway.config import LearningProfile
from leeway.events import EventRef, Facet

TODAY = DAY.toordinal()
PROFILES = (LearningProfile(), LearningProfile(learning_days=1, established_days=1))
EXEMPLAR = EventRef(at(), "e1")


def entries() -> st.SearchStrategy[Entry]:
    days = st.integers(0, (1 << 60) - 1).map(lambda days: days | 1)
    few = st.integers(0, 255).map(lambda days: days | 1)
    return st.builds(
        lambda age, days, count: Entry(TODAY - age, days, count, TODAY - age, 1, EXEMPLAR),
        st.integers(-3, 40),
        days | few,
        st.integers(1, 12),
    )


def baseline_of(found: list[Entry]) -> Baseline:
    values = {(f"v{number}",): entry for number, entry in enumerate(found)}
    days = (TODAY - 30, TODAY - 1)
    return Baseline(agent=AGENT, key=KEY, first_day=days[0], last_day=days[1], events=90, entries={Facet.USER: values})


@pytest.mark.parametrize("profile", PROFILES)
@given(found=st.lists(entries(), max_size=12), later=st.integers(-5, 40))
def test_established_is_what_the_baseline_says(profile: LearningProfile, found: list[Entry], later: int) -> None:
    baseline, day = baseline_of(found), TODAY + later
    packed = PackedBaselines([baseline], IDS, profile)
    reference = Reference(baseline, Kindred((), day, profile), day, profile)
    for value, entry in baseline.values(Facet.USER).items():
        print_ = packed.fingerprint(Facet.USER, value)
        is_established = reference.membership(Facet.USER, value) is Membership.ESTABLISHED
        assert packed.is_established(AGENT, print_, day) <= is_established
        if day >= entry.last:
            assert packed.is_established(AGENT, print_, day) is is_established


@pytest.mark.parametrize("profile", PROFILES)
@given(entry=entries())
def test_the_last_day_on_which_a_value_is_established(profile: LearningProfile, entry: Entry) -> None:
    until = established_until(entry, profile)
    held = [
        day
        for day in range(entry.last, entry.last + 40)
        if membership_of(entry, day, profile) is Membership.ESTABLISHED
    ]
    assert held == (list(range(entry.last, until + 1)) if until else [])


def test_what_was_learnt_is_found_again_and_nothing_else() -> None:
    day = [reached("api.example.org", when=at(9, n)) for n in range(3)]
    baseline = learnt([(before(n), day) for n in range(4, 0, -1)])
    packed = PackedBaselines([baseline], IDS, LearningProfile())
    known = packed.fingerprint(Facet.DOMAIN, ("example.org", "api.example.org"))
    assert packed.is_established(AGENT, known, TODAY)
    assert not packed.is_established("b" * 32, known, TODAY)
    assert not packed.is_established(AGENT, packed.fingerprint(Facet.USER, ("example.org", "api.example.org")), TODAY)
    assert not packed.is_established(AGENT, packed.fingerprint(Facet.DOMAIN, ("example.org", "x.example.org")), TODAY)
    assert (len(packed), AGENT in packed, "b" * 32 in packed) == (1, True, False)


@pytest.mark.parametrize("later", [-5, 0, 3, 14, 15, 40])
def test_states_are_those_of_the_baselines(later: int) -> None:
    day = (DAY + timedelta(days=later)).toordinal()
    baseline = learnt([(before(n), [reached("a.example")] * 1) for n in range(9, 0, -1)])
    packed = PackedBaselines([baseline], IDS, LearningProfile())
    assert packed.state(AGENT, day) is state_of(baseline, day, LearningProfile())
    assert packed.state("b" * 32, day) is AgentState.UNKNOWN
