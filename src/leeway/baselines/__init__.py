"""What is normal and how it is learned: values with their days, states with their policies, promotion at close."""

from leeway.baselines.baseline import (
    Baseline,
    Entry,
    Pending,
    Provenance,
    decode_baseline,
    encode_baseline,
)
from leeway.baselines.comparison import Candidate, compare
from leeway.baselines.kindred import Kindred
from leeway.baselines.membership import AgentState, Membership, membership_of, state_of
from leeway.baselines.neighbours import Neighbours
from leeway.baselines.promotion import Remarks, promote, trust
from leeway.baselines.rates import Limit, hourly_limit, total_limit
from leeway.baselines.reference import Reference
from leeway.baselines.relatives import Relatives

__all__ = [
    "AgentState",
    "Baseline",
    "Candidate",
    "Entry",
    "Kindred",
    "Limit",
    "Membership",
    "Neighbours",
    "Pending",
    "Provenance",
    "Reference",
    "Relatives",
    "Remarks",
    "compare",
    "decode_baseline",
    "encode_baseline",
    "hourly_limit",
    "membership_of",
    "promote",
    "state_of",
    "total_limit",
    "trust",
]
