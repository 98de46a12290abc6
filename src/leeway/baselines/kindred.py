"""What some settled baselines know together, worked out once for all agents that are judged by them."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from leeway.baselines.baseline import Baseline, Entry
from leeway.baselines.membership import Membership, membership_of
from leeway.config import LearningProfile
from leeway.events import Facet, Measure, Value


class Kindred:
    """Some baselines as one. A program that runs on a thousand machines has a thousand, so each facet is read once."""

    def __init__(
        self, baselines: Collection[Baseline], day: int, profile: LearningProfile, *, without: str | None = None
    ) -> None:
        """Take `baselines` as of `day` (an ordinal); the agent `without`, which must be among them, is left out."""
        self._baselines = baselines
        self._day = day
        self._profile = profile
        self._without = without
        self._known: dict[Facet, dict[Value, Membership]] = {}
        self._siblings: dict[Facet, Counter[Value]] = {}
        self._seen: dict[Facet, tuple[int, int]] = {}
        self._active_days: int | None = None
        self._hourly: dict[Measure, dict[int, dict[int, int]]] = {}

    def __len__(self) -> int:
        return len(self._baselines) - (self._without is not None)

    def __iter__(self) -> Iterator[Baseline]:
        return (one for one in self._baselines if one.agent != self._without)

    def known(self, facet: Facet) -> dict[Value, Membership]:
        """Return the known values of a facet, and how well the best informed baseline knows each."""
        found = self._known.get(facet)
        if found is None:
            found = self._known[facet] = {}
            for one in self:
                for value, entry in one.values(facet).items():
                    membership = membership_of(entry, self._day, self._profile)
                    if membership > found.get(value, Membership.NEW):
                        found[value] = membership
        return found

    def siblings(self, facet: Facet) -> Counter[Value]:
        """Return how many known values of a facet extend each value it lies within."""
        found = self._siblings.get(facet)
        if found is None:
            found = self._siblings[facet] = Counter(value[:-1] for value in self.known(facet))
        return found

    def seen(self, facet: Facet) -> tuple[int, int]:
        """Return the number of (value, day) pairs of a facet, and of the values that were seen on one day only."""
        found = self._seen.get(facet)
        if found is None:
            found = self._seen[facet] = days_seen(one.values(facet).values() for one in self)
        return found

    @property
    def active_days(self) -> int:
        """The active days of all, summed."""
        if self._active_days is None:
            self._active_days = sum(one.active_days for one in self)
        return self._active_days

    def hourly(self, measure: Measure) -> dict[int, dict[int, int]]:
        """Return day to hour to sum of a measure, as the first baseline has it that has any."""
        found = self._hourly.get(measure)
        if found is None:
            days = (one.hourly[measure] for one in self if one.hourly.get(measure))
            found = self._hourly[measure] = next(days, {})
        return found


def days_seen(entries: Iterable[Iterable[Entry]]) -> tuple[int, int]:
    """Return the number of (value, day) pairs of entries, and of those that were seen on one day only."""
    days = [entry.days.bit_count() for some in entries for entry in some]
    return sum(days), days.count(1)
