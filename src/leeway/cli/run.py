"""What the four modes have in common on the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import typer

from leeway.cli import FOUND
from leeway.cli.options import chosen, id_key, now, opened, policy_of
from leeway.cli.output import ProgressLine, echo, echo_json, moment, severity
from leeway.engines import engine_named
from leeway.findings import CAUTION, Severity, ranked
from leeway.modes import Directory, Period, Report, Request, open_directory
from leeway.text import display

_SHOWN = 20
"""Findings that a run prints."""


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
    engine: str = "fold"
    observe: bool = False
    json: bool = False
    wait: float = 0.0


def run(mode: Callable[[Directory, Request], Report], flags: Flags) -> None:
    """Run a mode on its directory, print what came of it, and exit with what it means."""
    engine = engine_named(flags.engine)
    policy = policy_of(flags.policy)
    sources = opened(flags.source)
    key = id_key(flags.id_key, flags.output_dir)
    progress = ProgressLine()
    who = f"leeway {mode.__name__}"
    with open_directory(flags.output_dir, key, who=who, wait_seconds=flags.wait) as directory:
        settings = chosen(directory.settings(), flags.learning_days, flags.established_days, flags.scope)
        directory.remember(settings)
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
        report = mode(directory, request)
    progress.clear()
    if flags.json:
        echo_json(report.as_json())
    else:
        tell(report)
    if report.mode == "detect" and report.remarked:
        raise typer.Exit(FOUND)


def tell(report: Report) -> None:
    """Print what a run did."""
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
    for label, days in (("closed", report.closed), ("judged again", report.opened_again), ("still open", report.open)):
        if days:
            echo(f"  days {label}: {', '.join(days)}")
    for name, facets in sorted(report.not_observable.items()):
        echo(f"  not observable here, which is not quiet: {name} ({', '.join(facets)})")
    if report.mode == "detect":
        _tell_findings(report)
    for file in report.files[-4:]:
        echo(f"  wrote {display(file)}")


def _tell_findings(report: Report) -> None:
    counts = ", ".join(f"{count} {name}" for name, count in report.severities().items() if count)
    echo(f"  findings: {counts or 'none'}{'; nothing delivered (--observe)' if report.observe else ''}")
    shown = [one for one in ranked(report.findings) if one.severity >= Severity.MEDIUM]
    for one in shown[:_SHOWN]:
        echo(f"  {severity(one.severity)} {moment(one.first)}  {one.type}  {display(one.agent_name, limit=60)}")
        echo(f"           {display(one.reason, limit=160)}")
    if len(shown) > _SHOWN:
        echo(f"  and {len(shown) - _SHOWN} more of MEDIUM and above: leeway findings --output-dir DIR")
    if shown:
        echo(f"  {CAUTION}")
