"""The one place where it is written what is remembered of an event.

A row says: of this kind of event, remember this value of this facet, for these agents. Builders, the law tests and
the list of what a source can observe read the table; nothing else knows which field feeds which facet.
"""

from collections.abc import Callable, Hashable
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from leeway.agents import Actor, argument_shape, is_model_file, process_name, upkeep
from leeway.agents.module_names import module_name
from leeway.destinations import host_name, network_levels, registrable_domain
from leeway.events import (
    ConnectionOpened,
    Event,
    Facet,
    FileTouched,
    Heartbeat,
    Measure,
    ModuleLoaded,
    NameResolved,
    ProcessEnded,
    ProcessStarted,
    SignatureChecked,
    ToolCalled,
    Value,
)
from leeway.text import base_name, path_levels

EPHEMERAL = 49_152
"""First dynamic port (RFC 6335 section 6); ports from here on are one value."""


class Credit(Enum):
    """For which agents a value counts."""

    LINEAGE = "the actor and every ancestor"
    NEAREST = "the nearest agent only: what a child loads says little about its grandparent"
    PARENT = "the ancestors of a started process, itself excluded"


class FacetRow(NamedTuple):
    """One line of the table. `read` returns None where the event does not show the facet."""

    facet: Facet
    event: type[Event]
    credit: Credit
    read: Callable[[Any, Actor], Value | None]


class MeasureRow(NamedTuple):
    """One quantity; `read` returns None where the sensor does not say. `key` names a part that is summed apart."""

    measure: Measure
    event: type[Event]
    read: Callable[[Any], int | None]
    key: Callable[[Any], str]


def _port(event: ConnectionOpened) -> str:
    return "ephemeral" if event.port >= EPHEMERAL else str(event.port)


def _place(event: ConnectionOpened) -> tuple[str, str] | None:
    """Return (registrable domain, host) of an outbound connection to a named host."""
    return _named(event.destination) if event.outbound else None


@lru_cache(maxsize=65_536)
def _named(text: str) -> tuple[str, str] | None:
    """Return (registrable domain, host) of a host name; None of an address, or where there is no name."""
    host = host_name(text)
    return (registrable_domain(host), host) if host and network_levels(text) is None else None


def _levels(event: ConnectionOpened) -> tuple[str, str, str] | None:
    """Return the address levels of an outbound connection whose host name is not known."""
    return network_levels(event.destination) if event.outbound else None


def _address(event: ConnectionOpened) -> Value | None:
    return network_levels(event.address or event.destination) if event.outbound else None


def _range(event: ConnectionOpened) -> Value | None:
    """Return (named range, network) of an outbound connection whose host name is not known."""
    levels = _levels(event) if event.range else None
    return (event.range or "", levels[1]) if levels else None


@lru_cache(maxsize=65_536)
def is_upkeep_place(text: str) -> bool:
    """Say whether a host belongs to some program's upkeep, so that it matters who spoke to it."""
    return bool(upkeep().at(text))


def _context(destination: str, actor: Actor) -> Value | None:
    """Return (registrable domain, host, the upkeep it is), the last part empty where another program spoke."""
    place = _named(destination) if is_upkeep_place(destination) else None
    return (*place, upkeep().recognise(destination, actor.image, actor.command_line)) if place else None


def _context_of(event: ConnectionOpened, actor: Actor) -> Value | None:
    return _context(event.destination, actor) if event.outbound else None


def _domain_port(event: ConnectionOpened) -> Value | None:
    place = _place(event)
    return (place[0], _port(event)) if place else None


def _network_port(event: ConnectionOpened) -> Value | None:
    levels = _levels(event)
    return (levels[0], levels[1], _port(event)) if levels else None


def _child_arguments(event: ProcessStarted) -> Value | None:
    process = event.process
    if process is None or process.command_line is None:
        return None
    return process_name(process.image), argument_shape(process.command_line)


def _child(event: ProcessStarted, _: Actor) -> Value | None:
    return (process_name(event.process.image),) if event.process and event.process.image else None


def _module(event: ModuleLoaded) -> Value | None:
    own = event.process is not None and base_name(event.process.image) == base_name(event.path)
    name = module_name(event.path)
    return None if own or not name else (name,)


def _module_digest(event: ModuleLoaded, _: Actor) -> Value | None:
    module = _module(event)
    # A load without a digest is a value of its own: a digest that comes later does not speak for it.
    return (*module, (event.digest or event.sha1 or "").casefold()) if module else None


@lru_cache(maxsize=65_536)
def _model_file(path: str) -> str | None:
    tree = "/".join(part for part in path_levels(path)[1:] if part)
    return tree if is_model_file(path) else None


def _model(event: FileTouched) -> str | None:
    return _model_file(event.path) if event.modifies else None


def is_model_change(event: FileTouched) -> bool:
    """Say whether a model is another one afterwards, so that it matters who acted."""
    return _model(event) is not None


def _user(event: Event) -> str:
    """Return the user as compared: accounts of Windows' domains are the same in any case, those of Unix are not."""
    user = event.user or ""
    return user.casefold() if "\\" in user else user


def _model_user(event: FileTouched, _: Actor) -> Value | None:
    file = _model(event)
    return (file, _user(event)) if file and event.user else None


def _model_arguments(event: FileTouched, actor: Actor) -> Value | None:
    file = _model(event)
    return (file, f"{actor.process} {argument_shape(actor.command_line)}".strip()) if file else None


def _hour(event: Event, _: Actor) -> Value:
    return ("weekend" if event.time.weekday() >= 5 else "weekday", f"{event.time.hour:02d}")  # noqa: PLR2004  # Saturday


def _levels_or_none(value: Value | None, length: int) -> Value | None:
    return value[:length] if value else None


FACETS: tuple[FacetRow, ...] = (
    FacetRow(Facet.CHILD, ProcessStarted, Credit.PARENT, _child),
    FacetRow(Facet.CHILD_ARGUMENTS, ProcessStarted, Credit.PARENT, lambda event, _: _child_arguments(event)),
    FacetRow(Facet.REGISTRABLE_DOMAIN, ConnectionOpened, Credit.LINEAGE, lambda e, _: _levels_or_none(_place(e), 1)),
    FacetRow(Facet.DOMAIN, ConnectionOpened, Credit.LINEAGE, lambda event, _: _place(event)),
    FacetRow(Facet.DOMAIN_PORT, ConnectionOpened, Credit.LINEAGE, lambda event, _: _domain_port(event)),
    FacetRow(Facet.SUPERNET, ConnectionOpened, Credit.LINEAGE, lambda e, _: _levels_or_none(_levels(e), 1)),
    FacetRow(Facet.NETWORK, ConnectionOpened, Credit.LINEAGE, lambda e, _: _levels_or_none(_levels(e), 2)),
    FacetRow(Facet.NAMED_RANGE, ConnectionOpened, Credit.LINEAGE, lambda e, _: _levels_or_none(_range(e), 1)),
    FacetRow(Facet.NAMED_NETWORK, ConnectionOpened, Credit.LINEAGE, lambda event, _: _range(event)),
    FacetRow(Facet.NETWORK_PORT, ConnectionOpened, Credit.LINEAGE, lambda event, _: _network_port(event)),
    FacetRow(Facet.IP, ConnectionOpened, Credit.LINEAGE, lambda event, _: _address(event)),
    FacetRow(
        Facet.PORT, ConnectionOpened, Credit.LINEAGE, lambda event, _: ("out" if event.outbound else "in", _port(event))
    ),
    FacetRow(Facet.REGISTRABLE_DOMAIN, NameResolved, Credit.LINEAGE, lambda e, _: _levels_or_none(_named(e.name), 1)),
    FacetRow(Facet.DOMAIN, NameResolved, Credit.LINEAGE, lambda event, _: _named(event.name)),
    FacetRow(Facet.DOMAIN_CONTEXT, ConnectionOpened, Credit.LINEAGE, _context_of),
    FacetRow(Facet.DOMAIN_CONTEXT, NameResolved, Credit.LINEAGE, lambda event, actor: _context(event.name, actor)),
    FacetRow(Facet.MODULE, ModuleLoaded, Credit.NEAREST, lambda event, _: _module(event)),
    FacetRow(Facet.MODULE_DIGEST, ModuleLoaded, Credit.NEAREST, _module_digest),
    FacetRow(Facet.TREE, FileTouched, Credit.LINEAGE, lambda event, _: path_levels(event.path)[:1]),
    FacetRow(Facet.DIRECTORY, FileTouched, Credit.LINEAGE, lambda event, _: path_levels(event.path)[:2]),
    FacetRow(Facet.FILE, FileTouched, Credit.LINEAGE, lambda event, _: path_levels(event.path)),
    FacetRow(Facet.MODEL_FILE, FileTouched, Credit.LINEAGE, lambda event, _: (f,) if (f := _model(event)) else None),
    FacetRow(Facet.MODEL_FILE_USER, FileTouched, Credit.LINEAGE, _model_user),
    FacetRow(Facet.MODEL_FILE_ARGUMENTS, FileTouched, Credit.LINEAGE, _model_arguments),
    FacetRow(Facet.USER, Event, Credit.LINEAGE, lambda event, _: (_user(event),) if event.user else None),
    FacetRow(Facet.TOOL, ToolCalled, Credit.NEAREST, lambda event, _: (event.tool,)),
    FacetRow(Facet.HOUR, Event, Credit.LINEAGE, _hour),
)
"""Rows whose event is `Event` hold for every kind."""


def _destination(event: ConnectionOpened) -> str:
    place = _place(event)
    # Never "", which is the key of the whole.
    return place[0] if place else event.destination or "(no destination)"


_bytes_out = attrgetter("bytes_out")


def _tool(event: ToolCalled) -> str:
    # Never "" either.
    return event.tool or "(no tool)"


MEASURES: tuple[MeasureRow, ...] = (
    MeasureRow(Measure.EVENTS, Event, lambda _: 1, lambda _: ""),
    MeasureRow(Measure.BYTES_OUT, ConnectionOpened, _bytes_out, lambda _: ""),
    MeasureRow(Measure.BYTES_OUT, ConnectionOpened, _bytes_out, _destination),
    MeasureRow(Measure.BYTES_IN, ConnectionOpened, lambda event: event.bytes_in, lambda _: ""),
    MeasureRow(Measure.TOOL_DURATION_US, ToolCalled, lambda event: event.duration_us, _tool),
)


def _same(_: Event) -> None:
    return None


def _started(event: ProcessStarted) -> tuple[str, str | None] | None:
    return (event.process.image, event.process.command_line) if event.process else None


def _loaded(event: ModuleLoaded) -> tuple[str | None, ...]:
    return event.path, event.digest, event.sha1, event.process.image if event.process else None


LOOKS: dict[type[Event], Callable[[Any], Hashable]] = {
    ProcessStarted: _started,
    ProcessEnded: _same,
    ConnectionOpened: attrgetter("destination", "port", "address", "outbound", "range"),
    NameResolved: attrgetter("name"),
    ModuleLoaded: _loaded,
    FileTouched: attrgetter("path", "modifies"),
    ToolCalled: lambda event: (event.tool, *sorted(event.arguments)),
    SignatureChecked: _same,
    Heartbeat: _same,
}
"""Kind of event to all that the rows read of it, beside its time, its user, who acted, and the amounts of measures.

Two events of one kind with the same look show the same values: they may be counted together.
"""


def tool_arguments(event: ToolCalled) -> tuple[Value, ...]:
    """Return the values of TOOL_ARGUMENT, the one facet of which an event shows several."""
    return tuple((event.tool, name) for name in sorted(event.arguments))
