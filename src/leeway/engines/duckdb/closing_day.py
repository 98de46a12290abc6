"""One day of a window: which of what it came to is worth a look, what is said of it, and what is learnt."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date

from leeway.agents import InstanceKey, learnt_names
from leeway.baselines import AgentState, Baseline, Relatives, state_of, trust
from leeway.baselines.promotion import lived_through
from leeway.config import Policy
from leeway.engines.duckdb.close_summaries import close_summaries
from leeway.engines.duckdb.event_files import of_day
from leeway.engines.duckdb.session import insert
from leeway.engines.duckdb.transfers import unusual_transfers
from leeway.engines.duckdb.window import Tables, Window
from leeway.events import COLUMNS, AnyEvent, event_of_row
from leeway.findings import Finding
from leeway.pipeline import Outcome, World
from leeway.pipeline.day import JudgedDay, RolledUp, by_agent, changed, names_of, silences_of
from leeway.summaries import Summary


class ClosingDay:
    """One day, on top of what the tables hold and of `world`, whose baselines and instances are in them."""

    def __init__(self, tables: Tables, world: World, day: date, window: Window) -> None:
        """Close a day of `window`, on top of `world`, whose baselines and instances are in the tables."""
        self._tables = tables
        self._session = tables.session
        self._terms = tables.terms
        self._world = world
        self._day = day
        self._number = day.toordinal()
        self._window = window
        self._attribution = window.attributions[self._number]
        self._names = names_of(self._attribution)
        self._counts = self._counted()

    @property
    def agents(self) -> int:
        """The number of agents that were active."""
        return len(self._counts)

    def trusted(self) -> Outcome:
        """Learn the day without judging it."""
        memory = self._tables.memory
        closely = {agent for agent in self._counts if self._is_special(agent)} | self._crowded()
        learnt: dict[str, Baseline] = {}
        for agent, summary in self._closely(closely, set()).items():
            never = self._terms.spoken(agent, self._day)[1]
            own = memory.unpacked.get(agent)
            learnt[agent] = trust(own, self._names[agent], summary, never, self._terms.settings)
        memory.put(learnt)
        self._learn(closely, "trusted")
        return self._outcome([])

    def judged(self) -> Outcome:
        """Judge the day and learn from it."""
        memory = self._tables.memory
        senders = unusual_transfers(self._session, self._number)
        loud = self._loud(senders)
        summaries = self._closely(loud, senders)
        world = replace(self._world, baselines=self._with_kin(loud))
        day = JudgedDay(world, RolledUp(self._day, self._attribution, {}, summaries, self._found), self._terms)
        findings = day.judged({})
        memory.put(day.promoted({}, findings))
        self._learn(loud, "judged")
        return self._outcome(findings, summaries)

    def _counted(self) -> dict[str, int]:
        """Return the agents of the day and the number of their events."""
        names = self._tables.crediting.agents
        rows = self._session.execute(
            f"SELECT agent, sum(events)::BIGINT FROM totals WHERE day = {self._number} GROUP BY agent"
        ).fetchall()
        counts = {names[agent]: events for agent, events in rows}
        # Who only started something, or was started, has sightings and no events of its own.
        others = self._session.execute(f"SELECT DISTINCT agent FROM sightings WHERE day = {self._number}").fetchall()
        counts |= {names[agent]: 0 for (agent,) in others if names[agent] not in counts}
        return counts

    def _is_special(self, agent: str) -> bool:
        """Whether an agent's baseline has what tables do not hold."""
        memory = self._tables.memory
        head = memory.heads.get(agent)
        if head is None:
            return agent in memory.unpacked
        return bool(head.pending or head.promoted or head.evicted) or self._is_spoken_of(agent)

    def _crowded(self) -> set[str]:
        """Return the agents whose baseline may have to let something go: that is done value by value."""
        names = self._tables.crediting.agents
        crowded = self._tables.memory.crowded(self._number, self._terms.settings.caps.baseline_values)
        return {names[number] for number in crowded} & self._counts.keys()

    def _is_spoken_of(self, agent: str) -> bool:
        return any(verdict.agent == agent for verdict in self._terms.verdicts)

    def _loud(self, senders: set[int]) -> set[str]:
        """Return the agents of which something may have to be said; of all others, nothing can be."""
        if self._terms.policy != Policy():
            return set(self._counts)
        memory, names = self._tables.memory, self._tables.crediting.agents
        profile = self._terms.settings.profile
        numbers = memory.unestablished(self._number, profile) | senders
        capped = self._session.execute(f"SELECT DISTINCT agent FROM capped WHERE day = {self._number}").fetchall()
        loud = {names[number] for number in numbers} | {names[number] for (number,) in capped}
        loud |= {one.agent for one in self._attribution.overflows} | self._world.yesterday.keys() | self._crowded()
        loud |= {
            agent
            for agent in self._counts
            if state_of(memory.heads.get(agent), self._number, profile) is not AgentState.SETTLED
            or self._is_special(agent)
            or self._is_spoken_of(agent)
        }
        return loud & self._counts.keys()

    def _closely(self, agents: Collection[str], senders: set[int]) -> dict[str, Summary]:
        """Return the summaries of some agents; their baselines are taken out of the tables."""
        if not agents:
            return {}
        self._tables.memory.unpack(agents)
        return close_summaries(self._tables, self._day, agents, senders)

    def _with_kin(self, agents: Iterable[str]) -> dict[str, Baseline]:
        """Return all baselines, those whole by which some agents may be judged."""
        memory, profile = self._tables.memory, self._terms.settings.profile
        baselines = memory.baselines()
        relatives = Relatives(baselines, self._number, profile)
        wanted: set[str] = set()
        machines: set[str] = set()
        for agent in agents:
            state = state_of(baselines.get(agent), self._number, profile)
            if state in {AgentState.UNKNOWN, AgentState.LEARNING}:
                wanted |= {one.agent for one in relatives.of(agent, self._names[agent])}
            if state is AgentState.UNKNOWN:
                machines.add(self._names[agent].machine)
        wanted |= {agent for agent, one in baselines.items() if one.key.machine in machines - {""}}
        return {**baselines, **memory.full(wanted)}

    def _learn(self, closely: set[str], mode: str) -> None:
        """Learn the day of all agents that were not looked at closely."""
        memory = self._tables.memory
        others = self._counts.keys() - closely
        for agent in others:
            own = memory.heads.get(agent) or Baseline(
                agent=agent, key=self._names[agent], first_day=self._number, last_day=self._number
            )
            memory.heads[agent] = lived_through(own, self._names[agent], self._day, self._counts[agent], mode)
        memory.learn(self._number, others)

    def _found(self, ids: Collection[str]) -> dict[str, AnyEvent]:
        """Return events of the day by id, and tell the attribution who acted in them."""
        if not ids:
            return {}
        self._session.execute("CREATE OR REPLACE TEMP TABLE wanted (id VARCHAR)")
        insert(self._session, "wanted", {"id": "VARCHAR"}, ((one,) for one in ids))
        columns = ", ".join(f'"{name}"' for name in COLUMNS)
        self._session.execute(
            f"CREATE OR REPLACE TEMP TABLE shown AS SELECT {columns} FROM acts_of_days "
            f"WHERE {of_day(self._number)} AND id IN (SELECT id FROM wanted)"
        )
        rows = self._session.execute("SELECT * FROM shown").fetchall()
        events = [event_of_row(dict(zip(COLUMNS, row, strict=True))) for row in rows]
        self._place(events)
        return {event.id: event for event in events}

    def _place(self, events: Iterable[AnyEvent]) -> None:
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE shown_lines AS WITH RECURSIVE up AS (SELECT n.i FROM instances n "
            "JOIN (SELECT DISTINCT host, process_uid FROM shown) s ON s.host = n.host AND s.process_uid = n.local "
            "UNION SELECT e.parent FROM up JOIN edges e USING (i)) SELECT i FROM up"
        )
        lineage = self._attribution.lineage
        lines = self._tables.instances.fetch("i IN (SELECT i FROM shown_lines)")
        lineage.admit(one for _, one in lines if one.key not in lineage)
        for event in events:
            if event.process is not None and event.process.uid is not None:
                lineage.place(event.id, InstanceKey(event.host, event.process.uid))

    def _outcome(self, findings: list[Finding], summaries: Mapping[str, Summary] | None = None) -> Outcome:
        world, window = self._world, self._window
        hosts, names = window.hosts[self._number], window.names(self._number)
        heard = window.heard.get(self._number, {})
        is_judged = summaries is not None and bool(heard)
        silences = silences_of(world, hosts, heard, self._day, self._terms, is_judged=is_judged)
        signers = changed(window.signers(self._number), world.signers)
        registry = changed(self._attribution.registry, world.registry)
        registry = {key: agent for key, agent in registry.items() if agent in self._counts}
        named = learnt_names(world.hosts, self._terms.settings.aliases, names)
        every = (*findings, *silences.findings)
        after = replace(
            world,
            signers={**world.signers, **signers},
            registry={**world.registry, **registry},
            hosts=named,
            sensors=silences.sensors,
            yesterday=by_agent(every),
        )
        return Outcome(
            self._day,
            every,
            summaries or {},
            self._names,
            after,
            signers=signers,
            registry=registry,
            hosts=changed(named, world.hosts),
            sensors=changed({**dict.fromkeys(world.sensors, ()), **silences.sensors}, world.sensors),
            doubts=hosts.doubts(names),
        )
