"""Does the agent reach many new places at once?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from leeway.baselines import Candidate, Membership, Reference
from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Severity, Signal
from leeway.findings.signal import EVENTS_SHOWN

FEWEST = 5
FACTOR = 3
"""More new destinations than max(5, 3 × their mean on a closed day): row A8 and ARCHITECTURE section 4."""

GRAVE = 10
"""Times the limit from which the severity is HIGH."""

_PLACES = (Facet.REGISTRABLE_DOMAIN, Facet.NETWORK)


@dataclass(frozen=True, slots=True)
class DestinationFanOut:
    """New destinations of the day number more than max(5, 3 × mean new per closed day) (row A8).

    MEDIUM, HIGH from ten times the limit. Counted are new registrable domains and new networks of bare addresses.
    The agent's first day, on which everything was new, is not in the mean.

    Blind to: many hosts of one domain or network, and a scan of known places.
    """

    name: ClassVar[str] = "destination_fan_out"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = _PLACES

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield one signal where the count is beyond the limit."""
        fresh = [one for one in view.of(*_PLACES) if one.membership is Membership.NEW]
        mean = _mean_new(view.reference)
        limit = max(FEWEST, FACTOR * mean)
        if len(fresh) > limit:
            yield self._signal(view, fresh, limit, mean)

    def _signal(self, view: View, fresh: list[Candidate], limit: float, mean: float) -> Signal:
        refs = sorted(one.sighting.exemplar for one in fresh)
        hours = 0
        for one in fresh:
            hours |= one.sighting.hours
        return Signal(
            agent=view.agent,
            type=self.name,
            value=(),
            severity=view.soften(Severity.HIGH if len(fresh) >= GRAVE * limit else Severity.MEDIUM),
            evidence=(Evidence("new destinations", str(len(fresh)), f"≤ {limit:g}; mean {mean:.2f} a closed day"),),
            first=min(one.sighting.first for one in fresh),
            last=max(one.sighting.last for one in fresh),
            hours=hours,
            event_ids=tuple(ref.id for ref in refs[:EVENTS_SHOWN]),
            surprise=view.reference.surprise(*_PLACES),
        )


def _mean_new(reference: Reference) -> float:
    own = reference.own
    if own is None or own.active_days <= 1:
        return 0.0
    return sum(sum(own.novelties.get(facet, {}).values()) for facet in _PLACES) / (own.active_days - 1)
