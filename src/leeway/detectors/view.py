"""What a detector sees, the protocol it keeps, and the loop that asks all of them."""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import ClassVar, NamedTuple, Protocol

from leeway.agents import AgentKey
from leeway.baselines import AgentState, Candidate, Membership, Neighbours, Reference
from leeway.config import Policy
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Held, Severity, Signal
from leeway.summaries import Summary


class Closes(Enum):
    """When a detector may speak."""

    MONOTONE = "at once: nothing it said vanishes and no severity falls when more events arrive"
    HOUR = "behind the watermark of the hour"
    DAY = "behind the watermark of the day"
    SESSION = "when the session has ended"


class View(NamedTuple):
    """One agent's day beside what it is judged against."""

    agent: str
    key: AgentKey
    summary: Summary
    reference: Reference
    candidates: Mapping[Facet, tuple[Candidate, ...]]
    policy: Policy
    knows_program: bool = False
    """Whether a settled relative, or one of the machine that is learning, runs the same program."""
    starter_learns: bool = False
    """Whether all that started this agent are agents that are learning still."""
    neighbours: Neighbours = Neighbours({})
    """The baselines of all agents, by machine."""

    def of(self, *facets: Facet) -> Iterator[Candidate]:
        """Yield the candidates of some facets; none where there is nothing to judge against."""
        if not self.reference.is_empty:
            for facet in facets:
                yield from self.candidates.get(facet, ())

    def remark(
        self, kind: str, candidate: Candidate, base: Severity, *evidence: Evidence, held: tuple[Held, ...] = ()
    ) -> Signal:
        """Return the signal about one candidate, its base severity softened by state and membership."""
        return Signal(
            agent=self.agent,
            type=kind,
            value=candidate.value,
            severity=self.soften(base, candidate.membership, candidate.facet),
            evidence=(*evidence, *self._standing(candidate)),
            first=candidate.sighting.first,
            last=candidate.sighting.last,
            hours=candidate.sighting.hours,
            event_ids=(candidate.sighting.exemplar.id,),
            surprise=self.reference.surprise(candidate.facet),
            held=(Held(candidate.facet, candidate.value), *held),
        )

    def soften(self, severity: Severity, membership: Membership = Membership.NEW, *facets: Facet) -> Severity:
        """Return a severity as state, membership and habit make it, one less where the agent's start was not seen.

        Runs whose start was not seen share one baseline whatever their arguments, so it says less.
        """
        softened = self.reference.soften(severity, membership, *facets)
        return softened if self.key.is_complete or softened is Severity.INFO else softened.lowered(floor=Severity.LOW)

    def about_agent(self, kind: str, severity: Severity, *evidence: Evidence) -> Signal:
        """Return the signal about the agent as such, spanning its day."""
        totals = self.summary.measures[Measure.EVENTS][""]
        seen = [sighting for values in self.summary.sightings.values() for sighting in values.values()]
        exemplar = min(sighting.exemplar for sighting in seen)
        return Signal(
            agent=self.agent,
            type=kind,
            value=(),
            severity=severity,
            evidence=evidence,
            first=min(sighting.first for sighting in seen),
            last=max(sighting.last for sighting in seen),
            hours=sum(1 << hour for hour in totals.hours),
            event_ids=(exemplar.id,),
            surprise=self.reference.surprise(),
        )

    def _standing(self, candidate: Candidate) -> tuple[Evidence, ...]:
        """Say how the value stands where that is more than "never seen by a settled agent"."""
        standing = []
        if candidate.membership is Membership.RARE:
            standing.append(Evidence("standing", "seen before, not established", "established or new"))
        if self.reference.state is not AgentState.SETTLED:
            against = f"judged beside {len(self.reference.relatives)} settled relatives"
            standing.append(Evidence("agent", f"{self.reference.state}, {against}", "settled"))
        return tuple(standing)


class Detector(Protocol):
    """One question about one agent's day."""

    name: ClassVar[str]
    closes: ClassVar[Closes]
    facets: ClassVar[tuple[Facet | Measure, ...]]
    """What a source must observe for the question to mean anything; empty for questions about the agent itself."""

    def judge(self, view: View) -> Iterable[Signal]:
        """Return the remarks, in a stable order."""
        ...


def judge(detectors: Iterable[Detector], view: View) -> list[Signal]:
    """Return what all detectors say of one view, in their order. Pure: the inputs are left as they were."""
    return [signal for detector in detectors for signal in detector.judge(view)]
