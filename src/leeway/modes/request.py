"""What a run is asked for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from leeway.config import Policy, Settings
from leeway.pipeline import Verbs
from leeway.sources import Source

Progress = Callable[[str, int], None]
"""Told of the stage and of how many records or days are done, often enough to draw from."""

EXPORT_LATENESS = timedelta(hours=24)
"""Allowed lateness of exports (ARCHITECTURE section 1)."""


def quiet(stage: str, done: int) -> None:  # the shape of Progress
    """Report no progress."""


class Period(StrEnum):
    """The unit in which counts of history are given."""

    DAY = "day"
    HOUR = "hour"

    @property
    def length(self) -> timedelta:
        """How long one is."""
        return timedelta(days=1) if self is Period.DAY else timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Request:
    """The inputs of one run, all of them: the same request on the same directory gives the same result."""

    sources: tuple[Source, ...]
    settings: Settings
    engine: Verbs
    now: datetime
    """The caller's clock, zoned; closes whole past days and dates the files that are written."""
    policy: Policy = field(default_factory=Policy)
    period: Period = Period.DAY
    count: int | None = None
    """Periods of history: the first ones of the sources to bootstrap, the last ones to collect or detect."""
    lateness: timedelta = EXPORT_LATENESS
    observe: bool = False
    """Judge and store everything, deliver nothing (row A18)."""
    progress: Progress = quiet
