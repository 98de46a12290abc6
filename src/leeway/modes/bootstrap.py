"""Build or extend baselines, trusting what is read."""

from datetime import timedelta

from leeway.modes.closing import close_days, not_observable
from leeway.modes.directory import Directory
from leeway.modes.ingest import Ingestion, Window, extent, first_periods, require_events
from leeway.modes.projections import list_baselines
from leeway.modes.report import Report
from leeway.modes.request import Request


def bootstrap(directory: Directory, request: Request, *, mode: str = "bootstrap") -> Report:
    """Learn from the sources: all of them, or their first `count` periods (row B10).

    Nothing is judged; everything but the never-learn list is learnt, and the baselines' provenance says so. A
    bootstrap that ends inside a day closes that part of it.

    Raises:
        SourceError: where a source cannot be read, or none of its records.
    """
    report = Report(mode, request.settings, observe=request.observe)
    window = Window()
    if request.count is not None:
        seen = extent(request.sources, request.progress, request.now, request.engine)
        window = first_periods(seen, request.period, request.count)
    ingestion = Ingestion(directory, request, report, window, None)
    ingestion.run()
    require_events(report)
    if ingestion.last is not None:
        end = window.end or ingestion.last + timedelta(microseconds=1)
        known = directory.database.meta("trusted_until")
        with directory.database.transaction():
            directory.database.set_meta("trusted_until", max(known or "", end.isoformat()))
    close_days(directory, request, report, ingestion.changed, all_past=True)
    report.not_observable = not_observable(request)
    list_baselines(directory, request, report)
    return report
