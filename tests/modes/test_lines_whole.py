"""Leeway's own JSON lines that are taken whole: the same findings and the same later behaviour as line by line."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from test_event_tables import jsonl, on, same, story, tables

from golden.journal import at, lines
from golden.play import findings, judge, learn, opened, request
from leeway.config import Resources
from leeway.engines.duckdb import DuckDb
from leeway.events import AnyEvent, Facet, Heartbeat, Process, ProcessStarted
from leeway.modes.event_tables import can_tell
from leeway.sources import JsonLines, Place
from leeway.storage.kept_files import draft_of

COLUMNS = DuckDb(Resources(threads=1), small=0)
"""Takes files of any size whole."""


def secretive(events: list[AnyEvent]) -> list[AnyEvent]:
    """Return the events with a secret in every command line."""
    return [
        replace(one, process=replace(one.process, command_line=f"{one.process.command_line} --token s3cr3tabc1"))
        if isinstance(one, ProcessStarted) and one.process is not None
        else one
        for one in events
    ]


@pytest.fixture
def events() -> list[AnyEvent]:
    return story()


@pytest.mark.parametrize("change", [list, secretive], ids=["plain", "with secrets"])
def test_lines_taken_whole_give_what_lines_give(
    change: Callable[[list[AnyEvent]], list[AnyEvent]], events: list[AnyEvent], tmp_path: Path
) -> None:
    files = [
        jsonl(tmp_path / f"{first}.jsonl", change(on(events, first, last)))
        for first, last in ((1, 7), (8, 10), (11, 12))
    ]
    reports = {}
    for engine, state in ((request().engine, tmp_path / "rows"), (COLUMNS, tmp_path / "state")):
        told = [learn(state, files[0], engine=engine), *(judge(state, file, engine=engine) for file in files[1:])]
        reports[state.name] = [(one.read, one.new, one.duplicates, one.closed, len(one.findings)) for one in told]
    assert reports["state"] == reports["rows"]
    assert same(tmp_path / "state", tmp_path / "rows")
    assert len(findings(tmp_path / "state")) >= 10
    assert len(tables(tmp_path / "state")) == 12
    assert tables(tmp_path / "rows") == []
    assert not any(b"s3cr3t" in file.read_bytes() for file in tmp_path.glob("state/**/*") if file.is_file())


def test_a_file_that_grows_is_read_on_where_it_ended(events: list[AnyEvent], tmp_path: Path) -> None:
    file = jsonl(tmp_path / "all.jsonl", on(events, 1, 7))
    rows, state = tmp_path / "rows", tmp_path / "state"
    for each, engine in ((rows, request().engine), (state, COLUMNS)):
        file.write_bytes(lines(on(events, 1, 7)))
        assert judge(each, file, engine=engine).read == 63
        again = judge(each, file, engine=engine)
        assert (again.read, again.closed) == (0, [])
        file.write_bytes(lines(events))
        report = judge(each, file, engine=engine)
        assert (report.read, report.new, report.duplicates) == (55, 55, 0)
    assert same(state, rows)
    assert len(tables(state)) == 7


def test_ids_told_twice_and_packed_files(events: list[AnyEvent], tmp_path: Path) -> None:
    told = [*events[:30], *(replace(one, user="mallory") for one in events[10:40]), *events[30:]]
    (tmp_path / "twice.jsonl.gz").write_bytes(gzip.compress(lines(told)))
    rows, state = tmp_path / "rows", tmp_path / "state"
    for each, engine in ((rows, request().engine), (state, COLUMNS)):
        report = judge(each, tmp_path / "twice.jsonl.gz", engine=engine)
        assert (report.read, report.new, report.duplicates) == (148, 118, 30)
    assert same(state, rows)
    assert len(tables(state)) == 12
    again = judge(state, (tmp_path / "twice.jsonl.gz").rename(tmp_path / "moved.jsonl.gz"), engine=COLUMNS)
    assert (again.read, again.new, again.closed) == (148, 0, [])


def test_secrets_in_ids_told_twice(events: list[AnyEvent], tmp_path: Path) -> None:
    """What is redacted as columns is not in the order of lines any more, and the first of two counts."""
    told = secretive([*events, *(replace(one, user="mallory") for one in events[:40])])
    rows, state = tmp_path / "rows", tmp_path / "state"
    for each, engine in ((rows, request().engine), (state, COLUMNS)):
        assert judge(each, jsonl(tmp_path / "some.jsonl", told), engine=engine).duplicates == 40
    assert same(state, rows)
    assert len(tables(state)) == 12


@pytest.mark.parametrize(
    "line",
    [
        b'{"kind":"heartbeat","time":"2026-03-02T09:00:00Z","id":"odd","host":5}\n',
        b"nonsense\n",
        b'{"kind":"heartbeat"',
        b'{"kind":"heartbeat","time":"2026-03-02T09:00:00Z","host":"h"}',
        b'{"kind":"heartbeat","time":"2026-03-02T09:00:00Z","host":"h","process":{"pid":5}}\n',
    ],
)
def test_a_line_that_is_no_event_leaves_all_to_be_read_into_rows(
    line: bytes, events: list[AnyEvent], tmp_path: Path
) -> None:
    file = tmp_path / "some.jsonl"
    file.write_bytes(lines(events) + line.replace(b"2026-03-02", str(at(2, "09:00").date()).encode()))
    rows, state = tmp_path / "rows", tmp_path / "state"
    reports = [judge(each, file, engine=one) for each, one in ((rows, request().engine), (state, COLUMNS))]
    assert reports[0].rejected == reports[1].rejected
    assert reports[0].new == reports[1].new
    assert same(state, rows)
    assert tables(state) == []


@pytest.mark.parametrize(
    "line",
    [
        b'{"kind": "heartbeat", "time": "2026-03-02T09:00:00Z", "host": "h"}\n',
        b'{"kind":"heartbeat","time":"2026-03-02T09:00:00Z","host":"h","more":{"of":"it"},"user":null}\r\n',
        b"\n \n",
    ],
)
def test_lines_spelt_otherwise_are_read_one_by_one_into_a_file(
    line: bytes, events: list[AnyEvent], tmp_path: Path
) -> None:
    one, two = (line.replace(b"2026-03-02", str(at(day, "09:00").date()).encode()) for day in (2, 9))
    (tmp_path / "one.jsonl").write_bytes(lines(on(events, 1, 7)) + one + lines(events[3:6]))
    (tmp_path / "two.jsonl.gz").write_bytes(gzip.compress(two + lines(secretive(on(events, 8, 12)))))
    rows, state = tmp_path / "rows", tmp_path / "state"
    for each, engine in ((rows, request().engine), (state, COLUMNS)):
        first = learn(each, tmp_path / "one.jsonl", engine=engine)
        assert (first.duplicates, first.rejected) == (3, {})
        judge(each, tmp_path / "two.jsonl.gz", engine=engine)
        assert [judge(each, tmp_path / name, engine=engine).read for name in ("one.jsonl", "two.jsonl.gz")] == [0, 0]
    assert same(state, rows)
    assert len(tables(state)) == 12


def test_lines_that_arrive_by_a_pipe(events: list[AnyEvent], tmp_path: Path) -> None:
    place = Place(jsonl(tmp_path / "spooled", events), "-")
    with opened(tmp_path / "state") as directory:
        with directory.tables.offered(JsonLines(place), COLUMNS.write_lines) as offer:
            assert offer is not None
            assert offer.end == place.path.stat().st_size
        assert list((tmp_path / "state" / "events").iterdir()) == []


@pytest.mark.parametrize(
    ("told", "silent", "expected"),
    [
        (("h1", "h2"), (), {Facet.DOMAIN}),
        (("h1",), ("h2",), None),
        ((), ("h1",), None),
        (("h1",), ("h1",), {Facet.DOMAIN}),
    ],
)
def test_what_sensors_say_that_they_show(
    told: tuple[str, ...], silent: tuple[str, ...], expected: set[Facet] | None, events: list[AnyEvent], tmp_path: Path
) -> None:
    moment = events[0].time
    some: list[AnyEvent] = [Heartbeat(time=moment, id=f"t-{host}", host=host, observes=("domain",)) for host in told]
    some += [
        ProcessStarted(time=moment, id=f"s-{host}", host=host, process=Process(image="x", uid="u")) for host in silent
    ]
    file = jsonl(tmp_path / "some.jsonl", some)
    one, other = JsonLines(Place(file)), JsonLines(Place(file))
    assert len(list(one.read())) == len(some)
    with opened(tmp_path / "state") as directory, directory.tables.offered(other, COLUMNS.write_lines) as offer:
        assert offer is not None
        assert can_tell(other, offer, len(some))
        assert draft_of(offer.draft.path) == offer.draft
    assert other.observes == one.observes
    assert expected is None or other.observes == expected
