"""What an agent is judged against: its own baseline and, while that is not settled, its relatives' beside it."""

from collections import Counter

from leeway.baselines.baseline import Baseline
from leeway.baselines.membership import AgentState, Membership, membership_of, state_of
from leeway.config import LearningProfile
from leeway.events import Facet, Measure, Value
from leeway.findings import Severity, Surprise

CALIBRATED = 7
"""Observations from which a surprise counts as calibrated."""

USUAL = 0.5
"""Estimated share of new values from which a new one is nothing unusual: its severity is one less."""

PRIOR = 0.5
"""The prior stated where no closed day speaks: it claims nothing."""


class Reference:
    """The baselines behind one judgement of one agent on one day."""

    def __init__(
        self, own: Baseline | None, relatives: tuple[Baseline, ...], day: int, profile: LearningProfile
    ) -> None:
        """`relatives` are the nearest settled ones; they count only while `own` is not settled."""
        self.own = own
        self.day = day
        self.profile = profile
        self.state = state_of(own, day, profile)
        self.relatives = () if self.state in {AgentState.SETTLED, AgentState.STALE} else relatives
        self.baselines: tuple[Baseline, ...] = (*((own,) if own else ()), *self.relatives)
        self._siblings: dict[Facet, Counter[Value]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to judge against."""
        return not self.baselines

    def membership(self, facet: Facet, value: Value) -> Membership:
        """Return how well the best informed of the baselines knows a value."""
        return max(
            (membership_of(one.values(facet).get(value), self.day, self.profile) for one in self.baselines),
            default=Membership.NEW,
        )

    def known(self, facet: Facet) -> int:
        """Return how many values of a facet are known."""
        return sum(self._counts(facet).values())

    def siblings(self, facet: Facet, parent: Value) -> int:
        """Return how many known values of a facet extend `parent`."""
        return self._counts(facet)[parent]

    def soften(self, severity: Severity, membership: Membership = Membership.NEW, *facets: Facet) -> Severity:
        """Return a severity as this agent's state and the value's membership make it.

        Rare is one less than new, and of MEDIUM and less INFO while the agent is learning: of a value that cannot be
        established yet, having been seen before is all that can be expected. An agent that is not settled gets one
        less, never INFO; a stale one as well, and one that shows new values of `facets` more often than not.
        """
        if membership is Membership.RARE:
            if self.state is AgentState.LEARNING and severity <= Severity.MEDIUM:
                return Severity.INFO
            severity = severity.lowered()
        for reason in (self.state is not AgentState.SETTLED, facets and self.surprise(*facets).p > USUAL):
            if reason and severity is not Severity.INFO:
                severity = severity.lowered(floor=Severity.LOW)
        return severity

    def surprise(self, *facets: Facet) -> Surprise:
        """Return how likely the next value of `facets` is a new one, by what the baselines saw.

        Good and Turing's estimate of the unseen mass: (n1 + 1) / (n + 2), where n counts (value, day) pairs and n1 the
        values seen on one day only (Good 1953). An agent that never showed the facet is estimated by its active days.
        """
        days = [
            entry.days.bit_count() for one in self.baselines for facet in facets for entry in one.values(facet).values()
        ]
        n = sum(days)
        if not n:
            n = sum(one.active_days for one in self.baselines)
        if not n:
            return Surprise(PRIOR, 0, calibrated=False)
        return Surprise(round((days.count(1) + 1) / (n + 2), 6), n, calibrated=n >= CALIBRATED)

    def days_of(self, measure: Measure) -> dict[int, dict[int, int]]:
        """Return day to hour to sum of a measure; the relatives' days stand in where the agent has none."""
        for one in self.baselines:
            if one.hourly.get(measure):
                return one.hourly[measure]
        return {}

    def _counts(self, facet: Facet) -> Counter[Value]:
        found = self._siblings.get(facet)
        if found is None:
            known = {
                value
                for one in self.baselines
                for value, entry in one.values(facet).items()
                if membership_of(entry, self.day, self.profile) is not Membership.NEW
            }
            found = self._siblings[facet] = Counter(value[:-1] for value in known)
        return found
