"""Gaps, caps and blind spots, as signals like any other."""

from leeway.health.cardinality import facet_overflow, shape_overflow

__all__ = ["facet_overflow", "shape_overflow"]
