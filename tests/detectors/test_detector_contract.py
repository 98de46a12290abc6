"""What every detector keeps: its name, its page, quiet on nothing, and the monotone law."""

from copy import deepcopy
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import AGENT, BOUND, DAY, KEY, before, days_of, learnt, reference_of, summary_of, view_of
from leeway.baselines import Reference, encode_baseline
from leeway.config import LearningProfile, Policy
from leeway.config.policy import Rule
from leeway.correlation import flow_and_module
from leeway.detectors import ALL, Closes, Detector, View, judge
from leeway.events import AnyEvent, Facet, Measure, Value
from leeway.findings import ANOMALY_TYPES, REGISTERED_TYPES, Severity, Signal
from leeway.summaries import Summary, encode_summary, merge

each = pytest.mark.parametrize("detector", ALL, ids=lambda one: one.name)

POLICY = Policy((Rule(agent="claude", processes=("git",), modules=("libssl*", "ab")),))
PROFILES = st.builds(
    LearningProfile, learning_days=st.sampled_from((0, 1, 7)), established_days=st.sampled_from((1, 2, 3))
)


@st.composite
def references(draw: st.DrawFn) -> Reference:
    """Any reference: unknown, learning, settled or stale, with and without relatives."""
    past = draw(st.lists(days_of(most=12), max_size=3))
    age = draw(st.sampled_from((1, 16)))
    own = learnt([(before(age + number), events) for number, events in enumerate(past)][::-1]) if past else None
    kin = draw(days_of(most=12))
    relatives = [learnt([(before(1), kin)], agent="b" * 32)] if draw(st.booleans()) else []
    return reference_of(own, *relatives, profile=draw(PROFILES))


def said(view: View, *detectors: Detector) -> dict[tuple[str, str, Value], Severity]:
    """Return the severity of each remark; of two with one name, the higher."""
    found: dict[tuple[str, str, Value], Severity] = {}
    for one in judge(detectors, view):
        key = (one.agent, one.type, one.value)
        found[key] = max(one.severity, found.get(key, one.severity))
    return found


def test_the_detectors_are_those_of_the_ten_types_and_the_registry_once_each() -> None:
    names = [detector.name for detector in ALL]
    assert sorted(names) == sorted((*ANOMALY_TYPES, *REGISTERED_TYPES))
    assert len(set(names)) == len(names) == 14


@each
def test_a_detector_has_a_page_with_what_it_is_blind_to(detector: Detector) -> None:
    page = type(detector).__doc__ or ""
    blind = page.partition("Blind to:")[2]
    assert len(blind.strip()) > 20
    assert detector.name.replace("_", "") == type(detector).__name__.casefold()


@each
def test_a_detector_says_when_it_may_speak_and_what_a_source_must_see(detector: Detector) -> None:
    assert detector.closes in set(Closes)
    assert all(isinstance(facet, Facet | Measure) for facet in detector.facets)


@given(reference=references())
def test_nothing_is_said_of_an_empty_day(reference: Reference) -> None:
    view = view_of(Summary(agent=AGENT, day=DAY), reference, POLICY)
    assert judge([detector for detector in ALL if detector.facets], view) == []


@settings(max_examples=100)
@given(reference=references(), events=days_of().filter(bool))
def test_every_signal_is_whole(reference: Reference, events: list[AnyEvent]) -> None:
    view = view_of(summary_of(events), reference, POLICY)
    ids = {event.id for event in events}
    for detector in ALL:
        for signal in detector.judge(view):
            assert (signal.agent, signal.type) == (AGENT, detector.name)
            assert signal.evidence
            assert all(fact.what and fact.seen and fact.expected for fact in signal.evidence)
            assert signal.reason == "; ".join(map(str, signal.evidence))
            assert set(signal.event_ids) <= ids
            assert 1 <= len(signal.event_ids) <= 16
            assert signal.first <= signal.last
            assert 0 < signal.hours < 1 << 24
            assert 0 < signal.surprise.p < 1
            assert {one.facet for one in signal.held} <= {*Facet, *Measure}
            if signal.severity is Severity.INFO:
                assert detector.name == "learning" or "standing" in {fact.what for fact in signal.evidence}


@settings(max_examples=100)
@given(reference=references(), events=days_of().filter(bool), seed=st.integers(0, 1 << 30))
def test_the_order_of_events_does_not_matter(reference: Reference, events: list[AnyEvent], seed: int) -> None:
    shuffled = list(events)
    Random(seed).shuffle(shuffled)  # noqa: S311  # an order, no secret
    half = len(shuffled) // 2
    merged = merge(summary_of(shuffled[half:]), summary_of(shuffled[:half]), BOUND)
    signals = judge(ALL, view_of(summary_of(events), reference, POLICY))
    assert signals == judge(ALL, view_of(summary_of(shuffled), reference, POLICY))
    assert signals == judge(ALL, view_of(merged, reference, POLICY))


@settings(max_examples=200)
@given(reference=references(), s=days_of().filter(bool), t=days_of())
def test_a_monotone_detector_never_takes_back(reference: Reference, s: list[AnyEvent], t: list[AnyEvent]) -> None:
    monotone = [detector for detector in ALL if detector.closes is Closes.MONOTONE]
    part, rest = summary_of(s), summary_of([event for event in t if event not in s])
    early = said(view_of(part, reference, POLICY), *monotone)
    late = said(view_of(merge(part, rest, BOUND), reference, POLICY), *monotone)
    assert early.keys() <= late.keys()
    assert {key: severity for key, severity in early.items() if late[key] < severity} == {}


def test_every_detector_of_a_default_installation_is_monotone() -> None:
    assert {detector.closes for detector in ALL} == {Closes.MONOTONE}


@given(reference=references(), s=days_of(), t=days_of())
def test_the_correlation_never_takes_back(reference: Reference, s: list[AnyEvent], t: list[AnyEvent]) -> None:
    part, rest = summary_of(s), summary_of([event for event in t if event not in s])
    early, late = correlated(part, reference), correlated(merge(part, rest, BOUND), reference)
    if early is not None:
        assert late is not None
        assert late.severity >= early.severity
        assert set(early.held) <= set(late.held)
        assert (late.first <= early.first, late.last >= early.last) == (True, True)


def correlated(summary: Summary, reference: Reference) -> Signal | None:
    if not summary.sightings:
        return None
    view = view_of(summary, reference, POLICY)
    return flow_and_module(judge(ALL, view), (), view)


@given(reference=references(), events=days_of().filter(bool))
def test_judging_leaves_its_inputs_as_they_were(reference: Reference, events: list[AnyEvent]) -> None:
    view = view_of(summary_of(events), reference, POLICY)
    summary, own = encode_summary(view.summary), reference.own and encode_baseline(reference.own)
    candidates, relatives = deepcopy(dict(view.candidates)), [encode_baseline(one) for one in reference.relatives]
    first = judge(ALL, view)
    assert judge(ALL, view) == first
    assert encode_summary(view.summary) == summary
    assert (reference.own and encode_baseline(reference.own)) == own
    assert [encode_baseline(one) for one in reference.relatives] == relatives
    assert view.candidates == candidates
    assert view.key == KEY
