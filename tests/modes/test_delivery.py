"""Deliveries: put in the outbox with the findings, sent after the commit, kept until they are taken."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import apsw
import pytest
from msgspec.structs import replace

from builders import IDS, finding
from leeway.errors import StateError
from leeway.findings import Finding, Severity
from leeway.modes import Deliveries, Directory, deliver
from leeway.modes.delivery import NOT_GIVEN
from leeway.pipeline import Outcome, World
from leeway.sinks import Activity, Answer, Outlet, Parcel, Receipt, Recipient
from leeway.storage import connection

NOW = datetime(2026, 3, 10, 6, tzinfo=UTC)
TO = Recipient("s1")


class Place:
    """An outlet that answers by a script, takes what is left of it, and keeps what it was sent."""

    label = "test place"

    def __init__(self, *script: Receipt, size: int = 100) -> None:
        self._script = list(script)
        self._size = size
        self.sent: list[tuple[str, ...]] = []
        self.parcels: list[Parcel] = []

    def batches(self, parcels: Sequence[Parcel]) -> list[Sequence[Parcel]]:
        return [parcels[start : start + self._size] for start in range(0, len(parcels), self._size)]

    def send(self, parcels: Sequence[Parcel]) -> Receipt:
        self.sent.append(tuple(one.finding.finding_id for one in parcels))
        receipt = self._script.pop(0) if self._script else Receipt(Answer.SENT)
        if receipt.answer is Answer.SENT:
            self.parcels.extend(parcels)
        return receipt


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    opened = Directory(tmp_path, IDS)
    opened.recipients = (TO,)
    yield opened
    opened.database.close()


def on(day: int, case: str = "k1", severity: Severity = Severity.MEDIUM, **more: object) -> Finding:
    return finding(finding_id=f"{case}-{day}", case_id=case, day=date(2026, 3, day), severity=severity, **more)


def closed(directory: Directory, *findings: Finding, is_open: bool = False) -> None:
    day = max(one.day for one in findings)
    kept = tuple(replace(one, is_final=not is_open) for one in findings)
    outcome = Outcome(day, kept, {}, {}, World())
    if is_open:
        directory.commit_open(outcome)
    else:
        directory.commit(outcome, 35)


def told(directory: Directory, place: Outlet, now: datetime = NOW, **more: bool) -> Deliveries:
    return deliver(directory, {TO.key: place}, now, **more)


def test_a_case_goes_out_once_then_by_its_days(directory: Directory) -> None:
    place = Place()
    closed(directory, on(9), is_open=True)
    assert str(told(directory, place)) == "1 sent"
    closed(directory, on(9))
    assert str(told(directory, place)) == "none"
    closed(directory, on(10), on(10, "k2"))
    assert str(told(directory, place)) == "2 sent"
    activities = [(one.finding.finding_id, one.told.activity, one.told.days) for one in place.parcels]
    assert activities == [
        ("k1-9", Activity.CREATE, 1),
        ("k2-10", Activity.CREATE, 1),
        ("k1-10", Activity.UPDATE, 2),
    ]


def test_a_graver_case_is_told_again(directory: Directory) -> None:
    place = Place()
    closed(directory, on(9, severity=Severity.LOW), is_open=True)
    told(directory, place)
    closed(directory, on(9, severity=Severity.HIGH))
    told(directory, place)
    assert [(one.finding.severity, one.told.activity) for one in place.parcels] == [
        (Severity.LOW, "create"),
        (Severity.HIGH, "update"),
    ]


def test_what_repeats_another_and_what_is_slight_stays(directory: Directory) -> None:
    closed(directory, on(9, severity=Severity.INFO), on(9, "k2", linked_to="k1-9"))
    assert directory.deliveries() == []


def test_nobody_is_told_where_nobody_is_named(directory: Directory) -> None:
    directory.recipients = ()
    closed(directory, on(9))
    assert directory.deliveries() == []


def test_each_place_is_told_for_itself(directory: Directory) -> None:
    directory.recipients = (TO, Recipient("s2", Severity.HIGH))
    closed(directory, on(9), on(9, "k2", Severity.CRITICAL))
    one, two = Place(), Place(Receipt(Answer.LATER, "timed out"))
    done = deliver(directory, {"s1": one, "s2": two}, NOW)
    assert (one.sent, two.sent) == ([("k2-9", "k1-9")], [("k2-9",)])
    assert (done.sent, done.waiting, done.dead, done.reasons) == (2, 1, 0, {"test place: timed out": 1})
    assert str(done) == "2 sent, 1 waiting: test place: timed out, next at 06:02Z"


def test_what_fails_waits_for_its_time(directory: Directory) -> None:
    closed(directory, on(9))
    place = Place(Receipt(Answer.LATER, "connection refused"))
    waits = "1 waiting: test place: connection refused, next at 06:02Z"
    assert str(told(directory, place)) == waits
    assert str(told(directory, place, NOW + timedelta(seconds=59))) == waits
    assert len(place.sent) == 1
    assert str(told(directory, place, NOW + timedelta(seconds=76))) == "1 sent"
    assert directory.deliveries() == []


def test_who_asks_is_not_made_to_wait(directory: Directory) -> None:
    closed(directory, on(9))
    place = Place(Receipt(Answer.LATER, "certificate"), Receipt(Answer.LATER, "certificate"))
    told(directory, place)
    again = told(directory, place, NOW + timedelta(seconds=1), at_once=True)
    assert (len(place.sent), str(again)) == (2, "1 waiting: test place: certificate, next at 06:03Z")
    assert str(told(directory, place, NOW + timedelta(seconds=2), at_once=True)) == "1 sent"


def test_who_asks_does_not_wake_the_dead(directory: Directory) -> None:
    closed(directory, on(9))
    place = Place(Receipt(Answer.REFUSED, "answered 404"))
    told(directory, place)
    assert str(told(directory, place, NOW + timedelta(days=1), at_once=True)) == "1 dead: test place: answered 404"
    assert len(place.sent) == 1


@pytest.mark.parametrize(
    ("wait", "shown"),
    [
        (timedelta(hours=2), "08:00Z"),
        (timedelta(hours=2, microseconds=1), "08:01Z"),
        (timedelta(hours=2, seconds=59), "08:01Z"),
        (timedelta(days=3), "12:00Z"),
    ],
    ids=str,
)
def test_a_run_at_the_time_that_is_shown_sends_it(directory: Directory, wait: timedelta, shown: str) -> None:
    closed(directory, on(9))
    place = Place(Receipt(Answer.LATER, "answered 429", wait))
    assert str(told(directory, place)) == f"1 waiting: test place: answered 429, next at {shown}"
    then = datetime.combine(NOW.date(), time.fromisoformat(shown))
    assert str(told(directory, place, then)) == "1 sent"


def test_a_place_that_asks_for_time_gets_it(directory: Directory) -> None:
    closed(directory, on(9))
    place = Place(Receipt(Answer.LATER, "answered 429", timedelta(hours=2)))
    told(directory, place)
    told(directory, place, NOW + timedelta(hours=1, minutes=59))
    assert len(place.sent) == 1
    assert told(directory, place, NOW + timedelta(hours=2)).sent == 1


def test_a_place_that_fails_is_left_alone_for_the_rest_of_the_run(directory: Directory) -> None:
    closed(directory, *(on(9, f"k{number}") for number in range(5)))
    place = Place(Receipt(Answer.SENT), Receipt(Answer.LATER, "timed out"), size=2)
    done = told(directory, place)
    assert (len(place.sent), done.sent, done.waiting) == (2, 2, 3)
    assert sorted(one.attempts for one in directory.deliveries()) == [0, 1, 1]
    assert done.reasons == {"test place: not tried yet": 1, "test place: timed out": 2}
    waits = "test place: not tried yet; test place: timed out, next at 06:02Z"
    assert str(done) == f"2 sent, 3 waiting: {waits}"


def test_what_is_refused_is_dead_and_kept(directory: Directory) -> None:
    closed(directory, on(9), on(9, "k2"))
    place = Place(Receipt(Answer.REFUSED, "answered 404"))
    assert str(told(directory, place)) == "2 dead: test place: answered 404"
    assert str(told(directory, place, NOW + timedelta(days=9))) == "2 dead: test place: answered 404"
    assert len(place.sent) == 1
    assert str(told(directory, place, revive=True)) == "2 sent"


def test_twenty_failures_are_the_end(directory: Directory) -> None:
    closed(directory, on(9))
    place = Place(*[Receipt(Answer.LATER, "timed out")] * 30)
    for number in range(30):
        done = told(directory, place, NOW + timedelta(hours=7 * number))
    assert (len(place.sent), str(done)) == (20, "1 dead: test place: timed out")


def test_one_bad_record_does_not_take_its_neighbours_along(directory: Directory) -> None:
    closed(directory, *(on(9, f"k{number}") for number in range(3)))
    split, sent = Receipt(Answer.SPLIT, "answered 413"), Receipt(Answer.SENT)
    place = Place(split, sent, split, sent)
    done = told(directory, place)
    assert ([len(one) for one in place.sent], done.sent, done.dead) == ([3, 1, 1, 1], 2, 1)


def test_a_failure_halfway_through_a_split_ends_the_run(directory: Directory) -> None:
    closed(directory, *(on(9, f"k{number}") for number in range(3)))
    place = Place(Receipt(Answer.SPLIT, "answered 400"), Receipt(Answer.SENT), Receipt(Answer.LATER, "timed out"))
    done = told(directory, place)
    assert ([len(one) for one in place.sent], done.sent, done.waiting) == ([3, 1, 1], 1, 2)


def test_a_place_that_is_not_named_again_waits(directory: Directory) -> None:
    closed(directory, on(9))
    done = deliver(directory, {}, NOW, revive=True)
    assert (done.waiting, done.reasons) == (1, {NOT_GIVEN: 1})
    assert str(done) == f"1 waiting: {NOT_GIVEN}"


def run_on(path: Path, statement: str) -> None:
    """Run a statement on the database as another program would."""
    connection = apsw.Connection(str(path / "leeway.db"))
    connection.execute(statement)
    connection.close()


def test_the_outbox_is_written_with_the_findings_or_not_at_all(directory: Directory) -> None:
    full = "CREATE TRIGGER full BEFORE INSERT ON announced BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    run_on(directory.path, full)
    with pytest.raises(StateError, match="disk full"):
        closed(directory, on(9))
    assert (directory.findings(), directory.deliveries(), directory.closed_through) == ([], [], None)
    run_on(directory.path, "DROP TRIGGER full")
    closed(directory, on(9))
    assert (len(directory.findings()), len(directory.deliveries())) == (1, 1)


def test_a_crash_after_the_place_took_it_sends_it_again_under_the_same_id(directory: Directory) -> None:
    closed(directory, on(9))

    class Crashing(Place):
        def send(self, parcels: Sequence[Parcel]) -> Receipt:
            super().send(parcels)
            raise KeyboardInterrupt

    first, second = Crashing(), Place()
    with pytest.raises(KeyboardInterrupt):
        told(directory, first)
    told(directory, second)
    assert [one.told.delivery for one in first.parcels] == [one.told.delivery for one in second.parcels]


def test_the_state_of_the_version_before_is_given_an_outbox(tmp_path: Path) -> None:
    Directory(tmp_path, IDS).database.close()
    run_on(
        tmp_path,
        "DROP TABLE outbox; DROP TABLE announced; DROP TABLE event_table; DROP TABLE packed; PRAGMA user_version=1",
    )
    opened = Directory(tmp_path, IDS)
    opened.recipients = (TO,)
    closed(opened, on(9))
    assert (len(opened.deliveries()), connection.USER_VERSION) == (1, 3)
    opened.database.close()


@pytest.mark.parametrize("table", ["outbox", "announced"])
def test_damage_is_noticed(tmp_path: Path, table: str) -> None:
    directory = Directory(tmp_path, IDS)
    directory.recipients = (TO,)
    closed(directory, on(9))
    directory.database.close()
    run_on(tmp_path, f"UPDATE {table} SET id = 'other'")  # noqa: S608  # the two names above
    with pytest.raises(StateError, match="damaged"):
        Directory(tmp_path, IDS).deliveries()
