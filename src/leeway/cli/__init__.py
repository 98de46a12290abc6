"""The command line: the only room that prints, reads the environment and the clock, and exits. One file a command.

Commands load when they are called, so that `leeway --help` costs nothing that is not needed.
"""

import gc
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from leeway import __version__
from leeway.errors import InvalidConfigError, LeewayError

QUIET, FAILED, USAGE, FOUND = 0, 1, 2, 3
"""Exit codes: nothing to report, could not look, wrong use, findings."""

STOPPED = 130
"""Exit code of a run that somebody stopped with Ctrl-C, as shells have it."""

COMMANDS = {
    "demo": "Show the whole way on a simulated fleet with known truth.",
    "snapshot": "Write what runs on this host now, as events.",
    "bootstrap": "Learn what is normal from telemetry, trusting it.",
    "detect": "Judge new telemetry against what was learnt.",
    "convert": "Write the events of any sources as one Parquet file.",
    "collect": "Store raw telemetry, without judging it.",
    "train": "Rebuild the baselines from raw collections.",
    "deliver": "Tell sinks again what they did not take.",
    "findings": "List findings.",
    "explain": "Say why a finding was made.",
    "review": "Give a verdict on a case.",
    "sources": "Say what a source shows, and what it cannot.",
    "agents": "List the agents in a source, with the evidence for each.",
    "baseline": "Show what an agent normally does.",
    "ranges": "Name address ranges, by which new destinations are judged.",
    "summarise": "Show what each agent did on each day of a source.",
    "export": "Write the output tree anew from the state.",
    "schema": "Print the JSON Schema of Leeway's own events.",
}
"""Every command with its line in the help; the module of the same name holds it."""


class LazyCommands(TyperGroup):
    """Commands that are imported when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002  # typer's signature
        """Return the names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002  # typer's signature
        """Import a command by its name."""
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(import_module(f"leeway.cli.{cmd_name}").app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002  # typer's signature
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    cls=LazyCommands,
    name="leeway",
    help="Learn what each AI agent normally does, and say with evidence when it drifts further than its leeway.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 nothing to report, 1 could not look, 2 wrong use, 3 findings.",
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"leeway {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Read the options before the command."""


def main() -> None:
    """Run the command line; `LeewayError` becomes a message with a hint, a bug keeps its traceback."""
    # A run makes many values and no rings of them: looking for rings less often saves a tenth of its time.
    gc.set_threshold(50_000, 20, 100)
    try:
        app(prog_name="leeway")
    except LeewayError as error:
        sys.stderr.write(f"leeway: {_shown(str(error))}\n")
        if error.hint:
            sys.stderr.write(f"hint: {_shown(error.hint)}\n")
        sys.exit(USAGE if isinstance(error, InvalidConfigError) else FAILED)
    except SystemExit as left:
        if left.code == STOPPED:  # typer has made this of a KeyboardInterrupt
            sys.stderr.write("leeway: stopped; what was committed is kept, run the same command again to go on\n")
        raise
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(FAILED)


def _shown(text: str) -> str:
    return str(import_module("leeway.text").display(text, limit=2_000))
