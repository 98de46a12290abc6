"""The reference engine: plain Python over one event at a time."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import ClassVar

from leeway.agents import Attribution
from leeway.baselines import Candidate, Reference, compare
from leeway.events import AnyEvent, Facet
from leeway.summaries import Bound, Summary, merge, summarise


class Fold:
    """What every other engine must equal."""

    name: ClassVar[str] = "fold"

    def summarise(
        self, day: date, events: Iterable[AnyEvent], attribution: Attribution, bound: Bound
    ) -> dict[str, Summary]:
        """Return the summary of every agent that `events`, all of `day`, count for."""
        return summarise(day, events, attribution, bound)

    def merge(self, one: Summary, other: Summary, bound: Bound) -> Summary:
        """Return the summary of both halves of one agent's day."""
        return merge(one, other, bound)

    def compare(self, summary: Summary, reference: Reference) -> Mapping[Facet, tuple[Candidate, ...]]:
        """Return the values that are not established, by facet."""
        return compare(summary, reference)
