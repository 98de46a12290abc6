"""Does the agent load a module that is not on its approved list?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from leeway.agents.module_names import module_name
from leeway.detectors.policy_signal import policy_signal
from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Severity, Signal

_SHA1_DIGITS = 40
"""Hexadecimal digits of a SHA-1, which some sensors take alone."""


@dataclass(frozen=True, slots=True)
class ModuleNotApproved:
    """A module whose digest, or name, an operator did not approve for this agent (row A3). HIGH.

    Blind to: agents that no rule names, modules whose sensor gives no digest unless approved or refused by name, and
    code mapped without a file.
    """

    name: ClassVar[str] = "module_not_approved"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = (Facet.MODULE_DIGEST,)

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield a signal for each module and digest that the rules do not approve."""
        for value, sighting in view.summary.sightings.get(Facet.MODULE_DIGEST, {}).items():
            module, digest = value
            if view.policy.allows_module(view.key.process, module, digest, module_name) is False:
                kind = "sha1" if len(digest) == _SHA1_DIGITS else "sha256"
                seen = f"{module} {kind} {digest}" if digest else f"{module} without a digest"
                evidence = Evidence("module", seen, "a module on its approved list")
                yield policy_signal(view, self.name, Facet.MODULE_DIGEST, value, sighting, Severity.HIGH, evidence)
