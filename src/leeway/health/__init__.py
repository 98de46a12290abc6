"""Gaps, caps and blind spots, as signals like any other."""

from leeway.health.cardinality import baseline_overflow, facet_overflow, shape_overflow
from leeway.health.telemetry_gap import Gap, Heard, gap_finding, gaps, heard_on, remember

__all__ = [
    "Gap",
    "Heard",
    "baseline_overflow",
    "facet_overflow",
    "gap_finding",
    "gaps",
    "heard_on",
    "remember",
    "shape_overflow",
]
