"""Named address ranges of a directory: tables that a user imports, and what they say of an event."""

import re
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from leeway.destinations import Compiled, NamedRanges, RangeTable, address_of, compile_table, listed, table_name
from leeway.errors import InvalidConfigError, NotFoundError, SourceError, StateError
from leeway.events import AnyEvent, ConnectionOpened
from leeway.modes.directory import Directory
from leeway.sources import Place
from leeway.storage import Database

LARGEST: Final = 256 << 20
"""Decompressed bytes of a file that are read; more is refused, whatever it unpacks to."""

_TABLES: Final = "ranges"
"""Name of the fact that holds all tables. No row of a day: to judge a day again must not forget them."""

_READER: Final = msgspec.json.Decoder(tuple[RangeTable, ...])
_ENDINGS: Final = re.compile(r"(?:\.(?:gz|xz|zst|jsonl?|txt|csv|mmdb|netset|ipset|list))+$")


def import_ranges(
    directory: Directory, path: Path, *, name: str | None = None, field: str | None = None, now: datetime
) -> Compiled:
    """Read a table of ranges into the directory's state, in place of one of the same name.

    It holds for events that are read from then on; those that are stored keep what they had.

    Raises:
        InvalidConfigError: where the name or the field cannot be, or the file lists no network.
        SourceError: where the file cannot be read or is of no known format.
        UnsupportedError: where the extra for its format is not installed.
    """
    called = table_name(name if name is not None else _suggested(path))
    try:
        form, rows = listed(_content(path), field)
        compiled = compile_table(called, rows, source=path.name, form=form, imported=now)
    except SourceError as error:
        raise SourceError(f"{path}: {error}", hint=error.hint) from error
    others = (one for one in range_tables(directory.database) if one.name != called)
    _keep(directory.database, (*others, compiled.table))
    return compiled


def _suggested(path: Path) -> str:
    """Return the name that a file's own suggests: without endings, and its folder's where it is only `list`."""
    stem = _ENDINGS.sub("", path.name.casefold())
    stem = path.resolve().parent.name.casefold() if stem == "list" else stem
    return re.sub(r"[^a-z0-9._-]+", "-", stem).strip("-._")


def _content(path: Path) -> bytes:
    try:
        with Place(path).open() as stream:
            content = stream.read(LARGEST + 1)
    except (EOFError, OSError) as error:
        raise SourceError(f"it cannot be unpacked: {error}", hint="fetch it again") from error
    if len(content) > LARGEST:
        raise SourceError(f"larger than {LARGEST >> 20} MiB", hint="import a part of it")
    return content


def range_tables(database: Database) -> tuple[RangeTable, ...]:
    """Return the imported tables, by name.

    Raises:
        StateError: where they cannot be read.
    """
    stored = database.meta(_TABLES)
    try:
        return _READER.decode(stored) if stored else ()
    except msgspec.MsgspecError as error:
        raise StateError(
            f"the stored ranges cannot be read: {error}", hint="import them into a new directory"
        ) from error


def _keep(database: Database, tables: tuple[RangeTable, ...]) -> None:
    body = msgspec.json.encode(tuple(sorted(tables, key=lambda one: one.name))).decode()
    with database.transaction():
        database.set_meta(_TABLES, body if tables else None)


def remove_ranges(directory: Directory, name: str) -> RangeTable:
    """Forget a table and return it; what was learnt by its names stays and is forgotten as other values are.

    Raises:
        NotFoundError: where no table is called so.
    """
    known = range_tables(directory.database)
    found = next((one for one in known if one.name == name.casefold()), None)
    if found is None:
        raise NotFoundError(f"no table of ranges is called {name!r}", hint="leeway ranges list shows them")
    _keep(directory.database, tuple(one for one in known if one is not found))
    return found


def look_up_range(directory: Directory, address: str) -> str | None:
    """Return the named range of an address; None where no table has it.

    Raises:
        InvalidConfigError: where the text is no address.
    """
    if address_of(address) is None:
        raise InvalidConfigError(f"{address!r} is no address", hint="ranges are of addresses; names are judged by name")
    return NamedRanges(range_tables(directory.database)).of(address)


def loaded_ranges(database: Database) -> NamedRanges | None:
    """Return the imported tables, to be asked; None where there is none."""
    tables = range_tables(database)
    return NamedRanges(tables) if tables else None


def with_range(event: AnyEvent, ranges: NamedRanges | None) -> AnyEvent:
    """Return an event with the named range of the address that was reached, by the tables of this directory.

    Where there are tables they alone decide; where there is none an event keeps what it came with. Its id does not
    change: it was given before.
    """
    if ranges is None or not isinstance(event, ConnectionOpened):
        return event
    is_address = address_of(event.destination) is not None
    name = ranges.of(event.destination if is_address else event.address or "")
    return event if name == event.range else replace(event, range=name)
