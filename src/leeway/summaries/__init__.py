"""What one agent did in one UTC day: sightings and measures that merge in any order."""

from leeway.summaries.builder import SummaryBuilder, observe, summarise
from leeway.summaries.facet_table import FACETS, Credit, FacetRow
from leeway.summaries.measures import MeasureTotals, bin_of
from leeway.summaries.session import Session, Step
from leeway.summaries.sighting import Sighting
from leeway.summaries.summary import Bound, Summary, decode_summary, encode_summary, merge

__all__ = [
    "FACETS",
    "Bound",
    "Credit",
    "FacetRow",
    "MeasureTotals",
    "Session",
    "Sighting",
    "Step",
    "Summary",
    "SummaryBuilder",
    "bin_of",
    "decode_summary",
    "encode_summary",
    "merge",
    "observe",
    "summarise",
]
