"""The order of the stages for one day, and the protocol an engine keeps. No I/O."""

from leeway.pipeline.day import DayEvents, Outcome, close_day
from leeway.pipeline.verbs import Verbs
from leeway.pipeline.world import Terms, World

__all__ = ["DayEvents", "Outcome", "Terms", "Verbs", "World", "close_day"]
