"""Named arrays and a header in one zip file, as `numpy.load` reads it too; nothing in it is ever executed."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from leeway.errors import StateError

HEADER = "manifest.json"
LARGEST_FILE = 64 << 20
LARGEST_HEADER = 1 << 20

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MAGIC = b"\x93NUMPY\x01\x00"
_ALIGNED = 64

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,  # a compression or a version that zipfile does not know
    OSError,
    OverflowError,
    RuntimeError,  # an encrypted entry
    ValueError,
)
"""What zipfile raises over files that are not what they say."""


class Form(NamedTuple):
    """What an array has to be."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def preamble(self) -> bytes:
        """What stands before the numbers in npy 1.0."""
        said = f"{{'descr': '{self.dtype}', 'fortran_order': False, 'shape': {self.shape}, }}".encode()
        padding = -(len(_MAGIC) + 2 + len(said) + 1) % _ALIGNED
        said += b" " * padding + b"\n"
        return _MAGIC + struct.pack("<H", len(said)) + said

    @property
    def size(self) -> int:
        """Bytes of the numbers."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


def packed(header: bytes, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the file; the same header and arrays give the same bytes."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        _put(file, HEADER, header)
        for name, array in arrays.items():
            _put(file, f"{name}.npy", Form(array.dtype.str, array.shape).preamble + array.tobytes())
    return written.getvalue()


def _put(file: zipfile.ZipFile, name: str, content: bytes) -> None:
    file.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED, 9)


def unpacked(content: bytes, forms: Callable[[bytes], Mapping[str, Form]]) -> tuple[bytes, dict[str, NDArray[Any]]]:
    """Return the header and the arrays, each of exactly the form that `forms` derives from the header.

    What an entry says of its size is held against that form before a byte of it is inflated.

    Raises:
        StateError: where the file is not such a file; and what `forms` raises.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            entries = {entry.filename: entry for entry in file.infolist()}
            header = _take(file, entries[HEADER], LARGEST_HEADER)
            wanted = forms(header)
            if set(entries) != {HEADER, *(f"{name}.npy" for name in wanted)} or len(file.infolist()) != len(entries):
                raise StateError("the model file holds other entries than a forest's")
            arrays = {name: _array(file, entries[f"{name}.npy"], form) for name, form in wanted.items()}
    except _BROKEN as error:
        if isinstance(error, StateError):
            raise
        raise StateError(f"the model file is broken: {error}") from error
    return header, arrays


def _array(file: zipfile.ZipFile, entry: zipfile.ZipInfo, form: Form) -> NDArray[Any]:
    preamble = form.preamble
    if entry.file_size != len(preamble) + form.size:
        raise StateError(f"the model file's {entry.filename} is not of the size that its manifest says")
    found = _take(file, entry, entry.file_size)
    if not found.startswith(preamble):
        raise StateError(f"the model file's {entry.filename} is not the array that its manifest says")
    return np.frombuffer(found, dtype=form.dtype, offset=len(preamble)).reshape(form.shape)


def _take(file: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """Return an entry's bytes, never more than it declares."""
    if entry.file_size > most:
        raise StateError(f"the model file's {entry.filename} is too large: {entry.file_size:,} bytes")
    with file.open(entry) as opened:
        found = opened.read(entry.file_size + 1)
    if len(found) != entry.file_size:
        raise StateError(f"the model file's {entry.filename} is not as long as it says")
    return found


def read_bounded(path: Path) -> bytes:
    """Return what a file holds, if it is not too large for a forest.

    Raises:
        StateError: where it cannot be read, or is too large.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > LARGEST_FILE:
        raise StateError(f"{path} is too large for a model: more than {LARGEST_FILE >> 20} MiB")
    return content
