"""Does the agent start a process outside its allow list?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from leeway.detectors.policy_signal import policy_signal
from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Severity, Signal


@dataclass(frozen=True, slots=True)
class ProcessNotAllowed:
    """A child outside the list an operator wrote for this agent (row A9). HIGH, in every state of the baseline.

    Blind to: agents that no rule names, and an allowed program used for something else.
    """

    name: ClassVar[str] = "process_not_allowed"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = (Facet.CHILD,)

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield a signal for each child that the rules about this agent do not allow."""
        for value, sighting in view.summary.sightings.get(Facet.CHILD, {}).items():
            if view.policy.allows_process(view.key.process, value[0]) is False:
                evidence = Evidence("child", value[0], "a process on its allow list")
                yield policy_signal(view, self.name, Facet.CHILD, value, sighting, Severity.HIGH, evidence)
