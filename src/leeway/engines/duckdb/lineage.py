"""Process instances of a day, from rows that name them by the sensor's own id.

What `leeway.agents.instances` learns event by event is here learnt from distinct statements: who (host and the sensor's
id), and what was said of it, with the least (time, id) at which it was said. Of each fact the first statement is
believed, what earlier days said before all of today's, what a child's start says of its parent after them.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leeway.agents import Instance, InstanceKey
from leeway.agents.instances import same_path
from leeway.engines.duckdb.roll_up import HOUR_US
from leeway.engines.duckdb.session import insert, quoted
from leeway.events import instant, micros

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

INSTANCE: Final[dict[str, str]] = {
    "host": "VARCHAR",
    "local": "VARCHAR",
    "image": "VARCHAR",
    "pid": "BIGINT",
    "command_line": "VARCHAR",
    "user": "VARCHAR",
    "started": "BIGINT",
    "ended": "BIGINT",
    "parent_host": "VARCHAR",
    "parent_local": "VARCHAR",
    "digest": "VARCHAR",
    "sha1": "VARCHAR",
    "unit": "VARCHAR",
    "evidence": "VARCHAR[]",
    "last_day": "INTEGER",
}
"""Columns of an instance, in the order of the files that hold them; instants in microseconds."""

_FACTS: Final = "image, pid, command_line, started, sha1, digest, unit, ended"
_EXEMPLAR: Final = "min({'t': time, 'i': id})"


class InstanceTable:
    """All instances that are known, in `instances`; those that the day named in `named(i)`."""

    def __init__(self, session: "DuckDBPyConnection") -> None:
        """Begin with none."""
        self._session = session
        columns = ", ".join(f'"{name}" {sort}' for name, sort in INSTANCE.items())
        session.execute(f"CREATE TABLE instances (i INTEGER, {columns})")
        self._size = 0
        self._same: dict[tuple[str, str], bool] = {}

    def read(self, files: Sequence[Path], carried: Iterable[Instance]) -> None:
        """Take over the instances of files, and `carried` ones, which replace what is there of the same key."""
        rows = [(number, *_row(one)) for number, one in enumerate(carried)]
        insert(self._session, "instances", {"i": "INTEGER", **INSTANCE}, rows)
        self._size = len(rows)
        if files:
            listed = ", ".join(quoted(str(file)) for file in files)
            columns = ", ".join(f'"{name}"' for name in INSTANCE)
            added = self._session.execute(
                f"INSERT INTO instances SELECT ({self._size} + row_number() OVER () - 1)::INTEGER, {columns} "
                f"FROM read_parquet([{listed}]) f ANTI JOIN instances k ON k.host = f.host AND k.local = f.local"
            ).fetchone()
            self._size += added[0] if added else 0

    def learn(self, day: int) -> None:
        """Learn from the events of `acts_of_day`; leave what was said, by hour, in `statements`.

        `statements(host, local, user, agent_uid, hour, seen, exemplar, last, …)` has one row for each instance, hour
        and distinct statement; its rows without `local` name no process.
        """
        self._state()
        self._adopt()
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE ordered AS SELECT *, row_number() OVER (ORDER BY phase, exemplar) AS place "
            f'FROM (SELECT 0 AS phase, host, local, exemplar, {_FACTS}, "user" FROM statements '
            "WHERE local IS NOT NULL "
            f"UNION ALL SELECT 1, host, local, exemplar, {_FACTS}, NULL FROM adopted)"
        )
        first = ", ".join(
            f'arg_min("{name}", place) FILTER ("{name}" <> \'\') AS "{name}"' if name in _NEVER_EMPTY
            else f'arg_min("{name}", place) AS "{name}"'
            for name in ("image", "pid", "command_line", "user", "started", "ended", "digest", "sha1", "unit")
        )  # fmt: skip
        self._session.execute(
            f"CREATE OR REPLACE TEMP TABLE said_today AS SELECT host, local, {first}, "
            "any_value(p.parent_local) AS parent_local FROM ordered o LEFT JOIN parents p USING (host, local) "
            "GROUP BY host, local"
        )
        self._merge(day)

    def _state(self) -> None:
        """Collect who was named, by what, in which hour."""
        start = "kind = 'process_started'"
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE statements AS SELECT host, process_uid AS local, agent_uid, "
            'CASE WHEN kind <> \'process_ended\' THEN "user" END AS "user", "user" AS seen_user, '
            "process_image AS image, process_pid AS pid, process_command_line AS command_line, "
            f"CASE WHEN {start} THEN coalesce(process_started, time) ELSE process_started END AS started, "
            f"lower(process_sha1) AS sha1, CASE WHEN {start} THEN lower(digest) END AS digest, "
            f"CASE WHEN {start} THEN unit END AS unit, CASE WHEN kind = 'process_ended' THEN time END AS ended, "
            f"time // {HOUR_US} * {HOUR_US} AS hour, count(*)::BIGINT AS seen, {_EXEMPLAR} AS exemplar, "
            "max(time) AS last FROM acts_of_day GROUP BY ALL"
        )
        self._own_images()

    def _own_images(self) -> None:
        """Add what loads of a program's own image say of its digest: statements that count for no hour."""
        pairs = self._session.execute(
            "SELECT DISTINCT path, process_image FROM acts_of_day "
            "WHERE kind = 'module_loaded' AND digest <> '' AND process_image IS NOT NULL"
        ).fetchall()
        for pair in pairs:
            if pair not in self._same:
                self._same[pair] = same_path(*pair)
        own = [pair for pair in pairs if self._same[pair]]
        if not own:
            return
        self._session.execute("CREATE OR REPLACE TEMP TABLE own_images (path VARCHAR, process_image VARCHAR)")
        insert(self._session, "own_images", {"path": "VARCHAR", "process_image": "VARCHAR"}, own)
        self._session.execute(
            "INSERT INTO statements BY NAME SELECT host, process_uid AS local, lower(digest) AS digest, 0 AS seen, "
            f"{_EXEMPLAR} AS exemplar, 0 AS last FROM acts_of_day SEMI JOIN own_images USING (path, process_image) "
            "WHERE kind = 'module_loaded' AND digest <> '' GROUP BY ALL"
        )

    def _adopt(self) -> None:
        """Collect what starts say of parents."""
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE adopted AS SELECT host, parent_uid AS local, parent_image AS image, "
            "parent_pid AS pid, parent_command_line AS command_line, parent_started AS started, "
            "lower(parent_sha1) AS sha1, NULL::VARCHAR AS digest, NULL::VARCHAR AS unit, NULL::BIGINT AS ended, "
            f"{_EXEMPLAR} AS exemplar FROM acts_of_day WHERE kind = 'process_started' AND parent_image IS NOT NULL "
            "AND process_uid IS NOT NULL AND parent_uid <> process_uid GROUP BY ALL"
        )
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE parents AS SELECT host, process_uid AS local, "
            "arg_min(parent_uid, {'t': time, 'i': id}) AS parent_local FROM acts_of_day "
            "WHERE kind = 'process_started' AND parent_image IS NOT NULL AND parent_uid <> process_uid GROUP BY ALL"
        )

    def _merge(self, day: int) -> None:
        """Add today's facts to what was known; of each the first is believed."""
        kept = ", ".join(f'coalesce(k."{name}", s."{name}") AS "{name}"' for name in
                         ("pid", "command_line", "user", "started", "ended"))  # fmt: skip
        late = ", ".join(f'coalesce(k."{name}", s."{name}") AS "{name}"' for name in ("digest", "sha1", "unit"))
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE merged AS SELECT "
            f"coalesce(k.i, {self._size} + (row_number() OVER (PARTITION BY k.i IS NULL)) - 1)::INTEGER AS i, "
            "s.host, s.local, coalesce(nullif(k.image, ''), s.image, '') AS image, "
            f"{kept}, "
            "CASE WHEN k.parent_local IS NOT NULL THEN k.parent_host WHEN s.parent_local IS NOT NULL THEN s.host END "
            "AS parent_host, coalesce(k.parent_local, s.parent_local) AS parent_local, "
            f"{late}, coalesce(k.evidence, []) AS evidence, {day}::INTEGER AS last_day, k.i IS NULL AS is_new "
            "FROM said_today s LEFT JOIN instances k ON k.host = s.host AND k.local = s.local"
        )
        self._session.execute("DELETE FROM instances WHERE i IN (SELECT i FROM merged)")
        self._session.execute("INSERT INTO instances SELECT * EXCLUDE (is_new) FROM merged")
        self._session.execute("CREATE OR REPLACE TEMP TABLE named AS SELECT i FROM merged")
        fresh = self._session.execute("SELECT count(*) FROM merged WHERE is_new").fetchone()
        self._size += fresh[0] if fresh else 0

    def forget(self, day: int, *, ended_days: int, instance_days: int) -> None:
        """Let go the instances that no later event may name, after a day (an ordinal) has closed."""
        ended = f"ended IS NOT NULL AND ended // 86400000000 + 719163 < {day - ended_days}"
        self._session.execute(f"DELETE FROM instances WHERE ({ended}) OR last_day < {day - instance_days}")

    def fetch(self, condition: str) -> list[tuple[int, Instance]]:
        """Return the instances that meet a condition in SQL, with their numbers."""
        columns = ", ".join(f'"{name}"' for name in INSTANCE)
        rows = self._session.execute(f"SELECT i, {columns} FROM instances WHERE {condition}").fetchall()
        return [(row[0], instance_of(row[1:])) for row in rows]


_NEVER_EMPTY: Final = frozenset({"image", "digest", "sha1"})
"""Facts of which an empty text says nothing."""


def _row(one: Instance) -> tuple[Any, ...]:
    parent = one.parent
    return (
        one.key.host,
        one.key.local,
        one.image,
        one.pid,
        one.command_line,
        one.user,
        None if one.started is None else micros(one.started),
        None if one.ended is None else micros(one.ended),
        None if parent is None else parent.host,
        None if parent is None else parent.local,
        one.digest,
        one.sha1,
        one.unit,
        sorted(one.evidence),
        one.last_day,
    )


def instance_of(row: tuple[Any, ...]) -> Instance:
    """Return the instance of a row of `INSTANCE`."""
    told = dict(zip(INSTANCE, row, strict=True))
    parent = None if told["parent_local"] is None else InstanceKey(told["parent_host"], told["parent_local"])
    return Instance(
        key=InstanceKey(told["host"], told["local"]),
        image=told["image"],
        pid=told["pid"],
        command_line=told["command_line"],
        user=told["user"],
        started=None if told["started"] is None else instant(told["started"]),
        ended=None if told["ended"] is None else instant(told["ended"]),
        parent=parent,
        digest=told["digest"],
        sha1=told["sha1"],
        unit=told["unit"],
        evidence=frozenset(told["evidence"]),
        last_day=told["last_day"],
    )
