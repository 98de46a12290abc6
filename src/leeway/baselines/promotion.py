"""Promotion at the close of a day: the only way to learn."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from leeway.agents import AgentKey
from leeway.baselines.baseline import RATE_DAYS, Baseline, Entry, Pending, Provenance, entry_of
from leeway.baselines.membership import Membership, membership_of
from leeway.config import Settings
from leeway.events import WITHIN, Facet, Measure, Value
from leeway.findings import Held, Severity
from leeway.summaries import Sighting, Summary

EXPIRY_DAYS = 7
"""Days after which values of an unreviewed LOW or MEDIUM case may be learnt, slowly."""

EXPIRED_MIN_DAYS = 3
EXPIRED_MIN_SIGHTINGS = 5
"""What an expired case's value must have shown besides."""


HOURLY_MOST = (1 << 63) - 1
"""Most that an hour's sum is remembered as: what stored forms hold, and far beyond what a machine can send."""

_Kept = TypeVar("_Kept")


class Remarks(NamedTuple):
    """What was said about one agent's day, and what people said of its cases."""

    held: Mapping[Held, Severity]
    """Values of the day's findings, with the highest severity."""
    accepted: frozenset[Held] = frozenset()
    """Values of cases with a benign verdict in force and without an end."""
    never: frozenset[Held] = frozenset()
    """The never-learn list; it survives everything."""
    is_learning: bool = False
    """Whether the agent was judged while learning: its LOW remarks are what it has to learn."""


def trust(
    baseline: Baseline | None, key: AgentKey, summary: Summary, never: frozenset[Held], settings: Settings
) -> Baseline:
    """Return the baseline after a trusted day (bootstrap, train): everything is learnt but the never-learn list."""
    return _close(baseline, key, summary, Remarks({}, never=never), settings, "trusted")


def promote(
    baseline: Baseline | None, key: AgentKey, summary: Summary, remarks: Remarks, settings: Settings
) -> Baseline:
    """Return the baseline after a judged day.

    Values of a finding wait in `pending` until a person accepts them or, for LOW and MEDIUM, their case has expired
    (7 days) and they were seen on 3 days and 5 times, under a weekly quota. Everything else is learnt at once.
    """
    return _close(baseline, key, summary, remarks, settings, "judged")


def _close(
    baseline: Baseline | None, key: AgentKey, summary: Summary, remarks: Remarks, settings: Settings, mode: str
) -> Baseline:
    day = summary.day.toordinal()
    base = baseline or Baseline(agent=summary.agent, key=key, first_day=day, last_day=day)
    draft = _Draft(base, day, remarks, settings)
    for facet, values in summary.sightings.items():
        # Nothing new of a capped facet was judged, so nothing new of it is learnt.
        draft.take(facet, values, is_judged=mode == "trusted" or facet not in summary.capped)
    promoted = draft.release()
    return replace(
        lived_through(base, key, summary.day, summary.events, mode),
        evicted=base.evicted + draft.fit(),
        entries={facet: values for facet, values in draft.entries.items() if values},
        pending={facet: values for facet, values in draft.pending.items() if values},
        novelties={facet: kept for facet, days in draft.novelties.items() if (kept := _recent(days, day))},
        hourly=_hourly(base, summary, day, remarks),
        promoted=promoted,
    )


def lived_through(base: Baseline, key: AgentKey, day: date, events: int, mode: str) -> Baseline:
    """Return the baseline of an agent that was active on a day, before anything is learnt of what it did."""
    number = day.toordinal()
    is_same_day = number == base.last_day and base.active_days > 0
    return replace(
        base,
        key=key if key.signer is not None or base.key.signer is None else base.key,
        first_day=min(base.first_day, number),
        last_day=max(base.last_day, number),
        active_days=base.active_days + (not is_same_day),
        events=base.events + events,
        provenance=_provenance(base.provenance, mode, day),
    )


class _Draft:
    """The next baseline under construction: copies of the parts that a day changes."""

    def __init__(self, base: Baseline, day: int, remarks: Remarks, settings: Settings) -> None:
        self._base = base
        self._day = day
        self._remarks = remarks
        self._settings = settings
        self.entries = {facet: dict(values) for facet, values in base.entries.items()}
        self.pending = {facet: dict(values) for facet, values in base.pending.items()}
        self.novelties = {facet: dict(days) for facet, days in base.novelties.items()}

    def take(self, facet: Facet, values: Mapping[Value, Sighting], *, is_judged: bool) -> None:
        """Learn the day's values of a facet, or hold those that a finding speaks of."""
        known = self._base.values(facet)
        fresh = 0
        for value, sighting in values.items():
            if _is_listed(facet, value, self._remarks.never) or not (is_judged or value in known):
                continue
            if membership_of(known.get(value), self._day, self._settings.profile) is Membership.NEW:
                # What was forgotten is judged as new, so it is learnt, or held, as new.
                self.entries.get(facet, {}).pop(value, None)
                fresh += 1
            self._learn_or_hold(facet, value, sighting)
        if fresh and self._day > self._base.first_day:
            days = self.novelties.setdefault(facet, {})
            days[self._day] = days.get(self._day, 0) + fresh

    def _learn_or_hold(self, facet: Facet, value: Value, sighting: Sighting) -> None:
        known = self.entries.get(facet, {}).get(value)
        waiting = self.pending.get(facet, {}).get(value)
        severity = _held_severity(facet, value, self._remarks)
        if known is None and (waiting is not None or severity is not None):
            entry = entry_of(self._day, sighting) if waiting is None else waiting.entry.seen(self._day, sighting)
            gravest = max(one for one in (severity, waiting.severity if waiting else None) if one is not None)
            self.pending.setdefault(facet, {})[value] = Pending(entry, gravest)
            return
        entry = entry_of(self._day, sighting) if known is None else known.seen(self._day, sighting)
        self.entries.setdefault(facet, {})[value] = entry

    def release(self) -> dict[int, int]:
        """Learn what a person accepted, and what has expired within the quota; return the days of the latter."""
        recent = {one: count for one, count in self._base.promoted.items() if one > self._day - EXPIRY_DAYS}
        quota = self._settings.caps.promoted_per_week - sum(recent.values())
        # What others lie within comes first: a host learnt before its domain would use up the quota for nothing.
        for facet in sorted(self.pending, key=lambda one: (sum(1 for _ in _lineage(one, ())), one)):
            for value, waiting in sorted(self.pending[facet].items()):
                if _is_listed(facet, value, self._remarks.never):
                    del self.pending[facet][value]
                    continue
                accepted = _is_listed(facet, value, self._remarks.accepted)
                expired = not accepted and quota > 0 and _has_expired(waiting, self._day)
                if accepted or expired:
                    quota -= expired
                    recent[self._day] = recent.get(self._day, 0) + expired
                    self.entries.setdefault(facet, {})[value] = waiting.entry
                    del self.pending[facet][value]
        return {one: count for one, count in recent.items() if count}

    def fit(self) -> int:
        """Let go the values longest unseen beyond the cap; return how many.

        Values that wait have the same cap for themselves: a flood of them must not push out what was learnt.
        """
        cap = self._settings.caps.baseline_values
        waiting = {facet: {value: one.entry for value, one in held.items()} for facet, held in self.pending.items()}
        return _let_go(self.entries, self.entries, cap) + _let_go(self.pending, waiting, cap)


def _let_go(kept: Mapping[Facet, dict[Value, _Kept]], entries: Mapping[Facet, Mapping[Value, Entry]], cap: int) -> int:
    excess = sum(map(len, entries.values())) - cap
    if excess <= 0:
        return 0
    held = ((entry.last, facet, value) for facet, values in entries.items() for value, entry in values.items())
    for _, facet, value in sorted(held)[:excess]:
        del kept[facet][value]
    return excess


def _held_severity(facet: Facet, value: Value, remarks: Remarks) -> Severity | None:
    """Return the severity under which a value, or one it lies within, is held; None where it may be learnt."""
    severity: Severity | None = None
    for held in _lineage(facet, value):
        found = None if held in remarks.accepted else remarks.held.get(held)
        if found is not None and not (remarks.is_learning and found <= Severity.LOW):
            severity = found if severity is None else max(severity, found)
    return severity


def _lineage(facet: Facet, value: Value) -> Iterable[Held]:
    """Yield a value and every value it lies within."""
    at: Facet | None = facet
    while at is not None:
        yield Held(at, value)
        at, value = WITHIN.get(at), value[:-1]


def _is_listed(facet: Facet, value: Value, listed: frozenset[Held]) -> bool:
    return bool(listed) and any(held in listed for held in _lineage(facet, value))


def _has_expired(waiting: Pending, day: int) -> bool:
    return (
        waiting.severity <= Severity.MEDIUM
        and day - waiting.entry.first >= EXPIRY_DAYS
        and waiting.entry.days.bit_count() >= EXPIRED_MIN_DAYS
        and waiting.entry.count >= EXPIRED_MIN_SIGHTINGS
    )


def _hourly(base: Baseline, summary: Summary, day: int, remarks: Remarks) -> dict[Measure, dict[int, dict[int, int]]]:
    """Return the hourly sums with the day's; a measure that a finding remarked on is not learnt."""
    hourly = {measure: dict(days) for measure, days in base.hourly.items()}
    for measure, parts in summary.measures.items():
        totals = parts.get("")
        held = Held(measure, ())
        if totals is None or held in remarks.never or (held in remarks.held and held not in remarks.accepted):
            continue
        days = hourly.setdefault(measure, {})
        today = dict(days.get(day, {}))
        for hour, amount in totals.hours.items():
            today[hour] = min(today.get(hour, 0) + amount, HOURLY_MOST)
        days[day] = today
    return {measure: kept for measure, days in hourly.items() if (kept := _recent(days, day))}


def _recent(days: dict[int, _Kept], day: int) -> dict[int, _Kept]:
    return {one: days[one] for one in sorted(days) if one > day - RATE_DAYS}


def _provenance(known: tuple[Provenance, ...], mode: str, day: date) -> tuple[Provenance, ...]:
    """Return the stretches of learning with one more day; days of one mode in a row are one stretch."""
    if known and known[-1].mode == mode:
        last = known[-1]
        return (*known[:-1], Provenance(mode, min(last.first, day), max(last.last, day)))
    return (*known, Provenance(mode, day, day))
