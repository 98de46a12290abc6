"""Which columns each row of the facet table reads, and what it reads there: done once for distinct values.

The facet table reads events one at a time. Here the few columns that a row depends on are brought together (a reading),
distinct combinations of them are shown to the table's own functions, and what those say is joined back to all rows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

from leeway.agents import Actor, is_model_file, process_name
from leeway.events import (
    EPOCH,
    ConnectionOpened,
    Event,
    Facet,
    FileTouched,
    Heartbeat,
    ModuleLoaded,
    NameResolved,
    Process,
    ProcessStarted,
    ToolCalled,
    Value,
    instant,
)
from leeway.summaries import FACETS, Credit, FacetRow
from leeway.summaries.facet_table import is_upkeep_place, tool_arguments


@dataclass(frozen=True)
class Reading:
    """Rows of the facet table that depend on the same columns of one kind of event."""

    kind: type[Event]
    columns: tuple[str, ...]
    facets: tuple[Facet, ...]
    needs_actor: bool = False
    """Whether they also depend on who acted."""

    @cached_property
    def tag(self) -> str:
        """The kind as events name it."""
        return str(self.kind.__struct_config__.tag)

    @cached_property
    def name(self) -> str:
        """A name for tables of this reading."""
        return "_".join((self.tag, *self.columns, *(("actor",) if self.needs_actor else ())))

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """All columns that its values depend on."""
        return (*self.columns, *(ACTOR if self.needs_actor else ()))

    @cached_property
    def rows(self) -> tuple[FacetRow, ...]:
        """The rows of the facet table that it stands for."""
        return tuple(row for row in FACETS if row.facet in self.facets and row.event is self.kind)


READINGS: Final[tuple[Reading, ...]] = (
    Reading(ProcessStarted, ("process_image",), (Facet.CHILD,)),
    Reading(ProcessStarted, ("process_image", "process_command_line"), (Facet.CHILD_ARGUMENTS,)),
    Reading(
        ConnectionOpened,
        ("destination", "outbound"),
        (Facet.REGISTRABLE_DOMAIN, Facet.DOMAIN, Facet.SUPERNET, Facet.NETWORK),
    ),
    Reading(ConnectionOpened, ("destination", "outbound", "port"), (Facet.DOMAIN_PORT, Facet.NETWORK_PORT)),
    Reading(ConnectionOpened, ("destination", "outbound", "range"), (Facet.NAMED_RANGE, Facet.NAMED_NETWORK)),
    Reading(ConnectionOpened, ("address", "outbound"), (Facet.IP,)),
    Reading(ConnectionOpened, ("outbound", "port"), (Facet.PORT,)),
    Reading(NameResolved, ("name",), (Facet.REGISTRABLE_DOMAIN, Facet.DOMAIN)),
    Reading(ModuleLoaded, ("path", "process_image"), (Facet.MODULE,)),
    Reading(ModuleLoaded, ("path", "process_image", "digest", "sha1"), (Facet.MODULE_DIGEST,)),
    Reading(FileTouched, ("path",), (Facet.TREE, Facet.DIRECTORY, Facet.FILE)),
    Reading(ToolCalled, ("tool",), (Facet.TOOL,)),
    Reading(ConnectionOpened, ("destination", "outbound"), (Facet.DOMAIN_CONTEXT,), needs_actor=True),
    Reading(NameResolved, ("name",), (Facet.DOMAIN_CONTEXT,), needs_actor=True),
    Reading(FileTouched, ("path", "action"), (Facet.MODEL_FILE,)),
    Reading(FileTouched, ("path", "action", "user"), (Facet.MODEL_FILE_USER,)),
    Reading(FileTouched, ("path", "action"), (Facet.MODEL_FILE_ARGUMENTS,), needs_actor=True),
    Reading(Event, ("user",), (Facet.USER,)),
    Reading(Event, ("hour",), (Facet.HOUR,)),
    Reading(ToolCalled, ("tool", "argument"), (Facet.TOOL_ARGUMENT,)),
)
"""All of them. Those about model files and upkeep are asked only where `is_rare` says so."""

RARE: Final = frozenset({Facet.DOMAIN_CONTEXT, Facet.MODEL_FILE, Facet.MODEL_FILE_USER, Facet.MODEL_FILE_ARGUMENTS})
"""Facets that few events show, for which rows are looked at once more."""

ACTOR: Final = ("actor_name", "actor_image", "actor_line")
"""Columns that say who acted: the name where no process is known, else the executable and the command line."""

_NOBODY: Final = Actor("", "", "", "", "", ())
_BLANK: Final[Mapping[type[Event], Mapping[str, Any]]] = {
    ConnectionOpened: {"destination": "", "port": 0},
    NameResolved: {"name": ""},
    ModuleLoaded: {"path": ""},
    FileTouched: {"path": "", "action": "created"},
    ToolCalled: {"tool": ""},
}
"""What an event of a kind cannot be without."""


def _actor(name: str | None, image: str | None, line: str | None) -> Actor:
    process = process_name(image or "") if name is None else name
    return Actor("", process, "", "", line or "", (), image or "")


def _shown(reading: Reading, columns: Sequence[Any]) -> Event:
    """Return an event that says what a combination of columns says, and nothing else.

    It is made without the checks that events from outside go through: a file whose rows fail them is not read so.
    """
    told = {name: value for name, value in zip(reading.columns, columns, strict=False) if value is not None}
    time = instant(told.pop("hour")) if "hour" in told else EPOCH
    process = {name: told.pop(f"process_{name}") for name in ("image", "command_line") if f"process_{name}" in told}
    if "argument" in told:
        told["arguments"] = {told.pop("argument"): ""}
    kind = Heartbeat if reading.kind is Event else reading.kind
    acted = Process(**process) if process else None
    return kind(time=time, host="-", process=acted, **{**_BLANK.get(kind, {}), **told})


class Meaning(NamedTuple):
    """One value that a combination of columns shows."""

    facet: Facet
    value: Value


def meanings(reading: Reading, columns: Sequence[Any]) -> Iterator[Meaning]:
    """Yield what one combination of a reading's columns shows; `hour` is a whole hour in microseconds since 1970.

    Where it needs to know who acted, the columns of `ACTOR` follow its own.
    """
    actor = _actor(*columns[len(reading.columns) :]) if reading.needs_actor else _NOBODY
    event = _shown(reading, columns)
    if isinstance(event, ToolCalled) and Facet.TOOL_ARGUMENT in reading.facets:
        yield from (Meaning(Facet.TOOL_ARGUMENT, value) for value in tool_arguments(event))
    for row in reading.rows:
        value = row.read(event, actor)
        if value is not None:
            yield Meaning(row.facet, value)


def is_rare(kind: str, word: str) -> bool:
    """Say whether a destination, a name or a path (of a kind of event) may show one of the facets `RARE`."""
    return is_model_file(word) if kind == "file_touched" else is_upkeep_place(word)


def is_plain(reading: Reading) -> bool:
    """Say whether a reading is of what most acts say, by themselves."""
    return reading.facets[0] not in RARE and "argument" not in reading.columns


def credit_of(reading: Reading) -> Credit:
    """Return for which agents the values of a reading count."""
    if Facet.TOOL_ARGUMENT in reading.facets:
        return Credit.NEAREST
    (credit,) = {row.credit for row in reading.rows}
    return credit


def uncovered() -> Iterable[FacetRow]:
    """Return the rows of the facet table that no reading stands for; there must be none."""
    covered = {(reading.kind, facet) for reading in READINGS for facet in reading.facets}
    return [row for row in FACETS if (row.event, row.facet) not in covered]
