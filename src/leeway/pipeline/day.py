"""One day from events to findings, and at its close to the next baselines."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from typing import NamedTuple, TypeVar

from leeway.agents import Actor, AgentKey, Attribution, FullNames, HostDoubt, Hosts, Instance, learnt_names
from leeway.baselines import Baseline, Neighbours, Reference, Relatives, Remarks, promote, trust
from leeway.baselines.membership import AgentState, state_of
from leeway.context import in_context
from leeway.correlation import Naming, combine, flow_and_module, link
from leeway.detectors import View, judge
from leeway.events import AnyEvent, order
from leeway.findings import Finding, Held, Severity, Signal
from leeway.health import (
    Heard,
    baseline_overflow,
    facet_overflow,
    gap_finding,
    gaps,
    heard_on,
    remember,
    shape_overflow,
)
from leeway.pipeline.world import Terms, World, remembered
from leeway.summaries import FACETS, Credit, Summary

NEAREST = frozenset(row.facet for row in FACETS if row.credit is Credit.NEAREST)
"""Facets of what counts for the nearest agent only."""


_Key = TypeVar("_Key")
_Known = TypeVar("_Known")


class DayEvents(NamedTuple):
    """The events of one UTC day, without duplicates; `trusted` ones are learnt without being judged."""

    day: date
    judged: tuple[AnyEvent, ...]
    trusted: tuple[AnyEvent, ...] = ()


class Outcome(NamedTuple):
    """What one day gave. Of a day that is still open the only changes are the baselines of its trusted part."""

    day: date
    findings: tuple[Finding, ...]
    summaries: Mapping[str, Summary]
    names: Mapping[str, AgentKey]
    """Agent id to the key it was seen under."""
    world: World
    """What is known after the day; of an open day, what was known before."""
    baselines: Mapping[str, Baseline] = {}
    """Those that changed."""
    instances: tuple[Instance, ...] = ()
    """Those that an event named."""
    signers: Mapping[tuple[str, str], str] = {}
    registry: Mapping[AgentKey, str] = {}
    hosts: Mapping[str, FullNames] = {}
    sensors: Mapping[str, Heard] = {}
    doubts: tuple[HostDoubt, ...] = ()
    """Short host names of the day that may be one of several hosts, and were merged with none."""


def close_day(world: World, events: DayEvents, terms: Terms, *, is_final: bool = True) -> Outcome:
    """Judge a day against what the closed days taught and, where `is_final`, learn from it.

    Pure: `world` and `events` are left as they were. An open day's findings are provisional, and what a later event
    could take back is left out of them: agents that it could rename (their start was not seen, or their digest on a
    host where signers are known), and what a child loaded that may yet turn out to be an agent itself.
    """
    hosts = Hosts(world.hosts, terms.settings.aliases, (event.host for event in events.trusted))
    names = {event.host for event in (*events.trusted, *events.judged)}
    hosts.take_over((key.machine for key in world.registry), names)
    # Each part is put in order once; to merge two ordered parts is quick.
    events = DayEvents(events.day, _in_order(hosts, events.judged), _in_order(hosts, events.trusted))
    ordered = sorted((*events.trusted, *events.judged), key=order)
    attribution = Attribution(ordered, world.known(hosts), terms.attribution)
    day = JudgedDay(world, _rolled_up(attribution, events, terms), terms, is_final=is_final)
    baselines = day.trusted()
    findings = day.judged(baselines)
    outcome = Outcome(events.day, tuple(findings), day.summaries, day.names, world, doubts=hosts.doubts(names))
    if not is_final:
        return outcome._replace(baselines=baselines)
    learnt = day.promoted(baselines, findings)
    heard = heard_on(ordered)
    silences = silences_of(world, hosts, heard, events.day, terms, is_judged=bool(events.judged))
    named = learnt_names(world.hosts, terms.settings.aliases, names)
    changes = _Learnt(day, attribution, ordered, learnt, named, silences.sensors)
    return changes.outcome(outcome._replace(findings=(*findings, *silences.findings)), world)


def _in_order(hosts: Hosts, events: Iterable[AnyEvent]) -> tuple[AnyEvent, ...]:
    return tuple(sorted(hosts.renamed(events), key=order))


class RolledUp(NamedTuple):
    """What the events of one day came to, by whichever engine."""

    day: date
    attribution: Attribution
    trusted: Mapping[str, Summary]
    judged: Mapping[str, Summary]
    events: Callable[[Collection[str]], Mapping[str, AnyEvent]]
    """Returns the judged events of some ids, each of which a sighting or a measure of `judged` shows."""


def _rolled_up(attribution: Attribution, events: DayEvents, terms: Terms) -> RolledUp:
    summarise, bound = terms.engine.summarise, terms.bound
    trusted = summarise(events.day, events.trusted, attribution, bound)
    judged = summarise(events.day, events.judged, attribution, bound)
    by_id = {event.id: event for event in events.judged}
    return RolledUp(events.day, attribution, trusted, judged, lambda ids: {one: by_id[one] for one in ids})


class Silences(NamedTuple):
    """Which sensors were silent, and what is known of all of them after the day."""

    findings: tuple[Finding, ...]
    sensors: dict[str, Heard]


def silences_of(
    world: World, hosts: Hosts, heard: Mapping[str, int], day: date, terms: Terms, *, is_judged: bool
) -> Silences:
    """Hold the hours in which sensors were `heard` against those in which they usually are."""
    known = {hosts.resolve(one): days for one, days in world.sensors.items()}
    known |= {one: days for one, days in world.sensors.items() if hosts.resolve(one) == one}
    found = gaps(known, heard, day) if is_judged else []
    findings = tuple(gap_finding(gap, terms.ids, terms.settings.tenant, day) for gap in found)
    return Silences(findings, remember(known, heard, day))


class _Learnt(NamedTuple):
    """What a closed day taught."""

    day: "JudgedDay"
    attribution: Attribution
    ordered: list[AnyEvent]
    baselines: dict[str, Baseline]
    hosts: dict[str, FullNames]
    sensors: dict[str, Heard]

    def outcome(self, outcome: Outcome, world: World) -> Outcome:
        """Return the outcome with the changes, and with the world after the day."""
        instances = tuple(self.attribution.lineage.instances())
        signers = changed(self.attribution.learnt_signers(self.ordered), world.signers)
        registry = changed(self.attribution.registry, world.registry)
        registry = {key: agent for key, agent in registry.items() if agent in self.day.summaries}
        number = outcome.day.toordinal()
        after = World(
            instances={**remembered(world.instances.values(), number), **remembered(instances, number)},
            signers={**world.signers, **signers},
            registry={**world.registry, **registry},
            baselines={**world.baselines, **self.baselines},
            hosts=self.hosts,
            sensors=self.sensors,
            yesterday=by_agent(outcome.findings),
        )
        return outcome._replace(
            world=after,
            baselines=self.baselines,
            instances=instances,
            signers=signers,
            registry=registry,
            hosts=changed(self.hosts, world.hosts),
            # One that is known no more is written as empty: a row that is kept would be known again after a restart.
            sensors=changed({**dict.fromkeys(world.sensors, ()), **self.sensors}, world.sensors),
        )


def changed(after: Mapping[_Key, _Known], before: Mapping[_Key, _Known]) -> dict[_Key, _Known]:
    """Return what is not as it was before."""
    return {key: value for key, value in after.items() if before.get(key) != value}


class JudgedDay:
    """The stages of one day behind its roll-up, in their order."""

    def __init__(self, world: World, rolled: RolledUp, terms: Terms, *, is_final: bool = True) -> None:
        """Judge `rolled` by what `world` knows."""
        self._world = world
        self._attribution = rolled.attribution
        self._terms = terms
        self._is_final = is_final
        self.day = rolled.day
        self._number = rolled.day.toordinal()
        self._find = rolled.events
        self._events: Mapping[str, AnyEvent] = {}
        self._trusted = rolled.trusted
        self._judged = rolled.judged
        self.names = names_of(rolled.attribution)
        self.summaries = self._merged()

    def trusted(self) -> dict[str, Baseline]:
        """Return the baselines after the trusted part of the day."""
        return {
            agent: trust(self._own(agent), self.names[agent], summary, self._never(agent), self._terms.settings)
            for agent, summary in self._trusted.items()
        }

    def judged(self, trusted: Mapping[str, Baseline]) -> list[Finding]:
        """Return the day's findings, linked and in a stable order."""
        known = {**self._world.baselines, **trusted}
        relatives = Relatives(known, self._number, self._terms.settings.profile)
        neighbours = Neighbours(known)
        starters = self._attribution.starters()
        overflows = {one.agent: one for one in self._attribution.overflows}
        remarks: list[tuple[Summary, AgentState, list[Signal]]] = []
        for agent, summary in sorted(self._judged.items()):
            key = self.names[agent]
            if not self._is_final and not key.is_complete:
                continue
            kin = relatives.of(agent, key)
            own = trusted.get(agent) or self._own(agent)
            reference = Reference(own, kin, self._number, self._terms.settings.profile)
            view = View(agent, key, summary, reference, {}, self._terms.policy, neighbours=neighbours)
            view = view._replace(
                knows_program=bool(kin) or relatives.is_learning(agent, key),
                starter_learns=self._are_learning(starters.get(agent, frozenset()), known),
            )
            signals = self._signals(view)
            if agent in overflows:
                signals.append(shape_overflow(summary, overflows[agent], self._terms.bound))
            remarks.append((summary, reference.state, signals))
        return self._found(remarks)

    def _found(self, remarks: Iterable[tuple[Summary, AgentState, list[Signal]]]) -> list[Finding]:
        """Return the findings of all agents' signals; the events that they show are looked up together."""
        remarks = list(remarks)
        self._events = self._find({signal.event_ids[0] for _, _, signals in remarks for signal in signals})
        findings: list[Finding] = []
        for summary, state, signals in remarks:
            naming = self._naming(self.names[summary.agent], state)
            findings += in_context(combine(signals, naming), summary)
        if not self._is_final:
            findings = self._standing(findings)
        return link(findings, self._nearest(findings))

    def _are_learning(self, starters: frozenset[str], known: Mapping[str, Baseline]) -> bool:
        """Whether all starters are known agents that still learn what they start."""
        profile = self._terms.settings.profile
        states = {state_of(known.get(one), self._number, profile) for one in starters}
        return states == {AgentState.LEARNING}

    def _standing(self, findings: list[Finding]) -> list[Finding]:
        """Return the findings that stand whatever else the day brings.

        What counts for the nearest agent only moves when a child of it turns out to be an agent itself.
        """
        may_move = {
            (one.agent, held)
            for one in findings
            for held in one.held
            if held.facet in NEAREST and len(one.held) == 1 and not self._is_own(one)
        }
        uncertain = self._attribution.uncertain()
        return [
            one
            for one in findings
            if one.agent not in uncertain and not any((one.agent, held) in may_move for held in one.held)
        ]

    def _is_own(self, finding: Finding) -> bool:
        """Whether the agent itself, and no child of it, did what a finding shows first."""
        event = self._events[finding.event_ids[0]]
        actor = self._attribution.lineage.actor(event)
        own = "" if actor is None else self._attribution.identity(self._attribution.lineage[actor])[1]
        return finding.agent == (self._attribution.credited(event)[0] if actor is None else own)

    def promoted(self, trusted: Mapping[str, Baseline], findings: Iterable[Finding]) -> dict[str, Baseline]:
        """Return the baselines after the day, those of the trusted part included."""
        spoken = by_agent(findings)
        learnt = dict(trusted)
        for agent, summary in self._judged.items():
            accepted, never = self._terms.spoken(agent, self.day)
            own = learnt.get(agent) or self._own(agent)
            state = state_of(own, self._number, self._terms.settings.profile)
            is_learning = state in {AgentState.UNKNOWN, AgentState.LEARNING}
            remarks = Remarks(_held(spoken.get(agent, ())), accepted, never, is_learning)
            learnt[agent] = promote(own, self.names[agent], summary, remarks, self._terms.settings)
        return learnt

    def _signals(self, view: View) -> list[Signal]:
        candidates = self._terms.engine.compare(view.summary, view.reference)
        signals = judge(self._terms.detectors, view._replace(candidates=candidates))
        # The last closed day may lie further back: then it is no yesterday, whose hours would meet today's.
        last = (one for one in self._world.yesterday.get(view.agent, ()) if one.day.toordinal() == self._number - 1)
        pair = flow_and_module(signals, last, view)
        evicted = view.reference.own.evicted if view.reference.own else 0
        health = [*facet_overflow(view.summary, self._terms.bound)]
        if evicted:
            health.append(baseline_overflow(view.summary, evicted, self._terms.bound))
        return [*signals, *([pair] if pair else []), *health]

    def _own(self, agent: str) -> Baseline | None:
        return self._world.baselines.get(agent)

    def _never(self, agent: str) -> frozenset[Held]:
        return self._terms.spoken(agent, self.day)[1]

    def _merged(self) -> dict[str, Summary]:
        merged = dict(self._trusted)
        for agent, summary in self._judged.items():
            part = merged.get(agent)
            merged[agent] = summary if part is None else self._terms.engine.merge(part, summary, self._terms.bound)
        return dict(sorted(merged.items()))

    def _naming(self, key: AgentKey, state: str) -> Naming:
        terms = self._terms
        return Naming(terms.ids, terms.settings.tenant, str(key), self.day, state, self._actor, self._is_final)

    def _actor(self, event_id: str) -> Actor:
        return self._attribution.actor(self._events[event_id])

    def _nearest(self, findings: Iterable[Finding]) -> dict[str, tuple[str, ...]]:
        ids = {finding.event_ids[0] for finding in findings}
        return {one: self._attribution.credited(self._events[one]) for one in ids}


def names_of(attribution: Attribution) -> dict[str, AgentKey]:
    """Return the key each agent is shown under: of several, the signed one, then the least."""
    names: dict[str, AgentKey] = {}
    for key, agent in sorted(attribution.registry.items(), key=lambda pair: (pair[0].signer is None, repr(pair[0]))):
        names.setdefault(agent, key)
    return names


def by_agent(findings: Iterable[Finding]) -> dict[str, tuple[Finding, ...]]:
    """Return the findings of each agent, in their order."""
    grouped: dict[str, tuple[Finding, ...]] = {}
    for finding in findings:
        grouped[finding.agent] = (*grouped.get(finding.agent, ()), finding)
    return grouped


def _held(findings: Iterable[Finding]) -> dict[Held, Severity]:
    held: dict[Held, Severity] = {}
    for finding in findings:
        for one in finding.held:
            held[one] = max(finding.severity, held.get(one, finding.severity))
    return held
