"""Read lines in bounded memory, each with the offset just behind it, whatever the bytes are."""

import re
from collections.abc import Iterator
from io import BufferedReader
from typing import BinaryIO, Final

from leeway.sources.places import Place
from leeway.sources.positions import broken_off, go_to, position_of

LINE_LIMIT: Final = 1 << 23
"""Bytes of one line; a longer one is passed over without being held."""

DEPTH_LIMIT: Final = 64
"""Levels of nesting that a JSON record may have."""

_STRING_OR_BRACKET: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""The closing quote is optional, so that an unterminated string is one match and the scan stays linear."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def lines(place: Place, after: str | None = None, *, limit: int = LINE_LIMIT) -> Iterator[tuple[int, bytes | str]]:
    """Yield (offset behind the line, the line without its end), or a reason in the line's stead; blank lines never.

    Args:
        place: what is read.
        after: a position from an earlier read of the same bytes: only what lies behind it is read.
        limit: bytes of a line, its end included, beyond which it is passed over.

    Raises:
        SourceError: when the position is none of this place's, or when the compressed stream is cut short or corrupt,
            after every whole line before that.
    """
    offset = position_of(place, after)
    with place.open() as stream:
        try:
            go_to(stream, place, offset)
            while line := stream.readline(limit):
                offset += len(line) if line != b"\n" else 1 + _pass_over_empty(stream)
                if len(line) == limit and not line.endswith(b"\n"):
                    offset += _pass_over(stream, limit)
                    yield offset, f"longer than {limit} bytes"
                    continue
                text = line.removeprefix(_BYTE_ORDER_MARK if offset == len(line) else b"").rstrip(b"\r\n")
                if text.strip():
                    yield offset, text
        except (EOFError, OSError) as error:
            raise broken_off(place, offset, error) from error


def _pass_over_empty(stream: BufferedReader) -> int:
    """Read the line feeds that follow and return how many: a bomb of nothing else is not taken line by line."""
    passed = 0
    while run := len(ahead := stream.peek()) - len(ahead.lstrip(b"\n")):
        passed += len(stream.read1(run))
        if run < len(ahead):
            break
    return passed


def _pass_over(stream: BinaryIO, limit: int) -> int:
    """Read to the end of the line, a piece at a time, and return how many bytes that took."""
    passed = 0
    while piece := stream.readline(limit):
        passed += len(piece)
        if piece.endswith(b"\n"):
            break
    return passed


def flaw(line: bytes) -> str:
    """Return why `line` is not even to be parsed as JSON: not UTF-8, or nested too deeply; empty where it may be.

    Parsers differ in what they check within the fields they ignore; this holds for all of a record.
    """
    if not line.isascii():
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            return f"not UTF-8: {error.reason} at byte {error.start}"
    # Brackets are counted first, strings and all, in one pass: nearly every record passes by that alone.
    if len(line) - len(line.translate(None, b"{[")) > DEPTH_LIMIT and _deeper(line):
        return f"nested deeper than {DEPTH_LIMIT} levels"
    return ""


def _deeper(line: bytes) -> bool:
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(line):
        token = match.group()
        if token in (b"{", b"["):
            depth += 1
            if depth > DEPTH_LIMIT:
                return True
        elif token in (b"}", b"]"):
            depth -= 1
    return False
