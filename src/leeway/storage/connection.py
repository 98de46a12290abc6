"""The open state database: its schema, how it is asked, and the seals by which damage is noticed.

SQLite notices damage to its structure, not to what it holds: every value that is read back carries a digest of itself
and of its place.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import apsw

from leeway.errors import StateError

USER_VERSION = 3
"""Version of the schema; another one is refused, but for earlier ones, which are given the tables that they lack."""

_FIRST = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE offsets (uri TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, position BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE events (day INTEGER NOT NULL, id TEXT NOT NULL, trusted INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (day, id)) WITHOUT ROWID;
CREATE TABLE rejected (uri TEXT NOT NULL, position TEXT NOT NULL, reason TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (uri, position)) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE state (kind TEXT NOT NULL, key BLOB NOT NULL, day INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (kind, key, day)) WITHOUT ROWID;
CREATE TABLE findings (id TEXT PRIMARY KEY, day INTEGER NOT NULL, final INTEGER NOT NULL, body BLOB NOT NULL)
    WITHOUT ROWID;
CREATE INDEX findings_by_day ON findings (day);
CREATE TABLE verdicts (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
"""

_OUTBOX = """
CREATE TABLE outbox (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE announced (sink TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (sink, id)) WITHOUT ROWID;
"""

_FILES = """
CREATE TABLE event_table (day INTEGER NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL, trusted INTEGER NOT NULL,
    rows INTEGER NOT NULL, seal BLOB NOT NULL, PRIMARY KEY (day, number)) WITHOUT ROWID;
CREATE TABLE packed (part TEXT NOT NULL, first_day INTEGER NOT NULL, last_day INTEGER NOT NULL, file TEXT NOT NULL,
    seal BLOB NOT NULL, PRIMARY KEY (part, last_day)) WITHOUT ROWID;
"""

SCHEMA = _FIRST + _OUTBOX + _FILES
"""All tables, as they are created."""

_LACKING = {1: _OUTBOX + _FILES, 2: _FILES}
"""Version to the tables that it lacks."""

_IS_OURS = "SELECT count(*) FROM sqlite_master WHERE name = 'verdicts'"


_SEAL = 8
"""Bytes of the digest before each value; against damage, not against a writer."""


def sealed(body: bytes, *place: object) -> bytes:
    """Return a value behind the digest of itself and its place."""
    return _seal(body, place) + body


def _seal(body: bytes, place: tuple[object, ...]) -> bytes:
    return blake2b(ascii(place).encode() + body, digest_size=_SEAL).digest()


def unsealed(stored: object, *place: object) -> bytes:
    """Return the value that was sealed for a place.

    Raises:
        StateError: where it is not what was stored there.
    """
    if not isinstance(stored, bytes) or stored[:_SEAL] != _seal(stored[_SEAL:], place):
        raise StateError(f"the stored {place[0]} {place[1:]} is damaged", hint=_RESTORE)
    return stored[_SEAL:]


_RESTORE = "restore it from a backup or start with an empty directory"

_SPACE = "is there space, and may you write here?"

_FULL = (apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError)
"""What the disk does not take; no sign of damage."""


class Connection:
    """An open file and how it is asked: what goes wrong in it is a `StateError`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.is_symlink():
            raise StateError(f"{path} is a symbolic link", hint="name the directory that holds the file itself")
        try:
            self._connection = apsw.Connection(str(path))
            path.chmod(0o600)
            self._connection.set_busy_timeout(5_000)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._prepare()
        except _FULL as error:
            raise StateError(f"{path}: {error}", hint=_SPACE) from error
        except UnicodeError as error:
            raise StateError(f"{path} is no name in UTF-8", hint="rename the directory") from error
        except (apsw.Error, OSError) as error:
            raise StateError(f"{path}: {error}", hint=_RESTORE) from error

    def _prepare(self) -> None:
        version = self._one("PRAGMA user_version")
        tables = self._one("SELECT count(*) FROM sqlite_master")
        if version == 0 and tables == 0:
            with self._connection:
                self._connection.execute(SCHEMA)
                self._connection.execute(f"PRAGMA user_version={USER_VERSION}")
        elif isinstance(version, int) and version in _LACKING and self._one(_IS_OURS) == 1:
            with self._connection:
                self._connection.execute(_LACKING[version])
                self._connection.execute(f"PRAGMA user_version={USER_VERSION}")
        elif version != USER_VERSION:
            raise StateError(
                f"{self._path} is of version {version}; this program knows version {USER_VERSION}",
                hint="use the version of leeway that wrote it",
            )
        if self._one("PRAGMA quick_check") != "ok":
            raise StateError(f"{self._path} is damaged", hint=_RESTORE)
        self._check_places()

    def _check_places(self) -> None:
        """Look at every row that is found by its name: damage to a name would make it as if it had never been."""
        for name, value in self._all("SELECT name, value FROM meta"):
            unsealed(value, "fact", name)
        for uri, mark, position in self._all("SELECT * FROM offsets"):
            unsealed(position, "position", uri, mark)
        for kind, key, day, body in self._all("SELECT * FROM state"):
            unsealed(body, "state", kind, key, day)
        for sink, case, body in self._all("SELECT * FROM announced"):
            unsealed(body, "announced", sink, case)
        for *place, seal in self._all("SELECT * FROM event_table"):
            unsealed(seal, "table of events", *place)
        for *place, seal in self._all("SELECT * FROM packed"):
            unsealed(seal, "packed part", *place)

    def close(self) -> None:
        """Close the file; the log is folded into it."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything the block does, or nothing of it."""
        try:
            with self._connection:
                yield
        except apsw.Error as error:
            raise StateError(f"{self._path}: {error}", hint="is there space on the disk?") from error

    def _one(self, query: str, *bindings: object) -> object:
        row = next(self._all(query, *bindings), None)
        return row[0] if row else None

    def _all(self, query: str, *bindings: object) -> Iterator[tuple[object, ...]]:
        try:
            yield from self._connection.execute(query, bindings)
        except apsw.Error as error:
            raise StateError(f"{self._path}: {error}", hint=_RESTORE) from error

    def _do(self, query: str, *bindings: object) -> None:
        try:
            self._connection.execute(query, bindings)
        except apsw.Error as error:
            raise StateError(f"{self._path}: {error}", hint="is there space on the disk?") from error

    def _do_each(self, query: str, bindings: Iterable[tuple[object, ...]]) -> None:
        try:
            self._connection.executemany(query, bindings)
        except apsw.Error as error:
            raise StateError(f"{self._path}: {error}", hint="is there space on the disk?") from error
