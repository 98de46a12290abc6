"""Is this an agent that was never seen?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from leeway.baselines import AgentState
from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Severity, Signal

_TOLD = {
    Facet.CHILD: "children new to the machine",
    Facet.REGISTRABLE_DOMAIN: "domains new to the machine",
    Facet.NETWORK: "networks new to the machine",
    Facet.MODULE: "modules new to the machine",
}

_SHOWN = 6
"""Values of one facet that are told."""


@dataclass(frozen=True, slots=True)
class NewAgent:
    """No baseline knows this agent (row B26). MEDIUM.

    LOW where a settled relative runs the same program; where an agent of its machine that is still learning runs it, or
    only such agents started it; and where its start was not seen: it may be older than the telemetry, and then only the
    telemetry is new. What it did that no agent of the machine ever did is told with it: it has no past of its own to
    hold that against.

    Blind to: a known agent's name, arguments and signer put on something else.
    """

    name: ClassVar[str] = "new_agent"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = ()

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield one signal for an agent whose state is unknown."""
        if view.reference.state is not AgentState.UNKNOWN:
            return
        mild = view.knows_program or view.starter_learns or not view.key.is_complete
        expected = "a known agent"
        if view.knows_program:
            expected += "; a relative runs the same program"
        elif view.starter_learns:
            expected += "; who started it is learning still"
        severity = Severity.LOW if mild else Severity.MEDIUM
        yield view.about_agent(self.name, severity, Evidence("agent", str(view.key), expected), *_strange(view))


def _strange(view: View) -> Iterator[Evidence]:
    """Yield what the agent did that is new to its machine; nothing where no agent of the machine is known."""
    for facet, what in _TOLD.items():
        known = view.neighbours.know(view.key.machine, facet)
        seen = view.summary.sightings.get(facet, {})
        fresh = sorted(value[-1] for value in seen if known is not None and value not in known)
        if fresh:
            more = f" and {len(fresh) - _SHOWN} more" if len(fresh) > _SHOWN else ""
            yield Evidence(what, ", ".join(fresh[:_SHOWN]) + more, "what some agent of this machine did before")
