"""`leeway snapshot`: the home lab's first day (row A13), on the host that runs the tests."""

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest

from golden.command import leeway
from leeway.agents.arguments import process_name
from leeway.agents.module_names import module_name
from leeway.events import AnyEvent, Heartbeat, ProcessStarted

live = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the host has no /proc")

BOT = """\
import subprocess, sys
print("up", flush=True)
for line in sys.stdin:
    child = subprocess.Popen([sys.executable, "-c", line], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    print("done", flush=True)
"""
"""Waits; starts a child for each line and has it live as long as itself."""

CHILD = (
    "import {module}, socket, sys; c = socket.create_connection(('127.0.0.1', {port})); "
    "print(flush=True); sys.stdin.read()"
)


RARE = ("xxlimited", "_testbuffer", "_testmultiphase", "audioop", "ossaudiodev", "nis", "_sqlite3", "_dbm")
"""Compiled modules of the standard library that nearly no program loads; which of them there are differs."""


def unloaded() -> str:
    """Return the name of one that no process of this host is seen to have loaded."""
    loaded = []
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with suppress(OSError):  # another user's, or gone meanwhile
            loaded.append(maps.read_text(errors="replace"))
    for name in RARE:
        spec = find_spec(name)
        origin = Path(spec.origin) if spec is not None and spec.origin else Path("built-in")
        if origin.exists() and not any(origin.name in text for text in loaded):
            return name
    pytest.skip("every compiled module of the standard library is loaded already")


class Bot:
    """A process that starts others when it is told to."""

    def __init__(self, name: str) -> None:
        """Tests that run at the same time see each other's processes: `name` makes this one an agent of its own."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", BOT, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._await()

    @property
    def pid(self) -> int:
        return self._process.pid

    def starts(self, child: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(child.encode() + b"\n")
        self._process.stdin.flush()
        self._await()

    def ends(self) -> None:
        self._process.communicate(timeout=10)

    def _await(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline()


@pytest.fixture
def bot(request: pytest.FixtureRequest) -> Iterator[Bot]:
    made = Bot(request.node.name)
    yield made
    made.ends()


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that goes away at once: it holds the command lines of a real host."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def command(place: Path, *words: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "leeway", *map(str, words)]
    environment = {**os.environ, "LEEWAY_ID_KEY": str(place / "keys/id.key")}
    return subprocess.run(line, capture_output=True, text=True, env=environment, check=False, timeout=60)


def found(place: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(
        command(place, "findings", "--output-dir", place / "state", "--json").stdout
    )
    return listed


@live
def test_what_was_started_between_two_snapshots_is_found_with_its_lineage(bot: Bot, place: Path) -> None:
    profile = ("--scope", "all", "--learning-days", 0, "--established-days", 1)
    state = ("--output-dir", place / "state")
    assert command(place, "snapshot", "--output", place / "1.jsonl").returncode == 0
    assert command(place, "bootstrap", "--source", place / "1.jsonl", *state, *profile).returncode == 0
    module = unloaded()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        bot.starts(CHILD.format(module=module, port=listener.getsockname()[1]))
        assert command(place, "snapshot", "--output", place / "2.jsonl").returncode == 0
    detected = command(place, "detect", "--source", place / "2.jsonl", *state)
    assert (detected.returncode, detected.stderr) == (3, "")
    program = process_name(str(Path(sys.executable).resolve()))
    told = {
        (one["type"], (one["value"] or [""])[-1], one["severity"])
        for one in found(place)
        if one["lineage"][-3:] == [program] * 3  # the tests, the bot, its child
    }
    modules = {value for kind, value, _ in told if kind == "new_module"}
    assert ("new_child", program, "MEDIUM") in told
    assert ("new_destination", "127.0.0.0/24", "LOW") in told
    assert modules & {module_name(str(find_spec(module).origin))}  # type: ignore[union-attr]  # it was found above


@live
def test_read_again_a_snapshot_is_known(bot: Bot, place: Path) -> None:
    state = ("--output-dir", place / "state", "--scope", "all")
    for name in ("1", "2"):
        command(place, "snapshot", "--output", place / f"{name}.jsonl")
    command(place, "bootstrap", "--source", place / "1.jsonl", *state)
    again = msgspec.json.decode(command(place, "detect", "--source", place / "2.jsonl", *state, "--json").stdout)
    first, second = (ids_of(place / f"{name}.jsonl", bot.pid) for name in ("1", "2"))
    assert len(first) > 1
    assert first == second
    assert again["events"]["duplicates"] >= len(first)


def ids_of(path: Path, pid: int) -> set[str]:
    events = map(msgspec.json.Decoder(AnyEvent).decode, path.read_bytes().splitlines())
    return {event.id for event in events if event.process is not None and event.process.pid == pid}


@live
def test_events_go_to_stdout_and_the_counts_to_stderr() -> None:
    done = leeway("snapshot", "--host", "lab1")
    events = [msgspec.json.decode(line, type=AnyEvent) for line in done.out.splitlines()]
    assert done.code == 0
    assert {event.host for event in events} == {"lab1"}
    assert sum(isinstance(event, Heartbeat) for event in events) == 1
    assert sum(isinstance(event, ProcessStarted) for event in events) > 0
    assert done.err.startswith(f"snapshot: {len(events):,} events of ")
    assert "left out: 1 this snapshot's own process" in done.err


@live
def test_a_report_is_json_in_a_file_and_stderr_is_quiet(place: Path) -> None:
    done = leeway("snapshot", "--output", place / "a.jsonl", "--report", place / "r.json", "--host", "lab1")
    told = json.loads((place / "r.json").read_bytes())
    assert done == (0, "", "")
    assert told["host"] == "lab1"
    assert told["events"] == len((place / "a.jsonl").read_bytes().splitlines())
    assert told["seen"]["processes"] >= 1
    assert sorted(told) == ["events", "host", "left_out", "seen", "unseen"]


@live
@pytest.mark.parametrize(
    ("before", "words", "kept"),
    [
        pytest.param(b"old\n", ["--append"], b"old\n", id="added"),
        pytest.param(b"cut sho", ["--append"], b"cut sho\n", id="added behind a cut line"),
        pytest.param(None, ["--append"], b"", id="a new file"),
        pytest.param(b"old\n", [], b"", id="replaced"),
    ],
)
def test_a_file_is_replaced_or_added_to(before: bytes | None, words: list[str], kept: bytes, place: Path) -> None:
    path = place / "a.jsonl"
    if before is not None:
        path.write_bytes(before)
    assert leeway("snapshot", "--output", path, *words).code == 0
    content = path.read_bytes()
    assert content.startswith(kept + b'{"kind":')
    assert content.endswith(b"\n")
    if before is None or not words:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["--append"], "--append needs a file", id="nothing to add to"),
        pytest.param(["--host", " "], "the host has no name", id="no name"),
        pytest.param(["--host", "x" * 1_025], "the host has no name", id="too long a name"),
    ],
)
def test_wrong_use_of_a_snapshot_is_two(words: list[str], message: str) -> None:
    done = leeway("snapshot", *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


@live
@pytest.mark.parametrize("words", [["--append"], []], ids=["added", "replaced"])
def test_a_place_that_cannot_be_written_is_one(words: list[str], place: Path) -> None:
    done = leeway("snapshot", "--output", place / "none" / "a.jsonl", *words)
    assert (done.code, done.out) == (1, "")
    assert "cannot write" in done.err
