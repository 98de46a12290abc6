"""Progress is for people at a terminal: drawn there at least once a second, and nowhere else."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from golden.command import leeway
from golden.journal import Journal, bot_week, lines

_DRAWN = re.compile(rb"\r\x1b\[2K([a-z][^\r\x1b]*): ([0-9,]+) \(([0-9,]+)/s, [0-9]+ s\)")

_PACED = """
import sys, time
from leeway.cli.output import ProgressLine
with ProgressLine() as line:
    for number in range(1, 61):
        line("reading x\\x1b[2J.jsonl", number * 100)
        time.sleep(0.05 if number > 1 else 1.2)  # busy with one batch
"""


def on_a_terminal(*command: str) -> bytes:
    """Run a command whose stderr is a terminal and return what it wrote there."""
    outer, inner = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=inner) as process:
        os.close(inner)
        written = b""
        while True:
            try:
                piece = os.read(outer, 65_536)
            except OSError:  # the other end was closed
                break
            if not piece:
                break
            written += piece
        process.communicate()
    os.close(outer)
    return written


def test_it_is_drawn_at_least_once_a_second_with_its_rate() -> None:
    written = on_a_terminal(sys.executable, "-c", _PACED)
    drawn = _DRAWN.findall(written)
    assert 4 <= len(drawn) <= 20  # four seconds
    assert drawn[1][1] == b"100"  # drawn twice while nothing was said
    assert drawn[0][0] == b"reading x\\x1b[2J.jsonl"
    assert [int(done.replace(b",", b"")) for _, done, _ in drawn] == sorted(
        int(done.replace(b",", b"")) for _, done, _ in drawn
    )
    assert int(drawn[-1][2].replace(b",", b"")) > 100
    assert written.endswith(b"\r\x1b[2K")


_FAILING = """
import sys, time
from leeway.cli.output import ProgressLine
try:
    with ProgressLine() as line:
        line("reading", 1)
        time.sleep(0.8)
        raise OSError("lost")
except OSError as error:
    sys.stderr.write(str(error))
"""


def test_an_error_starts_at_the_margin() -> None:
    written = on_a_terminal(sys.executable, "-c", _FAILING)
    assert _DRAWN.search(written)
    assert written.endswith(b"\r\x1b[2Klost")


def test_a_long_run_draws_it(tmp_path: Path) -> None:
    journal = Journal()
    for _ in range(500):
        bot_week(journal)
    (tmp_path / "week.jsonl").write_bytes(lines(journal.events))
    words = (
        "bootstrap",
        "--source",
        tmp_path / "week.jsonl",
        "--output-dir",
        tmp_path / "s",
        "--id-key",
        tmp_path / "id.key",
    )
    written = on_a_terminal(sys.executable, "-m", "leeway", *map(str, words))
    stages = {stage.split(b" ")[0] for stage, _, _ in _DRAWN.findall(written)}
    assert b"reading" in stages or b"judging" in stages
    assert written.endswith(b"\r\x1b[2K")


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["text", "json"])
def test_elsewhere_nothing_is_drawn(words: tuple[str, ...], tmp_path: Path) -> None:
    journal = Journal()
    bot_week(journal)
    (tmp_path / "week.jsonl").write_bytes(lines(journal.events))
    here = ("--output-dir", tmp_path / "state", "--id-key", tmp_path / "id.key")
    done = leeway("bootstrap", "--source", tmp_path / "week.jsonl", *here, *words)
    assert (done.code, done.err) == (0, "")
    assert "\x1b" not in done.out
