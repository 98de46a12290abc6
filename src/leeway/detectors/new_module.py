"""Does the agent load a library it never loaded?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Severity, Signal


@dataclass(frozen=True, slots=True)
class NewModule:
    """A module name that is new for this agent, versions and hashes in it blanked (rows A3, D7). LOW.

    LOW, because updates bring modules; together with a new destination it is `flow_and_module`, HIGH.

    Blind to: known names with other content (`module_not_approved` looks at digests), and code mapped without a file.
    """

    name: ClassVar[str] = "new_module"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = (Facet.MODULE,)

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield a signal for each module that is not established."""
        for candidate in view.of(Facet.MODULE):
            evidence = Evidence("module", candidate.value[0], f"one of {candidate.known} known")
            yield view.remark(self.name, candidate, Severity.LOW, evidence)
