"""A person's verdict on a case."""

from datetime import date, datetime
from itertools import chain

from leeway.errors import NotFoundError
from leeway.findings import Judgement, Verdict
from leeway.modes.directory import Directory


def review(  # who, what, why, when, until when: all of them are stored
    directory: Directory,
    case: str,
    judgement: Judgement,
    *,
    reason: str,
    by: str,
    at: datetime,
    until: date | None = None,
) -> Verdict:
    """Store a verdict on a case, given by its id or a beginning of it that is unique (row A14).

    It enters the baselines at the next close: a benign one without an end lets its values be learnt, one with an end
    suppresses the case until then, a malicious one puts them on the never-learn list.

    Raises:
        NotFoundError: where no case, or more than one, starts with `case`.
    """
    days = [finding for finding in directory.findings() if finding.case_id.startswith(case)]
    ids = {finding.case_id for finding in days}
    if len(ids) != 1 or not case:
        problem = f"{len(ids)} cases start with {case!r}" if ids else f"no case starts with {case!r}"
        raise NotFoundError(problem, hint="leeway findings lists them")
    closed = directory.closed_through
    verdict = Verdict(
        case_id=days[0].case_id,
        agent=days[0].agent,
        type=days[0].type,
        value=days[0].value,
        judgement=judgement,
        reason=reason,
        by=by,
        at=at,
        effective=date.fromordinal(closed + 1) if closed else days[0].day,
        until=until,
        held=tuple(dict.fromkeys(chain.from_iterable(finding.held for finding in days))),
    )
    directory.add_verdict(verdict)
    return verdict
