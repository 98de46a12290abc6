"""What is on disk: the state database, files written whole or not at all, the hold on a directory."""

from leeway.storage.database import Database, Offset, Row
from leeway.storage.files import append_whole, make_private_directory, read_or_make_secret, write_whole
from leeway.storage.hold import hold

__all__ = [
    "Database",
    "Offset",
    "Row",
    "append_whole",
    "hold",
    "make_private_directory",
    "read_or_make_secret",
    "write_whole",
]
