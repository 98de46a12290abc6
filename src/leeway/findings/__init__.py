"""Signal, Evidence, Finding, Case, Severity, Disposition, Verdict: what is said about an agent, and by whom."""

from leeway.findings.case import Case, CaseState, cases_of
from leeway.findings.finding import Finding, case_id, evidence_digest, finding_id
from leeway.findings.kinds import ANOMALY_TYPES, CORRELATIONS, HEALTH_TYPES, NAMED_RANGE, REGISTERED_TYPES, TAGS
from leeway.findings.ranking import ranked
from leeway.findings.severity import Severity
from leeway.findings.signal import CAUTION, Evidence, Held, Signal, Surprise
from leeway.findings.verdict import Disposition, Judgement, Verdict, in_force

__all__ = [
    "ANOMALY_TYPES",
    "CAUTION",
    "CORRELATIONS",
    "HEALTH_TYPES",
    "NAMED_RANGE",
    "REGISTERED_TYPES",
    "TAGS",
    "Case",
    "CaseState",
    "Disposition",
    "Evidence",
    "Finding",
    "Held",
    "Judgement",
    "Severity",
    "Signal",
    "Surprise",
    "Verdict",
    "case_id",
    "cases_of",
    "evidence_digest",
    "finding_id",
    "in_force",
    "ranked",
]
