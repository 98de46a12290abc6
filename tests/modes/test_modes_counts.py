"""Every record is accounted for: read, new, known, refused, left out, too late; and periods take what they say."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from golden.journal import Journal, at, bot_week, lines
from golden.play import judge, learn, opened, request
from leeway.errors import SourceError
from leeway.events import Heartbeat, identified
from leeway.modes import Directory, Period, Report, Request, Window, bootstrap, collect, detect
from leeway.modes.ingest import first_periods, last_periods


@pytest.fixture
def week(tmp_path: Path) -> Path:
    """A file of seven days of nine events each, from 09:00 to 18:00."""
    journal = Journal()
    bot_week(journal)
    (tmp_path / "week.jsonl").write_bytes(lines(journal.events))
    return tmp_path / "week.jsonl"


def test_every_record_is_counted_once(week: Path, tmp_path: Path) -> None:
    rows = week.read_bytes().splitlines(keepends=True)
    future = identified(Heartbeat(time=at(40, "09:00"), host="desk"))
    week.write_bytes(b"".join(rows[:40]) + b"{}\n" + rows[3] + b'{"kind":"unheard_of"}\n' + lines([future]) + rows[40])
    report = learn(tmp_path / "state", week, now=at(30, "00:00"))
    assert (report.read, report.new, report.duplicates) == (45, 41, 1)
    assert sorted(report.rejected.values()) == [1, 1, 1]
    assert report.rejected["dated in the future"] == 1
    assert report.read == report.new + report.duplicates + sum(report.rejected.values())
    with opened(tmp_path / "state") as directory:
        assert directory.database.counters() == {"records rejected": 3}
        assert len(list(directory.database.rejected())) == 3


@pytest.mark.parametrize(
    ("ahead", "new"),
    [
        pytest.param(timedelta(minutes=5), 1, id="5 minutes"),
        pytest.param(timedelta(minutes=5, microseconds=1), 0, id="more"),
    ],
)
def test_a_clock_may_be_five_minutes_ahead(ahead: timedelta, new: int, week: Path, tmp_path: Path) -> None:
    learn(tmp_path / "state", week)
    event = identified(Heartbeat(time=at(20, "09:00") + ahead, host="desk"))
    file = tmp_path / "beat.jsonl"
    file.write_bytes(
        lines([event]) + week.read_bytes()[:0] + lines([identified(Heartbeat(time=at(20, "08:00"), host="x"))])
    )
    report = judge(tmp_path / "state", file, now=at(20, "09:00"))
    assert (report.new, sum(report.rejected.values())) == (1 + new, 1 - new)


def test_kinds_a_feed_has_no_use_for_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "sysmon.json"
    file.write_text(
        '{"EventID":1,"SourceName":"Microsoft-Windows-Sysmon","UtcTime":"2025-03-03 09:00:00.000","Hostname":"ws",'
        '"Image":"C:\\\\x\\\\claude.exe","ProcessGuid":"{1}","ProcessId":"4","CommandLine":"claude"}\n'
        '{"EventID":13,"SourceName":"Microsoft-Windows-Sysmon","UtcTime":"2025-03-03 09:00:01.000","Hostname":"ws"}\n'
    )
    report = learn(tmp_path / "state", file)
    assert (report.read, report.new, sum(report.skipped.values())) == (2, 1, 1)
    with opened(tmp_path / "other") as directory:
        collected = collect(directory, request(file))
    assert (collected.read, collected.new, sum(collected.skipped.values())) == (2, 1, 1)


@pytest.mark.parametrize(
    ("period", "count", "new"),
    [
        pytest.param(Period.DAY, 1, 9, id="1 day"),
        pytest.param(Period.DAY, 3, 27, id="3 days"),
        pytest.param(Period.DAY, 400, 63, id="400 days"),
        pytest.param(Period.HOUR, 1, 3, id="1 hour"),  # 09:00, 09:01, 09:02
        pytest.param(Period.HOUR, 3, 7, id="3 hours"),  # up to 11:59
        pytest.param(Period.HOUR, 25, 12, id="25 hours"),  # the next day's first hour as well
    ],
)
def test_bootstrap_takes_the_first_periods(period: Period, count: int, new: int, week: Path, tmp_path: Path) -> None:
    report = learn(tmp_path / "state", week, period=period, count=count)
    assert (report.read, report.new, report.outside) == (63, new, 63 - new)


@pytest.mark.parametrize(
    ("period", "count", "new"),
    [
        pytest.param(Period.DAY, 2, 18, id="2 days"),
        pytest.param(Period.HOUR, 1, 1, id="1 hour"),  # the end of the run, at 18:00
        pytest.param(Period.HOUR, 5, 2, id="5 hours"),
    ],
)
@pytest.mark.parametrize("mode", [detect, collect], ids=lambda mode: mode.__name__)
def test_the_others_take_the_last_periods(
    mode: Callable[[Directory, Request], Report], period: Period, count: int, new: int, week: Path, tmp_path: Path
) -> None:
    with opened(tmp_path / "state") as directory:
        report = mode(directory, request(week, period=period, count=count))
    assert (report.read, report.new, report.outside) == (63, new, 63 - new)


def test_after_periods_the_rest_of_the_file_is_still_to_be_read(week: Path, tmp_path: Path) -> None:
    learn(tmp_path / "state", week, count=5)
    report = judge(tmp_path / "state", week)
    assert (report.read, report.new, report.duplicates) == (63, 18, 45)
    assert report.closed == ["2025-03-08", "2025-03-09"]


@pytest.mark.parametrize(
    ("window", "count", "expected"),
    [
        (Window(at(1, "09:30"), at(3, "10:00")), 2, Window(at(1, "00:00"), at(3, "00:00"))),
        (Window(at(1, "00:00"), at(1, "00:00")), 1, Window(at(1, "00:00"), at(2, "00:00"))),
        (Window(), 2, Window()),
    ],
)
def test_first_periods_are_whole(window: Window, count: int, expected: Window) -> None:
    assert first_periods(window, Period.DAY, count) == expected


@pytest.mark.parametrize(
    ("window", "period", "count", "expected"),
    [
        (Window(at(1, "09:30"), at(3, "10:00")), Period.DAY, 1, Window(at(3, "00:00"), at(4, "00:00"))),
        (Window(at(1, "09:30"), at(3, "10:00")), Period.HOUR, 2, Window(at(3, "09:00"), at(3, "11:00"))),
        (Window(), Period.HOUR, 2, Window()),
    ],
)
def test_last_periods_are_whole(window: Window, period: Period, count: int, expected: Window) -> None:
    assert last_periods(window, period, count) == expected


@pytest.mark.parametrize("mode", [bootstrap, detect, collect], ids=lambda mode: mode.__name__)
def test_a_source_of_which_nothing_can_be_read_is_an_error(
    mode: Callable[[Directory, Request], Report], tmp_path: Path
) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"kind":"heartbeat","time":"yesterday","host":"x"}\n' * 3)
    with opened(tmp_path / "state") as directory, pytest.raises(SourceError, match="none of 3 records could be read"):
        mode(directory, request(file))


def test_an_empty_source_is_quiet(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    report = learn(tmp_path / "state", tmp_path / "empty.jsonl")
    assert (report.read, report.new, report.closed, report.remarked) == (0, 0, [], False)


def test_what_no_source_can_see_is_said(week: Path, tmp_path: Path) -> None:
    sysmon = tmp_path / "sysmon.json"
    sysmon.write_text(
        '{"EventID":5,"UtcTime":"2025-03-12 09:00:00.000","Hostname":"ws","Image":"x","ProcessGuid":"{1}"}\n'
    )
    learn(tmp_path / "state", week)
    with opened(tmp_path / "state") as directory:
        report = detect(directory, request(sysmon))
    assert report.not_observable["excess_transfer"] == ["bytes_out"]
    assert learn(tmp_path / "state", week).not_observable == {}


def test_the_report_says_what_it_counts(week: Path, tmp_path: Path) -> None:
    report = learn(tmp_path / "state", week).as_json()
    assert report["events"] == {"read": 63, "new": 63, "duplicates": 0, "outside": 0, "late": 0}
    assert report["days"] == {
        "closed": [f"2025-03-0{day}" for day in range(3, 10)],
        "opened_again": [],
        "open": [],
        "without_events": [],
    }
    assert (report["mode"], report["agents"], report["learning_days"], report["scope"]) == (
        "bootstrap",
        1,
        7,
        "evidence",
    )
    assert report["findings_by_severity"] == {"CRITICAL": 0, "HIGH": 0, "MEDIUM": 0, "LOW": 0, "INFO": 0}
    assert "not proof of malice" in report["caution"]


def test_days_on_which_nobody_was_watched_are_told_once(week: Path, tmp_path: Path) -> None:
    learn(tmp_path / "state", week)
    files = {number: tmp_path / f"{number}.jsonl" for number in (10, 11)}
    for number, file in files.items():
        file.write_bytes(lines([identified(Heartbeat(time=at(number, "09:00"), host="desk"))]))
    report = judge(tmp_path / "state", *files.values())
    assert report.without_events == ["2025-03-10", "2025-03-11"]
    assert report.as_json()["days"]["without_events"] == report.without_events  # type: ignore[index]  # plain values
    assert judge(tmp_path / "state", week).without_events == []
