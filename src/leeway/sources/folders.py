"""Which files a path, a folder or a glob names: of a folder what patterns name, rotated logs included."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import translate
from glob import glob
from itertools import islice
from pathlib import Path
from typing import Final

from leeway.errors import SourceError
from leeway.sources.places import SUFFIXES

PASSED_OVER_LIMIT: Final = 20
"""Names of files passed over that are told."""

_SHOWN: Final = 1_000
"""Characters of a path that a message tells."""

_HINTED: Final = 3
"""Names of other files that a message tells."""

_WILDCARDS: Final = frozenset("*?[")

_PACKED: Final = tuple(filter(None, SUFFIXES))

_ROTATED: Final = re.compile(r"(?P<base>.+?)[.-](?P<mark>[0-9]{1,14}(?:[-T_.:][0-9]{1,9}){0,5}Z?)", re.DOTALL)
"""What rotating adds to a name: `.1`, `-20260302`, `-2026-03-02`, `.20260302-090000`."""

_NUMBER_DIGITS: Final = 4
"""Digits of a rotation that is counted; those that name a day have more."""


def found_files(path: str, patterns: Iterable[str]) -> list[Path]:
    """Return the files that a path, folder or glob names, by their paths; a rotated log before what came after it.

    A single path is returned whether there is something or not.

    Raises:
        SourceError: where a folder or glob names none, or it cannot be asked what is there.
    """
    there = Path(path)
    try:
        if there.is_dir():
            files = _inside(there, sorted(set(patterns)))
        elif not there.exists() and not _WILDCARDS.isdisjoint(path):
            files = _matching(path)
        else:
            files = {there}
    except OSError as error:  # within a folder that may not be entered, or a name longer than names can be
        raise SourceError(f"{path[:_SHOWN]}: {error.strerror}", hint="give a path that can be looked at") from error
    return sorted(files, key=_order)


def passed_over(folder: Path, patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the files of a folder that no pattern names, as paths within it, at most 20; those on top come first.

    Folders within it that cannot be read are among them.

    Raises:
        SourceError: where the folder cannot be read.
    """
    is_named = _namer(patterns)
    unread: list[str] = []
    others = (file for file in _walked(folder, unread) if not is_named(file.name) and _is_file(file))
    names = [file.relative_to(folder).as_posix() for file in islice(others, PASSED_OVER_LIMIT)]
    return tuple((unread + names)[:PASSED_OVER_LIMIT])


def _inside(folder: Path, patterns: list[str]) -> set[Path]:
    is_named = _namer(patterns)
    files = {file for file in _walked(folder, []) if is_named(file.name) and _is_file(file)}
    if not files:
        others = passed_over(folder, patterns)[:_HINTED]
        hint = f"name a file in it: it holds {', '.join(others)}" if others else "name a file in it"
        raise SourceError(f"{folder}: holds no file named {', '.join(patterns)}", hint=hint)
    return files


def _matching(pattern: str) -> set[Path]:
    found = _deep(Path(pattern)) if "**" in Path(pattern).parts else map(Path, glob(pattern))  # noqa: PTH207  # Path.glob takes no absolute pattern
    files = {file for file in found if _is_file(file)}
    if not files:
        raise SourceError(f"{pattern}: matches no file", hint="a pattern has to match files; name a folder without one")
    return files


def _deep(pattern: Path) -> Iterator[Path]:
    """Yield what a pattern with `**` matches, without following links to folders there: they may lead round in circles.

    As with other patterns, what starts with a dot is matched only where the pattern spells it.
    """
    spelt = frozenset(pattern.parts)
    top = Path(pattern.anchor)
    inside = pattern.relative_to(top).parts
    # Within a name two stars are one, as elsewhere; `Path.glob` would refuse them.
    for file in top.glob("/".join(part if part == "**" else re.sub(r"\*+", "*", part) for part in inside)):
        if not any(part.startswith(".") and part not in spelt for part in file.parts):
            yield file


def _walked(folder: Path, unread: list[str]) -> Iterator[Path]:
    """Yield everything in a folder that is no folder, in depth; links to folders are not followed, so it ends.

    The folders within it that cannot be read are added to `unread`.
    """

    def refuse(error: OSError) -> None:
        at = Path(error.filename)
        if at == folder:
            raise SourceError(f"{folder}: {error.strerror}", hint="give a folder that can be read") from error
        unread.append(f"{at.relative_to(folder).as_posix()}/ ({error.strerror})")

    for where, below, names in os.walk(folder, onerror=refuse):
        below.sort()
        for name in sorted(names):
            yield Path(where, name)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a link into a folder that may not be entered
        return False


def _namer(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Return what says whether a file name is one of the patterns', compressed, rotated or neither."""
    named = re.compile("|".join(translate(os.path.normcase(pattern)) for pattern in patterns) or r"\Z.")

    def is_named(name: str) -> bool:
        bare = _unpacked(os.path.normcase(name))
        rotated = _ROTATED.fullmatch(bare)
        return bool(named.match(bare) or (rotated and named.match(_unpacked(rotated["base"]))))

    return is_named


def _unpacked(name: str) -> str:
    """Return a name without the suffix of a compressed file."""
    return next((name.removesuffix(suffix) for suffix in _PACKED if name.endswith(suffix)), name)


def _order(file: Path) -> tuple[str, bool, int, str]:
    """Return by what files are sorted: rotated ones as their log, the oldest first: higher numbers, earlier days."""
    rotated = _ROTATED.fullmatch(_unpacked(file.name))
    if rotated is None:
        return file.as_posix(), True, 0, ""
    mark = rotated["mark"]
    number = -int(mark) if mark.isdecimal() and len(mark) <= _NUMBER_DIGITS else 0
    return file.with_name(rotated["base"]).as_posix(), False, number, file.name
