"""Positions in a file: what a caller hands back, and what is said where it, or the file, does not hold."""

from typing import BinaryIO, Final

from leeway.errors import SourceError
from leeway.sources.places import Place
from leeway.sources.whole_numbers import unsigned

_DIGITS: Final = 18
"""Digits of a position; more than any file has bytes."""


def position_of(place: Place, after: str | None) -> int:
    """Return the position that a caller hands back; 0 for the start.

    Raises:
        SourceError: where it is none.
    """
    if after is None:
        return 0
    position = unsigned(after, digits=_DIGITS)
    if position is None:
        raise SourceError(f"{place.uri}: {after!r} is no position", hint="give one that a read of this file yielded")
    return position


def go_to(stream: BinaryIO, place: Place, position: int) -> None:
    """Move `stream`, which is at its start, to a position in the file.

    Raises:
        SourceError: where the file ends before it.
    """
    # The byte before it is read: seeking alone goes past the end of a file that was cut, without a word.
    if position and (stream.seek(position - 1) != position - 1 or not stream.read(1)):
        raise cut_short(place, position)


def cut_short(place: Place, position: int) -> SourceError:
    """Return the error for a file that ends before a position in it."""
    return SourceError(f"{place.uri}: shorter than position {position}", hint="it was replaced or cut: start anew")


def broken_off(place: Place, position: int, error: Exception) -> SourceError:
    """Return the error for a file that cannot be read on behind a position."""
    return SourceError(
        f"{place.uri}: cut short or corrupt behind byte {position} (decompressed): {error}",
        hint="what came before it was read; fetch the file again",
    )
