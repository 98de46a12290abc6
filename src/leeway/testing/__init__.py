"""For tests and demonstrations: a simulated fleet with known truth on a fake clock."""

from leeway.testing.fleet import Drift, DriftType, Fleet, Release, SimulatedAgent, Truth

__all__ = ["Drift", "DriftType", "Fleet", "Release", "SimulatedAgent", "Truth"]
