"""The order of the stages for one day, and the protocol an engine keeps. No I/O."""

from leeway.pipeline.day import DayEvents, Outcome, close_day
from leeway.pipeline.engine import Engine
from leeway.pipeline.world import Terms, World

__all__ = ["DayEvents", "Engine", "Outcome", "Terms", "World", "close_day"]
