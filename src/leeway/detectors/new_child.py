"""Does the agent start a process it never started, or a known one in a new way?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from leeway.baselines import Membership
from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Severity, Signal

VARIED = 8
"""Known argument shapes of one child from which its arguments vary by nature."""


@dataclass(frozen=True, slots=True)
class NewChild:
    """A process started by the agent, or below it, that never was (rows A1, B5, B20, B35).

    A new child is MEDIUM, whether it is one more or the first spawn of an agent that never had any. A known child with
    arguments of a new shape is LOW where the agent knows fewer than eight shapes of it.

    Blind to: a known child doing something else, and code run inside the agent's own process.
    """

    name: ClassVar[str] = "new_child"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = (Facet.CHILD, Facet.CHILD_ARGUMENTS)

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield a signal for each new child, then for each new way to start a known one."""
        for candidate in view.of(Facet.CHILD):
            expected = f"one of {candidate.known} known" if candidate.known else "no child: it never started one"
            evidence = Evidence("child", candidate.value[0], expected)
            yield view.remark(self.name, candidate, Severity.MEDIUM, evidence)
        for candidate in view.of(Facet.CHILD_ARGUMENTS):
            if candidate.within is not Membership.NEW and candidate.siblings < VARIED:
                child, arguments = candidate.value
                expected = f"one of {candidate.siblings} known shapes of {child}"
                evidence = Evidence("arguments", f"{child} {arguments}".strip(), expected)
                yield view.remark(self.name, candidate, Severity.LOW, evidence)
