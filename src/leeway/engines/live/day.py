"""One open day, judged as its events arrive: what `close_day` says of all of them, without starting over."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta

from leeway.agents import Actor, Attribution, Hosts
from leeway.baselines.packed import PackedBaselines
from leeway.correlation import link
from leeway.destinations import host_name
from leeway.engines.live.cells import Cell, Owner
from leeway.engines.live.identities import CrowdedError
from leeway.engines.live.instances import LiveInstance, UnclearError
from leeway.engines.live.judging import Descent, Judge
from leeway.engines.live.lineage import LiveLineage
from leeway.engines.live.showings import Showings
from leeway.engines.live.tables import Tables
from leeway.engines.live.whole import Whole
from leeway.errors import InvalidEventError
from leeway.events import AnyEvent, decode, encode, order
from leeway.findings import Evidence, Finding, Severity
from leeway.pipeline import Terms, World
from leeway.pipeline.day import NEAREST
from leeway.summaries import Summary


class LiveDay:
    """One UTC day that is still open.

    Events are taken in any order, in batches of any size; one that comes twice, by its id, counts once. At any time
    `summaries` and `findings` are those of the reference over all events so far. `feed` is fast for sensors that name
    processes by ids of their own; where they are named by numbers alone, and where events contradict each other about
    a process out of order, the reference is run over all events of the day so far.
    """

    def __init__(
        self,
        world: World,
        terms: Terms,
        day: date,
        packed: PackedBaselines | None = None,
        *,
        replay: Callable[[], Iterable[AnyEvent]] | None = None,
    ) -> None:
        """Judge `day` by what `world` knows.

        Args:
            world: what the closed days taught.
            terms: under which the day is judged.
            day: a UTC day.
            packed: the baselines of `world`, where they are at hand in that form.
            replay: returns all events that were ever fed, where the caller keeps them; they are kept here otherwise.
        """
        self._world = world
        self._terms = terms
        self._start = datetime.combine(day, time(), UTC)
        self._end = self._start + timedelta(days=1)
        if packed is None:
            packed = PackedBaselines(world.baselines.values(), terms.ids, terms.settings.profile)
        self._judge = Judge(world, terms, day.toordinal(), packed)
        self._showings = Showings(terms.catalogue, packed.fingerprint)
        self._machines = frozenset(key.machine for key in world.registry)
        self.restarts = 0
        """How often the reference was run over all events because one could not be taken by itself."""
        self.moves = 0
        """How often what was counted turned out to count for others."""
        self._replay = replay
        self._bodies: list[bytes] = []
        self._names: set[str] = set()
        self._told: dict[str, tuple[Severity, tuple[Evidence, ...]]] = {}
        self._is_stale = False
        self._begin(self._hosts(), None)

    def feed(self, events: Iterable[AnyEvent]) -> list[Finding]:
        """Take events; return the provisional findings that are new by them, or say something else now.

        Raises:
            InvalidEventError: where one has no id or is not of the day; those before it are taken.
        """
        for event in events:
            self._take(event)
        self._refresh()
        if not self._tables.heard:
            return []
        heard = sorted(self._tables.heard)
        self._tables.heard.clear()
        for agent in heard:
            self._said[agent] = self._findings_of(agent)
        return self._news(heard)

    def judge_one(self, event: AnyEvent) -> list[Finding]:
        """Take one event; return the findings that are new by it, or say something else now."""
        return self.feed((event,))

    def findings(self) -> list[Finding]:
        """Return the provisional findings of the day so far, linked and in a stable order."""
        self._refresh()
        is_shown, self._lineage.has_shown = self._lineage.has_shown, False
        for agent, day in self._tables.agents.items():
            if self._said.get(agent):
                self._tables.fold(agent)
                if day.is_changed or is_shown:
                    self._said[agent] = self._findings_of(agent)
        return self._linked(self._said)

    def summaries(self) -> dict[str, Summary]:
        """Return the summary of every agent so far."""
        self._refresh()
        made = {agent: self._tables.summary(agent) for agent in sorted(self._tables.agents)}
        return {agent: summary for agent, summary in made.items() if summary.sightings or summary.measures}

    # Events in

    def _take(self, event: AnyEvent) -> None:
        event_id, cells = event.id, self._tables.cells
        if event_id in cells:
            return
        if not event_id or not self._start <= event.time < self._end:
            raise InvalidEventError(f"the event {event_id!r} has no id or is not of {self._start:%Y-%m-%d}")
        name = event.host
        host = self._resolved.get(name)
        if host is None:
            host = self._meet_host(name)
        if self._replay is None:
            self._bodies.append(encode(event))
        cells[event_id] = None if self._is_stale else self._count(event, host)

    def _count(self, event: AnyEvent, host: str) -> Cell | None:
        """Count one event; return where, None where it is nobody's, or where that is not clear."""
        try:
            process = event.process
            instance = self._lineage.actor(host, event, process) if process is not None else None
            owner = instance.owner if instance is not None and event.agent is None else None
            owner = owner or self._owner(event, host, instance)
            if owner is None:
                return None
            showing = self._showings.of(event)
            if showing.evidence and instance is not None:
                self._lineage.grow(instance, showing.evidence)
            return self._tables.add(event, owner, showing)
        except (UnclearError, CrowdedError):
            self._is_stale = True
            return None

    def _owner(self, event: AnyEvent, host: str, instance: LiveInstance | None) -> Owner | None:
        """Return under whom an event is counted; None where it is nobody's."""
        if event.agent is None:
            if instance is None:
                return None
            found = instance.owner
            if found is None:
                found = instance.owner = self._tables.owners.alone(instance.key)
            return found
        key = None if instance is None else instance.key
        return self._tables.owners.of(host, key, event.agent.uid)

    def _meet_host(self, name: str) -> str:
        """Return the host that a name is one of; a full name may show that a host goes by another one today."""
        self._names.add(name)
        if "." in host_name(name) and self._hosts().unsettled != self._unsettled:
            self._is_stale = True
        host = self._resolved[name] = self._resolver.resolve(name)
        return host

    def _hosts(self) -> Hosts:
        hosts = Hosts(self._world.hosts, self._terms.settings.aliases)
        hosts.take_over(self._machines, self._names)
        return hosts

    # What earlier events mean now

    def _begin(self, hosts: Hosts, whole: Whole | None) -> None:
        """Start the tables anew, empty or with the attribution of all events so far."""
        self._resolver = hosts
        self._unsettled = hosts.unsettled
        self._resolved: dict[str, str] = {name: hosts.resolve(name) for name in self._names}
        noon = self._start + timedelta(hours=12)
        self._lineage = LiveLineage(self._world.known(hosts), self._terms.attribution, noon, whole)
        self._tables = Tables(self._start.date(), self._terms.bound, self._showings, self._lineage, self._judge)
        self._said: dict[str, list[Finding]] = {}
        self._is_stale = False

    def _refresh(self) -> None:
        """Bring the tables in line with everything that came."""
        if self._is_stale:
            self._start_over()
        if self._lineage.has_moved or self._tables.is_renamed():
            self.moves += 1
            self._lineage.moved()
            self._tables.regroup()
            self._said = {}

    def _start_over(self) -> None:
        """Attribute all events so far as the reference does, and count them anew."""
        self.restarts += 1
        hosts = self._hosts()
        events = sorted(hosts.renamed(self._kept()), key=order)
        attribution = Attribution(events, self._world.known(hosts), self._terms.attribution)
        self._begin(hosts, Whole(attribution, events))
        for event in events:
            actor = attribution.lineage.actor(event)
            owner = self._owner(event, event.host, None if actor is None else self._lineage.instances.meet(actor))
            cell = None if owner is None else self._tables.add(event, owner, self._showings.of(event))
            self._tables.cells[event.id] = cell

    def _kept(self) -> Iterable[AnyEvent]:
        """Return the events so far, each once."""
        if self._replay is None:
            return [decode(body) for body in self._bodies]
        kept: dict[str, AnyEvent] = {}
        for event in self._replay():
            if event.id in self._tables.cells:
                kept.setdefault(event.id, event)
        return kept.values()

    # What is said

    def _findings_of(self, agent: str) -> list[Finding]:
        """Return what is said of one agent; nothing where its start was not seen, for then it may yet be renamed."""
        standing = self._tables.standing(agent)
        if not standing.key.is_complete:
            return []
        return self._judge.findings(standing, self._tables.summary(agent), self._descent(agent))

    def _descent(self, agent: str) -> Descent:
        return Descent(self._lineage.starters(agent), self._lineage.overflows.get(agent), self._actor)

    def _news(self, heard: Iterable[str]) -> list[Finding]:
        """Return what stands of some agents' findings and was not told yet, or says something else now."""
        fresh: set[str] = set()
        for one in self._standing([one for agent in heard for one in self._said[agent]]):
            if self._told.get(one.finding_id) != (one.severity, one.evidence):
                self._told[one.finding_id] = one.severity, one.evidence
                fresh.add(one.finding_id)
        return [one for one in self._linked(self._said) if one.finding_id in fresh] if fresh else []

    def _linked(self, said: Mapping[str, list[Finding]]) -> list[Finding]:
        findings = self._standing([one for found in said.values() for one in found])
        nearest = {one.event_ids[0]: self._credited(one.event_ids[0]) for one in findings}
        return link(findings, nearest)

    def _standing(self, findings: list[Finding]) -> list[Finding]:
        """Return the findings that stand whatever else the day brings."""
        may_move = {
            (one.agent, held)
            for one in findings
            for held in one.held
            if held.facet in NEAREST and len(one.held) == 1 and not self._is_own(one)
        }
        uncertain = {agent for agent in {one.agent for one in findings} if self._lineage.is_uncertain(agent)}
        return [
            one
            for one in findings
            if one.agent not in uncertain and not any((one.agent, held) in may_move for held in one.held)
        ]

    def _is_own(self, finding: Finding) -> bool:
        """Whether the agent itself, and no child of it, did what a finding shows first."""
        owner = self._shown_by(finding.event_ids[0])
        own = self._lineage.agent_of(owner)
        return finding.agent == (self._credited(finding.event_ids[0])[0] if own is None else own)

    def _shown_by(self, event_id: str) -> Owner:
        cell = self._tables.cells[event_id]
        if cell is None:
            raise InvalidEventError(f"the event {event_id!r} is nobody's")
        return self._tables.owners.of_cell(cell)

    def _credited(self, event_id: str) -> tuple[str, ...]:
        return self._lineage.credits(self._shown_by(event_id))[0]

    def _actor(self, event_id: str) -> Actor:
        cell = self._tables.cells[event_id]
        user = cell.raw.user if cell is not None else None
        return self._lineage.shown(self._shown_by(event_id), user)
