"""Rows that name files: tables of events that were taken whole, and what a run over such days left.

A file goes by the digest of what it holds and never changes. It is in its place before a row names it, and is removed
when no row does any more (`leeway.storage.kept_files`).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from leeway.storage.connection import Connection, sealed, unsealed


class EventTableRow(NamedTuple):
    """A file that holds events of a day; it may hold those of other days as well."""

    day: int
    number: int
    """Place among the files of the day, in the order in which they were taken: of two events with one id the first
    counts."""
    file: str
    is_trusted: bool
    """Whether the events are learnt without being judged."""
    rows: int
    """Events of the day, each id once, without those that an earlier file has."""


class PackedPart(NamedTuple):
    """A file that holds one part of what was known after a run over days that closed together."""

    part: str
    first_day: int
    last_day: int
    file: str


class FileRows(Connection):
    """The rows of `event_table` and `packed`."""

    def put_event_tables(self, rows: Iterable[EventTableRow]) -> None:
        """Store which file holds events of which days, in place of what was said of that day and number."""
        self._do_each(
            "INSERT OR REPLACE INTO event_table VALUES (?, ?, ?, ?, ?, ?)",
            ((*place, sealed(b"", "table of events", *place)) for place in map(_event_place, rows)),
        )

    def event_tables(self, first: int = 0) -> list[EventTableRow]:
        """Return the files that hold events of the days from `first` on, by day and number."""
        return [
            EventTableRow(cast("int", day), cast("int", number), str(file), bool(trusted), cast("int", rows))
            for day, number, file, trusted, rows, seal in self._all(
                "SELECT * FROM event_table WHERE day >= ? ORDER BY day, number", first
            )
            if not unsealed(seal, "table of events", day, number, file, trusted, rows)
        ]

    def put_packed(self, first_day: int, last_day: int, parts: Mapping[str, str]) -> None:
        """Store which file (its name) holds each part of what was known after a run over some days."""
        places = ((part, first_day, last_day, file) for part, file in sorted(parts.items()))
        self._do_each(
            "INSERT OR REPLACE INTO packed VALUES (?, ?, ?, ?, ?)",
            ((*place, sealed(b"", "packed part", *place)) for place in places),
        )

    def packed(self, before: int) -> dict[str, PackedPart]:
        """Return, of each part, the file that holds before a day: that of the newest run that ended before it."""
        query = (
            "SELECT part, first_day, max(last_day), file, seal FROM packed WHERE last_day < ? GROUP BY part "
            "ORDER BY part"
        )
        found: dict[str, PackedPart] = {}
        for part, first_day, last_day, file, seal in self._all(query, before):
            unsealed(seal, "packed part", part, first_day, last_day, file)
            found[str(part)] = PackedPart(str(part), cast("int", first_day), cast("int", last_day), str(file))
        return found

    def run_start(self, day: int) -> int:
        """Return the day from which on days are judged again where `day` is: its run's first, for a run is one."""
        start = self._one("SELECT min(first_day) FROM packed WHERE last_day >= ?", day)
        return day if start is None else min(day, cast("int", start))

    def named_files(self) -> set[str]:
        """Return the names of all files that a row names."""
        return {str(file) for (file,) in self._all("SELECT file FROM event_table UNION SELECT file FROM packed")}

    def _forget_files(self) -> None:
        for table in ("event_table", "packed"):
            self._do(f"DELETE FROM {table}")  # noqa: S608  # the two names above

    def _drop_packed(self, since: int) -> None:
        """Drop what runs left that ended on a day or later."""
        self._do("DELETE FROM packed WHERE last_day >= ?", since)

    def _thin_packed(self, before: int) -> None:
        """Keep, of what runs left that ended before a day, only the newest of each part."""
        self._do(
            "DELETE FROM packed WHERE last_day < ?1 AND EXISTS (SELECT 1 FROM packed AS newer "
            "WHERE newer.part = packed.part AND newer.last_day > packed.last_day AND newer.last_day < ?1)",
            before,
        )


def _event_place(row: EventTableRow) -> tuple[int, int, str, int, int]:
    return row.day, row.number, row.file, int(row.is_trusted), row.rows
