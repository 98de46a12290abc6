"""Named ranges: which of the networks that a user named an address lies in, the most specific one.

A table is compiled once, when it is imported, and packed; `NamedRanges` lays all tables flat into stretches of
addresses that have one answer each, so that a look-up is one bisection.
"""

import re
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, MutableSequence, Sequence
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from struct import Struct as Layout
from typing import NamedTuple

from msgspec import Struct

from leeway.destinations.levels import address_of
from leeway.destinations.range_formats import Listed
from leeway.errors import InvalidConfigError, StateError

WIDEST = 4
"""Shortest prefix that is taken: a shorter one, and /0 above all, holds everything, so its name says nothing."""

MOST_NETWORKS = 1_000_000
"""Networks in one table."""

REFUSED_KEPT = 1_000
"""Refused entries of one import that are kept with their place; beyond that they are counted."""

_TEXT_LIMIT = 64
"""Characters of a network as text; the longest IPv6 prefix needs 43."""

_LABEL_LIMIT = 128

_NAME = re.compile(r"[a-z][a-z0-9._-]{0,63}")

_FOUR, _SIX = 32, 128
"""Bits of an address."""

_PACKED = {_FOUR: Layout("<IBI"), _SIX: Layout("<16sBI")}
"""One network: first address, prefix length, index of its name. IPv6 addresses in the order of the wire."""

_NOBODY = 0xFFFF_FFFF
"""Index of no name."""


class Refused(NamedTuple):
    """An entry of a table that is no network, with its place in the file and why."""

    place: str
    text: str
    reason: str


class RangeTable(Struct, frozen=True, kw_only=True):
    """One imported table, as it is stored."""

    name: str
    """What the user calls it; importing the same name again replaces it."""
    source: str
    """The file it came from."""
    form: str
    """The format it was read as."""
    imported: datetime
    labels: tuple[str, ...]
    """Names of its ranges, sorted: the table's own, or with the file's label behind a slash."""
    four: bytes
    six: bytes

    @property
    def networks(self) -> int:
        """How many networks it holds."""
        return sum(len(packed) // _PACKED[bits].size for bits, packed in ((_FOUR, self.four), (_SIX, self.six)))


class Compiled(NamedTuple):
    """A table, and what was not taken into it."""

    table: RangeTable
    refused: tuple[Refused, ...]
    """The first thousand."""
    reasons: dict[str, int]
    """Reason to refused entries, all of them."""
    repeated: int
    """Entries whose network an earlier one had; the least name keeps it."""


def table_name(text: str) -> str:
    """Return the name of a table, lower case.

    Raises:
        InvalidConfigError: where it is none: a letter, then at most 63 letters, digits, dots, dashes, underscores.

    >>> table_name("AWS-2026")
    'aws-2026'
    """
    name = text.casefold()
    if _NAME.fullmatch(name) is None:
        raise InvalidConfigError(
            f"{text!r} cannot name a table of ranges",
            hint="--name takes a letter, then letters, digits, dots, dashes and underscores, 64 at most",
        )
    return name


def range_network(text: str) -> IPv4Network | IPv6Network:
    """Return the network that `text` spells; a bare address is the network of that address alone.

    Host bits must not be set: which network was meant is not known, and the wider one would silence more. The
    IPv4-mapped form is the IPv4 network.

    Raises:
        ValueError: with the reason, in words that do not repeat the text.

    >>> range_network("::ffff:192.0.2.0/120")
    IPv4Network('192.0.2.0/24')
    """
    network = _spelled(text)
    if isinstance(network, IPv6Network):
        mapped = network.network_address.ipv4_mapped
        if mapped is not None and network.prefixlen >= _SIX - _FOUR:
            network = IPv4Network((int(mapped), network.prefixlen - (_SIX - _FOUR)))
    if network.prefixlen < WIDEST:
        raise ValueError(f"wider than /{WIDEST}: a range of nearly everything says nothing")
    return network


def _spelled(text: str) -> IPv4Network | IPv6Network:
    if len(text) > _TEXT_LIMIT:
        raise ValueError(f"longer than {_TEXT_LIMIT} characters")
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError("not an address or network") from error
    raise ValueError("bits behind the prefix are set: is the address meant, or its network?")


def compile_table(name: str, rows: Iterable[Listed], *, source: str, form: str, imported: datetime) -> Compiled:
    """Return the table that the rows of a file make, and what of them was refused.

    Raises:
        InvalidConfigError: where more networks are listed than a table holds, or not one.
    """
    draft = _Draft(name)
    for row in rows:
        draft.add(row)
    if not any(draft.keys.values()):
        first = f"; the first: {draft.refused[0].place}: {draft.refused[0].reason}" if draft.refused else ""
        raise InvalidConfigError(f"{source} lists no network{first}", hint="is this a table of address ranges?")
    return draft.compiled(source, form, imported)


class _Draft:
    """A table under construction: networks as integers that sort outer before inner, then by index of the name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._indices: dict[str, int] = {}
        self.keys: dict[int, list[int]] = {_FOUR: [], _SIX: []}
        self.refused: list[Refused] = []
        self._reasons: Counter[str] = Counter()

    def add(self, row: Listed) -> None:
        """Take one entry, or refuse it."""
        label = " ".join(row.label.split())
        try:
            network = _taken(row, label)
        except ValueError as error:
            self._refuse(row, str(error))
            return
        index = self._indices.setdefault(f"{self._name}/{label}" if label else self._name, len(self._indices))
        keys = self.keys[network.max_prefixlen]
        keys.append(_key(int(network.network_address), network.prefixlen, index))
        if len(keys) > MOST_NETWORKS:
            raise InvalidConfigError(
                f"more than {MOST_NETWORKS:,} networks", hint="import a part of the table, or one with fewer parts"
            )

    def _refuse(self, row: Listed, reason: str) -> None:
        self._reasons[reason] += 1
        if len(self.refused) < REFUSED_KEPT:
            self.refused.append(Refused(row.place, row.network[:_TEXT_LIMIT], reason))

    def compiled(self, source: str, form: str, imported: datetime) -> Compiled:
        """Return the table, its names sorted, each network once."""
        labels = tuple(sorted(self._indices))
        rank = {self._indices[label]: place for place, label in enumerate(labels)}
        packed = {bits: _pack(bits, sorted(_renamed(keys, rank))) for bits, keys in self.keys.items()}
        table = RangeTable(
            name=self._name,
            source=source,
            form=form,
            imported=imported,
            labels=labels,
            four=packed[_FOUR],
            six=packed[_SIX],
        )
        repeated = sum(map(len, self.keys.values())) - table.networks
        return Compiled(table, tuple(self.refused), dict(self._reasons), repeated)


def _taken(row: Listed, label: str) -> IPv4Network | IPv6Network:
    if row.flaw:
        raise ValueError(row.flaw)
    if len(label) > _LABEL_LIMIT:
        raise ValueError(f"its name is longer than {_LABEL_LIMIT} characters")
    return range_network(row.network)


def _key(first: int, length: int, index: int) -> int:
    return (first << 8 | length) << 32 | index


def _parts(key: int) -> tuple[int, int, int]:
    return key >> 40, key >> 32 & 0xFF, key & _NOBODY


def _renamed(keys: Iterable[int], rank: dict[int, int]) -> Iterator[int]:
    for key in keys:
        first, length, index = _parts(key)
        yield _key(first, length, rank[index])


def _pack(bits: int, keys: Sequence[int]) -> bytes:
    """Return sorted networks as bytes; of entries for one network the first, which has the least name."""
    layout, packed, before = _PACKED[bits], bytearray(), -1
    for key in keys:
        if key >> 32 != before:
            first, length, index = _parts(key)
            packed += layout.pack(first if bits == _FOUR else first.to_bytes(16, "big"), length, index)
            before = key >> 32
    return bytes(packed)


def _unpack(bits: int, packed: bytes) -> Iterator[tuple[int, int, int]]:
    layout = _PACKED[bits]
    if len(packed) % layout.size:
        raise StateError("a stored table of ranges is damaged", hint="import it again")
    for first, length, index in layout.iter_unpack(packed):
        yield (first if bits == _FOUR else int.from_bytes(first, "big")), length, index


class NamedRanges:
    """All loaded tables, to be asked for the range of an address."""

    def __init__(self, tables: Iterable[RangeTable] = ()) -> None:
        """Lay the tables flat.

        Raises:
            StateError: where a stored table is damaged.
        """
        tables = tuple(tables)
        self._labels = sorted({label for table in tables for label in table.labels})
        rank = {label: place for place, label in enumerate(self._labels)}
        self._flat = {bits: _Flat(bits, sorted(_keys(bits, tables, rank))) for bits in (_FOUR, _SIX)}
        # Remembered by value, because streams repeat themselves; the bound keeps hostile variety out of memory.
        self._remembered = lru_cache(maxsize=65_536)(self._find)

    def of(self, address: str) -> str | None:
        """Return the name of the most specific range that an address lies in; None for a name, or where there is none.

        Where two tables name the same network the least name holds.
        """
        return self._remembered(address) if len(address) <= _TEXT_LIMIT else None

    def _find(self, text: str) -> str | None:
        address = address_of(text)
        if address is None:
            return None
        index = self._flat[address.max_prefixlen].owner(int(address))
        return None if index == _NOBODY else self._labels[index]


def _keys(bits: int, tables: Iterable[RangeTable], rank: dict[str, int]) -> Iterator[int]:
    for table in tables:
        for first, length, index in _unpack(bits, table.four if bits == _FOUR else table.six):
            if index >= len(table.labels):
                raise StateError("a stored table of ranges is damaged", hint="import it again")
            yield _key(first, length, rank[table.labels[index]])


class _Flat:
    """Stretches of addresses without overlap: where each starts, and the index of its name."""

    def __init__(self, bits: int, keys: Iterable[int]) -> None:
        """Sweep over sorted networks, outer before inner, those around the current one on a stack."""
        # A list where the addresses fit no machine word.
        self._starts: MutableSequence[int] = array("Q") if bits == _FOUR else []
        self._owners = array("I")
        around: list[tuple[int, int]] = []
        before = -1
        for key in keys:
            if key >> 32 == before:
                continue  # the same network by another name: the least came first
            before = key >> 32
            first, length, index = _parts(key)
            self._leave(around, first)
            self._start(first, index)
            around.append((first + (1 << bits - length), index))
        self._leave(around, 1 << bits)

    def _leave(self, around: list[tuple[int, int]], at: int) -> None:
        """End the networks that are over before `at`; the one around each goes on."""
        while around and around[-1][0] <= at:
            end, _ = around.pop()
            self._start(end, around[-1][1] if around else _NOBODY)

    def _start(self, at: int, index: int) -> None:
        if self._starts and self._starts[-1] == at:
            self._starts.pop()
            self._owners.pop()
        if not self._owners or self._owners[-1] != index:
            self._starts.append(at)
            self._owners.append(index)

    def owner(self, address: int) -> int:
        """Return the index of the name that holds an address."""
        place = bisect_right(self._starts, address) - 1
        return self._owners[place] if place >= 0 else _NOBODY
