"""Findings held against a known truth."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from leeway.findings import Finding, Severity
from leeway.testing.fleet import Drift, Fleet


class Score(NamedTuple):
    """How a run did."""

    drifts: int
    found: int
    missed: tuple[str, ...]
    """`type of agent`, for every drift that no finding of its agent and type overlaps."""
    stray: tuple[Finding, ...]
    """Findings of MEDIUM or more of an agent outside its drifts and releases."""
    stray_rate: float
    """Of those, per agent per judged day."""
    release_cases: Mapping[str, int]
    """Label of a released agent to the cases its release caused."""

    @property
    def recall(self) -> float:
        """Share of the drifts that were found."""
        return self.found / self.drifts if self.drifts else 1.0


def score(fleet: Fleet, ids: Mapping[str, str], findings: Iterable[Finding]) -> Score:
    """Return how `findings` meet the truth of `fleet`; `ids` gives the agent id of each label."""
    findings = tuple(findings)
    truth = fleet.truth
    missed = tuple(
        f"{drift.type} of {drift.agent}" for drift in truth.drifts if not found_as(drift, ids[drift.agent], findings)
    )
    spans = [(ids[drift.agent], drift.first, drift.last) for drift in truth.drifts]
    spans += [(ids[release.agent], release.first, release.last) for release in truth.releases]
    stray = tuple(
        one
        for one in findings
        if one.severity >= Severity.MEDIUM
        and not any(one.agent == agent and _overlap(one, first, last) for agent, first, last in spans)
    )
    judged = len(truth.agents) * (fleet.days - fleet.bootstrap_days)
    return Score(
        drifts=len(truth.drifts),
        found=len(truth.drifts) - len(missed),
        missed=missed,
        stray=stray,
        stray_rate=len(stray) / judged,
        release_cases=_release_cases(fleet, ids, findings),
    )


def found_as(drift: Drift, agent: str, findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that a drift of `agent` was found by: of its agent and type, overlapping it in time."""
    return [
        one
        for one in findings
        if one.agent == agent and one.type == drift.type and _overlap(one, drift.first, drift.last)
    ]


def _release_cases(fleet: Fleet, ids: Mapping[str, str], findings: Iterable[Finding]) -> dict[str, int]:
    released = {ids[one.agent]: one.agent for one in fleet.truth.releases}
    cases = {(one.agent, one.case_id) for one in findings if one.agent in released and one.severity >= Severity.LOW}
    counts = Counter(released[agent] for agent, _ in cases)
    return {label: counts[label] for label in sorted(released.values())}


def _overlap(finding: Finding, first: datetime, last: datetime) -> bool:
    return finding.first <= last and finding.last >= first
