"""Is a model file changed by a command line that never changed it?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from leeway.baselines import Membership
from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Severity, Signal


@dataclass(frozen=True, slots=True)
class ModelFileUnusualArguments:
    """A known model file modified by a process with arguments of another shape (row B34). MEDIUM.

    An agent's own arguments are part of its key, so they are judged against the shapes by which its relatives modify
    the file; those of its children against its own past.

    Blind to: arguments that differ only by numbers, ids or temporary names, and a file that is itself new.
    """

    name: ClassVar[str] = "model_file_unusual_arguments"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = (Facet.MODEL_FILE_ARGUMENTS,)

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield a signal for each argument shape that is new to a known model file."""
        for candidate in view.of(Facet.MODEL_FILE_ARGUMENTS):
            if candidate.within is not Membership.NEW:
                file, arguments = candidate.value
                evidence = Evidence(
                    "arguments", f"{arguments} modifies {file}", f"one of {candidate.siblings} that did"
                )
                yield view.remark(self.name, candidate, Severity.MEDIUM, evidence)
