"""Days in a row, worked out together: who acted, for whom it counts, what it came to."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from leeway.agents import Hosts, learnt_names
from leeway.engines.duckdb.crediting import Crediting
from leeway.engines.duckdb.event_files import EventFiles
from leeway.engines.duckdb.evidence import EvidenceTable
from leeway.engines.duckdb.leaving import LeaveToFoldError
from leeway.engines.duckdb.lineage import InstanceTable, UnevenDaysError
from leeway.engines.duckdb.memory import AgentTable
from leeway.engines.duckdb.roll_up import HOUR_BIT, HOUR_US, RollUp
from leeway.engines.duckdb.session import drop, insert
from leeway.pipeline import Terms, World

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PRESENCE = (
    'SELECT s.day, {credit} AS credit, s.seen_user AS "user", s.hour, sum(s.seen)::BIGINT AS seen, '
    "min(s.exemplar) AS exemplar, max(s.last) AS last, "
    f"bit_or((1 << (s.hour // {HOUR_US} % 24))::INTEGER) AS hours, "
    "sum(s.out_n)::BIGINT AS out_n, sum(s.out_total) AS out_total, "
    "sum(s.in_n)::BIGINT AS in_n, sum(s.in_total) AS in_total "
    "FROM statements s LEFT JOIN who w USING (host, local) {declared}"
    "WHERE {credit} IS NOT NULL AND s.seen > 0 GROUP BY ALL"
)
"""What every act shows, from the statements that lineage was learnt from."""

STARTED = (
    "SELECT s.day, 'process_started' AS kind, w.parent_credit AS credit, s.image AS process_image, "
    "s.command_line AS process_command_line, count(*)::BIGINT AS seen, min({'t': time, 'i': id}) AS exemplar, "
    f"max(time) AS last, bit_or({HOUR_BIT}) AS hours FROM starts s JOIN who w USING (host, local) "
    "WHERE w.parent_credit IS NOT NULL GROUP BY ALL"
)

_OF_DECLARED = "LEFT JOIN declared d ON d.agent_uid = {0}.agent_uid AND d.under IS NOT DISTINCT FROM w.credit "

ACTS = (
    "CREATE OR REPLACE TEMP VIEW acts AS SELECT a.*, w.credit, w.parent_credit, w.i AS actor FROM acts_of_days a "
    "JOIN who w ON w.host = a.host AND w.local = a.process_uid"
)

DECLARED_ACTS = (
    "CREATE OR REPLACE TEMP VIEW acts AS SELECT a.*, coalesce(d.credit, w.credit) AS credit, w.parent_credit, "
    "coalesce(w.i, n.i, -d.number) AS actor FROM acts_of_days a "
    "LEFT JOIN who w ON w.host = a.host AND w.local = a.process_uid "
    + _OF_DECLARED.format("a")
    + "LEFT JOIN instances n ON d.credit IS NOT NULL AND n.host = a.host AND n.local = a.process_uid "
    "WHERE coalesce(d.credit, w.credit, w.parent_credit) IS NOT NULL"
)

ACTORS = (
    "CREATE OR REPLACE TEMP VIEW actors AS SELECT i AS actor, NULL::VARCHAR AS actor_name, image AS actor_image, "
    "command_line AS actor_line FROM instances "
    "UNION ALL SELECT DISTINCT -number, agent_uid, NULL, NULL FROM declared"
)

UNRESOLVED = (
    "SELECT 1 FROM acts_of_days WHERE (process_image IS NOT NULL AND process_uid IS NULL) "
    "OR (parent_image IS NOT NULL AND parent_uid IS NULL) LIMIT 1"
)
"""Acts of processes that are known by their number only."""

HEARD = (
    "SELECT day, CASE WHEN host <> '' THEN host WHEN agent_uid IS NULL THEN '' ELSE 'agent ' || agent_uid END AS "
    f"sensor, bit_or((1 << (hour // {HOUR_US} % 24))::INTEGER) FROM statements WHERE seen > 0 GROUP BY day, sensor"
)
"""`sensor_of` in SQL."""

SIGNED = (
    "SELECT day, host, lower(digest) AS digest, arg_min(signer, {'t': time, 'i': id}) AS signer FROM acts_of_days "
    "WHERE signer <> '' AND digest <> '' AND kind IN ('module_loaded', 'process_started', 'signature_checked') "
    "GROUP BY ALL"
)

TOTALS = (
    f"SELECT p.day, a.agent, (p.hour // {HOUR_US} % 24)::INTEGER AS hour, sum(p.seen)::BIGINT AS events, "
    "min(p.exemplar) AS exemplar, sum(p.out_n)::BIGINT AS out_n, sum(p.out_total) AS out_total, "
    "sum(p.in_n)::BIGINT AS in_n, sum(p.in_total) AS in_total FROM presence p JOIN credit_agents a USING (credit) "
    "GROUP BY p.day, a.agent, p.hour"
)
"""Hourly sums of each agent; those of bytes are over the acts that say how many."""


class Tables(NamedTuple):
    """What a batch keeps from day to day."""

    session: "DuckDBPyConnection"
    terms: Terms
    roll_up: RollUp
    instances: InstanceTable
    evidence: EvidenceTable
    crediting: Crediting
    memory: AgentTable


class Window:
    """Some days in a row, attributed and rolled up together; `close` then judges or learns each."""

    def __init__(
        self, tables: Tables, world: World, days: Sequence[date], events: EventFiles, *, is_trusted: bool
    ) -> None:
        """Roll up `days` of `events`, on top of what the tables hold and `world`, whose baselines are in them.

        Raises:
            UnevenDaysError: where they have to be closed one by one.
            LeaveToFoldError: where the tables cannot hold them exactly.
        """
        self.days = tuple(days)
        self.is_trusted = is_trusted
        self._tables = tables
        self._session = tables.session
        self._terms = tables.terms
        self._names = events.hosts(days)
        self.hosts = self._resolved(world)
        every = {name for names in self._names.values() for name in names}
        hosts = self.hosts[days[0].toordinal()]
        events.view("acts_of_days", days, {name: hosts.resolve(name) for name in every})
        if self._any(UNRESOLVED):
            raise LeaveToFoldError
        self._signed = self._signers(world)
        tables.instances.forget(days[0].toordinal() - 1)
        tables.instances.learn()
        self._refuse_signers()
        known = world.known(hosts)
        tables.evidence.gather(known.signers)
        self.attributions = tables.crediting.run(known, [one.toordinal() for one in days])
        tables.evidence.keep()
        self._roll_up()
        self.heard = self._heard()
        drop(self._session, "statements", "starts", "presence", "gathered", "evidence_of", "reached", "level", "grown")

    def names(self, day: int) -> set[str]:
        """Return the hosts of a day's events, as they are written."""
        return self._names[day]

    def signers(self, day: int) -> dict[tuple[str, str], str]:
        """Return what a day taught of signers."""
        return self._signed.get(day, {})

    def _resolved(self, world: World) -> dict[int, Hosts]:
        """Return the names of hosts as they are known on each day; they must be the same on all."""
        found: dict[int, Hosts] = {}
        known, aliases = world.hosts, self._terms.settings.aliases
        for day in self.days:
            names = self._names[day.toordinal()]
            hosts = found[day.toordinal()] = Hosts(known, aliases, names if self.is_trusted else ())
            hosts.take_over((key.machine for key in world.registry), names)
            known = learnt_names(known, aliases, names)
        carried = {host for (host,) in self._session.execute("SELECT DISTINCT host FROM instances").fetchall()}
        first = found[self.days[0].toordinal()]
        every = carried.union(*self._names.values()) | {key.machine for key in world.registry}
        for hosts in found.values():
            if hosts.unsettled or any(
                hosts.resolve(one) != first.resolve(one) or hosts.short_of(one) != first.short_of(one) for one in every
            ):
                raise UnevenDaysError
        if any(first.resolve(host) != host for host in carried):
            raise LeaveToFoldError
        return found

    def _any(self, query: str) -> bool:
        return self._session.execute(query).fetchone() is not None

    def _signers(self, world: World) -> dict[int, dict[tuple[str, str], str]]:
        self._session.execute(f"CREATE OR REPLACE TEMP TABLE signed AS {SIGNED}")
        found: dict[int, dict[tuple[str, str], str]] = {}
        for day, host, digest, signer in self._session.execute("SELECT * FROM signed").fetchall():
            found.setdefault(day, {})[host, digest] = signer
        fresh = {
            (*key, day)
            for day, signers in found.items()
            for key, signer in signers.items()
            if world.signers.get(key) != signer
        }
        self._session.execute("CREATE OR REPLACE TEMP TABLE fresh (host VARCHAR, digest VARCHAR, day INTEGER)")
        insert(self._session, "fresh", {"host": "VARCHAR", "digest": "VARCHAR", "day": "INTEGER"}, fresh)
        return found

    def _refuse_signers(self) -> None:
        """Refuse days of which one teaches who signed what a later one runs."""
        query = (
            "SELECT 1 FROM fresh f JOIN instances i ON i.host = f.host AND f.digest IN (i.digest, i.sha1) "
            "JOIN named n ON n.i = i.i AND n.day > f.day LIMIT 1"
        )
        if len(self.days) > 1 and self._any(query):
            raise UnevenDaysError

    def _roll_up(self) -> None:
        has_declared = self._any("SELECT 1 FROM declared LIMIT 1")
        self._session.execute(DECLARED_ACTS if has_declared else ACTS)
        self._session.execute(ACTORS)
        credit = "coalesce(d.credit, w.credit)" if has_declared else "w.credit"
        presence = PRESENCE.format(credit=credit, declared=_OF_DECLARED.format("s") if has_declared else "")
        self._tables.roll_up.run(presence, STARTED)
        self._session.execute(f"CREATE OR REPLACE TEMP TABLE totals AS {TOTALS}")

    def _heard(self) -> dict[int, dict[str, int]]:
        found: dict[int, dict[str, int]] = {}
        for day, sensor, hours in self._session.execute(HEARD).fetchall():
            found.setdefault(day, {})[sensor] = hours
        return found
