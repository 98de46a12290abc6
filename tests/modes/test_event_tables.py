"""Days whose events lie in files: the same findings and the same later behaviour as when they are read row by row."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import duckdb
import msgspec
import pytest

from fold_batches import Folding
from golden.journal import FIRST_DAY, Journal, at, bot_day, lines
from golden.play import final, findings, judge, learn, opened, request
from leeway.baselines import Entry
from leeway.config import Caps, Settings
from leeway.engines.duckdb import DuckDb
from leeway.engines.duckdb.packed_files import part_of
from leeway.engines.duckdb.packed_files import write_baselines as write_packed
from leeway.errors import StateError
from leeway.events import AnyEvent, EventRef, Facet, Process
from leeway.modes import train
from leeway.modes.projections import LISTED, baseline_document, write_baselines
from leeway.pipeline import Verbs
from leeway.sources.event_table_writer import write_event_table
from leeway.storage.kept_files import draft_of, keep

ENGINES = (Folding(), DuckDb())


def type_name(engine: Verbs) -> str:
    return type(engine).__name__


SHORT = Settings(caps=Caps(keep_days=4))
"""Events are kept for four days only."""


def story(days: Iterable[int] = range(1, 13), prefix: str = "e") -> list[AnyEvent]:
    """Return an ordinary stretch of days, with something new on each from day 8 on."""
    journal = Journal(prefix=prefix)
    for day in days:
        bot = bot_day(journal, day)
        if day >= 8:
            journal.connect(at(day, "15:00"), Process(image=bot.image, uid=bot.uid), f"files-{day}.example.net", 8443)
            journal.touch(at(day, "15:10"), Process(image=bot.image, uid=bot.uid), f"/etc/new-{day}/secrets.conf")
    return journal.events


def on(events: Iterable[AnyEvent], first: int, last: int) -> list[AnyEvent]:
    """Return the events of some days; 1 is the first."""
    return [event for event in events if first <= (event.time - FIRST_DAY).days + 1 <= last]


def ordinal(day: int) -> int:
    return FIRST_DAY.toordinal() + day - 1


def parquet(path: Path, events: Iterable[AnyEvent]) -> Path:
    write_event_table(path, events)
    return path


def jsonl(path: Path, events: Iterable[AnyEvent]) -> Path:
    path.write_bytes(lines(events))
    return path


def document(state: Path) -> bytes:
    with opened(state) as directory:
        return msgspec.json.encode(baseline_document(directory, request()), order="sorted")


def same(one: Path, other: Path) -> bool:
    return final(one) == final(other) and document(one) == document(other) and worlds(one) == worlds(other)


def worlds(state: Path) -> list[object]:
    """Return what is known at the end, as later days are judged by it."""
    with opened(state) as directory:
        world = directory.world((directory.closed_through or 0) + 1)
        return [world.instances, world.signers, world.registry, world.baselines, world.hosts, world.sensors]


def tables(state: Path) -> list[tuple[int, bool, int]]:
    with opened(state) as directory:
        return [(row.day - ordinal(1) + 1, row.is_trusted, row.rows) for row in directory.database.event_tables()]


def runs(state: Path) -> set[tuple[int, int]]:
    """Return the runs (first and last day) of which packed parts are named."""
    with sqlite3.connect(state / "leeway.db") as connection:
        found = connection.execute("SELECT DISTINCT first_day, last_day FROM packed").fetchall()
    connection.close()
    return {(first - ordinal(1) + 1, last - ordinal(1) + 1) for first, last in found}


def run_on(state: Path, script: str) -> None:
    with sqlite3.connect(state / "leeway.db") as connection:
        connection.executescript(script)
    connection.close()


def names(state: Path, folder: str) -> set[str]:
    return {path.name for path in (state / folder).iterdir()}


@pytest.fixture
def events() -> list[AnyEvent]:
    return story()


@pytest.fixture
def whole(events: list[AnyEvent], tmp_path: Path) -> Path:
    """The reference: row by row, one file after the other, nothing in files."""
    state = tmp_path / "rows"
    learn(state, jsonl(tmp_path / "rows-1.jsonl", on(events, 1, 7)))
    judge(state, jsonl(tmp_path / "rows-2.jsonl", on(events, 8, 12)))
    return state


@pytest.mark.parametrize("engine", ENGINES, ids=type_name)
def test_files_taken_whole_give_what_rows_give(
    engine: Verbs, events: list[AnyEvent], whole: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    learnt = learn(state, parquet(tmp_path / "1.parquet", on(events, 1, 7)), engine=engine)
    judged = judge(state, parquet(tmp_path / "2.parquet", on(events, 8, 12)), engine=engine)
    assert same(state, whole)
    assert len(final(state)) >= 10
    assert (learnt.read, learnt.new, learnt.duplicates, len(learnt.closed), learnt.agents) == (63, 63, 0, 7, 1)
    assert (judged.read, judged.new, len(judged.closed), len(judged.findings)) == (55, 55, 5, len(findings(whole)))
    assert tables(state) == [(day, day < 8, 9 if day < 8 else 11) for day in range(1, 13)]
    assert runs(state) == {(1, 7), (8, 12)}
    assert [path.stat().st_mode & 0o777 for path in (state / "events", next((state / "events").iterdir()))] == [
        0o700,
        0o600,
    ]


def test_the_same_command_again_reads_nothing(events: list[AnyEvent], tmp_path: Path) -> None:
    state, file, engine = tmp_path / "state", parquet(tmp_path / "1.parquet", events), Folding()
    learn(state, file, engine=engine)
    before = document(state)
    again = learn(state, file, engine=engine)
    assert (again.read, again.new, again.duplicates, again.closed) == (0, 0, 0, [])
    moved = file.rename(tmp_path / "moved.parquet")
    renamed = learn(state, moved, engine=engine)
    assert (renamed.read, renamed.new, renamed.duplicates, renamed.closed) == (118, 0, 118, [])
    assert document(state) == before


def test_an_id_told_twice_counts_once(events: list[AnyEvent], whole: Path, tmp_path: Path) -> None:
    once, twice = parquet(tmp_path / "once.parquet", on(events, 1, 7)), tmp_path / "twice.parquet"
    duckdb.sql(f"FROM '{once}' UNION ALL (FROM '{once}' LIMIT 20)").write_parquet(str(twice))
    state = tmp_path / "state"
    report = learn(state, twice, engine=Folding())
    assert (report.read, report.new, report.duplicates) == (83, 63, 20)
    judge(state, jsonl(tmp_path / "2.jsonl", on(events, 8, 12)))
    assert same(state, whole)


@pytest.mark.parametrize("order", ["files then rows", "rows then files", "files, rows, files"])
def test_whichever_engine_runs_next(order: str, events: list[AnyEvent], whole: Path, tmp_path: Path) -> None:
    state, batch = tmp_path / "state", Folding()
    cuts = {"files then rows": [(7, True), (12, False)], "rows then files": [(7, False), (12, True)]}
    start = 1
    for last, in_files in cuts.get(order, [(7, True), (9, False), (12, True)]):
        part, name = on(events, start, last), tmp_path / f"part-{last}"
        file = parquet(name.with_suffix(".parquet"), part) if in_files else jsonl(name.with_suffix(".jsonl"), part)
        (learn if last == 7 else judge)(state, file, **({"engine": batch} if in_files else {}))
        start = last + 1
    assert same(state, whole)
    assert batch.opened[0] == {}
    assert {len(parts) for parts in batch.opened[1:]} <= {0, 2}
    assert len(batch.opened) == sum(in_files for _, in_files in cuts.get(order, [(7, True), (9, False), (12, True)]))


def test_days_that_the_engine_leaves_are_folded(events: list[AnyEvent], whole: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    engine = Folding({date.fromordinal(ordinal(day)) for day in (1, 4, 5, 10)})
    learn(state, parquet(tmp_path / "1.parquet", on(events, 1, 7)), engine=engine)
    report = judge(state, parquet(tmp_path / "2.parquet", on(events, 8, 12)), engine=engine)
    assert same(state, whole)
    assert len(report.closed) == 5
    assert runs(state) == {(2, 3), (6, 7), (8, 9), (11, 12)}


def test_days_without_events_between(events: list[AnyEvent], tmp_path: Path) -> None:
    gappy = [*on(events, 1, 2), *on(events, 5, 8), *on(events, 12, 12)]
    state, rows = tmp_path / "state", tmp_path / "rows"
    learn(rows, jsonl(tmp_path / "1.jsonl", gappy))
    learn(state, parquet(tmp_path / "1.parquet", gappy), engine=Folding())
    assert runs(state) == {(1, 12)}
    assert same(state, rows)


def late(journal_prefix: str = "late", day: int = 3) -> list[AnyEvent]:
    return story([day], prefix=journal_prefix)


@pytest.mark.parametrize("day", [3, 9, 12])
@pytest.mark.parametrize(
    ("engine", "in_files"),
    [(Folding(), True), (Folding(), False), (DuckDb(), True)],
    ids=["then in files", "then in rows", "by DuckDB"],
)
def test_a_late_event_opens_its_whole_run_again(
    engine: Verbs, day: int, *, in_files: bool, events: list[AnyEvent], whole: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    learn(state, parquet(tmp_path / "1.parquet", on(events, 1, 7)), engine=engine)
    judge(state, parquet(tmp_path / "2.parquet", on(events, 8, 12)), engine=engine)
    more = jsonl(tmp_path / "late.jsonl", late(day=day))
    judge(whole, more)
    report = judge(state, more, **({"engine": engine} if in_files else {}))
    assert same(state, whole)
    assert report.opened_again == [date.fromordinal(ordinal(day)).isoformat()]
    assert len(report.closed) == (12 if day == 3 else 5)
    expected = {3: {(1, 2), (4, 12)}, 9: {(1, 7), (8, 8), (10, 12)}, 12: {(1, 7), (8, 11)}}[day]
    assert runs(state) == (expected if in_files else {run for run in expected if run[1] == 7})


def test_rows_into_a_day_of_a_file(events: list[AnyEvent], tmp_path: Path) -> None:
    """Known ids are duplicates; one that was only judged and is trusted now counts as trusted."""
    state, rows = tmp_path / "state", tmp_path / "rows"
    for each, file in ((state, parquet(tmp_path / "1.parquet", events)), (rows, jsonl(tmp_path / "1.jsonl", events))):
        judge(each, file, engine=Folding())
        again = judge(each, jsonl(tmp_path / "again.jsonl", [*on(events, 2, 3), *late()]), engine=Folding())
        assert (again.read, again.new, again.duplicates) == (27, 9, 18)
        trusted = learn(each, jsonl(tmp_path / "trusted.jsonl", on(events, 9, 9)), engine=Folding())
        assert (trusted.read, trusted.new, trusted.duplicates) == (11, 11, 0)
        assert learn(each, jsonl(tmp_path / "more.jsonl", on(events, 9, 9)), engine=Folding()).duplicates == 11
    assert same(state, rows)
    assert len(tables(state)) == 12


@pytest.mark.parametrize("engine", ENGINES, ids=type_name)
def test_a_file_that_was_judged_is_trusted_later(engine: Verbs, events: list[AnyEvent], tmp_path: Path) -> None:
    state, rows = tmp_path / "state", tmp_path / "rows"
    for each, file in ((state, parquet(tmp_path / "1.parquet", events)), (rows, jsonl(tmp_path / "1.jsonl", events))):
        judge(each, file, engine=engine)
        report = learn(each, file, engine=engine)
        assert (report.read, report.new, len(report.opened_again)) == (118, 118, 12)
    assert same(state, rows)
    assert {trusted for _, trusted, _ in tables(state)} == {True}


@pytest.mark.parametrize("engine", ENGINES, ids=type_name)
def test_several_files_of_the_same_days(engine: Verbs, events: list[AnyEvent], whole: Path, tmp_path: Path) -> None:
    """A file a sensor, or an hour: what two of them tell alike counts once, and a late one opens days from files."""
    state = tmp_path / "state"
    learnt = on(events, 1, 7)
    one, other = (
        parquet(tmp_path / "1.parquet", learnt[::2]),
        parquet(tmp_path / "2.parquet", learnt[1::2] + learnt[:6]),
    )
    report = learn(state, one, other, engine=engine)
    assert (report.read, report.new, report.duplicates) == (66, 63, 3)
    assert (sum(rows for _, _, rows in tables(state)), len(tables(state)), runs(state)) == (63, 14, {(1, 7)})
    judged = on(events, 8, 12)
    judge(state, parquet(tmp_path / "3.parquet", judged[:40]), engine=engine)
    late = judge(state, parquet(tmp_path / "4.parquet", judged[30:]), engine=engine)
    assert (late.read, late.new, late.duplicates, len(late.opened_again)) == (25, 15, 10, 1)
    assert runs(state) == {(1, 7), (8, 12)}
    assert same(state, whole)
    again = judge(state, (tmp_path / "4.parquet").rename(tmp_path / "5.parquet"), engine=engine)
    assert (again.read, again.new, again.duplicates, again.closed) == (25, 0, 25, [])


def test_files_of_one_day_that_are_trusted_otherwise_are_read_row_by_row(
    events: list[AnyEvent], tmp_path: Path
) -> None:
    state, rows = tmp_path / "state", tmp_path / "rows"
    for each, engine in ((state, Folding()), (rows, request().engine)):
        judge(each, parquet(tmp_path / "1.parquet", events[:40]), engine=engine)
        report = learn(each, parquet(tmp_path / "2.parquet", events[20:]), engine=engine)
        assert (report.read, report.new, report.duplicates) == (98, 98, 0)
    assert len(tables(state)) == 5
    assert same(state, rows)


@pytest.mark.parametrize("count", [12, 40])
def test_a_file_of_no_more_than_the_periods_asked_for_is_taken_whole(
    count: int, events: list[AnyEvent], tmp_path: Path
) -> None:
    state, rows, file = tmp_path / "state", tmp_path / "rows", parquet(tmp_path / "1.parquet", events)
    for each, engine in ((state, Folding()), (rows, request().engine)):
        report = judge(each, file, engine=engine, count=count)
        assert (report.read, report.new, report.outside) == (118, 118, 0)
    assert len(tables(state)) == 12
    assert same(state, rows)
    again = judge(state, file, engine=Folding(), count=count)  # of a part there is no position: all is read again
    assert (again.read, again.new, again.duplicates) == (118, 0, 118)


def _unknown_kind(path: Path) -> None:
    broken = path.with_suffix(".broken")
    duckdb.sql(f"FROM '{path}' SELECT * REPLACE (if(id = 'e0003', 'nonsense', kind) AS kind)").write_parquet(
        str(broken)
    )
    broken.replace(path)


@pytest.mark.parametrize(
    ("given", "spoil", "first"),
    [
        pytest.param({"count": 5}, None, None, id="partly outside the periods"),
        pytest.param({"now": at(12, "12:00")}, None, None, id="dated in the future"),
        pytest.param({}, _unknown_kind, None, id="a row that is no event"),
        pytest.param({}, None, (5, 5), id="a day that has events in rows"),
        pytest.param({"engine": request().engine}, None, None, id="an engine that folds"),
    ],
)
def test_a_file_is_read_row_by_row(
    given: dict[str, object],
    spoil: object,
    first: tuple[int, int] | None,
    events: list[AnyEvent],
    tmp_path: Path,
) -> None:
    file = parquet(tmp_path / "1.parquet", events)
    if callable(spoil):
        spoil(file)
    state, rows = tmp_path / "state", tmp_path / "rows"
    for each, engine in ((state, Folding()), (rows, request().engine)):
        if first is not None:
            learn(each, jsonl(tmp_path / "first.jsonl", on(events, *first)))
        told = learn(each, file, **{"engine": engine, **given})
    assert tables(state) == []
    assert same(state, rows)
    assert told.read == 118


def test_a_stretch_that_is_trusted_in_part_is_read_row_by_row(events: list[AnyEvent], tmp_path: Path) -> None:
    state = tmp_path / "state"
    learn(state, jsonl(tmp_path / "1.jsonl", on(events, 1, 7)[:-2]))
    judge(state, parquet(tmp_path / "2.parquet", on(events, 7, 12)), engine=Folding(), now=at(20, "00:00"))
    assert tables(state) == []


def test_an_open_day_is_folded_from_its_file(events: list[AnyEvent], whole: Path, tmp_path: Path) -> None:
    state, engine = tmp_path / "state", Folding()
    learn(state, parquet(tmp_path / "1.parquet", on(events, 1, 7)), engine=engine)
    file = parquet(tmp_path / "2.parquet", on(events, 8, 12))
    report = judge(state, file, engine=engine, now=at(12, "20:00"))
    assert (len(report.closed), len(report.open)) == (3, 2)
    assert runs(state) == {(1, 7), (8, 10)}
    report = judge(state, file, engine=engine)
    assert (len(report.closed), len(report.open)) == (2, 0)
    assert same(state, whole)


def test_what_a_run_that_is_opened_again_takes_is_kept(events: list[AnyEvent], tmp_path: Path) -> None:
    """Events are kept for four days; a run of six of which the last may be opened again keeps all of its own."""
    state, rows = tmp_path / "state", tmp_path / "rows"
    given = {"settings": SHORT, "engine": Folding()}
    for each, write, ending in ((state, parquet, "parquet"), (rows, jsonl, "jsonl")):
        learn(each, write(tmp_path / f"1.{ending}", on(events, 1, 7)), **given)
        judge(each, write(tmp_path / f"2.{ending}", on(events, 8, 10)), **given)
    assert runs(state) == {(1, 2), (3, 7), (8, 10)}
    assert [day for day, _, _ in tables(state)] == list(range(3, 11))
    assert same(state, rows)
    more = jsonl(tmp_path / "late.jsonl", late(day=6))
    for each in (state, rows):
        assert judge(each, more, **given).new == 9
    assert runs(state) == {(3, 5), (7, 10)}
    assert same(state, rows)
    assert judge(state, jsonl(tmp_path / "older.jsonl", late("older", day=4)), **given).late == 9


def test_files_that_no_row_names_are_removed(events: list[AnyEvent], tmp_path: Path) -> None:
    state, given = tmp_path / "state", {"settings": SHORT, "engine": Folding()}
    for day in range(1, 13):
        learn(state, parquet(tmp_path / f"{day}.parquet", on(events, day, day)), **given)
    with opened(state) as directory:
        named = directory.database.named_files()
    assert names(state, "events") | names(state, "packed") == {f"{name}.parquet" for name in named}
    assert (len(names(state, "events")), len(runs(state))) == (5, 6)
    stray = [state / "packed" / f"{'0' * 64}.parquet", state / "events" / ".draft-1"]
    others = [state / "events" / "mine.parquet", state / "packed" / "notes.txt"]
    (state / "packed" / ".draft-2").mkdir()
    for path in (*stray, *others, state / "packed" / ".draft-2" / "x"):
        path.write_bytes(b"x")
    findings(state)
    assert [path.exists() for path in (*stray, *others, state / "packed" / ".draft-2")] == [False] * 2 + [True] * 2 + [
        False
    ]


@pytest.mark.parametrize("table", ["event_table", "packed", "findings"])
def test_a_disk_that_is_full_between_file_and_row(
    table: str, events: list[AnyEvent], whole: Path, tmp_path: Path
) -> None:
    state, engine = tmp_path / "state", Folding()
    learn(state, parquet(tmp_path / "1.parquet", on(events, 1, 7)), engine=engine)
    before, files = document(state), (names(state, "events"), names(state, "packed"))
    run_on(state, f"CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    file = parquet(tmp_path / "2.parquet", on(events, 8, 12))
    with pytest.raises(StateError, match="disk full"):
        judge(state, file, engine=engine)
    assert (names(state, "events"), names(state, "packed")) > files  # what was put in its place and never named
    run_on(state, "DROP TRIGGER full")
    assert document(state) == before
    assert names(state, "packed") == files[1]
    assert judge(state, file, engine=engine).new == (55 if table == "event_table" else 0)
    assert same(state, whole)


def test_a_training_that_fails_leaves_the_files(events: list[AnyEvent], tmp_path: Path) -> None:
    state, engine = tmp_path / "state", Folding()
    learn(state, parquet(tmp_path / "1.parquet", on(events, 1, 7)), engine=engine)
    before = document(state), worlds(state)
    file = parquet(tmp_path / "2.parquet", on(events, 1, 5))

    def stopped(stage: str, done: int) -> None:
        if stage.startswith("judging") and done == 4:
            raise KeyboardInterrupt

    with opened(state) as directory, pytest.raises(KeyboardInterrupt):
        train(directory, request(file, engine=engine, progress=stopped))
    assert (document(state), worlds(state)) == before
    with opened(state) as directory:
        assert train(directory, request(file, engine=engine)).new == 45
    assert (runs(state), len(names(state, "events"))) == ({(1, 5)}, 1)


@pytest.mark.parametrize("folder", ["events", "packed"])
@pytest.mark.parametrize("harm", ["missing", "cut", "another"])
def test_a_file_that_is_not_what_was_written(folder: str, harm: str, events: list[AnyEvent], tmp_path: Path) -> None:
    state, engine = tmp_path / "state", Folding()
    learn(state, parquet(tmp_path / "1.parquet", on(events, 1, 7)), engine=engine)
    for path in (state / folder).iterdir():
        if harm == "missing":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-9] if harm == "cut" else (tmp_path / "1.parquet").read_bytes() + b"x")
    with pytest.raises(StateError, match="is missing" if harm == "missing" else "is damaged"):
        judge(state, jsonl(tmp_path / "more.jsonl", late(day=3 if folder == "events" else 8)), engine=engine)


@pytest.mark.parametrize("day", ["one", "another"])
def test_what_sensors_say_that_they_can_show(day: str, tmp_path: Path) -> None:
    """A file that was taken whole tells what it can show, as one does that is read."""
    events: Sequence[AnyEvent] = story([1])
    path = tmp_path / "noted.parquet"
    write_event_table(path, events, lambda: next(iter(request(jsonl(tmp_path / "a.jsonl", events)).sources)).observes)
    if day == "another":
        write_event_table(path, events, lambda: ("child", "bytes_out"))
    read, taken = (
        learn(tmp_path / name, path, engine=one) for name, one in (("rows", request().engine), ("files", Folding()))
    )
    assert taken.not_observable == read.not_observable
    assert bool(taken.not_observable) is (day == "another")
    assert tables(tmp_path / "files") != []


def test_baselines_of_too_many_values_are_written_when_asked_for(tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = learn(state, parquet(tmp_path / "1.parquet", story([1])), engine=Folding())
    assert (first.values_not_listed, [Path(file).name for file in first.files][-1]) == (0, "baseline_latest.json")
    with opened(state) as directory:
        (known,) = directory.baselines().values()
        exemplar = EventRef(FIRST_DAY, "e0001")
        values = {(f"{number}.example",): Entry(ordinal(1), 1, 1, ordinal(1), 1, exemplar) for number in range(LISTED)}
        grown = msgspec.structs.replace(known, agent="f" * 32, entries={Facet.DOMAIN: values})
        folder = tmp_path / "parts"
        folder.mkdir()
        write_packed(folder / "f", [grown])
        with directory.database.transaction():
            name = keep(draft_of(folder / "f"), state / "packed")
            directory.database.put_packed(ordinal(1), ordinal(1), {part_of(grown.agent): name})
    report = learn(state, parquet(tmp_path / "2.parquet", story([2])), engine=Folding())
    held = LISTED + sum(map(len, known.entries.values()))
    assert (report.values_not_listed >= held, report.files, LISTED) == (True, [], 50_000)
    assert report.as_json()["values_not_listed"] == report.values_not_listed
    assert [path.name for path in (state / "baselines").glob("*latest*")] == []
    with opened(state) as directory:
        assert len(write_baselines(directory, request())) == 2
    assert (state / "baselines" / "baseline_latest.json").stat().st_size > 5_000_000
