"""Telemetry to events, one file a feed: what is at a URI, read with positions, nothing swallowed.

The kinds are in `SOURCES`; a new one need not be named here. Those that are have somebody who asks for just them.
"""

from leeway.sources.collections import COLUMNS, Collection, file_name, from_row, render, to_row
from leeway.sources.column_map import ColumnMap, load_column_map
from leeway.sources.defender import Defender
from leeway.sources.event_table import EventTable
from leeway.sources.event_table_writer import write_event_table
from leeway.sources.folders import PASSED_OVER_LIMIT
from leeway.sources.jsonl import JsonLines, write_event
from leeway.sources.opening import (
    NOTHING_TOLD,
    SOURCES,
    Told,
    can_observe,
    fingerprint,
    is_unfinished,
    open_sources,
    passed_over,
    source_kinds,
    still_holds,
)
from leeway.sources.places import Place, spooled
from leeway.sources.records import Record, Rejected, Skipped, Source, SourceKind
from leeway.sources.redacted import without_secrets
from leeway.sources.sysmon import Sysmon

__all__ = [
    "COLUMNS",
    "NOTHING_TOLD",
    "PASSED_OVER_LIMIT",
    "SOURCES",
    "Collection",
    "ColumnMap",
    "Defender",
    "EventTable",
    "JsonLines",
    "Place",
    "Record",
    "Rejected",
    "Skipped",
    "Source",
    "SourceKind",
    "Sysmon",
    "Told",
    "can_observe",
    "file_name",
    "fingerprint",
    "from_row",
    "is_unfinished",
    "load_column_map",
    "open_sources",
    "passed_over",
    "render",
    "source_kinds",
    "spooled",
    "still_holds",
    "to_row",
    "without_secrets",
    "write_event",
    "write_event_table",
]
