"""Find what a URI names, and open it as the feed it is."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from itertools import islice
from pathlib import Path
from typing import BinaryIO, ClassVar, Final, NamedTuple

from leeway.errors import SourceError, UnsupportedError
from leeway.events import Facet, Measure
from leeway.sources import folders, places
from leeway.sources.auditd import Auditd
from leeway.sources.collections import Collection
from leeway.sources.column_map import ColumnMap
from leeway.sources.defender import Defender
from leeway.sources.ecs import Ecs
from leeway.sources.event_table import EventTable
from leeway.sources.evtx import Evtx
from leeway.sources.falco import Falco
from leeway.sources.jsonl import JsonLines
from leeway.sources.lines import lines
from leeway.sources.nested_json import is_begun
from leeway.sources.osquery import Osquery
from leeway.sources.parquet_file import MAGIC, header_of
from leeway.sources.places import Place, spooled
from leeway.sources.records import Feed, Record, Source, SourceKind, rejected
from leeway.sources.refusals import Refusal, refusal_of
from leeway.sources.renamed import misfit
from leeway.sources.sysmon import Sysmon
from leeway.sources.tetragon import Tetragon
from leeway.sources.winlogbeat import Winlogbeat
from leeway.text import display

SOURCES: Final[tuple[SourceKind, ...]] = (
    JsonLines,
    EventTable,
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

_BINARY_HEAD: Final = 4_096
"""Bytes of a binary file by which it is recognised."""

_LINES_TRIED: Final = 200
"""Lines of a file by which it is recognised: what a program says as it starts may stand before its records."""

_BYTES_TRIED: Final = 1 << 20
"""Bytes of them that are tried, however long they are: the line that reaches it is the last one."""


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
    """How the columns of a renamed table are called; for tables of Defender and files of no known kind that it fits."""
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
    found = [_placed(file) for file in folders.found_files(path, _patterns(chosen))]
    sources = tuple(_opened(place, chosen, told, alone=len(found) == 1) for place in found)
    _require_known(uri, sources)
    return sources


def passed_over(uri: str) -> tuple[str, ...]:
    """Return the files of the folder that a URI names which no pattern names, so that nothing opens them; at most 20.

    They are paths within the folder; those on top come first. Folders within it that cannot be read are among them. Of
    anything but a folder there are none.

    Raises:
        SourceError: where the folder cannot be read.
    """
    prefix, path = _split(uri)
    if path == "-" or not Path(path).is_dir():
        return ()
    return folders.passed_over(Path(path), _patterns(_chosen(prefix)))


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


def _patterns(chosen: SourceKind | None) -> set[str]:
    """Return the names that a folder is searched for."""
    kinds: Iterable[SourceKind] = [chosen] if chosen else source_kinds().values()
    return {pattern for kind in kinds for pattern in kind.patterns}


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
    try:
        head = _head(place) if chosen is None else []
    except SourceError:
        if alone:
            raise
        head = []  # the others are read, and reading this one says what is wrong
    kind = chosen or _recognised(head)
    if kind is Defender:
        return Defender(place, told.column_map if chosen else _fitting(place, head, told.column_map, alone=alone))
    if kind is Auditd:
        return Auditd(place, told.host)
    if kind is not None:
        return kind(place)
    return _unknown(place, head, told.column_map, alone=alone) if head else JsonLines(place)


def _fitting(place: Place, head: list[bytes | str], column_map: ColumnMap | None, *, alone: bool) -> ColumnMap | None:
    """Return the map where it is for a table that was recognised by Microsoft's own names, which needs none."""
    if column_map is None or misfit(place, head, column_map, is_known=True):
        return None
    # A map that names no column fits every table; what it says of one table is not to be said of all in a folder.
    return column_map if alone or column_map.columns or not column_map.constants else None


def _unknown(place: Place, head: list[bytes | str], column_map: ColumnMap | None, *, alone: bool) -> Source:
    """Return the source of a file of no known kind: a renamed table where a map fits it.

    Raises:
        SourceError: where it is the only file, and no map was given.
    """
    lacks = misfit(place, head, column_map, is_known=False) if column_map is not None else ""
    if column_map is not None and (alone or not lacks):
        return Defender(place, column_map)  # alone, reading it says which column is missing
    found = refusal_of(place)
    if alone:
        raise SourceError(f"{place.uri}: not recognised by its first lines: {found.seen}", hint=found.hint or _hint())
    return _Unrecognised(place, found._replace(hint=lacks) if lacks else found)


def _require_known(uri: str, sources: tuple[Source, ...]) -> None:
    unknown = [source for source in sources if isinstance(source, _Unrecognised)]
    if len(unknown) < len(sources):
        return
    first = unknown[0]
    raise SourceError(
        f"{uri}: no file of a known kind among {len(unknown)}; {first.uri}: {first.refusal.seen}",
        hint=first.refusal.hint or _hint(),
    )


def _recognised(head: Iterable[bytes | str]) -> SourceKind | None:
    for line in head:
        for kind in source_kinds().values():
            if isinstance(line, bytes) and kind.recognises(line):
                return kind
    return None


def _head(place: Place) -> list[bytes | str]:
    """Return the first lines of a file; of a binary one its first bytes, as if they were a line; of Parquet its header.

    Of JSON that goes over several lines it is the first one only: what follows are parts, and no records.
    """
    with place.open() as stream:
        try:
            start = stream.read(_BINARY_HEAD)
        except (EOFError, OSError):
            start = b""  # reading the lines says what is wrong
    if start.startswith(MAGIC):
        return [header_of(place)]
    return [start] if b"\0" in start else list(_first_lines(place))


def _first_lines(place: Place) -> Iterator[bytes | str]:
    """Yield them as far as they can be read: reading for good comes to the same flaw and says so.

    Raises:
        SourceError: where not one can.
    """
    found = False
    try:
        for offset, line in islice(lines(place), _LINES_TRIED):
            yield line
            if offset >= _BYTES_TRIED or (not found and is_begun(line)):
                break
            found = True
    except SourceError:
        if not found:
            raise


class _Unrecognised(Feed):
    """A file among others that is of no known kind: refused aloud, once, so that the others are still read."""

    name: ClassVar[str] = "unrecognised"
    observes: ClassVar[frozenset[Facet | Measure]] = frozenset()

    def __init__(self, place: Place, refusal: Refusal) -> None:
        super().__init__(place)
        self.refusal = refusal

    def read(self, *, after: str | None = None) -> Iterator[tuple[str, Record]]:
        """Yield one refusal for the whole file."""
        told = "; ".join(filter(None, self.refusal))
        for offset, line in islice(lines(self._place, after), 0 if after else 1):
            record = line if isinstance(line, bytes) else b""
            yield str(offset), rejected(offset, record, f"{display(self.uri)} is of no known kind: not read: {told}")
