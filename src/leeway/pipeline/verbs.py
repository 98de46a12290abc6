"""What an engine is: where the three verbs run."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import ClassVar, Protocol

from leeway.agents import Attribution
from leeway.baselines import Candidate, Reference
from leeway.events import AnyEvent, Facet
from leeway.summaries import Bound, Summary


class Verbs(Protocol):
    """Summarise, merge, compare. The fold is the reference; every other engine gives equal values."""

    name: ClassVar[str]

    def summarise(
        self, day: date, events: Iterable[AnyEvent], attribution: Attribution, bound: Bound
    ) -> dict[str, Summary]:
        """Return the summary of every agent that `events`, all of `day`, count for."""
        ...

    def merge(self, one: Summary, other: Summary, bound: Bound) -> Summary:
        """Return the summary of both halves of one agent's day."""
        ...

    def compare(self, summary: Summary, reference: Reference) -> Mapping[Facet, tuple[Candidate, ...]]:
        """Return the values that are not established, by facet, in the order of their values."""
        ...
