"""`leeway schema`."""

import typer

from leeway.cli.output import echo_json
from leeway.events import json_schema

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command() -> None:
    """Print the JSON Schema of Leeway's own events.

    One line of a `jsonl` source is one object of this schema.
    """
    echo_json(json_schema())
