"""Does the agent send far more than it ever did in an hour or a day?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from typing import ClassVar

from leeway.baselines import Limit, hourly_limit, total_limit
from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Held, Severity, Signal
from leeway.summaries import MeasureTotals

GRAVE = 100
"""Times the limit from which the severity is HIGH."""


@dataclass(frozen=True, slots=True)
class ExcessTransfer:
    """Bytes sent in one hour, or in the day, beyond 2^(median + 6·MAD) of the last seven closed days (rows B6, B31).

    MEDIUM, HIGH from a hundred times the limit. An agent that never sent a byte the sensor counted is held to a limit
    of 1 MiB an hour.

    Blind to: a slow drip below the limit, and every feed whose sensor does not count bytes (Sysmon, Defender): there
    the state is "not observable", which is not quiet.
    """

    name: ClassVar[str] = "excess_transfer"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = (Measure.BYTES_OUT,)

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield one signal where an hour's or the day's sum is beyond its limit."""
        totals = view.summary.measures.get(Measure.BYTES_OUT, {}).get("")
        if totals is None or view.reference.is_empty:
            return
        days = view.reference.days_of(Measure.BYTES_OUT)
        hourly = hourly_limit(days, view.reference.day) or UNSENT
        daily = total_limit(days, view.reference.day) or UNSENT_DAY
        over = sorted(hour for hour, amount in totals.hours.items() if amount > hourly.amount)
        evidence = tuple(_of_hour(hour, totals.hours[hour], hourly) for hour in over[:4])
        if totals.total > daily.amount:
            evidence += (_evidence("bytes sent in the day", totals.total, daily, "days"),)
        if evidence:
            worst = max(totals.total / daily.amount, *(totals.hours[hour] / hourly.amount for hour in totals.hours))
            yield self._signal(view, totals, over or sorted(totals.hours), worst, evidence)

    def _signal(
        self, view: View, totals: MeasureTotals, hours: list[int], worst: float, evidence: tuple[Evidence, ...]
    ) -> Signal:
        midnight = datetime.combine(view.summary.day, time(), timezone.utc)  # noqa: UP017  # the class, not the constant
        return Signal(
            agent=view.agent,
            type=self.name,
            value=(),
            severity=view.soften(Severity.HIGH if worst >= GRAVE else Severity.MEDIUM),
            evidence=evidence,
            first=midnight + timedelta(hours=hours[0]),
            last=midnight + timedelta(hours=hours[-1] + 1) - timedelta(microseconds=1),
            hours=sum(1 << hour for hour in hours),
            event_ids=(totals.exemplar.id,),
            surprise=view.reference.surprise(),
            held=(Held(Measure.BYTES_OUT, ()),),
        )


UNSENT = Limit(1 << 20, 0, 0)
"""1 MiB: the limit of an hour where no closed day has a count."""

UNSENT_DAY = Limit(8 << 20, 0, 0)
"""Eight such hours."""


def _of_hour(hour: int, amount: int, limit: Limit) -> Evidence:
    return _evidence(f"bytes sent from {hour:02d}:00 UTC", amount, limit, "hours")


def _evidence(what: str, amount: int, limit: Limit, unit: str) -> Evidence:
    return Evidence(what, f"{amount:,}", f"≤ {limit.amount:,}; median {limit.median:,} of {limit.n} {unit}")
