"""What an agent is judged against: membership and severity by state, and back-off to relatives."""

import pytest

from builders import (
    CLAUDE,
    DAY,
    HOST,
    KEY,
    before,
    learnt,
    process,
    reached,
    reference_of,
    settled,
    started,
    summary_of,
)
from leeway.agents import AgentKey
from leeway.baselines import Baseline, Membership, Relatives, compare
from leeway.config import LearningProfile
from leeway.events import Facet, Measure
from leeway.findings import Severity

TODAY = DAY.toordinal()
PROFILE = LearningProfile()
GIT = started(process("git"), CLAUDE)
NEW, RARE = Membership.NEW, Membership.RARE

SETTLED = settled(GIT)
LEARNING = learnt([(before(1), [GIT])])
STALE = settled(GIT, days=8)
STALE_DAY = DAY.replace(day=25)


@pytest.mark.parametrize(
    ("severity", "membership", "settled_one", "unsettled"),
    [
        pytest.param(Severity.CRITICAL, NEW, Severity.CRITICAL, Severity.HIGH, id="critical, new"),
        pytest.param(Severity.HIGH, NEW, Severity.HIGH, Severity.MEDIUM, id="high, new"),
        pytest.param(Severity.MEDIUM, NEW, Severity.MEDIUM, Severity.LOW, id="medium, new"),
        pytest.param(Severity.LOW, NEW, Severity.LOW, Severity.LOW, id="low, new: never INFO"),
        pytest.param(Severity.HIGH, RARE, Severity.MEDIUM, Severity.LOW, id="high, rare"),
        pytest.param(Severity.MEDIUM, RARE, Severity.LOW, Severity.LOW, id="medium, rare"),
        pytest.param(Severity.LOW, RARE, Severity.INFO, Severity.INFO, id="low, rare"),
    ],
)
def test_a_severity_is_softened_by_state_and_membership(
    severity: Severity, membership: Membership, settled_one: Severity, unsettled: Severity
) -> None:
    assert reference_of(SETTLED).soften(severity, membership) is settled_one
    assert reference_of(None).soften(severity, membership) is unsettled
    seen_by_a_beginner = membership is RARE and severity <= Severity.MEDIUM
    assert reference_of(LEARNING).soften(severity, membership) is (Severity.INFO if seen_by_a_beginner else unsettled)
    assert reference_of(STALE, day=STALE_DAY).soften(severity, membership) is unsettled


@pytest.mark.parametrize("severity", [one for one in Severity if one is not Severity.INFO])
@pytest.mark.parametrize("own", [SETTLED, LEARNING, None], ids=["settled", "learning", "unknown"])
def test_what_is_new_is_never_softened_to_info(severity: Severity, own: Baseline | None) -> None:
    softened = reference_of(own).soften(severity, NEW, Facet.CHILD, Facet.MODULE)
    assert Severity.LOW <= softened <= severity


def test_the_best_informed_baseline_says_how_well_a_value_is_known() -> None:
    other = settled(started(process("rg"), CLAUDE), agent="b" * 32)
    alone, beside = reference_of(LEARNING), reference_of(LEARNING, other)
    assert alone.membership(Facet.CHILD, ("rg",)) is NEW
    assert beside.membership(Facet.CHILD, ("rg",)) is Membership.ESTABLISHED
    assert beside.membership(Facet.CHILD, ("git",)) is RARE
    assert (alone.known(Facet.CHILD), beside.known(Facet.CHILD)) == (1, 2)


def test_a_settled_agent_is_judged_by_itself_alone() -> None:
    other = settled(started(process("rg"), CLAUDE), agent="b" * 32)
    assert not reference_of(SETTLED, other).relatives
    assert reference_of(SETTLED, other).membership(Facet.CHILD, ("rg",)) is NEW
    assert not reference_of(STALE, other, day=STALE_DAY).relatives


def test_nothing_to_judge_against_is_said() -> None:
    assert reference_of(None).is_empty
    assert not reference_of(None, SETTLED).is_empty
    assert not reference_of(LEARNING).is_empty
    assert reference_of(None).surprise(Facet.CHILD).calibrated is False


def test_siblings_are_counted_within_their_parent() -> None:
    hosts = [reached(f"{name}.example.org") for name in "abc"] + [reached("d.other.example")]
    reference = reference_of(settled(*hosts))
    assert reference.siblings(Facet.DOMAIN, ("example.org",)) == 3
    assert reference.siblings(Facet.DOMAIN, ("other.example",)) == 1
    assert reference.siblings(Facet.DOMAIN, ("none.example",)) == 0
    assert reference.known(Facet.DOMAIN) == 4


def test_what_is_forgotten_is_not_counted() -> None:
    old = learnt([(before(40), [GIT]), *[(before(n), [reached("a.example")]) for n in (3, 2, 1)]])
    assert reference_of(old).known(Facet.CHILD) == 0
    assert reference_of(old).membership(Facet.CHILD, ("git",)) is NEW


def test_the_days_of_relatives_stand_in_for_a_measure_only_where_there_are_none() -> None:
    sender = settled(reached("a.example", bytes_out=10), agent="b" * 32)
    other = settled(reached("a.example", bytes_out=99), agent="c" * 32)
    assert reference_of(None, sender, other).days_of(Measure.BYTES_OUT) == sender.hourly[Measure.BYTES_OUT]
    assert reference_of(LEARNING, sender).days_of(Measure.BYTES_OUT) == sender.hourly[Measure.BYTES_OUT]
    assert reference_of(SETTLED, sender).days_of(Measure.BYTES_OUT) == {}


# Comparing


def test_comparing_keeps_the_values_that_are_not_established() -> None:
    known = learnt(
        [(before(n), [GIT] * 1 if n > 1 else [GIT, started(process("rg"), CLAUDE)]) for n in range(9, 0, -1)]
    )
    today = summary_of([GIT, started(process("rg"), CLAUDE), started(process("nc"), CLAUDE)])
    rows = compare(today, reference_of(known))
    found = [(one.value, one.membership, one.within, one.siblings, one.known) for one in rows[Facet.CHILD]]
    assert found == [(("nc",), NEW, None, 2, 2), (("rg",), RARE, None, 2, 2)]
    within = [(one.value, one.within) for one in rows[Facet.CHILD_ARGUMENTS]]
    assert within == [(("nc", ""), NEW), (("rg", ""), RARE)]
    assert Facet.HOUR not in rows


# Relatives

VARIANTS = {
    "same program here": AgentKey(HOST, "claude", "--other", None),
    "same agent elsewhere": AgentKey("h2", "claude", "--resume", None),
    "same program elsewhere": AgentKey("h2", "claude", "--other", None),
    "another signer": AgentKey(HOST, "claude", "--resume", "Somebody"),
    "another program": AgentKey(HOST, "codex", "--resume", None),
}


def related(*names: str, **more: Baseline) -> list[str]:
    known = {name: settled(GIT, key=VARIANTS[name], agent=name) for name in names}
    return [one.agent for one in Relatives({**known, **more}, TODAY, PROFILE).of("me", KEY)]


@pytest.mark.parametrize(
    ("names", "nearest"),
    [
        pytest.param((), [], id="nobody"),
        pytest.param(tuple(VARIANTS), ["same program here"], id="here comes first"),
        pytest.param(
            ("same agent elsewhere", "same program elsewhere"), ["same agent elsewhere"], id="then the same elsewhere"
        ),
        pytest.param(("same program elsewhere",), ["same program elsewhere"], id="then the program elsewhere"),
        pytest.param(("another signer", "another program"), [], id="no relatives"),
    ],
)
def test_the_nearest_settled_relatives_speak(names: tuple[str, ...], nearest: list[str]) -> None:
    assert related(*names) == nearest


def test_only_settled_relatives_speak_and_nobody_is_its_own() -> None:
    learning = learnt([(before(1), [GIT])], key=VARIANTS["same program here"], agent="learning")
    me = settled(GIT, agent="me")
    assert related(learning=learning, me=me) == []
    assert related("same agent elsewhere", learning=learning) == ["same agent elsewhere"]


def test_declared_agents_and_units_have_no_chance_relatives() -> None:
    declared = AgentKey(declared="helpdesk")
    known = {"other": settled(GIT, key=AgentKey(declared="billing"), agent="other"), "host": SETTLED}
    assert not Relatives(known, TODAY, PROFILE).of("me", declared)


def test_all_relatives_of_one_kind_speak_in_a_stable_order() -> None:
    keys = {name: AgentKey(HOST, "claude", f"--{name}", None) for name in ("b", "a", "c")}
    known = {name: settled(GIT, key=key, agent=name) for name, key in keys.items()}
    assert [one.agent for one in Relatives(known, TODAY, PROFILE).of("me", KEY)] == ["a", "b", "c"]
