import csv
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields

from leeway.errors import InvalidEventError, SourceError
from leeway.events import AnyEvent, Heartbeat, Process, ProcessStarted, order
from leeway.sources import (
    COLUMNS,
    Collection,
    Rejected,
    file_name,
    from_row,
    render,
    spooled,
    to_row,
    without_secrets,
)
from strategies import events

WHEN = datetime(2026, 3, 2, 9, tzinfo=UTC)
PAGE = Path(__file__).parents[2] / "docs" / "raw-collections.md"


def read(body: bytes) -> list:
    return [record for _, record in Collection(spooled(BytesIO(body))).read()]


@settings(max_examples=300)
@given(events())
def test_a_row_gives_its_event_back(event: AnyEvent) -> None:
    row = to_row(event)
    assert from_row(row) == event
    assert set(row) <= set(COLUMNS)
    assert all(row.values())
    assert not any(cell[0] in "=+-@\t\r\n" or "\n" in cell or "\r" in cell for cell in row.values())


@settings(max_examples=60)
@given(st.lists(events().map(without_secrets), max_size=6))
def test_a_file_gives_its_events_back_in_order(collected: list) -> None:
    body = render(collected)
    assert read(body) == sorted(collected, key=order)
    assert render(reversed(collected)).count(b"\n") == len(collected) + 1


@given(st.lists(events(), max_size=4))
def test_any_csv_reader_sees_the_same_cells(collected: list) -> None:
    rows = list(csv.DictReader(StringIO(render(collected).decode(), newline="")))
    assert [{name: cell for name, cell in row.items() if cell} for row in rows] == [
        to_row(event) for event in sorted(collected, key=order)
    ]


def test_there_is_a_column_for_every_field_of_every_event() -> None:
    paths = set()
    for kind in get_args(AnyEvent):
        for field in fields(kind):
            inner = {"process": Process, "parent": Process}.get(field.name)
            inner = next(iter(get_args(field.type)), None) if field.name == "agent" else inner
            paths |= {(field.name, part.name) for part in fields(inner)} if inner else {(field.name,)}
    assert {column.path for column in COLUMNS.values()} == paths | {("kind",)}


def test_the_page_lists_every_column_with_its_meaning() -> None:
    table = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert table == [f"| `{name}` | {column.form} | {column.meaning} |" for name, column in COLUMNS.items()]


@pytest.mark.parametrize(
    ("line", "cell"),
    [
        pytest.param(None, "", id="not reported"),
        pytest.param("", "<empty>", id="empty"),
        pytest.param("<empty>", '<json>"<empty>"', id="the token itself"),
        pytest.param("a\nb", '<json>"a\\nb"', id="two lines"),
        pytest.param("=1+1", "'=1+1", id="formula"),
        pytest.param("'x", "''x", id="quoted"),
        pytest.param("null", "null", id="null is a word"),
        pytest.param("12", "12", id="a number is text"),
    ],
)
def test_absent_empty_and_hostile_cells_differ(line: object, cell: str) -> None:
    event = ProcessStarted(time=WHEN, host="h1", process=Process(image="x", command_line=line))
    assert to_row(event).get("process_command_line", "") == cell
    assert from_row(to_row(event)) == event


def test_a_process_of_which_nothing_is_known_is_still_there() -> None:
    event = Heartbeat(time=WHEN, host="h1", process=Process())
    assert to_row(event)["process_image"] == "<empty>"
    assert from_row(to_row(event)).process == Process()
    assert from_row(to_row(Heartbeat(time=WHEN, host="h1"))).process is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"kind": "reboot"}, "Invalid value 'reboot'", id="kind"),
        pytest.param({"kind": ""}, "missing required field `kind`", id="no kind"),
        pytest.param({"time": "2026-03-02T09:00:00"}, "timezone", id="no zone"),
        pytest.param({"time": "0001-01-01T00:00:00+14:00"}, "out of range", id="before all time"),
        pytest.param({"host": ""}, "neither a host", id="no host"),
        pytest.param({"process_pid": "-4"}, "Expected `int | null`", id="negative pid"),
        pytest.param({"process_pid": "9" * 40}, "Expected `int | null`", id="huge pid"),
        pytest.param({"process_pid": "99999999999999999"}, None, id="large pid"),
        pytest.param({"verdict": "benign"}, "unknown column 'verdict'", id="unknown column"),
        pytest.param({"user": "<json>{"}, "not JSON", id="broken token"),
        pytest.param({"user": "<json>[1]"}, "Expected `str | null`", id="token of another type"),
        pytest.param({"user": "<json>" + "[" * 100_000}, "not JSON", id="deep token"),
    ],
)
def test_cells_of_no_event_are_refused(change: dict, reason: object) -> None:
    row = {**to_row(Heartbeat(time=WHEN, id="1", host="h1")), **change}
    if reason is None:
        assert from_row(row).process.pid == int(change["process_pid"])
        return
    with pytest.raises(InvalidEventError, match=reason.replace("|", r"\|")):
        from_row(row)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(b"1,2", "2 cells, 40 columns", id="too few cells"),
        pytest.param(b'"1,2', "a quote is out of place behind character 0", id="open quote"),
        pytest.param(b'1"2,"3"', "a quote is out of place behind character 0", id="quote within"),
        pytest.param(b'1,"2"3', "a quote is out of place behind character 2", id="text behind a quote"),
        pytest.param(b"\xff", "not UTF-8: invalid start byte at byte 0", id="no text"),
        pytest.param(b"," * 39, "missing required field `kind`", id="all empty"),
    ],
)
def test_a_line_of_no_event_is_refused_and_the_next_one_read(line: object, reason: object) -> None:
    beat = without_secrets(Heartbeat(time=WHEN, host="h1"))
    header, row = render([beat]).splitlines(keepends=True)
    refused, event = read(header + line + b"\r\n" + row)
    assert isinstance(refused, Rejected)
    assert reason in refused.reason
    assert event == beat


def test_a_row_too_long_is_passed_over() -> None:
    beat = without_secrets(Heartbeat(time=WHEN, host="h1"))
    header, row = render([beat]).splitlines(keepends=True)
    refused, event = read(header + b"x" * (33 << 20) + b"\n" + row)
    assert refused.reason == "longer than 33554432 bytes"
    assert event == beat


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"a,b,c\r\n", id="other header"),
        pytest.param(b"event_id,time,kind,verdict\r\n", id="unknown column"),
        pytest.param(b"\xff\xfe", id="no text"),
    ],
)
def test_a_file_that_is_no_collection_cannot_be_read(body: bytes) -> None:
    with pytest.raises(SourceError, match="not a raw collection"):
        read(body)


def test_fewer_columns_in_another_order_are_read() -> None:
    body = b"event_id,time,kind,user,host\n7,2026-03-02T09:00:00Z,heartbeat,,h1\n"
    assert read(body) == [Heartbeat(time=WHEN, id="7", host="h1")]


@pytest.mark.parametrize(
    ("event", "name"),
    [
        pytest.param(ProcessStarted(time=WHEN, host="h", parent=Process()), "child_20260302.csv", id="child"),
        pytest.param(ProcessStarted(time=WHEN, host="h"), "process_20260302.csv", id="no parent"),
        pytest.param(Heartbeat(time=WHEN, host="h"), "process_20260302.csv", id="other"),
    ],
)
def test_starts_that_name_a_parent_are_kept_apart(event: AnyEvent, name: str) -> None:
    assert file_name(event) == name
