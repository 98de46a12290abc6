"""Acts to sightings, measures and sessions, in SQL over integers.

Rows are first grouped by whom they count for and by what was said, whole columns at a time; only the groups, which are
few, meet the facet table (through `readings`), are spread over the agents they count for, and are grouped again.

It reads a relation `acts` of one day, one row an event without duplicates, with the columns of `leeway.events.COLUMNS`
that it needs, instants as microseconds (`time`), the names of a call's arguments (`argument_names`), and

- `credit`: number of the set of agents that the actor counts for, NULL for nobody; a set's agents, nearest first, are
  the rows of `credit_agents(credit, place, agent)`;
- `parent_credit`: the same for who started the process;
- `actor`: number of whoever acted, in `actors(actor, actor_name, actor_image, actor_line)`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from leeway.engines.duckdb.leaving import LeaveToFoldError
from leeway.engines.duckdb.readings import READINGS, Reading, credit_of, is_rare, meanings
from leeway.engines.duckdb.session import insert
from leeway.events import Event, Facet, FileTouched, ToolCalled, Value
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

_TALLY: Final = (
    "count(*)::BIGINT AS seen, min({{'t': time, 'i': id}}) AS exemplar, max(time) AS last, bit_or({hour}) AS hours"
)
_HOUR_BIT: Final = f"(1 << ((time // {HOUR_US}) % 24))::INTEGER"
_SUM: Final = "sum(seen)::BIGINT AS seen, min(exemplar) AS exemplar, max(last) AS last, bit_or(hours) AS hours"

_PRESENCE: Final = (
    f'SELECT credit, "user", time // {HOUR_US} * {HOUR_US} AS hour, {_TALLY.format(hour=_HOUR_BIT)} '
    "FROM acts WHERE credit IS NOT NULL GROUP BY ALL"
)

_SAID: Final[Mapping[str, tuple[str, ...]]] = {
    "process_started": ("process_image", "process_command_line"),
    "connection_opened": ("destination", "outbound", "port", "address", "range"),
    "name_resolved": ("name",),
    "module_loaded": ("path", "digest", "sha1", "process_image"),
    "file_touched": ("path",),
    "tool_called": ("tool",),
}
"""Kind to the columns by which its acts are grouped."""

_SPOKEN: Final[Mapping[str, str]] = {"address": "coalesce(nullif(address, ''), destination)"}
"""Columns that the facet table reads together, brought into one."""


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

    def run(self, presence: str = _PRESENCE) -> None:
        """Fill `sightings(agent, facet, value, seen, first, last, hours, first_id)` from the acts of a day.

        Values beyond the cap are left out, those with the largest fingerprints; `capped(agent, facet)` says where.
        """
        sql = self._session.execute
        sql("CREATE OR REPLACE TEMP TABLE grains (credit INTEGER, facet UTINYINT, value UBIGINT, nearest BOOLEAN, "
            "seen BIGINT, exemplar STRUCT(t BIGINT, i VARCHAR), last BIGINT, hours INTEGER)")  # fmt: skip
        self._everyone(presence)
        self._said()
        self._rare()
        self._arguments()
        self._spread()

    def _everyone(self, presence: str) -> None:
        """Take what every act shows: the user and the hour."""
        self._session.execute(f"CREATE OR REPLACE TEMP TABLE presence AS {presence}")
        for reading in READINGS:
            if reading.kind is Event:
                self._take("presence", reading)

    def _said(self) -> None:
        """Take what acts of each kind show by themselves."""
        tally = _TALLY.format(hour=_HOUR_BIT)
        for kind, columns in _SAID.items():
            credit = "parent_credit" if kind == "process_started" else "credit"
            named = ", ".join(f'{_SPOKEN.get(name, _quoted(name))} AS "{name}"' for name in columns)
            self._session.execute(
                f"CREATE OR REPLACE TEMP TABLE said AS SELECT {credit} AS credit, {named}, {tally} FROM acts "
                f"WHERE kind = '{kind}' AND {credit} IS NOT NULL GROUP BY ALL"
            )
            for reading in READINGS:
                if reading.kind is not Event and reading.tag == kind and _is_plain(reading):
                    self._take("said", reading)
            self._mark_rare(kind)

    def _mark_rare(self, kind: str) -> None:
        """Remember which destinations, names and paths may show a facet that takes a second look."""
        rare = next((one for one in READINGS if one.tag == kind and one.kind is not Event and not _is_plain(one)), None)
        if rare is None or rare.kind is ToolCalled:
            return
        first = rare.columns[0]
        self._session.execute(f"CREATE OR REPLACE TEMP TABLE rare_{kind} (first VARCHAR)")
        rows = self._session.execute(f'SELECT DISTINCT "{first}" FROM said').fetchall()
        found = [row for row in rows if is_rare(rare, row)]
        insert(self._session, f"rare_{kind}", {"first": "VARCHAR"}, found)

    def _rare(self) -> None:
        tally = _TALLY.format(hour=_HOUR_BIT)
        for reading in READINGS:
            if reading.kind in {Event, ToolCalled} or _is_plain(reading):
                continue
            table = f"rare_{reading.tag}"
            if not self._session.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:  # type: ignore[index]
                continue
            columns = ", ".join(f'"{name}"' for name in _columns_of(reading))
            acted = "acts JOIN actors USING (actor)" if reading.needs_actor else "acts"
            self._session.execute(
                f"CREATE OR REPLACE TEMP TABLE said AS SELECT credit, {columns}, {tally} FROM {acted} "
                f"WHERE kind = '{reading.tag}' AND credit IS NOT NULL "
                f'AND "{reading.columns[0]}" IN (SELECT first FROM {table}) GROUP BY ALL'
            )
            self._take("said", reading)

    def _arguments(self) -> None:
        tally = _TALLY.format(hour=_HOUR_BIT)
        self._session.execute(
            f"CREATE OR REPLACE TEMP TABLE said AS SELECT credit, tool, argument, {tally} FROM (SELECT credit, tool, "
            "time, id, unnest(argument_names) AS argument FROM acts WHERE kind = 'tool_called' AND credit IS NOT NULL)"
            " GROUP BY ALL"
        )
        for reading in READINGS:
            if Facet.TOOL_ARGUMENT in reading.facets:
                self._take("said", reading)

    def _take(self, table: str, reading: Reading) -> None:
        """Read what is new in the columns of a reading, and add all its values to the grains."""
        self._learn(table, reading)
        nearest = str(credit_of(reading) is Credit.NEAREST)
        alike = " AND ".join(f't."{name}" IS NOT DISTINCT FROM r."{name}"' for name in _columns_of(reading))
        self._session.execute(
            f"INSERT INTO grains SELECT t.credit, v.facet, v.value, {nearest}, {_SUM} FROM {table} t "
            f"JOIN read_{reading.name} r ON {alike} JOIN told_{reading.name} v ON v.reading = r.reading GROUP BY ALL"
        )

    def _learn(self, table: str, reading: Reading) -> None:
        columns = _columns_of(reading)
        names = ", ".join(f'"{name}"' for name in columns)
        alike = " AND ".join(f't."{name}" IS NOT DISTINCT FROM r."{name}"' for name in columns)
        fresh = self._session.execute(
            f"SELECT DISTINCT {names} FROM {table} t ANTI JOIN read_{reading.name} r ON {alike}"
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
            "CREATE OR REPLACE TEMP TABLE everything AS SELECT a.agent, g.facet, g.value, "
            f"{_SUM} FROM grains g JOIN credit_agents a ON a.credit = g.credit AND (a.place = 0 OR NOT g.nearest) "
            "GROUP BY ALL"
        )
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE capped AS SELECT agent, facet FROM everything "
            f"GROUP BY ALL HAVING count(*) > {cap}"
        )
        kept = "agent, facet, value, seen, exemplar.t AS first, last, hours, exemplar.i AS first_id FROM everything"
        self._session.execute(
            f"CREATE OR REPLACE TEMP TABLE sightings AS SELECT {kept} e ANTI JOIN capped c USING (agent, facet) "
            f"UNION ALL SELECT {kept} e SEMI JOIN capped c USING (agent, facet) "
            f"QUALIFY row_number() OVER (PARTITION BY agent, facet ORDER BY value) <= {cap}"
        )


class FingerprintCollisionError(LeaveToFoldError):
    """Two values have one 64-bit fingerprint: the day is left to the fold, which compares the values themselves."""


def _columns_of(reading: Reading) -> dict[str, str]:
    return {name: _TYPES.get(name, "VARCHAR") for name in reading.keys}


def _is_plain(reading: Reading) -> bool:
    """Whether a reading is of what acts say by themselves, and of most of them."""
    rare = reading.kind is FileTouched and "action" in reading.columns
    return not reading.needs_actor and not rare and "argument" not in reading.columns


def _quoted(name: str) -> str:
    return f'"{name}"'
