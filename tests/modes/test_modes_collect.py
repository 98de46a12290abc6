"""Raw collections: merged by event id, read back by `train` to the very baselines that `bootstrap` gives."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from golden.journal import Journal, bot_week, lines
from golden.play import findings, judge, learn, opened, request
from leeway.errors import SourceError, StateError
from leeway.modes import Report, collect, train
from leeway.modes.projections import baseline_document
from leeway.sources import open_sources
from leeway.testing import Fleet

FILES = [f"{kind}_2025030{day}.csv" for kind in ("child", "process") for day in range(3, 10)]


@pytest.fixture
def week(tmp_path: Path) -> Path:
    journal = Journal()
    bot_week(journal)
    (tmp_path / "week.jsonl").write_bytes(lines(journal.events))
    return tmp_path / "week.jsonl"


FLEET_OVER = datetime(2026, 4, 1, tzinfo=UTC)


def gather(state: Path, *files: Path, **given: object) -> Report:
    with opened(state) as directory:
        return collect(directory, request(*files, **given))


def retrain(state: Path, folder: Path, **given: object) -> Report:
    with opened(state) as directory:
        return train(directory, request(*sorted(folder.glob("*.csv")), **given))


def documents(state: Path) -> object:
    with opened(state) as directory:
        return baseline_document(directory, request())


def test_collected_and_trained_equals_bootstrapped(week: Path, tmp_path: Path) -> None:
    learn(tmp_path / "one", week)
    report = gather(tmp_path / "two", week)
    assert (report.new, sorted(Path(file).name for file in report.files)) == (63, FILES)
    report = retrain(tmp_path / "two", tmp_path / "two" / "raw_collections")
    assert (report.mode, report.read, report.new, len(report.closed)) == ("train", 63, 63, 7)
    assert documents(tmp_path / "two") == documents(tmp_path / "one")


def test_the_same_holds_for_a_fleet_with_all_its_noise(tmp_path: Path) -> None:
    fleet = Fleet(4)
    file = tmp_path / "fleet.jsonl"
    file.write_bytes(lines(event for event in fleet.events() if event.host == "ci-fir" and event.time.day < 6))
    learn(tmp_path / "one", file, now=FLEET_OVER)
    gather(tmp_path / "two", file, now=FLEET_OVER)
    retrained = retrain(tmp_path / "two", tmp_path / "two" / "raw_collections", now=FLEET_OVER)
    assert retrained.new > 3_000
    assert documents(tmp_path / "two") == documents(tmp_path / "one")


def test_collecting_twice_changes_nothing(week: Path, tmp_path: Path) -> None:
    gather(tmp_path / "state", week)
    folder = tmp_path / "state" / "raw_collections"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    report = gather(tmp_path / "state", week)
    assert (report.read, report.new, report.duplicates) == (63, 0, 63)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_two_halves_merge_to_the_whole(week: Path, tmp_path: Path) -> None:
    rows = week.read_bytes().splitlines(keepends=True)
    (tmp_path / "odd.jsonl").write_bytes(b"".join(rows[1::2]))
    (tmp_path / "even.jsonl").write_bytes(b"".join(rows[::2]))
    gather(tmp_path / "halves", tmp_path / "odd.jsonl")
    report = gather(tmp_path / "halves", tmp_path / "even.jsonl")
    gather(tmp_path / "whole", week)
    assert report.new == 32
    for name in FILES:
        assert (tmp_path / "halves/raw_collections" / name).read_bytes() == (
            tmp_path / "whole/raw_collections" / name
        ).read_bytes()


def test_the_files_are_tables_of_the_day(week: Path, tmp_path: Path) -> None:
    gather(tmp_path / "state", week)
    folder = tmp_path / "state" / "raw_collections"
    tables = {path.name: list(csv.DictReader(io.StringIO(path.read_text()))) for path in folder.iterdir()}
    assert sorted(tables) == FILES
    assert {name: len(rows) for name, rows in tables.items()} == {
        name: 2 if name.startswith("child") else 7 for name in FILES
    }
    assert all(row["time"].startswith("2025-03-04") for row in tables["process_20250304.csv"])
    assert {row["kind"] for row in tables["child_20250304.csv"]} == {"process_started"}


def test_a_damaged_row_stops_the_merge_and_loses_nothing(week: Path, tmp_path: Path) -> None:
    gather(tmp_path / "state", week)
    file = tmp_path / "state" / "raw_collections" / "process_20250305.csv"
    sound = file.read_bytes()
    file.write_bytes(sound.replace(b",connection_opened,", b",connection_opened", 1))
    damaged = {path.name: path.read_bytes() for path in file.parent.iterdir()}
    with pytest.raises(StateError, match=r"process_20250305.csv: a row before byte \d+ cannot be read"):
        gather(tmp_path / "state", week)
    assert {path.name: path.read_bytes() for path in file.parent.iterdir()} == damaged
    file.write_bytes(sound)
    assert gather(tmp_path / "state", week).new == 0


def test_training_on_a_damaged_row_counts_it_and_learns_the_rest(week: Path, tmp_path: Path) -> None:
    gather(tmp_path / "state", week)
    folder = tmp_path / "state" / "raw_collections"
    file = folder / "process_20250305.csv"
    file.write_bytes(file.read_bytes().replace(b",connection_opened,", b",connection_opened", 1))
    report = retrain(tmp_path / "state", folder)
    assert (report.new, sum(report.rejected.values())) == (62, 1)


def test_training_that_fails_leaves_what_was_known(week: Path, tmp_path: Path) -> None:
    learn(tmp_path / "state", week)
    before = documents(tmp_path / "state")
    file = tmp_path / "process_20250305.csv"
    file.write_bytes(b"event_id,time,kind,host\r\n" + b"a,yesterday,heartbeat,desk\r\n" * 3)
    with opened(tmp_path / "state") as directory, pytest.raises(SourceError, match="none of 3 records"):
        train(directory, request(file))
    assert documents(tmp_path / "state") == before
    assert learn(tmp_path / "state", week).read == 0


def test_training_keeps_findings_and_verdicts(week: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    learn(state, week, count=3)
    judge(state, week)
    said = [one.finding_id for one in findings(state)]
    assert len(said) > 4
    gather(state, week)
    retrain(state, state / "raw_collections")
    assert [one.finding_id for one in findings(state)] == said
    with opened(state) as directory:
        (baseline,) = directory.baselines().values()
    assert [(one.mode, one.first.day, one.last.day) for one in baseline.provenance] == [("trusted", 3, 9)]


def test_a_collection_is_a_source_like_any_other(week: Path, tmp_path: Path) -> None:
    gather(tmp_path / "state", week)
    sources = open_sources(str(tmp_path / "state" / "raw_collections"))
    read = [record for source in sources for _, record in source.read()]
    direct = [record for source in open_sources(str(week)) for _, record in source.read()]
    assert sorted(read, key=lambda one: one.id) == sorted(direct, key=lambda one: one.id)


def test_a_refused_record_does_not_stop_the_others(week: Path, tmp_path: Path) -> None:
    with week.open("ab") as file:
        file.write(b"{}\nno event\n")
    report = gather(tmp_path / "state", week)
    assert sum(report.rejected.values()) == 2
    assert report.new == report.read - 2
    assert report.new > 0


def test_a_record_of_the_future_does_not_move_the_last_periods(week: Path, tmp_path: Path) -> None:
    asked = gather(tmp_path / "asked", week, count=2).new
    with week.open("ab") as file:
        file.write(b'{"kind":"heartbeat","time":"9998-01-01T00:00:00Z","host":"h"}\n')
    report = gather(tmp_path / "state", week, count=2)
    assert (report.new, report.rejected) == (asked, {"dated in the future": 1})
    assert asked > 0


def test_more_periods_than_the_calendar_has_are_all(week: Path, tmp_path: Path) -> None:
    assert gather(tmp_path / "all", week, count=9_999_999).outside == 0
