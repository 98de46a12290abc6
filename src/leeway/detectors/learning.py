"""Is the agent still being learnt, or was it away too long to vouch for?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from leeway.baselines import AgentState
from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Severity, Signal


@dataclass(frozen=True, slots=True)
class Learning:
    """The agent's own baseline is not settled, or is stale (row B27): unknown is never normal. INFO.

    Blind to: what the agent does; other detectors judge that, one severity lower, beside its relatives.
    """

    name: ClassVar[str] = "learning"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = ()

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield one signal for a learning or stale agent."""
        own, profile = view.reference.own, view.reference.profile
        if own is None or view.reference.state not in {AgentState.LEARNING, AgentState.STALE}:
            return
        seen = (
            f"{view.reference.state}: known for {view.reference.day - own.first_day} days with {own.events} events, "
            f"last active on {date.fromordinal(own.last_day)}"
        )
        expected = f"≥ {profile.learning_days} days and ≥ {profile.settled_events} events, active within 14 days"
        yield view.about_agent(self.name, Severity.INFO, Evidence("baseline", seen, expected))
