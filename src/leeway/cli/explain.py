"""`leeway explain`."""

from typing import Annotated

import typer

from leeway.cli import options as opt
from leeway.cli.output import echo, echo_json, moment
from leeway.errors import NotFoundError
from leeway.findings import CAUTION, Finding, Verdict, in_force
from leeway.modes import open_directory
from leeway.sinks import finding_record
from leeway.text import display

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command(
    finding: Annotated[str, typer.Argument(help="Id of a finding or case, or a beginning of it.")],
    output_dir: opt.OutputDir,
    json: opt.Json = False,
    id_key: opt.IdKeyOption = None,
    wait: opt.Wait = 0.0,
) -> None:
    """Say why a finding was made.

    The evidence is the explanation: what was seen, what the baseline led one to expect, and by which event.
    """
    with open_directory(
        output_dir, opt.id_key(id_key, output_dir), who="leeway explain", wait_seconds=wait, create=False
    ) as directory:
        found = [one for one in directory.findings() if finding and _starts(one, finding)]
        verdicts = in_force(directory.verdicts(), opt.now().date())
    if not found:
        raise NotFoundError(f"no finding or case starts with {finding!r}", hint="leeway findings lists them")
    if json:
        echo_json([finding_record(one) for one in found])
        return
    for one in found:
        _explain(one, verdicts.get(one.case_id))
    echo(CAUTION)


def _starts(one: Finding, beginning: str) -> bool:
    return one.finding_id.startswith(beginning) or one.case_id.startswith(beginning)


def _explain(one: Finding, verdict: Verdict | None) -> None:
    calibration = "" if one.surprise.calibrated else ", not calibrated"
    lines = [
        ("finding", one.finding_id),
        ("case", one.case_id),
        ("what", f"{one.severity} {one.type}"),
        ("agent", f"{one.agent_name} ({one.state})"),
        ("when", f"{moment(one.first)} to {moment(one.last)}"),
        *(("evidence", str(evidence)) for evidence in one.evidence),
        ("lineage", " > ".join(one.lineage)),
        ("user", one.user),
        ("command", one.command_line),
        ("events", " ".join(one.event_ids)),
        ("surprise", f"p = {one.surprise.p:.3f} from {one.surprise.n} observations{calibration}"),
        ("techniques", ", ".join(one.tags)),
        *(("context", text) for text in one.context),
        ("joins", " ".join(one.members)),
        ("repeats", one.linked_to),
        ("verdict", f"{verdict.judgement} by {verdict.by}, {moment(verdict.at)}: {verdict.reason}" if verdict else ""),
        ("day", "closed" if one.is_final else "not closed, or judged again since"),
    ]
    for label, text in lines:
        if text:
            echo(f"{label:>10}  {display(text, limit=1_000)}")
    echo()
