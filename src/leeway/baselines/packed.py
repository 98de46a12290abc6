"""Many baselines in little memory, for the question that is asked of every value: is it established?"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from leeway.agents import IdKey
from leeway.baselines.baseline import Baseline, Entry
from leeway.baselines.membership import KNOWN_DAYS, AgentState, state_of
from leeway.config import LearningProfile
from leeway.events import Facet, Value


class _Packed(NamedTuple):
    """One baseline: when it was active, and its values that are established on some day."""

    outline: Baseline
    """It without its values."""
    prints: "array[int]"
    """Keyed fingerprints of the values, sorted."""
    until: "array[int]"
    """Ordinal of the last day on which each is established if it is not seen again."""


class PackedBaselines:
    """What a host of baselines holds as established, about 12 bytes a value.

    Only "established" is answered: of any other value the baseline itself has to be asked. A value is known by its
    keyed 64-bit fingerprint, so it is wrongly held for established only where that equals one of the agent's own: for
    200 values, once in 2^64 / 200 ≈ 10^17 values asked for; nobody without the key can look for such a value.
    """

    def __init__(self, baselines: Iterable[Baseline], ids: IdKey, profile: LearningProfile) -> None:
        """Pack `baselines`, of which one at a time is held."""
        self._ids = ids
        self._profile = profile
        self._packed: dict[str, _Packed] = {one.agent: self._pack(one) for one in baselines}

    def __contains__(self, agent: object) -> bool:
        return agent in self._packed

    def __len__(self) -> int:
        return len(self._packed)

    def fingerprint(self, facet: Facet, value: Value) -> int:
        """Return the fingerprint under which a value is packed."""
        return self._ids.fingerprint(facet, *value)

    def is_established(self, agent: str, fingerprint: int, day: int) -> bool:
        """Say whether the agent's own baseline holds a value as established on `day` (an ordinal)."""
        packed = self._packed.get(agent)
        if packed is None:
            return False
        place = bisect_left(packed.prints, fingerprint)
        found = place < len(packed.prints) and packed.prints[place] == fingerprint
        return found and day <= packed.until[place]

    def state(self, agent: str, day: int) -> AgentState:
        """Return the state in which an agent is judged on `day` (an ordinal)."""
        packed = self._packed.get(agent)
        return state_of(None if packed is None else packed.outline, day, self._profile)

    def _pack(self, baseline: Baseline) -> _Packed:
        held: dict[int, int] = {}
        for facet, values in baseline.entries.items():
            for value, entry in values.items():
                until = established_until(entry, self._profile)
                if until:
                    held[self.fingerprint(facet, value)] = until
        prints = array("Q", sorted(held))
        until_days = array("I", (held[one] for one in prints))
        return _Packed(_outline(baseline), prints, until_days)


def _outline(baseline: Baseline) -> Baseline:
    first, last, events = baseline.first_day, baseline.last_day, baseline.events
    return Baseline(agent=baseline.agent, key=baseline.key, first_day=first, last_day=last, events=events)


def established_until(entry: Entry, profile: LearningProfile) -> int:
    """Return the ordinal of the last day on which a value is established if it is not seen again; 0 where on none.

    Forgetting only takes days away, so a value is established from its last sighting on until the oldest of the days
    it needs leaves the window.
    """
    if entry.count < profile.established_sightings:
        return 0
    days = entry.days
    for _ in range(profile.established_days - 1):
        days &= days - 1
    if not days:
        return 0
    needed = (days & -days).bit_length() - 1
    return entry.last + KNOWN_DAYS - needed if needed <= KNOWN_DAYS else 0
