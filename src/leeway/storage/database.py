"""The state database: rows, and nothing that knows what they mean. Codecs belong to the room that owns the type.

State rows are versioned by day: what was known after a day closed is the newest row up to that day. To judge a day
again, when late events arrive, is to drop the rows from that day on and to fold once more.
"""

from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, cast

from leeway.storage.connection import sealed, unsealed
from leeway.storage.file_rows import FileRows

_ADD_EVENT = """
INSERT INTO events VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (day, id) DO UPDATE SET trusted = 1, body = ?4 WHERE ?3 = 1 AND trusted = 0
"""

_ROW_DAYS = """
WITH RECURSIVE found (day) AS (
    SELECT min(day) FROM events WHERE day >= ?1
    UNION ALL SELECT (SELECT min(day) FROM events WHERE events.day > found.day) FROM found WHERE found.day IS NOT NULL)
SELECT day FROM found WHERE day IS NOT NULL
"""
"""Days with events, each found from the one before: SQLite would else look at every event to tell days apart."""

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


def _stored_name(uri: str) -> str:
    """Return a name as it is stored: bytes of a file's name that are not UTF-8 are spelled out."""
    return uri.encode("utf-8", "backslashreplace").decode()


class Database(FileRows):
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
        return None if stored is None else unsealed(stored, "fact", name).decode()

    def set_meta(self, name: str, value: str | None) -> None:
        """Store, or with None remove, a named fact."""
        if value is None:
            self._do("DELETE FROM meta WHERE name = ?", name)
        else:
            self._do("INSERT OR REPLACE INTO meta VALUES (?, ?)", name, sealed(value.encode(), "fact", name))

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
        return Offset(str(row[0]), unsealed(row[1], "position", _stored_name(uri), row[0]).decode()) if row else None

    def set_offset(self, uri: str, offset: Offset) -> None:
        """Store how far a source was read."""
        uri = _stored_name(uri)
        position = sealed(offset.position.encode(), "position", uri, offset.fingerprint)
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
        by_day: dict[int, list[tuple[int, str, int, bytes]]] = {}
        for day, event_id, trusted, body in rows:
            stored = sealed(body, "event", day, event_id, int(trusted))
            by_day.setdefault(day, []).append((day, event_id, int(trusted), stored))
        changed: set[int] = set()
        for day, events in by_day.items():
            before = self.changes()
            # In the order of the table, which takes half the time; the first of an id stays the first.
            self._do_each(_ADD_EVENT, sorted(events, key=itemgetter(1)))
            if self.changes() > before:
                changed.add(day)
        return changed

    def events(self, day: int) -> Iterator[tuple[bool, bytes]]:
        """Yield (trusted, body) of a day's events."""
        for event_id, trusted, body in self._all("SELECT id, trusted, body FROM events WHERE day = ?", day):
            yield bool(trusted), unsealed(body, "event", day, event_id, trusted)

    def event_days(self, first: int = 0) -> list[int]:
        """Return the days from `first` on that have events."""
        return sorted(self.row_days(first) | {row.day for row in self.event_tables(first)})

    def row_days(self, first: int = 0) -> set[int]:
        """Return those of the days that have events as rows, and not only in files."""
        return {cast("int", row[0]) for row in self._all(_ROW_DAYS, first)}

    def changes(self) -> int:
        """Return how many rows this connection has added or changed so far."""
        return self._connection.total_changes()

    def forget_learning(self) -> None:
        """Drop events, offsets and state, those in files too; findings, verdicts, rejections and counters stay."""
        for table in ("events", "offsets", "state"):
            self._do(f"DELETE FROM {table}")  # noqa: S608  # the three names above
        self._forget_files()
        for name in ("closed_through", "watermark", "trusted_until", "changed_since"):
            self.set_meta(name, None)

    def forget_events(self, before: int) -> None:
        """Let go the events of days before one."""
        self._do("DELETE FROM events WHERE day < ?", before)
        self._do("DELETE FROM event_table WHERE day < ?", before)

    def put_state(self, day: int, rows: Iterable[Row]) -> None:
        """Store what changed when `day` closed."""
        self._do_each(
            "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)",
            ((r.kind, r.key, day, sealed(r.body, "state", r.kind, r.key, day)) for r in rows),
        )

    def state(self, kind: str, before: int) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, body) of the newest rows of a kind from days before one."""
        for key, body, _ in self.dated_state(kind, before):
            yield key, body

    def dated_state(self, kind: str, before: int) -> Iterator[tuple[bytes, bytes, int]]:
        """Yield (key, body, day) of the newest rows of a kind from days before one."""
        query = "SELECT key, body, max(day) FROM state WHERE kind = ? AND day < ? GROUP BY key ORDER BY key"
        for key, body, day in self._all(query, kind, before):
            yield cast("bytes", key), unsealed(body, "state", kind, key, day), cast("int", day)

    def drop_state(self, since: int) -> None:
        """Drop the rows of a day and all later ones, so that they can be folded again.

        Their findings stay, no longer final: what was shown once is never withdrawn.
        """
        self._do("DELETE FROM state WHERE day >= ?", since)
        self._drop_packed(since)
        rows = list(self._all("SELECT id, day, body FROM findings WHERE day >= ? AND final = 1", since))
        self._do_each(
            "UPDATE findings SET final = 0, body = ?2 WHERE id = ?1",
            ((one, sealed(unsealed(body, "finding", one, day, 1), "finding", one, day, 0)) for one, day, body in rows),
        )

    def thin_state(self, before: int) -> None:
        """Keep, of rows from days before one, only the newest of each key."""
        self._do(
            "DELETE FROM state WHERE day < ?1 AND EXISTS (SELECT 1 FROM state AS newer WHERE newer.kind = state.kind "
            "AND newer.key = state.key AND newer.day > state.day AND newer.day < ?1)",
            before,
        )
        self._thin_packed(before)

    def put_findings(self, rows: Iterable[tuple[str, int, bool, bytes]]) -> None:
        """Store findings (id, day ordinal, final, body); a provisional one never takes a final one's place."""
        self._do_each(
            "INSERT INTO findings VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO UPDATE SET final = ?3, body = ?4 "
            "WHERE final <= ?3",
            ((one, day, int(final), sealed(body, "finding", one, day, int(final))) for one, day, final, body in rows),
        )

    def findings(self, day: int | None = None) -> Iterator[tuple[bool, bytes]]:
        """Yield (final, body) of all findings, or of one day's."""
        query = "SELECT id, day, final, body FROM findings WHERE ?1 IS NULL OR day = ?1 ORDER BY day, id"
        for one, at, final, body in self._all(query, day):
            yield bool(final), unsealed(body, "finding", one, at, final)

    def put_outbox(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Store deliveries (id, body) that wait, in place of those of the same id."""
        self._do_each(
            "INSERT OR REPLACE INTO outbox VALUES (?, ?)", ((one, sealed(body, "delivery", one)) for one, body in rows)
        )

    def drop_outbox(self, ids: Iterable[str]) -> None:
        """Let go deliveries that were acknowledged."""
        self._do_each("DELETE FROM outbox WHERE id = ?", ((one,) for one in ids))

    def outbox(self) -> Iterator[bytes]:
        """Yield the bodies of all deliveries that wait, by id."""
        for one, body in self._all("SELECT id, body FROM outbox ORDER BY id"):
            yield unsealed(body, "delivery", one)

    def announce(self, sink: str, case: str, body: bytes) -> None:
        """Store what a sink will have been told of a case."""
        self._do("INSERT OR REPLACE INTO announced VALUES (?, ?, ?)", sink, case, sealed(body, "announced", sink, case))

    def announced(self, sink: str, case: str) -> bytes | None:
        """Return what a sink was told of a case; None for nothing."""
        stored = self._one("SELECT body FROM announced WHERE sink = ? AND id = ?", sink, case)
        return None if stored is None else unsealed(stored, "announced", sink, case)

    def add_verdict(self, body: bytes) -> None:
        """Append a verdict; none is ever changed."""
        self._do("INSERT INTO verdicts (body) VALUES (?)", sealed(body, "verdict"))

    def verdicts(self) -> Iterator[bytes]:
        """Yield the bodies of all verdicts in the order they were given."""
        for (body,) in self._all("SELECT body FROM verdicts ORDER BY number"):
            yield unsealed(body, "verdict")
