"""What an event shows, worked out once for all events that show the same."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, get_args

from msgspec import Struct

from leeway.agents import Actor, Catalogue, argument_shape, is_model_file
from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    Event,
    Facet,
    FileTouched,
    Measure,
    ModuleLoaded,
    NameResolved,
    ProcessStarted,
    ToolCalled,
    Value,
)
from leeway.summaries import FACETS, Credit
from leeway.summaries.facet_table import MEASURES, MeasureRow, tool_arguments
from leeway.text import base_name, path_levels

REMEMBERED: Final = 65_536
"""Showings, and values, that are remembered; past it all are forgotten, which costs time and changes nothing."""

_BY_ACTOR: Final = frozenset({Facet.DOMAIN_CONTEXT, Facet.MODEL_FILE_ARGUMENTS})
"""Facets whose values tell who acted."""

_BY_TIME: Final = frozenset({Facet.HOUR})
"""Facets whose values tell when."""

_NOBODY: Final = Actor("", "", "", "", "", ())

FACETS_IN_ORDER: Final = tuple(Facet)
"""Facets by their index: enumerations are slow keys."""

_LINEAGE, _NEAREST, _PARENT = range(3)
_CREDITS: Final = {Credit.LINEAGE: _LINEAGE, Credit.NEAREST: _NEAREST, Credit.PARENT: _PARENT}

_Key = tuple[object, ...]

Place = tuple[str, str]
"""An `InstanceKey`, which it equals: host and local id. The garbage collector lets go of plain tuples of text."""

Part = tuple[Measure, str]
"""A measure and which part of it, empty for the whole."""

SENT: Final[Part] = (Measure.BYTES_OUT, "")


class _Row(NamedTuple):
    """A row of the facet table, taken apart."""

    credit: int
    facet: int
    read: Callable[[Any, Actor], Value | None]
    tells_actor: bool
    """Whether its values tell who acted."""


class Seen(Struct, eq=False, gc=False):
    """One value of one facet."""

    index: int
    """Of the facet."""
    value: Value
    fingerprint: int

    @property
    def facet(self) -> Facet:
        """The facet."""
        return FACETS_IN_ORDER[self.index]


class Showing(Struct, eq=False, gc=False):
    """What all events with the same fields show: values by the agents they count for, evidence, parts of measures."""

    number: int
    event: AnyEvent
    """One of them."""
    lineage: tuple[Seen, ...]
    nearest: tuple[Seen, ...]
    parent: tuple[Seen, ...]
    evidence: frozenset[str] = frozenset()
    measures: tuple[tuple[Part, Callable[[Any], int | None]], ...] = ()
    tells_actor: bool = False
    """Whether some values depend on who acted: then each actor has a variant of its own."""
    variants: "dict[Actor, Showing] | None" = None

    @property
    def user(self) -> str | None:
        """The user that the events name."""
        return self.event.user


class Showings:
    """The showings of one day, remembered by the fields that they depend on."""

    def __init__(self, catalogue: Catalogue, fingerprint: Callable[[Facet, Value], int]) -> None:
        self._catalogue = catalogue
        self._fingerprint = fingerprint
        self._number = 0
        self._known: dict[type[Event], tuple[dict[_Key, Showing], Callable[[Any], _Key]]]
        keys: dict[type[Event], Callable[[Any], _Key]] = {**_KEYS, FileTouched: self._of_file}
        self._known = {kind: ({}, keys[kind]) for kind in get_args(AnyEvent)}
        self._values: tuple[dict[Value, Seen], ...] = tuple({} for _ in FACETS_IN_ORDER)
        self._hours: dict[int, tuple[Seen, ...]] = {}

    def of(self, event: AnyEvent) -> Showing:
        """Return what an event shows, but for what tells who acted and when."""
        kind = type(event)
        known, key_of = self._known[kind]
        key = key_of(event)
        found = known.get(key)
        if found is None:
            if len(known) >= REMEMBERED:
                known.clear()
            found = known[key] = self._look_at(event, kind)
        return found

    def by(self, showing: Showing, actor: Actor) -> Showing:
        """Return what is shown where `actor` acted."""
        if showing.variants is None:
            showing.variants = {}
        found = showing.variants.get(actor)
        if found is None:
            found = showing.variants[actor] = self._made(showing.event, _ROWS[type(showing.event)], actor)
        return found

    def hour(self, event: AnyEvent) -> tuple[Seen, ...]:
        """Return what an event shows by its hour."""
        hour = event.time.hour
        found = self._hours.get(hour)
        if found is None:
            read = ((row.facet, row.read(event, _NOBODY)) for row in _TIMED)
            found = tuple(self._seen(facet, value) for facet, value in read if value is not None)
            self._hours[hour] = found
        return found

    def _of_file(self, event: FileTouched) -> _Key:
        # By the levels: files of which only the numbers differ are one.
        path = event.path
        is_model, evidence = is_model_file(path), self._catalogue.of_file(path)
        return path_levels(path), is_model, evidence, event.action != "read", event.user

    def _look_at(self, event: AnyEvent, kind: type[Event]) -> Showing:
        found = self._made(event, _ROWS[kind], _NOBODY)
        evidence_of = _EVIDENCE.get(kind)
        if evidence_of is not None:
            found.evidence = evidence_of(self._catalogue, event)
        if _PARTS[kind]:
            found.measures = tuple([((row.measure, row.key(event)), row.read) for row in _PARTS[kind]])
        return found

    def _made(self, event: AnyEvent, rows: tuple[_Row, ...], actor: Actor) -> Showing:
        values: tuple[list[Seen], list[Seen], list[Seen]] = ([], [], [])
        is_told = False
        for credit, facet, read, tells_actor in rows:
            value = read(event, actor)
            if value is not None:
                is_told = is_told or tells_actor
                known = self._values[facet].get(value)
                values[credit].append(self._seen(facet, value) if known is None else known)
        if isinstance(event, ToolCalled):
            values[_NEAREST].extend(self._seen(_TOOL_ARGUMENT, value) for value in tool_arguments(event))
        self._number += 1
        lineage, nearest, parent = map(tuple, values)
        return Showing(self._number, event, lineage, nearest, parent, tells_actor=is_told)

    def _seen(self, facet: int, value: Value) -> Seen:
        known = self._values[facet]
        found = known.get(value)
        if found is None:
            if len(known) >= REMEMBERED:
                known.clear()
            found = known[value] = Seen(facet, value, self._fingerprint(FACETS_IN_ORDER[facet], value))
        return found


_EVIDENCE: Final[dict[type[Event], Callable[[Catalogue, Any], frozenset[str]]]] = {
    ConnectionOpened: lambda catalogue, event: (
        catalogue.of_destination(event.destination, event.port) if event.outbound else frozenset()
    ),
    NameResolved: lambda catalogue, event: catalogue.of_destination(event.name, None),
    ModuleLoaded: lambda catalogue, event: catalogue.of_module(event.path),
    FileTouched: lambda catalogue, event: catalogue.of_file(event.path),
}
"""Kind to what an act says for its actor being an AI agent, as attribution has it."""


def _of_connection(event: ConnectionOpened) -> _Key:
    return event.destination, event.port, event.address, event.outbound, event.range, event.user


def _of_start(event: ProcessStarted) -> _Key:
    process = event.process
    if process is None:
        return (event.user,)
    # By the shape: command lines that are all different are still few kinds of start.
    line = process.command_line
    return process.image, None if line is None else argument_shape(line), event.user


def _of_module(event: ModuleLoaded) -> _Key:
    path, process = event.path, event.process
    is_own = process is not None and base_name(process.image) == base_name(path)
    return path, event.digest, event.sha1, is_own, event.user


def _of_call(event: ToolCalled) -> _Key:
    return event.tool, tuple(sorted(event.arguments)), event.user


_KEYS: Final[dict[type[Event], Callable[[Any], _Key]]] = {
    **{kind: lambda event: (event.user,) for kind in get_args(AnyEvent)},
    ConnectionOpened: _of_connection,
    ProcessStarted: _of_start,
    ModuleLoaded: _of_module,
    ToolCalled: _of_call,
    NameResolved: lambda event: (event.name, event.user),
}
"""Kind to that which what it shows depends on; of touched files that is found with the catalogue."""


def _rows(kind: type[Event], *, timed: bool = False) -> tuple[_Row, ...]:
    found = (row for row in FACETS if issubclass(kind, row.event) and (row.facet in _BY_TIME) is timed)
    return tuple(
        _Row(_CREDITS[row.credit], FACETS_IN_ORDER.index(row.facet), row.read, row.facet in _BY_ACTOR) for row in found
    )


def _parts(kind: type[Event]) -> tuple[MeasureRow, ...]:
    """Return the measures of a kind but for the count of events, which every cell has."""
    return tuple(row for row in MEASURES if issubclass(kind, row.event) and row.measure is not Measure.EVENTS)


_ROWS: Final = {kind: _rows(kind) for kind in get_args(AnyEvent)}
_PARTS: Final = {kind: _parts(kind) for kind in get_args(AnyEvent)}
_TIMED: Final = _rows(Event, timed=True)
_TOOL_ARGUMENT: Final = FACETS_IN_ORDER.index(Facet.TOOL_ARGUMENT)
