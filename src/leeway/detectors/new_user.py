"""Does the agent act under a user it never had?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Severity, Signal


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user under whom the agent, or a process it started, never acted (rows B7, B28). MEDIUM.

    Blind to: another person behind a known account.
    """

    name: ClassVar[str] = "new_user"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = (Facet.USER,)

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield a signal for each user that is not established."""
        for candidate in view.of(Facet.USER):
            evidence = Evidence("user", candidate.value[0], f"one of {candidate.known} known")
            yield view.remark(self.name, candidate, Severity.MEDIUM, evidence)
