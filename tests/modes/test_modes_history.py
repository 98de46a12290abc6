"""Days that open, close and open again: late events, parts of days, gaps, a second bootstrap."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from golden.journal import ROOT, Journal, at, bot_day, bot_week, lines
from golden.play import KEY, final, findings, judge, learn, opened, request
from leeway.agents import IdKey
from leeway.errors import StateError
from leeway.events import AnyEvent
from leeway.modes import Report, bootstrap, detect, open_directory
from leeway.modes.projections import baseline_document

Kinds = list[tuple[int, str, str]]


def written(path: Path, *events: AnyEvent) -> Path:
    path.write_bytes(lines(events))
    return path


def told(state: Path, *, is_final: bool = True) -> Kinds:
    """Return (day of March, type, severity) of what was found."""
    found = [one for one in findings(state) if one.is_final == is_final]
    return sorted((one.day.day, one.type, str(one.severity)) for one in found)


def documents(state: Path) -> object:
    with opened(state) as directory:
        return baseline_document(directory, request())


@pytest.fixture
def week(tmp_path: Path) -> Path:
    """A state that has learnt days 1 to 7 (3 to 9 March)."""
    journal = Journal(prefix="l")
    bot_week(journal)
    learn(tmp_path / "state", written(tmp_path / "learn.jsonl", *journal.events))
    return tmp_path / "state"


def day_with(day: int, act: Callable[[Journal, int], None] | None = None, prefix: str = "d") -> list[AnyEvent]:
    journal = Journal(prefix=f"{prefix}{day}-")
    bot_day(journal, day)
    if act is not None:
        act(journal, day)
    return journal.events


def shell(journal: Journal, day: int) -> None:
    bot = journal.start(at(day, "10:00"), "python3 /opt/bot/agent.py", ROOT)
    journal.start(at(day, "10:05"), "bash -c id", bot)


def beacon(journal: Journal, day: int) -> None:
    bot = journal.start(at(day, "10:00"), "python3 /opt/bot/agent.py", ROOT)
    journal.connect(at(day, "23:30"), bot, "paste.example.org")


def hook(journal: Journal, day: int) -> None:
    bot = journal.start(at(day, "00:05"), "python3 /opt/bot/agent.py", ROOT)
    journal.load(at(day, "00:10"), bot, "/home/ana/libhook.so")


# Late events


def test_late_events_of_a_closed_day_have_it_judged_again(week: Path, tmp_path: Path) -> None:
    judge(week, written(tmp_path / "8.jsonl", *day_with(8)), written(tmp_path / "9.jsonl", *day_with(9)))
    assert told(week) == []
    late = day_with(8, shell)[len(day_with(8)) :]
    report = judge(week, written(tmp_path / "late.jsonl", *late))
    assert (report.new, report.opened_again, report.closed) == (2, ["2025-03-10"], ["2025-03-10", "2025-03-11"])
    assert told(week) == [(10, "new_child", "MEDIUM")]
    with opened(week) as directory:
        assert directory.database.counters() == {"days judged again": 1}
    other = tmp_path / "batch"
    learn(other, tmp_path / "learn.jsonl")
    judge(other, *(tmp_path / f"{name}.jsonl" for name in ("8", "9", "late")))
    assert final(other) == final(week)
    assert documents(other) == documents(week)


def test_a_finding_that_late_events_refute_stays_and_is_no_longer_final(week: Path, tmp_path: Path) -> None:
    """Nothing that was shown is withdrawn: here a trusted bootstrap of the day comes after it was judged."""
    file = written(tmp_path / "8.jsonl", *day_with(8, shell))
    judge(week, file)
    assert told(week) == [(10, "new_child", "MEDIUM")]
    learn(week, file)
    assert told(week) == []
    assert told(week, is_final=False) == [(10, "new_child", "MEDIUM")]


def test_events_of_days_no_longer_kept_are_counted_and_left(week: Path, tmp_path: Path) -> None:
    judge(week, written(tmp_path / "47.jsonl", *day_with(47)))
    report = judge(week, written(tmp_path / "late.jsonl", *day_with(11, shell)))
    assert (report.read, report.new, report.late) == (11, 0, 11)
    with opened(week) as directory:
        assert directory.database.counters()["events too late"] == 11
        assert directory.database.event_days() == [at(47, "00:00").toordinal()]


# Open days


def test_an_open_day_is_judged_at_once_and_closed_later(week: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "8.jsonl", *day_with(8, shell))
    first = judge(week, file, now=at(8, "20:00"))
    assert (first.open, first.closed) == (["2025-03-10"], [])
    assert (told(week), told(week, is_final=False)) == ([], [(10, "new_child", "MEDIUM")])
    again = judge(week, file, now=at(9, "20:00"))
    assert (again.new, again.open, again.findings) == (0, ["2025-03-10"], [])
    last = judge(week, file, now=at(10, "00:00"))
    assert (last.open, last.closed, last.findings) == ([], ["2025-03-10"], [])
    assert (told(week), told(week, is_final=False)) == ([(10, "new_child", "MEDIUM")], [])


@pytest.mark.parametrize(
    ("clock", "closed"),
    [
        pytest.param(at(9, "23:59:59"), [], id="a second before"),
        pytest.param(at(10, "00:00"), ["2025-03-10"], id="24 hours after its end"),
    ],
)
def test_a_day_closes_by_the_clock(clock: datetime, closed: list[str], week: Path, tmp_path: Path) -> None:
    assert judge(week, written(tmp_path / "8.jsonl", *day_with(8)), now=clock).closed == closed


def test_a_day_closes_by_the_watermark_too(week: Path, tmp_path: Path) -> None:
    later = [event for event in day_with(10) if event.time >= at(10, "09:00")]
    files = written(tmp_path / "8.jsonl", *day_with(8)), written(tmp_path / "10.jsonl", *later)
    report = judge(week, *files, now=at(10, "09:00"), lateness=timedelta(hours=33))
    assert (report.closed, report.open) == (["2025-03-10"], ["2025-03-12"])


def test_an_agent_whose_start_was_not_seen_waits_for_the_close(week: Path, tmp_path: Path) -> None:
    events = [event for event in day_with(8, shell) if not event.id.endswith(("0010", "0001"))]
    file = written(tmp_path / "8.jsonl", *events)
    assert judge(week, file, now=at(8, "20:00")).findings == []
    kinds = {one.type for one in judge(week, file, now=at(11, "00:00")).findings}
    assert "new_agent" in kinds


# Gaps and parts


@pytest.mark.parametrize("at_once", [True, False], ids=["one run", "two runs"])
def test_yesterday_is_the_day_before_and_no_other(at_once: bool, week: Path, tmp_path: Path) -> None:  # noqa: FBT001
    """A destination of day 8 and a module of day 10 do not meet, though no day between them has events."""
    files = [written(tmp_path / "8.jsonl", *day_with(8, beacon)), written(tmp_path / "10.jsonl", *day_with(10, hook))]
    for group in [files] if at_once else [[one] for one in files]:
        judge(week, *group)
    assert told(week) == [(10, "new_destination", "MEDIUM"), (12, "new_module", "LOW")]


def test_an_open_yesterday_does_not_count_before_it_closes(week: Path, tmp_path: Path) -> None:
    files = [written(tmp_path / "8.jsonl", *day_with(8, beacon)), written(tmp_path / "9.jsonl", *day_with(9, hook))]
    judge(week, *files, now=at(9, "20:00"))
    assert told(week, is_final=False) == [(10, "new_destination", "MEDIUM"), (11, "new_module", "LOW")]
    judge(week, *files)
    assert told(week) == [(10, "new_destination", "MEDIUM"), (11, "flow_and_module", "HIGH"), (11, "new_module", "LOW")]


def codex(journal: Journal, day: int) -> None:
    agent = journal.start(at(day, "10:00"), "codex exec", ROOT)
    journal.connect(at(day, "10:05"), agent, "api.openai.com")


def test_behind_an_open_day_the_next_one_is_judged_as_if_it_had_closed(week: Path, tmp_path: Path) -> None:
    """What yesterday will teach is not shown as new once more, to be gone when yesterday closes."""
    files = [written(tmp_path / f"{day}.jsonl", *day_with(day, codex)) for day in (8, 9)]
    report = judge(week, *files, now=at(9, "20:00"))
    assert (report.open, report.closed) == (["2025-03-10", "2025-03-11"], [])
    shown = [(10, "new_agent", "MEDIUM"), (11, "learning", "INFO")]
    assert [one for one in told(week, is_final=False) if one[1] in {"new_agent", "learning"}] == shown
    judge(week, *files)
    assert [one for one in told(week) if one[1] in {"new_agent", "learning"}] == shown
    assert told(week, is_final=False) == []


def test_what_an_open_day_was_thought_to_teach_is_forgotten(week: Path, tmp_path: Path) -> None:
    """A late trusted act is credited to an agent without arguments, until the start comes that names them."""
    journal = Journal(prefix="late")
    agent = journal.start(at(7, "16:00"), "codex exec", ROOT)
    journal.connect(at(7, "16:05"), agent, "api.openai.com")
    start, act = journal.events
    once = tmp_path / "once"
    learn(once, tmp_path / "learn.jsonl", written(tmp_path / "late.jsonl", start, act))
    first = judge(week, written(tmp_path / "act.jsonl", act), now=at(8, "10:00"))
    assert (first.opened_again, first.open) == (["2025-03-09"], ["2025-03-09"])
    judge(week, written(tmp_path / "start.jsonl", start), now=at(8, "11:00"))
    judge(week, written(tmp_path / "8.jsonl", *day_with(8)))
    judge(once, tmp_path / "8.jsonl")
    assert documents(week) == documents(once)


def test_a_bootstrap_that_ends_inside_a_day_closes_that_part(tmp_path: Path) -> None:
    journal = Journal(prefix="l")
    bot_week(journal)
    morning = [event for event in day_with(8, shell) if event.time < at(8, "11:00")]
    rest = [event for event in day_with(8, shell) if event.time >= at(8, "11:00")]
    state = tmp_path / "state"
    report = learn(state, written(tmp_path / "learn.jsonl", *journal.events, *morning))
    assert report.closed[-1] == "2025-03-10"
    shell_again = Journal(prefix="x")
    bot = shell_again.start(at(8, "12:00"), "python3 /opt/bot/agent.py", ROOT)
    shell_again.start(at(8, "12:05"), "bash -c id", bot)
    shell_again.start(at(8, "12:06"), "curl https://example.org", bot)
    report = judge(state, written(tmp_path / "rest.jsonl", *rest, *shell_again.events))
    assert report.opened_again == ["2025-03-10"]
    # The shell was learnt in the morning, on one day: rare. The downloader is new.
    assert told(state) == [(10, "new_child", "INFO"), (10, "new_child", "LOW"), (10, "new_child", "MEDIUM")]
    with opened(state) as directory:
        (baseline,) = [one for one in directory.baselines().values() if one.key.process == "python3"]
    assert (baseline.active_days, baseline.events) == (8, len(journal.events) + 11 + 3)
    assert [(one.mode, one.last.day) for one in baseline.provenance] == [("trusted", 10), ("judged", 10)]


def test_a_second_bootstrap_trusts_what_it_read_and_nothing_judged_since(week: Path, tmp_path: Path) -> None:
    """Days 8 and 9 were judged; that day 8 is learnt afterwards leaves day 9 judged, read again or not."""
    files = [written(tmp_path / f"{day}.jsonl", *day_with(day, shell)) for day in (8, 9)]
    judge(week, *files)
    learn(week, files[0])
    with opened(week) as directory:
        assert directory.database.meta("trusted_until") == "2025-03-10T18:00:00.000001+00:00"
    judge(week, written(tmp_path / "again.jsonl", *day_with(9, shell), *day_with(9, beacon, prefix="late")))
    # Learnt on one day: rare. The destination is new, and came within the lateness.
    told_of_nine = [(11, "new_child", "INFO"), (11, "new_child", "LOW"), (11, "new_destination", "MEDIUM")]
    assert told(week) == told_of_nine


def test_a_second_bootstrap_extends_the_first(week: Path, tmp_path: Path) -> None:
    once = tmp_path / "once"
    more = [event for day in (8, 9, 10) for event in day_with(day, shell)]
    learn(week, written(tmp_path / "more.jsonl", *more))
    learn(once, tmp_path / "learn.jsonl", tmp_path / "more.jsonl")
    assert documents(week) == documents(once)
    assert told(week) == []
    judge(week, written(tmp_path / "11.jsonl", *day_with(11, shell)))
    # Three days, three sightings: still rare, for five are asked.
    assert told(week) == [(13, "new_child", "INFO"), (13, "new_child", "LOW")]


# What is kept of a source


def test_an_unchanged_file_is_not_read_again(week: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "8.jsonl", *day_with(8))
    assert (judge(week, file).read, judge(week, file).read) == (9, 0)


def test_a_file_that_was_judged_can_still_be_trusted(week: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "8.jsonl", *day_with(8))
    assert [judge(week, file).read, learn(week, file).read, learn(week, file).read] == [9, 9, 0]
    assert judge(week, file).read == 0


def test_a_grown_file_is_read_from_where_it_was_left(week: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "8.jsonl", *day_with(8))
    judge(week, file)
    with file.open("ab") as stream:
        stream.write(lines(day_with(9, shell)))
    report = judge(week, file)
    assert (report.read, report.new, report.duplicates) == (11, 11, 0)
    assert told(week) == [(11, "new_child", "MEDIUM")]


@pytest.mark.parametrize("keep", [0, 4], ids=["replaced", "cut and written anew"])
def test_a_replaced_file_is_read_from_its_start(keep: int, week: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "8.jsonl", *day_with(8))
    judge(week, file)
    written(file, *day_with(9, shell), *day_with(8)[:keep])
    report = judge(week, file)
    assert (report.read, report.new, report.duplicates) == (11 + keep, 11, keep)


def test_a_record_that_cannot_be_read_is_kept_with_its_place(week: Path, tmp_path: Path) -> None:
    file = tmp_path / "8.jsonl"
    file.write_bytes(lines(day_with(8)) + b"not json\n")
    first = judge(week, file)
    assert (first.new, list(first.rejected.values())) == (9, [1])
    assert judge(week, file).read == 0
    with opened(week) as directory:
        ((uri, position, _, record),) = directory.database.rejected()
    assert (uri, position, record) == (str(file), str(file.stat().st_size), "not json")


# Keys


def test_the_same_history_under_another_key_has_other_ids(week: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "8.jsonl", *day_with(8, shell))
    judge(week, file)
    other = IdKey(b"another key of thirty-two bytes.")
    with open_directory(tmp_path / "other", other, who="a test") as directory:
        bootstrap(directory, request(tmp_path / "learn.jsonl"))
        report: Report = detect(directory, request(file))
    (mine,), (theirs,) = findings(week), report.findings
    assert mine.finding_id != theirs.finding_id
    assert mine.agent != theirs.agent
    assert (mine.type, mine.value, mine.evidence) == (theirs.type, theirs.value, theirs.evidence)


def test_a_directory_made_under_another_key_is_refused(week: Path) -> None:
    other = IdKey(b"another key of thirty-two bytes.")
    with pytest.raises(StateError, match="under another id key"), open_directory(week, other, who="a test"):
        pass
    assert told(week) == []
    assert KEY.id_of("check") != other.id_of("check")
