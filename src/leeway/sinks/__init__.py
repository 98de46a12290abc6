"""Findings to the form a place wants. One file a form, one line in `targets` to add one."""

from leeway.sinks.cef import Cef
from leeway.sinks.csv_alerts import CsvAlerts
from leeway.sinks.json_lines import JsonDocument, JsonLinesFindings, escaped, finding_record
from leeway.sinks.network import Network
from leeway.sinks.ocsf import Ocsf
from leeway.sinks.outbox import Announced, Delivery, Recipient
from leeway.sinks.outlet import Answer, Outlet, Parcel, Receipt
from leeway.sinks.sink import Activity, Sink, Told
from leeway.sinks.syslog import Syslog
from leeway.sinks.targets import SINKS, Target, outlet_of, parse_target

__all__ = [
    "SINKS",
    "Activity",
    "Announced",
    "Answer",
    "Cef",
    "CsvAlerts",
    "Delivery",
    "JsonDocument",
    "JsonLinesFindings",
    "Network",
    "Ocsf",
    "Outlet",
    "Parcel",
    "Receipt",
    "Recipient",
    "Sink",
    "Syslog",
    "Target",
    "Told",
    "escaped",
    "finding_record",
    "outlet_of",
    "parse_target",
]
