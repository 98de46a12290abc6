"""Judge what is new against the baselines, and learn from each day when it closes."""

from datetime import datetime

from leeway.modes.closing import close_days, not_observable
from leeway.modes.directory import Directory
from leeway.modes.ingest import Ingestion, Trust, Window, extent, last_periods, require_events
from leeway.modes.projections import list_baselines, write_alerts
from leeway.modes.report import Report
from leeway.modes.request import Request


def detect(directory: Directory, request: Request) -> Report:
    """Judge the events of the sources that are not known yet, or their last `count` periods (row B11).

    With `observe` everything is judged and stored and nothing is delivered.

    Raises:
        SourceError: where a source cannot be read, or none of its records.
    """
    report = Report("detect", request.settings, observe=request.observe)
    if request.observe:
        directory.recipients = ()
    window = Window()
    if request.count is not None:
        seen = extent(request.sources, request.progress, request.now, request.engine)
        window = last_periods(seen, request.period, request.count)
    until = directory.database.meta("trusted_until")
    trust = Trust(datetime.fromisoformat(until) if until else None, request.lateness)
    ingestion = Ingestion(directory, request, report, window, trust)
    ingestion.run()
    require_events(report)
    close_days(directory, request, report, ingestion.changed, all_past=False)
    report.not_observable = not_observable(request)
    list_baselines(directory, request, report)
    if not request.observe:
        report.files += write_alerts(directory, request, report.findings)
    return report
