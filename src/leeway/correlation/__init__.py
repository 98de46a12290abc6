"""Signals to findings: correlation adds findings and links members; it removes none."""

from leeway.correlation.combine import Naming, combine, link
from leeway.correlation.flow_and_module import flow_and_module

__all__ = ["Naming", "combine", "flow_and_module", "link"]
