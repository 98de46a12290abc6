"""Baselines and process instances of many agents as Parquet files: what a run over days of event tables leaves.

One file holds the baselines of a bucket of agents, a row a value, so that tables can take it over as it is:

- `part` 0, one an agent: `body` is its baseline without entries, novelties and hourly sums, as it is stored alone;
- `part` 1, an entry: `facet`, `value` (its parts as JSON), `last`, `days`, `seen` (its count), `first`, `hours`,
  `first_time`, `first_id`;
- `part` 2, a novelty: `facet`, `day`, `seen`;
- `part` 3, an hourly sum: `measure`, `day`, `hour`, `total`.

Instants are microseconds since 1970, days ordinals. Another file holds the instances that later events may name.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import astuple, replace

from leeway.agents import Instance
from leeway.baselines import Baseline, Entry, decode_baseline, encode_baseline
from leeway.baselines.baseline import MEMORY_DAYS
from leeway.config import Resources
from leeway.engines.duckdb.lineage import INSTANCE, instance_of
from leeway.engines.duckdb.session import open_session, quoted
from leeway.errors import StateError
from leeway.events import EventRef, Facet, Measure, Value, instant, micros
from leeway.sources.parquet_file import as_pattern

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_Row = TypeVar("_Row", bound=Struct)

BUCKETS: Final = 16
"""Files over which baselines are spread, so that a run writes only those of agents that changed."""

INSTANCES: Final = "instances"
"""Name of the part that holds process instances."""

PACKED: Final[dict[str, str]] = {
    "agent": "VARCHAR",
    "part": "UTINYINT",
    "body": "BLOB",
    "facet": "VARCHAR",
    "value": "VARCHAR",
    "last": "INTEGER",
    "days": "UBIGINT",
    "seen": "BIGINT",
    "first": "INTEGER",
    "hours": "BIGINT",
    "first_time": "BIGINT",
    "first_id": "VARCHAR",
    "measure": "VARCHAR",
    "day": "INTEGER",
    "hour": "INTEGER",
    "total": "DECIMAL(38,0)",
}
"""Columns of a file of baselines, in their order."""

_NULLS: Final = dict.fromkeys(PACKED)

HEAD: Final = 0
ENTRY: Final = 1
NOVELTY: Final = 2
HOURLY: Final = 3

_ROWS: Final = 10_000
"""Rows that go over at a time."""

_Day = Annotated[int, Meta(ge=1, le=date.max.toordinal())]
_Count = Annotated[int, Meta(ge=0)]


class _Head(Struct, frozen=True, array_like=True):
    agent: str
    body: bytes


class _Entry(Struct, frozen=True, array_like=True):
    agent: str
    facet: Facet
    value: tuple[str, ...]
    last: _Day
    days: Annotated[int, Meta(ge=1, lt=1 << MEMORY_DAYS)]
    seen: _Count
    first: _Day
    hours: Annotated[int, Meta(ge=0, lt=1 << 48)]
    first_time: int
    first_id: str


class _Novelty(Struct, frozen=True, array_like=True):
    agent: str
    facet: Facet
    day: _Day
    seen: _Count


class _Hourly(Struct, frozen=True, array_like=True):
    agent: str
    measure: Measure
    day: _Day
    hour: Annotated[int, Meta(ge=0, le=23)]
    total: Annotated[str, Meta(pattern="^-?[0-9]{1,38}$")]
    """As text: more than JSON's numbers hold."""


class _Instance(Struct, frozen=True, array_like=True):
    host: str
    local: str
    image: str
    pid: int | None
    command_line: str | None
    user: str | None
    started: int | None
    ended: int | None
    parent_host: str | None
    parent_local: str | None
    digest: str | None
    sha1: str | None
    unit: str | None
    evidence: tuple[str, ...]
    last_day: Annotated[int, Meta(ge=0, le=date.max.toordinal())]


_CELLS: Final = {"body": "to_base64(body)", "total": "total::VARCHAR", "value": "value::JSON"}
"""Columns that JSON has no form for."""

_JSON: Final = msgspec.json.Encoder()
_RESTORE: Final = "restore the directory from a backup, or start with an empty one"


def part_of(agent: str) -> str:
    """Return the name of the part that holds an agent's baseline; agent ids are hex digits.

    >>> part_of("2f" + 30 * "0")
    'baselines:15'
    """
    return f"baselines:{int(agent[:2], 16) % BUCKETS}"


def write_baselines(file: Path, baselines: Iterable[Baseline]) -> None:
    """Write baselines to a new file, in the order of agents, facets and values.

    Raises:
        StateError: where the disk does not take it.
    """
    ordered = sorted(baselines, key=lambda one: one.agent)
    _write(file, PACKED, (row for baseline in ordered for row in _rows(baseline)))


def write_instances(file: Path, instances: Iterable[Instance]) -> None:
    """Write instances to a new file, by host and id.

    Raises:
        StateError: where the disk does not take it.
    """
    _write(file, INSTANCE, map(_instance_row, sorted(instances, key=lambda one: one.key)))


def read_baselines(files: Sequence[Path], agents: Collection[str] | None = None) -> dict[str, Baseline]:
    """Return the baselines of some files by agent, those of `agents` only where it is given.

    Raises:
        StateError: where a file is not what `write_baselines` writes.
    """
    found = _Found()
    if files:
        with _opened(files, PACKED) as stored:
            found.add(stored, agents)
    return found.baselines()


def count_values(files: Sequence[Path], without: Collection[str] = ()) -> int:
    """Return the number of values that the baselines of some files hold, those of the agents `without` left out.

    Raises:
        StateError: where a file is not what `write_baselines` writes.
    """
    query = f"SELECT count(*) FROM rows WHERE part = {ENTRY} AND agent NOT IN (SELECT unnest(?::VARCHAR[]))"
    if not files:
        return 0
    with _opened(files, PACKED) as stored:
        ((count,),) = stored.session.execute(query, [sorted(without)]).fetchall()
        return int(count)


def read_instances(files: Sequence[Path]) -> Iterator[Instance]:
    """Yield the instances of some files.

    Raises:
        StateError: where a file is not what `write_instances` writes.
    """
    if files:
        with _opened(files, INSTANCE) as stored:
            for row in stored.fetched(_Instance):
                yield _instance(stored, row)


def _rows(baseline: Baseline) -> Iterator[dict[str, Any]]:
    agent = baseline.agent
    head = replace(baseline, entries={}, novelties={}, hourly={})
    yield _row(HEAD, agent=agent, body=encode_baseline(head))
    for facet, values in sorted(baseline.entries.items()):
        for value, entry in sorted(values.items()):
            yield _entry_row(agent, facet, value, entry)
    for facet, days in sorted(baseline.novelties.items()):
        for day, seen in sorted(days.items()):
            yield _row(NOVELTY, agent=agent, facet=str(facet), day=day, seen=seen)
    for measure, sums in sorted(baseline.hourly.items()):
        for day, hours in sorted(sums.items()):
            for hour, total in sorted(hours.items()):
                yield _row(HOURLY, agent=agent, measure=str(measure), day=day, hour=hour, total=str(total))


def _entry_row(agent: str, facet: Facet, value: Value, entry: Entry) -> dict[str, Any]:
    return _row(
        ENTRY,
        agent=agent,
        facet=str(facet),
        value=_JSON.encode(value).decode(),
        last=entry.last,
        days=entry.days,
        seen=entry.count,
        first=entry.first,
        hours=entry.hours,
        first_time=micros(entry.exemplar.time),
        first_id=entry.exemplar.id,
    )


def _row(part: int, **told: object) -> dict[str, Any]:
    return {**_NULLS, "part": part, **told}


def _instance_row(one: Instance) -> dict[str, Any]:
    told: dict[str, object] = {name: getattr(one, name) for name in INSTANCE if hasattr(one, name)}
    told["host"], told["local"] = one.key
    told["parent_host"], told["parent_local"] = one.parent or (None, None)
    told["started"] = None if one.started is None else micros(one.started)
    told["ended"] = None if one.ended is None else micros(one.ended)
    told["evidence"] = sorted(one.evidence)
    return told


def _write(file: Path, columns: Mapping[str, str], rows: Iterator[dict[str, Any]]) -> None:
    import duckdb  # noqa: PLC0415  # takes longer to load than many a run takes

    declared = ", ".join(f'"{name}" {sort}' for name, sort in columns.items())
    spelt = msgspec.json.encode({name: "VARCHAR" if sort == "BLOB" else sort for name, sort in columns.items()})
    cells = ", ".join(f'from_base64(r."{name}")' if sort == "BLOB" else f'r."{name}"' for name, sort in columns.items())
    # One text a row: lists of each column take eight times as long to go over.
    taken = f"INSERT INTO rows SELECT {cells} FROM (SELECT from_json_strict(unnest(?::VARCHAR[]), ?) AS r)"  # names
    try:
        # One thread, and in the order of insertion: equal rows make equal files.
        with open_session(Resources(threads=1)) as session:
            session.execute("SET preserve_insertion_order = true")
            session.execute(f"CREATE TABLE rows ({declared})")
            while page := list(islice(rows, _ROWS)):
                session.execute(taken, [[_JSON.encode(row).decode() for row in page], spelt.decode()])
            session.execute(f"COPY rows TO {quoted(str(file))} (FORMAT parquet, COMPRESSION zstd)")
    except duckdb.Error as error:
        raise StateError(
            f"cannot write {file}: {_told(error)}", hint="is there space, and may you write here?"
        ) from error


class _Stored(NamedTuple):
    """What some files hold, as the relation `rows` of a session."""

    session: "DuckDBPyConnection"
    where: str
    """The files, as a message names them."""

    def fetched(self, kind: type[_Row], condition: str = "true", *values: object) -> Iterator[_Row]:
        """Yield the rows that meet a condition in SQL.

        Raises:
            StateError: where one is not of its kind: what was written always is.
        """
        cells = ", ".join(_CELLS.get(name, f'"{name}"') for name in kind.__struct_fields__)
        decoder = msgspec.json.Decoder(kind)
        # One text a row: objects of every cell take three times as long to come over.
        answer = self.session.execute(f"SELECT json_array({cells}) FROM rows WHERE {condition}", values)  # names
        try:
            while page := answer.fetchmany(_ROWS):
                for (text,) in page:
                    yield decoder.decode(text)
        except (msgspec.MsgspecError, ValueError) as error:
            raise self.broken(f"a row that was never written: {error}") from error

    def broken(self, reason: str) -> StateError:
        """Return the error for files that are not what was written."""
        return StateError(f"{self.where} is not what was written: {reason}", hint=_RESTORE)

    def instant(self, microseconds: int) -> datetime:
        """Return the instant of a number of microseconds.

        Raises:
            StateError: where there is none.
        """
        try:
            return instant(microseconds)
        except OverflowError as error:
            raise self.broken(f"there is no time {microseconds}") from error


@contextmanager
def _opened(files: Sequence[Path], columns: Mapping[str, str]) -> Iterator[_Stored]:
    """Give what some files hold, which have just these columns.

    Raises:
        StateError: where they have others, and where a query fails.
    """
    import duckdb  # noqa: PLC0415  # as above

    listed = ", ".join(quoted(as_pattern(file)) for file in files)
    where = str(files[0]) if len(files) == 1 else f"a file of {files[0].parent}"
    try:
        with open_session(Resources()) as session:
            stored = _Stored(session, where)
            session.execute(f"CREATE TEMP VIEW rows AS FROM read_parquet([{listed}], hive_partitioning = false)")
            described = session.execute("DESCRIBE rows").fetchall()
            if {name: sort for name, sort, *_ in described} != columns:
                raise stored.broken("it has other columns")
            yield stored
    except (duckdb.Error, RuntimeError) as error:
        raise StateError(f"{where} is not what was written: {_told(error)}", hint=_RESTORE) from error


class _Found:
    """Baselines while their rows come in, in whatever order."""

    def __init__(self) -> None:
        self._heads: dict[str, Baseline] = {}
        self._entries: dict[str, dict[Facet, dict[Value, Entry]]] = {}
        self._novelties: dict[str, dict[Facet, dict[int, int]]] = {}
        self._hourly: dict[str, dict[Measure, dict[int, dict[int, int]]]] = {}

    def add(self, stored: _Stored, agents: Collection[str] | None) -> None:
        """Add the rows of some files.

        Raises:
            StateError: where one was never written.
        """
        asked = "part = ?" if agents is None else "part = ? AND agent IN (SELECT unnest(?::VARCHAR[]))"
        names = () if agents is None else (sorted(agents),)
        for head in stored.fetched(_Head, asked, HEAD, *names):
            self._heads[head.agent] = _head(stored, head)
        for one in stored.fetched(_Entry, asked, ENTRY, *names):
            self._entries.setdefault(one.agent, {}).setdefault(one.facet, {})[one.value] = _entry(stored, one)
        for new in stored.fetched(_Novelty, asked, NOVELTY, *names):
            self._novelties.setdefault(new.agent, {}).setdefault(new.facet, {})[new.day] = new.seen
        for sums in stored.fetched(_Hourly, asked, HOURLY, *names):
            days = self._hourly.setdefault(sums.agent, {}).setdefault(sums.measure, {})
            days.setdefault(sums.day, {})[sums.hour] = int(sums.total)

    def baselines(self) -> dict[str, Baseline]:
        """Return the baselines, by agent.

        Raises:
            StateError: where an agent has rows and no head.
        """
        strays = (self._entries.keys() | self._novelties.keys() | self._hourly.keys()) - self._heads.keys()
        if strays:
            raise StateError(f"packed baselines lack the head of {min(strays)[:64]!r}", hint=_RESTORE)
        return {
            agent: replace(
                head,
                entries=_sorted(self._entries.get(agent, {})),
                novelties=_sorted(self._novelties.get(agent, {})),
                hourly={measure: _sorted(days) for measure, days in sorted(self._hourly.get(agent, {}).items())},
            )
            for agent, head in sorted(self._heads.items())
        }


def _head(stored: _Stored, row: _Head) -> Baseline:
    head = decode_baseline(row.body)
    if head.agent != row.agent or head.entries or head.novelties or head.hourly:
        raise stored.broken(f"the head of another agent than {row.agent[:64]!r}")
    return head


def _entry(stored: _Stored, row: _Entry) -> Entry:
    exemplar = EventRef(stored.instant(row.first_time), row.first_id)
    return Entry(row.last, row.days, row.seen, row.first, row.hours, exemplar)


def _instance(stored: _Stored, row: _Instance) -> Instance:
    if (row.parent_host is None) != (row.parent_local is None):
        raise stored.broken("an instance with half a parent")
    for time in (row.started, row.ended):
        stored.instant(time or 0)
    return instance_of(astuple(row))


def _sorted(outer: Mapping[Any, Mapping[Any, Any]]) -> dict[Any, dict[Any, Any]]:
    return {key: dict(sorted(inner.items())) for key, inner in sorted(outer.items())}


def _told(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
