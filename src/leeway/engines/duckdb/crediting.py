"""For whom each act counts, worked out over instances: the few that may be agents are named by `leeway.agents`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from leeway.agents import Attribution, Instance, InstanceKey, Known, Tier, process_name
from leeway.agents import Rules as AttributionRules
from leeway.agents.instances import DEPTH
from leeway.config.settings import ScopeKind
from leeway.engines.duckdb.event_files import DAY_US, EPOCH_DAY
from leeway.engines.duckdb.leaving import LeaveToFoldError
from leeway.engines.duckdb.lineage import InstanceTable, UnevenDaysError
from leeway.engines.duckdb.session import insert
from leeway.pipeline.world import ENDED_DAYS, INSTANCE_DAYS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CAN: Final = frozenset({ScopeKind.EVIDENCE, ScopeKind.NAME, ScopeKind.UNIT})
"""Scopes under which few instances are agents; where all are, the fold is no slower."""


_DECLARED: Final = {"agent_uid": "VARCHAR", "under": "INTEGER", "credit": "INTEGER", "number": "INTEGER"}


class DeepLineageError(LeaveToFoldError):
    """A chain of processes is longer than ancestors are followed, or runs in a ring: the day is left to the fold."""


class Crediting:
    """Fills `who(i, host, local, credit, parent_credit)`, `declared` and `credit_agents(credit, place, agent)`.

    They hold for all days of a window: whose an instance's acts are may not change between them.
    """

    def __init__(self, session: "DuckDBPyConnection", table: InstanceTable, rules: AttributionRules) -> None:
        """Name agents by `rules`."""
        self._session = session
        self._table = table
        self._rules = rules
        self._names: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._sets: dict[tuple[str, ...], int] = {}

    @property
    def agents(self) -> dict[int, str]:
        """Number to agent id, of all days so far."""
        return {number: agent for agent, number in self._numbers.items()}

    def number_of(self, agent: str) -> int:
        """Return the number that stands for an agent in tables."""
        return self._numbers.setdefault(agent, len(self._numbers))

    def run(self, known: Known, days: Sequence[int]) -> dict[int, Attribution]:
        """Return who is an agent on each of `days` (ordinals), and fill the tables.

        Raises:
            DeepLineageError: where the lineage is too deep, or a ring.
            UnevenDaysError: where an instance is whose on one day and whose else on another.
        """
        self._sets = {}
        self._reach()
        self._mark(known)
        marked = _Marked(self._session, self._table)
        attributions: dict[int, Attribution] = {}
        watched: dict[InstanceKey, tuple[str, ...]] = {}
        for day in days:
            attribution = attributions[day] = self._attributed(known, marked, day)
            known = known._replace(registry={**known.registry, **attribution.registry})
            for key in marked.reached(day):
                agents = attribution.agents_of(key) if key in attribution.watched() else ()
                if watched.setdefault(key, agents) != agents:
                    raise UnevenDaysError
        self._spread({key: agents for key, agents in watched.items() if agents}, attributions, marked)
        if attributions[days[0]].heeds_declared:
            self._declare(attributions)
        self._fill()
        return attributions

    def _attributed(self, known: Known, marked: "_Marked", day: int) -> Attribution:
        return Attribution(
            (), known._replace(instances=marked.over), self._rules, named=marked.named(day), above=marked.above(day)
        )

    def _declare(self, attributions: Mapping[int, Attribution]) -> None:
        """Put declared agents before those of the process that ran them, in `declared(agent_uid, under, credit)`."""
        agents = {number: one for one, number in self._sets.items()}
        rows = self._session.execute(
            "SELECT DISTINCT s.day, s.agent_uid, w.credit FROM statements s LEFT JOIN who w USING (host, local) "
            "WHERE s.agent_uid IS NOT NULL AND s.seen > 0"
        ).fetchall()
        numbers: dict[str, int] = {}
        found: dict[tuple[str, int | None], int] = {}
        ids: dict[str, str] = {}
        for day, uid, under in sorted(rows, key=lambda row: row[:2]):
            agent = attributions[day].declared(uid)
            if ids.setdefault(uid, agent) != agent:
                raise UnevenDaysError
            credited = (agent, *agents.get(under, ()))
            found[uid, under] = self._sets.setdefault(credited, len(self._sets))
            numbers.setdefault(uid, len(numbers) + 1)
        insert(self._session, "declared", _DECLARED, ((*pair, found[pair], numbers[pair[0]]) for pair in found))

    def _reach(self) -> None:
        """Collect in `reached(i, day)` the instances that each day named, and their ancestors.

        Raises:
            UnevenDaysError: where an ancestor would have been forgotten by then, or is only named later.
        """
        self._session.execute("CREATE OR REPLACE TEMP TABLE reached AS SELECT i, day FROM named")
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE edges AS SELECT c.i, p.i AS parent FROM instances c "
            "JOIN instances p ON p.host = c.parent_host AND p.local = c.parent_local"
        )
        self._session.execute("CREATE OR REPLACE TEMP TABLE level AS SELECT i, day FROM named")
        for _ in range(DEPTH + 1):
            self._session.execute(
                "CREATE OR REPLACE TEMP TABLE level AS SELECT DISTINCT e.parent AS i, l.day FROM level l "
                "JOIN edges e USING (i) ANTI JOIN reached r ON r.i = e.parent AND r.day = l.day"
            )
            added = self._session.execute("INSERT INTO reached FROM level").fetchone()
            if not added or not added[0]:
                break
        else:
            raise DeepLineageError
        gone = (
            f"p.ended // {DAY_US} + {EPOCH_DAY} < r.day - 1 - {ENDED_DAYS} OR p.last_day < r.day - 1 - {INSTANCE_DAYS}"
        )
        query = (
            f"SELECT 1 FROM reached r JOIN instances p USING (i) ANTI JOIN named USING (i, day) WHERE {gone} LIMIT 1"
        )
        # A parent that nobody knows any more may be named again, days after its child acted.
        later = (
            "SELECT 1 FROM reached r JOIN (SELECT i, min(day) AS day FROM named GROUP BY i) n ON n.i = r.i "
            f"WHERE r.i >= {self._table.fresh_from} AND r.day < n.day LIMIT 1"
        )
        if any(self._session.execute(one).fetchone() is not None for one in (query, later)):
            raise UnevenDaysError

    def _mark(self, known: Known) -> None:
        """Collect in `marked(i)` the reached instances that may be agents, in `over_marked(i)` those above them."""
        rows = self._session.execute(
            "SELECT DISTINCT n.host, n.image, n.unit IS NOT NULL, e.entries FROM instances n "
            "SEMI JOIN reached USING (i) LEFT JOIN evidence_of e USING (i)"
        ).fetchall()
        machines = {(key.machine, key.process) for key in known.registry}
        # Who is an agent by what it shows makes agents of all runs of that program on its host, from the next day on.
        machines |= {(row[0], self._name(row[1])) for row in rows if self._may_be(row, machines, known)}
        chosen = [row for row in rows if self._may_be(row, machines, known)]
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE chosen (host VARCHAR, image VARCHAR, in_unit BOOLEAN, entries VARCHAR[])"
        )
        sorts = {"host": "VARCHAR", "image": "VARCHAR", "in_unit": "BOOLEAN", "entries": "VARCHAR[]"}
        insert(self._session, "chosen", sorts, chosen)
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE marked AS SELECT n.i FROM instances n SEMI JOIN reached USING (i) "
            "LEFT JOIN evidence_of e USING (i) SEMI JOIN chosen c ON c.host = n.host AND c.image = n.image "
            "AND c.in_unit = (n.unit IS NOT NULL) AND c.entries IS NOT DISTINCT FROM e.entries"
        )
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE over_marked AS WITH RECURSIVE up AS (SELECT i FROM marked "
            "UNION SELECT e.parent FROM up JOIN edges e USING (i)) SELECT i FROM up ANTI JOIN marked USING (i)"
        )

    def _may_be(self, row: tuple[Any, ...], machines: set[tuple[str, str]], known: Known) -> bool:
        """Say whether an instance of a host, image, unit and evidence may be an agent."""
        host, image, in_unit, entries = row
        scope, name = self._rules.scope, self._name(image)
        if scope.kind is ScopeKind.NAME:
            return scope.admits_name(name)
        if scope.kind is ScopeKind.UNIT:
            return bool(in_unit)
        short = known.short_of(host)
        if (host, name) in machines or (short is not None and (short, name) in machines):
            return True
        return bool(entries) and self._rules.catalogue.tier(frozenset(entries), image) is Tier.AGENT

    def _name(self, image: str) -> str:
        found = self._names.get(image)
        if found is None:
            found = self._names[image] = process_name(image)
        return found

    def _spread(
        self,
        watched: Mapping[InstanceKey, tuple[str, ...]],
        attributions: Mapping[int, Attribution],
        marked: "_Marked",
    ) -> None:
        """Give everything below a watched instance its set of agents."""
        rows = [
            (marked.numbers[key], self._sets.setdefault(agents, len(self._sets)), depth)
            for key, agents in watched.items()
            for depth in (max(_depth(one, key) for one in attributions.values() if key in one.lineage),)
        ]
        self._session.execute("CREATE OR REPLACE TEMP TABLE credited (i INTEGER, credit INTEGER, depth INTEGER)")
        insert(self._session, "credited", {"i": "INTEGER", "credit": "INTEGER", "depth": "INTEGER"}, rows)
        self._session.execute("CREATE OR REPLACE TEMP TABLE frontier AS FROM credited")
        for _ in range(DEPTH):
            self._session.execute(
                "CREATE OR REPLACE TEMP TABLE below AS SELECT e.i, f.credit, f.depth + 1 AS depth FROM frontier f "
                "JOIN edges e ON e.parent = f.i ANTI JOIN credited c ON c.i = e.i"
            )
            found = self._session.execute("SELECT count(*), max(depth) FROM below").fetchone()
            if not found or not found[0]:
                break
            if found[1] > DEPTH:
                raise DeepLineageError
            self._session.execute("INSERT INTO credited FROM below")
            self._session.execute("CREATE OR REPLACE TEMP TABLE frontier AS FROM below")
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE who AS SELECT n.i, n.host, n.local, c.credit, p.credit AS parent_credit "
            "FROM (SELECT i, host, local FROM instances WHERE i IN (SELECT i FROM named)) n "
            "LEFT JOIN credited c USING (i) LEFT JOIN edges e USING (i) LEFT JOIN credited p ON p.i = e.parent "
            "WHERE c.credit IS NOT NULL OR p.credit IS NOT NULL"
        )
        declared = ", ".join(f"{name} {sort}" for name, sort in _DECLARED.items())
        self._session.execute(f"CREATE OR REPLACE TEMP TABLE declared ({declared})")

    def _fill(self) -> None:
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE credit_agents (credit INTEGER, place INTEGER, agent INTEGER)"
        )
        rows = [
            (credit, place, self.number_of(agent))
            for agents, credit in self._sets.items()
            for place, agent in enumerate(agents)
        ]
        sorts = {"credit": "INTEGER", "place": "INTEGER", "agent": "INTEGER"}
        insert(self._session, "credit_agents", sorts, rows)


class _Marked:
    """The instances that may be agents, with the evidence that they had on each day."""

    def __init__(self, session: "DuckDBPyConnection", table: InstanceTable) -> None:
        found = table.fetch("i IN (SELECT i FROM marked)")
        over = table.fetch("i IN (SELECT i FROM over_marked)")
        self._instances = dict(found)
        self.numbers = {one.key: number for number, one in found}
        self.over = {one.key: one for _, one in over}
        """Those above them that are no agents themselves."""
        self._named: dict[int, set[int]] = {}
        self._reached: dict[int, set[int]] = {}
        for table_name, days in (("named", self._named), ("reached", self._reached)):
            query = f"SELECT DISTINCT day, i FROM {table_name} SEMI JOIN marked USING (i)"
            for day, number in session.execute(query).fetchall():
                days.setdefault(day, set()).add(number)
        self._gathered: dict[int, list[tuple[int, frozenset[str]]]] = {}
        query = "SELECT day, i, entries FROM gathered SEMI JOIN marked USING (i)"
        for day, number, entries in session.execute(query).fetchall():
            self._gathered.setdefault(day, []).append((number, frozenset(entries)))

    def named(self, day: int) -> list[Instance]:
        """Return those that a day named, with all evidence until then; days are asked for in their order."""
        for number, entries in self._gathered.pop(day, ()):
            one = self._instances[number]
            self._instances[number] = replace(one, evidence=one.evidence | entries)
        return [self._instances[number] for number in sorted(self._named.get(day, ()))]

    def above(self, day: int) -> list[Instance]:
        """Return those above one that a day named, which it did not name themselves."""
        above = self._reached.get(day, set()) - self._named.get(day, set())
        return [self._instances[number] for number in sorted(above)]

    def reached(self, day: int) -> Iterator[InstanceKey]:
        """Yield the keys of both."""
        return (self._instances[number].key for number in self._reached.get(day, ()))


def _depth(attribution: Attribution, key: InstanceKey) -> int:
    """Return how many ancestors of a watched instance are known.

    Raises:
        DeepLineageError: where it is its own ancestor.
    """
    above = list(attribution.lineage.ancestors(key))
    if above and attribution.lineage[above[-1]].parent == key:
        raise DeepLineageError
    return len(above)
