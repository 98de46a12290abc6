"""Does the agent touch a directory or file it never touched?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from leeway.baselines import Candidate, Membership
from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Severity, Signal

WIDE_TREE = 16
"""Known directories of one tree from which the tree is the stable level."""

WIDE_DIRECTORY = 4
"""Known files of one directory from which the directory is the stable level."""


@dataclass(frozen=True, slots=True)
class NewPath:
    """A tree, directory or file that is new for this agent (row B30), numbers and temporary names blanked.

    A tree (the first three components) is MEDIUM. A new directory in a known tree is LOW where the agent knows fewer
    than 16 there, a new file in a known directory is LOW where it knows fewer than four; beyond that they vary by
    nature.

    Blind to: known files with other content, and reads, on sensors that do not report them.
    """

    name: ClassVar[str] = "new_path"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = (Facet.TREE, Facet.DIRECTORY, Facet.FILE)

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield a signal for each new tree, else directory, else file."""
        for candidate in view.of(Facet.TREE):
            evidence = Evidence("tree", candidate.value[0], f"one of {candidate.known} known")
            yield view.remark(self.name, candidate, Severity.MEDIUM, evidence)
        yield from self._within(view, Facet.DIRECTORY, WIDE_TREE)
        yield from self._within(view, Facet.FILE, WIDE_DIRECTORY)

    def _within(self, view: View, facet: Facet, wide: int) -> Iterator[Signal]:
        for candidate in view.of(facet):
            if candidate.within is not Membership.NEW and candidate.siblings < wide:
                yield view.remark(self.name, candidate, Severity.LOW, self._evidence(facet, candidate))

    def _evidence(self, facet: Facet, candidate: Candidate) -> Evidence:
        parent, name = candidate.value[-2], candidate.value[-1]
        return Evidence(str(facet), name, f"one of {candidate.siblings} known in {parent}")
