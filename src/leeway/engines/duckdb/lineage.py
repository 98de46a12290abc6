"""Process instances of some days, from rows that name them by the sensor's own id.

What `leeway.agents.instances` learns event by event is here learnt from distinct statements: who (host and the sensor's
id), and what was said of it, with the least (time, id) at which it was said. Of each fact the first statement is
believed, what earlier days said before all of today's, what a child's start says of its parent after them.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leeway.agents import Instance, InstanceKey
from leeway.agents.instances import same_path
from leeway.engines.duckdb.event_files import DAY_US, EPOCH_DAY
from leeway.engines.duckdb.leaving import LeaveToFoldError
from leeway.engines.duckdb.roll_up import HOUR_US
from leeway.engines.duckdb.session import drop, insert, quoted
from leeway.events import instant, micros
from leeway.pipeline.world import ENDED_DAYS, INSTANCE_DAYS

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

_FACTS: Final = ("image", "pid", "command_line", "user", "started", "ended", "digest", "sha1", "unit")
"""What a statement may say of an instance."""

_TELLING: Final = ("image", "command_line", "digest", "sha1", "unit", "parent_local")
"""Facts on which it depends whose behaviour an instance's is."""

_NEVER_EMPTY: Final = frozenset({"image", "digest", "sha1"})
"""Facts of which an empty text says nothing."""

_ADOPTS: Final = "s.parent_image IS NOT NULL AND s.parent_local <> s.local"
"""Of a row of `starts`: whether it says who the parent is."""

_EXEMPLAR: Final = "min({'t': time, 'i': id}) AS exemplar"
_HOUR: Final = f"time // {HOUR_US} * {HOUR_US} AS hour"


class UnevenDaysError(LeaveToFoldError):
    """Several days cannot be closed together: what a later one says of a process changes what an earlier one knew."""


class InstanceTable:
    """All instances that are known, in `instances`; those that a window of days named in `named(i, day)`."""

    def __init__(self, session: "DuckDBPyConnection") -> None:
        """Begin with none."""
        self._session = session
        columns = ", ".join(f'"{name}" {sort}' for name, sort in INSTANCE.items())
        session.execute(f"CREATE TABLE instances (i INTEGER, {columns})")
        self._size = 0
        self.fresh_from = 0
        """Number from which on instances were not known before the window."""
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

    def learn(self) -> None:
        """Learn from the acts of `acts_of_days`, and leave what was said in `statements`.

        `starts` has a row for each start; `statements(day, host, local, agent_uid, seen_user, hour, seen, exemplar,
        last, ...)` one for each day, hour, instance and distinct statement; those without `local` name no process.
        `named(i, day)` says on which days an instance was named.

        Raises:
            UnevenDaysError: where what was said of an instance on a later day changes what an earlier one knew.
        """
        self._state()
        self._own_images()
        self._adopt()
        adopted = ", ".join(
            f'arg_min("{name}", exemplar) FILTER ({_tells(name)}) AS "{name}", '
            f'min(day) FILTER ({_tells(name)}) AS "{name}_day"'
            for name in ("image", "pid", "command_line", "started", "sha1")
        )
        self._say()
        self._make(
            "said_of_parents",
            f"SELECT host, local, {adopted}, min(day) AS first_day, max(day) AS last_day FROM adopted "
            "GROUP BY host, local",
        )
        self._merge()

    def _make(self, name: str, query: str) -> None:
        self._session.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")

    def _say(self) -> None:
        """Collect in `said_of` the first statement of each fact of an instance, and the day it was made."""
        self._say_plainly()
        self._make(
            "parents",
            "SELECT host, local, arg_min(parent_local, {'t': time, 'i': id}) AS parent_local, min(day) AS parent_day "
            f"FROM starts s ANTI JOIN plain USING (host, local) WHERE {_ADOPTS} GROUP BY host, local",
        )
        facts = ", ".join(
            f'arg_min("{name}", exemplar) FILTER ({_tells(name)}) AS "{name}", '
            f'min(day) FILTER ({_tells(name)}) AS "{name}_day"'
            for name in _FACTS
        )
        self._make(
            "said_of",
            f"SELECT c.*, p.parent_local, p.parent_day FROM (SELECT host, local, {facts}, min(day) AS first_day, "
            "max(day) AS last_day FROM statements ANTI JOIN plain USING (host, local) WHERE local IS NOT NULL "
            "GROUP BY host, local) c LEFT JOIN parents p USING (host, local) UNION ALL BY NAME SELECT * FROM plain",
        )

    def _say_plainly(self) -> None:
        """Collect in `plain` the processes that said everything in their one start, the first that was heard of them.

        Most do, and no search for a first statement is needed there.
        """
        self._make(
            "others",
            "SELECT host, local, min(exemplar.t) AS first_time, min(ended) AS ended, "
            "count(digest) + count(sha1) AS digests, max(day) AS last_day "
            "FROM statements WHERE NOT is_start AND local IS NOT NULL GROUP BY host, local",
        )
        self._make(
            "lone",
            "SELECT host, local, count(*) AS n FROM starts WHERE local IS NOT NULL GROUP BY host, local HAVING n = 1",
        )
        said = ", ".join(
            f'{_own(name)} AS "{name}", CASE WHEN {_tells(name, "s.")} THEN s.day END AS "{name}_day"'
            for name in _FACTS
            if name != "ended"
        )
        whole = " AND ".join(_tells(name, "s.") for name in ("image", "pid", "command_line", "user"))
        self._make(
            "plain",
            f"SELECT s.host, s.local, {said}, o.ended, NULL::INTEGER AS ended_day, "
            f"CASE WHEN {_ADOPTS} THEN s.parent_local END AS parent_local, "
            f"CASE WHEN {_ADOPTS} THEN s.day END AS parent_day, s.day AS first_day, "
            "greatest(s.day, coalesce(o.last_day, 0)) AS last_day FROM starts s SEMI JOIN lone USING (host, local) "
            "LEFT JOIN others o ON o.host = s.host AND o.local = s.local "
            f"WHERE {whole} AND (o.first_time IS NULL OR (o.first_time > s.time AND o.digests = 0))",
        )

    def _state(self) -> None:
        """Collect who was named, by what, in which hour."""
        self._make(
            "starts",
            'SELECT day, host, process_uid AS local, agent_uid, "user", process_image AS image, process_pid AS pid, '
            "process_command_line AS command_line, coalesce(process_started, time) AS started, "
            "lower(process_sha1) AS sha1, lower(digest) AS digest, unit, parent_image, parent_pid, "
            "parent_uid AS parent_local, parent_command_line, parent_started, lower(parent_sha1) AS parent_sha1, "
            "time, id FROM acts_of_days WHERE kind = 'process_started'",
        )
        said = (
            "process_image, process_pid, process_command_line, process_started, lower(process_sha1), "
            "NULL AS digest, NULL AS unit"
        )
        self._make(
            "statements",
            'SELECT day, host, local, agent_uid, "user", "user" AS seen_user, image, pid, command_line, started, sha1, '
            f"digest, unit, NULL::BIGINT AS ended, {_HOUR}, 1::BIGINT AS seen, {{'t': time, 'i': id}} AS exemplar, "
            "time AS last, 0::BIGINT AS out_n, 0::HUGEINT AS out_total, 0::BIGINT AS in_n, "
            "0::HUGEINT AS in_total, true AS is_start FROM starts UNION ALL "
            # Ends are one a process, as starts are: nothing is grouped there.
            f'SELECT day, host, process_uid, agent_uid, NULL, "user", {said}, time AS ended, {_HOUR}, 1, '
            "{'t': time, 'i': id}, time, 0, 0, 0, 0, false FROM acts_of_days WHERE kind = 'process_ended' UNION ALL "
            f'SELECT day, host, process_uid, agent_uid, "user", "user" AS seen_user, {said}, NULL AS ended, {_HOUR}, '
            f"count(*)::BIGINT, {_EXEMPLAR}, max(time), count(bytes_out), coalesce(sum(bytes_out), 0), "
            "count(bytes_in), coalesce(sum(bytes_in), 0), false "
            "FROM acts_of_days WHERE kind NOT IN ('process_started', 'process_ended') GROUP BY ALL",
        )

    def _own_images(self) -> None:
        """Add what loads of a program's own image say of its digest: statements that count for no hour."""
        pairs = self._session.execute(
            "SELECT DISTINCT path, process_image FROM acts_of_days "
            "WHERE kind = 'module_loaded' AND digest <> '' AND process_image IS NOT NULL"
        ).fetchall()
        for pair in pairs:
            if pair not in self._same:
                self._same[pair] = same_path(*pair)
        own = [pair for pair in pairs if self._same[pair]]
        if own:
            self._session.execute("CREATE OR REPLACE TEMP TABLE own_images (path VARCHAR, process_image VARCHAR)")
            insert(self._session, "own_images", {"path": "VARCHAR", "process_image": "VARCHAR"}, own)
            self._session.execute(
                "INSERT INTO statements BY NAME SELECT day, host, process_uid AS local, lower(digest) AS digest, "
                f"0 AS seen, {_EXEMPLAR}, 0 AS last, false AS is_start FROM acts_of_days "
                "SEMI JOIN own_images USING (path, process_image) "
                "WHERE kind = 'module_loaded' AND digest <> '' GROUP BY ALL"
            )

    def _adopt(self) -> None:
        """Collect what starts say of parents."""
        self._make(
            "adopted",
            "SELECT day, host, parent_local AS local, parent_image AS image, parent_pid AS pid, "
            "parent_command_line AS command_line, parent_started AS started, parent_sha1 AS sha1, "
            f"{_EXEMPLAR} FROM starts s WHERE {_ADOPTS} AND s.local IS NOT NULL GROUP BY ALL",
        )

    def _merge(self) -> None:
        """Add what was said to what was known: the first is believed, what children's starts say comes last."""
        known = ", ".join(_merged(name) for name in _FACTS)
        since = ", ".join(map(_since, (*_TELLING, "user")))
        self._make(
            "merged",
            f"SELECT coalesce(k.i, {self._size} + (row_number() OVER (PARTITION BY k.i IS NULL)) - 1)::INTEGER AS i, "
            f"coalesce(s.host, a.host) AS host, coalesce(s.local, a.local) AS local, {known}, "
            "CASE WHEN k.parent_local IS NOT NULL THEN k.parent_host "
            "WHEN s.parent_local IS NOT NULL THEN s.host END AS parent_host, "
            "coalesce(k.parent_local, s.parent_local) AS parent_local, coalesce(k.evidence, []) AS evidence, "
            "greatest(coalesce(s.last_day, 0), coalesce(a.last_day, 0), coalesce(k.last_day, 0)) AS last_day, "
            "greatest(coalesce(s.last_day, 0), coalesce(a.last_day, 0)) AS final_day, "
            "least(coalesce(s.first_day, a.first_day), coalesce(a.first_day, s.first_day)) AS first_day, "
            f"s.first_day AS acted_day, k.last_day AS known_day, k.i IS NULL AS is_new, {since} "
            "FROM said_of s FULL JOIN said_of_parents a ON a.host = s.host AND a.local = s.local "
            "LEFT JOIN instances k ON k.host = coalesce(s.host, a.host) AND k.local = coalesce(s.local, a.local)",
        )
        self._refuse_uneven()
        self._session.execute("DELETE FROM instances WHERE i IN (SELECT i FROM merged WHERE NOT is_new)")
        columns = ", ".join(f'"{name}"' for name in INSTANCE)
        self._session.execute(f"INSERT INTO instances SELECT i, {columns} FROM merged")
        self._make(
            "named",
            "SELECT i, first_day AS day FROM merged WHERE first_day = final_day UNION ALL "
            "SELECT DISTINCT m.i, d.day FROM (SELECT host, local, day FROM statements UNION ALL "
            "SELECT host, local, day FROM adopted) d JOIN (SELECT i, host, local FROM merged "
            "WHERE first_day < final_day) m ON d.host = m.host AND d.local = m.local",
        )
        self.fresh_from = self._size
        fresh = self._session.execute("SELECT count(*) FROM merged WHERE is_new").fetchone()
        self._size += fresh[0] if fresh else 0
        drop(self._session, "others", "lone", "plain", "parents", "said_of", "said_of_parents", "adopted", "merged")

    def _refuse_uneven(self) -> None:
        """Refuse days that have to be closed one by one."""
        later = " OR ".join(f"{name}_since > first_day" for name in _TELLING) + " OR user_since > acted_day"
        forgotten = (
            f"known_day < first_day - 1 - {INSTANCE_DAYS} "
            f"OR ended // {DAY_US} + {EPOCH_DAY} < last_day - 1 - {ENDED_DAYS}"
        )
        if self._session.execute(f"SELECT 1 FROM merged WHERE {later} OR {forgotten} LIMIT 1").fetchone() is not None:
            raise UnevenDaysError

    def forget(self, day: int) -> None:
        """Let go the instances that no later event may name, after a day (an ordinal) has closed."""
        ended = f"ended IS NOT NULL AND ended // {DAY_US} + {EPOCH_DAY} < {day - ENDED_DAYS}"
        self._session.execute(f"DELETE FROM instances WHERE ({ended}) OR last_day < {day - INSTANCE_DAYS}")

    def fetch(self, condition: str) -> list[tuple[int, Instance]]:
        """Return the instances that meet a condition in SQL, with their numbers."""
        columns = ", ".join(f'"{name}"' for name in INSTANCE)
        rows = self._session.execute(f"SELECT i, {columns} FROM instances WHERE {condition}").fetchall()
        return [(row[0], instance_of(row[1:])) for row in rows]


def _tells(name: str, of: str = "") -> str:
    return f"{of}\"{name}\" <> ''" if name in _NEVER_EMPTY else f'{of}"{name}" IS NOT NULL'


def _own(name: str) -> str:
    return f"nullif(s.{name}, '')" if name in _NEVER_EMPTY else f's."{name}"'


_NEVER: Final = 1 << 30
"""Behind every day."""

_ADOPTED: Final = frozenset({"image", "pid", "command_line", "started", "sha1"})
"""Facts that a child's start may say of its parent."""


def _merged(name: str) -> str:
    """Return the SQL of a fact: as it was known, else as the first day that tells it does, statements before starts."""
    known = f"nullif(k.{name}, '')" if name == "image" else f'k."{name}"'
    said = f's."{name}"'
    if name in _ADOPTED:
        said = f"CASE WHEN a.{name}_day < coalesce(s.{name}_day, {_NEVER}) THEN a.{name} ELSE s.{name} END"
    last = ", ''" if name == "image" else ""
    return f'coalesce({known}, {said}{last}) AS "{name}"'


def _since(name: str) -> str:
    """Return the SQL of the day on which a fact became known; NULL where it was before."""
    known = "k.image <> ''" if name == "image" else f"k.{name} IS NOT NULL"
    day = "s.parent_day" if name == "parent_local" else f"s.{name}_day"
    if name in _ADOPTED:
        day = f"least(coalesce({day}, {_NEVER}), coalesce(a.{name}_day, {_NEVER}))"
    return f"CASE WHEN {known} THEN NULL ELSE nullif({day}, {_NEVER}) END AS {name}_since"


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
