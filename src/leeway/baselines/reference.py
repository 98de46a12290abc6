"""What an agent is judged against: its own baseline and, while that is not settled, its relatives' beside it."""

from collections import Counter

from leeway.baselines.baseline import Baseline
from leeway.baselines.kindred import Kindred, days_seen
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

    def __init__(self, own: Baseline | None, relatives: Kindred, day: int, profile: LearningProfile) -> None:
        """`relatives` are the nearest settled ones; they count only while `own` is not settled."""
        self.own = own
        self.day = day
        self.profile = profile
        self.state = state_of(own, day, profile)
        is_own_enough = self.state in {AgentState.SETTLED, AgentState.STALE}
        self.relatives = Kindred((), day, profile) if is_own_enough else relatives
        self._siblings: dict[Facet, Counter[Value]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to judge against."""
        return self.own is None and not self.relatives

    def membership(self, facet: Facet, value: Value) -> Membership:
        """Return how well the best informed of the baselines knows a value."""
        among = self.relatives.known(facet).get(value, Membership.NEW) if self.relatives else Membership.NEW
        if self.own is None or among is Membership.ESTABLISHED:
            return among
        return max(membership_of(self.own.values(facet).get(value), self.day, self.profile), among)

    def known(self, facet: Facet) -> int:
        """Return how many values of a facet are known."""
        return len(self.relatives.known(facet)) + self._besides(facet).total()

    def siblings(self, facet: Facet, parent: Value) -> int:
        """Return how many known values of a facet extend `parent`."""
        return self.relatives.siblings(facet)[parent] + self._besides(facet)[parent]

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
        seen = [self.relatives.seen(facet) for facet in facets]
        if self.own is not None:
            seen.append(days_seen(self.own.values(facet).values() for facet in facets))
        n = sum(pairs for pairs, _ in seen)
        if not n:
            n = self.relatives.active_days + (self.own.active_days if self.own else 0)
        if not n:
            return Surprise(PRIOR, 0, calibrated=False)
        return Surprise(round((sum(once for _, once in seen) + 1) / (n + 2), 6), n, calibrated=n >= CALIBRATED)

    def days_of(self, measure: Measure) -> dict[int, dict[int, int]]:
        """Return day to hour to sum of a measure; the relatives' days stand in where the agent has none."""
        own = self.own.hourly.get(measure) if self.own else None
        return own or self.relatives.hourly(measure)

    def _besides(self, facet: Facet) -> Counter[Value]:
        """Return what is known to the agent alone, counted by what it lies within."""
        found = self._siblings.get(facet)
        if found is None:
            among = self.relatives.known(facet)
            own = self.own.values(facet) if self.own else {}
            found = self._siblings[facet] = Counter(
                value[:-1]
                for value, entry in own.items()
                if value not in among and membership_of(entry, self.day, self.profile) is not Membership.NEW
            )
        return found
