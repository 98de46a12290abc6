"""The engine for many events: sightings and measures are grouped by DuckDB, over integers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from leeway.agents import Actor, Attribution, InstanceKey
from leeway.baselines import Candidate, Reference, compare
from leeway.config import Resources
from leeway.engines.duckdb.batch import Batch
from leeway.engines.duckdb.frozen import freeze
from leeway.engines.duckdb.json_lines import LEAST, write_columns
from leeway.engines.duckdb.lines_read import write_lines_read
from leeway.engines.duckdb.looking import Look, look_at
from leeway.engines.duckdb.quantities import Quantities
from leeway.engines.duckdb.readings import ACTOR
from leeway.engines.duckdb.roll_up import FingerprintCollisionError, RollUp
from leeway.engines.duckdb.session import insert, open_session
from leeway.engines.duckdb.summarising import Named, summarise_files
from leeway.events import COLUMNS, AnyEvent, Facet, ToolCalled, row_of
from leeway.pipeline import Terms, World
from leeway.sources import Place
from leeway.summaries import Bound, Summary, merge, summarise
from leeway.summaries.builder import credits_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SMALL: Final = 2_000
"""Events of a day below which the fold is faster than the statements that DuckDB would have to plan."""

LEAST_ROWS: Final = 10 * SMALL
"""Events of all days below which it is, where they lie in files."""

ACTS: Final[Mapping[str, str]] = {
    **{
        name: COLUMNS[name]
        for name in (
            "kind", "id", "user", "process_image", "process_command_line", "agent_instance_uid", "digest", "sha1",
            "destination", "port", "address", "outbound", "bytes_out", "bytes_in", "range", "name", "path", "action",
            "tool", "duration_us",
        )
    },
    "time": "BIGINT",
    "day": "INTEGER",
    "argument_names": "VARCHAR[]",
    "credit": "INTEGER",
    "parent_credit": "INTEGER",
    "actor": "INTEGER",
}  # fmt: skip
"""Columns of the acts that are rolled up, and their types."""


class DuckDb:
    """Summarises in DuckDB. Single values, which are few, are merged and compared as the fold does it."""

    name: ClassVar[str] = "duckdb"
    batch: ClassVar[bool] = True
    """Whole days of event tables are closed without their rows."""

    def __init__(self, resources: Resources | None = None, *, small: int = SMALL) -> None:
        """Keep to `resources`; days of fewer than `small` events are folded."""
        self.resources = resources or Resources()
        self._small = small
        self._repeated: dict[tuple[int, int], tuple[int, ...]] = {}

    def summarise(
        self, day: date, events: Iterable[AnyEvent], attribution: Attribution, bound: Bound
    ) -> dict[str, Summary]:
        """Return the summary of every agent that `events`, all of `day`, count for."""
        events = list(events)
        if len(events) >= self._small and events:
            try:
                with open_session(self.resources) as session:
                    return _summarised(session, day, events, attribution, bound)
            except FingerprintCollisionError:
                pass
        return summarise(day, events, attribution, bound)

    def look_at(self, file: Path) -> Look:
        """Return what one look at a file of events says of all its rows."""
        look = look_at(file, self.resources)
        self._repeated[_identity(file)] = look.repeated
        return look

    def write_lines(self, place: Place, draft: Path) -> int | None:
        """Write our own JSON lines as a file of events and return the position behind the last one.

        None, and no file, where they are few or some of them are no events, or where rows are as good.
        """
        least = LEAST // SMALL * self._small
        end = write_columns(place, draft, self.resources, least)
        return write_lines_read(place, draft, least) if end is None else end

    def summarise_files(self, files: Sequence[Path], terms: Terms) -> Named | None:
        """Return the summary of every agent and day of files without flaws; None where they are to be folded."""
        known = self._repeated.get(_identity(files[0])) if len(files) == 1 else None
        least = LEAST_ROWS // SMALL * self._small
        return summarise_files(files, terms, self.resources, known, least) if files else None

    def open_batch(self, world: World, terms: Terms, packed: Mapping[str, Path]) -> Batch:
        """Return a batch on top of packed parts (name to file), and of a world that has what is newer than they."""
        return Batch(world, terms, self.resources, packed, lambda file: self._repeated.get(_identity(file)))

    def merge(self, one: Summary, other: Summary, bound: Bound) -> Summary:
        """Return the summary of both halves of one agent's day."""
        return merge(one, other, bound)

    def compare(self, summary: Summary, reference: Reference) -> Mapping[Facet, tuple[Candidate, ...]]:
        """Return the values that are not established, by facet."""
        return compare(summary, reference)


def _summarised(
    session: "DuckDBPyConnection", day: date, events: list[AnyEvent], attribution: Attribution, bound: Bound
) -> dict[str, Summary]:
    acts = _Acts(attribution)
    declared = ", ".join(f'"{name}" {sort}' for name, sort in ACTS.items())
    session.execute(f"CREATE TABLE acts ({declared})")
    insert(session, "acts", ACTS, (row for event in events if (row := acts.row(event)) is not None))
    session.execute("CREATE TABLE credit_agents (credit INTEGER, place INTEGER, agent INTEGER)")
    sorts = {"credit": "INTEGER", "place": "INTEGER", "agent": "INTEGER"}
    insert(session, "credit_agents", sorts, acts.credit_agents())
    session.execute("CREATE TABLE actors (actor INTEGER, actor_name VARCHAR, actor_image VARCHAR, actor_line VARCHAR)")
    insert(session, "actors", {"actor": "INTEGER", **dict.fromkeys(ACTOR, "VARCHAR")}, acts.actors())
    roll_up = RollUp(session, bound)
    roll_up.run()
    Quantities(session, bound).run()
    return freeze(session, day, acts.agents, roll_up.values, bound)


def _identity(file: Path) -> tuple[int, int]:
    """Return what stays of a file when it is renamed; what was read of it holds as long as it lies there."""
    status = file.stat()
    return status.st_dev, status.st_ino


class _Acts:
    """Events as rows with numbers for whom they count for and who acted."""

    def __init__(self, attribution: Attribution) -> None:
        self._attribution = attribution
        self._credits: dict[tuple[str, ...], int] = {}
        self._numbers: dict[InstanceKey | str, int] = {}
        self._actors: list[Actor] = []
        self._agents: dict[str, int] = {}

    def row(self, event: AnyEvent) -> tuple[Any, ...] | None:
        """Return the columns of `ACTS`, or None for an event that counts for nobody."""
        credits = credits_of(event, self._attribution)  # noqa: A001  # the word
        if not credits.actor and not credits.parent:
            return None
        told = row_of(event)
        told["argument_names"] = sorted(event.arguments) if isinstance(event, ToolCalled) else None
        told["day"] = event.time.toordinal()
        told["credit"] = self._credit(credits.actor)
        told["parent_credit"] = self._credit(credits.parent)
        told["actor"] = self._actor(event)
        return tuple(told.get(name) for name in ACTS)

    @property
    def agents(self) -> dict[int, str]:
        """Number to agent id."""
        return {number: agent for agent, number in self._agents.items()}

    def credit_agents(self) -> Iterable[tuple[int, int, int]]:
        """Yield (set, place, agent) of every set of agents."""
        for agents, credit in self._credits.items():
            for place, agent in enumerate(agents):
                yield credit, place, self._agents[agent]

    def actors(self) -> Iterable[tuple[int, str, str, str]]:
        """Yield number, name, executable and command line of whoever acted."""
        for number, actor in enumerate(self._actors):
            yield number, actor.process, actor.image, actor.command_line

    def _credit(self, agents: tuple[str, ...]) -> int | None:
        if not agents:
            return None
        for agent in agents:
            self._agents.setdefault(agent, len(self._agents))
        return self._credits.setdefault(agents, len(self._credits))

    def _actor(self, event: AnyEvent) -> int:
        key = self._attribution.lineage.actor(event) or (event.agent.uid if event.agent else "")
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._actors)
            self._actors.append(self._attribution.actor(event))
        return number
