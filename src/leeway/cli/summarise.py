"""`leeway summarise`."""

from collections import Counter

import typer

from leeway.agents import AgentKey
from leeway.cli import options as opt
from leeway.cli.output import ProgressLine, echo, echo_json, warn_of
from leeway.config import Settings
from leeway.events import Measure
from leeway.modes import survey_summaries
from leeway.summaries import Summary
from leeway.text import display

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command(
    sources: opt.SourceArguments = None,
    source: opt.Sources = None,
    column_map: opt.ColumnMapOption = None,
    host: opt.HostOption = "",
    engine: opt.EngineOption = opt.DEFAULT_ENGINE,
    memory: opt.MemoryOption = opt.MEMORY,
    threads: opt.ThreadsOption = 0,
    spill_dir: opt.SpillOption = None,
    scope: opt.ScopeOption = None,
    aliases: opt.AliasesOption = None,
    json: opt.Json = False,
    id_key: opt.IdKeyOption = None,
) -> None:
    """Show what each agent did on each day of a source.

    With --json the whole summaries, in which every engine agrees to the byte.
    """
    settings = opt.chosen(Settings(), None, None, scope, aliases)
    key = opt.id_key(id_key)
    rejected: Counter[str] = Counter()
    with ProgressLine() as progress:
        feeds = opt.opened(sources, source, feeds=opt.FeedFlags(column_map, host))
        rows = survey_summaries(
            feeds, settings, key, opt.EngineFlags(engine, memory, threads, spill_dir).engine(), progress, rejected
        )
    warn_of(rejected)
    if json:
        echo_json([_record(name, summary) for name, summary in rows])
        return
    for name, summary in rows:
        sent = summary.measures.get(Measure.BYTES_OUT, {}).get("")
        values = sum(map(len, summary.sightings.values()))
        volume = f", {sent.total:,} bytes sent" if sent else ""
        echo(f"{summary.day}  {summary.events:>7,} events, {values:>5,} values{volume}  {display(str(name), limit=90)}")


def _record(name: AgentKey, summary: Summary) -> dict[str, object]:
    return {
        "agent": summary.agent,
        "name": str(name),
        "day": summary.day,
        "events": summary.events,
        "sightings": {
            facet: [{"value": list(value), "sighting": sighting} for value, sighting in sorted(values.items())]
            for facet, values in summary.sightings.items()
        },
        "capped": sorted(summary.capped),
        "measures": summary.measures,
        "sessions": summary.sessions,
    }
