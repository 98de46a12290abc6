"""Blank out what changes from run to run and nothing else: numbers, ids, dates, temporary names."""

import re
from functools import lru_cache

_HEX = "|".join(f"[a-fA-F]{{{n}}}[0-9][0-9a-fA-F]{{{7 - n},}}" for n in range(7)) + "|[a-fA-F]{7,}[0-9][0-9a-fA-F]*"
"""Eight or more hex digits of which one is a decimal digit, spelled out by where that digit stands."""

_PART = r"[^\s\"'\\/;,)]+"
"""One component of a path inside a command line."""

# Ordered, in the RE2 subset, ASCII classes. Idempotent because nothing a rule writes can make a match that was not
# there before: every rule either needs a decimal digit, of which none is left, or looks only at unbroken text.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.ASCII), replacement)
    for pattern, replacement in (
        (r"\{?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\}?", "#"),
        (rf"(/var/folders)/{_PART}/{_PART}/([A-Za-z])/{_PART}", r"\1/#/#/\2/#"),
        (rf"((?i:/tmp|/temp|\\tmp|\\temp|/var/folders)[\\/]){_PART}", r"\1#"),
        # Base64: a slash may stand in it, but not in its first 24 characters, or any long path would be one.
        (r"[A-Za-z0-9+]{24,}[A-Za-z0-9+/]{16,}={0,2}", "#"),
        (r"\b0x[0-9a-fA-F]+\b", "#"),
        (rf"\b(?:{_HEX})\b", "#"),
        # Letters and digits in turn, three times and more: the suffix of a pod, a nanoid.
        (r"\b[A-Za-z]*(?:[0-9]+[A-Za-z]+){3,}[0-9]*\b", "#"),
        (r"[0-9]+", "#"),
        (r"#(?:[.:_T+\-]?#)+", "#"),
    )
)

_CACHED_LENGTH = 512
"""Longer texts are blanked each time: hostile lines must not fill the cache's memory."""


def blank(text: str) -> str:
    """Return `text` with UUIDs, long hex, base64 runs, numbers and temporary names replaced by `#`; idempotent.

    >>> blank("/tmp/tmpab12/model-00001-of-00004.safetensors")
    '/tmp/#/model-#-of-#.safetensors'
    """
    return _remembered(text) if len(text) <= _CACHED_LENGTH else _blanked(text)


def _blanked(text: str) -> str:
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


_remembered = lru_cache(maxsize=65_536)(_blanked)


@lru_cache(maxsize=65_536)
def base_name(path: str) -> str:
    r"""Return the last component of a Windows or POSIX path, lower case, as names are compared.

    >>> base_name(r"C:\\Windows\\System32\\cmd.EXE")
    'cmd.exe'
    """
    return path.strip().strip('"').replace("\\", "/").rstrip("/").rpartition("/")[2].casefold()


_TREE_DEPTH = 3
"""Components that make the tree of a path: `/home/ana/.ssh`, `c:/users/ana`."""


@lru_cache(maxsize=65_536)
def path_levels(path: str) -> tuple[str, str, str]:
    """Return (tree, directory, file) of a path: blanked, `/` between parts, lower case, at most 1,024 characters.

    >>> path_levels("/home/ana/.cache/huggingface/model-2.bin")
    ('/home/ana/.cache', '/home/ana/.cache/huggingface', 'model-#.bin')
    """
    text = blank(path[:1024].replace("\\", "/").casefold())
    directory, _, name = text.rpartition("/")
    return "/".join(directory.split("/")[: _TREE_DEPTH + 1]), directory or "/", name
