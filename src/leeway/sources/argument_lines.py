"""Arguments that stand apart, as the one command line that other sensors report: one program, one shape."""

import re
import shlex
from collections.abc import Iterable
from typing import Final

_NEEDS_QUOTES: Final = re.compile(r"[\s\"']|^$")
"""What a command line needs quotes around, to be split again where it was; a backslash is a path's on Windows."""


def quoted_line(arguments: Iterable[str]) -> str:
    """Return arguments as one line; those with white space, quotes or nothing in them quoted as a shell would have it.

    >>> quoted_line(("bash", "-c", "git status"))
    "bash -c 'git status'"
    """
    return " ".join(shlex.quote(one) if _NEEDS_QUOTES.search(one) else one for one in arguments)
