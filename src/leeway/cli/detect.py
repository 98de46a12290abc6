"""`leeway detect`."""

import typer

from leeway.cli import options as opt
from leeway.cli.run import Flags, run
from leeway.modes import Period, detect

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command(
    output_dir: opt.OutputDir,
    sources: opt.SourceArguments = None,
    source: opt.Sources = None,
    column_map: opt.ColumnMapOption = None,
    host: opt.HostOption = "",
    lookback_count: opt.LookbackCount = None,
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
    sink: opt.SinkOption = None,
    min_severity: opt.MinSeverity = opt.Level.LOW,
    sink_token_file: opt.SinkToken = None,
    sink_ca: opt.SinkAuthority = None,
    allow_private_sink: opt.AllowPrivateSink = False,
) -> None:
    """Judge new telemetry against what was learnt.

    Events that are known already are not judged twice. A day is judged while it is open, and once more for good when
    it closes; then its harmless part is learnt. Exits with 3 where there is a finding of LOW or more. Sinks are told of
    a case once, and of its days as they close; what they do not take is tried again by the next run.
    """
    opt.refuse_kusto(cluster, database, tenant)
    profile = (learning_days, established_days, scope)
    sinks = opt.SinkFlags(sink, sink_token_file, sink_ca, allow_private_sink, min_severity)
    shared = ([*(sources or ()), *(source or ())], output_dir, lookback_count, period)
    engines = opt.EngineFlags(engine, memory, threads, spill_dir)
    feeds = opt.FeedFlags(column_map, host)
    run(detect, Flags(*shared, *profile, policy, id_key, engines, observe, json, wait, feeds, aliases, sinks))
