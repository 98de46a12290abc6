"""The baseline value: a fold over one agent's closed days, and its codec."""

from datetime import date

import msgspec
from msgspec import Struct

from leeway.agents import AgentKey
from leeway.errors import StateError
from leeway.events import EventRef, Facet, Measure, Value
from leeway.findings import Severity
from leeway.summaries import Sighting

VERSION = 1
"""Version of the stored form; readers refuse any other."""

MEMORY_DAYS = 60
"""Days for which it is remembered on which of them a value was seen; twice the window in which it counts as known."""

RATE_DAYS = 90
"""Days of totals that are kept: the slow anchor's horizon."""


class Entry(Struct, frozen=True, array_like=True):
    """One value of one facet."""

    last: int
    """Ordinal of the last day it was seen."""
    days: int
    """Bit i is set when it was seen on day `last - i`; 60 bits."""
    count: int
    first: int
    """Ordinal of the first day."""
    hours: int
    """48 bits: the UTC hours of weekdays, then those of weekends."""
    exemplar: EventRef
    """The first event that showed it."""

    def seen(self, day: int, sighting: Sighting) -> "Entry":
        """Return the entry with one more day; the order of days does not matter."""
        return self.merge(entry_of(day, sighting))

    def merge(self, other: "Entry") -> "Entry":
        """Return the entry of both."""
        last = max(self.last, other.last)
        days = (self.days << (last - self.last)) | (other.days << (last - other.last))
        return Entry(
            last,
            days & ((1 << MEMORY_DAYS) - 1),
            self.count + other.count,
            min(self.first, other.first),
            self.hours | other.hours,
            min(self.exemplar, other.exemplar),
        )

    def distinct_days(self, day: int, window: int) -> int:
        """Return the number of days among the `window` ones before `day` on which the value was seen."""
        age = day - self.last
        if age > window:
            return 0
        return (self.days & ((1 << max(window - age + 1, 0)) - 1)).bit_count()


def entry_of(day: int, sighting: Sighting) -> Entry:
    """Return the entry of a value seen on one day only."""
    weekend = date.fromordinal(day).weekday() >= 5  # noqa: PLR2004  # Saturday
    hours = sighting.hours << 24 if weekend else sighting.hours
    return Entry(day, 1, sighting.count, day, hours, sighting.exemplar)


class Pending(Struct, frozen=True, array_like=True):
    """A value that is not learnt because a case about it is open."""

    entry: Entry
    severity: Severity
    """The highest of its cases."""


class Provenance(Struct, frozen=True, array_like=True):
    """From which days, and how, a baseline was learnt."""

    mode: str
    """`trusted` (bootstrap, train: nothing was judged) or `judged` (detect)."""
    first: date
    last: date


class Baseline(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one agent normally does. Values only; nothing here decides."""

    agent: str
    key: AgentKey
    first_day: int
    """Ordinal of the first closed day."""
    last_day: int
    """Ordinal of the last closed day on which the agent was active."""
    active_days: int = 0
    events: int = 0
    entries: dict[Facet, dict[Value, Entry]] = {}  # msgspec copies empty defaults
    pending: dict[Facet, dict[Value, Pending]] = {}
    novelties: dict[Facet, dict[int, int]] = {}
    """Facet to day to the number of values that were new on it; the first day, on which all are, is not counted."""
    hourly: dict[Measure, dict[int, dict[int, int]]] = {}
    """Measure to day to UTC hour to the hour's sum; the last 90 days."""
    provenance: tuple[Provenance, ...] = ()
    promoted: dict[int, int] = {}
    """Day to values learnt from expired cases without a person; the last seven days."""
    evicted: int = 0
    """Values let go at the cap."""

    def values(self, facet: Facet) -> dict[Value, Entry]:
        """Return the learnt values of a facet."""
        return self.entries.get(facet, {})


class _Stored(Struct, frozen=True, array_like=True):
    version: int
    agent: str
    key: AgentKey
    days: tuple[int, int, int, int]
    entries: dict[Facet, list[tuple[Value, Entry]]]
    pending: dict[Facet, list[tuple[Value, Pending]]]
    novelties: dict[Facet, dict[int, int]]
    hourly: dict[Measure, dict[int, dict[int, int]]]
    provenance: tuple[Provenance, ...]
    promoted: dict[int, int]
    evicted: int


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Stored)


def encode_baseline(baseline: Baseline) -> bytes:
    """Return the stored form; equal baselines have equal bytes."""
    return _ENCODER.encode(
        _Stored(
            VERSION,
            baseline.agent,
            baseline.key,
            (baseline.first_day, baseline.last_day, baseline.active_days, baseline.events),
            {facet: sorted(values.items()) for facet, values in sorted(baseline.entries.items())},
            {facet: sorted(values.items()) for facet, values in sorted(baseline.pending.items())},
            {facet: dict(sorted(days.items())) for facet, days in sorted(baseline.novelties.items())},
            {
                measure: {day: dict(sorted(hours.items())) for day, hours in sorted(days.items())}
                for measure, days in sorted(baseline.hourly.items())
            },
            baseline.provenance,
            dict(sorted(baseline.promoted.items())),
            baseline.evicted,
        )
    )


def decode_baseline(body: bytes) -> Baseline:
    """Return the baseline that `encode_baseline` stored.

    Raises:
        StateError: where the bytes are of another version or no baseline.
    """
    try:
        stored = _DECODER.decode(body)
    except msgspec.MsgspecError as error:
        raise StateError(f"not a stored baseline: {error}") from error
    if stored.version != VERSION:
        raise StateError(f"a baseline of version {stored.version}; this program reads version {VERSION}")
    first_day, last_day, active_days, events = stored.days
    return Baseline(
        agent=stored.agent,
        key=stored.key,
        first_day=first_day,
        last_day=last_day,
        active_days=active_days,
        events=events,
        entries={facet: dict(values) for facet, values in stored.entries.items()},
        pending={facet: dict(values) for facet, values in stored.pending.items()},
        novelties=stored.novelties,
        hourly=stored.hourly,
        provenance=stored.provenance,
        promoted=stored.promoted,
        evicted=stored.evicted,
    )
