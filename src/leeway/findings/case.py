"""A case is (tenant, agent, type, value) over all its days; people and sinks get it once, then counts."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby

from msgspec import Struct

from leeway.events import Value
from leeway.findings.finding import Finding
from leeway.findings.severity import Severity
from leeway.findings.verdict import Disposition, Judgement, Verdict

EXPIRY = timedelta(days=7)
"""An unreviewed LOW or MEDIUM case expires after this."""


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    UNREVIEWED = "unreviewed"
    BENIGN = "benign"
    MALICIOUS = "malicious"


class Case(Struct, frozen=True, kw_only=True):
    """All days of one remark."""

    case_id: str
    agent: str
    agent_name: str
    type: str
    value: Value
    severity: Severity
    """The highest of its days."""
    state: CaseState
    disposition: Disposition
    first: datetime
    last: datetime
    days: int
    finding_ids: tuple[str, ...]


def cases_of(findings: Iterable[Finding], verdicts: Mapping[str, Verdict], today: date) -> list[Case]:
    """Return the cases of `findings`, gravest first; `verdicts` are those in force, `today` tells expiry."""
    ordered = sorted(findings, key=lambda one: (one.case_id, one.day))
    cases = [_case(list(days), verdicts, today) for _, days in groupby(ordered, key=lambda one: one.case_id)]
    return sorted(cases, key=lambda case: (-case.severity, case.first, case.case_id))


def _case(days: list[Finding], verdicts: Mapping[str, Verdict], today: date) -> Case:
    severity = max(one.severity for one in days)
    verdict = verdicts.get(days[0].case_id)
    last = days[-1]
    return Case(
        case_id=last.case_id,
        agent=last.agent,
        agent_name=last.agent_name,
        type=last.type,
        value=last.value,
        severity=severity,
        state=_state(verdict, severity, days[0].day, today),
        disposition=verdict.disposition(last.day) if verdict else Disposition.QUEUED,
        first=min(one.first for one in days),
        last=max(one.last for one in days),
        days=len(days),
        finding_ids=tuple(one.finding_id for one in days),
    )


def _state(verdict: Verdict | None, severity: Severity, first: date, today: date) -> CaseState:
    if verdict is not None and (verdict.until is None or today <= verdict.until):
        return CaseState.BENIGN if verdict.judgement is Judgement.BENIGN else CaseState.MALICIOUS
    expired = severity <= Severity.MEDIUM and today - first >= EXPIRY
    return CaseState.UNREVIEWED if expired else CaseState.OPEN
