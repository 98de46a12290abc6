"""Is a model file changed under a user who never changed it?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from leeway.baselines import Membership
from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Severity, Signal


@dataclass(frozen=True, slots=True)
class ModelFileNewUser:
    """A model file the agent does modify, now under another user (row B33). HIGH.

    Blind to: a file that is itself new, which `model_file_first_modified` remarks, and feeds without user names.
    """

    name: ClassVar[str] = "model_file_new_user"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = (Facet.MODEL_FILE_USER,)

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield a signal for each user who is new to a known model file."""
        for candidate in view.of(Facet.MODEL_FILE_USER):
            if candidate.within is not Membership.NEW:
                file, user = candidate.value
                evidence = Evidence("user", f"{user} modifies {file}", f"one of {candidate.siblings} who did")
                yield view.remark(self.name, candidate, Severity.HIGH, evidence)
