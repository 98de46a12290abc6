"""Verdicts: what they do to like events, their quota, their end, and taking them back."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.errors import InvalidEventError, NotFoundError, StateError
from leeway.library.feedback import (
    AGENT_QUOTA,
    FLAGGED,
    MOST_IDLE,
    MOST_VERDICTS,
    ORDINARY,
    USER_QUOTA,
    Feedback,
)
from leeway.library.security_event import SecurityEvent
from leeway.library.threat_level import ThreatLevel, level_of
from leeway.library.verdicts import Effect, Scope, Verdict, likeness_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def event(**changed: object) -> SecurityEvent:
    said = {"event_type": "export", "timestamp": NOON, "duration_ms": 4_000.0, "destination": "files.example.com"}
    return SecurityEvent(**{**said, **changed})


def given_verdict(feedback: Feedback, about: SecurityEvent | None = None, **changed: object) -> Verdict:
    said = {"is_anomaly": False, "p": 0.02, "level": ThreatLevel.LOW, "aspects": ("duration",), "who": "ana"}
    return feedback.record(about or event(), **{**said, **changed})


def seen(feedback: Feedback, about: SecurityEvent | None = None, p: float = 0.02, *aspects: str) -> float:
    """What an event's tail probability is with the verdicts."""
    about = about or event()
    return feedback.overlay(about, p, level_of(p), about.timestamp, aspects or ("duration",))


@pytest.mark.parametrize(
    ("level", "effect", "after"),
    [
        pytest.param(ThreatLevel.NONE, Effect.NOTHING_ODD, 0.02, id="nothing was odd"),
        pytest.param(ThreatLevel.UNKNOWN, Effect.NOTHING_ODD, 0.02, id="nothing could be judged"),
        pytest.param(ThreatLevel.LOW, Effect.LEARNT, ORDINARY, id="low"),
        pytest.param(ThreatLevel.MEDIUM, Effect.LEARNT, ORDINARY, id="medium"),
        pytest.param(ThreatLevel.HIGH, Effect.TOO_GRAVE, 0.02, id="high"),
        pytest.param(ThreatLevel.CRITICAL, Effect.TOO_GRAVE, 0.02, id="critical"),
    ],
)
def test_a_benign_verdict_is_learnt_on_low_and_medium_only(level: ThreatLevel, effect: Effect, after: float) -> None:
    feedback = Feedback()
    assert given_verdict(feedback, level=level).effect is effect
    assert seen(feedback) == after


@pytest.mark.parametrize(
    ("p", "after"),
    [
        pytest.param(0.04, ORDINARY, id="low"),
        pytest.param(0.01, ORDINARY, id="medium"),
        pytest.param(0.001, 0.001, id="high is never lowered"),
        pytest.param(0.0001, 0.0001, id="critical is never lowered"),
        pytest.param(0.3, 0.3, id="what is ordinary stays as it is"),
    ],
)
def test_a_benign_verdict_raises_low_and_medium_only(p: float, after: float) -> None:
    feedback = Feedback()
    given_verdict(feedback)
    assert seen(feedback, p=p) == after


@pytest.mark.parametrize(
    ("other", "aspects", "is_like"),
    [
        pytest.param(event(), ("duration",), True, id="the same"),
        pytest.param(event(timestamp=NOON + timedelta(days=9, hours=7)), ("duration",), True, id="another day"),
        pytest.param(event(duration_ms=7_000.0), ("duration",), True, id="within a factor of two"),
        pytest.param(event(duration_ms=40_000.0), ("duration",), False, id="ten times as long"),
        pytest.param(event(destination="FILES.example.com."), ("duration",), True, id="the same host"),
        pytest.param(event(destination="evil.example.net"), ("duration",), False, id="another destination"),
        pytest.param(event(destination=None), ("duration",), False, id="no destination"),
        pytest.param(event(tool="curl"), ("duration",), False, id="another tool"),
        pytest.param(event(event_type="import"), ("duration",), False, id="another type"),
        pytest.param(event(), ("duration", "temporal"), False, id="odd in something else as well"),
        pytest.param(event(), ("rate",), False, id="odd in something else"),
    ],
)
def test_a_benign_verdict_speaks_of_like_events(
    other: SecurityEvent, aspects: tuple[str, ...], *, is_like: bool
) -> None:
    feedback = Feedback()
    given_verdict(feedback)
    assert seen(feedback, other, 0.02, *aspects) == (ORDINARY if is_like else 0.02)


@pytest.mark.parametrize(
    ("other", "aspects", "is_like"),
    [
        pytest.param(event(), (), True, id="the same values, whatever is odd by now"),
        pytest.param(event(duration_ms=90_000.0), ("duration",), True, id="odd in the same, and further out"),
        pytest.param(event(duration_ms=90_000.0), (), False, id="another length that is ordinary"),
        pytest.param(event(tool="curl"), ("duration",), False, id="another tool"),
    ],
)
def test_a_malicious_verdict_speaks_of_like_events(
    other: SecurityEvent, aspects: tuple[str, ...], *, is_like: bool
) -> None:
    feedback = Feedback()
    assert given_verdict(feedback, is_anomaly=True, p=0.02).effect is Effect.FLAGS
    after = feedback.overlay(other, 0.9, ThreatLevel.NONE, NOON, aspects)
    assert after == (FLAGGED if is_like else 0.9)
    assert feedback.forbids(other) is (likeness_of(other) == likeness_of(event()))


def test_a_condemned_event_has_at_least_the_level_it_had_and_at_least_medium() -> None:
    feedback = Feedback()
    given_verdict(feedback, is_anomaly=True, p=0.00005, level=ThreatLevel.CRITICAL)
    assert level_of(seen(feedback, p=0.9)) is ThreatLevel.CRITICAL
    mild = Feedback()
    given_verdict(mild, is_anomaly=True, p=0.7, level=ThreatLevel.NONE)
    assert level_of(seen(mild, p=0.9)) is ThreatLevel.MEDIUM
    assert mild.overlay(event(), 0.9, ThreatLevel.NONE, NOON, ("duration",), flagged=0.0004) == 0.0004
    assert mild.overlay(event(), 0.9, ThreatLevel.NONE, NOON, ("duration",), flagged=0.05) == FLAGGED


def test_a_malicious_verdict_goes_before_a_benign_one_in_either_order() -> None:
    one, other = Feedback(), Feedback()
    given_verdict(one)
    given_verdict(one, is_anomaly=True)
    given_verdict(other, is_anomaly=True)
    given_verdict(other)
    assert seen(one) == seen(other) == FLAGGED


@pytest.mark.parametrize(
    ("other", "is_like"),
    [
        pytest.param(event(), True, id="the same"),
        pytest.param(event(timestamp=NOON + timedelta(hours=1)), True, id="an hour later"),
        pytest.param(event(timestamp=NOON + timedelta(hours=2)), False, id="two hours later"),
        pytest.param(event(timestamp=NOON + timedelta(days=5)), False, id="at the weekend"),
        pytest.param(event(duration_ms=None), False, id="no duration"),
    ],
)
def test_an_exact_verdict_asks_for_the_same_amounts_and_hour(other: SecurityEvent, *, is_like: bool) -> None:
    benign, malicious = Feedback(), Feedback()
    given_verdict(benign, scope=Scope.EXACT)
    given_verdict(malicious, scope=Scope.EXACT, is_anomaly=True)
    assert seen(benign, other) == (ORDINARY if is_like else 0.02)
    assert seen(malicious, other) == (FLAGGED if is_like else 0.02)
    assert malicious.forbids(other) is is_like


def test_a_malicious_verdict_on_what_departs_in_nothing_is_exact() -> None:
    feedback = Feedback()
    given_verdict(feedback, is_anomaly=True, p=1.0, level=ThreatLevel.NONE, aspects=())
    assert seen(feedback, p=0.9) == FLAGGED
    assert seen(feedback, event(duration_ms=100.0), 0.9) == 0.9


def test_an_aspect_without_a_value_keeps_nothing_else_out_of_training() -> None:
    feedback = Feedback()
    given_verdict(feedback, is_anomaly=True, aspects=("rate",))
    assert feedback.forbids(event())
    assert not feedback.forbids(event(duration_ms=100.0))
    assert seen(feedback, event(duration_ms=100.0), 0.02, "rate") == FLAGGED


def test_five_hundred_benign_verdicts_of_one_user_change_their_quota() -> None:
    feedback = Feedback()
    about = [event(event_type=f"job {number}") for number in range(500)]
    for number, one in enumerate(about):
        given_verdict(feedback, one, when=NOON + timedelta(minutes=number))
    changed = [one for one in about if seen(feedback, one) != 0.02]
    assert len(changed) == USER_QUOTA
    over = [one for one in feedback.verdicts if one.effect is Effect.OVER_QUOTA]
    assert len(over) == MOST_IDLE
    assert feedback.let_go == 500 - USER_QUOTA - MOST_IDLE


@pytest.mark.parametrize(
    ("users", "minutes", "learnt"),
    [
        pytest.param(1, 1, USER_QUOTA, id="one user"),
        pytest.param(2, 1, 2 * USER_QUOTA, id="two users"),
        pytest.param(50, 1, AGENT_QUOTA, id="many users share the agent's"),
        pytest.param(1, 24 * 60, 73, id="one a day for seventy-three days"),
        pytest.param(1, -24 * 60, USER_QUOTA, id="dated back, a day each"),
    ],
)
def test_quotas_go_by_user_and_by_agent_and_week(users: int, minutes: int, learnt: int) -> None:
    feedback = Feedback()
    for number in range(73):
        when = NOON + timedelta(minutes=minutes * number)
        given_verdict(feedback, event(event_type=f"job {number}"), who=f"user {number % users}", when=when)
    count = sum(one.effect is Effect.LEARNT for one in feedback.verdicts)
    assert count == learnt


def test_a_week_that_has_been_is_not_lived_again() -> None:
    feedback = Feedback()
    days = [1_000, *range(0, 560, 8)]
    effects = [given_verdict(feedback, when=NOON + timedelta(days=day)).effect for day in days]
    assert effects.count(Effect.LEARNT) == USER_QUOTA


def test_hours_are_near_around_midnight() -> None:
    feedback = Feedback()
    late = event(timestamp=NOON.replace(hour=23))
    given_verdict(feedback, late, scope=Scope.EXACT)
    assert seen(feedback, event(timestamp=NOON.replace(hour=0))) == ORDINARY
    assert seen(feedback, event(timestamp=NOON.replace(hour=1))) == 0.02


def test_a_quota_comes_back_after_a_week() -> None:
    feedback = Feedback()
    effects = [given_verdict(feedback, when=NOON + timedelta(days=day)).effect for day in (0,) * USER_QUOTA + (6, 7)]
    assert effects == [Effect.LEARNT] * USER_QUOTA + [Effect.OVER_QUOTA, Effect.LEARNT]


def test_malicious_verdicts_have_no_quota() -> None:
    feedback = Feedback()
    about = [event(event_type=f"job {number}") for number in range(100)]
    for one in about:
        given_verdict(feedback, one, is_anomaly=True)
    assert all(seen(feedback, one) == FLAGGED for one in about)


def test_what_is_held_is_bounded_and_says_so() -> None:
    feedback = Feedback()
    for number in range(MOST_VERDICTS):
        given_verdict(feedback, event(event_type=f"job {number}"), is_anomaly=True)
    assert given_verdict(feedback, event(event_type="one more"), is_anomaly=True).effect is Effect.FULL
    assert len(json.dumps(feedback.to_json())) < 400_000


@pytest.mark.parametrize("is_anomaly", [True, False])
def test_a_verdict_ends_by_event_time(is_anomaly: bool) -> None:  # noqa: FBT001  # a column
    feedback = Feedback()
    given_verdict(feedback, is_anomaly=is_anomaly, expires=NOON + timedelta(days=7))
    assert seen(feedback, event(timestamp=NOON + timedelta(days=7))) != 0.02
    after = event(timestamp=NOON + timedelta(days=7, seconds=1))
    assert seen(feedback, after) == 0.02
    assert not feedback.forbids(after)


def test_a_verdict_keeps_who_when_and_why() -> None:
    feedback = Feedback()
    verdict = given_verdict(feedback, why="nightly export", who="ana")
    assert (verdict.who, verdict.when, verdict.why) == ("ana", NOON, "nightly export")
    assert given_verdict(feedback, when=NOON + timedelta(hours=1)).when == NOON + timedelta(hours=1)
    assert feedback.verdicts[0] == verdict


@pytest.mark.parametrize("field", ["when", "expires"])
def test_a_time_without_zone_is_refused(field: str) -> None:
    with pytest.raises(InvalidEventError, match="no zone"):
        given_verdict(Feedback(), **{field: datetime(2026, 3, 2)})  # noqa: DTZ001  # the point


def test_an_unknown_verdict_cannot_be_undone() -> None:
    feedback = Feedback()
    verdict = given_verdict(feedback)
    assert feedback.undo(verdict) == verdict
    with pytest.raises(NotFoundError):
        feedback.undo(verdict)


TYPES = st.sampled_from(["read", "write"])
EVENTS = st.builds(
    lambda kind, hours, duration, place: event(
        event_type=kind, timestamp=NOON + timedelta(hours=hours), duration_ms=duration, destination=place
    ),
    TYPES,
    st.integers(0, 400),
    st.sampled_from([None, 0.0, 5.0, 4_000.0, float("inf"), float("nan"), -1.0]),
    st.sampled_from([None, "a.example", "b.example"]),
)
ASPECTS = st.lists(st.sampled_from(["duration", "temporal", "rate", "destination"]), unique=True, max_size=3)
GIVEN = st.lists(
    st.tuples(EVENTS, st.booleans(), st.floats(0, 1), ASPECTS, st.sampled_from(["ana", "bo"]), st.sampled_from(Scope)),
    max_size=30,
)


def filled(given_: list[tuple[Any, ...]]) -> Feedback:
    feedback = Feedback()
    for about, is_anomaly, p, aspects, who, scope in given_:
        feedback.record(
            about, is_anomaly=is_anomaly, p=p, level=level_of(p), aspects=aspects, who=who, scope=scope, why="law"
        )
    return feedback


@given(GIVEN, st.tuples(EVENTS, st.booleans(), st.floats(0, 1)), ASPECTS, EVENTS)
def test_undoing_restores_every_score_exactly(
    before: list[Any], one: tuple[SecurityEvent, bool, float], aspects: list[str], other: SecurityEvent
) -> None:
    feedback = filled(before)
    about, is_anomaly, p = one
    scores = [seen(feedback, other, q, *aspects) for q in (0.03, 0.005, 0.0005, 0.7)]
    kept = feedback.verdicts
    verdict = feedback.record(about, is_anomaly=is_anomaly, p=p, level=level_of(p), aspects=aspects)
    feedback.undo(verdict)
    assert [seen(feedback, other, q, *aspects) for q in (0.03, 0.005, 0.0005, 0.7)] == scores
    assert feedback.verdicts == kept


@given(GIVEN, EVENTS, ASPECTS)
def test_verdicts_survive_json(before: list[Any], other: SecurityEvent, aspects: list[str]) -> None:
    feedback = filled(before)
    again = Feedback.from_json(json.loads(json.dumps(feedback.to_json())))
    assert again.verdicts == feedback.verdicts
    assert seen(again, other, 0.02, *aspects) == seen(feedback, other, 0.02, *aspects)
    assert given_verdict(again) == given_verdict(feedback)


@given(GIVEN, EVENTS, ASPECTS, st.floats(0, 0.001))
def test_no_verdicts_ever_raise_what_is_high(
    before: list[Any], other: SecurityEvent, aspects: list[str], p: float
) -> None:
    assert seen(filled(before), other, p, *aspects) <= p


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="a list"),
        pytest.param({"version": 2, "following": 0, "let_go": 0, "verdicts": []}, id="another version"),
        pytest.param({"version": 1, "following": -1, "let_go": 0, "verdicts": []}, id="a negative number"),
        pytest.param({"version": 1, "following": 0, "let_go": 0, "verdicts": [{}]}, id="an empty verdict"),
        pytest.param({"version": 1, "following": 0, "let_go": 0, "verdicts": [{}] * 9_999}, id="too many"),
    ],
)
def test_what_is_no_stored_feedback_is_refused(values: object) -> None:
    with pytest.raises(StateError):
        Feedback.from_json(values)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"p": float("nan")}, id="p is no number"),
        pytest.param({"p": 2}, id="p above 1"),
        pytest.param({"level": "unheard of"}, id="no level"),
        pytest.param({"number": 7}, id="a number that was not given"),
        pytest.param({"why": "x" * 2_000}, id="a long reason"),
        pytest.param({"when": "2026-03-02T09:00:00"}, id="a time without zone"),
        pytest.param({"about": {"event_type": "x", "duration": 1 << 70}}, id="a huge bin"),
    ],
)
def test_a_hostile_verdict_is_refused(changed: dict[str, object]) -> None:
    feedback = Feedback()
    given_verdict(feedback)
    values = feedback.to_json()
    values["verdicts"] = [{**values["verdicts"][0], **changed}]
    with pytest.raises(StateError):
        Feedback.from_json(values)


def test_stored_verdicts_are_in_order() -> None:
    feedback = Feedback()
    given_verdict(feedback)
    given_verdict(feedback)
    values = feedback.to_json()
    values["verdicts"] = values["verdicts"][::-1]
    with pytest.raises(StateError, match="order"):
        Feedback.from_json(values)
