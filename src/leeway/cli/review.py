"""`leeway review`."""

import getpass
from datetime import date, datetime
from typing import Annotated

import typer

from leeway.cli import options as opt
from leeway.cli.output import echo, echo_json
from leeway.errors import InvalidConfigError
from leeway.findings import Judgement
from leeway.modes import open_directory, review
from leeway.text import display

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command(
    case: Annotated[str, typer.Argument(help="Id of the case, or a beginning of it.")],
    output_dir: opt.OutputDir,
    verdict: Annotated[Judgement, typer.Option("--verdict", help="What you judge it to be.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; stored with your name and the time.")],
    until: Annotated[
        datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Last day it holds.")
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="Who judges; the name you are logged in under by default.")
    ] = None,
    json: opt.Json = False,
    id_key: opt.IdKeyOption = None,
    wait: opt.Wait = 0.0,
) -> None:
    """Give a verdict on a case.

    A benign verdict lets the case's values be learnt at the next close; with --until it suppresses the case until then
    and teaches nothing. A malicious one puts them on the never-learn list. The last verdict holds.
    """
    if not reason.strip():
        raise InvalidConfigError("no reason", hint="say why with --reason: it is stored with the verdict")
    who = by or getpass.getuser()
    last: date | None = until.date() if until else None
    with open_directory(
        output_dir, opt.id_key(id_key, output_dir), who="leeway review", wait_seconds=wait, create=False
    ) as directory:
        given = review(directory, case, verdict, reason=reason, by=who, at=opt.now(), until=last)
    if json:
        echo_json(given)
    else:
        end = f" until {given.until}" if given.until else ""
        said = f"{given.judgement}{end}, by {display(given.by)}: {display(given.reason)}"
        echo(f"case {given.case_id} ({given.type}): {said}")
        if given.until and given.judgement is Judgement.BENIGN:
            echo("the case is suppressed until then, and nothing of it is learnt")
        else:
            echo(f"it enters the baseline when {given.effective} or a later day closes")
