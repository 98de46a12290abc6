"""What a batch learnt, as the files of `packed_files`, written by DuckDB."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from leeway.baselines import encode_baseline
from leeway.baselines.baseline import RATE_DAYS
from leeway.baselines.promotion import HOURLY_MOST
from leeway.engines.duckdb.lineage import INSTANCE
from leeway.engines.duckdb.packed_files import ENTRY, HEAD, HOURLY, INSTANCES, NOVELTY, PACKED, part_of
from leeway.engines.duckdb.roll_up import FACET_NUMBERS
from leeway.engines.duckdb.session import insert, quoted
from leeway.engines.duckdb.window import Tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_JSON: Final = msgspec.json.Encoder()
_COPY: Final = "(FORMAT parquet, COMPRESSION zstd)"


def save(tables: Tables, folder: Path) -> dict[str, Path]:
    """Write all baselines of the parts in which one changed, and all instances; return part to file."""
    session = tables.session
    changed = {part_of(agent) for agent in tables.memory.touched}
    tables.memory.pack()
    _gather(tables, {agent for agent in tables.memory.heads if part_of(agent) in changed})
    saved: dict[str, Path] = {}
    for part in sorted(changed):
        file = folder / f"{part.replace(':', '-')}.new"
        session.execute(
            f"COPY (SELECT * EXCLUDE (bucket) FROM gathered_rows WHERE bucket = {quoted(part)} "
            f"ORDER BY agent, part, facet, value, measure, day, hour) TO {quoted(str(file))} {_COPY}"
        )
        saved[part] = file
    saved[INSTANCES] = folder / "instances.new"
    columns = ", ".join(f'"{name}"' for name in INSTANCE)
    session.execute(
        f"COPY (SELECT {columns} FROM instances ORDER BY host, local) TO {quoted(str(saved[INSTANCES]))} {_COPY}"
    )
    return saved


def _gather(tables: Tables, agents: set[str]) -> None:
    """Make `gathered_rows`: the rows of some agents as files hold them, with the part that they belong to."""
    session, memory = tables.session, tables.memory
    columns = {"agent": "VARCHAR", "number": "INTEGER", "bucket": "VARCHAR", "oldest": "INTEGER", "body": "BLOB"}
    _create(session, "saved_agents", columns)
    rows = (
        (agent, tables.crediting.number_of(agent), part_of(agent), head.last_day - RATE_DAYS, encode_baseline(head))
        for agent in sorted(agents)
        for head in (memory.heads[agent],)
    )
    insert(session, "saved_agents", columns, rows)
    _spell(tables)
    _create(session, "gathered_rows", {**PACKED, "bucket": "VARCHAR"})
    by_name = "INSERT INTO gathered_rows BY NAME SELECT a.agent, a.bucket,"
    session.execute(f"{by_name} {HEAD} AS part, a.body FROM saved_agents a")
    session.execute(
        f"{by_name} {ENTRY} AS part, s.facet, s.value, e.last, e.days, e.seen, e.first, e.hours, e.first_time, "
        "e.first_id FROM entries e JOIN saved_agents a ON a.number = e.agent JOIN spelt_values s ON s.number = e.value"
    )
    session.execute(
        f"{by_name} {NOVELTY} AS part, f.facet, n.day, sum(n.seen)::BIGINT AS seen FROM novelties n "
        "JOIN saved_agents a ON a.number = n.agent JOIN spelt_facets f ON f.number = n.facet "
        "WHERE n.day > a.oldest GROUP BY ALL"
    )
    session.execute(
        f"{by_name} {HOURLY} AS part, h.measure, h.day, h.hour, "
        f"least(sum(h.total), {HOURLY_MOST})::DECIMAL(38,0) AS total FROM hourly h "
        "JOIN saved_agents a ON a.number = h.agent WHERE h.day > a.oldest GROUP BY ALL"
    )


def _spell(tables: Tables) -> None:
    """Make `spelt_values` and `spelt_facets`: what the numbers in entries and novelties stand for."""
    session, values = tables.session, tables.roll_up.values
    _create(session, "spelt_facets", {"number": "UTINYINT", "facet": "VARCHAR"})
    facets = ((number, str(facet)) for facet, number in FACET_NUMBERS.items())
    insert(session, "spelt_facets", {"number": "UTINYINT", "facet": "VARCHAR"}, facets)
    found = session.execute(
        "SELECT DISTINCT e.value FROM entries e JOIN saved_agents a ON a.number = e.agent"
    ).fetchall()
    columns = {"number": "UBIGINT", "facet": "VARCHAR", "value": "VARCHAR"}
    _create(session, "spelt_values", columns)
    rows = ((number, str(values[number][0]), _JSON.encode(values[number][1]).decode()) for (number,) in found)
    insert(session, "spelt_values", columns, rows)


def _create(session: "DuckDBPyConnection", table: str, columns: dict[str, str]) -> None:
    declared = ", ".join(f'"{name}" {sort}' for name, sort in columns.items())
    session.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({declared})")
