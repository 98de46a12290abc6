"""What agents normally do, as tables: baselines of many agents at once, one row a value.

Days go into a buffer as they are closed and are folded into the entries together: an entry's merge does not mind the
order of days. Only the agents that somebody remarked on are taken out (`unpacked`) and go on as single baselines.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from leeway.baselines import Baseline, decode_baseline
from leeway.baselines.baseline import MEMORY_DAYS, RATE_DAYS, Entry
from leeway.baselines.comparison import JUDGED
from leeway.baselines.membership import KNOWN_DAYS
from leeway.config import LearningProfile
from leeway.engines.duckdb.roll_up import FACET_NUMBERS, RollUp
from leeway.engines.duckdb.session import insert, quoted
from leeway.events import EventRef, Facet, Measure, Value, instant, micros

if TYPE_CHECKING:
    from collections.abc import Callable

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
_NOVELTY: Final = {"agent": "INTEGER", "facet": "UTINYINT", "day": "INTEGER", "seen": "BIGINT"}
_HOURLY: Final = {"agent": "INTEGER", "measure": "VARCHAR", "day": "INTEGER", "hour": "INTEGER", "total": "HUGEINT"}

_SUMS: Final = (
    (Measure.EVENTS, "events", "events"),
    (Measure.BYTES_OUT, "out_n", "out_total"),
    (Measure.BYTES_IN, "in_n", "in_total"),
)
"""Measures that are summed by hour, with the columns of `totals`: how many events say it, and what they come to."""

_JUDGED: Final = ", ".join(str(FACET_NUMBERS[facet]) for facet in JUDGED)
_VALUES: Final = msgspec.json.Decoder(tuple[str, ...])
_MASK: Final = (1 << MEMORY_DAYS) - 1


class AgentTable:
    """Baselines by agent number. `heads` have everything but entries, novelties and hours, which are in tables."""

    def __init__(
        self,
        session: "DuckDBPyConnection",
        roll_up: RollUp,
        number_of: "Callable[[str], int]",
        profile: LearningProfile,
    ) -> None:
        """Begin with nobody."""
        self._session = session
        self._roll_up = roll_up
        self._number_of = number_of
        self._profile = profile
        self.heads: dict[str, Baseline] = {}
        self.unpacked: dict[str, Baseline] = {}
        self.touched: set[str] = set()
        """Agents that changed since they were read."""
        self._buffered: int | None = None
        for name, columns in (("entries", ENTRY), ("seen_days", _DAY), ("novelties", _NOVELTY), ("hourly", _HOURLY)):
            declared = ", ".join(f"{column} {sort}" for column, sort in columns.items())
            session.execute(f"CREATE TABLE {name} ({declared})")
        session.execute("CREATE TABLE dictionary (value UBIGINT, facet UTINYINT)")

    def read(self, files: Sequence[Path]) -> None:
        """Take over the baselines of packed files."""
        if not files:
            return
        listed = ", ".join(quoted(str(file)) for file in files)
        self._session.execute(f"CREATE OR REPLACE TEMP TABLE packed AS FROM read_parquet([{listed}])")
        for agent, body in self._session.execute("SELECT agent, body FROM packed WHERE part = 0").fetchall():
            self.heads[agent] = decode_baseline(body)
        self._number_agents(self.heads)
        self._session.execute("CREATE OR REPLACE TEMP TABLE spelt (facet VARCHAR, value VARCHAR, number UBIGINT)")
        pairs = self._session.execute("SELECT DISTINCT facet, value FROM packed WHERE part = 1").fetchall()
        known = [(facet, text, self._roll_up.number_of(Facet(facet), _VALUES.decode(text))) for facet, text in pairs]
        insert(self._session, "spelt", {"facet": "VARCHAR", "value": "VARCHAR", "number": "UBIGINT"}, known)
        self._session.execute(
            "INSERT INTO entries SELECT n.number, s.number, p.last, p.days, p.seen, p.first, p.hours, p.first_time, "
            "p.first_id FROM packed p JOIN agent_numbers n USING (agent) "
            "JOIN spelt s ON s.facet = p.facet AND s.value = p.value WHERE p.part = 1"
        )
        self._session.execute("CREATE OR REPLACE TEMP TABLE facets (facet VARCHAR, number UTINYINT)")
        insert(self._session, "facets", {"facet": "VARCHAR", "number": "UTINYINT"}, FACET_NUMBERS.items())
        self._session.execute(
            "INSERT INTO novelties SELECT n.number, f.number, p.day, p.seen FROM packed p "
            "JOIN agent_numbers n USING (agent) JOIN facets f USING (facet) WHERE p.part = 2"
        )
        self._session.execute(
            "INSERT INTO hourly SELECT n.number, p.measure, p.day, p.hour, p.total FROM packed p "
            "JOIN agent_numbers n USING (agent) WHERE p.part = 3"
        )
        self._session.execute("DROP TABLE packed")

    def take(self, baselines: Iterable[Baseline]) -> None:
        """Take baselines that were kept one by one; they replace what is packed of the same agents."""
        for baseline in baselines:
            if baseline.agent in self.heads:
                self.drop(baseline.agent)
            self.unpacked[baseline.agent] = baseline
            self.touched.add(baseline.agent)

    def _number_agents(self, agents: Iterable[str]) -> None:
        self._session.execute("CREATE OR REPLACE TEMP TABLE agent_numbers (agent VARCHAR, number INTEGER)")
        rows = [(agent, self._number_of(agent)) for agent in agents]
        insert(self._session, "agent_numbers", {"agent": "VARCHAR", "number": "INTEGER"}, rows)

    @property
    def agents(self) -> set[str]:
        """Everybody who has a baseline."""
        return self.heads.keys() | self.unpacked.keys()

    def baselines(self) -> dict[str, Baseline]:
        """Return all baselines by agent; those that are not unpacked without their values."""
        return {**self.heads, **self.unpacked}

    def put(self, baseline: Baseline) -> None:
        """Keep the next baseline of an agent that is unpacked, or new."""
        self.unpacked[baseline.agent] = baseline
        self.touched.add(baseline.agent)

    def learn(self, day: int, agents: Collection[str]) -> None:
        """Buffer what `sightings` and `totals` say of `agents` on `day`."""
        self.touched.update(agents)
        self._session.execute("CREATE OR REPLACE TEMP TABLE learners (agent INTEGER)")
        insert(self._session, "learners", {"agent": "INTEGER"}, ((self._number_of(agent),) for agent in agents))
        if self._buffered is not None and day - self._buffered >= KNOWN_DAYS:
            self.flush()
        self._buffered = day if self._buffered is None else self._buffered
        shift = 24 if (day - 1) % 7 >= 5 else 0  # noqa: PLR2004  # Saturday; ordinal 1 was a Monday
        self._session.execute(
            f"INSERT INTO seen_days SELECT agent, value, {day}, seen, hours::BIGINT << {shift}, first, first_id "
            f"FROM sightings SEMI JOIN learners USING (agent) WHERE day = {day}"
        )
        for measure, n, total in _SUMS:
            self._session.execute(
                f"INSERT INTO hourly SELECT agent, '{measure}', {day}, hour, {total} FROM totals "
                f"SEMI JOIN learners USING (agent) WHERE day = {day} AND {n} > 0"
            )

    def flush(self) -> None:
        """Fold the buffered days into the entries."""
        if self._buffered is None:
            return
        firsts = {"agent": "INTEGER", "first_day": "INTEGER"}
        self._session.execute("CREATE OR REPLACE TEMP TABLE firsts (agent INTEGER, first_day INTEGER)")
        insert(
            self._session,
            "firsts",
            firsts,
            ((self._number_of(one), head.first_day) for one, head in self.heads.items()),
        )
        self._dictionary()
        self._session.execute(f"CREATE OR REPLACE TEMP TABLE folded AS {self._merged('seen_days')}")
        self._session.execute(
            "INSERT INTO novelties SELECT m.agent, d.facet, m.fresh, count(*) FROM folded m JOIN dictionary d USING (value) "
            "JOIN firsts f ON f.agent = m.agent WHERE m.fresh > f.first_day GROUP BY ALL"
        )
        self._session.execute(
            "DELETE FROM entries USING folded f WHERE entries.agent = f.agent AND entries.value = f.value"
        )
        self._session.execute("INSERT INTO entries SELECT * EXCLUDE (fresh) FROM folded")
        self._session.execute("DELETE FROM seen_days")
        self._buffered = None

    def _dictionary(self) -> None:
        self._session.execute("DELETE FROM dictionary")
        rows = ((number, FACET_NUMBERS[facet]) for number, (facet, _) in self._roll_up.values.items())
        insert(self._session, "dictionary", {"value": "UBIGINT", "facet": "UTINYINT"}, rows)

    def unpack(self, agents: Iterable[str]) -> None:
        """Take agents out of the tables, each as the baseline that the fold would have."""
        chosen = [agent for agent in agents if agent in self.heads]
        if not chosen:
            return
        self._choose(chosen)
        found = self.full(chosen)
        for agent in chosen:
            self.unpacked[agent] = found[agent]
            del self.heads[agent]
        for table in ("entries", "seen_days", "novelties", "hourly"):
            self._session.execute(f"DELETE FROM {table} WHERE agent IN (SELECT agent FROM chosen_agents)")

    def pack(self) -> None:
        """Put all unpacked baselines into the tables, behind a flush."""
        entries, novelties, hourly = [], [], []
        for agent, one in self.unpacked.items():
            number = self._number_of(agent)
            self.heads[agent] = replace(one, entries={}, novelties={}, hourly={})
            entries += [
                _entry_row(number, self._roll_up.number_of(facet, value), entry)
                for facet, values in one.entries.items()
                for value, entry in values.items()
            ]
            novelties += [
                (number, FACET_NUMBERS[facet], day, seen)
                for facet, days in one.novelties.items()
                for day, seen in days.items()
            ]
            hourly += [
                (number, str(measure), day, hour, total)
                for measure, sums in one.hourly.items()
                for day, hours in sums.items()
                for hour, total in hours.items()
            ]
        self.unpacked = {}
        insert(self._session, "entries", ENTRY, entries)
        insert(self._session, "novelties", _NOVELTY, novelties)
        insert(self._session, "hourly", _HOURLY, hourly)

    def drop(self, agent: str) -> None:
        """Let go what is packed of an agent."""
        del self.heads[agent]
        for table in ("entries", "seen_days", "novelties", "hourly"):
            self._session.execute(f"DELETE FROM {table} WHERE agent = {self._number_of(agent)}")

    def full(self, agents: Iterable[str]) -> dict[str, Baseline]:
        """Return packed agents' whole baselines."""
        chosen = [agent for agent in agents if agent in self.heads]
        if not chosen:
            return {}
        self._choose(chosen)
        names = {self._number_of(agent): agent for agent in chosen}
        entries: dict[str, dict[Facet, dict[Value, Entry]]] = {agent: {} for agent in chosen}
        novelties: dict[str, dict[Facet, dict[int, int]]] = {agent: {} for agent in chosen}
        chosen_entries = "SELECT * FROM {table} SEMI JOIN chosen_agents USING (agent)"
        self._session.execute(f"CREATE OR REPLACE TEMP TABLE chosen_days AS {chosen_entries.format(table='seen_days')}")
        merged = self._merged("chosen_days", apart=True)
        for row in self._session.execute(merged).fetchall():
            agent, value, last, days, seen, first, hours, first_time, first_id, fresh = row
            name = names[agent]
            facet, parts = self._roll_up.values[value]
            exemplar = EventRef(instant(first_time), first_id)
            entries[name].setdefault(facet, {})[parts] = Entry(last, days, seen, first, hours, exemplar)
            if fresh is not None and fresh > self.heads[name].first_day:
                days_of = novelties[name].setdefault(facet, {})
                days_of[fresh] = days_of.get(fresh, 0) + 1
        self._add_novelties(names, novelties)
        hourly = self._hourly(names)
        return {
            agent: self._joined(self.heads[agent], entries[agent], novelties[agent], hourly[agent]) for agent in chosen
        }

    def _add_novelties(self, names: Mapping[int, str], novelties: dict[str, dict[Facet, dict[int, int]]]) -> None:
        rows = self._session.execute(
            "SELECT agent, facet, day, sum(seen)::BIGINT FROM novelties SEMI JOIN chosen_agents USING (agent) GROUP BY ALL"
        ).fetchall()
        facets = {number: facet for facet, number in FACET_NUMBERS.items()}
        for agent, facet, day, seen in rows:
            days = novelties[names[agent]].setdefault(facets[facet], {})
            days[day] = days.get(day, 0) + seen

    def _hourly(self, names: Mapping[int, str]) -> dict[str, dict[Measure, dict[int, dict[int, int]]]]:
        found: dict[str, dict[Measure, dict[int, dict[int, int]]]] = {agent: {} for agent in names.values()}
        rows = self._session.execute(
            "SELECT agent, measure, day, hour, sum(total) FROM hourly SEMI JOIN chosen_agents USING (agent) "
            "GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        for agent, measure, day, hour, total in rows:
            found[names[agent]].setdefault(Measure(measure), {}).setdefault(day, {})[hour] = total
        return found

    def _joined(
        self,
        head: Baseline,
        entries: dict[Facet, dict[Value, Entry]],
        novelties: dict[Facet, dict[int, int]],
        hourly: dict[Measure, dict[int, dict[int, int]]],
    ) -> Baseline:
        oldest = head.last_day - RATE_DAYS
        return replace(
            head,
            entries={facet: dict(sorted(values.items())) for facet, values in sorted(entries.items())},
            novelties={facet: _since(days, oldest) for facet, days in novelties.items()},
            hourly={measure: _since(days, oldest) for measure, days in hourly.items()},
        )

    def _choose(self, agents: Iterable[str]) -> None:
        self._session.execute("CREATE OR REPLACE TEMP TABLE chosen_agents (agent INTEGER)")
        insert(self._session, "chosen_agents", {"agent": "INTEGER"}, ((self._number_of(agent),) for agent in agents))

    def unestablished(self, day: int) -> set[int]:
        """Return the agents of `sightings` that showed a value which is not established on `day`."""
        profile = self._profile
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
        end = (self._buffered or 0) + KNOWN_DAYS
        return (
            "SELECT agent, value, max(day) AS last, min(day) AS first, sum(seen)::BIGINT AS seen, "
            "bit_or(hours) AS hours, min({'t': first_time, 'i': first_id}) AS exemplar, "
            f"bit_or(1::UBIGINT << ({end} - day)) >> ({end} - max(day)) AS days FROM {table} GROUP BY agent, value"
        )


def _since(days: Mapping[int, Any], oldest: int) -> dict[int, Any]:
    return {day: days[day] for day in sorted(days) if day > oldest}


def _entry_row(agent: int, value: int, entry: Entry) -> tuple[Any, ...]:
    exemplar = (micros(entry.exemplar.time), entry.exemplar.id)
    return (agent, value, entry.last, entry.days, entry.count, entry.first, entry.hours, *exemplar)
