"""Text from outside: redacted before it is stored, blanked before it is compared, escaped before it is shown."""

from leeway.text.escape import display, from_csv_cell, to_csv_cell
from leeway.text.redaction import redact
from leeway.text.shapes import base_name, blank, blank_once, path_levels

__all__ = ["base_name", "blank", "blank_once", "display", "from_csv_cell", "path_levels", "redact", "to_csv_cell"]
