"""Tables in which the catalogue looks up what an event says; each is built once and needs a few steps a look."""

import re
from collections.abc import Iterable
from typing import TypeVar

from leeway.agents.entries import Entry
from leeway.destinations import host_name

Ids = frozenset[str]
"""Ids of entries."""

NOTHING: Ids = frozenset()
"""No ids. What is remembered is this one: each other empty set is one more object for the garbage collector."""

_HELPER = re.compile(r"(.+?) (?:helper|crashpad handler)(?: \([a-z]+\))?$")
_WRAPPED = re.compile(r"\.(.+)-wrapped_*$")
"""How Nix calls the program that its wrapper starts."""

_PLATFORM = re.compile(
    r"(?:[-_.](?:v[0-9]+(?:\.[0-9]+)*|[0-9]+\.[0-9]+\.[0-9]+(?:\.[0-9]+)*|linux|darwin|apple|macos|osx|windows"
    r"|win32|win64|win|pc|unknown|msvc|gnu|musl|baseline|x86[-_]64|x64|x86|amd64|arm64|aarch64|universal|appimage))+$"
)
"""Platform words and versions; a bare number is none: `jan-2026` is a month, not Jan."""

_BOUNDARY = re.compile(r"[-_. ]|[0-9]")
_BOUNDARIES = 16
_NAME_LENGTH = 256


class Names:
    """Process names: exact, or open at one end behind a word boundary."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._exact: dict[str, Ids] = {}
        self._starts: dict[str, Ids] = {}
        self._ends: dict[str, Ids] = {}
        for entry in entries:
            for pattern in entry.patterns:
                word = pattern.strip("*").strip("-_ ") if "*" in pattern else pattern
                _add(self._exact, word, entry.id)
                if pattern.endswith("*"):
                    _add(self._starts, word, entry.id)
                elif pattern.startswith("*"):
                    _add(self._ends, word, entry.id)

    def find(self, name: str) -> Ids:
        """Return the ids that a process name, lower case, speaks for."""
        name = name[:_NAME_LENGTH]
        found = self._exact.get(name, NOTHING) | self._exact.get(_plain(name), NOTHING)
        for boundary in list(_BOUNDARY.finditer(name))[:_BOUNDARIES]:
            found |= self._starts.get(name[: boundary.start()], NOTHING)
            found |= self._ends.get(name[boundary.end() :], NOTHING)
        return found or NOTHING


def _plain(name: str) -> str:
    """Return a process name without an Electron role, a packager's wrapping, and a release's version and platform.

    >>> _plain("claude helper (plugin)"), _plain("codex-x86_64-apple-darwin"), _plain(".goose-wrapped")
    ('claude', 'codex', 'goose')
    """
    around = _HELPER.match(name) or _WRAPPED.match(name)
    return _PLATFORM.sub("", around[1] if around else name)


_LABELS = 8
"""Labels of a host name that are compared, from its end; no host of the catalogue has as many."""


class Suffixes:
    """Host suffixes on label boundaries.

    `*` is any one second label; in a first label it is what precedes the last hyphen or follows the first one.
    """

    def __init__(self, patterns: Iterable[tuple[str, str]]) -> None:
        """Know each of some (pattern, id)."""
        self._known: dict[str, Ids] = {}
        for pattern, id_ in patterns:
            _add(self._known, pattern, id_)

    def find(self, host: str) -> Ids:
        """Return the ids of every suffix of a host name that is known."""
        labels = host_name(host).split(".")[-_LABELS:]
        found = NOTHING
        for index in range(len(labels)):
            first, *rest = labels[index:]
            seconds = (rest, ["*", *rest[1:]])
            for label in _forms(first):
                for second in seconds:
                    found |= self._known.get(".".join((label, *second)), NOTHING)
        return found


def _forms(label: str) -> tuple[str, ...]:
    """Return a host's label as entries may write it.

    >>> _forms("us-central1-aiplatform")
    ('us-central1-aiplatform', '*-aiplatform', 'us-*')
    """
    if "-" not in label:
        return (label,)
    return label, f"*-{label.rpartition('-')[2]}", f"{label.partition('-')[0]}-*"


_MODULE_DEPTH = 6
"""Modules around a module that are looked up too."""

_LITERAL = re.compile(r"[@/a-z0-9._-]+")


class Arguments:
    """What a named program is, by the position it stands in; `_` and `-` are the same."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._literals: dict[tuple[str, str], Ids] = {}
        self._patterns: dict[str, list[tuple[re.Pattern[str], str]]] = {}
        for entry in entries:
            for position in entry.positions:
                for pattern in entry.patterns:
                    if _LITERAL.fullmatch(pattern):
                        _add(self._literals, (position, pattern), entry.id)
                    else:
                        self._patterns.setdefault(position, []).append((re.compile(pattern), entry.id))
        self._any = {
            position: re.compile("|".join(f"(?:{pattern.pattern})" for pattern, _ in patterns))
            for position, patterns in self._patterns.items()
        }
        """Position to what finds any of its patterns."""

    def find(self, position: str, name: str) -> Ids:
        """Return the ids of a program at a position; a module stands for the ones it lies in too."""
        name = name.replace("_", "-")
        found = self._one(position, name)
        for _ in range(_MODULE_DEPTH if position == "module" else 0):
            if not name:
                break
            name = name.rpartition(".")[0]
            found |= self._one(position, name)
        return found or NOTHING

    def _one(self, position: str, name: str) -> Ids:
        found, any_of = self._literals.get((position, name), NOTHING), self._any.get(position)
        if any_of is None or any_of.fullmatch(name) is None:
            return found
        return found.union([id_ for pattern, id_ in self._patterns[position] if pattern.fullmatch(name)])


class PathEnds:
    """Ends of paths, `*` within one component."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._patterns = [
            (re.compile("(?:^|/)(?:" + "|".join(map(_glob, entry.patterns)) + ")$"), entry.id) for entry in entries
        ]

    def find(self, path: str) -> Ids:
        """Return the ids whose pattern the path, slashed and lower case, ends with."""
        return frozenset(id_ for pattern, id_ in self._patterns if pattern.search(path))


def _glob(pattern: str) -> str:
    return "[^/]+".join(map(re.escape, pattern.split("*")))


_Key = TypeVar("_Key")


def _add(table: dict[_Key, Ids], key: _Key, id_: str) -> None:
    table[key] = table.get(key, NOTHING) | {id_}


def table_of(entries: Iterable[Entry]) -> dict[str, Ids]:
    """Return pattern to the ids of the entries that have it."""
    table: dict[str, Ids] = {}
    for entry in entries:
        for pattern in entry.patterns:
            _add(table, pattern, entry.id)
    return table


_LEGAL = re.compile(r"(?:[ ,]+(?:inc|llc|l\.l\.c|pbc|pte|pty|ltd|limited|plc|corp|corporation|co|gmbh|sas|bv))*[ .,]*$")
_SUBJECT = re.compile(r"(?:^|[,;] *)cn=\"?([^\"=]+?)\"?(?:, *[a-z]+=.*)?$")
_TEAM = re.compile(r"(?:developer id application|apple distribution): *(.+?)(?: \([a-z0-9]{6,16}\))?$")


def publisher_of(signer: str) -> str:
    """Return a publisher without certificate syntax and legal form.

    >>> publisher_of("Anthropic, PBC"), publisher_of("Developer ID Application: Anthropic PBC (Q6L2SF6YDW)")
    ('anthropic', 'anthropic')
    """
    name = signer[:_NAME_LENGTH].strip().casefold()
    for pattern in (_SUBJECT, _TEAM):
        found = pattern.search(name)
        name = found[1] if found else name
    return _LEGAL.sub("", name)


_REPLICA = re.compile(r"[-_][0-9]{1,3}$")


def unit_name(unit: str) -> str:
    """Return a unit's name without its type, instance, image tag or number.

    >>> unit_name("ollama.service"), unit_name("vllm/vllm-openai:v1"), unit_name("lab-ollama-1")
    ('ollama', 'vllm-openai', 'lab-ollama')
    """
    name = unit[:_NAME_LENGTH].casefold().partition("@")[0].rpartition("/")[2].partition(":")[0]
    return _REPLICA.sub("", name.removesuffix(".service").removesuffix(".scope"))


def slashed(path: str) -> str:
    """Return a path as it is compared: `/` between components, lower case."""
    return path.replace("\\", "/").casefold()


_RELEASE = re.compile(r"(?:-[0-9a-f]{8})?(?:64)?(?:_[0-9]+)?$")


def library_of(path: str) -> str:
    """Return the name of a library as entries write it.

    >>> library_of("/x/libctranslate2-1a2b3c4d.so.4.5.0"), library_of("_tiktoken.cp311-win_amd64.pyd")
    ('ctranslate2', '_tiktoken')
    """
    stem = slashed(path).rpartition("/")[2].partition(".")[0]
    return _RELEASE.sub("", stem.removeprefix("lib"), count=1)


def extension_of(path: str) -> str:
    """Return what follows the last dot of a slashed path's name; empty where it has none, or nothing before it."""
    stem, _, extension = path.rpartition("/")[2].rpartition(".")
    return extension if stem else ""
