"""A sensor that used to speak and fell silent: what it did not see is not quiet (row A12)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from leeway.agents import IdKey
from leeway.events import AnyEvent
from leeway.findings import Evidence, Finding, Severity, Surprise, case_id, finding_id

TYPE = "telemetry_gap"

CALIBRATED = 7
"""Days behind an expectation from which it counts as calibrated."""

KEPT = 28
"""Closed days of which the hours are kept: four weeks, as many weekends."""

NEEDED = 5
"""Days of the same kind (weekday or weekend) before an hour can be usual."""

USUAL = 0.9
"""Share of those days on which a usual hour was heard."""

SILENT = 3
"""Usual hours in a row without an event that make a gap; one or two are a reboot."""

LONG = 6
"""Silent hours in a row from which a gap is MEDIUM."""

Heard = tuple[tuple[int, int], ...]
"""(ordinal of a closed day, mask of the UTC hours in which the sensor spoke), oldest first; 0 where it was silent."""


class Gap(NamedTuple):
    """The longest silence of one sensor on one day."""

    sensor: str
    severity: Severity
    first: datetime
    last: datetime
    hours: int
    """The silent hours, a 24-bit mask."""
    days: int
    """Days of the same kind behind the expectation."""
    evidence: tuple[Evidence, ...]


def sensor_of(event: AnyEvent) -> str:
    """Return who reported an event: the sensor of its host, or the declared agent itself where no host is named."""
    return event.host or (f"agent {event.agent.uid}" if event.agent else "")


def heard_on(events: Iterable[AnyEvent]) -> dict[str, int]:
    """Return sensor to the mask of the UTC hours in which it spoke."""
    masks: dict[str, int] = {}
    for event in events:
        sensor = sensor_of(event)
        masks[sensor] = masks.get(sensor, 0) | 1 << event.time.hour
    return masks


def gaps(known: Mapping[str, Heard], heard: Mapping[str, int], day: date) -> list[Gap]:
    """Return the sensors that were silent on `day` in hours in which they usually speak, by name.

    An hour is usual where it was heard on nine of ten days of the same kind, of which there are five or more. A gap is
    three such hours in a row, MEDIUM from six on. Days on which nothing at all was read are no days here.

    Blind to: sensors with a rhythm slower than hours, the first week of one, and a sensor that is made to lie.
    """
    found = (_gap(sensor, days, heard.get(sensor, 0), day) for sensor, days in sorted(known.items()))
    return [gap for gap in found if gap is not None]


def remember(known: Mapping[str, Heard], heard: Mapping[str, int], day: date) -> dict[str, Heard]:
    """Return what is known of every sensor after `day` has closed; one that was silent for all of it is forgotten."""
    number = day.toordinal()
    sensors = sorted({*known, *heard})
    after = {one: (*known.get(one, ()), (number, heard.get(one, 0)))[-KEPT:] for one in sensors}
    return {one: days for one, days in after.items() if any(mask for _, mask in days)}


def gap_finding(gap: Gap, ids: IdKey, tenant: str, day: date) -> Finding:
    """Return the finding about a silent sensor; it is no agent's, and no event shows what was not seen."""
    agent = ids.id_of("sensor", gap.sensor)
    case = case_id(ids, tenant, agent, TYPE, (gap.sensor,))
    return Finding(
        finding_id=finding_id(ids, case, day),
        case_id=case,
        agent=agent,
        agent_name=f"(sensor) @ {gap.sensor}",
        type=TYPE,
        value=(gap.sensor,),
        severity=gap.severity,
        day=day,
        first=gap.first,
        last=gap.last,
        hours=gap.hours,
        evidence=gap.evidence,
        event_ids=(),
        surprise=Surprise(round(1 / (gap.days + 2), 6), gap.days, calibrated=gap.days >= CALIBRATED),
        host=gap.sensor,
    )


def _gap(sensor: str, days: Heard, mask: int, day: date) -> Gap | None:
    alike = [past for number, past in days if _is_weekend(date.fromordinal(number)) == _is_weekend(day)]
    if len(alike) < NEEDED:
        return None
    usual = [hour for hour in range(24) if sum(past >> hour & 1 for past in alike) >= USUAL * len(alike)]
    run = _longest_run([hour for hour in usual if not mask >> hour & 1])
    if len(run) < SILENT:
        return None
    midnight = datetime.combine(day, time(), UTC)
    seen = "no event in the whole day" if not mask else f"no event from {run[0]:02d}:00 to {run[-1] + 1:02d}:00 UTC"
    kind = "weekend days" if _is_weekend(day) else "weekdays"
    expected = f"an event in each of those hours, as on {len(alike)} {kind} before"
    return Gap(
        sensor=sensor,
        severity=Severity.MEDIUM if len(run) >= LONG else Severity.LOW,
        first=midnight + timedelta(hours=run[0]),
        last=midnight + timedelta(hours=run[-1] + 1, microseconds=-1),
        hours=sum(1 << hour for hour in run),
        days=len(alike),
        evidence=(Evidence("telemetry", seen, expected),),
    )


def _is_weekend(day: date) -> bool:
    return day.weekday() >= 5  # noqa: PLR2004  # Saturday


def _longest_run(hours: list[int]) -> list[int]:
    """Return the longest run of neighbouring hours, the first one of equals; no run crosses midnight."""
    best: list[int] = []
    run: list[int] = []
    for hour in hours:
        run = [*run, hour] if run and hour == run[-1] + 1 else [hour]
        best = run if len(run) > len(best) else best
    return best
