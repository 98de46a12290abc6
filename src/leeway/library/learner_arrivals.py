"""Which events count now, and which are held aside because their time is ahead of all others."""

from bisect import insort
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from leeway.library.security_event import SecurityEvent

AHEAD: Final = timedelta(days=1)
"""An event further ahead of the latest one than this has to be confirmed."""

CONFIRMING: Final = 3
"""Events in a row that are ahead of the rest, by which it is believed that time has gone on."""

MOST_HELD: Final = 1_024
"""Events that are held aside; beyond that those furthest ahead are dropped, and counted."""

_Held = tuple[datetime, int, SecurityEvent]


class Arrivals:
    """Events in the order of arrival; those too far ahead wait until others confirm that time has gone on.

    A clock that is wrong once must not push the window away: one event of the year 2099 would leave nothing of it.
    Where the jump would leave nothing of the window, as many events are asked for as a baseline needs.
    """

    def __init__(self, window_days: int, min_samples: int) -> None:
        self._window = timedelta(days=window_days)
        self._few = min(CONFIRMING, min_samples)
        self._many = max(CONFIRMING, min_samples)
        self._most = max(MOST_HELD, min_samples)
        self._held: list[_Held] = []
        self._number = 0
        self._streak = 0
        self.latest: datetime | None = None
        self.dropped = 0

    @property
    def held(self) -> int:
        """Events that wait."""
        return len(self._held)

    def take(self, event: SecurityEvent, now: datetime | None) -> Iterator[SecurityEvent]:
        """Take an event and yield those that count from now on, in the order of their times.

        Args:
            event: the event.
            now: the present; later events wait for it, all others need no confirming. None where nobody knows it.
        """
        time = event.timestamp
        if time is None:
            yield event
            return
        if now is not None:
            yield from self._until(now)
        if self._is_present(time, now):
            self._streak = 0
            yield self._passed(time, event)
        else:
            self._hold(time, event)
            if now is None and self._is_confirmed():
                yield self._next()
        if now is None:
            yield from self._until(None)

    def _is_present(self, time: datetime, now: datetime | None) -> bool:
        if now is not None:
            return time <= now
        return self.latest is not None and _is_within(time, self.latest, AHEAD)

    def _is_confirmed(self) -> bool:
        self._streak += 1
        is_leap = self.latest is not None and not _is_within(self._held[0][0], self.latest, self._window)
        return self._streak >= (self._many if is_leap else self._few)

    def _until(self, now: datetime | None) -> Iterator[SecurityEvent]:
        while self._held and self._is_present(self._held[0][0], now):
            yield self._next()

    def _next(self) -> SecurityEvent:
        time, _, event = self._held.pop(0)
        return self._passed(time, event)

    def _passed(self, time: datetime, event: SecurityEvent) -> SecurityEvent:
        self.latest = time if self.latest is None else max(self.latest, time)
        return event

    def _hold(self, time: datetime, event: SecurityEvent) -> None:
        self._number += 1
        insort(self._held, (time, self._number, event))
        if len(self._held) > self._most:
            self._held.pop()
            self.dropped += 1


def _is_within(time: datetime, latest: datetime, span: timedelta) -> bool:
    # A difference, because a sum may leave the calendar.
    return time - latest <= span
