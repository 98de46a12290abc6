import json
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from make_golden import golden

from leeway.errors import SourceError
from leeway.events import (
    ConnectionOpened,
    Facet,
    FileTouched,
    NameResolved,
    ProcessEnded,
    ProcessStarted,
)
from leeway.sources import Place, Rejected, Skipped, spooled
from leeway.sources.osquery import Osquery
from leeway.sources.osquery_tables import TABLES, table_of
from source_contract import check_source

GOLDEN = Path(__file__).parent / "golden" / "osquery"
LINES = (GOLDEN / "input.log").read_bytes().splitlines()
PROCESS = {"pid": "7", "path": "/usr/bin/x", "cmdline": "x -v", "parent": "1"}


def line(*rows: object, form: str = "snapshot", **more: object) -> bytes:
    """A result in one of the three forms; a field that is None is left out."""
    forms = {"columns": {"columns": rows[0] if rows else {}, "action": "added"}, "snapshot": {"snapshot": rows}}
    envelope = {"name": "q", "hostIdentifier": "h", "unixTime": 1_772_442_000, **forms[form], **more}
    return json.dumps({key: value for key, value in envelope.items() if value is not None}).encode()


def read(*lines: bytes, after: str | None = None) -> list:
    return [record for _, record in Osquery(spooled(BytesIO(b"\n".join(lines)))).read(after=after)]


def test_the_golden_log_gives_what_is_written() -> None:
    found, expected = golden(Osquery, GOLDEN)
    assert found == expected


def test_the_golden_log_holds_every_act() -> None:
    kinds = Counter(type(record) for record in read(*LINES))
    acts = {ProcessStarted, ProcessEnded, ConnectionOpened, NameResolved, FileTouched}
    assert set(kinds) == acts | {Rejected, Skipped}
    assert kinds[Rejected] == 14


@pytest.mark.parametrize(
    ("query", "columns", "table"),
    [
        pytest.param("q", "pid path cmdline parent time", "process_events", id="process_events by time"),
        pytest.param("q", "pid path cmdline parent auid uptime syscall", "process_events", id="process_events"),
        pytest.param("pack/x/process_events", "pid path cmdline parent", "process_events", id="by its name"),
        pytest.param("q", "pid path cmdline parent ntime probe_error syscall", "process_events", id="bpf"),
        pytest.param("q", "pid path cmdline parent event_type time", "es_process_events", id="es"),
        pytest.param("q", "pid ppid type path cmdline session_id datetime", "process_etw_events", id="etw"),
        pytest.param("q", "pid path name type type_id status response", "dns_lookup_events", id="dns"),
        pytest.param("q", "action pid path fd remote_address remote_port time", "socket_events", id="socket_events"),
        pytest.param("q", "syscall pid path fd remote_address ntime", "socket_events", id="bpf sockets"),
        pytest.param("q", "pid fd family remote_address remote_port path", "process_open_sockets", id="open sockets"),
        pytest.param("q", "operation pid executable path dest_path time", "process_file_events", id="file of process"),
        pytest.param("q", "pid path filename dest_filename event_type", "es_process_file_events", id="es files"),
        pytest.param("q", "target_path action md5 time", "file_events", id="file_events"),
        pytest.param("q", "pid name path cmdline parent", "processes", id="processes by parent"),
        pytest.param("pack_x_processes", "pid name", "processes", id="processes by name"),
        pytest.param("q", "pid name", None, id="too little to tell"),
        pytest.param("pack_x_processes", "pid path permissions start end", None, id="process_memory_map"),
        pytest.param("open_ports_processes", "pid path name port address", None, id="listening_ports"),
        pytest.param("services_processes", "pid name path service_type start_type", None, id="services"),
        pytest.param("process_open_files_processes", "pid fd path", None, id="process_open_files"),
        pytest.param("crashes", "type pid path crash_path parent", None, id="crashes"),
        pytest.param("mounts", "device path type flags", None, id="mounts"),
    ],
)
def test_a_table_is_told_by_columns_then_by_name(query: str, columns: str, table: str | None) -> None:
    found = table_of(query, dict.fromkeys(columns.split(), "1"))
    assert (found.name if found else None) == table


def test_every_table_has_a_row_in_the_golden_log() -> None:
    rows = [json.loads(text) for text in LINES if b'"columns":{' in text and text.endswith(b"}")]
    tables = {found.name for row in rows if (found := table_of(row["name"], row["columns"]))}
    assert tables == {table.name for table in TABLES}


@pytest.mark.parametrize(
    ("start", "started"),
    [
        pytest.param("1772355600", "2026-03-01T09:00:00+00:00", id="since 1970"),
        pytest.param(1_772_355_600, "2026-03-01T09:00:00+00:00", id="as a number"),
        pytest.param("812", None, id="since boot"),
        pytest.param("-1", None, id="not known"),
        pytest.param("1772528400", None, id="behind the query's time"),
    ],
)
def test_a_start_is_told_by_the_row_alone(start: object, started: str | None) -> None:
    (event,) = read(line({**PROCESS, "start_time": start}, form="columns"))
    assert event.time.isoformat() == "2026-03-02T09:00:00+00:00"
    assert (event.process.started.isoformat() if event.process.started else None) == started


@pytest.mark.parametrize(
    ("row", "image"),
    [
        pytest.param({"path": "/a/b", "cmdline": "c d", "name": "e"}, "/a/b", id="path"),
        pytest.param({"path": "", "cmdline": "c d", "name": "e"}, "c", id="command line"),
        pytest.param({"path": "", "cmdline": "", "name": "e"}, "e", id="name"),
    ],
)
def test_an_image_is_the_best_that_is_told(row: dict, image: str) -> None:
    (event,) = read(line({"pid": "7", "parent": "1", **row}))
    assert event.process.image == image


@pytest.mark.parametrize(
    ("more", "host"),
    [
        pytest.param({"hostIdentifier": "Web-1"}, "web-1", id="identifier"),
        pytest.param({"hostIdentifier": None, "hostname": "Web-1"}, "web-1", id="as old versions call it"),
        pytest.param({"hostIdentifier": None, "decorations": {"hostname": "Web-1"}}, "web-1", id="decoration"),
        pytest.param(
            {"hostIdentifier": "40443DD9-5B21-A345-8F89-AADDE84C3719", "decorations": {"hostname": "Web-1"}},
            "web-1",
            id="decoration, for the identifier is no name",
        ),
        pytest.param(
            {"hostIdentifier": "40443DD9-5B21-A345-8F89-AADDE84C3719"},
            "40443dd9-5b21-a345-8f89-aadde84c3719",
            id="nothing better",
        ),
    ],
)
def test_a_host_is_named(more: dict, host: str) -> None:
    (event,) = read(line(PROCESS, **more))
    assert event.host == host


def test_rows_of_one_line_have_places_of_their_own() -> None:
    body = b"\n\n" + line({**PROCESS, "pid": "1"}, [], {**PROCESS, "pid": "3"}) + b"\r\n" + line(PROCESS)
    found = check_source(Osquery, body)
    assert [type(record) for _, record in found] == [ProcessStarted, Rejected, ProcessStarted, ProcessStarted]
    for cut in range(5):
        check_source(Osquery, body, cut)


def test_what_was_removed_comes_before_what_was_added() -> None:
    batch = line(form="snapshot", snapshot=None, diffResults={"added": [PROCESS], "removed": [PROCESS]})
    assert [type(record) for record in read(batch)] == [ProcessEnded, ProcessStarted]


def test_a_line_that_was_still_being_written_is_read_again_when_it_is_whole() -> None:
    whole = line(PROCESS)
    cut = spooled(BytesIO(line(PROCESS) + b"\n" + whole[:40]))
    positions = [position for position, _ in Osquery(cut).read()]
    assert [type(record) for record in read(whole, whole, b"", after=positions[-1])] == [ProcessStarted]


@pytest.mark.parametrize("after", ["x", "-1", "9" * 19, "99999"])
def test_a_position_of_another_file_is_refused(after: str) -> None:
    with pytest.raises(SourceError, match="position"):
        read(line(PROCESS), after=after)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False),
    st.text(max_size=9),
    st.sampled_from(["connect", "exec", "ProcessStart", "CREATED", "write", "0", "443", "192.0.2.7"]),
    st.lists(st.integers(), max_size=2),
)
ROWS = [json.loads(text)["columns"] for text in LINES if b'"columns":{' in text and text.endswith(b"}")]


def rows() -> st.SearchStrategy[object]:
    base = st.sampled_from([row for row in ROWS if isinstance(row, dict)])
    keys = st.sampled_from(sorted({key for row in ROWS for key in row}))
    changes = st.dictionaries(keys, VALUES, max_size=3)
    return st.one_of(st.builds(lambda row, change: {**row, **change}, base, changes), VALUES)


def bodies() -> st.SearchStrategy[bytes]:
    several = st.builds(lambda some: line(*some), st.lists(rows(), max_size=4))
    single = st.builds(
        lambda row, time, action: line(row, form="columns", unixTime=time, action=action),
        rows(),
        st.one_of(st.just(1_772_442_000), VALUES),
        st.sampled_from(["added", "removed", "snapshot", "x"]),
    )
    mutated = st.builds(lambda text, at, new: text[:at] + new, st.sampled_from(LINES), st.integers(0, 300), st.binary())
    return st.lists(st.one_of(several, single, mutated, st.sampled_from(LINES)), max_size=8).map(b"\n".join)


@given(body=bodies(), cut=st.integers(0, 30))
@example(body=b'{"name":"q","unixTime":' + b"9" * 4_200 + b',"hostIdentifier":"h","columns":{"pid":1}}', cut=0)
@example(body=b'{"name":"q","unixTime":1,"columns":{"pid":' + b"9" * 4_250 + b',"parent":1,"path":"x"}}', cut=0)
@example(body=b'{"name":"q","snapshot":[' + b"0," * 2_000 + b"0]}", cut=1_999)
def test_a_log_keeps_the_contract_of_sources(body: bytes, cut: int) -> None:
    check_source(Osquery, body, cut)


@given(text=st.one_of(st.binary(max_size=60), st.sampled_from(LINES)))
def test_recognising_never_raises(text: bytes) -> None:
    assert Osquery.recognises(text) in {True, False}


def test_a_result_is_recognised_and_other_json_is_not() -> None:
    assert Osquery.recognises(LINES[0])
    assert not Osquery.recognises(b'{"kind":"process_started","time":"2026-03-02T09:00:00Z"}')
    assert not Osquery.recognises(b'{"name":"x","columns":{}}')


def test_what_no_table_shows_is_not_claimed() -> None:
    assert not {Facet.MODULE, Facet.DOMAIN_PORT, Facet.TOOL} & Osquery.observes
    assert Facet.DOMAIN in Osquery.observes


def test_a_real_log_is_read_whole(data_dir: Path) -> None:
    place = Place(data_dir / "mde_msticpy" / "osquery_osqueryd.results.log.xz")
    kinds = Counter(type(record) for _, record in Osquery(place).read())
    assert kinds == {FileTouched: 21, ProcessStarted: 14, ProcessEnded: 7, Skipped: 224}


@pytest.mark.parametrize("part", [b"{}", b"7"], ids=["rows", "numbers"])
def test_a_line_of_next_to_nothing_is_not_unpacked(part: bytes) -> None:
    crowd = b'{"name":"x","snapshot":[' + part + (b"," + part) * 2_000_001 + b"]}"
    first, crowded, last = read(line(PROCESS), crowd, line(PROCESS))
    assert isinstance(crowded, Rejected)
    assert crowded.reason == "more than 200,000 rows, or 2,000,000 values"
    assert isinstance(first, ProcessStarted)
    assert isinstance(last, ProcessStarted)
