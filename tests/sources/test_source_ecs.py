import json
from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from make_golden import golden
from mutations import GOLDEN, feeds

from leeway.events import ConnectionOpened, Facet, Measure, NameResolved, ProcessEnded, ProcessStarted
from leeway.sources import Rejected, Skipped, spooled
from leeway.sources.ecs import Ecs, event_by_name
from leeway.sources.ecs_fields import Document
from leeway.sources.ecs_usual import usual_event
from leeway.sources.lines import flaw
from source_contract import check_source

PROCESS = {"pid": 20, "entity_id": "e20", "executable": "/usr/bin/python3"}


def document(category: str | list, kind: str | list, action: str = "", **fields: object) -> dict:
    event = {"kind": "event", "category": category, "type": kind, "action": action or None}
    shared = {"@timestamp": "2026-03-02T09:00:00Z", "host": {"name": "Lab"}, "event": event, "process": PROCESS}
    return {**shared, **fields}


def flow(kind: str = "start", action: str = "", **fields: object) -> dict:
    ends = {"destination": {"ip": "192.0.2.7", "port": 443}, "source": {"ip": "10.0.0.5", "port": 50_000}}
    return document("network", kind, action, **{**ends, **fields})


def tool(**fields: object) -> dict:
    named = {"operation": {"name": "execute_tool"}, "agent": {"id": "a1", "name": "A"}, "tool": {"name": "read"}}
    return {"@timestamp": "2026-03-02T09:00:00Z", "gen_ai": {**named, **fields}}


def read(*rows: object) -> list:
    body = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    return [each for _, each in Ecs(spooled(BytesIO(body), "feed")).read()]


def test_golden() -> None:
    made, expected = golden(Ecs, GOLDEN / "ecs")
    assert made == expected


@given(body=feeds("ecs"), cut=st.integers(0, 9))
@example(body=b'{"_source":' * 40_000, cut=0)
@example(body=b'{"@timestamp":"2026-03-02T09:00:00Z","event":{"category":[["process"]],"type":{}}}', cut=0)
def test_it_keeps_the_contract(body: bytes, cut: int) -> None:
    check_source(Ecs, body, cut)


NESTED = document(["process"], ["start"], user={"name": "ana", "domain": "LAB"}, container={"name": "agent"})


def dotted(fields: dict, above: str = "") -> dict:
    flat: dict = {}
    for key, value in fields.items():
        flat |= dotted(value, f"{above}{key}.") if isinstance(value, dict) else {above + key: value}
    return flat


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(NESTED, id="nested"),
        pytest.param(dotted(NESTED), id="dotted"),
        pytest.param({**NESTED, "process": {"pid": 20}, **dotted({"process": PROCESS})}, id="mixed"),
        pytest.param({"_index": "logs", "_id": "1", "_source": NESTED}, id="search hit"),
        pytest.param({**NESTED, "event": {**NESTED["event"], "kind": None}}, id="no kind"),
        pytest.param({**NESTED, "host": {"hostname": "LAB"}}, id="hostname"),
        pytest.param({**NESTED, "host": "lab"}, id="host as text"),
        pytest.param({**NESTED, "process": {**PROCESS, "pid": "20"}}, id="pid as text"),
        pytest.param({**NESTED, "process": {**PROCESS, "pid": [20]}}, id="pid as a list of one"),
    ],
)
def test_every_writing_of_a_document_is_the_same_event(row: dict) -> None:
    (event,) = read(row)
    assert event == read(NESTED)[0]
    assert isinstance(event, ProcessStarted)
    assert (event.host, event.user, event.unit, event.process.pid) == ("lab", "LAB\\ana", "agent", 20)


@pytest.mark.parametrize(
    ("kind", "action", "event"),
    [
        pytest.param("start", "exec", ProcessStarted, id="exec"),
        pytest.param("start", "fork", ProcessStarted, id="fork"),
        pytest.param(["start", "end"], "", ProcessStarted, id="start and end at once"),
        pytest.param("info", "already_running", ProcessStarted, id="running before"),
        pytest.param("end", "end", ProcessEnded, id="end"),
        pytest.param("info", "process_stopped", ProcessEnded, id="stopped"),
    ],
)
def test_processes(kind: str | list, action: str, event: type) -> None:
    (found,) = read(document("process", kind, action))
    assert isinstance(found, event)


@pytest.mark.parametrize(
    ("signature", "signer"),
    [
        pytest.param({"trusted": True, "valid": True}, "Example Corp", id="trusted and valid"),
        pytest.param({"trusted": True}, "Example Corp", id="validity untold"),
        pytest.param({"trusted": True, "valid": False}, None, id="invalid"),
        pytest.param({"trusted": False, "valid": True}, None, id="not trusted"),
        pytest.param({"valid": True}, None, id="trust untold"),
    ],
)
def test_signers(signature: dict, signer: str | None) -> None:
    signed = {"code_signature": {"subject_name": "Example Corp", **signature}}
    started, loaded = read(
        document("process", "start", process={**PROCESS, **signed}),
        document("library", "start", dll={"path": "/lib/x.so", **signed}),
    )
    assert (started.signer, loaded.signer) == (signer, signer)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        pytest.param(flow(), ("192.0.2.7", "192.0.2.7", 443, True, None, None), id="attempt"),
        pytest.param(
            flow("end", source={"bytes": 9}, destination={"ip": "192.0.2.7", "port": 443, "bytes": 7}),
            ("192.0.2.7", "192.0.2.7", 443, True, 9, 7),
            id="end",
        ),
        pytest.param(
            flow(
                network={"direction": "inbound"},
                source={"ip": "203.0.113.4", "bytes": 9},
                destination={"port": 80, "bytes": 7},
            ),
            ("203.0.113.4", "203.0.113.4", 80, False, 7, 9),
            id="inbound",
        ),
        pytest.param(
            flow("start", "connection_accepted"), ("10.0.0.5", "10.0.0.5", 443, False, None, None), id="accepted"
        ),
        pytest.param(
            flow(destination={"domain": "api.example.com", "ip": "::ffff:192.0.2.7", "port": 443}),
            ("api.example.com", "192.0.2.7", 443, True, None, None),
            id="named",
        ),
        pytest.param(
            flow(destination={"address": "proxy.example.com", "port": 3128}),
            ("proxy.example.com", None, 3128, True, None, None),
            id="a name as address",
        ),
        pytest.param(
            flow(destination={"ip": "192.0.2.7"}, network={"transport": "icmp"}),
            ("192.0.2.7", "192.0.2.7", 0, True, None, None),
            id="no ports",
        ),
        pytest.param(
            flow("end", source={"bytes": 9}, dns={"question": {"name": "a.example"}}),
            ("192.0.2.7", "192.0.2.7", 443, True, 9, None),
            id="a connection with its name's resolution",
        ),
    ],
)
def test_connections(row: dict, found: tuple) -> None:
    (event,) = read(row)
    assert isinstance(event, ConnectionOpened)
    assert (event.destination, event.address, event.port, event.outbound, event.bytes_out, event.bytes_in) == found


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"destination": {}}, id="no destination"),
        pytest.param({"destination": {"ip": "192.0.2.53", "port": 53}}, id="to a name server"),
        pytest.param({"network": {"protocol": "dns"}}, id="protocol"),
        pytest.param({"event": {"category": "network", "action": "lookup_requested"}}, id="action"),
    ],
)
def test_names(fields: dict) -> None:
    (event,) = read(flow(**{"dns": {"question": {"name": "a.example"}, "resolved_ip": "192.0.2.7"}, **fields}))
    assert isinstance(event, NameResolved)
    assert (event.name, event.addresses) == ("a.example", ("192.0.2.7",))


@pytest.mark.parametrize(
    ("kind", "action", "done"),
    [
        pytest.param("change", "rename", "renamed", id="a rename is a change by type"),
        pytest.param(["creation", "change"], "", "created", id="created and changed"),
        pytest.param(["deletion", "change"], "", "deleted", id="deleted and changed"),
        pytest.param("change", "", "modified", id="change"),
        pytest.param("access", "", "read", id="access"),
    ],
)
def test_files(kind: str | list, action: str, done: str) -> None:
    (event,) = read(document("file", kind, action, file={"path": "/srv/a"}))
    assert (event.path, event.action) == ("/srv/a", done)


@pytest.mark.parametrize(
    ("given_arguments", "arguments"),
    [
        pytest.param({"path": "/a", "deep": {"b": [1]}}, {"path": "/a", "deep": '{"b":[1]}'}, id="object"),
        pytest.param('{"path": "/a", "n": 2}', {"path": "/a", "n": "2"}, id="text of an object"),
        pytest.param("[1]", {"arguments": "[1]"}, id="text of a list"),
        pytest.param("ls -l", {"arguments": "ls -l"}, id="text"),
        pytest.param('{"a":' * 5_000, {"arguments": '{"a":' * 5_000}, id="too deep to be looked into"),
        pytest.param(None, {}, id="none"),
        pytest.param(7, {}, id="number"),
        pytest.param({"token": "abcdefgh12"}, {"token": "<secret>"}, id="secret"),
    ],
)
def test_tool_calls(given_arguments: object, arguments: dict) -> None:
    call = tool(tool={"name": "read", "call": {"arguments": given_arguments}}, conversation={"id": "c1"})
    (event,) = read({**call, "event": {"duration": 1_999}})
    assert (event.agent.uid, event.agent.instance_uid, event.agent.name) == ("a1", "c1", "A")
    assert (event.tool, event.arguments, event.duration_us, event.process) == ("read", arguments, 1, None)


@pytest.mark.parametrize(
    ("row", "kind", "reason"),
    [
        pytest.param({"event": {"kind": "state"}}, Skipped, "not used: event.kind state", id="state"),
        pytest.param({"event": {"kind": "made up"}}, Skipped, "not used: event.kind unknown", id="unknown kind"),
        pytest.param(tool(operation={"name": "plan"}), Skipped, "not used: plan", id="plan"),
        pytest.param(document("iam", "info"), Skipped, "not used: category iam", id="category"),
        pytest.param({"@timestamp": "x"}, Skipped, "not used: category none", id="no category"),
        pytest.param(document("process", "change"), Skipped, "neither a start nor an end", id="change"),
        pytest.param(document("library", "info"), Skipped, "no load", id="library"),
        pytest.param(document("library", "start", process={}), Skipped, "no process", id="library of nobody"),
        pytest.param(document("file", "access", process={}), Skipped, "no process", id="file of nobody"),
        pytest.param(document("file", "info"), Skipped, "nothing done", id="file"),
        pytest.param(flow(process={}), Skipped, "no process", id="flow of nobody"),
        pytest.param(flow(["connection", "denied"]), Skipped, "denied", id="denied"),
        pytest.param(flow("end"), Skipped, "without bytes", id="end without bytes"),
        pytest.param(
            document("file", "access", event={"category": "file", "type": "access", "outcome": "failure"}),
            Skipped,
            "the act failed",
            id="failure",
        ),
        pytest.param(document("process", "start", process={"pid": 1}), Rejected, "no process.executable", id="image"),
        pytest.param(
            document("process", "start", process={**PROCESS, "start": "2026-03-02T09:00:00"}),
            Rejected,
            "process.start is no time with a zone",
            id="start without zone",
        ),
        pytest.param({**flow(), "@timestamp": 1_772_442_000}, Rejected, "@timestamp is no time", id="number as time"),
        pytest.param(flow(destination={"ip": "192.0.2.7", "port": "https"}), Rejected, "destination.port", id="port"),
        pytest.param(flow(source={"bytes": -1}), Rejected, "source.bytes is no number", id="bytes"),
        pytest.param({**tool(), "event": {"duration": 1.5}}, Rejected, "event.duration is no text", id="duration"),
        pytest.param(document("library", "start"), Rejected, "no file.path", id="module"),
    ],
)
def test_what_is_left_out_and_why(row: dict, kind: type, reason: str) -> None:
    (found,) = read(row)
    assert isinstance(found, kind)
    assert reason in found.reason


def test_the_sensor_s_id_is_kept_where_there_is_one() -> None:
    named, unnamed = read(
        {**NESTED, "event": {**NESTED["event"], "id": "MYfZG00oEwD2/fqT+++++CLz"}},
        NESTED,
    )
    assert named.id == "MYfZG00oEwD2/fqT+++++CLz"
    assert len(unnamed.id) == 32
    assert named.time == unnamed.time == datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        pytest.param({"a": {"b": {"c": 1}}}, 1, id="nested"),
        pytest.param({"a.b.c": 1}, 1, id="dotted"),
        pytest.param({"a": {"b.c": 1}}, 1, id="dotted below"),
        pytest.param({"a.b": {"c": 1}}, 1, id="dotted above"),
        pytest.param({"a": {"b": 2}, "a.b.c": 1}, 1, id="beside a scalar"),
        pytest.param({"a": {"b": {"c": 1}}, "a.b.c": 2}, 1, id="the nested one counts"),
        pytest.param({"a": None, "a.b.c": 1}, 1, id="null says nothing"),
        pytest.param({"a": [{"b": {"c": 1}}]}, None, id="lists are not entered"),
        pytest.param({}, None, id="absent"),
    ],
)
def test_a_field_is_found_however_it_is_written(fields: dict, value: object) -> None:
    assert Document(fields).value("a.b.c") == value


@pytest.mark.parametrize(
    ("line", "known"),
    [
        pytest.param(NESTED, True, id="nested"),
        pytest.param(dotted(NESTED), True, id="dotted"),
        pytest.param({"_source": NESTED}, True, id="hit"),
        pytest.param({"@timestamp": "x", "ecs": {"version": "8.11.0"}}, True, id="version"),
        pytest.param({**tool()}, True, id="tool call"),
        pytest.param({**NESTED, "winlog": {"event_id": 1}}, False, id="Winlogbeat"),
        pytest.param({**NESTED, "EventID": 1}, False, id="Windows"),
        pytest.param({"@timestamp": "x", "message": "y"}, False, id="any log line"),
        pytest.param({"event": {"kind": "event"}}, False, id="no time"),
        pytest.param([NESTED], False, id="list"),
    ],
)
def test_it_is_recognised(line: object, known: bool) -> None:  # noqa: FBT001
    assert Ecs.recognises(json.dumps(line).encode()) is known


@given(st.binary(max_size=60))
@example(b'{"event":' * 40_000)
def test_recognising_never_raises(line: bytes) -> None:
    assert Ecs.recognises(line) is False


def test_it_may_see_everything() -> None:
    assert Ecs.observes == {*Facet, *Measure}


# The usual document, read without asking for fields by name, means the same.

USUAL = {
    "start": NESTED,
    "start and end": document("process", ["start", "end"]),
    "end": document("process", "end"),
    "load": document("library", "start", dll={"path": "/lib/x.so", "hash": {"sha256": "ab", "sha1": "cd"}}),
    "driver": document("driver", "load", dll={"name": "x.sys"}),
    "out": flow(),
    "named": flow(destination={"domain": "api.example.com", "ip": "::ffff:192.0.2.7", "port": 443}),
    "accepted": flow("start", "connection_accepted"),
    "inbound": flow(network={"direction": "inbound"}, source={"ip": "203.0.113.4"}, destination={"port": 80}),
    "end with bytes": flow("end", source={"bytes": 9}, destination={"ip": "192.0.2.7", "port": 443, "bytes": 7}),
    "lookup": flow(dns={"question": {"name": "a.example"}, "resolved_ip": "192.0.2.7"}, destination={}),
    "file": document("file", "change", "rename", file={"path": "/srv/a"}),
    "other transport": flow(network={"transport": "UDP"}),
    "something else at the top": NESTED | {"agent": {"id": "a"}, "acme": {"pid": 7}, "acme.pid": 7},
    "arguments beside the line": document(
        "process", "end", process=PROCESS | {"command_line": "a b", "args": ["a", 1]}
    ),
}


@pytest.mark.parametrize("row", USUAL.values(), ids=USUAL)
def test_the_usual_way_is_the_way_by_name(row: dict) -> None:
    line = json.dumps(row).encode()
    assert usual_event(line) is not None
    assert usual_event(line) == event_by_name(line)


UNUSUAL = {
    "a dotted key": NESTED | {"process.parent.pid": 7},
    "a dotted key beside something else": NESTED | {"acme": 1, "process.parent.pid": 7},
    "a dotted key within": document("process", "start", process=PROCESS | {"hash.sha1": "ab"}),
    "a search hit": {"_source": NESTED},
    "a document around another": NESTED | {"_source": {"a": 1}},
    "a number as text": document("process", "start", process=PROCESS | {"pid": "20"}),
    "a list of one": document("process", "start", process=PROCESS | {"executable": ["/bin/a"]}),
    "arguments for a line": document("process", "start", process=PROCESS | {"args": ["a", "b c"]}),
    "a digest that is none": document("process", "start", process=PROCESS | {"hash": {"sha1": "xyz"}}),
    "a path too long": document("file", "change", file={"path": "a" * 32_769}),
    "a failure": flow(event={"category": "network", "type": "start", "outcome": "failure"}),
    "no host": document("process", "start", host={}),
    "a tool call": tool(),
    "two categories": document(["process", "network"], "start"),
    "a year out of range": NESTED | {"@timestamp": "0001-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("row", UNUSUAL.values(), ids=UNUSUAL)
def test_what_is_unusual_is_read_by_name(row: dict) -> None:
    assert usual_event(json.dumps(row).encode()) is None


@given(body=feeds("ecs"))
def test_whatever_is_taken_as_usual_means_the_same(body: bytes) -> None:
    for line in body.splitlines():
        found = None if flaw(line) else usual_event(line)
        assert found is None or found == event_by_name(line)
