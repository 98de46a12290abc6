"""When a Windows event happened: Sysmon's own UTC, else the shipper's time corrected by how far that one is off.

The shipper's `@timestamp` (or a zoned `TimeCreated`) was seen hours away from Sysmon's `UtcTime` in captures whose
host had its zone set wrong: by the same amount throughout one capture. `EventTime` and a `TimeCreated` without zone
are local times of nobody knows where, and are never used.
"""

from array import array
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from statistics import median_low
from typing import Final

from msgspec import MsgspecError, Struct, field
from msgspec.json import Decoder

from leeway.errors import InvalidEventError
from leeway.sources.lines import flaw
from leeway.sources.sysmon_rows import Row, Scalar

_OFFSETS_KEPT: Final = 4_096
"""Offsets of one group that its median is taken of: the first ones."""

_GROUPS_KEPT: Final = 1_024
"""Groups with a median of their own; the rows of further ones share one."""

_MICROSECOND: Final = timedelta(microseconds=1)


class _Times(Struct, rename="pascal"):
    utc_time: str | None = None
    timestamp: Scalar = field(default=None, name="@timestamp")
    time_created: Scalar = None
    capture: str | None = field(default=None, name="_capture")


_TIMES: Final = Decoder(_Times)


class Correction:
    """How far the shipper's clock is off, by group: the capture that a row names, else the file."""

    __slots__ = ("_medians",)

    def __init__(self, rows: Iterable[bytes]) -> None:
        """Measure the offsets of every row that has both times."""
        offsets: dict[str, array[int]] = {}
        for line in rows:
            if b'"UtcTime"' in line and not flaw(line):
                _measure(line, offsets)
        self._medians = {group: median_low(kept) * _MICROSECOND for group, kept in offsets.items()}

    def time_of(self, row: Row) -> datetime:
        """Return the time of a row without `UtcTime`.

        A group in which no row has both times is taken to be right: nothing says by how much it would be off.

        Raises:
            InvalidEventError: where the row has no time with a zone.
        """
        shipped = shipped_time(row)
        group = row.capture or ""
        median = self._medians.get(group if group in self._medians else "", timedelta())
        try:
            return (shipped - median).astimezone(UTC)
        except OverflowError as error:
            raise InvalidEventError(f"the time is out of range: {error}") from error


def shipped_time(row: Row) -> datetime:
    """Return the time that the shipper gave the row, or else the event log did.

    Raises:
        InvalidEventError: where the row has none with a zone.
    """
    shipped = _zoned(row.timestamp) or _zoned(row.time_created)
    if shipped is None:
        raise InvalidEventError("no zone: neither UtcTime nor a zoned @timestamp or TimeCreated")
    return shipped


def own_time(row: Row) -> datetime | None:
    """Return Sysmon's own time of the row, or None where it has none.

    Raises:
        InvalidEventError: where it has one that cannot be read.
    """
    if row.utc_time is None:
        return None
    time = _utc(row.utc_time)
    if time is None:
        raise InvalidEventError(f"unreadable UtcTime {row.utc_time[:40]!r}")
    return time


def _measure(line: bytes, offsets: dict[str, "array[int]"]) -> None:
    try:
        times = _TIMES.decode(line)
    except MsgspecError:
        return
    own = _utc(times.utc_time or "")
    shipped = _zoned(times.timestamp) or _zoned(times.time_created)
    if own is None or shipped is None:
        return
    group = times.capture or ""
    if group not in offsets and len(offsets) >= _GROUPS_KEPT:
        group = ""
    kept = offsets.setdefault(group, array("q"))
    if len(kept) < _OFFSETS_KEPT:
        kept.append((shipped - own) // _MICROSECOND)


def _utc(spelt: str) -> datetime | None:
    """Return a time whose zone is UTC by documentation."""
    time = _parsed(spelt)
    if time is None or time.tzinfo is not None:
        return time
    return time.replace(tzinfo=UTC)


def _zoned(value: Scalar) -> datetime | None:
    """Return a time that says its zone, else None."""
    time = _parsed(value) if isinstance(value, str) else None
    return None if time is None or time.tzinfo is None else time


def _parsed(spelt: str) -> datetime | None:
    if len(spelt) < len("2026-03-02T09:00"):  # a date alone is no instant
        return None
    try:
        return datetime.fromisoformat(spelt)
    except ValueError:
        return None
