"""What a sink is, and what is told with a finding."""

from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar, NamedTuple, Protocol

from leeway.findings import Finding


class Activity(StrEnum):
    """Why a place is told of a finding: its case is new there, or was told before and has grown."""

    CREATE = "create"
    UPDATE = "update"


class Told(NamedTuple):
    """What a delivery says beyond the finding itself; a listing says nothing of it."""

    activity: Activity
    days: int
    """Days of the case so far."""
    delivery: str
    """Id of the delivery: the same however often it is tried."""


class Sink(Protocol):
    """Renders findings; where the bytes go is the caller's business."""

    name: ClassVar[str]
    suffix: ClassVar[str]
    """Of the files it makes."""
    is_appended: ClassVar[bool]
    """Whether records follow each other, so that a file can be added to; the head of `render([])` comes once."""

    def render(self, findings: Iterable[Finding], told: Told | None = None) -> bytes:
        """Return the findings in the order given, escaped for the place that reads them."""
        ...
