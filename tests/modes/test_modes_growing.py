"""A feed that is still being written loses nothing, and a broken one does not stop the others."""

import gzip
from pathlib import Path

import pytest

from golden.journal import Journal, at, bot_day, bot_week, lines
from golden.play import final, judge, learn, opened
from leeway.errors import SourceError
from leeway.modes.ingest import UNFINISHED


def week_of(path: Path) -> Path:
    journal = Journal()
    bot_week(journal)
    path.write_bytes(lines(journal.events))
    return path


def day_of(number: int) -> bytes:
    journal = Journal(prefix=f"d{number}-")
    bot_day(journal, number)
    journal.start(at(number, "10:05"), "nc -l 9", None)
    return lines(journal.events)


def stored(state: Path) -> int:
    with opened(state) as directory:
        return sum(len(list(directory.database.events(day))) for day in directory.database.event_days(0))


@pytest.mark.parametrize("cut", [333, 700, 1_001], ids="cut at {}".format)
def test_a_line_that_is_half_written_is_read_when_it_is_whole(cut: int, tmp_path: Path) -> None:
    week, body, feed = week_of(tmp_path / "week.jsonl"), day_of(8), tmp_path / "feed.jsonl"
    feed.write_bytes(body)
    learn(tmp_path / "once", week)
    judge(tmp_path / "once", feed)
    learn(tmp_path / "grown", week)
    feed.write_bytes(body[:cut])
    first = judge(tmp_path / "grown", feed)
    feed.write_bytes(body)
    second = judge(tmp_path / "grown", feed)
    assert not first.rejected
    assert not second.rejected
    assert first.skipped == ({} if body[:cut].endswith(b"\n") else {UNFINISHED: 1})
    assert final(tmp_path / "grown") == final(tmp_path / "once")
    assert stored(tmp_path / "grown") == stored(tmp_path / "once")


def test_a_last_line_without_end_is_an_event_all_the_same(tmp_path: Path) -> None:
    week, feed = week_of(tmp_path / "week.jsonl"), tmp_path / "feed.jsonl"
    learn(tmp_path / "state", week)
    feed.write_bytes(day_of(8).rstrip(b"\n"))
    first, second = judge(tmp_path / "state", feed), judge(tmp_path / "state", feed)
    assert first.new == day_of(8).count(b"\n")
    assert (second.read, second.new, second.duplicates) == (1, 0, 1)


def test_a_line_of_rubbish_behind_a_known_feed_is_no_wrong_kind(tmp_path: Path) -> None:
    week = week_of(tmp_path / "week.jsonl")
    learn(tmp_path / "state", week)
    week.write_bytes(week.read_bytes() + b"rubbish\n")
    assert sum(judge(tmp_path / "state", week).rejected.values()) == 1


@pytest.mark.parametrize("name", ["a", "z"])
def test_a_broken_file_does_not_stop_the_others(name: str, tmp_path: Path) -> None:
    week, good, broken = week_of(tmp_path / "week.jsonl"), tmp_path / "m.jsonl", tmp_path / f"{name}.jsonl.gz"
    learn(tmp_path / "state", week)
    good.write_bytes(day_of(8))
    broken.write_bytes(gzip.compress(day_of(9))[:-8])
    report = judge(tmp_path / "state", *sorted([good, broken]))
    assert [Path(uri).name for uri in report.unreadable] == [broken.name]
    assert "cut short or corrupt" in report.unreadable[str(broken)]
    assert report.new == day_of(8).count(b"\n") + day_of(9).count(b"\n")
    assert report.closed == ["2025-03-10", "2025-03-11"]


def test_what_came_before_a_flaw_is_kept(tmp_path: Path) -> None:
    broken = tmp_path / "week.jsonl.gz"
    broken.write_bytes(gzip.compress(day_of(8))[:-8])
    with pytest.raises(SourceError, match="cut short"):
        learn(tmp_path / "state", broken)
    assert stored(tmp_path / "state") == day_of(8).count(b"\n")
