"""What is read of a folder like /proc: processes, sockets, modules, and what could not be seen."""

import sys
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_proc import BOOT, HERTZ, KERNEL_THREAD, FakeProc
from leeway.errors import UnsupportedError
from leeway.sources import host_running as why
from leeway.sources.host_linux import read_linux
from leeway.sources.host_running import MODULES_LIMIT, Connection, Host, Module, Running
from leeway.sources.proc import as_line, name_of, read_modules, read_stat

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the tables are written for little endian")


@pytest.fixture
def proc(tmp_path: Path) -> FakeProc:
    made = FakeProc(tmp_path)
    made.process(1, "/sbin/init", exe="/usr/lib/systemd/systemd", parent=0, ticks=1)
    return made


def read(proc: FakeProc, *, digests: bool = False) -> Host:
    return read_linux(proc.root, names={}, hertz=HERTZ, takes_digests=digests)


def one(host: Host, pid: int) -> Running:
    return next(each for each in host.running if each.process.pid == pid)


def counts(host: Host) -> dict[str, int]:
    return {reason: count for reason, count in host.unseen.items() if count}


def test_a_process_is_told_with_its_start_parent_and_user(proc: FakeProc) -> None:
    proc.process(40, "ollama", "serve", exe="/usr/bin/ollama", ticks=12_345)
    found = one(read(proc), 40)
    assert found.process.image == "/usr/bin/ollama"
    assert found.process.command_line == "ollama serve"
    assert found.process.started == BOOT + timedelta(seconds=123.45)
    assert found.process.uid is not None
    assert found.process.uid.startswith("1b4e28ba-40-12345-")
    assert (found.parent, found.user) == (1, "987654")


def test_another_program_in_the_same_process_is_another_process(proc: FakeProc) -> None:
    folder = proc.process(40, "bash", exe="/usr/bin/bash")
    before = one(read(proc), 40).process.uid
    (folder / "exe").unlink()
    (folder / "exe").symlink_to("/usr/bin/nc")
    assert one(read(proc), 40).process.uid != before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"flags": KERNEL_THREAD}, why.KERNEL, id="kernel thread"),
        pytest.param({"state": "Z"}, why.ZOMBIE, id="ended"),
    ],
)
def test_what_is_no_behaviour_is_left_out_and_counted(proc: FakeProc, change: dict[str, object], reason: str) -> None:
    proc.process(40, comm="kworker/0:1", **change)
    host = read(proc)
    assert ([each.process.pid for each in host.running], host.left_out[reason]) == ([1], 1)


def test_the_snapshot_does_not_tell_itself(proc: FakeProc) -> None:
    proc.process(40, "python", "-m", "leeway", exe="/usr/bin/python3")
    proc.itself(40)
    host = read(proc)
    assert ([each.process.pid for each in host.running], host.left_out[why.ITSELF]) == ([1], 1)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(lambda folder: (folder / "exe").unlink(), why.NO_IMAGE, id="executable"),
        pytest.param(lambda folder: (folder / "cmdline").unlink(), why.NO_COMMAND_LINE, id="command line"),
        pytest.param(lambda folder: (folder / "fd").rmdir(), why.NO_SOCKETS, id="sockets"),
        pytest.param(lambda folder: (folder / "maps").unlink(), why.NO_MODULES, id="modules"),
    ],
)
def test_what_cannot_be_read_of_a_process_is_counted(
    proc: FakeProc, spoil: Callable[[Path], None], reason: str
) -> None:
    spoil(proc.process(40, "/usr/bin/ollama", "serve", exe="/usr/bin/ollama"))
    host = read(proc)
    assert counts(host) == {reason: 1}
    assert one(host, 40).process.image == "/usr/bin/ollama"


def test_a_process_of_which_proc_shows_nothing_is_hidden(proc: FakeProc) -> None:
    (proc.root / "41").mkdir()
    assert counts(read(proc)) == {why.HIDDEN: 1}


def test_a_proc_without_the_first_process_hides_others(tmp_path: Path) -> None:
    proc = FakeProc(tmp_path)
    proc.process(40, "ollama", exe="/usr/bin/ollama")
    assert counts(read(proc)) == {why.HIDING: 1}


def test_a_folder_that_is_no_proc_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="does not tell when the host started"):
        read_linux(tmp_path, names={})


@pytest.mark.parametrize(
    ("comm", "arguments", "name"),
    [
        pytest.param("nginx", ("nginx: worker",), "nginx", id="a title"),
        pytest.param("ollama", ("/usr/bin/ollama", "serve"), "/usr/bin/ollama", id="its path"),
        pytest.param("containerd-shim", ("containerd-shim-runc-v2",), "containerd-shim-runc-v2", id="cut at 15"),
        pytest.param("agent", ("/usr/bin/python3", "/opt/agent"), "agent", id="a script"),
        pytest.param("agent", (), "agent", id="no arguments"),
        pytest.param("ollama", ("ollama-evil",), "ollama", id="longer, though not cut"),
    ],
)
def test_the_name_of_a_process_without_readable_executable(comm: str, arguments: tuple[str, ...], name: str) -> None:
    assert name_of(comm, arguments) == name


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        pytest.param(("bash", "-lc", "git status"), "bash -lc 'git status'", id="a space"),
        pytest.param(("p", ""), "p ''", id="an empty one"),
        pytest.param(("p", "it's"), "p 'it'\"'\"'s'", id="a quote"),
        pytest.param(("sshd: ana [priv]",), "sshd: ana [priv]", id="a title"),
        pytest.param(("p", "--url=http://h/?a=1&b=[2]"), "p --url=http://h/?a=1&b=[2]", id="no quotes without need"),
    ],
)
def test_arguments_become_one_line(arguments: tuple[str, ...], line: str) -> None:
    assert as_line(arguments) == line


def test_a_name_with_brackets_and_spaces_is_read_whole(proc: FakeProc) -> None:
    stat = read_stat(proc.process(40, "x", comm="a) S 1 (b", ticks=77))
    assert stat is not None
    assert (stat.comm, stat.parent, stat.ticks) == ("a) S 1 (b", 1, 77)


MAPS = """\
55d0-55d1 r--p 00000000 fd:01 101 /usr/bin/ollama
55d1-55d2 r-xp 00001000 fd:01 101 /usr/bin/ollama
7f01-7f02 r-xp 00000000 fd:01 102 /usr/lib/libcuda.so.1
7f02-7f03 r-xp 00002000 fd:01 102 /usr/lib/libcuda.so.1
7f03-7f04 r--p 00000000 fd:01 103 /usr/share/locale/C
7f04-7f05 r-xp 00000000 fd:01 104 /opt/a b/lib old.so (deleted)
7f05-7f06 rwxp 00000000 00:00 0
7f06-7f07 r-xp 00000000 00:00 0 [vdso]
7f07-7f08 rwxs 00000000 00:01 105 /memfd:doublemapper (deleted)
7f08-7f09 r-xp 00000000 fd:01 106 /opt/two\\012lines.so
broken
"""


def test_modules_are_the_files_mapped_to_run(proc: FakeProc) -> None:
    proc.process(40, "ollama", exe="/usr/bin/ollama", maps=MAPS)
    host = read(proc)
    assert one(host, 40).modules == tuple(
        Module(path)
        for path in ("/opt/a b/lib old.so", "/opt/two\nlines.so", "/usr/lib/libcuda.so.1", "memfd:doublemapper")
    )
    assert counts(host) == {why.DELETED_MODULE: 1}


def test_modules_of_one_process_are_bounded(proc: FakeProc) -> None:
    lines = (f"7f01-7f02 r-xp 0 fd:01 {100 + n} /lib/{n:05}.so\n" for n in range(MODULES_LIMIT + 3))
    proc.process(40, "x", exe="/usr/bin/x", maps="".join(lines))
    host = read(proc)
    assert len(one(host, 40).modules) == MODULES_LIMIT
    assert counts(host) == {why.TOO_MANY_MODULES: 3}


def test_a_program_that_was_replaced_keeps_its_path(proc: FakeProc) -> None:
    proc.process(40, "ollama", exe="/usr/bin/ollama (deleted)")
    proc.process(41, "run", exe="/memfd:stage (deleted)")
    host = read(proc)
    assert (one(host, 40).process.image, one(host, 41).process.image) == ("/usr/bin/ollama", "memfd:stage")
    assert counts(host) == {why.DELETED_IMAGE: 1}


@pytest.mark.parametrize(
    ("table", "own", "other", "state", "expected"),
    [
        pytest.param("tcp", "10.0.0.5:40000", "192.0.2.7:443", "01", ("tcp", True, "192.0.2.7", 443), id="out"),
        pytest.param("tcp", "10.0.0.5:40000", "192.0.2.7:443", "02", ("tcp", True, "192.0.2.7", 443), id="tried"),
        pytest.param("tcp", "10.0.0.5:11434", "10.0.0.9:51000", "01", ("tcp", False, "10.0.0.9", 11434), id="in"),
        pytest.param("udp", "10.0.0.5:11434", "192.0.2.7:443", "01", ("udp", True, "192.0.2.7", 443), id="udp"),
        pytest.param("tcp", "127.0.0.1:40001", "127.0.0.1:11434", "01", ("tcp", True, "127.0.0.1", 11434), id="here"),
        pytest.param(
            "tcp6",
            "[::ffff:10.0.0.5]:40000",
            "[::ffff:192.0.2.7]:443",
            "01",
            ("tcp", True, "192.0.2.7", 443),
            id="4in6",
        ),
        pytest.param(
            "tcp6", "[2001:db8::5]:40000", "[2001:db8:1::7]:443", "01", ("tcp", True, "2001:db8:1::7", 443), id="ipv6"
        ),
        pytest.param("tcp", "0.0.0.0:11435", "0.0.0.0:0", "0A", None, id="listening"),
        pytest.param("udp", "0.0.0.0:5353", "0.0.0.0:0", "07", None, id="udp without another side"),
    ],
)
def test_a_socket_is_told_by_its_other_side(
    proc: FakeProc, table: str, own: str, other: str, state: str, expected: tuple[str, bool, str, int] | None
) -> None:
    proc.process(40, "ollama", exe="/usr/bin/ollama")
    proc.socket((40,), "tcp6", "[::]:11434", "[::]:0", state="0A")
    proc.socket((40,), table, own, other, state=state)
    host = read(proc)
    assert one(host, 40).connections == ((Connection(*expected),) if expected else ())
    assert host.left_out[why.LISTENING] == (1 if expected else 2)


def test_a_socket_that_several_hold_is_the_eldest_ones(proc: FakeProc) -> None:
    proc.process(40, "worker", exe="/usr/bin/worker", ticks=9_000)
    proc.process(50, "parent", exe="/usr/bin/parent", ticks=8_000)
    proc.socket((40, 50), "tcp", "10.0.0.5:40000", "192.0.2.7:443")
    host = read(proc)
    assert (len(one(host, 40).connections), len(one(host, 50).connections)) == (0, 1)


def test_connections_of_nobody_are_counted(proc: FakeProc) -> None:
    folder = proc.process(40, "other", exe="/usr/bin/other")
    proc.socket((40,), "tcp", "10.0.0.5:40000", "192.0.2.7:443")
    (folder / "fd/0").unlink()
    (folder / "fd").rmdir()
    proc.socket((), "tcp", "10.0.0.5:40001", "192.0.2.7:443", state="06")
    host = read(proc)
    assert counts(host) == {why.NO_SOCKETS: 1, why.NOBODYS: 1}
    assert host.left_out[why.CLOSING] == 1


def test_containers_have_tables_of_their_own(proc: FakeProc) -> None:
    proc.process(39, "leeway", exe="/usr/bin/leeway", namespace="net:[4026531840]")
    proc.itself(39)
    proc.process(40, "agent", exe="/usr/bin/agent", namespace="net:[4026532999]")
    proc.process(41, "agent", exe="/usr/bin/agent", namespace="net:[4026533000]")
    proc.socket((40,), "tcp", "172.17.0.2:40000", "192.0.2.7:443", folder="40/net")
    host = read(proc)
    assert one(host, 40).connections == (Connection("tcp", outbound=True, destination="192.0.2.7", port=443),)
    assert counts(host) == {why.NO_NAMESPACE: 1}


def test_digests_are_of_the_files_that_run(proc: FakeProc, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "ollama").write_bytes(b"program")
    (files / "lib.so").write_bytes(b"library")
    (files / "other.so").write_bytes(b"another")
    inode = (files / "lib.so").stat().st_ino
    maps = (
        f"1-2 r-xp 0 fd:01 {inode} {files}/lib.so\n"
        f"2-3 r-xp 0 fd:01 {inode} {files}/other.so\n"
        f"3-4 r-xp 0 fd:01 77 {files}/gone.so\n"
    )
    folder = proc.process(40, "ollama", exe=str(files / "ollama"), maps=maps)
    (folder / "root").symlink_to("/")
    (proc.root / "1/exe").unlink()
    (proc.root / "1/exe").symlink_to(files / "ollama")
    host = read(proc, digests=True)
    found = one(host, 40)
    assert found.digest == sha256(b"program").hexdigest()
    assert [module.digest for module in found.modules] == [None, sha256(b"library").hexdigest(), None]
    assert counts(host) == {why.NO_DIGEST: 2}


@given(st.binary(max_size=400))
def test_no_bytes_in_maps_or_stat_stop_a_snapshot(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("proc")
    (folder / "maps").write_bytes(content)
    (folder / "stat").write_bytes(content)
    assert isinstance(read_modules(folder, "/usr/bin/x"), list)
    read_stat(folder)
