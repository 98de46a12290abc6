"""The state database: rows, and nothing that knows what they mean. Codecs belong to the room that owns the type.

State rows are versioned by day: what was known after a day closed is the newest row up to that day. To judge a day
again, when late events arrive, is to drop the rows from that day on and to fold once more.

SQLite notices damage to its structure, not to what it holds: every value that is read back carries a digest of itself
and of its place.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, cast

import apsw

from leeway.errors import StateError

USER_VERSION = 2
"""Version of the schema; another one is refused, but for version 1, which lacks the outbox and is given one."""

_SCHEMA = """
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

_IS_OURS = "SELECT count(*) FROM sqlite_master WHERE name = 'verdicts'"

_ADD_EVENT = """
INSERT INTO events VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (day, id) DO UPDATE SET trusted = 1, body = ?4 WHERE ?3 = 1 AND trusted = 0
"""

REJECTED_KEPT = 10_000
"""Rejected records kept with their text; beyond that they are counted only."""


class Offset(NamedTuple):
    """How far a source was read: a position, and a fingerprint of the source's beginning to notice another file."""

    fingerprint: str
    position: str


class Row(NamedTuple):
    """One versioned row of state."""

    kind: str
    key: bytes
    body: bytes


_SEAL = 8
"""Bytes of the digest before each value; against damage, not against a writer."""


def _sealed(body: bytes, *place: object) -> bytes:
    return _seal(body, place) + body


def _seal(body: bytes, place: tuple[object, ...]) -> bytes:
    return blake2b(ascii(place).encode() + body, digest_size=_SEAL).digest()


def _unsealed(stored: object, *place: object) -> bytes:
    if not isinstance(stored, bytes) or stored[:_SEAL] != _seal(stored[_SEAL:], place):
        raise StateError(f"the stored {place[0]} {place[1:]} is damaged", hint=_RESTORE)
    return stored[_SEAL:]


_RESTORE = "restore it from a backup or start with an empty directory"

_SPACE = "is there space, and may you write here?"

_FULL = (apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError)
"""What the disk does not take; no sign of damage."""


def _stored_name(uri: str) -> str:
    """Return a name as it is stored: bytes of a file's name that are not UTF-8 are spelled out."""
    return uri.encode("utf-8", "backslashreplace").decode()


class _Connection:
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
                self._connection.execute(_SCHEMA + _OUTBOX)
                self._connection.execute(f"PRAGMA user_version={USER_VERSION}")
        elif version == 1 and self._one(_IS_OURS) == 1:
            with self._connection:
                self._connection.execute(_OUTBOX)
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
            _unsealed(value, "fact", name)
        for uri, mark, position in self._all("SELECT * FROM offsets"):
            _unsealed(position, "position", uri, mark)
        for kind, key, day, body in self._all("SELECT * FROM state"):
            _unsealed(body, "state", kind, key, day)
        for sink, case, body in self._all("SELECT * FROM announced"):
            _unsealed(body, "announced", sink, case)

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


class Database(_Connection):
    """One SQLite file, one transaction a batch; WAL and synchronous=FULL, so what was committed survives."""

    def __init__(self, path: Path) -> None:
        """Open the file, making it where there is none.

        Raises:
            StateError: where it is no state database, is damaged, or is of another version.
        """
        super().__init__(path)
        self._rejected_kept: int | None = None

    def meta(self, name: str) -> str | None:
        """Return a named fact about the whole state."""
        stored = self._one("SELECT value FROM meta WHERE name = ?", name)
        return None if stored is None else _unsealed(stored, "fact", name).decode()

    def set_meta(self, name: str, value: str | None) -> None:
        """Store, or with None remove, a named fact."""
        if value is None:
            self._do("DELETE FROM meta WHERE name = ?", name)
        else:
            self._do("INSERT OR REPLACE INTO meta VALUES (?, ?)", name, _sealed(value.encode(), "fact", name))

    def count(self, name: str, amount: int) -> None:
        """Add to a counter."""
        if amount:
            self._do(
                "INSERT INTO counters VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + ?2", name, amount
            )

    def counters(self) -> dict[str, int]:
        """Return all counters by name."""
        return {
            cast("str", name): cast("int", value) for name, value in self._all("SELECT * FROM counters ORDER BY name")
        }

    def offset(self, uri: str) -> Offset | None:
        """Return how far a source was read."""
        row = next(self._all("SELECT fingerprint, position FROM offsets WHERE uri = ?", _stored_name(uri)), None)
        return Offset(str(row[0]), _unsealed(row[1], "position", _stored_name(uri), row[0]).decode()) if row else None

    def set_offset(self, uri: str, offset: Offset) -> None:
        """Store how far a source was read."""
        uri = _stored_name(uri)
        position = _sealed(offset.position.encode(), "position", uri, offset.fingerprint)
        self._do("INSERT OR REPLACE INTO offsets VALUES (?, ?, ?)", uri, offset.fingerprint, position)

    def forget_offsets(self) -> None:
        """Read every source from its beginning next time."""
        self._do("DELETE FROM offsets")

    def reject(self, uri: str, position: str, reason: str, record: str) -> None:
        """Keep an unreadable record with its position and reason, the first ten thousand with their text."""
        if self._rejected_kept is None:
            self._rejected_kept = cast("int", self._one("SELECT count(*) FROM rejected"))
        if self._rejected_kept < REJECTED_KEPT:
            self._rejected_kept += 1
            self._do("INSERT OR REPLACE INTO rejected VALUES (?, ?, ?, ?)", _stored_name(uri), position, reason, record)

    def rejected(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield (uri, position, reason, record) of what was rejected."""
        yield from cast(
            "Iterator[tuple[str, str, str, str]]", self._all("SELECT * FROM rejected ORDER BY uri, position")
        )

    def add_events(self, rows: Iterable[tuple[int, str, bool, bytes]]) -> set[int]:
        """Add events (day ordinal, id, trusted, body); return the days that changed.

        An id that is there already is left alone, but for one that is now trusted and was not.
        """
        changed: set[int] = set()
        for day, event_id, trusted, body in rows:
            sealed = _sealed(body, "event", day, event_id, int(trusted))
            self._do(_ADD_EVENT, day, event_id, int(trusted), sealed)
            if self._connection.changes():
                changed.add(day)
        return changed

    def events(self, day: int) -> Iterator[tuple[bool, bytes]]:
        """Yield (trusted, body) of a day's events."""
        for event_id, trusted, body in self._all("SELECT id, trusted, body FROM events WHERE day = ?", day):
            yield bool(trusted), _unsealed(body, "event", day, event_id, trusted)

    def event_days(self, first: int = 0) -> list[int]:
        """Return the days from `first` on that have events."""
        return [
            cast("int", row[0])
            for row in self._all("SELECT DISTINCT day FROM events WHERE day >= ? ORDER BY day", first)
        ]

    def changes(self) -> int:
        """Return how many rows this connection has added or changed so far."""
        return self._connection.total_changes()

    def forget_learning(self) -> None:
        """Drop events, offsets and state; findings, verdicts, rejections and counters stay."""
        for table in ("events", "offsets", "state"):
            self._do(f"DELETE FROM {table}")  # noqa: S608  # the three names above
        for name in ("closed_through", "watermark", "trusted_until", "changed_since"):
            self.set_meta(name, None)

    def forget_events(self, before: int) -> None:
        """Let go the events of days before one."""
        self._do("DELETE FROM events WHERE day < ?", before)

    def put_state(self, day: int, rows: Iterable[Row]) -> None:
        """Store what changed when `day` closed."""
        self._do_each(
            "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)",
            ((r.kind, r.key, day, _sealed(r.body, "state", r.kind, r.key, day)) for r in rows),
        )

    def state(self, kind: str, before: int) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, body) of the newest rows of a kind from days before one."""
        query = "SELECT key, body, max(day) FROM state WHERE kind = ? AND day < ? GROUP BY key ORDER BY key"
        for key, body, day in self._all(query, kind, before):
            yield cast("bytes", key), _unsealed(body, "state", kind, key, day)

    def drop_state(self, since: int) -> None:
        """Drop the rows of a day and all later ones, so that they can be folded again.

        Their findings stay, no longer final: what was shown once is never withdrawn.
        """
        self._do("DELETE FROM state WHERE day >= ?", since)
        rows = list(self._all("SELECT id, day, body FROM findings WHERE day >= ? AND final = 1", since))
        self._do_each(
            "UPDATE findings SET final = 0, body = ?2 WHERE id = ?1",
            (
                (one, _sealed(_unsealed(body, "finding", one, day, 1), "finding", one, day, 0))
                for one, day, body in rows
            ),
        )

    def thin_state(self, before: int) -> None:
        """Keep, of rows from days before one, only the newest of each key."""
        self._do(
            "DELETE FROM state WHERE day < ?1 AND EXISTS (SELECT 1 FROM state AS newer WHERE newer.kind = state.kind "
            "AND newer.key = state.key AND newer.day > state.day AND newer.day < ?1)",
            before,
        )

    def put_findings(self, rows: Iterable[tuple[str, int, bool, bytes]]) -> None:
        """Store findings (id, day ordinal, final, body); a provisional one never takes a final one's place."""
        self._do_each(
            "INSERT INTO findings VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO UPDATE SET final = ?3, body = ?4 "
            "WHERE final <= ?3",
            ((one, day, int(final), _sealed(body, "finding", one, day, int(final))) for one, day, final, body in rows),
        )

    def findings(self, day: int | None = None) -> Iterator[tuple[bool, bytes]]:
        """Yield (final, body) of all findings, or of one day's."""
        query = "SELECT id, day, final, body FROM findings WHERE ?1 IS NULL OR day = ?1 ORDER BY day, id"
        for one, at, final, body in self._all(query, day):
            yield bool(final), _unsealed(body, "finding", one, at, final)

    def put_outbox(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Store deliveries (id, body) that wait, in place of those of the same id."""
        self._do_each(
            "INSERT OR REPLACE INTO outbox VALUES (?, ?)", ((one, _sealed(body, "delivery", one)) for one, body in rows)
        )

    def drop_outbox(self, ids: Iterable[str]) -> None:
        """Let go deliveries that were acknowledged."""
        self._do_each("DELETE FROM outbox WHERE id = ?", ((one,) for one in ids))

    def outbox(self) -> Iterator[bytes]:
        """Yield the bodies of all deliveries that wait, by id."""
        for one, body in self._all("SELECT id, body FROM outbox ORDER BY id"):
            yield _unsealed(body, "delivery", one)

    def announce(self, sink: str, case: str, body: bytes) -> None:
        """Store what a sink will have been told of a case."""
        self._do(
            "INSERT OR REPLACE INTO announced VALUES (?, ?, ?)", sink, case, _sealed(body, "announced", sink, case)
        )

    def announced(self, sink: str, case: str) -> bytes | None:
        """Return what a sink was told of a case; None for nothing."""
        stored = self._one("SELECT body FROM announced WHERE sink = ? AND id = ?", sink, case)
        return None if stored is None else _unsealed(stored, "announced", sink, case)

    def add_verdict(self, body: bytes) -> None:
        """Append a verdict; none is ever changed."""
        self._do("INSERT INTO verdicts (body) VALUES (?)", _sealed(body, "verdict"))

    def verdicts(self) -> Iterator[bytes]:
        """Yield the bodies of all verdicts in the order they were given."""
        for (body,) in self._all("SELECT body FROM verdicts ORDER BY number"):
            yield _unsealed(body, "verdict")
