"""How large the records of one chunk of an event log become as text, told beforehand without writing them out.

A template is a pattern with holes; a value that fills a hole may itself be a template with values. A few hundred bytes
can so stand for gigabytes, and the reader of these files writes them all out. Layout: [MS-EVEN6], section 2.2.12.
"""

from struct import error as StructError  # noqa: N812  # an exception, named like one
from struct import unpack_from
from typing import Final, NamedTuple

from leeway.errors import InvalidEventError

_FRAGMENT: Final = b"\x0f\x01\x01\x00"
_TEXT: Final = 0x05
_MORE: Final = 0x40
"""The bit of a token that says that attributes, or more of its kind, follow."""

_FIXED: Final = {0x00: 1, 0x02: 1, 0x03: 1, 0x04: 1, 0x08: 3, 0x0D: 4, 0x0E: 4, 0x0F: 4}
"""Bytes of the tokens that have no name and no text."""

_LEVEL: Final = {0x01: 1, 0x03: -1, 0x04: -1}
"""What opens and closes an element."""

_BINARY_XML: Final = 0x21
_ARRAY: Final = 0x80
_DEPTH: Final = 4
"""Templates within templates that are followed; Windows nests two."""

_LEVELS: Final = 64
"""Elements within elements of one template that are followed."""

_STEPS: Final = 1 << 18
"""Tokens of one chunk that are looked at: four times as many as it has bytes."""

_PER_BYTE: Final = 6
"""Characters that a byte, or the two of a UTF-16 one, take at most as text: a control character becomes `\\u0001`."""

_PER_VALUE: Final = 48
"""Characters that a value takes beside that, be it empty: the longest number, time or GUID."""

_PER_NAME: Final = 8
"""Characters around a name: quotes, colons, brackets."""


class _Shape(NamedTuple):
    """What a template costs: its own text, and how often each value is filled in."""

    own: int
    holes: dict[int, int]


class Sizes:
    """The sizes of the records of one chunk; each template is looked at once."""

    def __init__(self, chunk: bytes) -> None:
        self._chunk = chunk
        self._shapes: dict[int, _Shape] = {}
        self._steps = 0

    def of(self, start: int, end: int) -> int:
        """Return how many characters the binary XML from `start` to `end` becomes at most.

        Raises:
            InvalidEventError: where it is not built as Windows builds it.
        """
        try:
            return self._fragment(start, end, 0)
        except (StructError, IndexError) as error:
            raise InvalidEventError("binary XML that ends too early") from error

    def _fragment(self, start: int, end: int, depth: int) -> int:
        chunk = self._chunk
        if end > len(chunk) or depth > _DEPTH:
            raise InvalidEventError("binary XML that is nested too deeply or too long")
        if chunk[start : start + 5] != _FRAGMENT + b"\x0c":
            return self._plain(start, end, depth)
        where = unpack_from("<I", chunk, start + 10)[0]
        at = start + 14
        if where == at:
            at += 24 + unpack_from("<I", chunk, where + 20)[0]
        shape = self._shape(where)
        return _PER_VALUE + shape.own + self._values(at, end, shape, depth)

    def _plain(self, start: int, end: int, depth: int) -> int:
        """Return the size of a fragment without a template; within a value Windows writes none that has elements."""
        if depth and self._chunk[start + 4 : start + 5] not in (b"", b"\0"):
            raise InvalidEventError("a value of binary XML without a template")
        return _PER_VALUE + self._template(start, end).own

    def _values(self, at: int, end: int, shape: _Shape, depth: int) -> int:
        count = unpack_from("<I", self._chunk, at)[0]
        table, at = at + 4, at + 4 + 4 * count
        total = 0
        for index in range(min(count, (end - table) // 4)):
            self._step()
            length, kind = unpack_from("<HB", self._chunk, table + 4 * index)
            times = shape.holes.get(index, 0)
            if times:
                total += times * self._value(at, length, kind, shape, depth)
            at += length
        if at > end or (at < end and self._chunk[at]):
            raise InvalidEventError("binary XML with something behind its values")
        return total

    def _value(self, at: int, length: int, kind: int, shape: _Shape, depth: int) -> int:
        plain = _PER_VALUE + _PER_BYTE * length
        if kind == _BINARY_XML and length:
            return self._fragment(at, at + length, depth + 1)
        # The element around an array is written once for each of its items.
        return plain + (length * shape.own if kind & _ARRAY else 0)

    def _shape(self, where: int) -> _Shape:
        known = self._shapes.get(where)
        if known is None:
            size = unpack_from("<I", self._chunk, where + 20)[0]
            known = self._shapes[where] = self._template(where + 24, where + 24 + size)
        return known

    def _template(self, at: int, end: int) -> _Shape:
        own, level, holes = 0, 0, dict[int, int]()
        while at < end:
            self._step()
            token = self._chunk[at] & ~_MORE
            level += _LEVEL.get(token, 0)
            if level > _LEVELS:
                raise InvalidEventError("binary XML with too many elements in each other")
            at, cost, hole = self._token(at, token)
            own += cost
            if hole is not None:
                holes[hole] = holes.get(hole, 0) + 1
            if token == 0:
                break
        return _Shape(own, holes)

    def _token(self, at: int, token: int) -> tuple[int, int, int | None]:
        """Return where the token ends, what it costs, and the value that it asks for, if any."""
        chunk = self._chunk
        length, cost, hole = _FIXED.get(token, 0), _PER_NAME, None
        match token:
            case 0x01:
                behind, named = self._name(at + 7)
                length, cost = behind - at + (4 if chunk[at] & _MORE else 0), 2 * named
            case 0x05 | 0x07 | 0x0B:
                head = 2 if token == _TEXT else 1
                characters = unpack_from("<H", chunk, at + head)[0]
                length, cost = head + 2 + 2 * characters, _PER_BYTE * characters
            case 0x06 | 0x09 | 0x0A:
                behind, cost = self._name(at + 1)
                length = behind - at
            case 0x0D | 0x0E:
                hole = unpack_from("<H", chunk, at + 1)[0]
        if not length:
            raise InvalidEventError(f"binary XML with a part of the unknown kind {token:#x}")
        return at + length, cost, hole

    def _name(self, at: int) -> tuple[int, int]:
        """Return where the reference to a name ends, and what the name costs; its first use holds it."""
        where = unpack_from("<I", self._chunk, at)[0]
        characters = unpack_from("<H", self._chunk, where + 6)[0]
        inline = 10 + 2 * characters if where == at + 4 else 0
        return at + 4 + inline, _PER_NAME + _PER_BYTE * characters

    def _step(self) -> None:
        self._steps += 1
        if self._steps > _STEPS:
            raise InvalidEventError("binary XML with too many parts")
