"""What the four modes have in common on the command line."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import typer

from leeway.cli import FAILED, FOUND
from leeway.cli.options import (
    NO_FEED_FLAGS,
    EngineFlags,
    FeedFlags,
    SinkFlags,
    chosen,
    id_key,
    now,
    opened,
    outlets_of,
    policy_of,
)
from leeway.cli.output import ProgressLine, echo, echo_json, moment, severity
from leeway.findings import CAUTION, Severity, ranked
from leeway.modes import Directory, Period, Report, Request, deliver, open_directory
from leeway.sinks import Outlet, Recipient
from leeway.text import display

_SHOWN = 20
"""Findings that a run prints."""

_FILES_SHOWN = 4
"""Files that a run names, the last ones."""

_DOUBTS_SHOWN = 10
"""Short names of hosts in doubt that are listed."""

_DAYS_SHOWN = 10
"""Days that a run names one by one."""


class Flags(NamedTuple):
    """The flags of one mode."""

    source: list[str] | None
    output_dir: Path
    periods: int | None = None
    period: Period = Period.DAY
    learning_days: int | None = None
    established_days: int | None = None
    scope: str | None = None
    policy: Path | None = None
    id_key: Path | None = None
    engine: EngineFlags = EngineFlags()
    observe: bool = False
    json: bool = False
    wait: float = 0.0
    feeds: FeedFlags = NO_FEED_FLAGS
    aliases: Path | None = None
    sinks: SinkFlags = SinkFlags()


def run(mode: Callable[[Directory, Request], Report], flags: Flags) -> None:
    """Run a mode on its directory, print what came of it, and exit with what it means."""
    engine = flags.engine.engine(flags.output_dir / "spill")
    policy = policy_of(flags.policy)
    sources = opened(flags.source, feeds=flags.feeds)
    key = id_key(flags.id_key, flags.output_dir)
    outlets = outlets_of(flags.sinks, key, flags.output_dir, flags.id_key)
    who = f"leeway {mode.__name__}"
    with (
        ProgressLine() as progress,
        open_directory(flags.output_dir, key, who=who, wait_seconds=flags.wait) as directory,
    ):
        profile = (flags.learning_days, flags.established_days, flags.scope)
        settings = chosen(directory.settings(), *profile, flags.aliases)
        directory.remember(settings)
        is_first = directory.closed_through is None
        request = Request(
            sources=sources,
            settings=settings,
            engine=engine,
            now=now(),
            policy=policy,
            period=flags.period,
            count=flags.periods,
            observe=flags.observe,
            progress=progress,
        )
        directory.recipients = tuple(Recipient(one, flags.sinks.severity) for one in outlets)
        report = mode(directory, request)
        if report.mode == "detect" and not flags.observe:
            _deliver(directory, report, outlets, request)
    if flags.json:
        echo_json(report.as_json())
    else:
        if report.mode == "detect" and is_first:
            echo("nothing was learnt in this directory before, so every agent is new: start with leeway bootstrap")
        tell(report, findings_command(flags.output_dir, flags.id_key))
    if report.mode == "detect" and report.remarked:
        raise typer.Exit(FOUND)
    if report.unreadable:
        raise typer.Exit(FAILED)


def _deliver(directory: Directory, report: Report, outlets: dict[str, Outlet], request: Request) -> None:
    """Tell sinks of what was committed. That one does not listen makes no failure of the run: the rest can wait."""
    if outlets or directory.deliveries():
        request.progress("delivering", 0)
        report.deliveries = deliver(directory, outlets, request.now)


def findings_command(output_dir: Path, key: Path | None) -> str:
    """Return the command that lists the findings of a directory, as one types it."""
    words = ["leeway", "findings", "--output-dir", str(output_dir)]
    return shlex.join([*words, "--id-key", str(key)] if key is not None else words)


def tell(report: Report, more: str = "") -> None:
    """Print what a run did; `more` is the command that lists all its findings, empty where none can."""
    profile = report.settings.profile
    echo(
        f"{report.mode}: {report.read:,} records read, {report.new:,} new events, {report.duplicates:,} known ones; "
        f"scope {report.settings.scope}, learning {profile.learning_days} days, established {profile.established_days}"
    )
    for reason, count in sorted(report.rejected.items(), key=lambda pair: (-pair[1], pair[0])):
        echo(f"  rejected {count:,}: {display(reason)}")
    for reason, count in sorted(report.skipped.items(), key=lambda pair: (-pair[1], pair[0])):
        echo(f"  {display(reason)}: {count:,}")
    if report.outside:
        echo(f"  {report.outside:,} events outside the periods asked for")
    if report.late:
        echo(f"  {report.late:,} events of days no longer kept: not judged")
    _tell_days(report)
    _tell_unseen(report)
    if report.mode == "detect":
        _tell_findings(report, more)
    if report.deliveries:
        echo(f"  deliveries: {display(str(report.deliveries))}")
    if report.values_not_listed:
        echo(
            f"  baselines not written as JSON, they hold {report.values_not_listed:,} values: leeway export writes them"
        )
    for file in report.files[-_FILES_SHOWN:]:
        echo(f"  wrote {display(file)}")
    if len(report.files) > _FILES_SHOWN:
        echo(f"  and {len(report.files) - _FILES_SHOWN} files before these")


def _tell_days(report: Report) -> None:
    told = (("closed", report.closed), ("judged again", report.opened_again), ("still open", report.open))
    for label, days in (*told, ("without any event, so that nobody was watched", report.without_events)):
        if days:
            many = f"{len(days)} from {days[0]} to {days[-1]}"
            echo(f"  days {label}: {', '.join(days) if len(days) <= _DAYS_SHOWN else many}")
    if report.agents:
        echo(f"  agents: {report.agents:,} on the busiest day")
    elif report.closed or report.open:
        echo("  agents: none; leeway agents SOURCE lists what comes near to one, --scope watches something else")


def _tell_unseen(report: Report) -> None:
    """Say what this run could not tell apart, or not look at."""
    for uri, reason in sorted(report.unreadable.items()):
        echo(f"  could not read {display(uri)}: {display(reason.removeprefix(f'{uri}: '), limit=200)}")
    if report.host_not_told:
        echo("  a log names no host: --host NAME says whose it is; without it all such logs count as one")
    doubts = sorted(report.hosts_in_doubt.items())
    for label, names in doubts[:_DOUBTS_SHOWN]:
        told = f"{label} may be {' or '.join(names)}: merged with none of them; --aliases FILE says which"
        echo(f"  {display(told, limit=300)}")
    if len(doubts) > _DOUBTS_SHOWN:
        echo(f"  and {len(doubts) - _DOUBTS_SHOWN:,} more short names; --json has them all")
    for name, facets in sorted(report.not_observable.items()):
        echo(f"  not observable here, which is not quiet: {name} ({', '.join(facets)})")


def _tell_findings(report: Report, more: str) -> None:
    counts = ", ".join(f"{count:,} {name}" for name, count in report.severities().items() if count)
    echo(f"  findings: {counts or 'none'}{'; nothing delivered (--observe)' if report.observe else ''}")
    listed = ranked(report.findings)
    shown = [one for one in listed if one.severity >= Severity.MEDIUM]
    for one in shown[:_SHOWN]:
        echo(f"  {severity(one.severity)} {moment(one.first)}  {one.type}  {display(one.agent_name, limit=60)}")
        echo(f"           {display(one.reason, limit=160)}")
    _tell_rest(len(shown) - _SHOWN, len(listed) - len(shown), len(report.findings) - len(listed), more)
    if shown:
        echo(f"  {CAUTION}")


def _tell_rest(grave: int, slight: int, repeated: int, more: str) -> None:
    counts = (
        (grave, "more of MEDIUM and above"),
        (slight, "of LOW and INFO"),
        (repeated, "that repeat another agent's"),
    )
    left = ", ".join(f"{count:,} {what}" for count, what in counts if count > 0)
    if left:
        echo(f"  and {left}{': ' if more else ''}{display(more, limit=400)}")
