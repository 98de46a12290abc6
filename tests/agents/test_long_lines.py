"""Command lines of a megabyte cost no more than short ones, whatever is in them."""

import random
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from types import FrameType

import pytest

from builders import at
from golden.command import leeway
from golden.journal import lines
from leeway.agents import Catalogue, argument_shape, catalogue
from leeway.agents.entries import read_entries
from leeway.agents.programs import programs
from leeway.events import Process, ProcessStarted, identified

MEGABYTE = 1 << 20
CHANCE = random.Random(3)  # noqa: S311  # a fixed text, no secret


def nested(depth: int) -> str:
    return "sh -c '" * depth + "claude -p hi"


PIECES = {
    "letters": "".join(CHANCE.choices("abcdefghij -=/.", k=4_096)),
    "noise": "".join(map(chr, CHANCE.choices(range(1, 0x3000), k=1_024))),
    "open-quote": "\"a' ",
    "quotes": "'\"",
    "tokens": "a b ",
    "nul": "\x00",
    "nested": nested(50) + " ",
    "spaces": " ",
    "slashes": "/",
    "backslashes": "\\",
    "options": "-m ",
    "scopes": "@a/",
    "folders": "/node_modules/@a/b",
    "extensions": "/extensions/a.b-1/",
    "addresses": "git+https://a/",
    "snapshot": "source snapshot && eval ",
    "secrets": "token=a ",
    "base64": "Ab1+",
}
STARTS = ("", "claude ", "python -m ", "node ", "uvx --from ", "cmd /c ", "zsh -c ", '"', "C:\\")


def looked_at(line: str) -> None:
    """Do all that is done with a command line, with nothing remembered from before."""
    known = Catalogue(ENTRIES)
    known.of_start("/usr/bin/python3", line)
    known.of_child(line)
    programs(line)
    argument_shape(line)


ENTRIES = read_entries(b"version = 1\nentry = []\n", "none.toml")


def calls(work: Callable[[], object]) -> int:
    """Return how many functions, of Python and of C, are called; the same on any machine."""
    count = 0

    def note(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
@pytest.mark.parametrize("start", STARTS, ids=str.split)
def test_work_does_not_grow_with_the_length(start: str, piece: str) -> None:
    line = start + piece * (MEGABYTE // len(piece))
    half = calls(lambda: looked_at(line[: MEGABYTE // 2]))
    assert calls(lambda: looked_at(line)) <= half * 1.1 + 8
    assert half < 20_000


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_a_megabyte_is_looked_at_in_little_memory_and_time(piece: str) -> None:
    line = "python -m x " + piece * (MEGABYTE // len(piece))
    tracemalloc.start()
    try:
        began = perf_counter()
        for one in range(10):
            looked_at(f"{one} {line}"[:MEGABYTE])
        taken = perf_counter() - began
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 10 * 0.5
    assert peak < 8 * MEGABYTE  # the line itself, made anew, and what is read of its head


def test_remembered_lines_are_cut() -> None:
    known = Catalogue(catalogue().entries)
    tracemalloc.start()
    try:
        for one in range(64):
            known.of_start("python", f"python -m a{one} {'x' * MEGABYTE}")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < MEGABYTE


@pytest.mark.parametrize("piece", ["letters", "tokens", "open-quote", "nested"])
def test_agents_of_a_feed_of_such_lines(piece: str, tmp_path: Path) -> None:
    room = MEGABYTE - 8_192
    events = []
    for number in range(3):
        text = (f"claude --run {number} " + PIECES[piece] * (room // len(PIECES[piece])))[
            : room // (2 if piece == "open-quote" else 1)
        ]
        process = Process(image="/usr/local/bin/claude", uid=f"p{number}", command_line=text)
        events.append(identified(ProcessStarted(time=at(9, number), host="h1", process=process)))
    feed = tmp_path / "feed.jsonl"
    feed.write_bytes(lines(events))
    began = perf_counter()
    done = leeway("agents", feed, "--id-key", tmp_path / "id.key")
    assert perf_counter() - began < 3 * len(events)
    assert (done.code, done.err) == (0, "")
    assert "Claude, by its name (weight 3)" in done.out
    assert max(map(len, done.out.splitlines())) < 400


def test_what_is_told_of_an_agent_names_its_sources(tmp_path: Path) -> None:
    process = Process(image="/usr/bin/node", uid="n", command_line="npx -y @acme/weather-mcp")
    event = identified(ProcessStarted(time=at(9), host="h1", process=process))
    feed = tmp_path / "feed.jsonl"
    feed.write_bytes(lines([event]))
    (one,) = leeway("agents", feed, "--json", "--id-key", tmp_path / "id.key").json()
    assert [reason["evidence"] for reason in one["why"]] == one["evidence"]
    told = {reason["label"]: reason for reason in one["why"]}
    assert told["MCP server"].keys() == {"evidence", "label", "by", "weight", "source", "date"}
    assert (told["MCP server"]["by"], told["MCP server"]["weight"]) == ("argument", 3)
    assert all(len(reason["source"]) > 5 and reason["date"] >= "2026" for reason in one["why"])
