"""What a sink is."""

from collections.abc import Iterable
from typing import ClassVar, Protocol

from leeway.findings import Finding


class Sink(Protocol):
    """Renders findings; where the bytes go is the caller's business."""

    name: ClassVar[str]
    suffix: ClassVar[str]
    """Of the files it makes."""

    def render(self, findings: Iterable[Finding]) -> bytes:
        """Return the findings in the order given, escaped for the place that reads them."""
        ...
