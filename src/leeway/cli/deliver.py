"""`leeway deliver`."""

from typing import Annotated

import typer

from leeway.cli import FAILED
from leeway.cli import options as opt
from leeway.cli.output import echo, echo_json
from leeway.modes import deliver, open_directory
from leeway.modes.delivery import NOT_GIVEN
from leeway.text import display

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command(
    output_dir: opt.OutputDir,
    sink: opt.SinkOption = None,
    dead: Annotated[
        bool, typer.Option("--dead", help="Also what was refused, or tried twenty times: as if it were new.")
    ] = False,
    sink_token_file: opt.SinkToken = None,
    sink_ca: opt.SinkAuthority = None,
    allow_private_sink: opt.AllowPrivateSink = False,
    json: opt.Json = False,
    id_key: opt.IdKeyOption = None,
    wait: opt.Wait = 0.0,
) -> None:
    """Tell sinks again what they did not take.

    What waits is tried at once, also before its time. Addresses are not stored, so name the sinks as leeway detect was
    given them; without any, this says what waits. Exits with 1 where a sink that was named still lacks something.
    """
    key = opt.id_key(id_key, output_dir)
    sinks = opt.SinkFlags(sink, sink_token_file, sink_ca, allow_private_sink)
    outlets = opt.outlets_of(sinks, key, output_dir, id_key)
    with open_directory(output_dir, key, who="leeway deliver", wait_seconds=wait, create=False) as directory:
        done = deliver(directory, outlets, opt.now(), revive=dead, at_once=True)
    if json:
        echo_json(done.as_json())
    else:
        was_any = done.sent or done.waiting or done.dead
        echo(f"deliveries: {display(str(done))}" if was_any else "deliveries: nothing waits")
    if any(reason != NOT_GIVEN for reason in done.reasons):
        raise typer.Exit(FAILED)
