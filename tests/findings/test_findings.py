"""Closed sets, ids, cases and verdicts: what is said, under which name, and what people made of it."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import AGENT, DAY, IDS, at, finding
from leeway.agents import IdKey
from leeway.findings import (
    ANOMALY_TYPES,
    CAUTION,
    CORRELATIONS,
    HEALTH_TYPES,
    REGISTERED_TYPES,
    TAGS,
    CaseState,
    Disposition,
    Evidence,
    Held,
    Judgement,
    Severity,
    Surprise,
    Verdict,
    case_id,
    cases_of,
    evidence_digest,
    finding_id,
    in_force,
    ranked,
)


def test_the_ten_anomaly_types_are_a_closed_set() -> None:
    assert ANOMALY_TYPES == (
        "new_agent",
        "learning",
        "new_user",
        "new_destination",
        "new_path",
        "excess_transfer",
        "model_file_first_modified",
        "model_file_new_user",
        "model_file_unusual_arguments",
        "new_child",
    )


def test_the_five_severities_are_a_closed_set_with_the_numbers_of_ocsf() -> None:
    assert {one.name: int(one) for one in Severity} == {"INFO": 1, "LOW": 2, "MEDIUM": 3, "HIGH": 4, "CRITICAL": 5}
    assert str(Severity.HIGH) == "HIGH"


def test_types_are_named_once_and_tags_belong_to_types() -> None:
    types = (*ANOMALY_TYPES, *REGISTERED_TYPES, *CORRELATIONS, *HEALTH_TYPES)
    assert len(set(types)) == len(types) == 17
    assert set(TAGS) <= set(types)
    assert all(tag.startswith(("ATT&CK T", "ATLAS AML.T")) for tags in TAGS.values() for tag in tags)


@pytest.mark.parametrize(
    ("severity", "floor", "lowered"),
    [
        pytest.param(Severity.CRITICAL, None, Severity.HIGH, id="one level"),
        pytest.param(Severity.LOW, None, Severity.INFO, id="to INFO"),
        pytest.param(Severity.INFO, None, Severity.INFO, id="not below INFO"),
        pytest.param(Severity.LOW, Severity.LOW, Severity.LOW, id="not below the floor"),
        pytest.param(Severity.HIGH, Severity.LOW, Severity.MEDIUM, id="above the floor"),
    ],
)
def test_a_severity_is_lowered_one_level(severity: Severity, floor: Severity | None, lowered: Severity) -> None:
    assert severity.lowered(floor=floor) is lowered


def test_the_reason_is_the_evidence_in_words() -> None:
    one = finding(evidence=(Evidence("child", "nc", "one of 3 known"), Evidence("agent", "learning", "settled")))
    assert one.reason == "child: nc (expected: one of 3 known); agent: learning (expected: settled)"
    assert "not proof of malice" in CAUTION


def test_ids_depend_on_tenant_agent_type_value_and_key_and_a_finding_on_its_day() -> None:
    case = case_id(IDS, "default", AGENT, "new_child", ("nc",))
    others = [
        case_id(IDS, "other", AGENT, "new_child", ("nc",)),
        case_id(IDS, "default", "b" * 32, "new_child", ("nc",)),
        case_id(IDS, "default", AGENT, "new_path", ("nc",)),
        case_id(IDS, "default", AGENT, "new_child", ("nc", "")),
        case_id(IdKey(b"another"), "default", AGENT, "new_child", ("nc",)),
        finding_id(IDS, case, DAY),
        finding_id(IDS, case, DAY + timedelta(days=1)),
    ]
    assert len({case, *others}) == 8
    assert case == case_id(IdKey(b"tests"), "default", AGENT, "new_child", ("nc",))
    assert all(len(one) == 32 for one in others)


def test_the_evidence_digest_covers_evidence_and_events_only() -> None:
    one = finding(evidence=(Evidence("a", "b", "c"),))
    assert evidence_digest(one) == evidence_digest(finding("new_path", evidence=(Evidence("a", "b", "c"),)))
    assert evidence_digest(one) != evidence_digest(finding(evidence=(Evidence("a", "b", "d"),)))
    assert evidence_digest(one) != evidence_digest(finding(evidence=(Evidence("a", "b", "c"),), event_ids=("e2",)))


# Ranking


def test_findings_are_read_gravest_first_then_starts_then_the_less_likely() -> None:
    grave = finding(finding_id="1", severity=Severity.HIGH, kind="new_path")
    start = finding(finding_id="2", kind="new_child", surprise=Surprise(0.9, 9, calibrated=True))
    rare = finding(finding_id="3", kind="new_path", surprise=Surprise(0.1, 9, calibrated=True))
    common = finding(finding_id="4", kind="new_path", surprise=Surprise(0.4, 9, calibrated=True))
    late = finding(finding_id="0", kind="new_path", surprise=Surprise(0.4, 9, calibrated=True), first=at(11))
    repeat = finding(finding_id="6", severity=Severity.HIGH, linked_to="1")
    shuffled = [late, common, repeat, rare, start, grave]
    Random(3).shuffle(shuffled)  # noqa: S311  # an order, no secret
    assert [one.finding_id for one in ranked(shuffled)] == ["1", "2", "3", "4", "0"]


# Cases


def verdict(judgement: Judgement = Judgement.BENIGN, case: str = "k1", **more: object) -> Verdict:
    fields = {
        "agent": AGENT,
        "type": "new_child",
        "value": ("x",),
        "reason": "known",
        "by": "ana",
        "at": at(12),
        "effective": DAY,
    }
    return Verdict(case_id=case, judgement=judgement, **{**fields, **more})  # type: ignore[arg-type]  # columns


def test_a_case_joins_its_days() -> None:
    days = [
        finding(finding_id="f2", day=DAY + timedelta(days=1), first=at(8), last=at(20), severity=Severity.LOW),
        finding(finding_id="f1", first=at(9), last=at(10), severity=Severity.HIGH),
    ]
    (case,) = cases_of(days, {}, DAY)
    assert (case.case_id, case.days, case.severity) == ("k1", 2, Severity.HIGH)
    assert (case.first, case.last, case.finding_ids) == (at(8), at(20), ("f1", "f2"))
    assert (case.state, case.disposition) == (CaseState.OPEN, Disposition.QUEUED)


def test_cases_come_gravest_first() -> None:
    findings = [
        finding(case_id="low", severity=Severity.LOW),
        finding(case_id="late", severity=Severity.HIGH, first=at(11)),
        finding(case_id="early", severity=Severity.HIGH, first=at(9)),
    ]
    assert [case.case_id for case in cases_of(findings, {}, DAY)] == ["early", "late", "low"]


@pytest.mark.parametrize(
    ("severity", "age", "state"),
    [
        pytest.param(Severity.MEDIUM, 6, CaseState.OPEN, id="six days"),
        pytest.param(Severity.MEDIUM, 7, CaseState.UNREVIEWED, id="seven days"),
        pytest.param(Severity.LOW, 30, CaseState.UNREVIEWED, id="low"),
        pytest.param(Severity.HIGH, 365, CaseState.OPEN, id="high never expires"),
        pytest.param(Severity.CRITICAL, 365, CaseState.OPEN, id="nor critical"),
    ],
)
def test_an_unreviewed_case_expires(severity: Severity, age: int, state: CaseState) -> None:
    (case,) = cases_of([finding(severity=severity)], {}, DAY + timedelta(days=age))
    assert case.state is state


@pytest.mark.parametrize(
    ("given_verdict", "today", "state", "disposition"),
    [
        pytest.param(verdict(), 0, CaseState.BENIGN, Disposition.SUPPRESSED, id="benign"),
        pytest.param(verdict(Judgement.MALICIOUS), 0, CaseState.MALICIOUS, Disposition.ESCALATED, id="malicious"),
        pytest.param(verdict(until=DAY), 0, CaseState.BENIGN, Disposition.SUPPRESSED, id="on its last day"),
        pytest.param(verdict(until=DAY - timedelta(days=1)), 0, CaseState.OPEN, Disposition.QUEUED, id="over"),
        pytest.param(verdict(until=DAY), 7, CaseState.UNREVIEWED, Disposition.SUPPRESSED, id="over, and the case old"),
    ],
)
def test_a_verdict_makes_the_state_and_disposition_of_a_case(
    given_verdict: Verdict, today: int, state: CaseState, disposition: Disposition
) -> None:
    (case,) = cases_of([finding()], {"k1": given_verdict}, DAY + timedelta(days=today))
    assert (case.state, case.disposition) == (state, disposition)


@given(st.permutations([0, 1, 2]))
def test_the_last_verdict_given_holds_whatever_their_order(places: list[int]) -> None:
    given_ones = [
        verdict(at=at(8)),
        verdict(Judgement.MALICIOUS, at=at(9)),
        verdict(Judgement.BENIGN, at=at(10), effective=DAY + timedelta(days=1)),
    ]
    ordered = [given_ones[place] for place in places]
    assert in_force(ordered, DAY - timedelta(days=1)) == {}
    assert in_force(ordered, DAY)["k1"].judgement is Judgement.MALICIOUS
    assert in_force(ordered, DAY + timedelta(days=1))["k1"].judgement is Judgement.BENIGN


def test_held_values_of_two_facets_differ() -> None:
    assert Held("child", ("x",)) != Held("module", ("x",))
