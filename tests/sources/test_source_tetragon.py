import base64
import json
from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from make_golden import golden
from mutations import GOLDEN, feeds

from leeway.agents.instances import Lineage
from leeway.events import Facet, Measure, ModuleLoaded, ProcessStarted
from leeway.sources import Rejected, Skipped, spooled
from leeway.sources.tetragon import Tetragon
from source_contract import check_source


def exec_id(start: int, pid: int) -> str:
    return base64.b64encode(f"node-a:{start}:{pid}".encode()).decode()


def process(pid: int, start: int, parent: str, flags: str = "execve clone", **fields: object) -> dict:
    known = {"exec_id": exec_id(start, pid), "pid": pid, "uid": 1000, "cwd": "/srv", "binary": "/usr/bin/python3"}
    at = {"start_time": f"2026-03-02T09:00:00.{start:09d}Z", "flags": flags, "parent_exec_id": parent}
    return {**known, **at, "arguments": "agent.py", **fields}


SHELL = process(10, 1, exec_id(0, 1), binary="/bin/sh", arguments="-c run")
AGENT = process(20, 2, exec_id(1, 10))
FORK = process(30, 3, exec_id(2, 20), flags="clone")


def record(kind: str, **act: object) -> dict:
    return {kind: act, "node_name": "Node-A", "time": "2026-03-02T09:00:01.123456789Z"}


def probe(function: str, *arguments: dict, actor: dict = AGENT, **fields: object) -> dict:
    return record("process_kprobe", process=actor, function_name=function, args=list(arguments), **fields)


def sock(**fields: object) -> dict:
    return {"sock_arg": {"family": "AF_INET", "daddr": "192.0.2.7", "sport": 43210, "dport": 443, **fields}}


PRIVATE = {"uint_arg": 2}
FAILED = {"return": {"int_arg": "-2"}}
SERVED = sock(sport=80, dport=50_000)


def file(path: str = "/etc/passwd") -> dict:
    return {"file_arg": {"path": path}}


def read(*rows: dict) -> list:
    body = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    return [each for _, each in Tetragon(spooled(BytesIO(body), "feed")).read()]


def test_golden() -> None:
    made, expected = golden(Tetragon, GOLDEN / "tetragon")
    assert made == expected


@given(body=feeds("tetragon"), cut=st.integers(0, 9))
@example(body=b'{"process_exec":' * 40_000, cut=0)
@example(body=b'{"process_kprobe":{"process":{"binary":"x"},"function_name":"sys_open","args":[null]}}', cut=0)
def test_it_keeps_the_contract(body: bytes, cut: int) -> None:
    check_source(Tetragon, body, cut)


@pytest.mark.parametrize(
    ("row", "outbound", "port", "protocol", "sent"),
    [
        pytest.param(probe("tcp_connect", sock()), True, 443, "tcp", None, id="connect"),
        pytest.param(probe("tcp_connect", sock(protocol="IPPROTO_MPTCP")), True, 443, "mptcp", None, id="mptcp"),
        pytest.param(probe("ip4_datagram_connect", sock(dport=53)), True, 53, "udp", None, id="datagram"),
        pytest.param(probe("inet_csk_accept", **{"return": SERVED}), False, 80, "tcp", None, id="in"),
        pytest.param(probe("tcp_sendmsg", sock(), {"size_arg": "1174"}), True, 443, "tcp", 1174, id="sent"),
        pytest.param(probe("udp_sendmsg", sock(dport=53), {"int_arg": 7}), True, 53, "udp", 7, id="datagram sent"),
        pytest.param(probe("tcp_sendmsg", SERVED, {"int_arg": 7}), False, 80, "tcp", 7, id="serves"),
        pytest.param(probe("tcp_sendmsg", sock(sport=80, dport=81), {"int_arg": 7}), True, 81, "tcp", 7, id="both low"),
    ],
)
def test_connections(row: dict, outbound: bool, port: int, protocol: str, sent: int | None) -> None:  # noqa: FBT001
    (event,) = read(row)
    assert (event.outbound, event.port, event.protocol, event.bytes_out) == (outbound, port, protocol, sent)
    assert (event.destination, event.address, event.host, event.user) == ("192.0.2.7", "192.0.2.7", "node-a", "1000")


@pytest.mark.parametrize(
    ("row", "path", "action"),
    [
        pytest.param(probe("security_file_permission", file(), {"int_arg": 6}), "/etc/passwd", "modified", id="both"),
        pytest.param(probe("security_file_permission", file(), {"int_arg": 4}), "/etc/passwd", "read", id="read"),
        pytest.param(probe("security_mmap_file", file(), {"uint_arg": 3}, PRIVATE), "/etc/passwd", "read", id="own"),
        pytest.param(probe("security_mmap_file", file(), {"uint_arg": 3}), "/etc/passwd", "modified", id="shared"),
        pytest.param(probe("security_mmap_file", file()), "/etc/passwd", "read", id="mapped somehow"),
        pytest.param(probe("__x64_sys_open", {"string_arg": "./b"}, {"int_arg": 1}), "/srv/b", "modified", id="joined"),
        pytest.param(probe("sys_open", {"string_arg": "/b"}), "/b", "read", id="open, flags untold"),
        pytest.param(probe("sys_rename", {"string_arg": "/a"}, {"string_arg": "/b"}), "/b", "renamed", id="rename"),
        pytest.param(probe("sys_write", file(), {"size_arg": "3"}), "/etc/passwd", "modified", id="write"),
    ],
)
def test_files(row: dict, path: str, action: str) -> None:
    (event,) = read(row)
    assert (event.path, event.action) == (path, action)


def test_code_that_is_mapped_is_a_module() -> None:
    (event,) = read(probe("security_mmap_file", file("/lib/x.so"), {"uint_arg": 5}, PRIVATE))
    assert isinstance(event, ModuleLoaded)
    assert (event.path, event.digest) == ("/lib/x.so", None)


@pytest.mark.parametrize(
    ("row", "kind", "reason"),
    [
        pytest.param(probe("tcp_close", sock()), Skipped, "a probe of another function", id="function"),
        pytest.param(probe("tcp_sendmsg", sock()), Skipped, "without its size", id="no size"),
        pytest.param(probe("tcp_connect", sock(family="AF_UNIX")), Skipped, "a socket of this host", id="unix"),
        pytest.param(probe("security_file_permission", file(), {"int_arg": 1}), Skipped, "neither", id="execute"),
        pytest.param(probe("fd_install", file(), action="KPROBE_ACTION_OVERRIDE"), Skipped, "refused", id="override"),
        pytest.param(
            probe("sys_open", {"string_arg": "/b"}, **FAILED),
            Skipped,
            "failed",
            id="failed",
        ),
        pytest.param(
            probe("sys_openat", {"int_arg": 5}, {"string_arg": "b"}), Skipped, "relative to a folder", id="dirfd"
        ),
        pytest.param(record("process_exit", process=FORK), Skipped, "the end of a fork", id="fork's end"),
        pytest.param(record("process_uprobe", process=AGENT), Skipped, "process_uprobe", id="uprobe"),
        pytest.param({"node_name": "x"}, Rejected, "none of Tetragon's kinds", id="nothing"),
        pytest.param(record("process_loader", process=AGENT), Rejected, "no process_loader.path", id="loader"),
        pytest.param(probe("fd_install", {"int_arg": 3}), Rejected, "no path in file_arg", id="no file"),
        pytest.param(probe("sys_open"), Rejected, "no path in string_arg", id="no name"),
        pytest.param(probe("tcp_connect", sock(dport="https")), Rejected, "$.port", id="port"),
        pytest.param(probe("tcp_connect", sock(daddr=None)), Rejected, "no daddr", id="no address"),
        pytest.param(record("process_exec", process={**AGENT, "pid": "x"}), Rejected, "process.pid", id="pid"),
    ],
)
def test_what_is_left_out_and_why(row: dict, kind: type, reason: str) -> None:
    (record_read,) = read(row)
    assert isinstance(record_read, kind)
    assert reason in record_read.reason


@pytest.mark.parametrize(
    ("fields", "unit"),
    [
        pytest.param({"namespace": "agents", "workload": "researcher"}, "agents/researcher", id="workload"),
        pytest.param({"workload": "researcher"}, "researcher", id="no namespace"),
        pytest.param({"name": "researcher-x2x4k", "container": {"name": "main"}}, "main", id="container"),
        pytest.param({"name": "researcher-x2x4k"}, None, id="a pod's own name changes"),
    ],
)
def test_the_unit_outlives_the_pod(fields: dict, unit: str | None) -> None:
    (event,) = read(record("process_exec", process={**AGENT, "pod": fields}))
    assert event.unit == unit


@pytest.mark.parametrize(
    ("fields", "user"),
    [
        pytest.param({"uid": 0}, "0", id="root"),
        pytest.param({"uid": 4_294_967_295}, None, id="unset"),
        pytest.param({"uid": 1000, "user": {"name": "ana"}}, "ana", id="name known"),
        pytest.param({"uid": None}, None, id="untold"),
    ],
)
def test_users(fields: dict, user: str | None) -> None:
    (event,) = read(record("process_exec", process={**AGENT, **fields}))
    assert event.user == user


@pytest.mark.parametrize(
    ("actor", "above", "pid"),
    [
        pytest.param(FORK, {"parent": AGENT}, 20, id="fork"),
        pytest.param(FORK, {}, None, id="fork, parent untold"),
        pytest.param(
            process(31, 4, FORK["exec_id"], flags="clone inInitTree"),
            {"parent": FORK, "ancestors": [AGENT, SHELL]},
            20,
            id="fork of a fork",
        ),
    ],
)
def test_what_a_fork_does_before_it_executes_something_counts_for_the_agent(
    actor: dict, above: dict, pid: int | None
) -> None:
    (event,) = read(probe("tcp_connect", sock(), actor=actor, **above))
    assert (event.process.uid, event.process.pid) == (AGENT["exec_id"], pid)
    assert event.process.command_line == "/usr/bin/python3 agent.py"


def test_lineage_goes_on_through_a_fork() -> None:
    curl = process(31, 5, FORK["exec_id"], binary="/usr/bin/curl", arguments="example.org")
    events = read(
        record("process_exec", process=SHELL),
        record("process_exec", process=AGENT, parent=SHELL),
        record("process_exec", process=curl, parent=FORK, ancestors=[AGENT, SHELL]),
        probe("tcp_connect", sock(), actor=curl, parent=FORK),
    )
    assert sum(isinstance(event, ProcessStarted) for event in events) == 3
    lineage = Lineage({}, sorted(events, key=lambda event: (event.time, event.id)))
    chain = [lineage[key].image for key in lineage.ancestors(lineage.actor(events[-1]))]
    assert chain[:2] == ["/usr/bin/python3", "/bin/sh"]


def test_a_long_id_keeps_its_end() -> None:
    (event,) = read(record("process_exec", process={**AGENT, "exec_id": "x" * 300 + "END"}))
    assert event.process.uid == "x" * 253 + "END"


def test_an_exit_may_carry_the_time_itself() -> None:
    (event,) = read({"process_exit": {"process": AGENT, "time": "2026-03-02T09:00:07Z"}, "node_name": "a"})
    assert event.time.second == 7


@pytest.mark.parametrize(
    ("line", "known"),
    [
        pytest.param(record("process_exec", process=AGENT), True, id="exec"),
        pytest.param(record("process_tracepoint", process=AGENT), True, id="tracepoint"),
        pytest.param(record("process_exec", process="x"), False, id="no process"),
        pytest.param({"process": {"pid": 1}, "@timestamp": "2026-03-02T09:00:00Z"}, False, id="ECS"),
        pytest.param([1], False, id="list"),
    ],
)
def test_it_is_recognised(line: object, known: bool) -> None:  # noqa: FBT001
    assert Tetragon.recognises(json.dumps(line).encode()) is known


@given(st.binary(max_size=60))
@example(b'{"process_exec":' * 40_000)
def test_recognising_never_raises(line: bytes) -> None:
    assert Tetragon.recognises(line) is False


def test_it_says_what_it_cannot_see() -> None:
    domains = {Facet.REGISTRABLE_DOMAIN, Facet.DOMAIN, Facet.DOMAIN_PORT, Facet.DOMAIN_CONTEXT}
    assert set(Facet) - Tetragon.observes == {*domains, Facet.MODULE_DIGEST, Facet.TOOL, Facet.TOOL_ARGUMENT}
    assert set(Measure) - Tetragon.observes == {Measure.BYTES_IN, Measure.TOOL_DURATION_US}
