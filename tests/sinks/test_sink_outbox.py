"""What is to be delivered, and when again."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from leeway.agents import IdKey
from leeway.errors import StateError
from leeway.findings import Finding, Judgement, Severity, Verdict
from leeway.sinks import Activity, Announced, Delivery, Recipient
from leeway.sinks.outbox import (
    TRIES,
    announced_with,
    decode_announced,
    decode_delivery,
    delivery_of,
    encode_row,
    failed,
    pause,
    refused,
    revived,
    to_announce,
)
from sinks.sink_samples import PLAIN

IDS = IdKey(b"tests")
NOW = datetime(2025, 3, 11, tzinfo=UTC)
TO = Recipient("s1")
TOLD = Announced(Severity.MEDIUM, PLAIN.day.toordinal())


def of(day: int = 10, severity: Severity = Severity.MEDIUM, *, final: bool = True, **more: object) -> Finding:
    at = date(2025, 3, day)
    return replace(PLAIN, finding_id=f"f{day}", day=at, severity=severity, is_final=final, **more)


def made(one: Finding, known: Announced | None = None, to: Recipient = TO) -> Delivery | None:
    return delivery_of(IDS, to, one, known)


@pytest.mark.parametrize(
    ("finding", "known", "activity"),
    [
        pytest.param(of(), None, Activity.CREATE, id="new"),
        pytest.param(of(final=False), None, Activity.CREATE, id="new on an open day"),
        pytest.param(of(), TOLD, None, id="told"),
        pytest.param(of(severity=Severity.LOW), TOLD, None, id="less grave"),
        pytest.param(of(severity=Severity.HIGH), TOLD, Activity.UPDATE, id="graver"),
        pytest.param(of(severity=Severity.HIGH, final=False), TOLD, Activity.UPDATE, id="graver on an open day"),
        pytest.param(of(11), TOLD, Activity.UPDATE, id="a later day"),
        pytest.param(of(11, Severity.LOW), TOLD, Activity.UPDATE, id="a later day, less grave"),
        pytest.param(of(11, final=False), TOLD, None, id="a later day that is open"),
        pytest.param(of(9), TOLD, None, id="an earlier day"),
        pytest.param(of(9, Severity.HIGH), TOLD, Activity.UPDATE, id="an earlier day, graver"),
    ],
)
def test_a_case_is_told_once_and_then_as_it_grows(
    finding: Finding, known: Announced | None, activity: Activity | None
) -> None:
    delivery = made(finding, known)
    assert (delivery.activity if delivery else None) is activity


@given(
    steps=st.lists(st.tuples(st.integers(1, 9), st.sampled_from(Severity), st.booleans()), max_size=30),
)
def test_nothing_is_told_twice(steps: list[tuple[int, Severity, bool]]) -> None:
    known, told = None, []
    for day, severity, final in steps:
        one = made(of(day, severity, final=final), known)
        if one is not None:
            told.append(one)
            known = announced_with(one, known)
    assert len({one.id for one in told}) == len(told)
    assert [one.activity for one in told] == [Activity.CREATE, *[Activity.UPDATE] * 29][: len(told)]
    assert len(told) <= 1 + len({day for day, *_ in steps}) + len(Severity)


def test_ids_are_of_the_place_the_finding_and_its_severity() -> None:
    ones = [made(of()), made(of(), to=Recipient("s2")), made(of(11)), made(of(severity=Severity.HIGH))]
    assert len({one.id for one in ones if one}) == 4
    assert made(of()) == made(of())


def verdict(judgement: Judgement, until: date | None = None) -> dict[str, Verdict]:
    held = {"case_id": "c1", "agent": "a1", "type": "new_child", "value": ("bash",), "effective": date(2025, 3, 1)}
    return {"c1": Verdict(judgement=judgement, reason="r", by="b", at=NOW, until=until, **held)}


@pytest.mark.parametrize(
    ("finding", "verdicts", "is_told"),
    [
        pytest.param(of(), {}, True, id="plain"),
        pytest.param(of(severity=Severity.LOW), {}, True, id="low"),
        pytest.param(of(severity=Severity.INFO), {}, False, id="info"),
        pytest.param(of(linked_to="f9"), {}, False, id="repeats another"),
        pytest.param(of(), verdict(Judgement.BENIGN), False, id="benign"),
        pytest.param(of(), verdict(Judgement.BENIGN, date(2025, 3, 9)), True, id="no longer benign"),
        pytest.param(of(), verdict(Judgement.MALICIOUS), True, id="malicious"),
    ],
)
def test_who_is_told_of_what(finding: Finding, verdicts: dict[str, Verdict], is_told: bool) -> None:  # noqa: FBT001  # a table
    assert list(to_announce([finding], TO, verdicts)) == ([finding] if is_told else [])


def test_earlier_days_and_graver_findings_go_first() -> None:
    findings = [of(11), of(10), of(10, Severity.HIGH, case_id="c2")]
    told = list(to_announce(findings, Recipient("s1", Severity.MEDIUM), {}))
    assert [(one.day.day, one.severity) for one in told] == [(10, 4), (10, 3), (11, 3)]
    assert list(to_announce(findings, Recipient("s1", Severity.HIGH), {})) == [findings[2]]


def test_pauses_double_from_a_minute_to_six_hours() -> None:
    pauses = [pause("x", attempt) for attempt in range(1, TRIES + 1)]
    for attempt, one in enumerate(pauses):
        least = min(timedelta(minutes=2**attempt), timedelta(hours=6))
        assert least <= one <= min(least * 1.25, timedelta(hours=6))
    assert pauses[-1] == timedelta(hours=6)


@given(ids=st.lists(st.text(), min_size=30, max_size=30, unique=True))
def test_what_failed_together_comes_back_apart_and_the_same_each_time(ids: list[str]) -> None:
    assert len({pause(one, 1) for one in ids}) > 25
    assert [pause(one, 3) for one in ids] == [pause(one, 3) for one in ids]


def test_a_delivery_dies_after_twenty_attempts() -> None:
    delivery = made(of())
    assert delivery is not None
    for attempt in range(1, TRIES + 1):
        delivery = failed(delivery, "timed out", NOW)
        assert (delivery.attempts, delivery.is_dead) == (attempt, attempt == TRIES)
    assert delivery.reason == "timed out"
    again = revived(delivery)
    assert (again.attempts, again.due, again.is_dead) == (0, None, False)
    assert refused(again, "answered 404").is_dead


@pytest.mark.parametrize(
    ("wait", "least"),
    [
        (timedelta(0), timedelta(minutes=1)),
        (timedelta(hours=2), timedelta(hours=2)),
        (timedelta(days=9), timedelta(hours=6)),
    ],
    ids=["none", "two hours", "too long"],
)
def test_a_place_may_ask_for_time(wait: timedelta, least: timedelta) -> None:
    delivery = made(of())
    assert delivery is not None
    due = failed(delivery, "answered 429", NOW, wait).due
    assert due is not None
    assert least <= due - NOW <= max(least, timedelta(seconds=75))


def test_rows_come_back_as_they_were() -> None:
    delivery = made(of())
    assert delivery is not None
    later = failed(delivery, "timed out", NOW)
    assert decode_delivery(encode_row(later)) == later
    assert decode_announced(encode_row(TOLD)) == TOLD
    for decode in (decode_delivery, decode_announced):
        with pytest.raises(StateError):
            decode(b"\xc1")
