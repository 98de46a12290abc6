"""Is this an agent that was never seen?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from leeway.baselines import AgentState
from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Severity, Signal


@dataclass(frozen=True, slots=True)
class NewAgent:
    """No baseline knows this agent (row B26). MEDIUM.

    LOW where a settled relative runs the same program, or where its start was not seen: it may be older than the
    telemetry, and then only the telemetry is new.

    Blind to: a known agent's name, arguments and signer put on something else.
    """

    name: ClassVar[str] = "new_agent"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = ()

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield one signal for an agent whose state is unknown."""
        if view.reference.state is not AgentState.UNKNOWN:
            return
        related = view.has_settled_relative
        expected = "a known agent; a settled relative runs the same program" if related else "a known agent"
        severity = Severity.LOW if related or not view.key.is_complete else Severity.MEDIUM
        yield view.about_agent(self.name, severity, Evidence("agent", str(view.key), expected))
