"""The values that agents showed, as tables: one row a value, and the days that are not folded into them yet."""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from leeway.baselines.baseline import MEMORY_DAYS
from leeway.baselines.comparison import JUDGED
from leeway.baselines.membership import KNOWN_DAYS
from leeway.config import LearningProfile
from leeway.engines.duckdb.roll_up import FACET_NUMBERS, RollUp
from leeway.engines.duckdb.session import insert
from leeway.events import Measure

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ENTRY: Final[dict[str, str]] = {
    "agent": "INTEGER",
    "value": "UBIGINT",
    "last": "INTEGER",
    "days": "UBIGINT",
    "seen": "BIGINT",
    "first": "INTEGER",
    "hours": "BIGINT",
    "first_time": "BIGINT",
    "first_id": "VARCHAR",
}
"""Columns of an entry; days are ordinals."""

_DAY: Final[dict[str, str]] = {
    "agent": "INTEGER",
    "value": "UBIGINT",
    "day": "INTEGER",
    "seen": "BIGINT",
    "hours": "BIGINT",
    "first_time": "BIGINT",
    "first_id": "VARCHAR",
}
NOVELTY: Final = {"agent": "INTEGER", "facet": "UTINYINT", "day": "INTEGER", "seen": "BIGINT"}
HOURLY: Final = {"agent": "INTEGER", "measure": "VARCHAR", "day": "INTEGER", "hour": "INTEGER", "total": "HUGEINT"}
_REPLACED: Final = {name: HOURLY[name] for name in ("agent", "measure", "day")}

_SUMS: Final = (
    (Measure.EVENTS, "events", "events"),
    (Measure.BYTES_OUT, "out_n", "out_total"),
    (Measure.BYTES_IN, "in_n", "in_total"),
)
"""Measures that are summed by hour, with the columns of `totals`: how many events say it, and what they come to."""

_JUDGED: Final = ", ".join(str(FACET_NUMBERS[facet]) for facet in JUDGED)
_MASK: Final = (1 << MEMORY_DAYS) - 1
_TABLES: Final = ("entries", "seen_days", "novelties", "hourly")


class Entries:
    """Entries, novelties and hourly sums of all agents that are known by number only.

    Days wait in `seen_days` until they are folded into `entries` together: a merge of entries does not mind the order
    of days. Until then both are read as one.
    """

    def __init__(self, session: "DuckDBPyConnection", roll_up: RollUp) -> None:
        """Make the tables, empty."""
        self._session = session
        self._roll_up = roll_up
        self._waiting: int | None = None
        for name, columns in zip(_TABLES, (ENTRY, _DAY, NOVELTY, HOURLY), strict=True):
            self._create(name, columns)

    def _create(self, name: str, columns: Mapping[str, str]) -> None:
        declared = ", ".join(f"{column} {sort}" for column, sort in columns.items())
        self._session.execute(f"CREATE OR REPLACE TABLE {name} ({declared})")

    def _choose(self, agents: Iterable[int]) -> None:
        self._create("chosen_agents", {"agent": "INTEGER"})
        insert(self._session, "chosen_agents", {"agent": "INTEGER"}, ((agent,) for agent in agents))

    def is_due(self, day: int) -> bool:
        """Whether the waiting days must be folded in before `day`: a value may be forgotten between them and it."""
        return self._waiting is not None and day - self._waiting >= KNOWN_DAYS

    def learn(self, day: int, agents: Collection[int]) -> None:
        """Take what `sightings` and `totals` say of `agents` on `day`."""
        self._choose(agents)
        self._waiting = day if self._waiting is None else self._waiting
        shift = 24 if (day - 1) % 7 >= 5 else 0  # noqa: PLR2004  # Saturday; ordinal 1 was a Monday
        self._session.execute(
            f"INSERT INTO seen_days SELECT agent, value, {day}, seen, hours::BIGINT << {shift}, first, first_id "
            f"FROM sightings SEMI JOIN chosen_agents USING (agent) WHERE day = {day}"
        )
        for measure, n, total in _SUMS:
            self._session.execute(
                f"INSERT INTO hourly SELECT agent, '{measure}', {day}, hour, {total} FROM totals "
                f"SEMI JOIN chosen_agents USING (agent) WHERE day = {day} AND {n} > 0"
            )

    def fold(self, first_days: Mapping[int, int]) -> None:
        """Fold the waiting days in; `first_days` is when each agent was first known: no value is new on that day."""
        if self._waiting is None:
            return
        firsts = {"agent": "INTEGER", "first_day": "INTEGER"}
        self._create("firsts", firsts)
        insert(self._session, "firsts", firsts, first_days.items())
        dictionary = {"value": "UBIGINT", "facet": "UTINYINT"}
        self._create("dictionary", dictionary)
        facets = ((number, FACET_NUMBERS[facet]) for number, (facet, _) in self._roll_up.values.items())
        insert(self._session, "dictionary", dictionary, facets)
        self._session.execute(f"CREATE OR REPLACE TEMP TABLE folded AS {self._merged('seen_days')}")
        self._session.execute(
            "INSERT INTO novelties SELECT m.agent, d.facet, m.fresh, count(*) FROM folded m "
            "JOIN dictionary d USING (value) JOIN firsts f ON f.agent = m.agent "
            "WHERE m.fresh > f.first_day GROUP BY ALL"
        )
        self._session.execute(
            "DELETE FROM entries USING folded f WHERE entries.agent = f.agent AND entries.value = f.value"
        )
        self._session.execute("INSERT INTO entries SELECT * EXCLUDE (fresh) FROM folded")
        self._session.execute("DELETE FROM seen_days")
        self._waiting = None

    def add(self, entries: Iterable[tuple[Any, ...]], novelties: Iterable[tuple[Any, ...]]) -> None:
        """Add rows of agents that have none."""
        insert(self._session, "entries", ENTRY, entries)
        insert(self._session, "novelties", NOVELTY, novelties)

    def add_hourly(self, rows: Iterable[tuple[Any, ...]], instead: Iterable[tuple[int, str, int]]) -> None:
        """Add hourly sums, after those of the days (agent, measure, day) are gone that they stand `instead` of."""
        self._create("replaced_days", _REPLACED)
        insert(self._session, "replaced_days", _REPLACED, instead)
        self._session.execute(
            "DELETE FROM hourly USING replaced_days r "
            "WHERE hourly.agent = r.agent AND hourly.measure = r.measure AND hourly.day = r.day"
        )
        insert(self._session, "hourly", HOURLY, rows)

    def remove(self, agents: Collection[int], *, is_hourly_kept: bool = False) -> None:
        """Let go the rows of some agents."""
        self._choose(agents)
        for table in _TABLES:
            if not (is_hourly_kept and table == "hourly"):
                self._session.execute(f"DELETE FROM {table} WHERE agent IN (SELECT agent FROM chosen_agents)")

    def rows(self, agents: Collection[int]) -> list[tuple[Any, ...]]:
        """Return the entries of some agents: `ENTRY`, and the waiting day on which the value was new, or None."""
        self._choose(agents)
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE chosen_days AS SELECT * FROM seen_days SEMI JOIN chosen_agents USING (agent)"
        )
        return self._session.execute(self._merged("chosen_days", apart=True)).fetchall()

    def novelties(self, agents: Collection[int]) -> list[tuple[int, int, int, int]]:
        """Return (agent, number of the facet, day, new values) of the days that are folded in."""
        self._choose(agents)
        return self._session.execute(
            "SELECT agent, facet, day, sum(seen)::BIGINT FROM novelties SEMI JOIN chosen_agents USING (agent) "
            "GROUP BY ALL"
        ).fetchall()

    def hourly(self, agents: Collection[int]) -> list[tuple[int, str, int, int, int]]:
        """Return (agent, measure, day, hour, sum), in that order."""
        self._choose(agents)
        return self._session.execute(
            "SELECT agent, measure, day, hour, sum(total) FROM hourly SEMI JOIN chosen_agents USING (agent) "
            "GROUP BY ALL ORDER BY ALL"
        ).fetchall()

    def crowded(self, day: int, cap: int) -> set[int]:
        """Return the agents that may hold more than `cap` values after `day`."""
        rows = self._session.execute(
            "SELECT agent FROM (SELECT agent, count(*) AS n FROM entries GROUP BY agent UNION ALL "
            "SELECT agent, count(DISTINCT value) FROM seen_days GROUP BY agent UNION ALL "
            f"SELECT agent, count(*) FROM sightings WHERE day = {day} GROUP BY agent) GROUP BY agent "
            f"HAVING sum(n) > {cap}"
        ).fetchall()
        return {row[0] for row in rows}

    def unestablished(self, day: int, profile: LearningProfile) -> set[int]:
        """Return the agents of `sightings` that showed a value which is not established on `day`."""
        window = f"((1::UBIGINT << ({KNOWN_DAYS + 1} - ({day} - last))) - 1)"
        known = (
            "SELECT agent, value, last, days, seen FROM entries ANTI JOIN seen_days USING (agent, value) "
            f"UNION ALL SELECT agent, value, last, days, seen FROM ({self._merged('seen_days')})"
        )
        established = (
            f"SELECT agent, value FROM ({known}) WHERE {day} - last <= {KNOWN_DAYS} "
            f"AND seen >= {profile.established_sightings} AND bit_count(days & {window}) >= {profile.established_days}"
        )
        rows = self._session.execute(
            f"SELECT DISTINCT s.agent FROM sightings s ANTI JOIN ({established}) e USING (agent, value) "
            "ANTI JOIN capped c ON c.day = s.day AND c.agent = s.agent AND c.facet = s.facet "
            f"WHERE s.day = {day} AND s.facet IN ({_JUDGED})"
        ).fetchall()
        return {row[0] for row in rows}

    def _merged(self, table: str, *, apart: bool = False) -> str:
        """Return the query for the entries after the buffered days of `table`, with the day each was `fresh` on.

        What was not seen for longer than a value is known is forgotten: it begins again. `apart` adds the entries of
        `chosen_agents` that no buffered day touches.
        """
        gap = f"(e.value IS NULL OR b.first - e.last > {KNOWN_DAYS})"
        older = "{'t': e.first_time, 'i': e.first_id}"
        joined = (
            f"SELECT b.agent, b.value, b.last, CASE WHEN {gap} THEN b.days ELSE b.days | "
            f"((e.days & ({_MASK}::UBIGINT >> (b.last - e.last))) << (b.last - e.last)) END AS days, "
            f"b.seen + CASE WHEN {gap} THEN 0 ELSE e.seen END AS seen, "
            f"CASE WHEN {gap} THEN b.first ELSE least(b.first, e.first) END AS first, "
            f"CASE WHEN {gap} THEN b.hours ELSE b.hours | e.hours END AS hours, "
            f"CASE WHEN {gap} THEN b.exemplar.t ELSE least(b.exemplar, {older}).t END AS first_time, "
            f"CASE WHEN {gap} THEN b.exemplar.i ELSE least(b.exemplar, {older}).i END AS first_id, "
            f"CASE WHEN {gap} THEN b.first END AS fresh FROM ({self._days(table)}) b "
            "LEFT JOIN entries e ON e.agent = b.agent AND e.value = b.value"
        )
        if not apart:
            return joined
        return (
            f"{joined} UNION ALL SELECT e.*, NULL FROM entries e SEMI JOIN chosen_agents c ON c.agent = e.agent "
            f"ANTI JOIN {table} d ON d.agent = e.agent AND d.value = e.value"
        )

    def _days(self, table: str) -> str:
        """Return the query for what buffered days come to, a row for each agent and value."""
        end = (self._waiting or 0) + KNOWN_DAYS
        return (
            "SELECT agent, value, max(day) AS last, min(day) AS first, sum(seen)::BIGINT AS seen, "
            "bit_or(hours) AS hours, min({'t': first_time, 'i': first_id}) AS exemplar, "
            f"bit_or(1::UBIGINT << ({end} - day)) >> ({end} - max(day)) AS days FROM {table} GROUP BY agent, value"
        )
