"""Findings as a table for a spreadsheet (row B41)."""

import csv
import io
from collections.abc import Iterable
from typing import ClassVar

from leeway.findings import CAUTION, Finding
from leeway.sinks.sink import Told
from leeway.text import display, to_csv_cell

COLUMNS = (
    "finding_id",
    "case_id",
    "severity",
    "type",
    "agent",
    "agent_name",
    "first",
    "last",
    "host",
    "process",
    "parent",
    "user",
    "command_line",
    "lineage",
    "evidence",
    "tags",
    "context",
    "event_ids",
    "linked_to",
    "note",
)

_JOINTS = {"lineage": " > ", "event_ids": " "}
"""What stands between the parts of a cell; a comma in others."""

_CELL_LIMIT = 32_000
"""Characters of a cell: what spreadsheets take, and a mark that it was cut."""


class CsvAlerts:
    """Findings as CSV: every cell quoted and on one line, none that a spreadsheet would run or a terminal obey."""

    name: ClassVar[str] = "csv"
    suffix: ClassVar[str] = ".csv"
    is_appended: ClassVar[bool] = True

    def render(self, findings: Iterable[Finding], told: Told | None = None) -> bytes:  # noqa: ARG002  # no column for it
        """Return a header and one row a finding (RFC 4180, UTF-8)."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        writer.writerows([_shown(_cell(finding, column)) for column in COLUMNS] for finding in findings)
        return text.getvalue().encode()


def _shown(text: str) -> str:
    # These files are looked at in terminals as well: escape what those obey, then what a spreadsheet would run.
    return to_csv_cell(display(text, limit=_CELL_LIMIT))


def _cell(finding: Finding, column: str) -> str:
    match column:
        case "first" | "last":
            return str(getattr(finding, column).isoformat().replace("+00:00", "Z"))
        case "lineage" | "event_ids" | "tags" | "context":
            return _JOINTS.get(column, ", ").join(getattr(finding, column))
        case "evidence":
            return finding.reason
        case "note":
            return CAUTION
    return str(getattr(finding, column))
