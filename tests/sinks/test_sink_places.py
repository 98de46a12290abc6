"""Files and log collectors as places."""

import csv
import io
import os
import re
import socket
import stat
from pathlib import Path

import pytest

from leeway.errors import InvalidConfigError
from leeway.sinks import Activity, Answer, Network, Outlet, Parcel, Receipt, Told, outlet_of, parse_target
from sinks.sink_samples import PLAIN
from sinks.sink_servers import CERTIFICATE, everything, serving

PARCEL = Parcel(PLAIN, Told(Activity.CREATE, 1, "d" * 32))


def file(path: Path, form: str = "jsonl") -> Outlet:
    return outlet_of(parse_target(f"{form}:{path}"), Network())


@pytest.mark.parametrize("form", ["csv", "jsonl", "ocsf", "syslog", "cef"])
def test_a_file_grows_by_what_is_sent(tmp_path: Path, form: str) -> None:
    outlet = file(tmp_path / "out", form)
    assert outlet.send([PARCEL]) == outlet.send([PARCEL, PARCEL]) == Receipt(Answer.SENT)
    content = (tmp_path / "out").read_bytes()
    assert content.count(b"\n") == 3 + (form == "csv")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600


def test_a_table_has_one_header(tmp_path: Path) -> None:
    for _ in range(3):
        file(tmp_path / "out", "csv").send([PARCEL])
    table = list(csv.reader(io.StringIO((tmp_path / "out").read_text("utf-8"), newline="")))
    assert [row[0] for row in table] == ["finding_id", "f1", "f1", "f1"]


def test_a_torn_line_does_not_take_the_next_one_with_it(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b'{"torn":')
    file(tmp_path / "out").send([PARCEL])
    assert (tmp_path / "out").read_bytes().startswith(b'{"torn":\n{"activity":"create"')


def test_port_0_is_not_taken_for_the_usual_one() -> None:
    for text in ("webhook:https://hooks.example.org:0/", "syslog://log.example.org:0"):
        with pytest.raises(InvalidConfigError, match="the sink's port is no port"):
            parse_target(text)


def test_places_that_are_no_files_wait(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"kept")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    os.mkfifo(tmp_path / "pipe")
    told = [file(tmp_path / name).send([PARCEL]) for name in ("link", "pipe", "none/out", ".")]
    assert [one.answer for one in told] == [Answer.LATER] * 4
    assert [one.reason for one in told][1:3] == ["not a regular file", "no such file or directory"]
    assert (tmp_path / "kept").read_bytes() == b"kept"


def test_what_the_disk_does_not_take_whole_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outlet = file(tmp_path / "out")
    outlet.send([PARCEL])
    before = (tmp_path / "out").read_bytes()
    written = os.write

    def short(descriptor: int, content: memoryview) -> int:
        if len(content) < 100:
            raise OSError(28, "No space left on device")
        return written(descriptor, content[: len(content) - 50])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", short)
        assert outlet.send([PARCEL]) == Receipt(Answer.LATER, "no space left on device")
    assert (tmp_path / "out").read_bytes() == before
    assert [len(one) for one in outlet.batches([PARCEL] * 2_500)] == [1_000, 1_000, 500]


# Collectors


def collector(way: str, port: int, form: str = "") -> Outlet:
    network = Network(authority=CERTIFICATE, resolver=lambda *_: ["127.0.0.1"])
    return outlet_of(parse_target(f"{form}{way}://localhost:{port}"), network)


def framed(content: bytes) -> list[bytes]:
    """Return the messages of a stream in which each stands behind its length."""
    messages = []
    while content:
        length, _, content = content.partition(b" ")
        messages.append(content[: int(length)])
        content = content[int(length) :]
    return messages


@pytest.mark.parametrize(("way", "tls"), [("syslog+tcp", False), ("syslog+tls", True)], ids=["tcp", "tls"])
def test_a_stream_of_messages(way: str, tls: bool) -> None:  # noqa: FBT001  # a table
    with serving(everything, tls=tls) as (port, received):
        assert collector(way, port).send([PARCEL, PARCEL]) == Receipt(Answer.SENT)
    messages = framed(b"".join(received))
    assert len(messages) == 2
    assert all(one.startswith(b"<132>1 2025-03-10T09:30:00.000005Z") for one in messages)


def test_datagrams_one_a_message() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        outlet = collector("syslog", listener.getsockname()[1], "cef:")
        assert outlet.send([PARCEL, PARCEL]) == Receipt(Answer.SENT)
        messages = [listener.recv(65_536) for _ in range(2)]
    assert re.match(rb"<132>1 \S+ - leeway - new_child - CEF:0\|Leeway\|Leeway\|[^|]+\|new_child\|", messages[0])
    assert b"\n" not in messages[0]


def test_a_collector_whose_certificate_is_for_another_gets_nothing() -> None:
    network = Network(authority=CERTIFICATE, resolver=lambda *_: ["127.0.0.1"])
    with serving(everything) as (port, received):
        told = outlet_of(parse_target(f"syslog+tls://other.example:{port}"), network).send([PARCEL])
    assert told == Receipt(Answer.LATER, "certificate not trusted")
    assert received == []


def test_a_collector_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert collector("syslog+tcp", port).send([PARCEL]) == Receipt(Answer.LATER, "connection refused")
    assert [len(one) for one in collector("syslog", port).batches([PARCEL] * 700)] == [500, 200]


def test_a_collector_that_hangs_up_has_taken_nothing() -> None:
    def reset(connection: socket.socket) -> bytes:
        connection.recv(10)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        return b""

    with serving(reset, tls=False) as (port, _):
        assert collector("syslog+tcp", port).send([PARCEL] * 100) == Receipt(Answer.LATER, "connection lost")
