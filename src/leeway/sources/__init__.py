"""Telemetry to events, one file a feed: what is at a URI, read with positions, nothing swallowed."""

from leeway.sources.collections import COLUMNS, Collection, file_name, from_row, render, to_row
from leeway.sources.ecs import Ecs
from leeway.sources.evtx import Evtx
from leeway.sources.falco import Falco
from leeway.sources.jsonl import JsonLines, write_event
from leeway.sources.opening import SOURCES, fingerprint, open_sources, source_kinds, still_holds
from leeway.sources.places import Place, spooled
from leeway.sources.records import Record, Rejected, Skipped, Source, SourceKind
from leeway.sources.redacted import without_secrets
from leeway.sources.sysmon import Sysmon
from leeway.sources.tetragon import Tetragon
from leeway.sources.winlogbeat import Winlogbeat

__all__ = [
    "COLUMNS",
    "SOURCES",
    "Collection",
    "Ecs",
    "Evtx",
    "Falco",
    "JsonLines",
    "Place",
    "Record",
    "Rejected",
    "Skipped",
    "Source",
    "SourceKind",
    "Sysmon",
    "Tetragon",
    "Winlogbeat",
    "file_name",
    "fingerprint",
    "from_row",
    "open_sources",
    "render",
    "source_kinds",
    "spooled",
    "still_holds",
    "to_row",
    "without_secrets",
    "write_event",
]
