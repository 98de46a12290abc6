"""Measures and sessions of one day, in SQL, from the same `acts` as the sightings."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from leeway.engines.duckdb.roll_up import HOUR_US
from leeway.engines.duckdb.session import insert
from leeway.events import ConnectionOpened, Event, Measure, ToolCalled, event_of_row
from leeway.summaries import Bound
from leeway.summaries.facet_table import MEASURES, MeasureRow

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_EXPONENT: Final = "floor(log2(amount::DOUBLE))::INTEGER"
_BIN: Final = (
    "CASE WHEN amount <= 0 THEN 0 ELSE 2 * e + "
    "(amount::HUGEINT * amount::HUGEINT >= 1::HUGEINT << (2 * e + 1))::INTEGER + 1 END"
)
"""`bin_of` in SQL, exact: floor(2 · log2(amount)) + 1, where e is the exponent of the amount's highest bit."""

_HIGHEST_BIT: Final = (
    f"CASE WHEN amount <= 0 THEN 0 WHEN amount >> {_EXPONENT} = 0 THEN {_EXPONENT} - 1 "
    f"WHEN amount >> {_EXPONENT} > 1 THEN {_EXPONENT} + 1 ELSE {_EXPONENT} END"
)
"""A logarithm in floating point may be off by one beside a power of two."""


class _Quantity(NamedTuple):
    """How one row of the table of measures is read from columns."""

    measure: Measure
    kind: type[Event]
    amount: str
    """Column of the amount."""
    parts: tuple[str, ...] = ()
    """Columns by which it is summed apart; none for the whole."""

    @property
    def row(self) -> MeasureRow:
        """The row that it stands for."""
        found = [row for row in MEASURES if row.measure is self.measure and row.event is self.kind]
        return found[-1] if self.parts else found[0]


QUANTITIES: Final = (
    _Quantity(Measure.BYTES_OUT, ConnectionOpened, "bytes_out"),
    _Quantity(Measure.BYTES_OUT, ConnectionOpened, "bytes_out", ("destination", "outbound")),
    _Quantity(Measure.BYTES_IN, ConnectionOpened, "bytes_in"),
    _Quantity(Measure.TOOL_DURATION_US, ToolCalled, "duration_us", ("tool",)),
)
"""Every row of the table of measures but the number of events, which is counted with the hours."""

_TYPES: Final[Mapping[str, str]] = {"outbound": "BOOLEAN"}


class Quantities:
    """Sums of a day, by agent."""

    def __init__(self, session: "DuckDBPyConnection", bound: Bound) -> None:
        """Keep to `bound` in what is listed of a session."""
        self._session = session
        self._bound = bound

    def run(self) -> None:
        """Fill `measured` and `steps` from the acts of a day and its `presence`.

        `measured(agent, measure, key, hour, bin, n, total, heaviest)`: `heaviest` is (-amount, time, id) of the largest
        amount, of several the first. `steps(agent, run, steps)`: the first steps of a run, one more than the cap.
        """
        sql = self._session.execute
        sql("CREATE OR REPLACE TEMP TABLE measured (agent INTEGER, measure VARCHAR, key VARCHAR, hour INTEGER, "
            "bin INTEGER, n BIGINT, total HUGEINT, heaviest STRUCT(m BIGINT, t BIGINT, i VARCHAR))")  # fmt: skip
        sql(
            f"INSERT INTO measured SELECT a.agent, '{Measure.EVENTS}', '', hour // {HOUR_US} % 24, 1, "
            "sum(seen), sum(seen), {'m': -1, 't': min(exemplar).t, 'i': min(exemplar).i} "
            "FROM presence p JOIN credit_agents a USING (credit) GROUP BY a.agent, hour"
        )
        for quantity in QUANTITIES:
            self._add(quantity)
        self._list_steps()

    def _add(self, quantity: _Quantity) -> None:
        columns = ", ".join(f'"{name}"' for name in quantity.parts)
        tag = quantity.kind.__struct_config__.tag
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE amounts AS SELECT credit, "
            f"{columns + ', ' if columns else ''}hour, {_BIN} AS bin, count(*) AS n, sum(amount) AS total, "
            "min({'m': -amount, 't': time, 'i': id}) AS heaviest FROM (SELECT *, "
            f"{_HIGHEST_BIT} AS e FROM (SELECT credit, {columns + ', ' if columns else ''}time, id, "
            f"(time // {HOUR_US} % 24)::INTEGER AS hour, {quantity.amount} AS amount FROM acts "
            f"WHERE kind = '{tag}' AND credit IS NOT NULL AND {quantity.amount} IS NOT NULL)) GROUP BY ALL"
        )
        key = self._key(quantity)
        self._session.execute(
            f"INSERT INTO measured SELECT a.agent, '{quantity.measure}', {key}, hour, bin, sum(n), sum(total), "
            "min(heaviest) FROM amounts m JOIN credit_agents a USING (credit) "
            f"{'JOIN part_keys k ON ' + self._alike(quantity) if quantity.parts else ''} GROUP BY ALL"
        )

    def _key(self, quantity: _Quantity) -> str:
        """Return the SQL of the key of a part, its texts made ready in `part_keys`."""
        if not quantity.parts:
            return "''"
        names = ", ".join(f'"{name}"' for name in quantity.parts)
        rows = self._session.execute(f"SELECT DISTINCT {names} FROM amounts").fetchall()
        columns = {**{name: _TYPES.get(name, "VARCHAR") for name in quantity.parts}, "key": "VARCHAR"}
        declared = ", ".join(f'"{name}" {sort}' for name, sort in columns.items())
        self._session.execute(f"CREATE OR REPLACE TEMP TABLE part_keys ({declared})")
        insert(self._session, "part_keys", columns, ((*row, _key_of(quantity, row)) for row in rows))
        return "k.key"

    def _alike(self, quantity: _Quantity) -> str:
        return " AND ".join(f'm."{name}" IS NOT DISTINCT FROM k."{name}"' for name in quantity.parts)

    def _list_steps(self) -> None:
        cap = self._bound.caps.session_steps + 1
        step = "{'t': time, 'i': id, 'a': tool}"
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE steps AS SELECT a.agent, agent_instance_uid AS run, "
            f"list_slice(list_sort(list(DISTINCT {step})), 1, {cap}) AS steps FROM acts c "
            "JOIN credit_agents a ON a.credit = c.credit AND a.place = 0 "
            "WHERE kind = 'tool_called' AND agent_instance_uid <> '' GROUP BY ALL"
        )


def _key_of(quantity: _Quantity, row: tuple[Any, ...]) -> str:
    blank: dict[str, Any] = {"kind": quantity.kind.__struct_config__.tag, "host": "-", "time": 0, "id": "-", "port": 0}
    reader: Callable[[Any], str] = quantity.row.key
    return reader(event_of_row({**blank, **dict(zip(quantity.parts, row, strict=True))}))
