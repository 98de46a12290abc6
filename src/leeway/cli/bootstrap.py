"""`leeway bootstrap`."""

import typer

from leeway.cli import options as opt
from leeway.cli.run import Flags, run
from leeway.modes import Period, bootstrap

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command(
    output_dir: opt.OutputDir,
    sources: opt.SourceArguments = None,
    source: opt.Sources = None,
    column_map: opt.ColumnMapOption = None,
    host: opt.HostOption = "",
    bootstrap_count: opt.BootstrapCount = None,
    period: opt.PeriodOption = Period.DAY,
    learning_days: opt.LearningDays = None,
    established_days: opt.EstablishedDays = None,
    scope: opt.ScopeOption = None,
    aliases: opt.AliasesOption = None,
    policy: opt.PolicyOption = None,
    id_key: opt.IdKeyOption = None,
    engine: opt.EngineOption = opt.DEFAULT_ENGINE,
    memory: opt.MemoryOption = opt.MEMORY,
    threads: opt.ThreadsOption = 0,
    spill_dir: opt.SpillOption = None,
    observe: opt.Observe = False,
    json: opt.Json = False,
    wait: opt.Wait = 0.0,
    cluster: opt.Cluster = None,
    database: opt.KustoDatabase = None,
    tenant: opt.Tenant = None,
) -> None:
    """Learn what is normal from telemetry, trusting it.

    Everything in the sources, or in their first N periods, is learnt without being judged, on top of what was learnt
    before. Start with a week in which nothing bad is known to have happened.
    """
    opt.refuse_kusto(cluster, database, tenant)
    profile = (learning_days, established_days, scope)
    engines = opt.EngineFlags(engine, memory, threads, spill_dir)
    feeds = opt.FeedFlags(column_map, host)
    shared = ([*(sources or ()), *(source or ())], output_dir, bootstrap_count, period)
    run(bootstrap, Flags(*shared, *profile, policy, id_key, engines, observe, json, wait, feeds, aliases))
