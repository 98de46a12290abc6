"""What a source shows, facet by facet: seen, not seen, not observable by this sensor. Silence is not quiet."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import count

from leeway.agents import Actor
from leeway.detectors import ALL
from leeway.events import AnyEvent, Facet, Measure, ToolCalled
from leeway.modes.report import tally
from leeway.modes.request import Progress, quiet
from leeway.sources import Rejected, Skipped, Source
from leeway.summaries import FACETS
from leeway.summaries.facet_table import MEASURES, tool_arguments

_NOBODY = Actor("", "", "", "", "", ())

Side = Facet | Measure
"""One thing that can be remembered of an agent."""

SIDES: tuple[Side, ...] = (*Facet, *Measure)

HOSTS = 100_000
"""Hosts of a source that are told apart; there may be more."""


class Shown(StrEnum):
    """How a source stands to one facet or measure."""

    SEEN = "seen"
    NOT_SEEN = "not seen"
    NOT_OBSERVABLE = "not observable"


@dataclass
class Observability:
    """What one source showed when all of it was read."""

    kind: str
    uri: str
    partial: str
    """Why this is not the sensor's whole view; empty where it is."""
    observes: frozenset[Side]
    host_not_told: bool = False
    """Whether an event had to go without the name of its host."""
    records: int = 0
    events: Counter[str] = field(default_factory=Counter)
    """Kind of event to how many there were."""
    rejected: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    seen: Counter[Side] = field(default_factory=Counter)
    """Facet or measure to the events that showed it."""
    hosts: set[str] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None

    def shown(self, side: Side) -> Shown:
        """Return how the source stands to a facet or measure; what was seen was observable, whatever is declared."""
        if self.seen[side]:
            return Shown.SEEN
        return Shown.NOT_SEEN if side in self.observes else Shown.NOT_OBSERVABLE

    def sides(self, shown: Shown) -> list[Side]:
        """Return the facets and measures that stand so, in the order of the table."""
        return [side for side in SIDES if self.shown(side) is shown]

    def blind(self) -> dict[str, list[str]]:
        """Return detector to those of its facets and measures that no event of this source can ever show."""
        hidden = set(self.sides(Shown.NOT_OBSERVABLE))
        lacking = {one.name: [str(side) for side in one.facets if side in hidden] for one in ALL}
        return {name: sides for name, sides in lacking.items() if sides}


def observe_source(source: Source, progress: Progress = quiet) -> Observability:
    """Read all of a source and return what it showed.

    Raises:
        SourceError: where it cannot be read on.
    """
    found = Observability(source.name, source.uri, str(getattr(source, "partial", "")), frozenset())
    number = count(1)
    for _, record in source.read():
        found.records = next(number)
        progress(f"reading {source.uri}", found.records)
        if isinstance(record, Rejected):
            tally(found.rejected, record.reason)
        elif isinstance(record, Skipped):
            tally(found.skipped, record.reason)
        else:
            _count(found, record)
    # Asked behind the reading: some sources know only then which of their tables were there.
    found.observes = source.observes
    found.host_not_told = bool(getattr(source, "host_not_told", False))
    return found


def total_of(found: Sequence[Observability]) -> Observability:
    """Return what several sources showed together: observable is what one of them can show."""
    total = Observability("total", "", "", frozenset().union(*(one.observes for one in found)))
    for one in found:
        total.records += one.records
        total.events += one.events
        total.seen += one.seen
        total.hosts |= one.hosts
    total.first = min((one.first for one in found if one.first is not None), default=None)
    total.last = max((one.last for one in found if one.last is not None), default=None)
    return total


def _count(found: Observability, event: AnyEvent) -> None:
    found.events[str(type(event).__struct_config__.tag)] += 1
    found.seen.update(set(_sides_of(event)))
    if len(found.hosts) < HOSTS:
        found.hosts.add(event.host.casefold())
    found.first = event.time if found.first is None else min(found.first, event.time)
    found.last = event.time if found.last is None else max(found.last, event.time)


def _sides_of(event: AnyEvent) -> Iterator[Side]:
    for row in FACETS:
        value = row.read(event, _NOBODY) if isinstance(event, row.event) else None
        if value is not None and not (row.facet is Facet.MODULE_DIGEST and not value[-1]):  # a load without a digest
            yield row.facet
    for measure in MEASURES:
        if isinstance(event, measure.event) and measure.read(event) is not None:
            yield measure.measure
    if isinstance(event, ToolCalled) and tool_arguments(event):
        yield Facet.TOOL_ARGUMENT
