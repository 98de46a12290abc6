"""Printing: tables that stay within the terminal, JSON that is stable, progress that is out of the way."""

import os
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Self

import msgspec

from leeway.findings import Severity
from leeway.sinks import escaped
from leeway.text import display

_JSON = msgspec.json.Encoder(order="sorted")

_COLOURS = {
    Severity.CRITICAL: "1;31",
    Severity.HIGH: "31",
    Severity.MEDIUM: "33",
    Severity.LOW: "36",
    Severity.INFO: "2",
}

PROGRESS_SECONDS = 0.5
"""Between two drawings."""


def echo(text: str = "") -> None:
    """Print one line."""
    sys.stdout.write(f"{text}\n")


def echo_json(value: object) -> None:
    """Print a value as JSON with sorted keys."""
    body = _JSON.encode(msgspec.to_builtins(value, str_keys=True))
    echo(escaped(msgspec.json.format(body, indent=2)).decode())


def echo_raw(content: bytes) -> None:
    """Print rendered bytes."""
    sys.stdout.buffer.write(content)
    sys.stdout.flush()


def moment(time: datetime) -> str:
    """Return a time as it is shown: UTC, to the second."""
    return f"{time:%Y-%m-%d %H:%M:%S}Z"


def severity(level: Severity) -> str:
    """Return a severity, coloured where a person looks at a terminal."""
    name = f"{level!s:8}"
    return f"\x1b[{_COLOURS[level]}m{name}\x1b[0m" if _has_colour() else name


def _has_colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, widths: Sequence[int]) -> None:
    """Print rows in columns at most `widths` wide; text is escaped and cut, the last column is not padded."""
    shown = [[display(cell, limit=width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    fitted = [max(map(len, column)) for column in zip(head, *shown, strict=True)]
    for row in (list(head), *shown):
        cells = [cell.ljust(width) for cell, width in zip(row, fitted, strict=True)]
        echo("  ".join(cells).rstrip())


class ProgressLine:
    """One line on stderr that says how far a long run is, with its rate; only on a terminal.

    A thread draws it, twice a second whatever the run is busy with, until the block ends that it is opened for.
    """

    def __init__(self) -> None:
        """Start drawing, where stderr is a terminal."""
        self._stage = ""
        self._done = self._from = 0
        self._since = time.monotonic()
        self._ended = threading.Event()
        if sys.stderr.isatty():
            threading.Thread(target=self._draw_on, daemon=True).start()
        else:
            self._ended.set()

    def __call__(self, stage: str, done: int) -> None:
        """Say how far the run is."""
        if stage.split(" ", maxsplit=1)[0] != self._stage.split(" ")[0]:
            self._since, self._from = time.monotonic(), done
        self._stage, self._done = stage, done

    def __enter__(self) -> Self:
        """Return the line, to be told of progress."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing, and take the line away, so that what is printed next starts at the margin."""
        if not self._ended.is_set():
            self._ended.set()
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()

    def _draw_on(self) -> None:
        while not self._ended.wait(PROGRESS_SECONDS):
            if self._stage:
                self._draw()

    def _draw(self) -> None:
        seconds = time.monotonic() - self._since
        rate = (self._done - self._from) / max(seconds, 0.001)
        told = f"{display(self._stage, limit=60)}: {self._done:,} ({rate:,.0f}/s, {seconds:.0f} s)"
        sys.stderr.write(f"\r\x1b[2K{told}")
        sys.stderr.flush()


def warn_of(rejected: Mapping[str, int]) -> None:
    """Say on stderr what of a source could not be read, by its reason."""
    for reason, count in sorted(rejected.items(), key=lambda pair: (-pair[1], pair[0])):
        sys.stderr.write(f"leeway: rejected {count:,}: {display(reason, limit=200)}\n")
