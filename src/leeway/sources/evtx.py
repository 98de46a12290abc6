"""The event log's own files: `.evtx`, through the extra of that name.

A file is a header and chunks of 64 KiB that stand for themselves; each is read alone, so that a broken one costs its
own records only.

On the sensor: switch on in Sysmon and the audit policy what `sysmon` says, and let the log grow, for a full one forgets
its oldest events. Then export it, under a new name each time:

    wevtutil sl Microsoft-Windows-Sysmon/Operational /ms:1073741824
    wevtutil epl Microsoft-Windows-Sysmon/Operational sysmon-monday.evtx
"""

from collections.abc import Iterator
from io import BufferedReader
from typing import ClassVar, Final

from leeway.errors import SourceError
from leeway.events import Facet, Measure
from leeway.sources.evtx_chunks import CHUNK, HEADER, reader_of, records_of
from leeway.sources.positions import broken_off, go_to
from leeway.sources.records import Feed, Record, rejected
from leeway.sources.sysmon import SEEN
from leeway.sources.winlogbeat import nested_event

_MAGIC: Final = b"ElfFile\x00"
_FLAGS: Final = 120
_OPEN: Final = 1
"""The flag of a log that was still written to when its file was copied."""


class Evtx(Feed):
    """Sysmon and Security events from the event log's files.

    A position is the byte offset behind the record; a log that is still written to is read anew when its header has
    changed. Chunks whose checksums do not hold are refused, unless the file says that it was still open.

    Blind to: records that were deleted, or overwritten when the log was full.
    """

    name: ClassVar[str] = "evtx"
    observes: ClassVar[frozenset[Facet | Measure]] = SEEN
    patterns: ClassVar[tuple[str, ...]] = ("*.evtx",)

    @classmethod
    def recognises(cls, line: bytes) -> bool:
        """Say whether the bytes are the start of an event log."""
        return line.startswith(_MAGIC)

    def read(self, *, after: str | None = None) -> Iterator[tuple[str, Record]]:
        """Yield each record with the byte offset behind it, in the decompressed file.

        Raises:
            SourceError: when the file is no event log or cannot be read on.
            UnsupportedError: when the extra is not installed.
        """
        reader = reader_of(self.uri)
        behind = self._behind(after)
        for start, chunk, is_open in self._chunks(behind):
            for end, item in records_of(chunk, reader, is_open=is_open):
                position = start + end
                if position > behind:
                    record = rejected(position, b"", item) if isinstance(item, str) else nested_event(item, position)
                    yield str(position), record

    def _behind(self, after: str | None) -> int:
        if after is None:
            return 0
        if not (after.isascii() and after.isdecimal() and len(after) <= 18):  # noqa: PLR2004  # fits a file offset
            raise SourceError(f"{self.uri}: {after!r} is no position", hint="give one that a read of this file yielded")
        return int(after)

    def _chunks(self, behind: int) -> Iterator[tuple[int, bytes, bool]]:
        """Yield (offset, chunk, whether the log was open), from the chunk on that `behind` lies in."""
        at = HEADER + max(behind - HEADER - 1, 0) // CHUNK * CHUNK
        with self._place.open() as stream:
            try:
                is_open = self._is_open(stream, behind)
                stream.seek(at)
                for chunk in _pieces(stream):
                    yield at, chunk, is_open
                    at += CHUNK
            except (EOFError, OSError) as error:
                raise broken_off(self._place, at, error) from error

    def _is_open(self, stream: BufferedReader, behind: int) -> bool:
        """Say whether the log was still written to, once it is sure that this is one and reaches to `behind`."""
        go_to(stream, self._place, behind)
        stream.seek(0)
        header = stream.read(HEADER)
        if header and not header.startswith(_MAGIC):
            raise SourceError(f"{self.uri}: no event log", hint="give a file that Windows' event log wrote")
        if 0 < len(header) < HEADER:
            raise EOFError("it ends within its header")
        return bool(header) and bool(header[_FLAGS] & _OPEN)


def _pieces(stream: BufferedReader) -> Iterator[bytes]:
    """Yield each chunk, and what there is of the last.

    Raises:
        EOFError, OSError: behind that, where it is not whole.
    """
    while chunk := _filled(stream):
        yield chunk
        if len(chunk) < CHUNK:
            raise EOFError("it ends within a chunk")


def _filled(stream: BufferedReader) -> bytes:
    """Return the next chunk, or what there is of it before the end or a flaw of the stream."""
    kept = bytearray()
    try:
        while len(kept) < CHUNK and (piece := stream.read1(CHUNK - len(kept))):
            kept += piece
    except (EOFError, OSError):
        if not kept:
            raise
    return bytes(kept)
