"""What is on disk: the state database, files written whole or not at all, the hold on a directory."""

from leeway.storage.database import Database, Offset, Row
from leeway.storage.file_rows import EventTableRow, PackedPart
from leeway.storage.files import append_whole, make_private_directory, put_in_place, read_or_make_secret, write_whole
from leeway.storage.hold import hold

__all__ = [
    "Database",
    "EventTableRow",
    "Offset",
    "PackedPart",
    "Row",
    "append_whole",
    "hold",
    "make_private_directory",
    "put_in_place",
    "read_or_make_secret",
    "write_whole",
]
