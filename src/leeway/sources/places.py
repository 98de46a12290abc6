"""Where bytes come from: a file that can be opened again, or a stream that was copied to one first."""

import gzip
import lzma
import sys
import tempfile
import weakref
import zlib
from hashlib import blake2b
from io import BufferedReader, RawIOBase, UnsupportedOperation
from pathlib import Path
from shutil import copyfileobj
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from leeway.errors import SourceError, UnsupportedError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_GZIP: Final = b"\x1f\x8b"
"""First bytes of a gzip file (RFC 1952, section 2.3.1)."""

_XZ: Final = b"\xfd7zXZ\x00"
"""First bytes of an xz file (its format, section 2.1.1.1)."""

_ZSTD: Final = b"\x28\xb5\x2f\xfd"
"""First bytes of a Zstandard frame (RFC 8878, section 3.1.1)."""

_WINDOW_LOG: Final = 27
"""Largest window of a Zstandard frame, as a power of two: 128 MiB, what its own tool reads unless told otherwise."""

SUFFIXES: Final = ("", ".gz", ".xz", ".zst")
"""What a compressed file may be called behind its usual name; `open` goes by the bytes and not by this."""

_XZ_MEMORY: Final = 136 << 20
"""Bytes that unpacking xz may take: a dictionary of 128 MiB, twice what `xz -9` makes, and what goes with it."""

_BUFFER: Final = 1 << 18
"""Bytes decompressed at a time."""

_HEAD: Final = 4_096
"""Decompressed bytes by which a file is told from another one of the same name."""

_PARQUET: Final = b"PAR1"
"""First bytes of a Parquet file."""

_TAIL: Final = 1 << 16
"""Bytes at the end of a Parquet file by which it is told from another one: what is in it is listed there."""


class Place:
    """A file, plain or compressed by gzip, xz or Zstandard, that can be read from its start as often as needed."""

    __slots__ = ("__weakref__", "path", "uri")

    def __init__(self, path: Path, uri: str = "") -> None:
        self.path = path
        self.uri = uri or str(path)
        """The place as messages and stored positions name it."""

    def open(self) -> BufferedReader:
        """Return the decompressed bytes, from the first one.

        Raises:
            SourceError: where the file cannot be opened.
            UnsupportedError: where it is compressed by Zstandard and the extra for that is not installed.
        """
        try:
            stored = self.path.open("rb")
        except OSError as error:
            raise SourceError(f"{self.uri}: {error.strerror}", hint="give an existing, readable file") from error
        try:
            magic = stored.peek(len(_XZ))
        except OSError as error:
            stored.close()
            raise SourceError(f"{self.uri}: {error.strerror}", hint="give a file whose bytes can be read") from error
        return _decompressed(stored, magic, self.uri)


class _Decompressor(Protocol):
    """What the decompressors share."""

    def read1(self, size: int = -1, /) -> bytes: ...
    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def tell(self) -> int: ...
    def close(self) -> None: ...


def _decompressed(stored: BufferedReader, magic: bytes, uri: str) -> BufferedReader:
    if magic.startswith(_GZIP):
        return BufferedReader(_Decompressed(gzip.GzipFile(fileobj=stored), stored, zlib.error), _BUFFER)
    if magic.startswith(_XZ):
        return BufferedReader(_Decompressed(_Xz(stored), stored, lzma.LZMAError), _BUFFER)
    if magic.startswith(_ZSTD):
        return BufferedReader(_zstd(stored, uri), _BUFFER)
    return stored


def _zstd(stored: BufferedReader, uri: str) -> "_Decompressed":
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415  # of the standard library from that version on
        else:
            from backports import zstd  # noqa: PLC0415  # an extra, needed only here
    except ImportError as error:
        stored.close()
        raise UnsupportedError(
            f"{uri}: reading Zstandard needs an extra", hint="pip install 'agent-leeway[zstd]'"
        ) from error
    window: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
    return _Decompressed(zstd.ZstdFile(stored, options=window), stored, zstd.ZstdError)


class _Xz:
    """The bytes of an xz file, in bounded memory: `LZMAFile` takes no bound, and a file may ask for 4 GiB."""

    def __init__(self, stored: BinaryIO) -> None:
        self._stored = stored
        self._begin()

    def _begin(self) -> None:
        self._stored.seek(0)
        self._at = 0
        self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)

    def read1(self, size: int = -1, /) -> bytes:
        """Return at most `size` more bytes; none at the end."""
        while not self._decoder.eof or self._follows():
            given = self._stored.read(_BUFFER) if self._decoder.needs_input else b""
            if self._decoder.needs_input and not given:
                raise EOFError("it ends within what was compressed")
            if piece := self._decoder.decompress(given, size):
                self._at += len(piece)
                return piece
        return b""

    def _follows(self) -> bool:
        """Go on to the stream behind the one that ended, zeros between them passed over; say whether there is one."""
        rest = self._decoder.unused_data.lstrip(b"\0")
        while not rest and (given := self._stored.read(_BUFFER)):
            rest = given.lstrip(b"\0")
        rest += self._stored.read(len(_XZ)) if rest else b""
        if not rest:
            return False
        if not rest.startswith(_XZ):
            raise lzma.LZMAError("what follows its end is no xz")
        self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)
        self._stored.seek(-len(rest), 1)
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to an offset from the start, from the start on where it lies behind; return where that ended."""
        if whence:
            raise UnsupportedOperation("only from the start")
        if offset < self._at:
            self._begin()
        while self._at < offset and self.read1(min(offset - self._at, _BUFFER)):
            pass
        return self._at

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._at

    def close(self) -> None:
        """Do nothing: whoever opened the file closes it."""


class _Decompressed(RawIOBase):
    """Decompressed bytes as they come, so that those before a flaw are handed out before its error is raised.

    Closes the file below it too: no decompressor closes what it was handed. `flaw`, the decompressor's own error for
    corrupt bytes, is raised as an OSError, so that no reader has to know which one it reads from.
    """

    def __init__(self, stream: _Decompressor, stored: BinaryIO, flaw: type[Exception]) -> None:
        self._stream = stream
        self._stored = stored
        self._flaw = flaw

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        try:
            piece = self._stream.read1(len(view))
        except self._flaw as error:
            raise OSError(str(error)) from error
        view[: len(piece)] = piece
        return len(piece)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        try:
            return self._stream.seek(offset, whence)
        except self._flaw as error:
            raise OSError(str(error)) from error

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        super().close()
        self._stream.close()
        self._stored.close()


def spooled(stream: BinaryIO, uri: str = "-") -> Place:
    """Return a place that holds a copy of all of `stream`, on disk and gone with the place.

    A feed is read more than once (to recognise it, to correct its times), and a pipe can be read only once. The copy
    is readable by its owner only.
    """
    with tempfile.NamedTemporaryFile(prefix="leeway-", delete=False) as copy:
        place = Place(Path(copy.name), uri)
        weakref.finalize(place, place.path.unlink, missing_ok=True)
        copyfileobj(stream, copy)
    return place


def fingerprint(place: Place) -> str:
    """Return the mark of what the place holds now: the size and digest of its first 4 KiB, decompressed.

    Of Parquet its size and end are in the digest as well: it is written as a whole, and one that is longer may hold
    other rows in other places, however it starts.

    Raises:
        SourceError: where they cannot be read.
    """
    return _mark(place, _head(place, _HEAD))


def still_holds(place: Place, mark: str) -> bool:
    """Say whether the place still starts with the bytes that `mark`, an earlier fingerprint, was taken of.

    A file that only grew does; one that was replaced or cut does not, and positions within it mean nothing any more.
    """
    size = mark.partition("-")[0]
    return size.isdecimal() and len(size) < len(str(_HEAD)) + 1 and _mark(place, _head(place, int(size))) == mark


_WHOLE: Final = (_GZIP, _XZ, _ZSTD, _PARQUET, b"ElfFile")
"""First bytes of files that are no lines of text as they are stored: nobody appends a line to one."""


def is_unfinished(place: Place, position: str) -> bool:
    """Say whether a position is the end of a file of lines whose last line has no end: more of it may come.

    Raises:
        SourceError: where the file cannot be read.
    """
    try:
        with place.path.open("rb") as stored:
            if stored.peek(8).startswith(_WHOLE):
                return False
            size = stored.seek(0, 2)
            stored.seek(max(0, size - 1))
            return position == str(size) and stored.read(1) != b"\n"
    except OSError as error:
        raise SourceError(f"{place.uri}: {error.strerror}", hint="give a readable file") from error


def _head(place: Place, size: int) -> bytes:
    """Return the first bytes, fewer where the file is shorter or cut: reading it says so in its own time."""
    head = b""
    with place.open() as stream:
        try:
            while len(head) < size and (piece := stream.read1(size - len(head))):
                head += piece
        except (EOFError, OSError) as error:
            if not head:
                raise SourceError(f"{place.uri}: unreadable at its start: {error}") from error
    return head


def _mark(place: Place, head: bytes) -> str:
    told = head + _tail(place) if head.startswith(_PARQUET) else head
    return f"{len(head)}-{blake2b(told, digest_size=16).hexdigest()}"


def _tail(place: Place) -> bytes:
    try:
        with place.path.open("rb") as stored:
            size = stored.seek(0, 2)
            stored.seek(max(0, size - _TAIL))
            return size.to_bytes(8, "big") + stored.read(_TAIL)
    except OSError as error:
        raise SourceError(f"{place.uri}: {error.strerror}", hint="give a readable file") from error
