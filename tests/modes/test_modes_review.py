"""Verdicts: who, what, why and when are stored; they enter at the next close and never change the past."""

from datetime import date
from pathlib import Path

import pytest

from golden.journal import ROOT, Journal, at, bot_day, bot_week, lines
from golden.play import findings, judge, learn, opened
from leeway.errors import NotFoundError
from leeway.events import Facet
from leeway.findings import CaseState, Disposition, Judgement, Verdict, cases_of, in_force
from leeway.modes import review

BASH = ("bash",)


def _day(day: int) -> bytes:
    journal = Journal(prefix=f"d{day}-")
    bot_day(journal, day)
    bot = journal.start(at(day, "10:00"), "python3 /opt/bot/agent.py", ROOT)
    for clock in ("10:05", "15:05"):
        journal.start(at(day, clock), "bash -c 'make lint'", bot)
    return lines(journal.events)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Seven days learnt, day 8 (10 March) judged and closed: one new child."""
    journal = Journal(prefix="l")
    bot_week(journal)
    (tmp_path / "learn.jsonl").write_bytes(lines(journal.events))
    learn(tmp_path / "state", tmp_path / "learn.jsonl")
    judged(tmp_path / "state", 8)
    return tmp_path / "state"


def judged(state: Path, day: int) -> list[tuple[str, str]]:
    """Judge one more day and return (type, severity) of what was found on it."""
    file = state.parent / f"day-{day}.jsonl"
    file.write_bytes(_day(day))
    judge(state, file)
    return sorted((one.type, str(one.severity)) for one in findings(state) if one.day.day == day + 2)


def given(state: Path, judgement: Judgement, until: date | None = None, case: str | None = None) -> Verdict:
    with opened(state) as directory:
        (found,) = {one.case_id for one in directory.findings() if one.value == BASH}
        return review(
            directory,
            case or found[:9],
            judgement,
            reason="lint of release 4",
            by="ben",
            at=at(9, "08:00"),
            until=until,
        )


def known(state: Path) -> tuple[bool, bool]:
    """Return whether the shell is learnt, and whether it waits."""
    with opened(state) as directory:
        (baseline,) = [one for one in directory.baselines().values() if one.key.process == "python3"]
    return BASH in baseline.values(Facet.CHILD), BASH in baseline.pending.get(Facet.CHILD, {})


def test_a_verdict_keeps_who_what_why_and_when(state: Path) -> None:
    verdict = given(state, Judgement.BENIGN)
    with opened(state) as directory:
        assert directory.verdicts() == (verdict,)
    assert (verdict.by, verdict.reason, verdict.at, verdict.judgement) == (
        "ben",
        "lint of release 4",
        at(9, "08:00"),
        Judgement.BENIGN,
    )
    assert (verdict.type, verdict.value, verdict.effective) == ("new_child", BASH, date(2025, 3, 11))


def test_a_benign_verdict_teaches_at_the_next_close(state: Path) -> None:
    assert known(state) == (False, True)
    given(state, Judgement.BENIGN)
    assert known(state) == (False, True)
    assert judged(state, 9) == [("new_child", "MEDIUM")]
    assert known(state) == (True, False)
    assert judged(state, 10) == [("new_child", "INFO"), ("new_child", "LOW")]
    assert judged(state, 11) == []


def test_a_benign_verdict_with_an_end_suppresses_and_teaches_nothing(state: Path) -> None:
    given(state, Judgement.BENIGN, until=date(2025, 3, 12))
    assert [judged(state, day) for day in (9, 10, 11)] == [[("new_child", "MEDIUM")]] * 3
    assert known(state) == (False, True)
    assert _case(state, date(2025, 3, 12))[0] == (CaseState.BENIGN, Disposition.QUEUED)
    with opened(state) as directory:
        (verdict,) = directory.verdicts()
    days = [verdict.disposition(date(2025, 3, day)) for day in (12, 13)]
    assert days == [Disposition.SUPPRESSED, Disposition.QUEUED]


def test_a_malicious_verdict_is_never_learnt_not_even_by_bootstrap(state: Path, tmp_path: Path) -> None:
    given(state, Judgement.MALICIOUS)
    judged(state, 9)
    assert known(state) == (False, False)
    (tmp_path / "more.jsonl").write_bytes(b"".join(map(_day, range(10, 15))))
    learn(state, tmp_path / "more.jsonl")
    assert known(state) == (False, False)
    assert judged(state, 15) == [("new_child", "MEDIUM")]
    assert _case(state, date(2025, 3, 18))[0] == (CaseState.MALICIOUS, Disposition.ESCALATED)


def test_the_last_verdict_holds(state: Path) -> None:
    given(state, Judgement.MALICIOUS)
    with opened(state) as directory:
        case = directory.findings()[0].case_id
        review(directory, case, Judgement.BENIGN, reason="it was ours", by="ana", at=at(9, "09:00"))
        assert [one.by for one in directory.verdicts()] == ["ben", "ana"]
    judged(state, 9)
    assert known(state) == (True, False)


def test_a_verdict_leaves_judged_days_alone(state: Path) -> None:
    before = findings(state)
    given(state, Judgement.BENIGN)
    assert findings(state) == before
    # Day 8 is judged again because of late events; the verdict is in force from day 9 on.
    journal = Journal(prefix="late")
    journal.start(at(8, "16:00"), "git status", ROOT)
    (state.parent / "late.jsonl").write_bytes(lines(journal.events))
    judge(state, state.parent / "late.jsonl")
    assert findings(state) == before
    assert known(state) == (False, True)


def test_an_unreviewed_case_expires_after_a_week(state: Path) -> None:
    states = {day: _case(state, date(2025, 3, day))[0][0] for day in (16, 17)}
    assert states == {16: CaseState.OPEN, 17: CaseState.UNREVIEWED}


@pytest.mark.parametrize("case", ["", "zz", "0x"], ids=["empty", "unknown", "no hex"])
def test_a_case_that_is_not_there_is_said(case: str, state: Path) -> None:
    with opened(state) as directory, pytest.raises(NotFoundError):
        review(directory, case, Judgement.BENIGN, reason="x", by="y", at=at(9, "08:00"))


def test_a_beginning_that_fits_two_cases_is_refused(state: Path) -> None:
    with opened(state) as directory:
        directory.database.put_findings([])
        one = directory.findings()[0]
    journal = Journal(prefix="more")
    bot = journal.start(at(9, "10:00"), "python3 /opt/bot/agent.py", ROOT)
    for number in range(40):
        journal.start(at(9, "10:05"), f"tool{chr(97 + number % 26)}{chr(97 + number // 26)}", bot)
    (state.parent / "many.jsonl").write_bytes(lines(journal.events))
    judge(state, state.parent / "many.jsonl")
    with opened(state) as directory, pytest.raises(NotFoundError, match="cases start with"):
        review(directory, one.case_id[:1], Judgement.BENIGN, reason="x", by="y", at=at(9, "08:00"))


def _case(state: Path, today: date) -> list[tuple[CaseState, Disposition]]:
    with opened(state) as directory:
        verdicts = in_force(directory.verdicts(), today)
        return [(one.state, one.disposition) for one in cases_of(directory.findings(), verdicts, today)]
