"""`leeway export`."""

import typer

from leeway.cli import options as opt
from leeway.cli.output import echo
from leeway.engines import engine_named
from leeway.modes import Request, open_directory
from leeway.modes.projections import write_alerts, write_baselines
from leeway.text import display

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command(output_dir: opt.OutputDir, id_key: opt.IdKeyOption = None, wait: opt.Wait = 0.0) -> None:
    """Write the output tree anew from the state.

    baselines/*.json and alerts/*.csv are projections: they can be lost without loss.
    """
    with open_directory(
        output_dir, opt.id_key(id_key, output_dir), who="leeway export", wait_seconds=wait, create=False
    ) as directory:
        request = Request(sources=(), settings=directory.settings(), engine=engine_named("fold"), now=opt.now())
        for file in (*write_baselines(directory, request), *write_alerts(directory, request, ())):
            echo(f"wrote {display(file)}")
