"""How events arrive: nearly in order of time, some late, some twice. Each event's fate follows from its own id."""

from collections.abc import Iterable, Iterator

from leeway.events import AnyEvent, ProcessStarted

_LATE_PERCENT = 1
_DUPLICATED_PERCENT = 3
_EARLIEST_LATE = 600
_LATEST = 19 * 3_600 + 1_800
"""Seconds; lateness stays below 20 h whatever a host's clock is off by."""


def _arrivals(event: AnyEvent) -> Iterator[float]:
    """Yield each time of arrival of one event, in seconds since 1970."""
    fate = int(event.id[:15], 16)
    time, span = event.time.timestamp(), _LATEST - _EARLIEST_LATE
    delay = fate % 997 / 200
    if fate // 997 % 100 < _LATE_PERCENT:
        delay = _EARLIEST_LATE + fate // 99_700 % span
    elif isinstance(event, ProcessStarted) and fate // 997 % 16 == 3:  # noqa: PLR2004  # one in sixteen
        delay += 5 + fate // 99_700 % 90
    yield time + delay
    if fate // 9_970_000 % 100 < _DUPLICATED_PERCENT:
        again = fate // 997_000_000 % (3_600 if fate % 4 else _EARLIEST_LATE)
        yield min(time + delay + again, time + _LATEST + _EARLIEST_LATE)


def arrived(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """Return the events in order of arrival; a duplicate is the same event once more."""
    order = [(second, event.id, event) for event in events for second in _arrivals(event)]
    order.sort(key=lambda entry: entry[:2])
    return [event for _, _, event in order]
