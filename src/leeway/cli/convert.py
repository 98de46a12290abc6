"""`leeway convert`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from leeway.cli import FAILED
from leeway.cli import options as opt
from leeway.cli.output import ProgressLine, echo, echo_json, warn_of
from leeway.errors import InvalidConfigError, SourceError
from leeway.events import AnyEvent, Facet, Measure
from leeway.modes.ingest import require_some
from leeway.modes.report import tally
from leeway.sources import Rejected, Skipped, Source, write_event_table
from leeway.text import display

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The Parquet file to write.")],
    sources: opt.SourceArguments = None,
    source: opt.Sources = None,
    column_map: opt.ColumnMapOption = None,
    host: opt.HostOption = "",
    force: Annotated[bool, typer.Option("--force", help="Replace the file where it is there.")] = False,
    json: opt.Json = False,
) -> None:
    """Write the events of any sources as one Parquet file.

    Sorted by time, each event once, without secrets; it is read as any source is, and takes less room. What the sources
    can show is noted in it. While it is written, the folder of FILE holds the events twice.
    """
    _refuse_to_replace(out, force=force)
    taken = _Taken()
    with ProgressLine() as progress:
        feeds = opt.opened(sources, source, feeds=opt.FeedFlags(column_map, host))
        written = write_event_table(out, taken.events(feeds, progress), lambda: taken.observes)
    warn_of(taken.rejected)
    if json:
        echo_json(_record(out, taken, written))
    else:
        _tell(out, taken, written)
    if taken.unreadable:
        raise typer.Exit(FAILED)


def _refuse_to_replace(out: Path, *, force: bool) -> None:
    """Refuse a path that holds something, before anything is read.

    Raises:
        InvalidConfigError: where there is a file and it is not to be replaced, or something that is no file.
    """
    if out.is_dir() or (out.exists() and not out.is_file()):
        raise InvalidConfigError(f"{out} is no file", hint="give the name of a file to write")
    if out.exists() and not force:
        raise InvalidConfigError(f"{out} is there already", hint="--force replaces it")


@dataclass
class _Taken:
    """What was taken from the sources."""

    sources: int = 0
    records: int = 0
    found: int = 0
    """Events among the records, those that come twice included."""
    rejected: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    """Source to why it could not be read on; what came before that was taken."""
    observes: frozenset[Facet | Measure] = frozenset()
    host_not_told: bool = False

    def events(self, feeds: tuple[Source, ...], progress: ProgressLine) -> Iterator[AnyEvent]:
        """Yield the events of all sources, counting what is none.

        Raises:
            SourceError: where records were refused, or sources could not be read, and there is no event at all.
        """
        for feed in feeds:
            self.sources += 1
            try:
                yield from self._of_one(feed, progress)
            except SourceError as error:
                if len(feeds) == 1 and not self.found:
                    raise
                self.unreadable[feed.uri] = str(error)
            # Asked behind the reading: some sources know only then what they show.
            self.observes |= feed.observes
            self.host_not_told |= bool(getattr(feed, "host_not_told", False))
        if self.unreadable and not self.found:
            raise SourceError(f"none of {self.sources} sources could be read: {min(self.unreadable.values())}")
        require_some(self.rejected, is_empty=not self.found)
        progress("writing", self.found)

    def _of_one(self, feed: Source, progress: ProgressLine) -> Iterator[AnyEvent]:
        for _, record in feed.read():
            self.records += 1
            progress(f"reading {feed.uri}", self.records)
            if isinstance(record, Rejected):
                tally(self.rejected, record.reason)
            elif isinstance(record, Skipped):
                tally(self.skipped, record.reason)
            else:
                self.found += 1
                yield record


def _tell(out: Path, taken: _Taken, written: int) -> None:
    echo(
        f"convert: {taken.records:,} records read, {written:,} events written to {display(str(out), limit=200)}, "
        f"{taken.found - written:,} that came twice left out"
    )
    for reason, count in sorted(taken.skipped.items(), key=lambda pair: (-pair[1], pair[0])):
        echo(f"  not used {count:,}: {display(reason.removeprefix('not used: '), limit=200)}")
    for uri, reason in sorted(taken.unreadable.items()):
        echo(f"  could not read {display(uri)}: {display(reason.removeprefix(f'{uri}: '), limit=200)}")
    if taken.host_not_told:
        echo("  a log names no host: --host NAME says whose it is; without it all such logs count as one")


def _record(out: Path, taken: _Taken, written: int) -> dict[str, object]:
    return {
        "file": str(out),
        "sources": taken.sources,
        "records": taken.records,
        "events": written,
        "duplicates": taken.found - written,
        "rejected": taken.rejected,
        "skipped": taken.skipped,
        "unreadable": taken.unreadable,
        "observes": sorted(taken.observes),
        "host_not_told": taken.host_not_told,
    }
