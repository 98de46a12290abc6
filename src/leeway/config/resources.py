"""How much of the machine a run may take."""

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from leeway.errors import InvalidConfigError

_SIZE: Final = re.compile(r"[1-9][0-9]{0,6}(?:MB|GB|MiB|GiB)")


class Resources(Struct, frozen=True, kw_only=True):
    """Bounds on what the DuckDB engine takes; results do not depend on them.

    Raises:
        InvalidConfigError: for a memory that is no size, or fewer than no threads.
    """

    memory: str = "2GB"
    """Most memory that tables take, as DuckDB spells it; what goes beyond is spilled to disk."""
    threads: int = 0
    """Threads; 0 takes one a core."""
    spill: Path | None = None
    """Folder for what does not fit in memory; None keeps everything in memory, and fails where that is too little."""

    def __post_init__(self) -> None:
        if not _SIZE.fullmatch(self.memory):
            raise InvalidConfigError(f"the memory {self.memory!r} is no size", hint="write 2GB or 512MB")
        if self.threads < 0:
            raise InvalidConfigError(f"there are no {self.threads} threads", hint="0 takes one a core")
