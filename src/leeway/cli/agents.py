"""`leeway agents`."""

from collections import Counter

import typer

from leeway.agents import catalogue
from leeway.cli import options as opt
from leeway.cli.output import ProgressLine, echo, echo_json, warn_of
from leeway.config import Settings
from leeway.modes import survey
from leeway.modes.survey import Surveyed, describe
from leeway.text import display

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command(
    sources: opt.SourceArguments = None,
    source: opt.Sources = None,
    column_map: opt.ColumnMapOption = None,
    host: opt.HostOption = "",
    scope: opt.ScopeOption = None,
    aliases: opt.AliasesOption = None,
    json: opt.Json = False,
    id_key: opt.IdKeyOption = None,
) -> None:
    """List the agents in a source, with the evidence for each.

    Processes with some evidence that falls short of an agent are listed as well, and why.
    """
    settings = opt.chosen(Settings(), None, None, scope, aliases)
    rejected: Counter[str] = Counter()
    with ProgressLine() as progress:
        feeds = opt.opened(sources, source, feeds=opt.FeedFlags(column_map, host))
        found = survey(feeds, settings, opt.id_key(id_key), progress, rejected)
    warn_of(rejected)
    if json:
        echo_json([_record(one) for one in found])
        return
    for one in found:
        mark = "agent   " if one.agent else one.tier.ljust(8)
        echo(f"{mark} {display(str(one.key), limit=110)}  ({one.category or 'no category'}, {one.instances} runs)")
        for evidence in one.evidence:
            echo(f"           {display(_told(one, evidence), limit=140)}")
    agents = sum(bool(one.agent) for one in found)
    echo(f"{agents} agents; {len(found) - agents} with weaker evidence")
    if not agents:
        echo("to watch a program without such evidence: --scope name:PATTERN, unit or all")


def _told(one: Surveyed, evidence: str) -> str:
    return evidence if one.category == "declared" else describe(catalogue(), evidence)


def _record(one: Surveyed) -> dict[str, object]:
    return {
        "agent": one.agent,
        "name": str(one.key),
        "key": one.key,
        "tier": one.tier,
        "category": one.category,
        "evidence": list(one.evidence),
        "why": [] if one.category == "declared" else [_why(evidence) for evidence in one.evidence],
        "instances": one.instances,
    }


def _why(evidence: str) -> dict[str, object]:
    entry = catalogue().describe(evidence)
    return {
        "evidence": entry.id,
        "label": entry.label,
        "by": str(entry.kind),
        "weight": entry.weight,
        "source": entry.source,
        "date": entry.date.isoformat(),
    }
