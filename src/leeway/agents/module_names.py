"""The name of a loaded library as it is compared across releases: without versions, build digests and ABI tags."""

import re
from functools import lru_cache

from leeway.text import base_name, blank

_PATH_LIMIT = 1_024
"""Characters of a path, from its end, that are looked at."""

_NAME_LIMIT = 256

_DELETED = " (deleted)"
"""What Linux puts behind the path of a mapped file that is gone (proc_pid_maps(5))."""

_FRAMEWORK = re.compile(r"(?:^|/)([^/]+)\.framework/(?:versions/[^/]+/)?\1$")
"""A library of a macOS framework has no ending; its folder has."""

_SHARED = re.compile(r"(.+)\.so(?:\.[0-9][0-9a-z_+~-]*)*")
"""Versions of an ELF library stand behind its ending."""

_ENDED = re.compile(r"(.+)(\.[a-z]{1,10})")

_API_SET = re.compile(r"((?:api|ext)-ms-.+)-l[0-9]+(?:-[0-9]+){1,2}")
"""A Windows API set; its version stands behind `-l`."""

_TAG = re.compile(r"\.(?:abi[0-9]+t?|(?:cpython-|cp|pypy|graalpy-?)[0-9][0-9a-z_-]*)$")
"""The ABI that a Python extension is built for (PEP 3149, PEP 425)."""

_DIGEST = re.compile(r"[-.](?=[a-f]*[0-9])[0-9a-f]{8,64}$")
"""The digest that auditwheel, delvewheel, cargo or a bundler puts behind a name; it has a digit, so no word is one."""

_VERSION = re.compile(r"[-.]v?[0-9]+(?:[._][0-9][0-9a-z]*)*$")

_TAILS = (_TAG, _DIGEST, _VERSION)


def module_name(path: str) -> str:
    """Return the name of a module, lower case, by which releases of it are one; at most 256 characters, idempotent.

    Versions, digests and ABI tags at its end are left out, numbers within it are `#`. A name that is nothing but
    digits of hexadecimal is `#` where it has a decimal digit, and itself otherwise. So `evil-1a2b3c4d.so` is
    `evil.so`: which content a name stands for, the facet of digests tells.

    >>> module_name("/x/libgomp-a34b3233.so.1.0.0"), module_name("_C.cp311-win_amd64.pyd"), module_name("python311.dll")
    ('libgomp.so', '_c.pyd', 'python#.dll')
    """
    return _remembered(path[-_PATH_LIMIT:])


@lru_cache(maxsize=16_384)
def _remembered(path: str) -> str:
    path = _trimmed(path.casefold())
    framework = _FRAMEWORK.search(path)
    name = f"{framework[1]}.framework" if framework else base_name(path)
    stem, ending = _split(_trimmed(name)[:_NAME_LIMIT])
    return _trimmed(f"{_numbers_blanked(_plain(stem))}{ending}")


def _trimmed(name: str) -> str:
    """Return a name without what may stand around it: blanks, quotes, the mark of a deleted file."""
    while (shorter := name.strip().strip('"').removesuffix(_DELETED)) != name:
        name = shorter
    return name


def _split(name: str) -> tuple[str, str]:
    """Return what stands before the ending, and the ending with its dot, which is letters only."""
    shared = _SHARED.fullmatch(name)
    if shared:
        return shared[1], ".so"
    ended = _ENDED.fullmatch(name)
    return (ended[1], ended[2]) if ended else (name, "")


def _plain(stem: str) -> str:
    """Return a stem without what releases put at its end; something always stays."""
    api_set = _API_SET.fullmatch(stem)
    if api_set:
        return api_set[1]
    while cut := next(filter(None, (tail.search(stem, 1) for tail in _TAILS)), None):
        stem = stem[: cut.start()]
    return stem


def _numbers_blanked(stem: str) -> str:
    # Part by part, because joined by _ numbers would become one: vcruntime140_1 is not vcruntime140.
    return "_".join(map(blank, stem.split("_")))
