"""`leeway sources`."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import typer

from leeway.cli import options as opt
from leeway.cli.output import ProgressLine, echo, echo_json, moment
from leeway.modes.observability import HOSTS, SIDES, Observability, Shown, observe_source, total_of
from leeway.sources import PASSED_OVER_LIMIT, SourceKind, can_observe, passed_over, source_kinds
from leeway.text import display

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_REASONS_SHOWN = 8


@app.command()
def command(
    sources: opt.SourceArguments = None,
    source: opt.Sources = None,
    column_map: opt.ColumnMapOption = None,
    host: opt.HostOption = "",
    json: opt.Json = False,
) -> None:
    """Say what a source shows, and what it cannot.

    Facet by facet: seen, not seen, not observable by this sensor.

    Where a facet is not observable, a detector of it is blind: its silence is not quiet. Without a source, the kinds
    that can be read are listed with what each can show at all.
    """
    uris = [*(sources or ()), *(source or ())]
    if not uris:
        _list_kinds(json=json)
        return
    with ProgressLine() as progress:
        places = [_looked_at(uri, opt.FeedFlags(column_map, host), progress) for uri in uris]
    if json:
        echo_json([record for place in places for record in _records(place)])
    else:
        _tell_places(places)


class _Place(NamedTuple):
    """What one URI named, and what it showed."""

    found: list[Observability]
    passed_over: tuple[str, ...]


def _looked_at(uri: str, told: opt.FeedFlags, progress: ProgressLine) -> _Place:
    feeds = opt.opened([uri], feeds=told)
    return _Place([observe_source(one, progress) for one in feeds], passed_over(uri))


def _tell_places(places: list[_Place]) -> None:
    for place in places:
        for one in place.found:
            _tell(one)
        _tell_passed_over(place.passed_over)
    found = [one for place in places for one in place.found]
    if len(found) > 1:
        _tell_total(total_of(found), len(found))


def _tell(found: Observability) -> None:
    echo(f"{found.kind}  {display(found.uri)}")
    echo(f"  {_counts(found)}")
    if found.partial:
        echo(f"  hints only: {found.partial}")
    if found.host_not_told:
        echo("  the log names no host: --host NAME says whose it is")
    _listed("events", [f"{kind} {count:,}" for kind, count in found.events.most_common()])
    _listed("seen", [f"{side} {found.seen[side]:,}" for side in found.sides(Shown.SEEN)])
    if found.observes:  # of a file of no known kind there is only the reason why it is not read
        for shown in (Shown.NOT_SEEN, Shown.NOT_OBSERVABLE):
            _listed(str(shown), [str(side) for side in found.sides(shown)])
        _listed("blind here", [f"{name} ({', '.join(sides)})" for name, sides in sorted(found.blind().items())])
    _reasons("rejected", found.rejected)
    _reasons("not used", found.skipped)
    echo()


def _counts(found: Observability) -> str:
    span = f", {moment(found.first)} to {moment(found.last)}" if found.first and found.last else ""
    events = sum(found.events.values())
    more = " or more" if len(found.hosts) >= HOSTS else ""
    return f"{found.records:,} records, {events:,} events, {len(found.hosts):,} hosts{more}{span}"


def _tell_passed_over(names: tuple[str, ...]) -> None:
    if names:
        files = "1 file" if len(names) == 1 else f"{len(names)} files"
        more = " or more" if len(names) == PASSED_OVER_LIMIT else ""
        named = ", ".join(display(name, limit=60) for name in names)
        echo(f"passed over {files}{more}, which no kind's patterns name: {named}")
        echo()


def _tell_total(total: Observability, sources: int) -> None:
    echo(f"total of {sources:,} sources")
    echo(f"  {_counts(total)}")
    _listed("seen", [f"{side} {total.seen[side]:,}" for side in total.sides(Shown.SEEN)])
    _listed("blind in all", [f"{name} ({', '.join(sides)})" for name, sides in sorted(total.blind().items())])


def _listed(label: str, items: list[str]) -> None:
    if items:
        echo(f"  {label:<15} {', '.join(items)}")


def _reasons(label: str, reasons: Counter[str]) -> None:
    for reason, count in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:_REASONS_SHOWN]:
        echo(f"  {label:<15} {count:,}: {display(reason.removeprefix('not used: '))}")
    if len(reasons) > _REASONS_SHOWN:
        echo(f"  {label:<15} and {len(reasons) - _REASONS_SHOWN} reasons more; --json has them all")


def _records(place: _Place) -> Iterator[dict[str, object]]:
    """Yield the record of each source; what was passed over stands with the first one of its folder."""
    for number, one in enumerate(place.found):
        yield {**_record(one), "passed_over": [] if number else list(place.passed_over)}


def _record(found: Observability) -> dict[str, object]:
    return {
        "kind": found.kind,
        "uri": found.uri,
        "partial": found.partial,
        "host_not_told": found.host_not_told,
        "records": found.records,
        "events": dict(sorted(found.events.items())),
        "hosts": len(found.hosts),
        "first": found.first,
        "last": found.last,
        "facets": {str(side): {"state": str(found.shown(side)), "events": found.seen[side]} for side in SIDES},
        "blind_detectors": found.blind(),
        "rejected": dict(sorted(found.rejected.items())),
        "skipped": dict(sorted(found.skipped.items())),
    }


def _list_kinds(*, json: bool) -> None:
    kinds = dict(sorted(source_kinds().items()))
    if json:
        echo_json([{"kind": name, "partial": _partial(kind), "observes": _sides(kind)} for name, kind in kinds.items()])
        return
    for name, kind in kinds.items():
        hints = f"  (hints: {partial})" if (partial := _partial(kind)) else ""
        echo(f"{name}  {display(', '.join(kind.patterns), limit=100)}{hints}")
        _listed("can show", _sides(kind))
        _listed("cannot show", [str(side) for side in SIDES if side not in can_observe(kind)])


def _sides(kind: SourceKind) -> list[str]:
    return [str(side) for side in SIDES if side in can_observe(kind)]


def _partial(kind: SourceKind) -> str:
    return str(getattr(kind, "partial", ""))
