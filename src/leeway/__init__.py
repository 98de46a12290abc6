"""Leeway learns what each AI agent normally does and says, with evidence, when it drifts further than its leeway.

The names below load on first use (PEP 562), so that importing the package, or asking the command for help, costs
nothing that is not needed.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leeway.errors import LeewayError
    from leeway.events import Event
    from leeway.findings import Finding, Severity
    from leeway.library.calls import SessionResult
    from leeway.library.detection.features import FeatureVector
    from leeway.library.detector import AnomalyDetector
    from leeway.library.learner import BaselineLearner
    from leeway.library.results import AnomalyResult, BehavioralBaseline, BehavioralPattern, State
    from leeway.library.security_event import SecurityEvent
    from leeway.library.threat_level import ThreatLevel
    from leeway.library.verdicts import Effect, Scope, Verdict
    from leeway.summaries import Summary

__version__ = "0.1.0"
__all__ = [
    "AnomalyDetector",
    "AnomalyResult",
    "BaselineLearner",
    "BehavioralBaseline",
    "BehavioralPattern",
    "Effect",
    "Event",
    "FeatureVector",
    "Finding",
    "LeewayError",
    "Scope",
    "SecurityEvent",
    "SessionResult",
    "Severity",
    "State",
    "Summary",
    "ThreatLevel",
    "Verdict",
    "__version__",
]

_HOMES = {
    "AnomalyDetector": "leeway.library.detector",
    "AnomalyResult": "leeway.library.results",
    "BaselineLearner": "leeway.library.learner",
    "BehavioralBaseline": "leeway.library.results",
    "BehavioralPattern": "leeway.library.results",
    "Effect": "leeway.library.verdicts",
    "Event": "leeway.events",
    "FeatureVector": "leeway.library.detection.features",
    "Finding": "leeway.findings",
    "LeewayError": "leeway.errors",
    "Scope": "leeway.library.verdicts",
    "SecurityEvent": "leeway.library.security_event",
    "SessionResult": "leeway.library.calls",
    "Severity": "leeway.findings",
    "State": "leeway.library.results",
    "Summary": "leeway.summaries",
    "ThreatLevel": "leeway.library.threat_level",
    "Verdict": "leeway.library.verdicts",
}


def __getattr__(name: str) -> object:
    """Import `name` from its room the first time it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'leeway' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
