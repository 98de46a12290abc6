"""Which traffic is a known program's ordinary upkeep: packages fetched, systems updated, usage reported (row A15).

Upkeep is recognised by evidence on both ends: who spoke, and to whom. It is context for a person, and one severity
less; nothing is ever let pass because of it.
"""

import re
import tomllib
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Literal

from msgspec import Meta, Struct, convert

from leeway.agents.arguments import process_name
from leeway.agents.lookups import Suffixes
from leeway.agents.programs import programs

Text = Annotated[str, Meta(min_length=1, max_length=256)]
Patterns = Annotated[tuple[Text, ...], Meta(max_length=64)]

_STRAY = re.compile(r"(?:^|[/\\])(?:tmp|temp|dev/shm|downloads?)[/\\]", re.IGNORECASE)
"""Folders that anybody writes to: a program that runs from there is not the one it is called after."""

_RELEASE = re.compile(r"[0-9][0-9.]*$")
"""The version in `pip3.12`; it says nothing of which program it is."""


class Upkeep(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One program's ordinary traffic; the head of `upkeep.toml` says what is recognised."""

    id: Text
    label: Text
    category: Literal["package_manager", "system_update", "agent_side_traffic"]
    programs: Annotated[Patterns, Meta(min_length=1)]
    scripts: Patterns = ()
    destinations: Annotated[Patterns, Meta(min_length=1)]
    source: Text
    date: date


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    entry: tuple[Upkeep, ...]


class UpkeepTable:
    """The entries, looked up by destination first: most destinations are nobody's upkeep."""

    def __init__(self, entries: Iterable[Upkeep]) -> None:
        self.entries = {entry.id: entry for entry in entries}
        self._places = Suffixes((place, one.id) for one in self.entries.values() for place in one.destinations)

    def at(self, destination: str) -> tuple[Upkeep, ...]:
        """Return the entries that a host belongs to, in their order; none for an address."""
        found = self._places.find(destination)
        return tuple(entry for id_, entry in self.entries.items() if id_ in found) if found else ()

    def recognise(self, destination: str, image: str, command_line: str) -> str:
        """Return the id of the entry that this traffic is the upkeep of; empty where it is nobody's.

        Args:
            destination: the host spoken to.
            image: path or name of the executable that spoke.
            command_line: its command line; empty where it is not known.
        """
        entries = self.at(destination)
        if not entries or _STRAY.search(image):
            return ""
        named, scripts = _program_names(image, command_line)
        for entry in entries:
            if not named.isdisjoint(entry.programs) or not scripts.isdisjoint(entry.scripts):
                return entry.id
        return ""


@lru_cache(maxsize=16_384)
def _program_names(image: str, command_line: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names a process goes by (its own; the module, package or command it runs), and its scripts'."""
    run = programs(command_line)[1:] if command_line else ()
    named = {process_name(image), *(name for position, name in run if position != "script")}
    scripts = {name for position, name in run if position == "script"}
    return frozenset({*named, *map(_unversioned, named)}), frozenset({*scripts, *map(_unversioned, scripts)})


def _unversioned(name: str) -> str:
    return _RELEASE.sub("", name)


@lru_cache(maxsize=1)
def upkeep() -> UpkeepTable:
    """Return the table that Leeway brings along."""
    raw = files("leeway.agents").joinpath("upkeep.toml").read_text("utf-8")
    return UpkeepTable(convert(tomllib.loads(raw), _File).entry)
