"""`leeway sources`."""

from collections import Counter

import typer

from leeway.cli import options as opt
from leeway.cli.output import ProgressLine, echo, echo_json, moment
from leeway.modes.observability import SIDES, Observability, Shown, observe_source
from leeway.sources import SourceKind, can_observe, source_kinds
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
    if not sources and not source:
        _list_kinds(json=json)
        return
    with ProgressLine() as progress:
        feeds = opt.opened(sources, source, feeds=opt.FeedFlags(column_map, host))
        found = [observe_source(one, progress) for one in feeds]
    if json:
        echo_json([_record(one) for one in found])
        return
    for one in found:
        _tell(one)


def _tell(found: Observability) -> None:
    span = f", {moment(found.first)} to {moment(found.last)}" if found.first and found.last else ""
    events = sum(found.events.values())
    echo(f"{found.kind}  {display(found.uri)}")
    echo(f"  {found.records:,} records, {events:,} events, {len(found.hosts):,} hosts{span}")
    if found.partial:
        echo(f"  hints only: {found.partial}")
    _listed("events", [f"{kind} {count:,}" for kind, count in found.events.most_common()])
    _listed("seen", [f"{side} {found.seen[side]:,}" for side in found.sides(Shown.SEEN)])
    for shown in (Shown.NOT_SEEN, Shown.NOT_OBSERVABLE):
        _listed(str(shown), [str(side) for side in found.sides(shown)])
    _listed("blind here", [f"{name} ({', '.join(sides)})" for name, sides in sorted(found.blind().items())])
    _reasons("rejected", found.rejected)
    _reasons("not used", found.skipped)
    echo()


def _listed(label: str, items: list[str]) -> None:
    if items:
        echo(f"  {label:<15} {', '.join(items)}")


def _reasons(label: str, reasons: Counter[str]) -> None:
    for reason, count in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:_REASONS_SHOWN]:
        echo(f"  {label:<15} {count:,}: {display(reason.removeprefix('not used: '), limit=120)}")
    if len(reasons) > _REASONS_SHOWN:
        echo(f"  {label:<15} and {len(reasons) - _REASONS_SHOWN} reasons more; --json has them all")


def _record(found: Observability) -> dict[str, object]:
    return {
        "kind": found.kind,
        "uri": found.uri,
        "partial": found.partial,
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
    kinds = source_kinds()
    if json:
        echo_json([{"kind": name, "observes": _sides(kind)} for name, kind in sorted(kinds.items())])
        return
    for name, kind in sorted(kinds.items()):
        partial = str(getattr(kind, "is_partial", ""))
        echo(f"{name}  {display(', '.join(kind.patterns), limit=100)}{f'  (hints: {partial})' if partial else ''}")
        _listed("can show", _sides(kind))
        _listed("cannot show", [str(side) for side in SIDES if side not in can_observe(kind)])


def _sides(kind: SourceKind) -> list[str]:
    return [str(side) for side in SIDES if side in can_observe(kind)]
