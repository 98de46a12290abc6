"""What is said of one agent while its day is open, and which of its values nothing will be said of."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time
from enum import Enum
from typing import Final, NamedTuple

from leeway.agents import Actor, AgentKey, Overflow
from leeway.baselines import (
    AgentState,
    Baseline,
    Candidate,
    Kindred,
    Membership,
    Neighbours,
    Reference,
    Relatives,
    compare,
    hourly_limit,
    total_limit,
)
from leeway.baselines.comparison import JUDGED
from leeway.baselines.packed import PackedBaselines
from leeway.config import LearningProfile, Policy
from leeway.context import in_context
from leeway.correlation import Naming, combine, flow_and_module
from leeway.detectors import ALL, View, judge
from leeway.detectors.excess_transfer import UNSENT, UNSENT_DAY
from leeway.engines.live.showings import FACETS_IN_ORDER, REMEMBERED, Seen
from leeway.events import WITHIN, EventRef, Facet, Measure, Value
from leeway.findings import Finding, Held, Signal, Surprise
from leeway.health import baseline_overflow, facet_overflow, shape_overflow
from leeway.pipeline import Terms, World
from leeway.summaries import MeasureTotals, Sighting, Summary

_ALONE: Final = frozenset({Facet.CHILD_ARGUMENTS, Facet.DIRECTORY, Facet.DOMAIN, Facet.FILE})
"""Facets whose values are judged one by one by every detector: of one that is not remarked alone nothing is said."""

_RULED: Final = frozenset({Facet.CHILD, Facet.MODULE_DIGEST})
"""Facets that an operator's rules speak about, known or not."""

_SHOWS_CONTEXT: Final = frozenset({Facet.DOMAIN_CONTEXT})
"""Facets by which a finding's severity may rise, known or not."""


class _Sort(Enum):
    """When a new value of a facet may change what is said."""

    NEVER = "nobody judges it"
    ALONE = "where it is not established, and remarked when it is all that there is"
    TOGETHER = "where it is not established"
    ALWAYS = "whether it is established or not"


class Ceiling(NamedTuple):
    """Bytes sent beyond which something is said."""

    hour: int
    day: int


class Descent(NamedTuple):
    """What attribution knows of an agent's day besides its summary."""

    starters: frozenset[str]
    """The agents that its instances were started under; empty text where there is none."""
    overflow: Overflow | None
    actor: Callable[[str], Actor]
    """Event id to who acted."""


class _Remembering(Reference):
    """A reference that is asked again and again: it works out a surprise once."""

    def __init__(self, own: Baseline | None, relatives: Kindred, day: int, profile: LearningProfile) -> None:
        super().__init__(own, relatives, day, profile)
        self._surprises: dict[tuple[Facet, ...], Surprise] = {}

    def surprise(self, *facets: Facet) -> Surprise:
        found = self._surprises.get(facets)
        if found is None:
            found = self._surprises[facets] = super().surprise(*facets)
        return found


class Standing:
    """One agent as it is judged on one day, under one key."""

    def __init__(self, agent: str, key: AgentKey, state: AgentState) -> None:
        self.agent = agent
        self.key = key
        self.state = state
        self.reference: Reference | None = None
        self.knows_program = False
        self.ceiling: Ceiling | None = None


class Judge:
    """Judges agents as `pipeline.close_day` does on an open day, and knows when there is nothing to judge."""

    def __init__(self, world: World, terms: Terms, day: int, packed: PackedBaselines) -> None:
        """Judge on `day` (an ordinal) by what `world` knows; `packed` are its baselines."""
        self._world = world
        self._terms = terms
        self._day = day
        self._packed = packed
        self._profile = terms.settings.profile
        self._has_rules = terms.policy != Policy()
        self._is_usual = {type(one) for one in terms.detectors} <= {type(one) for one in ALL}
        self._sorts = tuple(map(self._sort, FACETS_IN_ORDER))
        self._relatives: Relatives | None = None
        self._neighbours = Neighbours(world.baselines)
        self._standings: dict[tuple[str, AgentKey], Standing] = {}
        self._said: dict[tuple[Standing, int, Value, Membership], bool] = {}

    def standing(self, agent: str, key: AgentKey) -> Standing:
        """Return how an agent stands; its baseline is loaded only where that is needed."""
        found = self._standings.get((agent, key))
        if found is None:
            found = self._standings[agent, key] = Standing(agent, key, self._packed.state(agent, self._day))
        return found

    def may_speak(self, standing: Standing, seen: Seen) -> bool:
        """Say whether a value may change what is said of an agent."""
        sort = self._sorts[seen.index]
        if sort is _Sort.ALWAYS or sort is _Sort.NEVER:
            return sort is _Sort.ALWAYS
        if standing.state is AgentState.UNKNOWN and sort is not _Sort.ALONE:
            return True
        membership = self._membership(standing, seen)
        if membership is Membership.ESTABLISHED:
            return False
        return sort is not _Sort.ALONE or self._is_remarked(standing, seen, membership)

    def _sort(self, facet: Facet) -> "_Sort":
        if (self._has_rules and facet in _RULED) or facet in _SHOWS_CONTEXT or not self._is_usual:
            return _Sort.ALWAYS
        if facet not in JUDGED:
            return _Sort.NEVER
        return _Sort.ALONE if facet in _ALONE else _Sort.TOGETHER

    def may_speak_of_bytes(self, standing: Standing, hour: int, whole: int) -> bool:
        """Say whether the bytes sent in an hour, and in the whole day, may change what is said of an agent."""
        if standing.ceiling is None:
            days = self._reference(standing).days_of(Measure.BYTES_OUT)
            hourly = hourly_limit(days, self._day) or UNSENT
            daily = total_limit(days, self._day) or UNSENT_DAY
            standing.ceiling = Ceiling(hourly.amount, daily.amount)
        return not self._is_usual or hour > standing.ceiling.hour or whole > standing.ceiling.day

    def findings(self, standing: Standing, summary: Summary, lineage: "Descent") -> list[Finding]:
        """Return what is said of an agent's day so far, links left out."""
        reference = self._reference(standing)
        view = View(
            standing.agent,
            standing.key,
            summary,
            reference,
            compare(summary, reference),
            self._terms.policy,
            knows_program=standing.knows_program,
            starter_learns=self._are_learning(lineage.starters),
            neighbours=self._neighbours,
        )
        signals = self._signals(view)
        if lineage.overflow is not None:
            signals.append(shape_overflow(summary, lineage.overflow, self._terms.bound))
        naming = Naming(
            self._terms.ids,
            self._terms.settings.tenant,
            str(standing.key),
            summary.day,
            reference.state,
            lineage.actor,
            is_final=False,
        )
        return in_context(combine(signals, naming), summary)

    def _are_learning(self, starters: Iterable[str]) -> bool:
        """Say whether all starters are known agents that still learn what they start."""
        return {self._packed.state(one, self._day) for one in starters} == {AgentState.LEARNING}

    def _signals(self, view: View) -> list[Signal]:
        signals = judge(self._terms.detectors, view)
        last = (one for one in self._world.yesterday.get(view.agent, ()) if one.day.toordinal() == self._day - 1)
        pair = flow_and_module(signals, last, view)
        health = [*facet_overflow(view.summary, self._terms.bound)]
        own = view.reference.own
        if own is not None and own.evicted:
            health.append(baseline_overflow(view.summary, own.evicted, self._terms.bound))
        return [*signals, *([pair] if pair else []), *health]

    def _membership(self, standing: Standing, seen: Seen) -> Membership:
        is_settled = standing.state in {AgentState.SETTLED, AgentState.STALE}
        if is_settled and self._packed.is_established(standing.agent, seen.fingerprint, self._day):
            return Membership.ESTABLISHED
        return self._reference(standing).membership(seen.facet, seen.value)

    def _reference(self, standing: Standing) -> Reference:
        if standing.reference is None:
            if self._relatives is None:
                self._relatives = Relatives(self._world.baselines, self._day, self._profile)
            kin = self._relatives.of(standing.agent, standing.key)
            own = self._world.baselines.get(standing.agent)
            standing.reference = _Remembering(own, kin, self._day, self._profile)
            standing.knows_program = bool(kin) or self._relatives.is_learning(standing.agent, standing.key)
        return standing.reference

    def _is_remarked(self, standing: Standing, seen: Seen, membership: Membership) -> bool:
        """Say whether a value is remarked where it is all that the agent showed."""
        asked = standing, seen.index, seen.value[:-1], membership
        found = self._said.get(asked)
        if found is None:
            if len(self._said) >= REMEMBERED:
                self._said.clear()
            found = self._said[asked] = self._would_remark(standing, seen, membership)
        return found

    def _would_remark(self, standing: Standing, seen: Seen, membership: Membership) -> bool:
        reference, facet, within_value = self._reference(standing), seen.facet, seen.value[:-1]
        within = reference.membership(WITHIN[facet], within_value)
        if facet is Facet.DOMAIN and within is not Membership.ESTABLISHED:
            return True  # a remark about its domain says whose upkeep all of the domain's hosts are
        siblings, known = reference.siblings(facet, within_value), reference.known(facet)
        candidate = Candidate(facet, seen.value, self._sighting(), membership, within, siblings, known)
        return self._speaks(standing, reference, candidate)

    def _speaks(self, standing: Standing, reference: Reference, candidate: Candidate) -> bool:
        sighting = candidate.sighting
        totals = MeasureTotals(1, 1, 1, sighting.exemplar, {1: 1}, {0: 1})
        summary = Summary(
            agent=standing.agent,
            day=sighting.first.date(),
            sightings={candidate.facet: {candidate.value: sighting}},
            measures={Measure.EVENTS: {"": totals}},
        )
        candidates: Mapping[Facet, tuple[Candidate, ...]] = {candidate.facet: (candidate,)}
        view = View(standing.agent, standing.key, summary, reference, candidates, self._terms.policy)
        about = Held(candidate.facet, candidate.value)
        return any(about in signal.held for signal in judge(self._terms.detectors, view))

    def _sighting(self) -> Sighting:
        moment = datetime.combine(datetime.fromordinal(self._day), time(), UTC)
        return Sighting(1, moment, moment, 1, EventRef(moment, "-"))
