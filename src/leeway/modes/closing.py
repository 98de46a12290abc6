"""Which days to judge, which of them to close, and what came of it."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from leeway.agents import catalogue
from leeway.detectors import ALL
from leeway.events import AnyEvent, decode
from leeway.findings import Finding
from leeway.modes.directory import Directory
from leeway.modes.report import Report
from leeway.modes.request import Request
from leeway.pipeline import DayEvents, Terms, close_day


def terms_of(directory: Directory, request: Request) -> Terms:
    """Return the terms under which the days of this run are judged."""
    return Terms(
        ids=directory.ids,
        settings=request.settings,
        policy=request.policy,
        catalogue=catalogue(),
        engine=request.engine,
        detectors=ALL,
        verdicts=directory.verdicts(),
    )


def close_days(directory: Directory, request: Request, report: Report, changed: set[int], *, all_past: bool) -> None:
    """Judge every day from the first that changed on, and close those that are over.

    A day is over when the watermark, or the caller's clock, passes its end by the allowed lateness; with `all_past`
    (a bootstrap closes even the part of a day it ends in) all are. A closed day that changed is opened again.
    """
    first = _first_day(directory, changed)
    if first is None:
        return
    closed = directory.closed_through
    if closed is not None and first <= closed:
        report.opened_again += [date.fromordinal(one).isoformat() for one in sorted(changed) if one <= closed]
        directory.database.count("days judged again", len(report.opened_again))
        directory.reopen(first)
    known = {one.finding_id: one for one in directory.findings()}
    world = directory.world(first)
    terms = terms_of(directory, request)
    for number, day in enumerate(directory.database.event_days(first)):
        request.progress(f"judging {date.fromordinal(day)}", number)
        is_final = all_past or _is_over(directory, request, day)
        outcome = close_day(world, _events(directory, day), terms, is_final=is_final)
        world = outcome.world
        if is_final:
            directory.commit(outcome, request.settings.caps.keep_days)
        else:
            directory.commit_open(outcome)
        (report.closed if is_final else report.open).append(outcome.day.isoformat())
        report.findings += _news(known, outcome.findings)
        report.agents = max(report.agents, len(outcome.summaries))


def _first_day(directory: Directory, changed: set[int]) -> int | None:
    closed = directory.closed_through
    waiting = directory.database.event_days((closed or 0) + 1)
    return min([*changed, *waiting[:1]], default=None)


def _is_over(directory: Directory, request: Request, day: int) -> bool:
    mark = directory.database.meta("watermark")
    reached = max(request.now, datetime.fromisoformat(mark)) if mark else request.now
    end = datetime.combine(date.fromordinal(day), time(), UTC) + timedelta(days=1)
    return reached >= end + request.lateness


def _events(directory: Directory, day: int) -> DayEvents:
    trusted: list[AnyEvent] = []
    judged: list[AnyEvent] = []
    for is_trusted, body in directory.database.events(day):
        (trusted if is_trusted else judged).append(decode(body))
    return DayEvents(date.fromordinal(day), tuple(judged), tuple(trusted))


def _news(known: dict[str, Finding], findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that nobody was told of yet, or that say something else now."""
    return [
        one
        for one in findings
        if (old := known.get(one.finding_id)) is None or (old.severity, old.evidence) != (one.severity, one.evidence)
    ]


def not_observable(request: Request) -> dict[str, list[str]]:
    """Return, for each detector some of whose facets no source of the run can see, those facets."""
    seen = frozenset().union(*(source.observes for source in request.sources)) if request.sources else frozenset()
    blind = {one.name: [str(facet) for facet in one.facets if facet not in seen] for one in ALL}
    return {name: facets for name, facets in blind.items() if facets}
