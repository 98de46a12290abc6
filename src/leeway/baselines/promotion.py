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


def trust(baseline: Baseline | None, key: AgentKey, summary: Summary, never: frozenset[Held], settings: Settings) -> Baseline:
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
    entries = {facet: dict(values) for facet, values in base.entries.items()}
    pending = {facet: dict(values) for facet, values in base.pending.items()}
    novelties = {facet: dict(days) for facet, days in base.novelties.items()}
    # Nothing new of a capped facet was judged, so nothing new of it is learnt.
    unjudged = summary.capped if mode == "judged" else frozenset()
    is_same_day = day == base.last_day and base.active_days > 0
    for facet, values in summary.sightings.items():
        fresh = 0
        for value, sighting in values.items():
            if _is_listed(facet, value, remarks.never) or (facet in unjudged and value not in base.values(facet)):
                continue
            if membership_of(base.values(facet).get(value), day, settings.profile) is Membership.NEW:
                # What was forgotten is judged as new, so it is learnt, or held, as new.
                entries.get(facet, {}).pop(value, None)
                fresh += 1
            _learn_or_hold(facet, value, day, sighting, entries, pending, remarks)
        if fresh and day > base.first_day:
            days = novelties.setdefault(facet, {})
            days[day] = days.get(day, 0) + fresh
    promoted = _release(day, entries, pending, remarks, base.promoted, settings)
    evicted = _fit(entries, settings.caps.baseline_values)
    return replace(
        base,
        key=key if key.signer is not None or base.key.signer is None else base.key,
        first_day=min(base.first_day, day),
        last_day=max(base.last_day, day),
        active_days=base.active_days + (not is_same_day),
        events=base.events + summary.events,
        entries={facet: values for facet, values in entries.items() if values},
        pending={facet: values for facet, values in pending.items() if values},
        novelties={facet: _recent(days, day) for facet, days in novelties.items()},
        hourly=_hourly(base, summary, day, remarks),
        provenance=_provenance(base.provenance, mode, summary.day),
        promoted=promoted,
        evicted=base.evicted + evicted,
    )


def _learn_or_hold(
    facet: Facet,
    value: Value,
    day: int,
    sighting: Sighting,
    entries: dict[Facet, dict[Value, Entry]],
    pending: dict[Facet, dict[Value, Pending]],
    remarks: Remarks,
) -> None:
    known = entries.get(facet, {}).get(value)
    waiting = pending.get(facet, {}).get(value)
    severity = _held_severity(facet, value, remarks)
    if known is None and (waiting is not None or severity is not None):
        entry = entry_of(day, sighting) if waiting is None else waiting.entry.seen(day, sighting)
        gravest = max(one for one in (severity, waiting.severity if waiting else None) if one is not None)
        pending.setdefault(facet, {})[value] = Pending(entry, gravest)
        return
    entry = entry_of(day, sighting) if known is None else known.seen(day, sighting)
    entries.setdefault(facet, {})[value] = entry


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


def _release(
    day: int,
    entries: dict[Facet, dict[Value, Entry]],
    pending: dict[Facet, dict[Value, Pending]],
    remarks: Remarks,
    promoted: dict[int, int],
    settings: Settings,
) -> dict[int, int]:
    """Move what a person accepted, and what has expired within the quota, from pending to learnt."""
    recent = {one: count for one, count in promoted.items() if one > day - EXPIRY_DAYS}
    quota = settings.caps.promoted_per_week - sum(recent.values())
    for facet in sorted(pending):
        for value, waiting in sorted(pending[facet].items()):
            if _is_listed(facet, value, remarks.never):
                del pending[facet][value]
                continue
            accepted = _is_listed(facet, value, remarks.accepted)
            expired = not accepted and quota > 0 and _has_expired(waiting, day)
            if accepted or expired:
                quota -= expired
                recent[day] = recent.get(day, 0) + expired
                entries.setdefault(facet, {})[value] = waiting.entry
                del pending[facet][value]
    return {one: count for one, count in recent.items() if count}


def _has_expired(waiting: Pending, day: int) -> bool:
    return (
        waiting.severity <= Severity.MEDIUM
        and day - waiting.entry.first >= EXPIRY_DAYS
        and waiting.entry.days.bit_count() >= EXPIRED_MIN_DAYS
        and waiting.entry.count >= EXPIRED_MIN_SIGHTINGS
    )


def _fit(entries: dict[Facet, dict[Value, Entry]], cap: int) -> int:
    """Let go the values longest unseen beyond the cap; return how many."""
    excess = sum(map(len, entries.values())) - cap
    if excess <= 0:
        return 0
    order = sorted((entry.last, facet, value) for facet, values in entries.items() for value, entry in values.items())
    for _, facet, value in order[:excess]:
        del entries[facet][value]
    return excess


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
            today[hour] = today.get(hour, 0) + amount
        days[day] = today
    return {measure: _recent(days, day) for measure, days in hourly.items()}


def _recent(days: dict[int, _Kept], day: int) -> dict[int, _Kept]:
    return {one: days[one] for one in sorted(days) if one > day - RATE_DAYS}


def _provenance(known: tuple[Provenance, ...], mode: str, day: date) -> tuple[Provenance, ...]:
    """Return the stretches of learning with one more day; days of one mode in a row are one stretch."""
    if known and known[-1].mode == mode:
        last = known[-1]
        return (*known[:-1], Provenance(mode, min(last.first, day), max(last.last, day)))
    return (*known, Provenance(mode, day, day))
