"""Blank out what changes from run to run and nothing else: numbers, ids, dates, temporary names."""

import re
from functools import lru_cache

# Ordered; each rule leaves its own result alone, so that blanking is idempotent.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\{?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\}?"), "#"),
    (re.compile(r"(?i)((?:/tmp|/var/tmp|/private/tmp|/var/folders|\\temp|/temp|\\tmp)[\\/])[^\s\"'\\/;,)]+"), r"\1#"),
    (re.compile(r"\b[A-Za-z0-9+/]{40,}={0,2}"), "#"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "#"),
    (re.compile(r"\b(?:[a-f]*[0-9][0-9a-f]{7,}|[a-f]+[0-9][0-9a-f]{6,}|[A-F]*[0-9][0-9A-F]{7,}|[A-F]+[0-9][0-9A-F]{6,})\b"), "#"),
    (re.compile(r"[0-9]+"), "#"),
    (re.compile(r"#(?:[.:_T+\-]?#)+"), "#"),
)


@lru_cache(maxsize=65_536)
def blank(text: str) -> str:
    """Return `text` with UUIDs, long hex, base64 runs, numbers and temporary names replaced by `#`; idempotent.

    >>> blank("/tmp/tmpab12/model-00001-of-00004.safetensors")
    '/tmp/#/model-#-of-#.safetensors'
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


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
