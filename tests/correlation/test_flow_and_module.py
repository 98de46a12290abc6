"""A new flow and a new module that meet in time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    AGENT,
    CLAUDE,
    at,
    before,
    finding,
    learnt,
    process,
    reached,
    reference_of,
    settled,
    signal,
    started,
    summary_of,
    view_of,
)
from leeway.correlation import flow_and_module
from leeway.detectors import ALL, View, judge
from leeway.findings import Finding, Held, Severity, Signal, Surprise

GIT = started(process("git"), CLAUDE)
SETTLED = settled(GIT)
VIEW = view_of(summary_of([GIT]), reference_of(SETTLED))


def flow(*hours: int, name: str = "x.example", **more: object) -> Signal:
    return signal("new_destination", (name,), hours=mask(*hours), held=(Held("domain", (name,)),), **more)


def module(*hours: int, name: str = "x.so", **more: object) -> Signal:
    return signal("new_module", (name,), hours=mask(*hours), held=(Held("module", (name,)),), **more)


def mask(*hours: int) -> int:
    return sum(1 << hour for hour in hours)


def earlier(one: Signal) -> Finding:
    return finding(one.type, one.value, hours=one.hours, held=one.held, day=before(1))


@pytest.mark.parametrize(
    ("today", "yesterday", "met"),
    [
        pytest.param([flow(10), module(10)], [], True, id="one hour"),
        pytest.param([flow(10), module(11)], [], True, id="the hour after"),
        pytest.param([flow(10), module(9)], [], True, id="the hour before"),
        pytest.param([flow(10), module(12)], [], False, id="two hours apart"),
        pytest.param([flow(3, 20), module(9, 21)], [], True, id="one pair of their hours"),
        pytest.param([flow(0), module(23)], [], False, id="a day is no circle"),
        pytest.param([flow(10)], [], False, id="no module"),
        pytest.param([module(10)], [], False, id="no flow"),
        pytest.param([], [], False, id="nothing"),
        pytest.param([flow(0)], [module(23)], True, id="over midnight"),
        pytest.param([module(0)], [flow(23)], True, id="over midnight, the module last"),
        pytest.param([flow(1)], [module(23)], False, id="over midnight, two hours apart"),
        pytest.param([], [flow(23), module(23)], False, id="both of yesterday"),
        pytest.param([signal("new_child", hours=mask(10)), module(10)], [], False, id="a child is no flow"),
    ],
)
def test_a_flow_and_a_module_meet_within_an_hour(
    today: list[Signal],
    yesterday: list[Signal],
    met: bool,  # noqa: FBT001  # a column
) -> None:
    found = flow_and_module(today, map(earlier, yesterday), VIEW)
    assert (found is not None) is met
    if found is not None:
        assert (found.agent, found.type, found.value, found.severity) == (AGENT, "flow_and_module", (), Severity.HIGH)


def test_only_what_met_is_held_and_shown() -> None:
    signals = [
        flow(
            10,
            name="a.example",
            event_ids=("e2",),
            first=at(10, 5),
            last=at(10, 6),
            surprise=Surprise(0.3, 9, calibrated=True),
        ),
        flow(20, name="b.example"),
        module(
            11, name="x.so", event_ids=("e1",), first=at(11), last=at(11, 9), surprise=Surprise(0.2, 9, calibrated=True)
        ),
        module(3, name="y.so"),
    ]
    found = flow_and_module(signals, (), VIEW)
    assert found is not None
    assert set(found.held) == {Held("domain", ("a.example",)), Held("module", ("x.so",))}
    assert [fact.seen for fact in found.evidence] == ["a.example", "x.so"]
    assert (found.first, found.last, found.hours) == (at(10, 5), at(11, 9), mask(10, 11))
    assert found.event_ids == ("e2", "e1")
    assert found.surprise == Surprise(0.2, 9, calibrated=True)


def test_one_port_of_two_domains_is_two_destinations() -> None:
    ports = [
        signal("new_destination", (name, "22"), hours=mask(10), held=(Held("domain_port", (name, "22")),))
        for name in ("a.example", "b.example")
    ]
    found = flow_and_module([*ports, module(10)], (), VIEW)
    assert found is not None
    assert {held.value for held in found.held} == {("a.example", "22"), ("b.example", "22"), ("x.so",)}


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        pytest.param(("drop-zone.net",), "drop-zone.net", id="domain"),
        pytest.param(("drop-zone.net", "a.drop-zone.net"), "a.drop-zone.net", id="host"),
        pytest.param(("drop-zone.net", "443"), "443 of drop-zone.net", id="port of a domain"),
        pytest.param(("192.0.0.0/16", "192.0.2.0/24"), "192.0.2.0/24", id="network"),
        pytest.param(("192.0.0.0/16", "192.0.2.0/24", "443"), "443 of 192.0.2.0/24", id="port of a network"),
        pytest.param(("named range", "aws/S3"), "aws/S3", id="range"),
        pytest.param(("named range", "64512"), "64512", id="range called by a number"),
        pytest.param(("named range", "aws/S3", "22"), "22 of aws/S3", id="port of a range"),
        pytest.param(("in", "4444"), "listening port 4444", id="own port"),
    ],
)
def test_a_port_is_shown_with_its_place(value: tuple[str, ...], seen: str) -> None:
    flow_of = signal("new_destination", value, hours=mask(10))
    found = flow_and_module([flow_of, module(10, name="8443")], (), VIEW)
    assert found is not None
    assert [fact.seen for fact in found.evidence] == [seen, "8443"]
    later = flow_and_module([module(0, name="8443")], [earlier(signal("new_destination", value, hours=mask(23)))], VIEW)
    assert later is not None
    assert later.evidence[0].seen == f"{seen} (yesterday)"


def test_what_yesterday_gave_is_named_but_not_held_again() -> None:
    found = flow_and_module([flow(0)], [earlier(module(23))], VIEW)
    assert found is not None
    assert found.evidence[1].seen == "x.so (yesterday)"
    assert found.held == (Held("domain", ("x.example",)),)
    assert found.event_ids == ("e1",)


def test_many_are_counted() -> None:
    signals = [*(flow(10, name=f"{letter}.example") for letter in "abcdef"), module(10)]
    found = flow_and_module(signals, (), VIEW)
    assert found is not None
    assert found.evidence[0].seen == "a.example, b.example, c.example, d.example and 2 more"


@pytest.mark.parametrize(
    ("view", "severity"),
    [
        pytest.param(VIEW, Severity.HIGH, id="settled"),
        pytest.param(
            view_of(summary_of([GIT]), reference_of(learnt([(before(1), [GIT])]))), Severity.MEDIUM, id="learning"
        ),
        pytest.param(VIEW._replace(key=VIEW.key.__class__("h1", "claude")), Severity.MEDIUM, id="start not seen"),
    ],
)
def test_it_is_softened_by_the_agents_state(view: View, severity: Severity) -> None:
    found = flow_and_module([flow(10), module(10)], (), view)
    assert found is not None
    assert found.severity is severity


@given(st.permutations([flow(10, name="a"), flow(11, name="b"), module(10, name="x"), module(12, name="y"), flow(20)]))
def test_the_order_of_signals_does_not_matter(signals: list[Signal]) -> None:
    expected = flow_and_module(sorted(signals, key=lambda one: (one.type, one.value)), (), VIEW)
    assert flow_and_module(signals, (), VIEW) == expected


def test_real_signals_meet() -> None:
    events = [reached("x.example", when=at(10)), reached("www.y.example", when=at(10)), GIT]
    view = view_of(summary_of(events), reference_of(SETTLED))
    assert flow_and_module(judge(ALL, view), (), view) is None
