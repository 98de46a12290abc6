"""One chunk of an event log's file: its records as JSON, each with its place, and why some are not read.

Layout: [MS-EVEN6], section 2.2.17 onwards, and libyal's description of the format.
"""

from collections.abc import Callable, Iterator
from io import BytesIO
from struct import pack, unpack_from
from typing import Any, Final, cast
from zlib import crc32

from leeway.errors import InvalidEventError, UnsupportedError
from leeway.sources.evtx_size import Sizes
from leeway.sources.lines import LINE_LIMIT

HEADER: Final = 4_096
"""Bytes of a file before its first chunk."""

CHUNK: Final = 65_536
"""Bytes of a chunk."""

_CHUNK_MAGIC: Final = b"ElfChnk\x00"
_CHUNK_HEADER: Final = 512
_FREE: Final = 48
_RECORDS_CHECKSUM: Final = 52
_SUMMED: Final = 120
_CHECKSUM: Final = 124
_TABLES: Final = 128
"""Where, in a chunk's header, the start of its free space is written, its checksums, and the tables of its strings."""

_RECORD_MAGIC: Final = 0x2A2A
_RECORD_HEADER: Final = 24
_RECORD_END: Final = 4

_NOTHING: Final = b"\x0f\x01\x01\x00\x00"
"""Binary XML that holds nothing."""

_TEXT_LIMIT: Final = 1 << 25
"""Characters that the records of one chunk may become as text; those of a sound one become some two million."""

_SHOWN: Final = 300
"""Characters of the reader's own messages that are kept."""

Reader = Callable[[bytes], Iterator[dict[str, Any]]]
"""What reads the records of one chunk."""


def reader_of(uri: str) -> Reader:
    """Return what reads the records of one chunk.

    Raises:
        UnsupportedError: when the extra is not installed.
    """
    try:
        from evtx import PyEvtxParser  # noqa: PLC0415  # an extra, needed only here
    except ImportError as error:
        raise UnsupportedError(
            f"{uri}: reading event logs needs an extra", hint="pip install 'agent-leeway[evtx]'"
        ) from error
    start = pack("<8sQQQIHHHH", b"ElfFile", 0, 0, 1, 128, 1, 3, HEADER, 1).ljust(_SUMMED, b"\0")
    header = (start + pack("<II", 0, crc32(start))).ljust(HEADER, b"\0")

    def read(chunk: bytes) -> Iterator[dict[str, Any]]:
        """Read a file of that chunk alone, on this thread."""
        parser = PyEvtxParser(BytesIO(header + chunk), number_of_threads=1, indent=False)
        return cast("Iterator[dict[str, Any]]", parser.records_json())

    return read


def records_of(chunk: bytes, reader: Reader, *, is_open: bool) -> Iterator[tuple[int, bytes | str]]:
    """Yield (offset within the chunk behind the record, the record as JSON or why it is not read)."""
    if not chunk.strip(b"\0"):
        return
    if reason := _flaw(chunk, is_open=is_open):
        yield 1, reason
        return
    framed = list(_framed(chunk))
    safe, refused = _made_safe(chunk, framed)
    rendered = _rendered(reader(safe))
    for start, end in framed:
        item = next(rendered, "not read: something before it in its chunk is broken")
        yield end, refused.get(start, item)
    behind = framed[-1][1] if framed else _CHUNK_HEADER
    if len(chunk) == CHUNK and behind < _free(chunk):
        yield behind + 1, f"no record where one should start: the last {_free(chunk) - behind} bytes of a chunk"


def _flaw(chunk: bytes, *, is_open: bool) -> str:
    """Return why nothing of the chunk is to be read; empty where it may be. One that was cut holds no checksum."""
    if not chunk.startswith(_CHUNK_MAGIC):
        return "no chunk of an event log"
    if len(chunk) < CHUNK:
        return ""
    if not _CHUNK_HEADER <= _free(chunk) <= CHUNK:
        return "a chunk that is larger than it can be"
    if is_open:
        return ""
    summed, headed = unpack_from("<I", chunk, _RECORDS_CHECKSUM)[0], unpack_from("<I", chunk, _CHECKSUM)[0]
    if crc32(chunk[_CHUNK_HEADER : _free(chunk)]) != summed:
        return "a chunk whose records' checksum does not hold"
    return (
        ""
        if crc32(chunk[:_SUMMED] + chunk[_TABLES:_CHUNK_HEADER]) == headed
        else "a chunk header whose checksum does not hold"
    )


def _free(chunk: bytes) -> int:
    """Return where the chunk's free space starts."""
    free: int = unpack_from("<I", chunk, _FREE)[0]
    return free


def _framed(chunk: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each record starts and ends, up to the first that is none."""
    at, free = _CHUNK_HEADER, min(_free(chunk) if len(chunk) >= _CHUNK_HEADER else 0, len(chunk))
    while at + _RECORD_HEADER + _RECORD_END <= free:
        magic, size = unpack_from("<II", chunk, at)
        if magic != _RECORD_MAGIC or size < _RECORD_HEADER + _RECORD_END or at + size > free:
            return
        yield at, at + size
        at += size


def _made_safe(chunk: bytes, framed: list[tuple[int, int]]) -> tuple[bytes, dict[int, str]]:
    """Return the chunk without the records that would become too large, and why each was taken out.

    The header's tables only speed reading up, and are left out. Taking a record out changes five bytes, which another
    one may point at: what is left is looked at again.
    """
    safe = bytearray(chunk.ljust(CHUNK, b"\0"))
    safe[_TABLES:_CHUNK_HEADER] = bytes(_CHUNK_HEADER - _TABLES)
    refused: dict[int, str] = {}
    for _ in range(2):
        found = _too_large(bytes(safe), [each for each in framed if each[0] not in refused])
        if not found:
            return bytes(safe), refused
        refused |= found
        for start in found:
            safe[start + _RECORD_HEADER : start + _RECORD_HEADER + len(_NOTHING)] = _NOTHING
    return bytes(CHUNK), dict.fromkeys((start for start, _ in framed), "records that are built to be misread")


def _too_large(chunk: bytes, framed: list[tuple[int, int]]) -> dict[int, str]:
    sizes, total, found = Sizes(chunk), 0, dict[int, str]()
    for start, end in framed:
        try:
            size = sizes.of(start + _RECORD_HEADER, end - _RECORD_END)
        except InvalidEventError as error:
            found[start] = str(error)
            continue
        if total + size > _TEXT_LIMIT:
            found[start] = f"{end - start} bytes that may become {size} characters"
        else:
            total += size
    return found


def _rendered(records: Iterator[dict[str, Any]]) -> Iterator[bytes | str]:
    """Yield each record as JSON, or why it cannot be read."""
    while True:
        try:
            text: str = next(records)["data"]
        except StopIteration:
            return
        except RuntimeError as error:
            yield f"unreadable: {str(error).splitlines()[0][:_SHOWN]}" if str(error) else "unreadable"
        else:
            yield text.encode() if len(text) <= LINE_LIMIT else f"longer than {LINE_LIMIT} characters"
