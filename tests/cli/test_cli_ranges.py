"""Importing, listing, looking up and removing tables of ranges; and what they change for the events read then."""

import gzip
import lzma
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from builders import HOST, at, reached, started
from golden.command import Done, leeway
from leeway.agents import IdKey
from leeway.destinations import NamedRanges
from leeway.events import AnyEvent, decode
from leeway.modes import open_directory
from leeway.modes.ranges import import_ranges, loaded_ranges, range_tables, remove_ranges, with_range
from leeway.sources import write_event
from leeway.storage import Database

TABLE = "# office\n192.0.2.0/24\n192.0.2.7/24\n0.0.0.0/0\nnowhere\n198.51.100.0/24\n192.0.2.0/24\n"
NOW = datetime(2026, 3, 9, tzinfo=UTC)
Ranges = Callable[..., Done]


@pytest.fixture
def ranges(tmp_path: Path) -> Ranges:
    place = ("--output-dir", tmp_path / "state", "--id-key", tmp_path / "keys" / "id.key")
    return lambda *words: leeway("ranges", *words, *place)


@pytest.fixture
def office(tmp_path: Path) -> Path:
    path = tmp_path / "Office LAN.txt"
    path.write_text(TABLE)
    return path


def test_an_import_says_what_it_took_and_where_it_did_not(ranges: Ranges, office: Path) -> None:
    done = ranges("import", office)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "office-lan: 2 networks under 1 names, read as list; 1 repeated",
        "  refused 1: bits behind the prefix are set: is the address meant, or its network?",
        "  refused 1: not an address or network",
        "  refused 1: wider than /4: a range of nearly everything says nothing",
        "    line 3: 192.0.2.7/24",
        "    line 4: 0.0.0.0/0",
        "    line 5: nowhere",
    ]


def test_many_refused_entries_are_cut(ranges: Ranges, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("192.0.2.0/24\n" + "\x1b[2Jbad\n" * 25)
    done = ranges("import", tmp_path / "x.txt", "--name", "x")
    assert done.out.splitlines()[1] == "  refused 25: not an address or network"
    assert done.out.splitlines()[-1] == "    and 15 more"
    assert "\x1b" not in done.out


def test_tables_are_listed_looked_up_replaced_and_removed(ranges: Ranges, office: Path, tmp_path: Path) -> None:
    assert ranges("import", office, "--name", "Office").code == 0
    (tmp_path / "clouds.jsonl").write_text('{"path":"one/v4","cidrs":["192.0.2.128/25"]}\n')
    assert ranges("import", tmp_path / "clouds.jsonl").out.startswith("clouds: 1 networks under 1 names, read as cidrs")
    assert [ranges("look-up", one).out for one in ("192.0.2.9", "192.0.2.200", "203.0.113.9")] == [
        "192.0.2.9: office\n",
        "192.0.2.200: clouds/one\n",
        "203.0.113.9: in no named range\n",
    ]
    listed = ranges("list", "--json").json()
    assert [(one["name"], one["networks"], one["form"], one["source"]) for one in listed] == [
        ("clouds", 1, "cidrs", "clouds.jsonl"),
        ("office", 2, "list", "Office LAN.txt"),
    ]
    assert [line.split()[:3] for line in ranges("list").out.splitlines()] == [
        ["NAME", "NETWORKS", "NAMES"],
        ["clouds", "1", "1"],
        ["office", "2", "1"],
    ]
    office.write_text("203.0.113.0/24\n")
    assert ranges("import", office, "--name", "office", "--json").json()["networks"] == 1
    assert ranges("look-up", "203.0.113.9", "--json").json() == {"address": "203.0.113.9", "range": "office"}
    assert ranges("look-up", "192.0.2.9").out == "192.0.2.9: in no named range\n"
    assert ranges("remove", "OFFICE").out.startswith("removed office: 1 networks, imported 20")
    assert ranges("look-up", "203.0.113.9").out == "203.0.113.9: in no named range\n"
    assert ranges("remove", "clouds").code == 0
    assert ranges("list").out == "no table of ranges is imported\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param(("import", "missing.txt"), 1, "No such file", id="no file"),
        pytest.param(("import", "bad.json"), 1, "unknown JSON with the keys a", id="unknown form"),
        pytest.param(("import", "cut.xz"), 1, "cannot be unpacked", id="cut"),
        pytest.param(("import", "empty.txt"), 2, "empty.txt lists no network", id="nothing in it"),
        pytest.param(("import", "office.txt", "--name", "a/b"), 2, "cannot name a table", id="no name"),
        pytest.param(("import", "7.txt"), 2, "cannot name a table", id="its own name is none"),
        pytest.param(("import", "office.txt", "--field", "x"), 2, "has no field 'x'", id="no field"),
        pytest.param(("look-up", "example.org"), 2, "is no address", id="a name"),
        pytest.param(("remove", "x"), 1, "no table of ranges is called 'x'", id="no table"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    ranges: Ranges, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in (
        ("bad.json", b'{"a":1}'),
        ("cut.xz", lzma.compress(TABLE.encode())[:-20]),
        ("empty.txt", b"# nothing\n"),
        ("office.txt", TABLE.encode()),
        ("7.txt", TABLE.encode()),
    ):
        (tmp_path / name).write_bytes(content)
    assert ranges("import", "office.txt").code == 0
    before = ranges("list").out
    done = ranges(*words)
    assert (done.code, message in done.err) == (code, True), done.err
    assert ranges("list").out == before


def test_there_is_nothing_to_look_up_in_a_directory_that_is_not_there(ranges: Ranges, tmp_path: Path) -> None:
    assert ranges("list").code == 1
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("office.txt", TABLE.encode(), id="plain"),
        pytest.param("office.txt.gz", gzip.compress(TABLE.encode()), id="gzip"),
        pytest.param("office.txt.xz", lzma.compress(TABLE.encode()), id="xz"),
        pytest.param(
            "office/list.json", b'{"type":"cidr","list":["192.0.2.0/24","198.51.100.0/24"]}', id="by its folder"
        ),
    ],
)
def test_files_are_unpacked_and_named_by_themselves(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with open_directory(tmp_path / "state", IdKey(b"tests"), who="a test") as directory:
        found = import_ranges(directory, path, now=NOW)
        assert (found.table.name, found.table.networks, found.table.imported) == ("office", 2, NOW)
        assert range_tables(directory.database) == (found.table,)


def test_tables_outlive_a_new_start_of_learning(tmp_path: Path, office: Path) -> None:
    with open_directory(tmp_path / "state", IdKey(b"tests"), who="a test") as directory:
        assert loaded_ranges(directory.database) is None
        import_ranges(directory, office, now=NOW)
        with directory.database.transaction():
            directory.database.forget_learning()
    with open_directory(tmp_path / "state", IdKey(b"tests"), who="a test") as directory:
        assert [one.name for one in range_tables(directory.database)] == ["office-lan"]
        remove_ranges(directory, "office-lan")
        assert loaded_ranges(directory.database) is None


@pytest.fixture
def known(tmp_path: Path, office: Path) -> NamedRanges:
    with open_directory(tmp_path / "state", IdKey(b"tests"), who="a test") as directory:
        import_ranges(directory, office, name="office", now=NOW)
        found = loaded_ranges(directory.database)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("event", "name"),
    [
        pytest.param(reached("192.0.2.9"), "office", id="an address"),
        pytest.param(reached("::ffff:192.0.2.9"), "office", id="mapped"),
        pytest.param(reached("203.0.113.9"), None, id="in no range"),
        pytest.param(reached("203.0.113.9", range="theirs"), None, id="the tables decide"),
        pytest.param(reached("192.0.2.9", range="theirs"), "office", id="the tables decide on another"),
        pytest.param(reached("a.example", address="192.0.2.9"), "office", id="behind a name"),
        pytest.param(reached("203.0.113.9", address="192.0.2.9"), None, id="the destination before the address"),
        pytest.param(reached("a.example"), None, id="a name alone"),
        pytest.param(reached("192.0.2.9", outbound=False), "office", id="inbound"),
    ],
)
def test_events_get_the_range_of_their_address(known: NamedRanges, event: AnyEvent, name: str | None) -> None:
    found = with_range(event, known)
    assert (found.range, found.id) == (name, event.id)  # type: ignore[union-attr]  # a connection


def test_other_events_and_events_without_tables_stay_as_they_are(known: NamedRanges) -> None:
    for event, tables in ((started(None), known), (reached("192.0.2.9", range="theirs"), None)):  # type: ignore[arg-type]  # no process
        assert with_range(event, tables) is event


def test_events_are_stored_with_the_range_of_the_tables_then_loaded(
    ranges: Ranges, office: Path, tmp_path: Path
) -> None:
    events = [reached("192.0.2.9", when=at(hour)) for hour in (1, 2)]
    for number, event in enumerate(events):
        (tmp_path / f"{number}.jsonl").write_bytes(write_event(event))
        place = ("--output-dir", tmp_path / "state", "--id-key", tmp_path / "keys" / "id.key")
        assert leeway("bootstrap", "--source", tmp_path / f"{number}.jsonl", *place).code == 0
        assert ranges("import", office, "--name", "office").code == 0
    database = Database(tmp_path / "state" / "leeway.db")
    stored = [decode(body) for _, body in database.events(events[0].time.toordinal())]
    database.close()
    assert {one.id: one.range for one in stored} == {events[0].id: None, events[1].id: "office"}  # type: ignore[union-attr]  # connections
    assert {one.host for one in stored} == {HOST}
