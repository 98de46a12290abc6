"""For whom each act counts, worked out over instances: the few that may be agents are named by `leeway.agents`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from leeway.agents import Attribution, InstanceKey, Known, process_name
from leeway.agents import Rules as AttributionRules
from leeway.agents.instances import DEPTH
from leeway.config import Scope
from leeway.config.settings import ScopeKind
from leeway.engines.duckdb.leaving import LeaveToFoldError
from leeway.engines.duckdb.lineage import InstanceTable
from leeway.engines.duckdb.session import insert

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CAN: Final = frozenset({ScopeKind.EVIDENCE, ScopeKind.NAME, ScopeKind.UNIT})
"""Scopes under which few instances are agents; where all are, the fold is no slower."""


_DECLARED: Final = {"agent_uid": "VARCHAR", "under": "INTEGER", "credit": "INTEGER", "number": "INTEGER"}


class DeepLineageError(LeaveToFoldError):
    """A chain of processes is longer than ancestors are followed, or runs in a ring: the day is left to the fold."""


class Crediting:
    """Fills `who(i, host, local, credit, parent_credit)`, `declared` and `credit_agents(credit, place, agent)`."""

    def __init__(self, session: "DuckDBPyConnection", table: InstanceTable, rules: AttributionRules) -> None:
        """Name agents by `rules`."""
        self._session = session
        self._table = table
        self._rules = rules
        self._names: dict[str, str] = {}
        self._numbers: dict[str, int] = {}

    @property
    def agents(self) -> dict[int, str]:
        """Number to agent id, of all days so far."""
        return {number: agent for agent, number in self._numbers.items()}

    def number_of(self, agent: str) -> int:
        """Return the number that stands for an agent in tables."""
        return self._numbers.setdefault(agent, len(self._numbers))

    def run(self, known: Known) -> Attribution:
        """Return who is an agent today, and fill the tables.

        Raises:
            DeepLineageError: where the lineage is too deep, or a ring.
        """
        self._reach()
        self._mark(known)
        named = self._table.fetch("i IN (SELECT i FROM marked) AND i IN (SELECT i FROM named)")
        above = self._table.fetch("i IN (SELECT i FROM marked) AND i NOT IN (SELECT i FROM named)")
        over = self._table.fetch("i IN (SELECT i FROM over_marked)")
        carried = {one.key: one for _, one in over}
        signers = known.signers
        attribution = Attribution(
            (),
            Known(carried, signers, known.registry, known.short_of, known.unsettled),
            self._rules,
            named=(one for _, one in named),
            above=(one for _, one in above),
        )
        numbers = {one.key: number for number, one in (*named, *above)}
        sets = self._spread(attribution, numbers)
        if attribution.heeds_declared:
            self._declare(attribution, sets)
        self._fill(sets)
        return attribution

    def _declare(self, attribution: Attribution, sets: dict[tuple[str, ...], int]) -> None:
        """Put declared agents before those of the process that ran them, in `declared(agent_uid, under, credit)`."""
        agents = {number: one for one, number in sets.items()}
        pairs = self._session.execute(
            "SELECT DISTINCT s.agent_uid, w.credit FROM statements s LEFT JOIN who w USING (host, local) "
            "WHERE s.agent_uid IS NOT NULL"
        ).fetchall()
        numbers = {uid: number for number, uid in enumerate(dict.fromkeys(uid for uid, _ in pairs), 1)}
        rows = []
        for uid, under in pairs:
            credited = (attribution.declared(uid), *agents.get(under, ()))
            rows.append((uid, under, sets.setdefault(credited, len(sets)), numbers[uid]))
        insert(self._session, "declared", _DECLARED, rows)

    def _reach(self) -> None:
        """Collect in `reached(i)` the instances that the day named, and their ancestors."""
        self._session.execute("CREATE OR REPLACE TEMP TABLE reached AS SELECT i FROM named")
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE edges AS SELECT c.i, p.i AS parent FROM instances c "
            "JOIN instances p ON p.host = c.parent_host AND p.local = c.parent_local"
        )
        for _ in range(DEPTH + 1):
            added = self._session.execute(
                "INSERT INTO reached SELECT DISTINCT e.parent FROM reached r JOIN edges e USING (i) "
                "ANTI JOIN reached d ON d.i = e.parent"
            ).fetchone()
            if not added or not added[0]:
                return
        raise DeepLineageError

    def _mark(self, known: Known) -> None:
        """Collect in `marked(i)` the reached instances that may be agents, in `over_marked(i)` those above them."""
        scope = self._rules.scope
        images = self._session.execute(
            "SELECT DISTINCT host, image FROM instances SEMI JOIN reached USING (i)"
        ).fetchall()
        machines = {(key.machine, key.process) for key in known.registry}
        chosen = [row for row in images if self._may_be(scope, row[0], self._name(row[1]), machines, known)]
        self._session.execute("CREATE OR REPLACE TEMP TABLE chosen (host VARCHAR, image VARCHAR)")
        insert(self._session, "chosen", {"host": "VARCHAR", "image": "VARCHAR"}, chosen)
        besides = "len(evidence) > 0" if scope.kind is ScopeKind.EVIDENCE else "false"
        besides = "unit IS NOT NULL" if scope.kind is ScopeKind.UNIT else besides
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE marked AS SELECT i FROM instances SEMI JOIN reached USING (i) "
            f"WHERE {besides} OR (host, image) IN (SELECT (host, image) FROM chosen)"
        )
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE over_marked AS WITH RECURSIVE up AS (SELECT i FROM marked "
            "UNION SELECT e.parent FROM up JOIN edges e USING (i)) SELECT i FROM up ANTI JOIN marked USING (i)"
        )

    def _may_be(self, scope: Scope, host: str, name: str, machines: set[tuple[str, str]], known: Known) -> bool:
        if scope.kind is ScopeKind.NAME:
            return scope.admits_name(name)
        short = known.short_of(host)
        return (host, name) in machines or (short is not None and (short, name) in machines)

    def _name(self, image: str) -> str:
        found = self._names.get(image)
        if found is None:
            found = self._names[image] = process_name(image)
        return found

    def _spread(self, attribution: Attribution, numbers: Mapping[InstanceKey, int]) -> dict[tuple[str, ...], int]:
        """Give everything below a watched instance its set of agents."""
        sets: dict[tuple[str, ...], int] = {}
        rows = []
        for key in attribution.watched():
            agents = attribution.agents_of(key)
            rows.append((numbers[key], sets.setdefault(agents, len(sets)), _depth(attribution, key)))
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
            "FROM (SELECT i, host, local FROM instances SEMI JOIN named USING (i)) n LEFT JOIN credited c USING (i) "
            "LEFT JOIN edges e USING (i) LEFT JOIN credited p ON p.i = e.parent "
            "WHERE c.credit IS NOT NULL OR p.credit IS NOT NULL"
        )
        declared = ", ".join(f"{name} {sort}" for name, sort in _DECLARED.items())
        self._session.execute(f"CREATE OR REPLACE TEMP TABLE declared ({declared})")
        return sets

    def _fill(self, sets: Mapping[tuple[str, ...], int]) -> None:
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE credit_agents (credit INTEGER, place INTEGER, agent INTEGER)"
        )
        rows = [
            (credit, place, self.number_of(agent))
            for agents, credit in sets.items()
            for place, agent in enumerate(agents)
        ]
        sorts = {"credit": "INTEGER", "place": "INTEGER", "agent": "INTEGER"}
        insert(self._session, "credit_agents", sorts, rows)


def _depth(attribution: Attribution, key: InstanceKey) -> int:
    """Return how many ancestors of a watched instance are known.

    Raises:
        DeepLineageError: where it is its own ancestor.
    """
    above = list(attribution.lineage.ancestors(key))
    if above and attribution.lineage[above[-1]].parent == key:
        raise DeepLineageError
    return len(above)
