"""A host's processes as events: exact for a folder written by hand, lawful for the host that runs the tests."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from fake_proc import BOOT, HERTZ, FakeProc
from leeway.events import ConnectionOpened, Heartbeat, ModuleLoaded, ProcessStarted
from leeway.sources import host_running as why
from leeway.sources import write_event
from leeway.sources.host_linux import read_linux
from leeway.sources.host_psutil import read_through_psutil
from leeway.sources.host_snapshot import Snapshot, as_events, take_snapshot

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
ID = "3f" * 32


@pytest.fixture
def proc(tmp_path: Path) -> FakeProc:
    made = FakeProc(tmp_path)
    made.process(1, "/sbin/init", exe="/usr/lib/systemd/systemd", parent=0, ticks=1)
    made.process(
        40,
        "ollama",
        "serve",
        "--api-key",
        "sk-abcdefghijklmnop1234",
        exe="/usr/bin/ollama",
        ticks=12_300,
        cgroup="0::/system.slice/ollama.service\n",
        maps="1-2 r-xp 0 fd:01 7 /usr/lib/libcuda.so.1\n",
    )
    made.socket((40,), "tcp", "0.0.0.0:11434", "0.0.0.0:0", state="0A")
    made.socket((40,), "tcp", "10.0.0.5:40000", "192.0.2.7:443")
    return made


def snapshot(proc: FakeProc, now: datetime = NOW) -> Snapshot:
    return as_events(read_linux(proc.root, names={}, hertz=HERTZ), now, "host1")


GOLDEN = """\
{"kind":"process_started","time":"2026-03-02T06:00:00.010000Z","id":"ID","host":"host1","process":{"image":\
"/usr/lib/systemd/systemd","pid":1,"uid":"1b4e28ba-1-1-MARK","started":"2026-03-02T06:00:00.010000Z","command_line":\
"/sbin/init"},"user":"987654"}
{"kind":"process_started","time":"2026-03-02T06:02:03Z","id":"ID","host":"host1","process":{"image":"/usr/bin/ollama",\
"pid":40,"uid":"1b4e28ba-40-12300-MARK","started":"2026-03-02T06:02:03Z","command_line":"ollama serve --api-key \
<secret>"},"user":"987654","parent":{"image":"/usr/lib/systemd/systemd","pid":1,"uid":"1b4e28ba-1-1-MARK","started":\
"2026-03-02T06:00:00.010000Z"},"unit":"ollama.service"}
"""


def test_the_starts_of_a_host_to_the_byte(proc: FakeProc) -> None:
    starts = [event for event in snapshot(proc).events if isinstance(event, ProcessStarted)]
    text = b"".join(map(write_event, starts)).decode()
    for event in starts:
        assert event.process is not None
        assert event.process.uid is not None
        mark = event.process.uid.rpartition("-")[2]
        text = text.replace(event.id, "ID").replace(mark, "MARK")
    assert text == GOLDEN


def test_what_is_held_now_is_of_now(proc: FakeProc) -> None:
    later = {type(event).__name__: event for event in snapshot(proc).events if event.time == NOW}
    assert len(later) == 3
    heartbeat, link, module = (later[name] for name in ("Heartbeat", "ConnectionOpened", "ModuleLoaded"))
    assert isinstance(heartbeat, Heartbeat)
    assert isinstance(link, ConnectionOpened)
    assert isinstance(module, ModuleLoaded)
    assert (link.destination, link.port, link.outbound, link.protocol) == ("192.0.2.7", 443, True, "tcp")
    assert module.path == "/usr/lib/libcuda.so.1"
    for event in (link, module):
        assert event.process is not None
        assert (event.process.image, event.process.command_line) == ("/usr/bin/ollama", None)


def test_counts_are_told(proc: FakeProc) -> None:
    taken = snapshot(proc)
    assert taken.seen == {"processes": 2, "connections": 1, "modules": 1, "units": 1}
    assert taken.left_out == {why.LISTENING: 1}
    assert taken.unseen == {}


@pytest.mark.parametrize(
    ("later", "kept"),
    [
        pytest.param(timedelta(hours=1), {"ProcessStarted", "ConnectionOpened", "ModuleLoaded"}, id="same day"),
        pytest.param(DAY, {"ProcessStarted"}, id="next day"),
    ],
)
def test_what_is_known_keeps_its_id(proc: FakeProc, later: timedelta, kept: set[str]) -> None:
    first = {event.id for event in snapshot(proc).events}
    again = [event for event in snapshot(proc, NOW + later).events if event.id in first]
    assert {type(event).__name__ for event in again} == kept


def test_hosts_and_boots_do_not_share_ids(proc: FakeProc) -> None:
    found = read_linux(proc.root, names={}, hertz=HERTZ)
    taken = [(found, "host1"), (found, "host2"), (found._replace(boot="another"), "host1")]
    ids = [{event.id for event in as_events(one, NOW, host).events if event.process} for one, host in taken]
    assert [len(each) for each in ids] == [4, 4, 4]
    assert len(set.union(*ids)) == 12


def test_a_clock_that_was_set_back_dates_nothing_in_the_future(proc: FakeProc) -> None:
    now = BOOT + timedelta(seconds=60)
    assert max(event.time for event in snapshot(proc, now).events) == now


def test_a_parent_that_began_later_is_none(proc: FakeProc) -> None:
    proc.process(41, "late", exe="/usr/bin/late", ticks=20_000)
    proc.process(42, "orphan", exe="/usr/bin/orphan", parent=41, ticks=15_000)
    starts = [event for event in snapshot(proc).events if isinstance(event, ProcessStarted)]
    assert {event.process.pid: event.parent.pid if event.parent else None for event in starts if event.process} == {
        1: None,
        40: 1,
        41: 1,
        42: None,
    }


def test_a_container_without_a_name_is_counted_and_no_unit(proc: FakeProc) -> None:
    for pid in (50, 51):
        proc.process(pid, "agent", exe="/usr/bin/agent", cgroup=f"0::/system.slice/docker-{ID}.scope\n")
    taken = snapshot(proc)
    assert taken.unseen == {why.ID_ONLY: 1}
    assert taken.seen["units"] == 1


@pytest.mark.parametrize(
    ("parent", "unit"),
    [pytest.param(50, "chat", id="its monitor"), pytest.param(1, None, id="a process with a monitor's arguments")],
)
def test_a_container_goes_by_the_name_that_its_monitor_has(parent: int, unit: str | None, proc: FakeProc) -> None:
    proc.process(50, "conmon", "-c", ID, "-n", "chat", exe="/usr/bin/conmon")
    proc.process(51, "agent", exe="/usr/bin/agent", parent=parent, cgroup=f"0::/machine.slice/libpod-{ID}.scope\n")
    starts = [event for event in snapshot(proc).events if isinstance(event, ProcessStarted)]
    assert {event.process.pid: event.unit for event in starts if event.process}[51] == unit


live = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the host has no /proc")


@live
def test_this_host_twice_has_the_same_ids_for_what_stays() -> None:
    with sleeping() as child:
        one, two = (take_snapshot(NOW_LIVE, host="h") for _ in range(2))
        ids = [{event.id for event in taken.events if started_by(event, child.pid)} for taken in (one, two)]
    assert len(ids[0]) >= 2
    assert ids[0] == ids[1]


@live
def test_this_host_is_the_one_that_psutil_shows() -> None:
    with sleeping() as child:
        ours = {one.process.pid: one for one in read_linux(Path("/proc"), names={}).running}[child.pid]
        theirs = {one.process.pid: one for one in read_through_psutil().running}[child.pid]
        truth = psutil.Process(child.pid)
        assert (ours.process.image, ours.parent, ours.user) == (truth.exe(), truth.ppid(), truth.username())
    assert theirs.process.image == ours.process.image
    assert theirs.process.command_line == ours.process.command_line
    assert (theirs.parent, theirs.user, theirs.connections) == (ours.parent, ours.user, ours.connections)
    assert [one.path for one in theirs.modules] == [one.path for one in ours.modules]
    assert ours.process.started is not None
    assert theirs.process.started is not None
    assert abs(ours.process.started - theirs.process.started) < timedelta(seconds=2)


@live
def test_processes_that_come_and_go_stop_no_snapshot() -> None:
    script = "import subprocess, sys\nwhile True: subprocess.run(['true'])"
    with subprocess.Popen([sys.executable, "-c", script]) as churn:
        try:
            taken = [take_snapshot(NOW_LIVE, host="h") for _ in range(10)]
        finally:
            churn.kill()
    assert all(each.seen["processes"] > 0 for each in taken)


NOW_LIVE = datetime.now(UTC)


def started_by(event: object, pid: int) -> bool:
    return isinstance(event, ProcessStarted | ModuleLoaded) and event.process is not None and event.process.pid == pid


def sleeping() -> "Sleeper":
    return Sleeper()


class Sleeper:
    """A child that holds a connection to a listener of its own and waits."""

    def __enter__(self) -> subprocess.Popen[bytes]:
        script = (
            "import socket, sys, time\n"
            "s = socket.create_server(('127.0.0.1', 0))\n"
            "c = socket.create_connection(s.getsockname())\n"
            "a = s.accept()\n"
            "print('up', flush=True)\n"
            "sys.stdin.read()"
        )
        self._child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._child.stdout is not None
        assert self._child.stdout.readline() == b"up\n"
        return self._child

    def __exit__(self, *_: object) -> None:
        self._child.communicate(b"", timeout=10)
