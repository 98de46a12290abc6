"""Printing: tables that stay within the terminal, JSON that is stable, progress that is out of the way."""

import os
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import datetime

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

PROGRESS_SECONDS = 0.25
"""Between two drawings: four a second."""


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
    """Print rows in columns at most `widths` wide; text from outside is escaped and cut, the last column is not padded."""
    shown = [[display(cell, limit=width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    fitted = [max(map(len, column)) for column in zip(head, *shown, strict=True)]
    for row in (list(head), *shown):
        cells = [cell.ljust(width) for cell, width in zip(row, fitted, strict=True)]
        echo("  ".join(cells).rstrip())


class ProgressLine:
    """One line on stderr that says how far a long run is, with its rate; only on a terminal."""

    def __init__(self) -> None:
        """Start counting."""
        self._on = sys.stderr.isatty()
        self._drawn = 0.0
        self._stage = ""
        self._started = time.monotonic()
        self._from = 0

    def __call__(self, stage: str, done: int) -> None:
        """Draw, at most four times a second."""
        now = time.monotonic()
        if stage.split(" ")[0] != self._stage:
            self._stage, self._started, self._from = stage.split(" ")[0], now, done
        if not self._on or now - self._drawn < PROGRESS_SECONDS:
            return
        self._drawn = now
        rate = (done - self._from) / max(now - self._started, 0.001)
        sys.stderr.write(f"\r\x1b[2K{display(stage, limit=60)}: {done:,} ({rate:,.0f}/s)")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._on and self._drawn:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
