"""`leeway demo`."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from leeway.cli.output import ProgressLine, echo, moment, severity
from leeway.cli.run import findings_command, tell
from leeway.testing.demo import DemoRun, agent_ids, run_demo, write_demo_key, write_findings, write_fleet
from leeway.testing.fleet import Fleet
from leeway.testing.score import Score, found_as, score
from leeway.text import display

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command(
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which fleet; the same seed gives the same bytes.")] = 1,
    write: Annotated[
        Path | None,
        typer.Option("--write", metavar="DIR", help="Write events/*.jsonl, truth.json and findings.jsonl for scoring."),
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option("--events", metavar="DIR", help="Take these events instead; only findings.jsonl is written then."),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            "--output-dir", metavar="DIR", help="Keep the state and the output tree here, and the id key beside it."
        ),
    ] = None,
) -> None:
    """Show the whole way on a simulated fleet with known truth.

    Nine days of a made-up fleet: seven are learnt, two are judged. The findings are then held against what the
    simulation knows it did. Not real telemetry: it shows how the product works, not how well it does on yours.
    """
    fleet = Fleet(seed)
    started = time.monotonic()
    with TemporaryDirectory(prefix="leeway-demo-") as scratch, ProgressLine() as progress:
        folder = events or _simulated(fleet, write or Path(scratch) / "written", progress)
        folder = folder / "events" if (folder / "events").is_dir() else folder
        result = run_demo(seed, folder, output_dir or Path(scratch) / "state", progress)
    if write is not None:
        write_findings(result.findings, write / "findings.jsonl")
    more = findings_command(output_dir, write_demo_key(seed, output_dir)) if output_dir is not None else ""
    tell(result.learnt)
    tell(result.judged, more)
    if events is None:
        _show_truth(fleet, result)
    if output_dir is not None:
        _show_tree(output_dir)
        echo(f"look further: {display(more, limit=400)}")
    echo(f"took {time.monotonic() - started:.1f} s")


def _simulated(fleet: Fleet, folder: Path, progress: ProgressLine) -> Path:
    progress("simulating", 0)
    write_fleet(fleet, folder)
    return folder


def _show_truth(fleet: Fleet, result: DemoRun) -> None:
    ids = agent_ids(fleet)
    echo()
    echo(f"{'what the simulation did':30}  {'to':34}  {'when (UTC)':20}  found as")
    for drift in fleet.truth.drifts:
        matches = found_as(drift, ids[drift.agent], result.findings)
        found = severity(max(one.severity for one in matches)).strip() if matches else "MISSED"
        echo(f"{drift.type:30}  {display(drift.agent, limit=34):34}  {moment(drift.first):20}  {found}")
    _show_score(score(fleet, ids, result.findings))


def _show_score(told: Score) -> None:
    echo()
    echo(f"truth: {told.found} of {told.drifts} drifts found ({told.recall:.0%})")
    echo(
        f"       {len(told.stray)} findings of MEDIUM or more elsewhere: {told.stray_rate:.3f} per agent per judged day"
    )
    for one in told.stray:
        agent, reason = display(one.agent_name, limit=60), display(one.reason, limit=80)
        echo(f"       {severity(one.severity)} {one.type}  {agent}: {reason}")
    for label, cases in told.release_cases.items():
        echo(f"       a benign release of {display(label)} caused {cases} cases")
    for missed in told.missed:
        echo(f"       missed: {display(missed)}")


def _show_tree(directory: Path) -> None:
    echo()
    for path in sorted(directory.rglob("*")):
        depth = len(path.relative_to(directory).parts)
        size = "" if path.is_dir() else f"  {path.stat().st_size:,} bytes"
        echo(f"{'  ' * depth}{display(path.name)}{'/' if path.is_dir() else ''}{size}")
