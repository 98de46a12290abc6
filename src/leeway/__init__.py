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
    from leeway.summaries import Summary

__version__ = "0.1.0"
__all__ = ["Event", "Finding", "LeewayError", "Severity", "Summary", "__version__"]

_HOMES = {
    "Event": "leeway.events",
    "Finding": "leeway.findings",
    "LeewayError": "leeway.errors",
    "Severity": "leeway.findings",
    "Summary": "leeway.summaries",
}


def __getattr__(name: str) -> object:
    """Import `name` from its room the first time it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'leeway' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
