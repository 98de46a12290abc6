"""`leeway train`."""

import typer

from leeway.cli import options as opt
from leeway.cli.run import Flags, run
from leeway.errors import SourceError
from leeway.modes import Period, train

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command(
    output_dir: opt.OutputDir,
    source: opt.Sources = None,
    column_map: opt.ColumnMapOption = None,
    host: opt.HostOption = "",
    bootstrap_count: opt.BootstrapCount = None,
    period: opt.PeriodOption = Period.DAY,
    learning_days: opt.LearningDays = None,
    established_days: opt.EstablishedDays = None,
    scope: opt.ScopeOption = None,
    aliases: opt.AliasesOption = None,
    id_key: opt.IdKeyOption = None,
    engine: opt.EngineOption = opt.DEFAULT_ENGINE,
    memory: opt.MemoryOption = opt.MEMORY,
    threads: opt.ThreadsOption = 0,
    spill_dir: opt.SpillOption = None,
    json: opt.Json = False,
    wait: opt.Wait = 0.0,
) -> None:
    """Rebuild the baselines from raw collections.

    Baselines and events are forgotten and learnt anew from the directory's own raw_collections, or from --source;
    findings and verdicts stay.
    """
    collected = output_dir / "raw_collections"
    if not source and not collected.is_dir():
        raise SourceError(
            f"{output_dir} holds no raw collections", hint="leeway collect makes them, or give a --source"
        )
    uris = source or [f"collection:{collected}"]
    profile = (learning_days, established_days, scope)
    engines = opt.EngineFlags(engine, memory, threads, spill_dir)
    feeds = opt.FeedFlags(column_map, host)
    shared = (uris, output_dir, bootstrap_count, period)
    run(train, Flags(*shared, *profile, None, id_key, engines, False, json, wait, feeds, aliases))
