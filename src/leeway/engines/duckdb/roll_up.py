"""Acts to sightings, measures and sessions, in SQL over integers.

Rows are first grouped by whom they count for and by what was said, whole columns at a time; only the groups, which are
few, meet the facet table (through `readings`), are spread over the agents they count for, and are grouped again.

It reads a relation `acts`, one row an event without duplicates, with the columns of `leeway.events.COLUMNS` that it
needs, instants as microseconds (`time`), the names of a call's arguments (`argument_names`), and

- `day`: the day, an ordinal;
- `credit`: number of the set of agents that the actor counts for, NULL for nobody; a set's agents, nearest first, are
  the rows of `credit_agents(credit, place, agent)`;
- `parent_credit`: the same for who started the process;
- `actor`: number of whoever acted, in `actors(actor, actor_name, actor_image, actor_line)`.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from leeway.engines.duckdb.leaving import LeaveToFoldError
from leeway.engines.duckdb.readings import READINGS, Reading, credit_of, is_plain, is_rare, meanings
from leeway.engines.duckdb.session import drop, insert
from leeway.events import Event, Facet, ProcessStarted, Value
from leeway.summaries import Bound, Credit

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HOUR_US: Final = 3_600_000_000

FACET_NUMBERS: Final[Mapping[Facet, int]] = {facet: number for number, facet in enumerate(Facet)}
"""Facet to the number that stands for it in tables."""

_TYPES: Final[Mapping[str, str]] = {
    "port": "INTEGER",
    "outbound": "BOOLEAN",
    "hour": "BIGINT",
}
"""Types of the columns of readings that are no text."""

HOUR_BIT: Final = f"(1 << ((time // {HOUR_US}) % 24))::INTEGER"
TALLY: Final = (
    f"count(*)::BIGINT AS seen, min({{'t': time, 'i': id}}) AS exemplar, max(time) AS last, bit_or({HOUR_BIT}) AS hours"
)
_SUM: Final = "sum(seen)::BIGINT AS seen, min(exemplar) AS exemplar, max(last) AS last, bit_or(hours) AS hours"

PRESENCE: Final = (
    f'SELECT day, credit, "user", time // {HOUR_US} * {HOUR_US} AS hour, {TALLY} '
    "FROM acts WHERE credit IS NOT NULL GROUP BY ALL"
)
"""Who was there, by user and hour."""

STARTED: Final = (
    "SELECT day, kind, parent_credit AS credit, process_image, process_command_line, "
    f"{TALLY} FROM acts WHERE kind = 'process_started' AND parent_credit IS NOT NULL GROUP BY ALL"
)
"""What was started, for who started it."""

_SAID: Final = (
    "SELECT day, kind, credit, destination, outbound, port, coalesce(nullif(address, ''), destination) AS address, "
    '"range", "name", path, digest, sha1, tool, '
    "CASE WHEN kind = 'module_loaded' THEN process_image END AS process_image, "
    f"{TALLY} FROM acts WHERE credit IS NOT NULL AND kind IN "
    "('connection_opened', 'name_resolved', 'module_loaded', 'file_touched', 'tool_called') GROUP BY ALL"
)
"""What acts say by themselves, of all kinds at once."""

_RARE: Final = (
    'SELECT a.day, a.kind, a.credit, a.destination, a.outbound, a."name", a.path, a.action, a."user", '
    f"w.actor_name, w.actor_image, w.actor_line, {TALLY} FROM acts a SEMI JOIN rare_words r ON r.kind = a.kind "
    'AND r.word = coalesce(a.destination, a."name", a.path) LEFT JOIN actors w USING (actor) '
    "WHERE a.credit IS NOT NULL GROUP BY ALL"
)
"""What acts of upkeep places and model files say together with who acted."""

_ARGUMENTS: Final = (
    f"SELECT day, kind, credit, tool, argument, {TALLY} FROM (SELECT day, kind, credit, tool, time, id, "
    "unnest(argument_names) AS argument FROM acts WHERE kind = 'tool_called' AND credit IS NOT NULL) GROUP BY ALL"
)


class RollUp:
    """What the agents of one day showed. Values that were met before are kept: they mean the same on other days."""

    def __init__(self, session: "DuckDBPyConnection", bound: Bound) -> None:
        """Make the tables of what is known of columns and values."""
        self._session = session
        self._bound = bound
        self.values: dict[int, tuple[Facet, Value]] = {}
        """Keyed fingerprint of a value to the value."""
        for reading in READINGS:
            columns = ", ".join(f'"{name}" {sort}' for name, sort in _columns_of(reading).items())
            session.execute(f"CREATE TABLE read_{reading.name} ({columns}, reading INTEGER)")
            session.execute(f"CREATE TABLE told_{reading.name} (reading INTEGER, facet UTINYINT, value UBIGINT)")
        self._readings = 0
        self._rare: dict[tuple[str, str], bool] = {}

    def run(self, presence: str = PRESENCE, started: str = STARTED) -> None:
        """Fill `sightings(day, agent, facet, value, seen, first, last, hours, first_id)` from `acts`.

        Values beyond the cap are left out, those with the largest fingerprints; `capped(day, agent, facet)` says where.
        """
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE grains (day INTEGER, credit INTEGER, facet UTINYINT, value UBIGINT, "
            "nearest BOOLEAN, seen BIGINT, exemplar STRUCT(t BIGINT, i VARCHAR), last BIGINT, hours INTEGER)"
        )
        self._table("presence", presence)
        self._take_all("presence", lambda one: one.kind is Event)
        self._table("started", started)
        self._take_all("started", lambda one: one.kind is ProcessStarted)
        self._table("said", _SAID)
        self._take_all("said", lambda one: one.kind not in {Event, ProcessStarted} and is_plain(one))
        self._look_again()
        if self._has("tool_called"):
            self._table("arguments", _ARGUMENTS)
            self._take_all("arguments", lambda one: "argument" in one.columns)
        drop(self._session, "started", "said", "rare", "rare_words", "arguments")
        self._spread()
        drop(self._session, "grains", "everything")

    def _table(self, name: str, query: str) -> None:
        self._session.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")

    def _has(self, kind: str) -> bool:
        return self._session.execute(f"SELECT 1 FROM said WHERE kind = '{kind}' LIMIT 1").fetchone() is not None

    def _take_all(self, table: str, wanted: Callable[[Reading], bool]) -> None:
        for reading in READINGS:
            if wanted(reading):
                self._take(table, reading)

    def _look_again(self) -> None:
        """Take what depends on who acted, where a destination, a name or a path says that it may matter."""
        words = self._session.execute(
            'SELECT DISTINCT kind, coalesce(destination, "name", path) FROM said '
            "WHERE kind IN ('connection_opened', 'name_resolved', 'file_touched')"
        ).fetchall()
        self._session.execute("CREATE OR REPLACE TEMP TABLE rare_words (kind VARCHAR, word VARCHAR)")
        found = [row for row in words if self._is_rare(*row)]
        if found:
            insert(self._session, "rare_words", {"kind": "VARCHAR", "word": "VARCHAR"}, found)
            self._table("rare", _RARE)
            self._take_all(
                "rare", lambda one: one.kind is not Event and "argument" not in one.columns and not is_plain(one)
            )

    def _is_rare(self, kind: str, word: str) -> bool:
        found = self._rare.get((kind, word))
        if found is None:
            found = self._rare[kind, word] = is_rare(kind, word)
        return found

    def _take(self, table: str, reading: Reading) -> None:
        """Read what is new in the columns of a reading, and add all its values to the grains."""
        self._learn(table, reading)
        nearest = str(credit_of(reading) is Credit.NEAREST)
        alike = " AND ".join(f't."{name}" IS NOT DISTINCT FROM r."{name}"' for name in _columns_of(reading))
        self._session.execute(
            f"INSERT INTO grains SELECT t.day, t.credit, v.facet, v.value, {nearest}, {_SUM} FROM {table} t "
            f"JOIN read_{reading.name} r ON {alike} JOIN told_{reading.name} v ON v.reading = r.reading "
            f"WHERE {_of_kind(reading)} GROUP BY ALL"
        )

    def _learn(self, table: str, reading: Reading) -> None:
        columns = _columns_of(reading)
        names = ", ".join(f'"{name}"' for name in columns)
        alike = " AND ".join(f't."{name}" IS NOT DISTINCT FROM r."{name}"' for name in columns)
        fresh = self._session.execute(
            f"SELECT DISTINCT {names} FROM {table} t ANTI JOIN read_{reading.name} r ON {alike} "
            f"WHERE {_of_kind(reading)}"
        ).fetchall()
        told: list[tuple[int, int, int]] = []
        for number, row in enumerate(fresh, self._readings):
            shown = meanings(reading, row)
            told += [(number, FACET_NUMBERS[one.facet], self.number_of(one.facet, one.value)) for one in shown]
        numbered = ((*row, number) for number, row in enumerate(fresh, self._readings))
        insert(self._session, f"read_{reading.name}", {**columns, "reading": "INTEGER"}, numbered)
        sorts = {"reading": "INTEGER", "facet": "UTINYINT", "value": "UBIGINT"}
        insert(self._session, f"told_{reading.name}", sorts, told)
        self._readings += len(fresh)

    def number_of(self, facet: Facet, value: Value) -> int:
        """Return the keyed fingerprint of a value, by which tables know it.

        Raises:
            FingerprintCollisionError: where another value has the same.
        """
        number = self._bound.rank(facet, value)
        known = self.values.setdefault(number, (facet, value))
        if known != (facet, value):
            raise FingerprintCollisionError(known, (facet, value))
        return number

    def _spread(self) -> None:
        """Give every agent of a set its sightings; of a facet beyond the cap, those of the smallest fingerprints."""
        cap = self._bound.caps.values_per_facet
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE everything AS SELECT g.day, a.agent, g.facet, g.value, "
            f"{_SUM} FROM grains g JOIN credit_agents a ON a.credit = g.credit AND (a.place = 0 OR NOT g.nearest) "
            "GROUP BY ALL"
        )
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE capped AS SELECT day, agent, facet FROM everything "
            f"GROUP BY ALL HAVING count(*) > {cap}"
        )
        kept = (
            "day, agent, facet, value, seen, exemplar.t AS first, last, hours, exemplar.i AS first_id FROM everything"
        )
        self._session.execute(
            f"CREATE OR REPLACE TEMP TABLE sightings AS SELECT {kept} e ANTI JOIN capped c USING (day, agent, facet) "
            f"UNION ALL SELECT {kept} e SEMI JOIN capped c USING (day, agent, facet) "
            f"QUALIFY row_number() OVER (PARTITION BY day, agent, facet ORDER BY value) <= {cap}"
        )


class FingerprintCollisionError(LeaveToFoldError):
    """Two values have one 64-bit fingerprint: the day is left to the fold, which compares the values themselves."""


def _columns_of(reading: Reading) -> dict[str, str]:
    return {name: _TYPES.get(name, "VARCHAR") for name in reading.keys}


def _of_kind(reading: Reading) -> str:
    return "true" if reading.kind is Event else f"t.kind = '{reading.tag}'"
