"""`leeway baseline`."""

from typing import Annotated

import msgspec
import typer

from leeway.baselines import Baseline
from leeway.cli import options as opt
from leeway.cli.output import echo, echo_json
from leeway.errors import NotFoundError
from leeway.modes import open_directory
from leeway.modes.projections import baseline_record
from leeway.text import display

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def group() -> None:
    """Show what an agent normally does."""


@app.command()
def show(
    agent: Annotated[
        str | None, typer.Argument(help="Id of an agent or a beginning of it, or a word of its name.")
    ] = None,
    *,
    output_dir: opt.OutputDir,
    json: opt.Json = False,
    id_key: opt.IdKeyOption = None,
    wait: opt.Wait = 0.0,
) -> None:
    """Show the baselines of one agent, or list all agents."""
    with open_directory(
        output_dir, opt.id_key(id_key, output_dir), who="leeway baseline", wait_seconds=wait, create=False
    ) as directory:
        known = sorted(directory.baselines().values(), key=lambda one: (str(one.key), one.agent))
    shown = [one for one in known if agent is None or one.agent.startswith(agent) or agent in str(one.key)]
    if agent is not None and not shown:
        raise NotFoundError(f"no agent is known as {agent!r}", hint="leeway baseline show lists them")
    if json:
        echo_json([baseline_record(one) for one in shown])
    elif agent is None:
        for one in shown:
            echo(f"{one.agent}  {one.active_days:>3} days {one.events:>8,} events  {display(str(one.key), limit=100)}")
    else:
        for one in shown:
            _show(one)


def _show(baseline: Baseline) -> None:
    echo(f"{display(str(baseline.key), limit=200)}")
    echo(f"  id {baseline.agent}, signer {display(baseline.key.signer or 'not known')}")
    echo(f"  {baseline.active_days} active days, {baseline.events:,} events")
    for stretch in baseline.provenance:
        echo(f"  learnt {stretch.mode} from {stretch.first} to {stretch.last}")
    for facet, values in sorted(msgspec.to_builtins(baseline_record(baseline)["facets"]).items()):
        echo(f"  {facet}: {len(values)}")
        for row in sorted(values, key=lambda row: (-row["count"], row["value"]))[:8]:
            echo(f"    {row['count']:>7} on {row['days']:>2} days  {display(' · '.join(row['value']), limit=110)}")
