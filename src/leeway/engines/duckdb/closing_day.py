"""One day of a batch: who acted, what it came to, and which of it is worth a look."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, NamedTuple

from leeway.agents import AgentKey, Attribution, Hosts, InstanceKey, learnt_names
from leeway.baselines import AgentState, Baseline, Relatives, state_of, trust
from leeway.baselines.promotion import lived_through
from leeway.config import Policy
from leeway.engines.duckdb.crediting import Crediting
from leeway.engines.duckdb.event_files import EventFiles
from leeway.engines.duckdb.evidence import EvidenceTable
from leeway.engines.duckdb.frozen import freeze
from leeway.engines.duckdb.leaving import LeaveToFoldError
from leeway.engines.duckdb.lineage import InstanceTable
from leeway.engines.duckdb.memory import AgentTable
from leeway.engines.duckdb.quantities import Quantities
from leeway.engines.duckdb.roll_up import HOUR_US, RollUp
from leeway.engines.duckdb.session import insert
from leeway.engines.duckdb.transfers import unusual_transfers
from leeway.events import COLUMNS, AnyEvent, Measure, event_of_row
from leeway.findings import Finding
from leeway.pipeline import Outcome, Terms, World
from leeway.pipeline.day import JudgedDay, RolledUp, by_agent, changed, names_of, silences_of
from leeway.pipeline.world import ENDED_DAYS, INSTANCE_DAYS
from leeway.summaries import Summary

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PRESENCE = (
    'SELECT w.credit, s.seen_user AS "user", s.hour, sum(s.seen)::BIGINT AS seen, min(s.exemplar) AS exemplar, '
    f"max(s.last) AS last, bit_or((1 << (s.hour // {HOUR_US} % 24))::INTEGER) AS hours FROM statements s "
    "JOIN who w USING (host, local) WHERE w.credit IS NOT NULL AND s.seen > 0 GROUP BY ALL"
)
_DECLARED = "LEFT JOIN declared d ON d.agent_uid = {0}.agent_uid AND d.under IS NOT DISTINCT FROM w.credit "
_DECLARED_PRESENCE = (
    _PRESENCE.replace("w.credit, ", "coalesce(d.credit, w.credit) AS credit, ", 1)
    .replace("JOIN who w USING (host, local) ", "LEFT JOIN who w USING (host, local) " + _DECLARED.format("s"))
    .replace("WHERE w.credit IS NOT NULL", "WHERE coalesce(d.credit, w.credit) IS NOT NULL")
)
"""What every act shows, from the statements that lineage was learnt from."""

_ACTS = (
    "CREATE OR REPLACE TEMP VIEW acts AS SELECT a.*, w.credit, w.parent_credit, w.i AS actor FROM acts_of_day a "
    "JOIN who w ON w.host = a.host AND w.local = a.process_uid"
)

_DECLARED_ACTS = (
    "CREATE OR REPLACE TEMP VIEW acts AS SELECT a.*, coalesce(d.credit, w.credit) AS credit, w.parent_credit, "
    "coalesce(w.i, n.i, -d.number) AS actor FROM acts_of_day a "
    "LEFT JOIN who w ON w.host = a.host AND w.local = a.process_uid "
    + _DECLARED.format("a")
    + "LEFT JOIN instances n ON d.credit IS NOT NULL AND n.host = a.host AND n.local = a.process_uid "
    "WHERE coalesce(d.credit, w.credit, w.parent_credit) IS NOT NULL"
)

_ACTORS = (
    "CREATE OR REPLACE TEMP VIEW actors AS SELECT i AS actor, NULL::VARCHAR AS actor_name, image AS actor_image, "
    "command_line AS actor_line FROM instances "
    "UNION ALL SELECT DISTINCT -number, agent_uid, NULL, NULL FROM declared"
)

_UNRESOLVED = (
    "SELECT count(*) FROM acts_of_day WHERE (process_image IS NOT NULL AND process_uid IS NULL) "
    "OR (parent_image IS NOT NULL AND parent_uid IS NULL)"
)
"""Acts of processes that are known by their number only."""

_HEARD = (
    "SELECT CASE WHEN host <> '' THEN host WHEN agent_uid IS NULL THEN '' ELSE 'agent ' || agent_uid END AS sensor, "
    f"bit_or((1 << (hour // {HOUR_US} % 24))::INTEGER) FROM statements WHERE seen > 0 GROUP BY sensor"
)
"""`sensor_of` in SQL."""

_SIGNED = (
    "SELECT host, lower(digest), arg_min(signer, {'t': time, 'i': id}) FROM acts_of_day WHERE signer <> '' "
    "AND digest <> '' AND kind IN ('module_loaded', 'process_started', 'signature_checked') GROUP BY ALL"
)


class Tables(NamedTuple):
    """What a batch keeps from day to day."""

    session: "DuckDBPyConnection"
    terms: Terms
    roll_up: RollUp
    quantities: Quantities
    instances: InstanceTable
    evidence: EvidenceTable
    crediting: Crediting
    memory: AgentTable


class ClosingDay:
    """One day, on top of what the tables hold and of `world`, whose baselines and instances are in them."""

    def __init__(self, tables: Tables, world: World, day: date, events: EventFiles) -> None:
        """Look at a day of `events`; nothing is read yet."""
        self._tables = tables
        self._session = tables.session
        self._terms = tables.terms
        self._world = world
        self._day = day
        self._number = day.toordinal()
        self._events = events
        self.agents = 0
        """Agents that were active."""

    def trusted(self) -> Outcome:
        """Learn the day without judging it.

        Raises:
            LeaveToFoldError: where the tables cannot hold it exactly.
        """
        hosts, attribution = self._rolled_up(is_trusted=True)
        memory, names, counts = self._tables.memory, names_of(attribution), self._counts()
        closely = {agent for agent in counts if self._is_special(agent)}
        for agent, summary in self._closely(closely).items():
            never = self._terms.spoken(agent, self._day)[1]
            learnt = trust(memory.unpacked.get(agent), names[agent], summary, never, self._terms.settings)
            memory.put(learnt)
        self._learn(counts, closely, names, "trusted")
        return self._outcome(hosts, attribution, counts, [])

    def judged(self) -> Outcome:
        """Judge the day and learn from it.

        Raises:
            LeaveToFoldError: where the tables cannot hold it exactly.
        """
        hosts, attribution = self._rolled_up(is_trusted=False)
        names, counts = names_of(attribution), self._counts()
        loud = self._loud(counts, attribution)
        summaries = self._closely(loud)
        baselines = self._with_kin(loud, names)
        world = replace(self._world, baselines=baselines)
        rolled = RolledUp(self._day, attribution, {}, summaries, lambda ids: self._found(ids, attribution))
        day = JudgedDay(world, rolled, self._terms)
        findings = day.judged({})
        for learnt in day.promoted({}, findings).values():
            self._tables.memory.put(learnt)
        self._learn(counts, loud, names, "judged")
        return self._outcome(hosts, attribution, counts, findings, summaries)

    def _rolled_up(self, *, is_trusted: bool) -> tuple[Hosts, Attribution]:
        midnight = datetime.combine(self._day, time(), UTC)
        self._names = set(self._events.hosts(midnight))
        hosts = Hosts(self._world.hosts, self._terms.settings.aliases, self._names if is_trusted else ())
        hosts.take_over((key.machine for key in self._world.registry), self._names)
        self._events.view("acts_of_day", midnight, {name: hosts.resolve(name) for name in self._names})
        carried = self._session.execute("SELECT DISTINCT host FROM instances").fetchall()
        if any(hosts.resolve(host) != host for (host,) in carried) or self._one(_UNRESOLVED):
            raise LeaveToFoldError
        tables = self._tables
        self._forget(self._number - 1)
        tables.instances.learn(self._number)
        known = self._world.known(hosts)
        tables.evidence.add(known.signers)
        attribution = tables.crediting.run(known)
        has_declared = self._one("SELECT count(*) FROM declared") > 0
        self._session.execute(_DECLARED_ACTS if has_declared else _ACTS)
        self._session.execute(_ACTORS)
        tables.roll_up.run(_DECLARED_PRESENCE if has_declared else _PRESENCE)
        tables.quantities.run()
        return hosts, attribution

    def _forget(self, day: int) -> None:
        self._tables.instances.forget(day, ended_days=ENDED_DAYS, instance_days=INSTANCE_DAYS)

    def _one(self, query: str) -> int:
        row = self._session.execute(query).fetchone()
        return int(row[0]) if row else 0

    def _counts(self) -> dict[str, int]:
        """Return the agents of the day and the number of their events."""
        names = self._tables.crediting.agents
        rows = self._session.execute(
            f"SELECT agent, sum(n)::BIGINT FROM measured WHERE measure = '{Measure.EVENTS}' GROUP BY agent"
        ).fetchall()
        counts = {names[agent]: events for agent, events in rows}
        # Who was only started, or started something, has sightings and no events of its own.
        others = self._session.execute("SELECT DISTINCT agent FROM sightings").fetchall()
        counts |= {names[agent]: 0 for (agent,) in others if names[agent] not in counts}
        self.agents = len(counts)
        return counts

    def _is_special(self, agent: str) -> bool:
        """Whether an agent's baseline has what tables do not hold."""
        memory = self._tables.memory
        head = memory.heads.get(agent)
        if head is None:
            return agent in memory.unpacked
        return bool(head.pending or head.promoted or head.evicted) or self._is_spoken_of(agent)

    def _is_spoken_of(self, agent: str) -> bool:
        return any(verdict.agent == agent for verdict in self._terms.verdicts)

    def _loud(self, counts: Mapping[str, int], attribution: Attribution) -> set[str]:
        """Return the agents of which something may have to be said; all others, nothing can be."""
        if self._terms.policy != Policy():
            return set(counts)
        memory, names = self._tables.memory, self._tables.crediting.agents
        numbers = memory.unestablished(self._number) | unusual_transfers(self._session, self._number)
        capped = self._session.execute("SELECT DISTINCT agent FROM capped").fetchall()
        loud = {names[number] for number in numbers} | {names[number] for (number,) in capped}
        loud |= {one.agent for one in attribution.overflows} | self._world.yesterday.keys()
        profile = self._terms.settings.profile
        loud |= {
            agent
            for agent in counts
            if state_of(memory.heads.get(agent), self._number, profile) is not AgentState.SETTLED
            or self._is_special(agent)
            or self._is_spoken_of(agent)
        }
        return loud & counts.keys()

    def _closely(self, agents: Collection[str]) -> dict[str, Summary]:
        """Return the whole summaries of some agents; their baselines are taken out of the tables."""
        if not agents:
            return {}
        tables = self._tables
        tables.memory.unpack(agents)
        self._session.execute("CREATE OR REPLACE TEMP TABLE closely (agent INTEGER)")
        insert(self._session, "closely", {"agent": "INTEGER"}, ((tables.crediting.number_of(one),) for one in agents))
        only = "agent IN (SELECT agent FROM closely)"
        names, values = tables.crediting.agents, tables.roll_up.values
        return freeze(self._session, self._day, names, values, self._terms.bound, only)

    def _with_kin(self, agents: Iterable[str], names: Mapping[str, AgentKey]) -> dict[str, Baseline]:
        """Return all baselines, those whole by which some agents may be judged."""
        memory, profile = self._tables.memory, self._terms.settings.profile
        baselines = memory.baselines()
        relatives = Relatives(baselines, self._number, profile)
        wanted: set[str] = set()
        machines: set[str] = set()
        for agent in agents:
            state = state_of(baselines.get(agent), self._number, profile)
            if state in {AgentState.UNKNOWN, AgentState.LEARNING}:
                wanted |= {one.agent for one in relatives.of(agent, names[agent])}
            if state is AgentState.UNKNOWN:
                machines.add(names[agent].machine)
        wanted |= {agent for agent, one in baselines.items() if one.key.machine in machines - {""}}
        return {**baselines, **memory.full(wanted)}

    def _learn(self, counts: Mapping[str, int], closely: set[str], names: Mapping[str, AgentKey], mode: str) -> None:
        """Learn the day of all agents that were not looked at closely."""
        memory = self._tables.memory
        others = counts.keys() - closely
        for agent in others:
            own = memory.heads.get(agent) or Baseline(
                agent=agent, key=names[agent], first_day=self._number, last_day=self._number
            )
            memory.heads[agent] = lived_through(own, names[agent], self._day, counts[agent], mode)
        memory.learn(self._number, others)

    def _found(self, ids: Collection[str], attribution: Attribution) -> dict[str, AnyEvent]:
        """Return events of the day by id, and tell `attribution` who acted in them."""
        if not ids:
            return {}
        self._session.execute("CREATE OR REPLACE TEMP TABLE shown (id VARCHAR)")
        insert(self._session, "shown", {"id": "VARCHAR"}, ((one,) for one in ids))
        columns = ", ".join(f'"{name}"' for name in COLUMNS)
        rows = self._session.execute(f"SELECT {columns} FROM acts_of_day SEMI JOIN shown USING (id)").fetchall()
        events = [event_of_row(dict(zip(COLUMNS, row, strict=True))) for row in rows]
        self._place(attribution, events)
        return {event.id: event for event in events}

    def _place(self, attribution: Attribution, events: Iterable[AnyEvent]) -> None:
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE shown_lines AS WITH RECURSIVE up AS (SELECT w.i FROM who w "
            "SEMI JOIN (SELECT host, process_uid AS local FROM acts_of_day SEMI JOIN shown USING (id)) s "
            "USING (host, local) UNION SELECT e.parent FROM up JOIN edges e USING (i)) SELECT i FROM up"
        )
        lines = self._tables.instances.fetch("i IN (SELECT i FROM shown_lines)")
        attribution.lineage.admit(one for _, one in lines if one.key not in attribution.lineage)
        for event in events:
            if event.process is not None and event.process.uid is not None:
                attribution.lineage.place(event.id, InstanceKey(event.host, event.process.uid))

    def _outcome(
        self,
        hosts: Hosts,
        attribution: Attribution,
        counts: Mapping[str, int],
        findings: list[Finding],
        summaries: Mapping[str, Summary] | None = None,
    ) -> Outcome:
        world = self._world
        self._forget(self._number)
        heard = dict(self._session.execute(_HEARD).fetchall())
        is_judged = summaries is not None
        silences = silences_of(world, hosts, heard, self._day, self._terms, is_judged=is_judged)
        signers = {(host, digest): signer for host, digest, signer in self._session.execute(_SIGNED).fetchall()}
        registry = changed(attribution.registry, world.registry)
        registry = {key: agent for key, agent in registry.items() if agent in counts}
        named = learnt_names(world.hosts, self._terms.settings.aliases, self._names)
        all_findings = (*findings, *silences.findings)
        after = replace(
            world,
            signers={**world.signers, **changed(signers, world.signers)},
            registry={**world.registry, **registry},
            hosts=named,
            sensors=silences.sensors,
            yesterday=by_agent(all_findings),
        )
        return Outcome(
            self._day,
            all_findings,
            summaries or {},
            names_of(attribution),
            after,
            signers=changed(signers, world.signers),
            registry=registry,
            hosts=changed(named, world.hosts),
            sensors=changed({**dict.fromkeys(world.sensors, ()), **silences.sensors}, world.sensors),
            doubts=hosts.doubts(self._names),
        )
