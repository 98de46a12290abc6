"""Write the event log files of Windows, as far as the tests need them: chunks, shared templates, typed values.

The layout is the one that libyal's and Microsoft's ([MS-EVEN6], section 2.2.12) descriptions of binary XML give.
"""

import struct
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID
from zlib import crc32

CHUNK = 65_536
_HEADER = 512
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_FRAGMENT = b"\x0f\x01\x01\x00"
_OPEN, _ATTRIBUTES, _CLOSE, _EMPTY, _END = 0x01, 0x41, b"\x02", b"\x03", b"\x04"


class Hex(int):
    """A number that Windows writes as `0x1f4`."""


Value = str | int | UUID | datetime | None


class Logged(NamedTuple):
    """One record: what its System element says, and its EventData by name."""

    event_id: int
    data: Mapping[str, Value]
    channel: str = "Microsoft-Windows-Sysmon/Operational"
    computer: str = "WS1.example.org"
    time: datetime = datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC)
    inner: bool = False
    """Whether EventData is a value with a template of its own, as the event log itself writes it."""


def written(chunks: Iterable[Iterable[Logged]], *, dirty: bool = False) -> bytes:
    """Return a file of the chunks; record ids count from 1."""
    bodies, number = [], 1
    for records in chunks:
        body = _chunk(list(records), number)
        number += body[1]
        bodies.append(body[0])
    return file_header(len(bodies), number, dirty=dirty) + b"".join(bodies)


def file_header(chunks: int, number: int, *, dirty: bool = False) -> bytes:
    """Return the first 4,096 bytes of a file."""
    fields = struct.pack("<8sQQQIHHHH", b"ElfFile", 0, max(chunks - 1, 0), number, 128, 1, 3, 4_096, chunks)
    start = fields.ljust(120, b"\0")
    return (start + struct.pack("<II", int(dirty), crc32(start))).ljust(4_096, b"\0")


def sealed(chunk: bytes) -> bytes:
    """Return the chunk with its checksums made to fit what it holds."""
    free = struct.unpack_from("<I", chunk, 48)[0]
    chunk = chunk[:52] + struct.pack("<I", crc32(chunk[_HEADER:free])) + chunk[56:]
    return chunk[:124] + struct.pack("<I", crc32(chunk[:120] + chunk[128:_HEADER])) + chunk[128:]


def _chunk(records: list[Logged], first: int) -> tuple[bytes, int]:
    body, templates, last = bytearray(_HEADER), {}, _HEADER
    for number, record in enumerate(records, first):
        last = len(body)
        xml = _binary_xml(record, number, last + 24, templates)
        size = 24 + len(xml) + 4
        body += struct.pack("<IIQQ", 0x2A2A, size, number, _filetime(record.time)) + xml + struct.pack("<I", size)
    assert len(body) <= CHUNK, "too many records for one chunk"
    end = first + len(records) - 1
    head = struct.pack("<8sQQQQIII", b"ElfChnk", first, end, first, end, 128, last, len(body))
    body[: len(head)] = head
    return sealed(bytes(body.ljust(CHUNK, b"\0"))), len(records)


def _binary_xml(record: Logged, number: int, at: int, templates: dict) -> bytes:
    system = [record.event_id, record.time, number, record.channel, record.computer]
    data = list(record.data.values())
    if not record.inner:
        return _instance(system + data, at, (tuple(record.data), "whole"), templates)
    # The inner fragment's place is known once the outer one is written: its length does not depend on it.
    blank = _instance(system, at, ((), "outer"), dict(templates), b"?")
    inner = _instance(data, at + len(blank) - 1, (tuple(record.data), "inner"), templates)
    return _instance(system, at, ((), "outer"), templates, inner)


def _instance(values: list[Value], at: int, shape: tuple, templates: dict, fragment: bytes = b"") -> bytes:
    kinds = [_kind(value) for value in values] + [0x21] * bool(fragment)
    packed = [_packed(value) for value in values] + [fragment] * bool(fragment)
    shape = (*shape, tuple(kinds))
    start = _FRAGMENT + b"\x0c\x01" + struct.pack("<I", 1)
    where, definition = at + len(start) + 4, b""
    if shape in templates:
        where = templates[shape]
    else:
        templates[shape] = where
        definition = _template(list(shape[0]), kinds, where, shape[1])
    table = b"".join(struct.pack("<HBB", len(each), kind, 0) for each, kind in zip(packed, kinds, strict=True))
    return start + struct.pack("<I", where) + definition + struct.pack("<I", len(packed)) + table + b"".join(packed)


def _template(names: list[str], kinds: list[int], at: int, part: str) -> bytes:
    out = _Pen(at + 24)
    out.raw(_FRAGMENT)
    first = 0
    if part != "inner":
        first = _system(out, kinds)
    if part == "outer":
        out.raw(struct.pack("<BHB", 0x0E, first, 0x21))
    else:
        out.open("EventData")
        for index, name in enumerate(names, first):
            out.element("Data", index, kinds[index], {"Name": name})
        out.raw(_END)
    out.raw((_END if part != "inner" else b"") + b"\0")
    data = bytes(out.bytes)
    return struct.pack("<I16sI", 0, UUID(int=at).bytes_le, len(data)) + data


def _system(out: "_Pen", kinds: list[int]) -> int:
    out.open("Event")
    out.open("System")
    out.open("Provider", {"Name": "A provider"})
    out.raw(_EMPTY)
    names = ("EventID", "TimeCreated", "EventRecordID", "Channel", "Computer")
    for index, name in enumerate(names):
        if name == "TimeCreated":
            out.open(name, {"SystemTime": (index, kinds[index])})
            out.raw(_EMPTY)
        else:
            out.element(name, index, kinds[index])
    out.raw(_END)
    return len(names)


class _Pen:
    """Writes elements one behind the other; knows where in the chunk it is."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.bytes = bytearray()

    def raw(self, piece: bytes) -> None:
        self.bytes += piece

    def open(self, name: str, attributes: Mapping[str, str | tuple[int, int]] | None = None) -> None:
        self.raw(struct.pack("<BHI", _ATTRIBUTES if attributes else _OPEN, 0xFFFF, 0))
        self._name(name)
        if attributes:
            self.raw(b"\0\0\0\0")
            for key, value in attributes.items():
                self.raw(b"\x06")
                self._name(key)
                self.raw(struct.pack("<BHB", 0x0D, *value) if isinstance(value, tuple) else _text(value))
        if name not in {"Provider", "TimeCreated"}:
            self.raw(_CLOSE)

    def element(self, name: str, index: int, kind: int, attributes: Mapping[str, str] | None = None) -> None:
        self.open(name, attributes)
        self.raw(struct.pack("<BHB", 0x0E, index, kind) + _END)

    def _name(self, name: str) -> None:
        self.raw(struct.pack("<I", self.at + len(self.bytes) + 4))
        self.raw(struct.pack("<IHH", 0, 0, len(name)) + name.encode("utf-16-le") + b"\0\0")


def _text(text: str) -> bytes:
    return struct.pack("<BBH", 0x05, 0x01, len(text)) + text.encode("utf-16-le")


def _kind(value: Value) -> int:
    kinds = {str: 0x01, int: 0x0A, bool: 0x0D, UUID: 0x0F, datetime: 0x11, Hex: 0x15, type(None): 0x00}
    return kinds[type(value)]


def _packed(value: Value) -> bytes:
    match value:
        case None:
            return b""
        case str():
            return value.encode("utf-16-le")
        case bool():
            return struct.pack("<I", value)
        case int():
            return struct.pack("<Q", value)
        case UUID():
            return value.bytes_le
        case _:
            return struct.pack("<Q", _filetime(value))


def _filetime(time: datetime) -> int:
    return int((time - _EPOCH).total_seconds() * 10_000_000)


def nested_templates(depth: int, repeats: int) -> bytes:
    """Return a chunk of one record: a template that writes its one value `repeats` times, in itself `depth` times."""
    start = _FRAGMENT + b"\x0c\x01" + struct.pack("<I", 1)
    where = _HEADER + 24 + len(start) + 4
    pen = _Pen(where + 24)
    pen.raw(_FRAGMENT)
    pen.open("A")
    for _ in range(repeats):
        pen.element("B", 0, 0x21)
    pen.raw(_END + b"\0")
    template = struct.pack("<I16sI", 0, UUID(int=1).bytes_le, len(pen.bytes)) + pen.bytes
    inner, head = b"\0", start + struct.pack("<I", where)
    for level in range(depth, 0, -1):
        table = struct.pack("<IHBB", 1, len(inner), 0x21, 0)
        inner = head + (template if level == 1 else b"") + table + inner
    size = 24 + len(inner) + 4
    record = struct.pack("<IIQQ", 0x2A2A, size, 1, 0) + inner + struct.pack("<I", size)
    free = _HEADER + len(record)
    chunk = struct.pack("<8sQQQQIII", b"ElfChnk", 1, 1, 1, 1, 128, _HEADER, free).ljust(_HEADER, b"\0") + record
    return sealed(chunk.ljust(CHUNK, b"\0"))
