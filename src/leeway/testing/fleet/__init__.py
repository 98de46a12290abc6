"""A simulated fleet on a fake clock, with known truth."""

from leeway.testing.fleet.fleet import Fleet
from leeway.testing.fleet.roster import DriftType
from leeway.testing.fleet.truth import Drift, Release, SimulatedAgent, Truth

__all__ = ["Drift", "DriftType", "Fleet", "Release", "SimulatedAgent", "Truth"]
