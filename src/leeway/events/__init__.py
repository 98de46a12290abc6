"""The acts: typed, frozen, zoned; and the names of facets and measures. Nothing but values."""

from leeway.events.acts import (
    AnyEvent,
    ConnectionOpened,
    DeclaredAgent,
    Event,
    FileTouched,
    Heartbeat,
    ModuleLoaded,
    NameResolved,
    Process,
    ProcessEnded,
    ProcessStarted,
    SignatureChecked,
    ToolCalled,
)
from leeway.events.columns import COLUMNS, EPOCH, INSTANTS, event_of_row, instant, micros, row_of
from leeway.events.facets import WITHIN, Facet, Measure, Value
from leeway.events.identity import EventRef, decode, encode, event_id, identified, json_schema, order

__all__ = [
    "COLUMNS",
    "EPOCH",
    "INSTANTS",
    "WITHIN",
    "AnyEvent",
    "ConnectionOpened",
    "DeclaredAgent",
    "Event",
    "EventRef",
    "Facet",
    "FileTouched",
    "Heartbeat",
    "Measure",
    "ModuleLoaded",
    "NameResolved",
    "Process",
    "ProcessEnded",
    "ProcessStarted",
    "SignatureChecked",
    "ToolCalled",
    "Value",
    "decode",
    "encode",
    "event_id",
    "event_of_row",
    "identified",
    "instant",
    "json_schema",
    "micros",
    "order",
    "row_of",
]
