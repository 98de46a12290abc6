"""`leeway collect`."""

import typer

from leeway.cli import options as opt
from leeway.cli.run import Flags, run
from leeway.modes import Period, collect

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
    id_key: opt.IdKeyOption = None,
    json: opt.Json = False,
    wait: opt.Wait = 0.0,
    cluster: opt.Cluster = None,
    database: opt.KustoDatabase = None,
    tenant: opt.Tenant = None,
) -> None:
    """Store raw telemetry, without judging it.

    Writes raw_collections/process_YYYYMMDD.csv and child_YYYYMMDD.csv, merged by event id; `leeway train` reads them.
    """
    opt.refuse_kusto(cluster, database, tenant)
    feeds = opt.FeedFlags(column_map, host)
    given = [*(sources or ()), *(source or ())]
    run(collect, Flags(given, output_dir, lookback_count, period, id_key=id_key, json=json, wait=wait, feeds=feeds))
