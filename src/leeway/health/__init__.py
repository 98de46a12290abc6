"""Gaps, caps and blind spots, as signals like any other."""

from leeway.health.cardinality import baseline_overflow, facet_overflow, shape_overflow

__all__ = ["baseline_overflow", "facet_overflow", "shape_overflow"]
