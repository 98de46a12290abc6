"""What is learnt at the close of a day, what waits, and what is never learnt."""

from copy import deepcopy
from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    AGENT,
    CLAUDE,
    DAY,
    KEY,
    at,
    before,
    days_of,
    learnt,
    process,
    reached,
    redated,
    settled,
    started,
    summary_of,
)
from leeway.baselines import (
    Baseline,
    Membership,
    Remarks,
    decode_baseline,
    encode_baseline,
    membership_of,
    promote,
    trust,
)
from leeway.config import Caps, LearningProfile, Settings
from leeway.events import AnyEvent, Facet, Measure
from leeway.findings import Held, Severity
from leeway.summaries import Summary

SETTINGS = Settings()
GIT, NC = started(process("git"), CLAUDE), started(process("nc"), CLAUDE)
KNOWN = settled(GIT)
HELD_NC = Held(Facet.CHILD, ("nc",))


def sighted(event: AnyEvent, times: int, day: date = DAY) -> Summary:
    """Return the summary of a day that showed an event so many times."""
    later = (msgspec.structs.replace(event, id="", time=event.time + timedelta(seconds=n)) for n in range(times))
    return summary_of(redated(later, day), day)


def judged(
    baseline: Baseline | None, remarks: Remarks, *days: int, times: int = 2, settings: Settings = SETTINGS
) -> Baseline:
    """Return the baseline after `nc` was seen on days so many days from now, always under the same remarks."""
    for number in days:
        day = DAY + timedelta(days=number)
        baseline = promote(baseline, KEY, sighted(NC, times, day), remarks, settings)
    if baseline is None:
        raise AssertionError("a baseline needs a day")
    return baseline


def knows(baseline: Baseline, child: str = "nc") -> bool:
    return (child,) in baseline.values(Facet.CHILD)


def waits(baseline: Baseline, child: str = "nc") -> bool:
    return (child,) in baseline.pending.get(Facet.CHILD, {})


def held(severity: Severity, **more: object) -> Remarks:
    return Remarks({HELD_NC: severity}, **more)  # type: ignore[arg-type]  # fields


def test_a_trusted_day_teaches_everything_but_the_never_list() -> None:
    never = frozenset({HELD_NC})
    baseline = trust(KNOWN, KEY, summary_of([GIT, NC, reached("a.example")]), never, SETTINGS)
    assert knows(baseline, "git")
    assert not knows(baseline)
    assert ("nc", "") not in baseline.values(Facet.CHILD_ARGUMENTS), "what lies within a ruled-out value is ruled out"
    assert ("a.example",) in baseline.values(Facet.REGISTRABLE_DOMAIN)
    assert [one.mode for one in baseline.provenance] == ["trusted"]


def test_what_nobody_remarked_is_learnt_at_once() -> None:
    baseline = judged(KNOWN, Remarks({}), 0)
    assert knows(baseline)
    assert [(one.mode, one.first, one.last) for one in baseline.provenance] == [
        ("trusted", before(8), before(1)),
        ("judged", DAY, DAY),
    ]


@pytest.mark.parametrize("severity", list(Severity))
def test_what_was_remarked_waits(severity: Severity) -> None:
    baseline = judged(KNOWN, held(severity), 0)
    assert not knows(baseline)
    assert waits(baseline)
    assert baseline.pending[Facet.CHILD][("nc",)].severity is severity


def test_a_waiting_value_stays_waiting_without_a_new_remark_at_its_gravest() -> None:
    baseline = judged(KNOWN, held(Severity.HIGH), 0)
    baseline = judged(baseline, held(Severity.LOW), 1)
    baseline = judged(baseline, Remarks({}), 2)
    waiting = baseline.pending[Facet.CHILD][("nc",)]
    assert waiting.severity is Severity.HIGH
    assert (waiting.entry.count, waiting.entry.days.bit_count()) == (6, 3)


def test_values_within_a_held_one_are_held() -> None:
    baseline = judged(KNOWN, held(Severity.MEDIUM), 0)
    assert ("nc", "") in baseline.pending[Facet.CHILD_ARGUMENTS]
    assert ("nc", "") not in baseline.values(Facet.CHILD_ARGUMENTS)


def test_a_value_that_is_known_goes_on_being_learnt() -> None:
    baseline = promote(KNOWN, KEY, sighted(GIT, 3), Remarks({Held(Facet.CHILD, ("git",)): Severity.HIGH}), SETTINGS)
    assert baseline.values(Facet.CHILD)[("git",)].count == 83


def test_a_value_that_was_forgotten_is_held_like_a_new_one() -> None:
    old = learnt([(before(40), [NC]), *((before(n), [GIT] * 3) for n in range(8, 0, -1))])
    baseline = judged(old, held(Severity.HIGH), 0)
    assert waits(baseline)
    assert (
        membership_of(baseline.values(Facet.CHILD).get(("nc",)), DAY.toordinal() + 1, SETTINGS.profile)
        is Membership.NEW
    )


def test_a_value_that_was_forgotten_starts_anew() -> None:
    old = learnt([(before(40), [NC]), (before(1), [GIT])])
    entry = judged(old, Remarks({}), 0).values(Facet.CHILD)[("nc",)]
    assert (entry.count, entry.first) == (2, DAY.toordinal())


@pytest.mark.parametrize(
    ("severity", "days", "times", "learnt_then"),
    [
        pytest.param(Severity.MEDIUM, (0, 1, 6), 9, False, id="six days old"),
        pytest.param(Severity.MEDIUM, (0, 1, 7), 2, True, id="seven days old, three days, six sightings"),
        pytest.param(Severity.LOW, (0, 1, 7), 2, True, id="low as well"),
        pytest.param(Severity.INFO, (0, 1, 7), 2, True, id="info as well"),
        pytest.param(Severity.MEDIUM, (0, 7), 9, False, id="two days only"),
        pytest.param(Severity.MEDIUM, (0, 1, 7), 1, False, id="three sightings only"),
        pytest.param(Severity.MEDIUM, (0, 1, 2, 3, 7), 1, True, id="five days, five sightings"),
        pytest.param(Severity.HIGH, (0, 1, 7, 30, 31), 9, False, id="high never expires"),
        pytest.param(Severity.CRITICAL, (0, 1, 7, 30, 31), 9, False, id="nor critical"),
    ],
)
def test_an_unreviewed_case_expires(severity: Severity, days: tuple[int, ...], times: int, learnt_then: bool) -> None:  # noqa: FBT001  # a column
    baseline = judged(KNOWN, held(severity), *days, times=times)
    assert knows(baseline) is learnt_then
    assert waits(baseline) is not learnt_then


def test_expired_values_are_learnt_under_a_weekly_quota() -> None:
    children = [started(process(f"tool{letter}"), CLAUDE) for letter in "abcdefghijklmno"]
    remarks = Remarks({Held(Facet.CHILD, (f"tool{letter}",)): Severity.LOW for letter in "abcdefghijklmno"})
    sizes, baseline = [], KNOWN
    for number in range(17):
        day = DAY + timedelta(days=number)
        baseline = promote(baseline, KEY, summary_of(redated(children, day), day), remarks, SETTINGS)
        sizes.append(len(baseline.values(Facet.CHILD)) + len(baseline.values(Facet.CHILD_ARGUMENTS)) - 2)
    # Each tool is two values: itself and itself with its arguments. Ten a week.
    assert sizes == [0] * 7 + [10] * 7 + [20] * 3
    assert baseline.promoted == {DAY.toordinal() + 14: 10}
    assert sum(map(len, baseline.pending.values())) == 10


def test_an_agent_that_is_learning_learns_low_remarks_only() -> None:
    low, medium = held(Severity.LOW, is_learning=True), held(Severity.MEDIUM, is_learning=True)
    assert knows(judged(None, low, 0))
    assert waits(judged(None, medium, 0))


def test_a_benign_verdict_releases_what_waits() -> None:
    waiting = judged(KNOWN, held(Severity.HIGH), 0)
    released = judged(waiting, held(Severity.HIGH, accepted=frozenset({HELD_NC})), 1)
    assert knows(released)
    assert not waits(released)
    assert ("nc", "") in released.values(Facet.CHILD_ARGUMENTS), "and what lies within"
    assert released.promoted == {}, "a person's release costs no quota"


def test_a_benign_verdict_releases_without_another_sighting() -> None:
    waiting = judged(KNOWN, held(Severity.HIGH), 0)
    day = DAY + timedelta(days=1)
    remarks = Remarks({}, accepted=frozenset({HELD_NC}))
    assert knows(promote(waiting, KEY, sighted(GIT, 1, day), remarks, SETTINGS))


def test_a_malicious_verdict_outlives_expiry() -> None:
    never = frozenset({HELD_NC})
    waiting = judged(KNOWN, held(Severity.LOW), 0, 1, 2)
    ruled_out = judged(waiting, held(Severity.LOW, never=never), 7, 8, 30)
    assert not knows(ruled_out)
    assert not waits(ruled_out)
    trusted = trust(ruled_out, KEY, sighted(NC, 9, DAY + timedelta(days=31)), never, SETTINGS)
    assert not knows(trusted)


def test_the_never_list_is_stronger_than_an_accepted_value() -> None:
    both = Remarks({}, accepted=frozenset({HELD_NC}), never=frozenset({HELD_NC}))
    assert not knows(judged(KNOWN, both, 0))


def test_a_capped_facet_teaches_nothing_new_when_judged() -> None:
    capped = msgspec.structs.replace(summary_of([GIT, NC]), capped=frozenset({Facet.CHILD}))
    baseline = promote(KNOWN, KEY, capped, Remarks({}), SETTINGS)
    assert not knows(baseline)
    assert not waits(baseline)
    assert baseline.values(Facet.CHILD)[("git",)].count == 81
    assert knows(trust(KNOWN, KEY, capped, frozenset(), SETTINGS)), "a trusted day is not judged"


def test_values_past_the_cap_are_let_go_longest_unseen_first_and_counted() -> None:
    settings = Settings(caps=Caps(baseline_values=6))
    children = [(before(9 - n), [started(process(f"tool{letter}"), CLAUDE)]) for n, letter in enumerate("abcdefg")]
    baseline = learnt(children, settings)
    names = {value[0] for value in baseline.values(Facet.CHILD)}
    assert sum(map(len, baseline.entries.values())) == 6
    # Per day: a child, its arguments, an hour (the same one on weekdays, another at weekends).
    total = 7 * 2 + 2
    assert baseline.evicted >= total - 6
    assert "toolg" in names
    assert "toola" not in names


def test_waiting_values_have_the_same_cap_and_push_out_nothing_learnt() -> None:
    settings = Settings(caps=Caps(baseline_values=20))
    baseline = settled(GIT, settings=settings)
    for number in range(20):
        day = DAY + timedelta(days=number)
        names = [f"tool{letter}{number}" for letter in "abc"]
        remarks = Remarks({Held(Facet.CHILD, (name,)): Severity.HIGH for name in names})
        today = [started(process(name), CLAUDE) for name in (*names, "git")]
        baseline = promote(baseline, KEY, summary_of(redated(today, day), day), remarks, settings)
    assert sum(map(len, baseline.pending.values())) == 20
    assert baseline.evicted == 20 * 3 * 2 - 20
    assert waits(baseline, "toola19")
    assert not waits(baseline, "toola0")
    assert knows(baseline, "git")


def test_what_others_lie_within_is_learnt_first_under_the_quota() -> None:
    settings = Settings(caps=Caps(promoted_per_week=2))
    places = ("a.example", "b.example")
    remarks = Remarks({Held(Facet.REGISTRABLE_DOMAIN, (one,)): Severity.MEDIUM for one in places})
    baseline = KNOWN
    for number in range(8):
        day = DAY + timedelta(days=number)
        today = [reached(one, when=at(10, minute)) for one in places for minute in range(2)]
        baseline = promote(baseline, KEY, summary_of(redated(today, day), day), remarks, settings)
    assert sorted(baseline.values(Facet.REGISTRABLE_DOMAIN)) == [("a.example",), ("b.example",)]
    assert baseline.values(Facet.DOMAIN) == {}


def test_the_parts_of_a_day_count_it_once() -> None:
    parts = [summary_of([GIT]), summary_of([GIT, NC])]
    first = trust(KNOWN, KEY, parts[0], frozenset(), SETTINGS)
    both = promote(first, KEY, parts[1], Remarks({}), SETTINGS)
    assert (KNOWN.active_days, first.active_days, both.active_days) == (8, 9, 9)
    assert both.events == 83
    entry = both.values(Facet.CHILD)[("git",)]
    assert (entry.count, entry.days.bit_count()) == (82, 9)
    assert both.hourly[Measure.EVENTS][DAY.toordinal()] == {10: 3}


def test_novelties_count_new_values_but_not_those_of_the_first_day() -> None:
    baseline = learnt([(before(3), [GIT]), (before(2), [GIT, NC]), (before(1), [GIT])])
    assert baseline.novelties[Facet.CHILD] == {before(2).toordinal(): 1}


def test_a_remarked_measure_is_not_learnt() -> None:
    known = settled(reached("a.example", bytes_out=10))
    much = summary_of([reached("a.example", bytes_out=1 << 40)])
    today, whole = DAY.toordinal(), Held(Measure.BYTES_OUT, ())
    assert promote(known, KEY, much, Remarks({}), SETTINGS).hourly[Measure.BYTES_OUT][today] == {10: 1 << 40}
    remarked = promote(known, KEY, much, Remarks({whole: Severity.MEDIUM}), SETTINGS)
    assert today not in remarked.hourly[Measure.BYTES_OUT]
    accepted = Remarks({whole: Severity.MEDIUM}, accepted=frozenset({whole}))
    assert today in promote(known, KEY, much, accepted, SETTINGS).hourly[Measure.BYTES_OUT]


def test_sums_are_kept_for_ninety_days() -> None:
    baseline = learnt([(before(n), [GIT]) for n in (95, 91, 90, 89, 1)])
    days = sorted(DAY.toordinal() - day for day in baseline.hourly[Measure.EVENTS])
    assert days == [1, 89, 90]


def test_a_signer_that_becomes_known_names_the_baseline() -> None:
    signed = KEY.signed("Somebody")
    renamed = trust(KNOWN, signed, summary_of([GIT]), frozenset(), SETTINGS)
    assert renamed.key == signed
    assert trust(renamed, KEY, summary_of([GIT]), frozenset(), SETTINGS).key == signed


@given(days_of(), days_of(), st.sampled_from(list(Severity)))
def test_learning_leaves_its_inputs_as_they_were(
    past: list[AnyEvent], today: list[AnyEvent], severity: Severity
) -> None:
    settings = Settings(caps=Caps(baseline_values=12), profile=LearningProfile(established_days=1))
    baseline, summary = learnt([(before(1), past)], settings), summary_of(today)
    remarks = Remarks({Held(facet, value): severity for facet, values in summary.sightings.items() for value in values})
    copies = deepcopy((baseline, summary, remarks))
    after = promote(baseline, KEY, summary, remarks, settings)
    promote(after, KEY, summary, Remarks({}, accepted=frozenset(remarks.held)), settings)
    trust(baseline, KEY, summary, frozenset(), settings)
    assert (baseline, summary, remarks) == copies


@given(days_of(), days_of())
def test_a_trusted_day_in_parts_teaches_what_the_whole_teaches(one: list[AnyEvent], other: list[AnyEvent]) -> None:
    never: frozenset[Held] = frozenset()
    other = [event for event in other if event.id not in {event.id for event in one}]
    parts = trust(trust(KNOWN, KEY, summary_of(one), never, SETTINGS), KEY, summary_of(other), never, SETTINGS)
    whole = trust(KNOWN, KEY, summary_of([*one, *other]), never, SETTINGS)
    assert parts.entries == whole.entries
    assert parts.novelties == whole.novelties
    assert parts.hourly == whole.hourly
    assert (parts.active_days, parts.events, parts.agent) == (whole.active_days, whole.events, AGENT)


def test_more_than_a_machine_can_send_is_remembered_as_the_most_that_is() -> None:
    events = [reached("a.example", when=at(9, minute), bytes_out=1 << 62) for minute in range(5)]
    baseline = learnt([(before(1), events), (before(1), events)])
    assert baseline.hourly[Measure.BYTES_OUT] == {before(1).toordinal(): {9: (1 << 63) - 1}}
    assert decode_baseline(encode_baseline(baseline)) == baseline
