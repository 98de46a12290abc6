import json
from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from make_golden import golden
from mutations import GOLDEN, feeds

from leeway.events import Facet, Measure, ProcessStarted
from leeway.sources import Rejected, Skipped, spooled
from leeway.sources.falco import Falco
from source_contract import check_source

PROCESS = {"proc.exepath": "/usr/bin/python3", "proc.name": "python3", "proc.cmdline": "python3 agent.py"}


def alert(call: str | None, fields: dict | None = None, **others: object) -> dict:
    known = {"priority": "Notice", "rule": "Some rule", "output": "x", "source": "syscall", "hostname": "Lab"}
    shared = {**known, "time": "2026-03-02T09:00:00.341081180Z", **others}
    return {**shared, "output_fields": {"evt.type": call, **PROCESS, **(fields or {})}}


def read(*rows: object) -> list:
    body = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    return [each for _, each in Falco(spooled(BytesIO(body), "feed")).read()]


def test_golden() -> None:
    made, expected = golden(Falco, GOLDEN / "falco")
    assert made == expected


@given(body=feeds("falco"), cut=st.integers(0, 9))
@example(body=b'{"output_fields":' * 40_000, cut=0)
@example(body=b'{"time":"2026-03-02T09:00:00Z","output_fields":{"evt.type":["execve"]}}', cut=0)
def test_it_keeps_the_contract(body: bytes, cut: int) -> None:
    check_source(Falco, body, cut)


@pytest.mark.parametrize(
    ("fields", "parent"),
    [
        pytest.param({"proc.pexepath": "/bin/sh", "proc.pname": "sh"}, ("/bin/sh", None, None), id="path"),
        pytest.param({"proc.pname": "sh", "proc.ppid": 7, "proc.pcmdline": "sh -c"}, ("sh", 7, "sh -c"), id="name"),
        pytest.param({"proc.ppid": "7"}, ("", 7, None), id="pid alone"),
    ],
)
def test_parents(fields: dict, parent: tuple) -> None:
    (event,) = read(alert("execve", fields))
    assert (event.parent.image, event.parent.pid, event.parent.command_line) == parent


def test_a_start_has_what_its_rule_prints() -> None:
    (bare,) = read(alert("execve", {"proc.pname": None, "user.name": "<NA>", "user.uid": 1000}))
    (full,) = read(
        alert("clone3", {"proc.pid": 42, "proc.pid.ts": 1_772_441_999_123_456_789, "user.name": "ana", "user.uid": 7})
    )
    assert isinstance(bare, ProcessStarted)
    assert (bare.host, bare.user, bare.parent, bare.process.pid, bare.process.started) == (
        *("lab", "1000", None, None),
        None,
    )
    assert (full.user, full.process.pid) == ("ana", 42)
    assert full.process.started == datetime(2026, 3, 2, 8, 59, 59, 123_456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        pytest.param("agent-1", "agent-1", id="named"),
        pytest.param("k8s_main_researcher-x2x4k_agents_75cf460d-dd27_19", "agents/main", id="Kubernetes"),
        pytest.param("k8s_odd", "k8s_odd", id="only like it"),
        pytest.param("host", None, id="no container"),
        pytest.param("<NA>", None, id="absent"),
    ],
)
def test_units(name: str, unit: str | None) -> None:
    (event,) = read(alert("execve", {"container.name": name}))
    assert event.unit == unit


@pytest.mark.parametrize(
    ("call", "fields", "found"),
    [
        pytest.param("connect", {"fd.name": "10.0.0.5:61142->192.0.2.7:443"}, ("192.0.2.7", 443, True), id="tuple"),
        pytest.param(
            "connect",
            {"fd.name": "10.0.0.5:61142->192.0.2.7:443", "fd.rip": "10.0.0.5", "fd.rport": 61_142},
            ("192.0.2.7", 443, True),
            id="remote side mistaken in a container",
        ),
        pytest.param("connect", {"fd.sip": "192.0.2.7", "fd.sport": 443}, ("192.0.2.7", 443, True), id="server"),
        pytest.param("connect", {"fd.rip": "192.0.2.7", "fd.rport": "443"}, ("192.0.2.7", 443, True), id="remote"),
        pytest.param("connect", {"fd.name": "::1:5->2001:db8::1:53"}, ("2001:db8::1", 53, True), id="IPv6"),
        pytest.param("connect", {"evt.arg.addr": "192.0.2.7:22"}, ("192.0.2.7", 22, True), id="argument"),
        pytest.param("accept4", {"fd.name": "192.0.2.7:5->10.0.0.5:80"}, ("192.0.2.7", 80, False), id="accepted"),
        pytest.param("accept", {"fd.cip": "192.0.2.7", "fd.lport": 80}, ("192.0.2.7", 80, False), id="client"),
    ],
)
def test_connections(call: str, fields: dict, found: tuple) -> None:
    (event,) = read(alert(call, {**fields, "fd.l4proto": "tcp", "evt.failed": True}))
    assert (event.destination, event.port, event.outbound, event.protocol) == (*found, "tcp")
    assert event.address == event.destination


@pytest.mark.parametrize(
    ("call", "fields", "action"),
    [
        pytest.param("openat", {}, "read", id="nothing said"),
        pytest.param("openat", {"evt.arg.flags": "O_RDONLY|O_CLOEXEC"}, "read", id="read"),
        pytest.param("openat2", {"evt.arg.flags": "O_CREAT|O_WRONLY"}, "modified", id="written, perhaps created"),
        pytest.param("open", {"evt.arg.flags": "O_RDWR|O_CREAT|O_F_CREATED"}, "created", id="created"),
        pytest.param("open", {"evt.is_open_write": True}, "modified", id="write by field"),
        pytest.param("open", {"evt.is_open_write": "false"}, "read", id="not written"),
        pytest.param("creat", {}, "created", id="creat"),
        pytest.param("unlink", {"fs.path.name": "/srv/a"}, "deleted", id="deleted"),
        pytest.param("rename", {"fs.path.target": "/srv/a"}, "renamed", id="renamed"),
    ],
)
def test_files(call: str, fields: dict, action: str) -> None:
    (event,) = read(alert(call, {"fd.name": "/srv/a", **fields}))
    assert (event.path, event.action) == ("/srv/a", action)


@pytest.mark.parametrize(
    ("row", "kind", "reason"),
    [
        pytest.param(alert(None), Skipped, "without evt.type", id="no call"),
        pytest.param(alert("ptrace"), Skipped, "another evt.type", id="call"),
        pytest.param(alert("execve", source="k8s_audit"), Skipped, "something else than system calls", id="source"),
        pytest.param(alert("execve", {"proc.exepath": "<NA>", "proc.name": ""}), Skipped, "without process", id="NA"),
        pytest.param(alert("execve", {"evt.res": "ENOENT"}), Skipped, "failed", id="failed by result"),
        pytest.param(alert("open", {"fd.name": "/a", "evt.failed": True}), Skipped, "failed", id="failed"),
        pytest.param(alert("open", {"fd.name": "a"}), Skipped, "without the path", id="relative"),
        pytest.param(alert("connect", {"fd.name": "/run/x.sock"}), Skipped, "without the address", id="unix"),
        pytest.param(alert("connect", {"fd.sip": "192.0.2.7"}), Skipped, "without the address and port", id="no port"),
        pytest.param(alert("connect", {"fd.sip": "x", "fd.sport": 1}), Rejected, "'x' is no address", id="address"),
        pytest.param(alert("execve", {"proc.pid": "x"}), Rejected, "proc.pid is no number", id="pid"),
        pytest.param(alert("execve", hostname=None), Rejected, "neither a host", id="no host"),
        pytest.param(alert("execve", time="2026-03-02T09:00:00"), Rejected, "$.time", id="no zone"),
        pytest.param(alert("execve", {"proc.exepath": "x" * 40_000}), Rejected, "$.process.image", id="too long"),
    ],
)
def test_what_is_left_out_and_why(row: dict, kind: type, reason: str) -> None:
    (found,) = read(row)
    assert isinstance(found, kind)
    assert reason in found.reason


def test_the_host_may_be_a_field() -> None:
    (event,) = read(alert("execve", {"evt.hostname": "Lab-2"}, hostname=None))
    assert event.host == "lab-2"


@pytest.mark.parametrize(
    ("line", "known"),
    [
        pytest.param(alert("execve"), True, id="alert"),
        pytest.param({**alert("execve"), "uuid": "x"}, True, id="handed on by Falcosidekick"),
        pytest.param({"rule": "x", "priority": "y"}, False, id="no fields"),
        pytest.param({"rule": {"name": "x"}, "priority": "y", "output_fields": {}}, False, id="another rule"),
        pytest.param([1], False, id="list"),
    ],
)
def test_it_is_recognised(line: object, known: bool) -> None:  # noqa: FBT001
    assert Falco.recognises(json.dumps(line).encode()) is known


@given(st.binary(max_size=60))
@example(b'{"output_fields":' * 40_000)
def test_recognising_never_raises(line: bytes) -> None:
    assert Falco.recognises(line) is False


def test_it_says_that_it_only_hints() -> None:
    assert Falco.partial == "alerts, not telemetry: only what a rule matched"
    assert not Falco.observes & {*Measure, Facet.DOMAIN, Facet.MODULE, Facet.TOOL}
    assert {Facet.CHILD, Facet.IP, Facet.FILE, Facet.USER} <= Falco.observes
