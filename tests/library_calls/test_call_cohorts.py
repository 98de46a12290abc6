import pytest
from call_samples import HIJACKED, ORDINARY, benign, session
from msgspec.structs import replace

from leeway.library.calls import Cohorts, sessions_of
from leeway.library.results import State
from leeway.library.security_event import SecurityEvent
from leeway.library.threat_level import ThreatLevel


def flat(sessions: list[list[SecurityEvent]]) -> list[SecurityEvent]:
    return [replace(event, session_id=str(at)) for at, events in enumerate(sessions) for event in events]


def test_events_go_to_their_session() -> None:
    events = flat([ORDINARY, HIJACKED["payment to a stranger"]])
    mixed = events[::2] + events[1::2]
    assert sorted(map(len, sessions_of(mixed))) == [3, 3]
    assert sessions_of([replace(event, session_id=None) for event in ORDINARY]) == [ORDINARY]


def test_an_agent_is_judged_by_its_cohort() -> None:
    known, half = benign(), len(benign()) // 2
    cohorts = Cohorts()
    cohorts.train("a", flat(known[:half]), cohort="bank")
    cohorts.train("b", flat(known[half:]), cohort="bank")
    cohorts.train("c", flat(known[:4]), cohort="other")
    assert cohorts.judge_session("a", ORDINARY) == cohorts.judge_session("b", ORDINARY)
    assert cohorts.judge_session("a", ORDINARY).threat_level is ThreatLevel.NONE
    assert cohorts.judge_session("c", ORDINARY).state is State.LEARNING
    model = cohorts.model_of("a")
    assert model is not None
    assert model.runs == len(known)


@pytest.mark.parametrize("cohort", ["bank", "elsewhere", None])
def test_an_unknown_agent_is_never_normal(cohort: str | None) -> None:
    cohorts = Cohorts()
    cohorts.train("a", flat(benign()), cohort="bank")
    found = cohorts.judge_session("stranger", ORDINARY, cohort=cohort)
    assert (found.state, found.threat_level) == (State.UNKNOWN_AGENT, ThreatLevel.UNKNOWN)
    hijack = cohorts.judge_session("stranger", HIJACKED["payment to a stranger"], cohort=cohort)
    assert hijack.state is State.UNKNOWN_AGENT
    assert hijack.score > found.score


def test_where_nobody_is_known_nothing_is_judged() -> None:
    found = Cohorts().judge_session("a", ORDINARY)
    assert (found.state, found.threat_level, found.score) == (State.UNKNOWN_AGENT, ThreatLevel.UNKNOWN, 0)
    assert Cohorts().model_of("a") is None


def test_training_again_replaces_what_was_learnt() -> None:
    cohorts = Cohorts()
    cohorts.train("a", flat([session("Hello", ("wave", {}))] * 20))
    assert cohorts.judge_session("a", ORDINARY).not_judged != ()
    cohorts.train("a", flat(benign()))
    assert cohorts.judge_session("a", ORDINARY).not_judged == ()


def test_the_order_of_agents_makes_no_difference() -> None:
    known = benign()
    one, two = Cohorts(), Cohorts()
    for name, part in (("a", known[:30]), ("b", known[30:])):
        one.train(name, flat(part), cohort="bank")
    for name, part in (("b", known[30:]), ("a", known[:30])):
        two.train(name, flat(part), cohort="bank")
    for events in HIJACKED.values():
        assert one.judge_session("a", events) == two.judge_session("a", events)
