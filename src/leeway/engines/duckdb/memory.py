"""What agents normally do: baselines of many agents at once, their values in tables.

Only the agents that somebody remarked on are taken out (`unpacked`) and go on as single baselines.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from leeway.baselines import Baseline, decode_baseline
from leeway.baselines.baseline import RATE_DAYS, Entry
from leeway.baselines.promotion import HOURLY_MOST
from leeway.config import LearningProfile
from leeway.engines.duckdb.entries import Entries
from leeway.engines.duckdb.roll_up import FACET_NUMBERS, RollUp
from leeway.engines.duckdb.session import insert, quoted
from leeway.events import EventRef, Facet, Measure, Value, instant, micros

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection

_Hourly = Mapping[Measure, Mapping[int, Mapping[int, int]]]

_VALUES: Final = msgspec.json.Decoder(tuple[str, ...])
_FACETS: Final = {number: facet for facet, number in FACET_NUMBERS.items()}


class AgentTable:
    """Baselines by agent id. `heads` have everything but values, novelties and hours, which are in tables."""

    def __init__(self, session: "DuckDBPyConnection", roll_up: RollUp, number_of: "Callable[[str], int]") -> None:
        """Begin with nobody."""
        self._session = session
        self._roll_up = roll_up
        self._number_of = number_of
        self._entries = Entries(session, roll_up)
        self.heads: dict[str, Baseline] = {}
        self.unpacked: dict[str, Baseline] = {}
        """Their hourly sums are in the tables as well, for they are many, and a day adds few."""
        self._sums: dict[str, _Hourly] = {}
        """The hourly sums of unpacked agents as the tables have them."""
        self.touched: set[str] = set()
        """Agents that changed since they were read."""

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
        self._add_hourly(self.unpacked)

    def _number_agents(self, agents: Iterable[str]) -> None:
        self._session.execute("CREATE OR REPLACE TEMP TABLE agent_numbers (agent VARCHAR, number INTEGER)")
        rows = [(agent, self._number_of(agent)) for agent in agents]
        insert(self._session, "agent_numbers", {"agent": "VARCHAR", "number": "INTEGER"}, rows)

    def baselines(self) -> dict[str, Baseline]:
        """Return all baselines by agent; those that are not unpacked without their values."""
        return {**self.heads, **self.unpacked}

    def put(self, baselines: Mapping[str, Baseline]) -> None:
        """Keep the next baselines of agents that are unpacked, or new."""
        self.unpacked.update(baselines)
        self.touched.update(baselines)
        self._add_hourly(baselines)

    def _add_hourly(self, agents: Iterable[str]) -> None:
        """Bring the hourly sums of some unpacked agents in the tables up to date."""
        rows: list[tuple[Any, ...]] = []
        instead: list[tuple[int, str, int]] = []
        for agent in agents:
            number, told = self._number_of(agent), self._sums.get(agent, {})
            sums = self._sums[agent] = self.unpacked[agent].hourly
            for measure, days in sums.items():
                known = told.get(measure, {})
                for day, hours in days.items():
                    if known.get(day) != hours:
                        rows += [(number, str(measure), day, hour, total) for hour, total in hours.items()]
                        instead += [(number, str(measure), day)] if day in known else []
        self._entries.add_hourly(rows, instead)

    def learn(self, day: int, agents: Collection[str]) -> None:
        """Take what `sightings` and `totals` say of packed agents on `day`."""
        if self._entries.is_due(day):
            self.flush()
        self.touched.update(agents)
        self._entries.learn(day, [self._number_of(agent) for agent in agents])

    def flush(self) -> None:
        """Fold the days that were learnt into the entries."""
        self._entries.fold({self._number_of(agent): head.first_day for agent, head in self.heads.items()})

    def unestablished(self, day: int, profile: LearningProfile) -> set[int]:
        """Return the packed agents (numbers) that showed a value which is not established on `day`."""
        return self._entries.unestablished(day, profile)

    def crowded(self, day: int, cap: int) -> set[int]:
        """Return the packed agents (numbers) that may hold more than `cap` values after `day`."""
        return self._entries.crowded(day, cap)

    def unpack(self, agents: Iterable[str]) -> None:
        """Take agents out of the tables, each as the baseline that the fold would have."""
        found = self.full(agents)
        self.unpacked.update(found)
        for agent, one in found.items():
            self._sums[agent] = one.hourly
            del self.heads[agent]
        if found:
            self._entries.remove([self._number_of(agent) for agent in found], is_hourly_kept=True)

    def pack(self) -> None:
        """Put all unpacked baselines into the tables, behind a flush."""
        entries, novelties = [], []
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
        self.unpacked = {}
        self._sums = {}
        self._entries.add(entries, novelties)

    def drop(self, agent: str) -> None:
        """Let go what is packed of an agent."""
        del self.heads[agent]
        self._entries.remove([self._number_of(agent)])

    def full(self, agents: Iterable[str]) -> dict[str, Baseline]:
        """Return packed agents' whole baselines."""
        chosen = {self._number_of(agent): agent for agent in agents if agent in self.heads}
        if not chosen:
            return {}
        entries: dict[str, dict[Facet, dict[Value, Entry]]] = {agent: {} for agent in chosen.values()}
        novelties: dict[str, dict[Facet, dict[int, int]]] = {agent: {} for agent in chosen.values()}
        for agent, value, last, days, seen, first, hours, first_time, first_id, fresh in self._entries.rows(chosen):
            name = chosen[agent]
            facet, parts = self._roll_up.values[value]
            exemplar = EventRef(instant(first_time), first_id)
            entries[name].setdefault(facet, {})[parts] = Entry(last, days, seen, first, hours, exemplar)
            if fresh is not None and fresh > self.heads[name].first_day:
                _add(novelties[name], facet, fresh, 1)
        for agent, number, day, seen in self._entries.novelties(chosen):
            _add(novelties[chosen[agent]], _FACETS[number], day, seen)
        hourly: dict[str, dict[Measure, dict[int, dict[int, int]]]] = {agent: {} for agent in chosen.values()}
        for agent, measure, day, hour, total in self._entries.hourly(chosen):
            hourly[chosen[agent]].setdefault(Measure(measure), {}).setdefault(day, {})[hour] = min(total, HOURLY_MOST)
        return {
            agent: _joined(self.heads[agent], entries[agent], novelties[agent], hourly[agent])
            for agent in chosen.values()
        }


def _add(novelties: dict[Facet, dict[int, int]], facet: Facet, day: int, seen: int) -> None:
    days = novelties.setdefault(facet, {})
    days[day] = days.get(day, 0) + seen


def _joined(
    head: Baseline,
    entries: dict[Facet, dict[Value, Entry]],
    novelties: dict[Facet, dict[int, int]],
    hourly: dict[Measure, dict[int, dict[int, int]]],
) -> Baseline:
    oldest = head.last_day - RATE_DAYS
    return replace(
        head,
        entries={facet: dict(sorted(values.items())) for facet, values in sorted(entries.items())},
        novelties={facet: kept for facet, days in novelties.items() if (kept := _since(days, oldest))},
        hourly={measure: kept for measure, days in hourly.items() if (kept := _since(days, oldest))},
    )


def _since(days: Mapping[int, Any], oldest: int) -> dict[int, Any]:
    return {day: days[day] for day in sorted(days) if day > oldest}


def _entry_row(agent: int, value: int, entry: Entry) -> tuple[Any, ...]:
    exemplar = (micros(entry.exemplar.time), entry.exemplar.id)
    return (agent, value, entry.last, entry.days, entry.count, entry.first, entry.hours, *exemplar)
