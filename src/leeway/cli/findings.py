"""`leeway findings`."""

from collections.abc import Callable, Iterable
from typing import Annotated

import typer

from leeway.cli import options as opt
from leeway.cli.output import echo, echo_json, echo_raw, moment, severity, table
from leeway.errors import InvalidConfigError
from leeway.findings import CAUTION, Case, Finding, Severity, cases_of, in_force, ranked
from leeway.modes import open_directory
from leeway.sinks import SINKS, finding_record
from leeway.text import display

app = typer.Typer(add_completion=False, rich_markup_mode=None)

FORMS = {sink.name: sink for sink in SINKS}
"""The forms in which findings are printed: those that sinks have."""


@app.command()
def command(
    output_dir: opt.OutputDir,
    all_: Annotated[
        bool, typer.Option("--all", help="Also INFO, and findings that repeat another agent's; --json always has them.")
    ] = False,
    cases: Annotated[bool, typer.Option("--cases", help="One line a case instead of one a day.")] = False,
    form: Annotated[
        str | None, typer.Option("--format", metavar="FORM", help=f"Print as other tools read it: {', '.join(FORMS)}.")
    ] = None,
    json: opt.Json = False,
    id_key: opt.IdKeyOption = None,
    wait: opt.Wait = 0.0,
) -> None:
    """List findings.

    Gravest first; LOW and more. A finding is one day of a case.
    """
    render = _renderer(form, is_other=cases or json)
    with open_directory(
        output_dir, opt.id_key(id_key, output_dir), who="leeway findings", wait_seconds=wait, create=False
    ) as directory:
        found = directory.findings()
        verdicts = directory.verdicts()
    if cases:
        today = opt.now().date()
        _tell_cases(cases_of(found, in_force(verdicts, today), today), all_=all_, json=json)
        return
    ordered = sorted(found, key=lambda one: (-one.severity, one.first, one.finding_id))
    shown = ordered if all_ else [one for one in ranked(found) if one.severity >= Severity.LOW]
    if render is not None:
        echo_raw(render(shown))
    elif json:
        echo_json([finding_record(one) for one in ordered])
    else:
        _list_findings(shown, len(found) - len(shown))


def _renderer(form: str | None, *, is_other: bool) -> Callable[[Iterable[Finding]], bytes] | None:
    """Return what prints findings in a form, None where none is asked for.

    Raises:
        InvalidConfigError: where there is no such form, or something else is asked for as well.
    """
    if form is None:
        return None
    if form not in FORMS:
        raise InvalidConfigError(f"unknown form {form!r}", hint=f"forms are {', '.join(FORMS)}")
    if is_other:
        raise InvalidConfigError("--format is for findings in a form of its own", hint="leave out --cases and --json")
    return FORMS[form].render


def _tell_cases(grouped: list[Case], *, all_: bool, json: bool) -> None:
    if json:
        echo_json([_case_record(one) for one in grouped])
    else:
        _list_cases([one for one in grouped if all_ or one.severity >= Severity.LOW])


def _list_findings(shown: list[Finding], hidden: int) -> None:
    for one in shown:
        mark = "" if one.is_final else "  (day not closed)"
        echo(f"{severity(one.severity)} {moment(one.first)}  {one.type}  {display(one.agent_name, limit=70)}{mark}")
        echo(f"         {display(one.reason, limit=200)}")
        echo(f"         finding {one.finding_id}  case {one.case_id}")
    more = f"; {hidden} of INFO or repeating another agent's, with --all" if hidden else ""
    echo(f"{len(shown)} findings{more}")
    if shown:
        echo(CAUTION)


def _list_cases(cases: list[Case]) -> None:
    rows = [
        (str(one.severity), one.type, one.agent_name, " ".join(one.value), str(one.days), str(one.state), one.case_id)
        for one in cases
    ]
    table(("severity", "type", "agent", "value", "days", "state", "case"), rows, widths=(8, 28, 40, 40, 4, 10, 32))


def _case_record(case: Case) -> dict[str, object]:
    return {
        "case_id": case.case_id,
        "agent": case.agent,
        "agent_name": case.agent_name,
        "type": case.type,
        "value": list(case.value),
        "severity": str(case.severity),
        "state": str(case.state),
        "disposition": str(case.disposition),
        "first": case.first,
        "last": case.last,
        "days": case.days,
        "finding_ids": list(case.finding_ids),
    }
