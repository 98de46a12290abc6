"""Which names are one host: a short and a full one, in any case; an alias file says the rest. Never merged on doubt.

A short name is taken for the full one that starts with it as soon as exactly one such is known from closed days (or
from events that are trusted, which are judged by nobody). Full names never change. Where a second full name with the
same first label turns up, the short name may be either's: from the next day on it is a host of its own, and the run
says so. Judging by what closed days showed keeps a live day's findings where they are, whatever else the day brings.
The one exception is a host known by its short name alone whose sensor begins to say the full one: it is taken for that
at once, and what it does waits for the day's close, by which a second full name would have shown.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from leeway.destinations import address_of, host_name
from leeway.events import AnyEvent

FullNames = tuple[str, ...]
"""The full names of one label in the order they were learnt; the first is empty where two came at once."""

MOST = 8
"""Full names of one label that are remembered; with two it is in doubt already."""

_NOBODY = frozenset({"localhost", "localhost.localdomain", "unknown", "none", "(none)", ""})
"""Names that many machines have: no name at all."""


class HostDoubt(NamedTuple):
    """A short name that may be one of several hosts."""

    label: str
    full_names: FullNames


class Hosts:
    """The names of one day's events, resolved by what is known before it."""

    def __init__(self, known: Mapping[str, FullNames], aliases: Mapping[str, str], trusted: Iterable[str] = ()) -> None:
        """Resolve by `known` (label to full names, as of the closed days), the alias file and trusted names."""
        self._aliases = aliases
        self._known = learnt_names(known, aliases, trusted)
        self._resolved: dict[str, str] = {}
        self.unsettled: frozenset[str] = frozenset()
        """Full names that took over from a known short one this very day: more names may still undo it."""

    def take_over(self, machines: Iterable[str], names: Iterable[str]) -> None:
        """Take hosts known by their short name alone (among `machines`) for the one full name of the day that fits."""
        fresh = learnt_names(self._known, self._aliases, names)
        first = {label: full for label, full in fresh.items() if label not in self._known and len(full) == 1}
        taken = {label: first[label] for label in first.keys() & set(machines)} if first else {}
        self._known.update(taken)
        self.unsettled = frozenset(full for (full,) in taken.values())

    def resolve(self, name: str) -> str:
        """Return the name of the host that `name` is one of."""
        found = self._resolved.get(name)
        if found is None:
            found = self._resolved[name] = self._look_up(name)
        return found

    def short_of(self, machine: str) -> str | None:
        """Return the short name that a full one also goes by, None where there is none or it is in doubt."""
        label = machine.partition(".")[0]
        return label if self._bound(label) == machine and machine != label else None

    def renamed(self, events: Iterable[AnyEvent]) -> tuple[AnyEvent, ...]:
        """Return the events under the names of their hosts; ids stay as they are."""
        return tuple(
            event if (name := self.resolve(event.host)) == event.host else replace(event, host=name) for event in events
        )

    def doubts(self, names: Iterable[str]) -> tuple[HostDoubt, ...]:
        """Return the short names among `names` that may be one of several hosts."""
        labels = {spelt for name in names if (spelt := host_name(name)) not in self._aliases and _is_short(spelt)}
        found = ((label, tuple(filter(None, self._known.get(label, ())))) for label in sorted(labels))
        return tuple(HostDoubt(label, full) for label, full in found if len(full) > 1)

    def _look_up(self, name: str) -> str:
        spelt = host_name(name)
        alias = self._aliases.get(spelt)
        if alias is not None:
            return alias
        known = self._known.get(spelt)
        if known is None or not _is_short(spelt):
            return spelt
        if len(known) == 1:
            return known[0]
        # It was taken for the first of them; from now on it is nobody's but its own.
        return f"{spelt}?" if known[0] else spelt

    def _bound(self, label: str) -> str | None:
        known = self._known.get(label)
        return known[0] if known else None


def learnt_names(
    known: Mapping[str, FullNames], aliases: Mapping[str, str], names: Iterable[str]
) -> dict[str, FullNames]:
    """Return label to full names after some more names were seen; the order within one batch does not matter."""
    learnt = dict(known)
    fresh: dict[str, set[str]] = {}
    for name in {host_name(name) for name in names}:
        label, dot, _ = name.partition(".")
        is_own = aliases.get(name, name) == name
        if dot and label and is_own and name not in _NOBODY and address_of(name) is None:
            fresh.setdefault(label, set()).add(name)
    for label, full in fresh.items():
        before = learnt.get(label, ())
        new = sorted(full - set(before))
        first = ("",) if not before and len(new) > 1 else ()
        learnt[label] = (*before, *first, *new)[: MOST + 1]
    return learnt


def _is_short(name: str) -> bool:
    return "." not in name and name not in _NOBODY
