"""Which days to judge, which of them to close, and what came of it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from leeway.agents import catalogue
from leeway.detectors import ALL
from leeway.events import AnyEvent, decode
from leeway.findings import Finding
from leeway.modes.batches import close_run, next_run
from leeway.modes.directory import Directory
from leeway.modes.ingest import CHANGED_SINCE
from leeway.modes.report import Report
from leeway.modes.request import Request
from leeway.pipeline import DayEvents, Outcome, Terms, World, close_day
from leeway.pipeline.world import remembered

MISSING_TOLD = 366
"""Days without events in a row that are told one by one."""


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
    seen = directory.closed_through
    first = _reopened(directory, report, changed)
    if first is None:
        return
    days = directory.database.event_days(first)
    report.without_events += _without_events(seen, days)
    _Closing(directory, request, report, all_past=all_past).run(days)


class _Closing:
    """The days of one run: those whose events lie in files together where the engine can, all others one by one."""

    def __init__(self, directory: Directory, request: Request, report: Report, *, all_past: bool) -> None:
        self._directory = directory
        self._request = request
        self._report = report
        self._all_past = all_past
        self._known = {one.finding_id: one for one in directory.findings()}
        self._terms = terms_of(directory, request)
        self._world: World | None = None
        """What the days before the next one taught; None where that is to be read."""
        self._before: int | None = None
        """The day whose findings the world remembers as yesterday's."""
        self._refused: int | None = None
        """The day that the engine could not close from its files."""
        self._judged = 0

    def run(self, days: Sequence[int]) -> None:
        """Judge all of some days, in their order."""
        left = days
        while left:
            closed = self._close_together(left)
            if not closed:
                self._fold(left[0], is_last=len(left) == 1)
            left = left[closed or 1 :]

    def _close_together(self, days: Sequence[int]) -> int:
        """Close the first of `days` that close together, and return how many that were."""
        run = next_run(self._directory, self._request, days, self._is_final)
        if not run or run[0] == self._refused:
            return 0
        self._world = None
        closed = close_run(self._directory, self._request, self._terms, run)
        for outcome in closed.outcomes:
            self._tell(outcome, is_final=True)
        self._report.agents = max(self._report.agents, closed.agents)
        self._refused = run[len(closed.outcomes)] if len(closed.outcomes) < len(run) else None
        return len(closed.outcomes)

    def _fold(self, day: int, *, is_last: bool) -> None:
        self._request.progress(f"judging {date.fromordinal(day)}", self._judged)
        world = self._world_before(day)
        is_final = self._is_final(day)
        events = _events(self._directory, day)
        outcome = close_day(world, events, self._terms, is_final=is_final)
        # Behind an open day the next one is judged as if that had closed with what came so far: what it will teach
        # would else be shown as new once more, and be gone at the close.
        is_followed = not is_final and not is_last
        self._world = (close_day(world, events, self._terms) if is_followed else outcome).world
        self._before = day if is_final else None
        if is_final:
            self._directory.commit(outcome, self._request.settings.caps.keep_days)
        else:
            self._directory.commit_open(outcome)
        self._report.agents = max(self._report.agents, len(outcome.summaries))
        self._tell(outcome, is_final=is_final)

    def _world_before(self, day: int) -> World:
        if self._world is None:
            return self._directory.world(day)
        return self._world if day - 1 == self._before else _rested(self._world, day)

    def _is_final(self, day: int) -> bool:
        return self._all_past or _is_over(self._directory, self._request, day)

    def _tell(self, outcome: Outcome, *, is_final: bool) -> None:
        self._judged += 1
        (self._report.closed if is_final else self._report.open).append(outcome.day.isoformat())
        self._report.findings += _news(self._known, outcome.findings)
        self._report.hosts_in_doubt |= {doubt.label: list(doubt.full_names) for doubt in outcome.doubts}


def _without_events(seen: int | None, days: Iterable[int]) -> list[str]:
    """Return the days between the last closed one and the next ones on which nobody was watched at all."""
    missing: list[str] = []
    for day in days:
        if seen is not None and day > seen:
            missing += [date.fromordinal(one).isoformat() for one in range(seen + 1, min(day, seen + 1 + MISSING_TOLD))]
            seen = day
    return missing


def _reopened(directory: Directory, report: Report, changed: set[int]) -> int | None:
    """Return the first day to judge, closed days that changed opened again; None where there is nothing to judge."""
    pending = directory.database.meta(CHANGED_SINCE)
    changed = changed | {int(pending)} if pending else changed
    closed = directory.closed_through or 0
    waiting = directory.database.event_days(closed + 1)
    first = min([*changed, *waiting[:1]], default=None)
    if first is not None and first <= closed:
        report.opened_again += [date.fromordinal(one).isoformat() for one in sorted(changed) if one <= closed]
        directory.database.count("days judged again", len(report.opened_again))
        first = directory.reopen(first)
    elif first is not None:
        directory.forget_open(first)
    return first


def _rested(world: World, day: int) -> World:
    """Return a world for a day that does not follow the last closed one: no yesterday, and forgetting as of then.

    So a run over many days knows the same on each of them as many runs over one day do.
    """
    return replace(world, yesterday={}, instances=remembered(world.instances.values(), day - 1))


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
    # One that a row has as well was only judged in its file, and is trusted since.
    in_rows = {event.id for event in (*trusted, *judged)}
    for is_trusted, event in directory.tables.events(day):
        if event.id not in in_rows:
            (trusted if is_trusted else judged).append(event)
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
