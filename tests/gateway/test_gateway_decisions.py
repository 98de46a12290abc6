"""Policies as data: which decision follows from what, as tables."""

from typing import Any

import pytest
from gateway_judge import AGENT, result
from hypothesis import given
from hypothesis import strategies as st

from leeway.errors import InvalidConfigError
from leeway.gateway import FAIL_CLOSED, FAIL_OPEN, Cause, Decision, GatePolicy, read_policy
from leeway.gateway.decisions import FAILURES, RULES, ruling_on, ruling_on_failure
from leeway.library.results import State
from leeway.library.threat_level import ThreatLevel

ALLOW, ASK, DENY = Decision.ALLOW, Decision.ASK, Decision.DENY
NONE, UNKNOWN, LOW, MEDIUM, HIGH, CRITICAL = ThreatLevel


@pytest.mark.parametrize(
    ("level", "state", "decision", "cause"),
    [
        pytest.param(NONE, State.JUDGED, ALLOW, Cause.LEVEL, id="none"),
        pytest.param(LOW, State.JUDGED, ALLOW, Cause.LEVEL, id="low"),
        pytest.param(MEDIUM, State.JUDGED, ASK, Cause.LEVEL, id="medium"),
        pytest.param(HIGH, State.JUDGED, DENY, Cause.LEVEL, id="high"),
        pytest.param(CRITICAL, State.JUDGED, DENY, Cause.LEVEL, id="critical"),
        pytest.param(UNKNOWN, State.JUDGED, ASK, Cause.LEVEL, id="unknown, and nobody says why"),
        pytest.param(UNKNOWN, State.UNKNOWN_AGENT, ASK, Cause.STATE, id="unknown agent"),
        pytest.param(UNKNOWN, State.LEARNING, ALLOW, Cause.STATE, id="learning"),
        pytest.param(UNKNOWN, State.DEGENERATE, ASK, Cause.STATE, id="degenerate"),
        pytest.param(UNKNOWN, State.MALFORMED, ASK, Cause.STATE, id="malformed"),
        pytest.param(HIGH, State.MALFORMED, DENY, Cause.LEVEL, id="malformed, and the rest departs"),
        pytest.param(MEDIUM, State.MALFORMED, ASK, Cause.STATE, id="malformed, as strict as its level"),
        pytest.param(HIGH, State.LEARNING, DENY, Cause.LEVEL, id="learning is no excuse"),
        pytest.param(NONE, State.UNKNOWN_AGENT, ASK, Cause.STATE, id="an unknown agent is never normal"),
    ],
)
def test_the_default_policy(level: ThreatLevel, state: State, decision: Decision, cause: Cause) -> None:
    ruling = ruling_on(GatePolicy(), result(level, state))
    assert (ruling.decision, ruling.cause) == (decision, cause)


@pytest.mark.parametrize("cause", FAILURES)
@pytest.mark.parametrize(("policy", "decision"), [(FAIL_CLOSED, DENY), (FAIL_OPEN, ALLOW)], ids=["closed", "open"])
def test_what_cannot_be_judged(policy: GatePolicy, decision: Decision, cause: Cause) -> None:
    assert ruling_on_failure(policy, cause)[:2] == (decision, cause)


@pytest.mark.parametrize("rule", ["none", "low", "medium", "high", "critical"])
def test_each_level_has_its_own_rule(rule: str) -> None:
    order = ["none", "low", "medium", "high", "critical"]
    policy = read_policy({one: "deny" if order.index(one) >= order.index(rule) else "allow" for one in order})
    found = [ruling_on(policy, result(ThreatLevel(one))).decision for one in order]
    assert found == [ALLOW] * order.index(rule) + [DENY] * (5 - order.index(rule))


@pytest.mark.parametrize("rule", ["unknown_agent", "learning", "degenerate", "malformed"])
def test_each_state_has_its_own_rule(rule: str) -> None:
    others = ["unknown_agent", "learning", "degenerate", "malformed"]
    policy = read_policy({one: "deny" if one == rule else "allow" for one in others} | {"unknown": "deny"})
    denied = [one for one in others if ruling_on(policy, result(UNKNOWN, State(one))).decision is DENY]
    assert denied == [rule]


@pytest.mark.parametrize("rule", [str(one) for one in FAILURES])
def test_each_failure_has_its_own_rule(rule: str) -> None:
    policy = read_policy(dict.fromkeys(map(str, FAILURES), "allow") | {rule: "ask"})
    assert [str(one) for one in FAILURES if ruling_on_failure(policy, one).decision is ASK] == [rule]


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"hgih": "deny"}, id="a misspelt name"),
        pytest.param({"high": "refuse"}, id="no decision"),
        pytest.param({"medium": "deny", "high": "allow"}, id="graver is milder"),
        pytest.param({"time_limit_ms": 0}, id="no time"),
        pytest.param({"time_limit_ms": 60_001}, id="too much time"),
        pytest.param({"time_limit_ms": float("nan")}, id="a time that is none"),
        pytest.param({"trusted": 5}, id="trusted is no list"),
    ],
)
def test_a_policy_that_cannot_be_used(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigError):
        read_policy(settings)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_a_decision(name: str) -> None:
    with pytest.raises(InvalidConfigError, match=f"'{name}'"):
        GatePolicy(**{name: "allow"})  # type: ignore[arg-type]  # as a host may write it


def test_a_name_is_no_set_of_trusted_agents() -> None:
    with pytest.raises(InvalidConfigError, match="frozenset"):
        GatePolicy(trusted="ana")  # type: ignore[arg-type]  # likewise


def test_a_policy_of_plain_values() -> None:
    policy = read_policy({"low": "ask", "medium": "deny", "time_limit_ms": 250, "trusted": ["ana"]})
    assert (policy.low, policy.medium, policy.time_limit_ms, policy.trusted) == (ASK, DENY, 250.0, frozenset({"ana"}))


@pytest.mark.parametrize(
    ("level", "state", "decision"),
    [
        pytest.param(MEDIUM, State.JUDGED, ALLOW, id="is not asked about"),
        pytest.param(HIGH, State.JUDGED, DENY, id="is denied as others"),
        pytest.param(UNKNOWN, State.UNKNOWN_AGENT, ASK, id="what could not be judged is not trusted"),
        pytest.param(UNKNOWN, State.MALFORMED, ASK, id="nor what cannot be read"),
    ],
)
def test_trust(level: ThreatLevel, state: State, decision: Decision) -> None:
    policy = GatePolicy(trusted=frozenset({AGENT}))
    ruling = ruling_on(policy, result(level, state))
    assert ruling.decision is decision
    assert (ruling.cause is Cause.TRUST) is (decision is ALLOW)


def test_trust_does_not_open_a_gate_whose_judge_fails() -> None:
    policy = GatePolicy(trusted=frozenset({AGENT}))
    assert {ruling_on_failure(policy, cause).decision for cause in FAILURES} == {DENY}


@given(st.sampled_from([NONE, LOW, MEDIUM, HIGH, CRITICAL]), st.sampled_from(State))
def test_no_state_makes_a_level_milder(level: ThreatLevel, state: State) -> None:
    judged = ruling_on(GatePolicy(), result(level, State.JUDGED)).decision
    assert ruling_on(GatePolicy(), result(level, state)).decision.rank >= judged.rank


def test_a_reason_is_one_line_without_secrets() -> None:
    ruling = ruling_on(GatePolicy(), result(HIGH, why="used token=hunter2hunter2\n\x1b[2J" + "x" * 1000))
    assert ruling.reason.startswith("level high: used token=<secret>")
    assert ruling.reason.isprintable()
    assert len(ruling.reason) < 450


def test_only_failures_have_a_rule_of_failures() -> None:
    with pytest.raises(ValueError, match="level is no failure"):
        GatePolicy().of_failure(Cause.LEVEL)
