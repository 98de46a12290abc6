from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import jsonschema
import msgspec
import pytest
from hypothesis import given

from builders import HOST, at, reached
from leeway.errors import InvalidEventError
from leeway.events import (
    WITHIN,
    AnyEvent,
    ConnectionOpened,
    DeclaredAgent,
    Event,
    Facet,
    FileTouched,
    Heartbeat,
    Measure,
    Process,
    decode,
    encode,
    event_id,
    identified,
    json_schema,
    order,
)
from strategies import events


def test_a_time_without_zone_is_refused_at_birth() -> None:
    with pytest.raises(InvalidEventError, match="no zone"):
        Heartbeat(time=datetime(2026, 3, 9), host=HOST)  # noqa: DTZ001  # what is refused


def test_an_event_of_nobody_is_refused_at_birth() -> None:
    with pytest.raises(InvalidEventError, match="neither a host nor a declared agent"):
        Heartbeat(time=at())
    assert Heartbeat(time=at(), agent=DeclaredAgent(uid="x")).host == ""


def test_times_are_converted_to_utc() -> None:
    zoned = datetime(2026, 3, 9, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    event = Heartbeat(time=zoned, host=HOST)
    assert event.time == datetime(2026, 3, 9, 6, 30, tzinfo=UTC)
    assert event.time.tzinfo is UTC


@pytest.mark.parametrize(
    "time",
    [
        pytest.param(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), id="before all time"),
        pytest.param(datetime(1, 12, 31, 23, tzinfo=UTC), id="first year"),
        pytest.param(datetime(9999, 1, 1, tzinfo=UTC), id="last year"),
    ],
)
def test_times_at_the_ends_of_the_calendar_are_refused_at_birth(time: datetime) -> None:
    with pytest.raises(InvalidEventError, match="out of range"):
        Heartbeat(time=time, host=HOST)
    with pytest.raises(InvalidEventError, match="out of range"):
        Process(image="claude", started=time)


def test_starts_are_converted_to_utc() -> None:
    zoned = Process(started=datetime(2026, 3, 9, 12, tzinfo=timezone(timedelta(hours=5, minutes=30))))
    assert zoned == Process(started=datetime(2026, 3, 9, 6, 30, tzinfo=UTC))
    assert zoned.started is not None
    assert zoned.started.tzinfo is UTC


@given(events())
def test_an_event_reads_back_with_its_id(event: AnyEvent) -> None:
    assert decode(encode(event)) == event
    assert identified(event) == event
    assert 0 < len(event.id) <= 256


@given(events())
def test_an_id_depends_on_everything_but_itself(event: AnyEvent) -> None:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    renamed = type(event)(**{**fields, "id": "other"})
    later = type(event)(**{**fields, "time": event.time + timedelta(microseconds=1)})
    assert event_id(renamed) == event_id(event)
    assert event_id(later) != event_id(event)
    assert len(event_id(event)) == 32


def test_an_id_is_the_same_on_every_machine() -> None:
    event = ConnectionOpened(time=at(), host=HOST, destination="a.example", port=443)
    assert event_id(event) == "07743b9604b348802ea34c04082a9d61"
    assert event_id(event) == event_id(
        ConnectionOpened(time=at(), host=HOST, destination="a.example", port=443, protocol="".join("tcp"))
    )


def test_the_sensors_own_id_is_kept() -> None:
    assert identified(Heartbeat(time=at(), host=HOST, id="s-1")).id == "s-1"


def test_events_are_ordered_by_time_then_id() -> None:
    early, late = reached("b.example", when=at(9)), reached("a.example", when=at(10))
    twin = reached("c.example", when=at(9))
    assert sorted([late, twin, early], key=order) == [*sorted([early, twin], key=lambda one: one.id), late]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xc1", id="no MessagePack"),
        pytest.param(msgspec.msgpack.encode({"kind": "unheard_of"}), id="unknown kind"),
        pytest.param(msgspec.msgpack.encode({"kind": "heartbeat", "host": "h"}), id="no time"),
    ],
)
def test_other_bytes_are_no_event(body: bytes) -> None:
    with pytest.raises(InvalidEventError):
        decode(body)


@given(events())
def test_the_schema_accepts_what_is_written(event: AnyEvent) -> None:
    line = msgspec.json.decode(msgspec.json.encode(event))
    jsonschema.validate(line, SCHEMA)


SCHEMA = json_schema()


@pytest.mark.parametrize(
    ("action", "modifies"),
    [
        pytest.param("created", True, id="created"),
        pytest.param("modified", True, id="modified"),
        pytest.param("renamed", True, id="renamed"),
        pytest.param("deleted", True, id="deleted"),
        pytest.param("read", False, id="read"),
    ],
)
def test_a_read_changes_no_file(action: str, modifies: bool) -> None:  # noqa: FBT001  # a column
    assert FileTouched(time=at(), host=HOST, path="/x", action=action).modifies is modifies  # type: ignore[arg-type]  # a column


def test_every_kind_is_an_event_with_a_tag_of_its_own() -> None:
    kinds = get_args(AnyEvent)
    assert all(issubclass(kind, Event) for kind in kinds)
    assert {kind.__struct_config__.tag for kind in kinds} == {
        "process_started",
        "process_ended",
        "connection_opened",
        "name_resolved",
        "module_loaded",
        "file_touched",
        "tool_called",
        "signature_checked",
        "heartbeat",
    }


def test_within_is_a_forest_of_facets() -> None:
    assert len(set(Facet)) == 25
    assert {str(measure) for measure in Measure} == {"events", "bytes_out", "bytes_in", "tool_duration_us"}
    for facet in WITHIN:
        seen, at_facet = {facet}, WITHIN.get(facet)
        while at_facet is not None:
            assert at_facet not in seen
            seen.add(at_facet)
            at_facet = WITHIN.get(at_facet)
