"""Find what a URI names, and open it as the feed it is."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from glob import glob
from importlib.metadata import EntryPoint, entry_points
from itertools import islice
from lzma import LZMAError
from pathlib import Path
from typing import BinaryIO, ClassVar, Final, NamedTuple
from zlib import error as ZlibError  # noqa: N812  # an exception, named like one

from leeway.errors import SourceError, UnsupportedError
from leeway.events import Facet, Measure
from leeway.sources import places
from leeway.sources.auditd import Auditd
from leeway.sources.collections import Collection
from leeway.sources.column_map import ColumnMap
from leeway.sources.defender import Defender
from leeway.sources.ecs import Ecs
from leeway.sources.evtx import Evtx
from leeway.sources.falco import Falco
from leeway.sources.jsonl import JsonLines
from leeway.sources.lines import lines
from leeway.sources.osquery import Osquery
from leeway.sources.places import SUFFIXES, Place, spooled
from leeway.sources.records import Record, Source, SourceKind, rejected
from leeway.sources.sysmon import Sysmon
from leeway.sources.tetragon import Tetragon
from leeway.sources.winlogbeat import Winlogbeat
from leeway.text import display

SOURCES: Final[tuple[SourceKind, ...]] = (
    JsonLines,
    Defender,
    Sysmon,
    Winlogbeat,
    Evtx,
    Ecs,
    Osquery,
    Auditd,
    Tetragon,
    Falco,
    Collection,
)
"""The sources of a default installation. To add one: its file, this line, its test."""

_GROUP: Final = "leeway.sources"
"""Entry points by which another distribution adds sources."""

_WILDCARDS: Final = frozenset("*?[")

_BINARY_HEAD: Final = 4_096
"""Bytes of a binary file by which it is recognised."""

_LINES_TRIED: Final = 20
"""Lines of a file by which it is recognised."""


@lru_cache(maxsize=1)
def source_kinds() -> dict[str, SourceKind]:
    """Return every kind of source by its name: Leeway's own, then those of other distributions.

    Raises:
        SourceError: where another distribution's source cannot be loaded.
    """
    kinds = {kind.name: kind for kind in SOURCES}
    for entry in entry_points(group=_GROUP):
        if entry.name not in kinds:
            kinds[entry.name] = _loaded(entry)
    return kinds


def can_observe(kind: SourceKind) -> frozenset[Facet | Measure]:
    """Return everything that a kind of source can show at all; one source of it may show less."""
    observes: frozenset[Facet | Measure] = getattr(kind, "observes", frozenset())
    return observes


def _loaded(entry: EntryPoint) -> SourceKind:
    try:
        kind: SourceKind = entry.load()
    except (ImportError, AttributeError) as error:
        owner = entry.dist.name if entry.dist else entry.value
        raise SourceError(f"the source {entry.name!r} of {owner} cannot be loaded: {error}") from error
    return kind


class Told(NamedTuple):
    """What a caller says of feeds that do not say it themselves."""

    column_map: ColumnMap | None = None
    """How the columns of a renamed table are called; for files that are a table of Defender or of no known kind."""
    host: str = ""
    """The host of logs that name none (auditd)."""


NOTHING_TOLD: Final = Told()


def open_sources(
    uri: str, *, kind: str | None = None, stdin: BinaryIO | None = None, told: Told = NOTHING_TOLD
) -> tuple[Source, ...]:
    """Return the sources that a URI names: one for a file or `-`, one a file for a folder or a glob, sorted by path.

    Args:
        uri: a path, a folder (searched in depth), a glob or `-`; `jsonl:PATH` forces the kind.
        kind: the kind of every file; by default each is recognised by its first lines.
        stdin: what `-` reads; it is copied to disk first, because recognising and correcting read it again.
        told: what the feeds do not say themselves.

    Raises:
        SourceError: where nothing is there, nothing is recognised, or the kind is unknown.
        UnsupportedError: for Kusto.
    """
    prefix, path = _split(uri)
    if kind is not None and prefix is not None and kind != prefix:
        raise SourceError(f"{uri}: asked for as {kind}", hint="give the kind once")
    chosen = _chosen(kind or prefix)
    if path == "-":
        if stdin is None:
            raise SourceError("nothing is on standard input", hint="pipe events into the command")
        return (_opened(spooled(stdin), chosen, told, alone=True),)
    found = tuple(_found(path, chosen))
    sources = tuple(_opened(place, chosen, told, alone=len(found) == 1) for place in found)
    if all(isinstance(source, _Unrecognised) for source in sources):
        raise SourceError(f"{uri}: no file of a known kind", hint=_hint())
    return sources


def fingerprint(uri: str) -> str:
    """Return the mark of what the file holds now, to be kept beside a position in it; empty for a stream or pipe.

    Raises:
        SourceError: where it cannot be read.
    """
    path = _split(uri)[1]
    return "" if _flows(path) else places.fingerprint(Place(Path(path), uri))


def still_holds(uri: str, mark: str) -> bool:
    """Say whether the file still starts with the bytes that `mark` was taken of, so that positions in it hold.

    A file that only grew does; one that was replaced or cut does not; a stream or pipe never does.

    Raises:
        SourceError: where it cannot be read.
    """
    path = _split(uri)[1]
    return not _flows(path) and places.still_holds(Place(Path(path), uri), mark)


def is_unfinished(uri: str, position: str) -> bool:
    """Say whether a position is the end of a file whose last line has no end yet, so that more of it may come.

    Raises:
        SourceError: where it cannot be read.
    """
    path = _split(uri)[1]
    return not _flows(path) and places.is_unfinished(Place(Path(path), uri), position)


def _flows(path: str) -> bool:
    """Say whether what is there can be read only once."""
    return path == "-" or (Path(path).exists() and not Path(path).is_file())


def _split(uri: str) -> tuple[str | None, str]:
    """Return (kind, path) of `jsonl:events.jsonl`, (None, path) of a bare path."""
    if uri.startswith("kusto:"):
        raise UnsupportedError("Kusto is not in this version", hint="export the tables to JSON lines and give those")
    prefix, colon, path = uri.partition(":")
    return (prefix, path) if colon and prefix in source_kinds() else (None, uri)


def _chosen(kind: str | None) -> SourceKind | None:
    if kind is not None and kind not in source_kinds():
        raise SourceError(f"unknown kind of source {kind!r}", hint=_hint())
    return source_kinds()[kind] if kind is not None else None


def _hint() -> str:
    return f"kinds are {', '.join(sorted(source_kinds()))}; force one by writing KIND:PATH"


def _found(path: str, chosen: SourceKind | None) -> Iterator[Place]:
    """Yield the files that a path, folder or glob names, sorted.

    Raises:
        SourceError: where there are none.
    """
    there = Path(path)
    if there.is_dir():
        files = _inside(there, chosen)
    elif not there.exists() and not _WILDCARDS.isdisjoint(path):
        files = _matching(path)
    else:
        files = {there}
    for file in sorted(files, key=lambda each: each.as_posix()):
        yield _placed(file)


def _inside(folder: Path, chosen: SourceKind | None) -> set[Path]:
    kinds: Iterable[SourceKind] = [chosen] if chosen else source_kinds().values()
    patterns = sorted({pattern for kind in kinds for pattern in kind.patterns})
    names = {pattern + suffix for pattern in patterns for suffix in SUFFIXES}
    files = {file for name in names for file in folder.rglob(name) if file.is_file()}
    if not files:
        raise SourceError(f"{folder}: holds no file named {', '.join(patterns)}", hint="name a file in it")
    return files


def _matching(pattern: str) -> set[Path]:
    names = glob(pattern, recursive=True)  # noqa: PTH207  # Path.glob takes no absolute pattern
    files = {Path(name) for name in names if Path(name).is_file()}
    if not files:
        raise SourceError(f"{pattern}: matches no file", hint="a pattern has to match files; name a folder without one")
    return files


def _placed(file: Path) -> Place:
    """Return the place of a file; a pipe or device is copied first, for it cannot be read twice."""
    if not file.exists():
        raise SourceError(f"{file}: no such file or folder", hint=f"give a file, a folder, a glob or -; {_hint()}")
    if file.is_file():
        return Place(file)
    try:
        with file.open("rb") as stream:
            return spooled(stream, str(file))
    except OSError as error:
        raise SourceError(f"{file}: {error.strerror}", hint="give a readable file, or a pipe") from error


def _opened(place: Place, chosen: SourceKind | None, told: Told, *, alone: bool) -> Source:
    head = _head(place) if chosen is None else []
    kind = chosen or _recognised(head)
    if kind in (Defender, None) and told.column_map is not None and (head or chosen):
        return Defender(place, told.column_map)
    if kind is Auditd:
        return Auditd(place, told.host)
    if kind is not None:
        return kind(place)
    if not head:
        return JsonLines(place)
    if alone:
        raise SourceError(f"{place.uri}: not recognised by its first lines", hint=_hint())
    return _Unrecognised(place)


def _recognised(head: Iterable[bytes | str]) -> SourceKind | None:
    for line in head:
        for kind in source_kinds().values():
            if isinstance(line, bytes) and kind.recognises(line):
                return kind
    return None


def _head(place: Place) -> list[bytes | str]:
    """Return the first lines of a file; of a binary one its first bytes, as if they were a line."""
    with place.open() as stream:
        try:
            start = stream.read(_BINARY_HEAD)
        except (EOFError, OSError, LZMAError, ZlibError):
            start = b""  # reading the lines says what is wrong
    return [start] if b"\0" in start else [line for _, line in islice(lines(place), _LINES_TRIED)]


class _Unrecognised:
    """A file among others that is of no known kind: refused aloud, once, so that the others are still read."""

    name: ClassVar[str] = "unrecognised"
    observes: ClassVar[frozenset[Facet | Measure]] = frozenset()

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def uri(self) -> str:
        """Return the place as the caller wrote it."""
        return self._place.uri

    def read(self, *, after: str | None = None) -> Iterator[tuple[str, Record]]:
        """Yield one refusal for the whole file."""
        for offset, line in islice(lines(self._place, after), 0 if after else 1):
            record = line if isinstance(line, bytes) else b""
            yield str(offset), rejected(offset, record, f"{display(self.uri)} is of no known kind: not read")
