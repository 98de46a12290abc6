import json
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from make_golden import golden

from leeway.events import Facet, Measure
from leeway.sources import Rejected, spooled
from leeway.sources.sysmon import Sysmon
from leeway.sources.winlogbeat import Winlogbeat
from source_contract import check_source

GOLDEN = Path(__file__).parent / "golden" / "winlogbeat"
LINES = (GOLDEN / "input.jsonl").read_bytes().splitlines()
RECORDS = [json.loads(line) for line in LINES[:-1]]


def read(*records: object) -> list:
    body = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    return [record for _, record in Winlogbeat(spooled(BytesIO(body))).read()]


def test_golden() -> None:
    made, expected = golden(Winlogbeat, GOLDEN)
    assert made == expected
    assert len(expected.splitlines()) == len(LINES) == 41


RAW = {(record["winlog"]["event_id"], "module" in record["event"]): record for record in RECORDS[:24]}


@pytest.mark.parametrize("event_id", ["1", "3", "7", "11", "22", "23"])
def test_an_event_is_the_same_whether_or_not_a_module_moved_its_fields(event_id: str) -> None:
    moved = next(record for record in RECORDS[13:24] if record["winlog"]["event_id"] == event_id)
    raw, afterwards = read(RAW[event_id, False], moved)
    assert raw == afterwards


def test_an_event_is_the_same_as_the_flat_row_of_it() -> None:
    nested = RAW["1", False]["winlog"]
    flat = {**nested["event_data"], "EventID": 1, "Channel": nested["channel"], "Hostname": nested["computer_name"]}
    (row,) = (record for _, record in Sysmon(spooled(BytesIO(json.dumps(flat).encode()))).read())
    assert read(RAW["1", False]) == [row]


def test_both_spellings_of_attributes_are_one_event() -> None:
    started = [record for record in RECORDS if "Event" in record and record["Event"] != "torn"][:2]
    assert [set(record["Event"]["System"]) & {"TimeCreated", "TimeCreated_attributes"} for record in started] == [
        {"TimeCreated"},
        {"TimeCreated_attributes"},
    ]
    one, two = read(*started)
    assert one == two == read(RAW["1", False])[0]


@pytest.mark.parametrize(
    ("data", "posing"),
    [
        pytest.param({"Channel": "Security"}, "host", id="channel"),
        pytest.param({"Hostname": "other", "Computer": "other", "host": "other"}, "host", id="host"),
        pytest.param({"EventID": 5}, "kind", id="event id"),
        pytest.param({"@timestamp": "2001-01-01T00:00:00Z", "TimeCreated": "2001-01-01T00:00:00Z"}, "time", id="time"),
    ],
)
def test_no_field_of_the_data_poses_as_one_of_the_event(data: dict, posing: str) -> None:
    record = RAW["1", False]
    inner = {**record["winlog"]["event_data"], **data}
    assert read({**record, "winlog": {**record["winlog"], "event_data": inner}}) == read(record), posing


def test_a_process_that_the_sensor_did_not_know_has_no_id() -> None:
    record = RAW["1", False]
    unknown = {"ParentProcessGuid": "{00000000-0000-0000-0000-000000000000}"}
    inner = {**record["winlog"]["event_data"], **unknown}
    (event,) = read({**record, "winlog": {**record["winlog"], "event_data": inner}})
    assert (event.parent.uid, event.parent.pid) == (None, 1_064)


def test_the_event_logs_own_time_counts_where_sysmons_is_not_there() -> None:
    started = next(record for record in RECORDS if record.get("winlog", {}).get("event_id") == "4688")
    (event,) = read({**started, "@timestamp": "2019-11-14T17:10:15.1515514Z"})
    assert event.time.isoformat() == "2019-11-14T17:10:15.151551+00:00"


@pytest.mark.parametrize("number", range(len(LINES)))
def test_recognises_every_line_that_it_reads(number: int) -> None:
    (record,) = (found for _, found in Winlogbeat(spooled(BytesIO(LINES[number]))).read())
    foreign = isinstance(record, Rejected) and (
        "neither winlog" in record.reason or record.reason == "Input data was truncated"
    )
    assert Winlogbeat.recognises(LINES[number]) is not foreign
    assert not Sysmon.recognises(LINES[number])


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b'{"winlog":7}', b'{"Event":{}}', b"[" * 100_000, b'{"winlog":{"event_id":\xff}}']
)
def test_recognises_nothing_else(line: bytes) -> None:
    assert not Winlogbeat.recognises(line)


def test_it_shows_what_the_flat_form_shows() -> None:
    assert Winlogbeat.observes == Sysmon.observes
    assert Facet.CHILD in Winlogbeat.observes
    assert Measure.BYTES_OUT not in Winlogbeat.observes


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=9), st.lists(st.integers(), max_size=2), st.just({})
)


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A golden record in which some values, at any depth, are others."""
    record = json.loads(json.dumps(draw(st.sampled_from(RECORDS))))
    for _ in range(draw(st.integers(0, 3))):
        at = record
        key = draw(st.sampled_from(sorted(at)))
        while isinstance(at[key], dict) and at[key] and draw(st.booleans()):
            at = at[key]
            key = draw(st.sampled_from(sorted(at)))
        at[key] = draw(VALUES)
    return json.dumps(record).encode()


@given(
    body=st.lists(st.one_of(st.binary(max_size=60), changed()), max_size=5).map(b"\n".join),
    cut=st.integers(0, 9),
)
@example(body=b'{"winlog":{"event_id":' + b"9" * 5_000 + b"}}", cut=0)
@example(body=b'{"winlog":' * 50_000, cut=0)
@example(body=b'{"winlog":{"event_id":1,"event_data":[]},"host":[],"process":[],"dns":{"resolved_ip":[{}]}}', cut=0)
def test_it_keeps_the_contract(body: bytes, cut: int) -> None:
    check_source(Winlogbeat, body, cut)
