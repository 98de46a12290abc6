"""Does the agent modify a model file it never modified?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Severity, Signal


@dataclass(frozen=True, slots=True)
class ModelFileFirstModified:
    """A model file that this agent creates, changes, renames or deletes for the first time (rows B4, B32). MEDIUM.

    Blind to: model files under a name without a known extension, and checkpoints that differ from known ones by
    numbers.
    """

    name: ClassVar[str] = "model_file_first_modified"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = (Facet.MODEL_FILE,)

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield a signal for each model file that is not established."""
        for candidate in view.of(Facet.MODEL_FILE):
            evidence = Evidence("model file", candidate.value[0], f"one of {candidate.known} it modifies")
            yield view.remark(self.name, candidate, Severity.MEDIUM, evidence)
