"""Store raw telemetry, without judging it."""

from collections import defaultdict
from datetime import date

from leeway.events import AnyEvent
from leeway.modes.directory import Directory
from leeway.modes.ingest import FUTURE, Window, extent, last_periods, require_events
from leeway.modes.projections import merge_collection
from leeway.modes.report import Report
from leeway.modes.request import Request
from leeway.sources import Rejected, Skipped


def collect(directory: Directory, request: Request) -> Report:
    """Add the sources' events, or their last `count` periods, to the raw collections of their days (row B12).

    Days are merged by event id, so collecting twice changes nothing.

    Raises:
        SourceError: where a source cannot be read, or none of its records.
    """
    report = Report("collect", request.settings, observe=True)
    window = Window()
    if request.count is not None:
        window = last_periods(extent(request.sources, request.progress, request.now), request.period, request.count)
    days: dict[date, dict[str, AnyEvent]] = defaultdict(dict)
    for source in request.sources:
        # One transaction a source: one a refused record would be one wait for the disk each.
        with directory.database.transaction():
            for position, record in source.read():
                _sort(directory, request, report, window, days, (source.uri, position, record))
        request.progress(f"reading {source.uri}", report.read)
    for _, events in sorted(days.items()):
        files, added = merge_collection(directory.path, events)
        report.new += added
        report.duplicates += len(events) - added
        report.files += files
    require_events(report)
    return report


def _sort(
    directory: Directory,
    request: Request,
    report: Report,
    window: Window,
    days: dict[date, dict[str, AnyEvent]],
    found: tuple[str, str, AnyEvent | Rejected | Skipped],
) -> None:
    uri, position, record = found
    report.read += 1
    if isinstance(record, Skipped):
        report.skipped[record.reason] = report.skipped.get(record.reason, 0) + 1
    elif isinstance(record, Rejected) or record.time > request.now + FUTURE:
        reason = record.reason if isinstance(record, Rejected) else "dated in the future"
        text = record.record if isinstance(record, Rejected) else record.id
        report.rejected[reason] = report.rejected.get(reason, 0) + 1
        directory.database.reject(uri, position, reason, text)
    elif record.time not in window:
        report.outside += 1
    elif record.id in days[record.time.date()]:
        report.duplicates += 1
    else:
        days[record.time.date()][record.id] = record
