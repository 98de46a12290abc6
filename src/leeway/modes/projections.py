"""The files people read: projections of the committed state, each written whole or not at all (row B41)."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import msgspec

from leeway.baselines import Baseline, Entry, state_of
from leeway.errors import StateError
from leeway.events import AnyEvent, Value
from leeway.findings import Finding, Severity
from leeway.modes.directory import Directory
from leeway.modes.report import Report
from leeway.modes.request import Request
from leeway.sinks import CsvAlerts, escaped
from leeway.sources import Collection, Place, Rejected, Skipped, file_name, render
from leeway.storage import make_private_directory, write_whole

_JSON = msgspec.json.Encoder(order="sorted")

COLLECTIONS = "raw_collections"

LISTED = 50_000
"""Values of all baselines together up to which every run writes them as JSON; some 10 MB."""

_LATEST = "baseline_latest.json"


def list_baselines(directory: Directory, request: Request, report: Report) -> None:
    """Write the baselines with a run, and say so in its report, or there that they hold too many values for that.

    Then the one that says it is the latest is removed: it no longer is.
    """
    held = directory.values_in_files()
    baselines = directory.baselines() if held <= LISTED else {}
    held = max(held, sum(len(values) for one in baselines.values() for values in one.entries.values()))
    if held <= LISTED:
        report.files += write_baselines(directory, request, baselines)
    else:
        report.values_not_listed = held
        (directory.path / "baselines" / _LATEST).unlink(missing_ok=True)


def write_baselines(
    directory: Directory, request: Request, baselines: Mapping[str, Baseline] | None = None
) -> list[str]:
    """Write `baselines/baseline_latest.json` and a dated copy, whatever their size; return their paths.

    `baselines` are those of the directory where they were read already.
    """
    folder = directory.path / "baselines"
    make_private_directory(folder)
    document = baseline_document(directory, request, baselines)
    content = escaped(msgspec.json.format(_JSON.encode(document), indent=1)) + b"\n"
    names = [f"baseline_{request.now:%Y%m%d_%H%M%S}.json", _LATEST]
    for name in names:
        write_whole(folder / name, content)
    return [str(folder / name) for name in names]


def write_alerts(directory: Directory, request: Request, news: Iterable[Finding]) -> list[str]:
    """Write the findings of LOW and more: the new ones to a dated file, all to `alerts/all_alerts.csv`."""
    folder = directory.path / "alerts"
    make_private_directory(folder)
    files = {
        f"alerts_{request.now:%Y%m%d_%H%M%S}.csv": _deliverable(news),
        "all_alerts.csv": _deliverable(directory.findings()),
    }
    for name, findings in files.items():
        write_whole(folder / name, CsvAlerts().render(findings))
    return [str(folder / name) for name in files]


def _deliverable(findings: Iterable[Finding]) -> list[Finding]:
    kept = [one for one in findings if one.severity >= Severity.LOW]
    return sorted(kept, key=lambda one: (one.day, -one.severity, one.finding_id))


def baseline_document(
    directory: Directory, request: Request, baselines: Mapping[str, Baseline] | None = None
) -> dict[str, object]:
    """Return every baseline as plain values, in the order of agent ids; `baselines` as in `write_baselines`."""
    known = directory.baselines() if baselines is None else baselines
    settings = request.settings
    today = (directory.closed_through or 0) + 1
    return {
        "learning_days": settings.profile.learning_days,
        "established_days": settings.profile.established_days,
        "scope": str(settings.scope),
        "closed_through": date.fromordinal(today - 1).isoformat() if today > 1 else None,
        "baselines": [
            {"state": str(state_of(one, today, settings.profile)), **baseline_record(one)}
            for _, one in sorted(known.items())
        ],
    }


def baseline_record(baseline: Baseline) -> dict[str, object]:
    """Return one baseline as plain values."""
    return {
        "agent": baseline.agent,
        "name": str(baseline.key),
        "key": msgspec.structs.asdict(baseline.key),
        "first_day": date.fromordinal(baseline.first_day),
        "last_day": date.fromordinal(baseline.last_day),
        "active_days": baseline.active_days,
        "events": baseline.events,
        "facets": {facet: _listed(values) for facet, values in sorted(baseline.entries.items())},
        "pending": {
            facet: _listed({value: one.entry for value, one in values.items()})
            for facet, values in sorted(baseline.pending.items())
        },
        "hourly_sums": {
            measure: {date.fromordinal(day).isoformat(): _by_hour(hours) for day, hours in days.items()}
            for measure, days in sorted(baseline.hourly.items())
        },
        "provenance": [{"mode": one.mode, "first": one.first, "last": one.last} for one in baseline.provenance],
        "values_let_go": baseline.evicted,
    }


def _by_hour(hours: Mapping[int, int]) -> dict[str, int]:
    return {f"{hour:02d}": amount for hour, amount in sorted(hours.items())}


def _listed(values: Mapping[Value, Entry]) -> list[dict[str, object]]:
    return [
        {
            "value": list(value),
            "count": entry.count,
            "days": entry.days.bit_count(),
            "first_day": date.fromordinal(entry.first),
            "last_day": date.fromordinal(entry.last),
        }
        for value, entry in sorted(values.items())
    ]


def merge_collection(root: Path, events: Mapping[str, AnyEvent]) -> tuple[list[str], int]:
    """Add a day's events to its raw collections; return the files and how many events were not there yet."""
    folder = root / COLLECTIONS
    make_private_directory(folder)
    names = {event_id: file_name(event) for event_id, event in events.items()}
    paths, added = [], 0
    for name in sorted(set(names.values())):
        path = folder / name
        known = {event.id: event for event in _collected(path)}
        fresh = {one: event for one, event in events.items() if names[one] == name and one not in known}
        write_whole(path, render([*known.values(), *fresh.values()]))
        paths.append(str(path))
        added += len(fresh)
    return paths, added


def _collected(path: Path) -> list[AnyEvent]:
    if not path.exists():
        return []
    events: list[AnyEvent] = []
    for position, record in Collection(Place(path)).read():
        if isinstance(record, Rejected | Skipped):
            raise StateError(
                f"{path}: a row before byte {position} cannot be read: {record.reason}", hint="mend or move the file"
            )
        events.append(record)
    return events
