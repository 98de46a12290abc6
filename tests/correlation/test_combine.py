"""Signals to findings: names, members, links."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import AGENT, DAY, IDS, at, before, finding, signal
from leeway.agents import Actor
from leeway.correlation import Naming, combine, link
from leeway.findings import TAGS, Evidence, Finding, Held, Severity, case_id, finding_id


def actor(event: str) -> Actor:
    return Actor(
        host="h1", process=f"of {event}", parent="bash", user="ana", command_line="x" * 5_000, chain=("bash", "x")
    )


NAMING = Naming(IDS, "default", "claude @ h1", DAY, "settled", actor, is_final=True)


def test_a_signal_becomes_a_finding_with_ids_and_who_acted() -> None:
    one = signal("new_child", ("nc",), evidence=(Evidence("child", "nc", "git"),), event_ids=("e7", "e8"))
    (found,) = combine([one], NAMING)
    assert found.case_id == case_id(IDS, "default", AGENT, "new_child", ("nc",))
    assert found.finding_id == finding_id(IDS, found.case_id, DAY)
    assert (found.agent_name, found.state, found.day, found.is_final) == ("claude @ h1", "settled", DAY, True)
    assert (found.process, found.parent, found.user, found.lineage) == ("of e7", "bash", "ana", ("bash", "x"))
    assert len(found.command_line) == 2_048
    assert found.tags == TAGS["new_child"]
    assert (found.evidence, found.event_ids, found.severity) == (one.evidence, one.event_ids, one.severity)


def test_a_case_keeps_its_id_from_day_to_day_and_a_finding_does_not() -> None:
    (today,), (yesterday,) = (combine([signal("new_child")], NAMING._replace(day=day)) for day in (DAY, before(1)))
    assert today.case_id == yesterday.case_id
    assert today.finding_id != yesterday.finding_id


def test_a_correlation_names_its_members_and_removes_none() -> None:
    signals = [
        signal("new_destination", ("a",), held=(Held("domain", ("a",)),)),
        signal("new_destination", ("b",), held=(Held("domain", ("b",)),)),
        signal("new_module", ("m",), held=(Held("module", ("m",)),)),
        signal("new_child", ("c",)),
        signal("flow_and_module", (), held=(Held("domain", ("a",)), Held("module", ("m",)))),
    ]
    found = {(one.type, one.value): one for one in combine(signals, NAMING)}
    assert len(found) == 5
    members = found["flow_and_module", ()].members
    assert members == tuple(
        sorted([found["new_destination", ("a",)].finding_id, found["new_module", ("m",)].finding_id])
    )


@given(st.permutations([signal("new_child", (name,)) for name in "abcd"]))
def test_findings_come_in_the_order_of_their_ids(signals: list[Any]) -> None:
    found = [one.finding_id for one in combine(signals, NAMING)]
    assert found == sorted(found)


# Links

NEAREST = {"e1": ("near", "far", "farther")}


def links(*findings: Finding) -> dict[str, str]:
    return {one.finding_id: one.linked_to for one in link(findings, NEAREST)}


@pytest.mark.parametrize(
    ("findings", "linked"),
    [
        pytest.param([finding(finding_id="1", agent="near")], {"1": ""}, id="alone"),
        pytest.param(
            [
                finding(finding_id="1", agent="farther"),
                finding(finding_id="2", agent="far"),
                finding(finding_id="3", agent="near"),
            ],
            {"1": "3", "2": "3", "3": ""},
            id="ancestors link to the nearest",
        ),
        pytest.param(
            [finding(finding_id="1", agent="far"), finding(finding_id="2", agent="farther")],
            {"1": "", "2": "1"},
            id="the nearest that remarked it",
        ),
        pytest.param(
            [
                finding(finding_id="1", agent="near", severity=Severity.LOW),
                finding(finding_id="2", agent="far", severity=Severity.HIGH),
            ],
            {"1": "2", "2": ""},
            id="the gravest owns the display",
        ),
        pytest.param(
            [
                finding("new_path", finding_id="1", agent="near"),
                finding("new_path", ("y",), finding_id="2", agent="far"),
            ],
            {"1": "", "2": ""},
            id="another value",
        ),
        pytest.param(
            [
                finding("new_path", finding_id="1", agent="near"),
                finding("new_path", finding_id="2", agent="far", event_ids=("e2",)),
            ],
            {"1": "", "2": ""},
            id="another event",
        ),
        pytest.param(
            [
                finding("new_agent", (), finding_id="1", agent="near", severity=Severity.LOW),
                finding("new_child", ("x",), finding_id="2", agent="far"),
            ],
            {"1": "2", "2": ""},
            id="a start that made a new agent and a new child",
        ),
        pytest.param(
            [
                finding(
                    "new_agent", (), finding_id="1", agent="a", host="h1", process="x", first=at(9), event_ids=("e8",)
                ),
                finding(
                    "new_agent", (), finding_id="2", agent="b", host="h1", process="x", first=at(8), event_ids=("e9",)
                ),
                finding("new_agent", (), finding_id="3", agent="c", host="h2", process="x", event_ids=("e7",)),
            ],
            {"1": "2", "2": "", "3": ""},
            id="one program that is wholly new on a host",
        ),
    ],
)
def test_findings_that_show_the_same_are_linked(findings: list[Finding], linked: dict[str, str]) -> None:
    assert links(*findings) == linked
    assert links(*reversed(findings)) == linked


def test_linking_removes_nothing_and_leaves_its_inputs_as_they_were() -> None:
    findings = [finding(finding_id="1", agent="far"), finding(finding_id="2", agent="near")]
    linked = link(findings, NEAREST)
    assert len(linked) == 2
    assert [one.linked_to for one in findings] == ["", ""]


def test_a_link_leads_to_a_finding_that_owns_its_display() -> None:
    findings = [
        finding("new_agent", (), finding_id="1", agent="a", host="h1", process="x", event_ids=("e8",)),
        finding("new_agent", (), finding_id="2", agent="b", host="h1", process="x", first=at(8), event_ids=("e2",)),
        finding("new_child", ("x",), finding_id="3", agent="farther", severity=Severity.HIGH, event_ids=("e2",)),
    ]
    found = links(*findings)
    assert found == {"1": "3", "2": "3", "3": ""}
