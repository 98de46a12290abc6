import csv
import gzip
import io
import json
import re
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from make_golden import golden
from mutations import feeds

from leeway.errors import SourceError
from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    Facet,
    FileTouched,
    Measure,
    ModuleLoaded,
    NameResolved,
    ProcessStarted,
)
from leeway.sources import Place, Rejected, Skipped, spooled
from leeway.sources.column_map import load_column_map
from leeway.sources.defender import SHOWN, Defender
from leeway.sources.defender_acts import ACTS, host_of
from leeway.summaries.facet_table import FACETS
from source_contract import check_source

GOLDEN = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[2]
MAP = ROOT / "examples" / "maps" / "mde_msticpy.toml"

CONNECTION = {
    "Timestamp": "2026-03-02T09:00:00.1598142Z",
    "DeviceName": "WS7.shire.example",
    "ActionType": "ConnectionSuccess",
    "RemoteIP": "203.0.113.9",
    "RemotePort": 443,
    "Protocol": "Tcp",
    "InitiatingProcessFileName": "python.exe",
    "InitiatingProcessId": 4120,
    "InitiatingProcessCreationTime": "2026-03-02T08:59:58.1234567Z",
}
START = {
    "Timestamp": "2026-03-02T09:00:00.2Z",
    "DeviceName": "ws7",
    "ActionType": "ProcessCreated",
    "FileName": "python.exe",
    "FolderPath": r"C:\Python\python.exe",
    "ProcessId": 4120,
    "ProcessCreationTime": "2026-03-02T08:59:58.1234567Z",
}


def as_json(*rows: dict) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_csv(*rows: dict) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def read(body: bytes, **options: object) -> list:
    return [record for _, record in Defender(spooled(BytesIO(body), "feed"), **options).read()]


def reason(body: bytes, **options: object) -> str:
    (record,) = read(body, **options)
    return record.reason


@pytest.mark.parametrize("name", ["defender", "defender_csv"])
def test_golden_records_are_what_they_are_expected_to_be(name: str) -> None:
    found, expected = golden(Defender, GOLDEN / name)
    assert found == expected


def test_the_golden_records_cover_every_act() -> None:
    body = (GOLDEN / "defender" / "input.jsonl").read_text()
    acts = {action for table in ACTS.values() for action in table if action.isalpha()}
    assert acts - {action for action in acts if f'"{action}"' in body} == {
        "ConnectionAttempt",
        "ConnectionFailedAggregatedReport",
        "ConnectionFound",
    }


def test_one_process_is_the_same_in_every_table() -> None:
    started, connected = read(as_json(START, CONNECTION))
    assert started.process.started == connected.process.started == datetime(2026, 3, 2, 8, 59, 58, 123_456, UTC)
    assert started.process.pid == connected.process.pid == 4120


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        pytest.param({"RemoteUrl": "HTTPS://API.example.org/v1"}, "destination", "API.example.org", id="URL"),
        pytest.param({"RemoteUrl": ""}, "destination", "203.0.113.9", id="address only"),
        pytest.param({"Protocol": "UdpV6"}, "protocol", "udp", id="UDP over IPv6"),
        pytest.param({"Protocol": None}, "protocol", "tcp", id="no protocol"),
        pytest.param({"RemotePort": "443.0"}, "port", 443, id="port of a data frame"),
        pytest.param({"InitiatingProcessFileName": "", "InitiatingProcessId": 0}, "process", None, id="no process"),
        pytest.param({"InitiatingProcessAccountName": "Ana"}, "user", "ana", id="account without domain"),
    ],
)
def test_a_connection_is_read_from_its_cells(change: dict, field: str, expected: object) -> None:
    for body in (as_json({**CONNECTION, **change}), as_csv({**CONNECTION, **change})):
        (event,) = read(body)
        assert isinstance(event, ConnectionOpened)
        assert getattr(event, field) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"RemotePort": None}, "no RemotePort", id="no port"),
        pytest.param({"RemotePort": "x"}, "RemotePort 'x' is no number", id="port of no number"),
        pytest.param({"RemoteIP": {"a": 1}}, "RemoteIP is neither text nor a number", id="nested"),
        pytest.param({"DeviceName": ""}, "no DeviceName", id="no host"),
        pytest.param({"Timestamp": ""}, "no Timestamp", id="no time"),
        pytest.param({"Timestamp": "20260302"}, "Timestamp '20260302' is no time", id="a number for a time"),
        pytest.param({"Timestamp": "9" * 5_000}, f"Timestamp '{'9' * 40}' is no time", id="a very long time"),
        pytest.param(
            {"InitiatingProcessCreationTime": "soon"}, "InitiatingProcessCreationTime 'soon' is no time", id="s"
        ),
        pytest.param({"ActionType": ""}, "no ActionType, and no Type that says which table this is of", id="no act"),
        pytest.param({"ActionType": "Invented"}, "not used: of another ActionType", id="unknown act"),
        pytest.param({"Type": "Invented"}, "not used: another table", id="unknown table"),
        pytest.param(
            {"Type": "DeviceFileEvents"}, "not used: DeviceFileEvents of another ActionType", id="wrong table"
        ),
    ],
)
def test_a_row_is_refused_or_passed_over_for_what_is_wrong_with_it(change: dict, expected: str) -> None:
    assert reason(as_json({**CONNECTION, **change})) == expected


@pytest.mark.parametrize(
    ("change", "image"),
    [
        pytest.param({}, r"C:\Python\python.exe", id="folder that ends in the name"),
        pytest.param({"FolderPath": r"c:\PYTHON\PYTHON.EXE"}, r"c:\PYTHON\PYTHON.EXE", id="in another case"),
        pytest.param({"FolderPath": r"C:\Python"}, r"C:\Python\python.exe", id="folder"),
        pytest.param({"FolderPath": "C:\\"}, r"C:\python.exe", id="root"),
        pytest.param({"FolderPath": "/opt/py", "FileName": "python"}, "/opt/py/python", id="folder on Linux"),
        pytest.param({"FolderPath": ""}, "python.exe", id="name only"),
        pytest.param({"FolderPath": r"\Device\HarddiskVolume3\Python"}, r"\Python\python.exe", id="volume"),
    ],
)
def test_the_path_of_a_program(change: dict, image: str) -> None:
    (event,) = read(as_json({**START, **change}))
    assert event.process.image == image


@pytest.mark.parametrize(
    ("uid", "expected"),
    [
        pytest.param(11540474045172975, "11540474045172975", id="number"),
        pytest.param("{0f-1}", "{0f-1}", id="other sensors' form"),
        pytest.param(1.1540474045172975e16, None, id="rounded by a data frame"),
        pytest.param("1.15404740451729e+16", None, id="rounded, as text"),
        pytest.param(0, None, id="zero"),
    ],
)
def test_a_process_id_is_used_only_where_it_is_exact(uid: object, expected: str | None) -> None:
    (event,) = read(as_json({**START, "ProcessUniqueId": uid}))
    assert event.process.uid == expected


WHEN = datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "text", "zone", "expected"),
    [
        pytest.param("Timestamp", "2026-03-02T10:00:01+01:00", None, WHEN, id="offset"),
        pytest.param("Timestamp", "2026-03-02 09:00:01", None, WHEN, id="Kusto's own, UTC by its documentation"),
        pytest.param("TimeGenerated", "2026-03-02 09:00:01", None, WHEN, id="Azure Monitor's"),
        pytest.param("TimeGenerated [UTC]", "3/2/2026, 9:00:01.000 AM", None, WHEN, id="portal that says UTC"),
        pytest.param("Timestamp", "3/2/2026, 9:00:01 AM", None, "has no zone", id="portal that does not"),
        pytest.param("Timestamp", "3/2/2026, 2:30:01 PM", "+05:30", WHEN, id="portal, by the map"),
        pytest.param("Timestamp", "2026-03-02 14:30:01", "+05:30", WHEN, id="by the map"),
        pytest.param("Timestamp", "2026-03-02 14:30:01", "", "has no zone", id="a map that does not say"),
        pytest.param("TimeGenerated [UTC]", "13/2/2026, 9:00:01 AM", None, "is no time", id="day first"),
        pytest.param("TimeGenerated [UTC]", "3/2/2026, 0:00:01 AM", None, "is no time", id="hour of another clock"),
    ],
)
def test_times_have_a_zone_or_a_reason(
    tmp_path: Path, column: str, text: str, zone: str | None, expected: datetime | str
) -> None:
    options = {}
    if zone is not None:
        (tmp_path / "map.toml").write_text(f'[times]\nzone = "{zone}"')
        options = {"column_map": load_column_map(tmp_path / "map.toml")}
    row = {column: text, "DeviceName": "ws7", "ActionType": "FileCreated", "FolderPath": "/x", "FileName": "x"}
    for body in (as_json(row), as_csv(row)):
        (record,) = read(body, **options)
        if isinstance(expected, str):
            assert expected in record.reason
        else:
            assert record.time == expected


@given(text=st.text(st.sampled_from("ab.:/@[]?#1"), max_size=12))
@example("[")
def test_a_host_has_none_of_what_surrounds_it_in_a_url(text: str) -> None:
    assert "/" not in host_of(text)
    assert (
        host_of(f"https://{text.translate(dict.fromkeys(b':/@[]?#'))}x:443/{text}?{text}").strip(":/@[]?#1ab.") == "x"
    )


def test_parquet_gives_the_events_of_csv(tmp_path: Path) -> None:
    for suffix in ("csv", "parquet"):
        file = tmp_path / f"t.{suffix}"
        if suffix == "csv":
            file.write_bytes(as_csv(*({**CONNECTION, "RemotePort": port} for port in range(400, 420))))
        else:
            duckdb.sql(f"COPY (SELECT * FROM '{tmp_path}/t.csv') TO '{file}'")  # noqa: S608  # paths of the test
    by_csv, by_parquet = (
        [record for _, record in Defender(Place(tmp_path / f"t.{suffix}")).read()] for suffix in ("csv", "parquet")
    )
    assert by_csv == by_parquet
    assert [event.port for event in by_parquet] == list(range(400, 420))


KINDS = {
    "DeviceProcessEvents": (ProcessStarted,),
    "DeviceNetworkEvents": (ConnectionOpened, NameResolved),
    "DeviceImageLoadEvents": (ModuleLoaded,),
    "DeviceFileEvents": (FileTouched,),
    "DeviceEvents": (NameResolved,),
    "SecurityEvent": (ProcessStarted,),
}


@pytest.mark.parametrize("table", KINDS)
def test_what_a_table_shows_is_what_its_events_feed(table: str) -> None:
    fed = {row.facet for row in FACETS if any(issubclass(kind, row.event) for kind in KINDS[table])}
    assert SHOWN[table] - {Facet.DOMAIN_CONTEXT} == (fed | {Measure.EVENTS}) - {Facet.DOMAIN_CONTEXT}
    assert SHOWN[table] <= Defender.observes


@pytest.mark.parametrize(
    ("body", "tables"),
    [
        pytest.param(as_json(CONNECTION), ["DeviceNetworkEvents"], id="one table"),
        pytest.param(as_csv(START), ["DeviceProcessEvents"], id="one table of CSV"),
        pytest.param(as_json(CONNECTION, START), ["DeviceNetworkEvents", "DeviceProcessEvents"], id="two"),
        pytest.param(b"", list(SHOWN), id="nothing"),
        pytest.param(b"a,b\n1,2\n", list(SHOWN), id="another file"),
    ],
)
def test_what_a_file_can_show_is_told_by_its_rows(body: bytes, tables: list[str]) -> None:
    source = Defender(spooled(BytesIO(body)))
    assert source.observes == frozenset().union(*(SHOWN[table] for table in tables))
    assert Measure.BYTES_OUT not in Defender.observes


@pytest.mark.parametrize(
    ("line", "known"),
    [
        pytest.param(as_json(CONNECTION), True, id="row"),
        pytest.param(
            as_json({"time": "x", "category": "AdvancedHunting-DeviceInfo", "properties": {}}), True, id="streamed"
        ),
        pytest.param(as_json({"Type": "SecurityEvent", "TimeGenerated": "x", "EventID": 1}), True, id="Sentinel"),
        pytest.param(as_csv(CONNECTION).splitlines()[0], True, id="header"),
        pytest.param(b'"TimeGenerated [UTC]","DeviceName","ActionType"', True, id="header of a portal"),
        pytest.param(b",TenantId,Account,EventID,TimeGenerated,Computer,NewProcessName", True, id="SecurityEvent"),
        pytest.param(b"PAR1\x15\x04", True, id="Parquet"),
        pytest.param(as_json({"EventID": 1, "Computer": "x", "TimeCreated": "x"}), False, id="Sysmon"),
        pytest.param(as_json({"kind": "process_ended", "time": "x"}), False, id="Leeway's own"),
        pytest.param(b"event_id,time,kind,host", False, id="a collection"),
        pytest.param(b"[" * 9_000, False, id="deep"),
        pytest.param(b'{"properties":7,"Type":[]}', False, id="odd"),
    ],
)
def test_recognises_its_rows_and_headers(line: bytes, known: bool) -> None:  # noqa: FBT001  # a column of the table
    assert Defender.recognises(line) is known


@given(line=st.one_of(st.binary(max_size=60), feeds("defender")))
def test_recognising_never_raises(line: bytes) -> None:
    assert Defender.recognises(line) in {True, False}


@given(body=st.one_of(feeds("defender"), feeds("defender").map(gzip.compress)), cut=st.integers(0, 9))
@example(body=b"PAR1", cut=0)
@example(body=b'{"ActionType":' + b"9" * 5_000 + b"}", cut=0)
@example(body=b'{"Timestamp":"2026-01-01T00:00:00Z","DeviceName":"a","ActionType":' + b"9" * 5_000 + b"}", cut=0)
def test_keeps_the_contract_on_json(body: bytes, cut: int) -> None:
    check_source(Defender, body, cut)


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """The golden CSV with some of its bytes replaced."""
    body = bytearray((GOLDEN / "defender_csv" / "input.csv").read_bytes())
    for _ in range(draw(st.integers(0, 4))):
        place, length = draw(st.integers(0, len(body))), draw(st.integers(0, 30))
        body[place : place + length] = draw(
            st.one_of(st.binary(max_size=4), st.sampled_from([b'"', b"\n", b",", b'\n"']))
        )
    return bytes(body)


@given(body=spoilt(), cut=st.integers(0, 9))
def test_keeps_the_contract_on_csv(body: bytes, cut: int) -> None:
    check_source(Defender, body, cut)


def test_keeps_the_contract_on_parquet(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    (tmp_path / "t.jsonl").write_bytes(
        as_json(CONNECTION, {**START, "ActionType": "Invented"}, {**START, "FileName": 7})
    )
    duckdb.sql(f"COPY (SELECT * FROM read_json('{tmp_path}/t.jsonl')) TO '{file}'")  # noqa: S608  # paths of the test
    for cut in range(4):
        assert len(check_source(Defender, file.read_bytes(), cut)) == 3


def test_a_map_names_its_line_where_a_column_is_missing(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text('[columns]\n\nTimestamp = "When"\n')
    column_map = load_column_map(tmp_path / "map.toml")
    with pytest.raises(SourceError, match=re.escape("map.toml:3: feed has no column 'When'")):
        read(as_csv(CONNECTION), column_map=column_map)
    check_source(partial(Defender, column_map=column_map), as_json(CONNECTION, {**CONNECTION, "When": "x"}), 1)
    with pytest.raises(SourceError, match="feed: no column DeviceName or Computer") as caught:
        read(b"Timestamp,Machine,ActionType\n")
    assert caught.value.hint == "name it in a column map: --map FILE.toml"


def counted(source: Defender) -> tuple[Counter, list[AnyEvent]]:
    records = [record for _, record in source.read()]
    events = [record for record in records if not isinstance(record, Rejected | Skipped)]
    refused = [record.reason for record in records if isinstance(record, Rejected | Skipped)]
    return Counter([*(type(event).__name__ for event in events), *refused]), events


def test_every_row_of_a_renamed_table_is_read(data_dir: Path) -> None:
    counts, events = counted(Defender(Place(data_dir / "mde_msticpy" / "mde_proc_cs1.csv.xz"), load_column_map(MAP)))
    assert counts == {"ProcessStarted": 1_564}
    assert len({event.id for event in events}) == 1_564
    assert {event.host for event in events} == {"computerpii_0a470890c60768167990033d701e7bd881398861"}
    assert min(event.time for event in events) == datetime(2021, 6, 22, 11, 17, 29, 492_996, UTC)
    by_uid = {event.process.uid: event for event in events}
    chain = next(event for event in events if event.process.image.endswith("mshta.exe") and event.time.day == 23)
    names = [chain.process.image]
    while chain is not None:
        names.append(chain.parent.image)
        chain = by_uid.get(chain.parent.uid)
    assert [name.rpartition("\\")[2] for name in names] == ["mshta.exe", "cmd.exe", "WinRAR.exe"]
    initiators = {event.parent.uid for event in events}
    assert (len(initiators), len(initiators - by_uid.keys())) == (456, 69)


def test_every_row_of_an_exported_event_table_is_read_without_a_map(data_dir: Path) -> None:
    source = Defender(Place(data_dir / "mde_msticpy" / "processes_on_host.csv.xz"))
    counts, events = counted(source)
    assert counts == {"ProcessStarted": 363}
    assert len({event.id for event in events}) == 363
    assert source.observes == SHOWN["SecurityEvent"]
