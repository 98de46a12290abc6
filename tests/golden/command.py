"""Run the command line within the test's own process, door included."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import NamedTuple

import msgspec

from leeway.cli import main


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> object:
        return msgspec.json.decode(self.out)


def leeway(*words: object, stdin: bytes | io.RawIOBase = b"") -> Done:
    """Run `leeway WORDS` and return its exit code and what it printed."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    entered = io.TextIOWrapper(io.BytesIO(stdin) if isinstance(stdin, bytes) else io.BufferedReader(stdin))
    code = 0
    try:
        with redirect_stdout(out), redirect_stderr(err), _entered(words, entered):
            main()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    return Done(code, *(_read(stream) for stream in (out, err)))


@contextmanager
def _entered(words: tuple[object, ...], stdin: io.TextIOWrapper) -> Iterator[None]:
    before = sys.argv, sys.stdin
    sys.argv, sys.stdin = ["leeway", *map(str, words)], stdin
    try:
        yield
    finally:
        sys.argv, sys.stdin = before


def _read(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()
