"""Rows that name files: what holds before each day, what is dropped and thinned with the rest of the state."""

import sqlite3
from pathlib import Path

import pytest

from leeway.errors import StateError
from leeway.storage import Database, EventTableRow, PackedPart

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def trusted(day: int, file: str, rows: int) -> EventTableRow:
    return EventTableRow(day, 1, file, is_trusted=True, rows=rows)


def judged(day: int, file: str, rows: int) -> EventTableRow:
    return EventTableRow(day, 1, file, is_trusted=False, rows=rows)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(tmp_path / "state.db")
    with database.transaction():
        database.put_event_tables([trusted(day, A, 10 + day) for day in (1, 2, 3)])
        database.put_event_tables([judged(5, B, 7)])
        database.add_events([(3, "x", True, b"x"), (4, "y", True, b"y")])
        database.put_packed(1, 3, {"baselines:0": A, "baselines:1": B, "instances": C})
        database.put_packed(5, 6, {"baselines:1": C, "instances": A})
    return database


def held(database: Database, before: int) -> dict[str, tuple[int, str]]:
    return {part: (one.last_day, one.file[0]) for part, one in database.packed(before).items()}


FIRST = {"baselines:0": (3, "a"), "baselines:1": (3, "b"), "instances": (3, "c")}
SECOND = {"baselines:0": (3, "a"), "baselines:1": (6, "c"), "instances": (6, "a")}


def test_the_newest_file_of_each_part_holds(database: Database) -> None:
    assert [held(database, day) for day in (3, 4, 6, 7, 99)] == [{}, FIRST, FIRST, SECOND, SECOND]
    assert database.packed(99)["instances"] == PackedPart("instances", 5, 6, A)


def test_days_of_files_are_days_with_events(database: Database) -> None:
    assert (database.event_days(), database.event_days(4), database.row_days()) == ([1, 2, 3, 4, 5], [4, 5], {3, 4})
    assert database.event_tables(3) == [trusted(3, A, 13), judged(5, B, 7)]
    database.put_event_tables([trusted(5, B, 7)])
    assert database.event_tables(5) == [trusted(5, B, 7)]
    database.put_event_tables([judged(5, C, 1)._replace(number=3), judged(5, A, 2)._replace(number=2)])
    assert [row.file for row in database.event_tables(5)] == [B, A, C]
    database.forget_events(3)
    assert (database.event_days(), database.named_files()) == ([3, 4, 5], {A, B, C})


@pytest.mark.parametrize(("day", "start"), [(1, 1), (3, 1), (4, 4), (5, 5), (6, 5), (7, 7)])
def test_a_run_starts_where_it_started(day: int, start: int, database: Database) -> None:
    assert database.run_start(day) == start


def test_what_a_run_left_is_dropped_and_thinned_like_rows(database: Database) -> None:
    database.thin_state(6)
    assert held(database, 99) == SECOND
    assert held(database, 5) == FIRST
    database.thin_state(7)
    assert held(database, 99) == SECOND
    assert held(database, 5) == {"baselines:0": (3, "a")}
    database.drop_state(6)
    assert held(database, 99) == {"baselines:0": (3, "a")}
    database.forget_learning()
    assert (held(database, 99), database.event_tables(), database.named_files()) == ({}, [], set())


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE event_table SET file = replace(file, 'a', 'c')",
        "UPDATE event_table SET trusted = 1 - trusted",
        "UPDATE event_table SET day = day + 9",
        "UPDATE event_table SET number = 2",
        "UPDATE packed SET last_day = last_day + 9",
        "UPDATE packed SET file = 'd' WHERE part = 'instances'",
        "UPDATE packed SET first_day = 0",
    ],
)
def test_a_row_that_was_changed_is_noticed(damage: str, database: Database, tmp_path: Path) -> None:
    database.close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute(damage)
    connection.close()
    with pytest.raises(StateError, match="damaged"):
        Database(tmp_path / "state.db")


@pytest.mark.parametrize("version", [1, 2])
def test_the_state_of_a_version_before_is_given_what_it_lacks(version: int, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    Database(path).close()
    lacking = ["event_table", "packed", *(["outbox", "announced"] if version == 1 else [])]
    with sqlite3.connect(path) as connection:
        connection.executescript("".join(f"DROP TABLE {one};" for one in lacking) + f"PRAGMA user_version={version}")
    connection.close()
    opened = Database(path)
    assert (opened.event_tables(), opened.packed(9), list(opened.outbox())) == ([], {}, [])
    opened.close()
