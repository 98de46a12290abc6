"""The state database: all or nothing, versions by day, damage noticed."""

import stat
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from leeway.errors import StateError
from leeway.storage import Database, Offset, Row
from leeway.storage.connection import USER_VERSION
from leeway.storage.database import REJECTED_KEPT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def bare(path: Path) -> apsw.Connection:
    return apsw.Connection(str(path))


def everything(database: Database) -> list[object]:
    return [
        database.meta("fact"),
        database.counters(),
        database.offset("file"),
        list(database.events(1)),
        list(database.state("baseline", 99)),
        list(database.findings()),
        list(database.verdicts()),
        list(database.rejected()),
    ]


def filled(database: Database) -> None:
    with database.transaction():
        database.set_meta("fact", "value")
        database.count("records", 3)
        database.set_offset("file", Offset("mark", "120"))
        database.add_events([(1, "a", False, b"event a"), (1, "b", True, b"event b")])
        database.put_state(1, [Row("baseline", b"agent", b"learnt")])
        database.put_findings([("f1", 1, True, b"finding")])
        database.add_verdict(b"verdict")
        database.reject("file", "7", "no time", "{}")


FILLED = [
    "value",
    {"records": 3},
    Offset("mark", "120"),
    [(False, b"event a"), (True, b"event b")],
    [(b"agent", b"learnt")],
    [(True, b"finding")],
    [b"verdict"],
    [("file", "7", "no time", "{}")],
]


def test_what_was_stored_is_read_back_by_another_connection(path: Path) -> None:
    filled(Database(path))
    assert everything(Database(path)) == FILLED


def test_an_error_inside_a_batch_leaves_nothing_of_it(path: Path) -> None:
    database = Database(path)
    before = everything(database)

    def batch() -> None:
        with database.transaction():
            filled(database)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        batch()
    assert everything(database) == before
    filled(database)
    assert everything(database) == FILLED


def test_the_file_is_private(path: Path) -> None:
    filled(Database(path))
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert "state.db" in modes


def _versioned(path: Path) -> None:
    Database(path).close()
    connection = bare(path)
    connection.execute("PRAGMA user_version=7")
    connection.close()


def _foreign(path: Path) -> None:
    connection = bare(path)
    connection.execute("CREATE TABLE other (x)")
    connection.close()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(_versioned, f"version 7; this program knows version {USER_VERSION}", id="another version"),
        pytest.param(_foreign, "version 0", id="another program's"),
        pytest.param(lambda path: path.write_bytes(b"not a database at all" * 400), "not a database", id="text"),
        pytest.param(Path.mkdir, "unable to open", id="directory"),
    ],
)
def test_what_is_no_state_is_refused(make: Callable[[Path], object], reason: str, path: Path) -> None:
    make(path)
    with pytest.raises(StateError, match=reason):
        Database(path)


def test_a_flipped_byte_is_noticed_or_does_not_matter(path: Path) -> None:
    database = Database(path)
    filled(database)
    with database.transaction():
        database.put_state(2, [Row("baseline", f"agent{n}".encode(), bytes(range(256))) for n in range(40)])
    whole = everything(database)
    database.close()
    sound = path.read_bytes()
    noticed = 0
    for place in range(3, len(sound), 61):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0x10]) + sound[place + 1 :])
        try:
            damaged = Database(path)
            read = everything(damaged)
            damaged.close()
        except StateError:
            noticed += 1
            continue
        # Counters and texts of refused records are kept without a digest: nothing is judged by them.
        assert (read[0], *read[2:7]) == (whole[0], *whole[2:7]), place
    assert noticed > 100


@pytest.mark.parametrize(
    ("table", "column", "read"),
    [
        ("events", "body", lambda database: list(database.events(1))),
        ("state", "body", lambda database: list(database.state("baseline", 99))),
        ("findings", "body", lambda database: list(database.findings())),
        ("verdicts", "body", lambda database: list(database.verdicts())),
        ("meta", "value", lambda _: ()),
        ("offsets", "position", lambda _: ()),
        ("meta", "name", lambda _: ()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_that_was_exchanged_is_noticed(
    table: str, column: str, read: Callable[[Database], object], path: Path
) -> None:
    filled(Database(path))
    bare(path).execute(f"UPDATE {table} SET {column} = zeroblob(20)")  # noqa: S608  # names of this table
    with pytest.raises(StateError, match="damaged"):
        read(Database(path))


def test_of_one_batch_the_first_of_an_id_is_kept_in_whatever_order_they_come(path: Path) -> None:
    database = Database(path)
    batch = [(2, "z", False, b"1"), (1, "b", False, b"2"), (2, "a", False, b"3"), (2, "z", False, b"4")]
    before = database.changes()
    assert database.add_events([*batch, (1, "b", True, b"5"), (2, "a", False, b"6")]) == {1, 2}
    assert database.changes() - before == 4  # three events, one of them trusted by its second coming
    assert [list(database.events(day)) for day in (1, 2)] == [[(True, b"5")], [(False, b"3"), (False, b"1")]]
    assert database.add_events([(2, "z", False, b"7"), (3, "y", False, b"8")]) == {3}


def test_an_event_is_kept_once_and_trust_is_added(path: Path) -> None:
    database = Database(path)
    assert database.add_events([(1, "a", False, b"a"), (2, "b", False, b"b")]) == {1, 2}
    assert database.add_events([(1, "a", False, b"other"), (3, "c", True, b"c")]) == {3}
    assert database.add_events([(2, "b", True, b"b")]) == {2}
    assert database.add_events([(2, "b", False, b"b")]) == set()
    assert [list(database.events(day)) for day in (1, 2, 3)] == [[(False, b"a")], [(True, b"b")], [(True, b"c")]]
    assert (database.event_days(), database.event_days(2)) == ([1, 2, 3], [2, 3])
    database.forget_events(3)
    assert database.event_days() == [3]


def _days(database: Database) -> list[list[tuple[bytes, bytes]]]:
    return [list(database.state("baseline", day)) for day in (1, 2, 3, 9)]


def test_state_is_known_as_of_each_day(path: Path) -> None:
    database = Database(path)
    database.put_state(1, [Row("baseline", b"x", b"x1"), Row("baseline", b"y", b"y1"), Row("signer", b"x", b"s1")])
    database.put_state(2, [Row("baseline", b"x", b"x2")])
    database.put_state(5, [Row("baseline", b"x", b"x5")])
    first, second, third = (
        [(b"x", b"x1"), (b"y", b"y1")],
        [(b"x", b"x2"), (b"y", b"y1")],
        [(b"x", b"x5"), (b"y", b"y1")],
    )
    assert _days(database) == [[], first, second, third]
    database.thin_state(5)
    assert _days(database) == [[], [(b"y", b"y1")], second, third]
    database.drop_state(5)
    assert _days(database) == [[], [(b"y", b"y1")], second, second]
    assert list(database.state("signer", 9)) == [(b"x", b"s1")]


def test_a_provisional_finding_never_takes_a_final_ones_place(path: Path) -> None:
    database = Database(path)
    database.put_findings([("f", 4, False, b"shown"), ("g", 5, False, b"other day")])
    database.put_findings([("f", 4, True, b"final")])
    database.put_findings([("f", 4, False, b"shown again")])
    assert list(database.findings(4)) == [(True, b"final")]
    database.drop_state(4)
    assert list(database.findings()) == [(False, b"final"), (False, b"other day")]
    database.put_findings([("f", 4, False, b"judged again")])
    assert list(database.findings(4)) == [(False, b"judged again")]


def test_forgetting_what_was_learnt_leaves_what_was_said(path: Path) -> None:
    database = Database(path)
    filled(database)
    database.set_meta("closed_through", "5")
    database.forget_learning()
    assert everything(database) == [*FILLED[:2], None, [], [], *FILLED[5:]]
    assert database.meta("closed_through") is None


def test_a_fact_can_be_removed_and_offsets_forgotten(path: Path) -> None:
    database = Database(path)
    filled(database)
    database.set_meta("fact", None)
    database.forget_offsets()
    assert (database.meta("fact"), database.offset("file")) == (None, None)


def test_rejected_records_are_kept_up_to_a_bound(path: Path) -> None:
    database = Database(path)
    with database.transaction():
        for number in range(REJECTED_KEPT + 5):
            database.reject("file", str(number), "no time", "{}")
    assert sum(1 for _ in database.rejected()) == REJECTED_KEPT == 10_000


def test_a_full_disk_is_an_error_of_ours_and_loses_nothing(path: Path) -> None:
    database = Database(path)
    filled(database)
    database._connection.execute("PRAGMA max_page_count=20")  # noqa: SLF001  # the disk, made small
    rows = [Row("baseline", str(n).encode(), bytes(4_000)) for n in range(100)]

    def batch() -> None:
        with database.transaction():
            database.put_state(3, rows)

    with pytest.raises(StateError, match="full"):
        batch()
    assert everything(database) == FILLED


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(StateError, match="symbolic link"):
        Database(path)
    assert not (tmp_path / "elsewhere.db").exists()


def test_a_source_whose_name_is_not_utf_8_is_remembered(path: Path) -> None:
    database = Database(path)
    with database.transaction():
        database.set_offset("\udcff.jsonl", Offset("mark", "7"))
        database.reject("\udcff.jsonl", "7", "no event", "x")
    assert database.offset("\udcff.jsonl") == Offset("mark", "7")
    assert list(database.rejected()) == [("\\udcff.jsonl", "7", "no event", "x")]
    database.close()


def test_a_directory_whose_name_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="no name in UTF-8"):
        Database(tmp_path / "\udcff.db")
