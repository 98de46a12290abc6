"""Findings to the form a place wants. One file a form, one line here to add one."""

from leeway.sinks.csv_alerts import CsvAlerts
from leeway.sinks.json_lines import JsonLinesFindings, escaped, finding_record
from leeway.sinks.sink import Sink

SINKS: tuple[Sink, ...] = (CsvAlerts(), JsonLinesFindings())
"""The forms of a default installation."""

__all__ = ["SINKS", "CsvAlerts", "JsonLinesFindings", "Sink", "escaped", "finding_record"]
