"""One agent's day under construction, made of cells; equal to what `SummaryBuilder` makes of their events."""

from datetime import date, datetime

from msgspec import Struct

from leeway.engines.live.cells import Amounts, Cell, Group, Owner
from leeway.engines.live.showings import FACETS_IN_ORDER, Seen
from leeway.events import EventRef, Measure, Value
from leeway.summaries import Bound, MeasureTotals, Session, Sighting, Summary, bin_of
from leeway.summaries.summary import MEASURE_KEYS, keep, keep_parts

_BY_NAME = tuple(sorted(enumerate(FACETS_IN_ORDER), key=lambda pair: pair[1]))


class _Tally(Struct, eq=False, gc=False):
    """A sighting under construction."""

    first: datetime
    first_id: str
    last: datetime
    count: int = 0
    hours: int = 0

    def add(self, cell: Cell, more: int) -> None:
        self.count += more
        self.hours |= 1 << cell.hour
        self.last = max(self.last, cell.last)
        if cell.first <= self.first and (cell.first, cell.first_id) < (self.first, self.first_id):
            self.first, self.first_id = cell.first, cell.first_id

    def sighting(self) -> Sighting:
        return Sighting(self.count, self.first, self.last, self.hours, EventRef(self.first, self.first_id))


class AgentDay:
    """Tallies of what one agent did, and the summary that they make."""

    def __init__(self, agent: str, day: date, bound: Bound) -> None:
        self.agent = agent
        self.groups: list[Group] = []
        self.sessions: list[Owner] = []
        """Declared agents' runs that count for it."""
        self.quiet: set[Seen] = set()
        """Values of which nothing will be said."""
        self._noted: list[set[Value]] = [set() for _ in FACETS_IN_ORDER]
        """Values that were listened to, as far as the cap goes."""
        self.sent: dict[int, int] = {}
        """UTC hour to bytes sent, as far as they came."""
        self.sent_whole = 0
        """All of these."""
        self.is_changed = True
        """Whether there is more than the last summary holds."""
        self._day = day
        self._bound = bound
        self._cap = bound.caps.values_per_facet
        self._values: list[dict[Value, _Tally]] = [{} for _ in FACETS_IN_ORDER]
        self._largest: list[int | None] = [None for _ in FACETS_IN_ORDER]
        """Of facets that were cut the largest fingerprint that was kept."""
        self._hours: dict[int, int] = {}
        self._events = 0
        self._exemplar: tuple[datetime, str] | None = None
        self._measures: dict[Measure, dict[str, MeasureTotals]] = {}
        self._frozen: list[dict[Value, Sighting] | None] = [None for _ in FACETS_IN_ORDER]

    def is_beyond(self, seen: Seen) -> bool:
        """Say whether a value that is new today would be let go, its facet being full of smaller fingerprints."""
        largest = self._largest[seen.index]
        return largest is not None and seen.fingerprint > largest

    def note(self, seen: Seen) -> bool:
        """Note a value; say whether it makes its facet have too many, or changes which of too many are kept."""
        noted = self._noted[seen.index]
        if len(noted) > self._cap:
            return not self.is_beyond(seen)
        noted.add(seen.value)
        return len(noted) > self._cap

    def count(self, cell: Cell, more: int) -> None:
        """Count events of a cell of which the agent is an actor."""
        self.is_changed = True
        self._events += more
        self._hours[cell.hour] = self._hours.get(cell.hour, 0) + more
        first = cell.first, cell.first_id
        if self._exemplar is None or first < self._exemplar:
            self._exemplar = first

    def see(self, values: tuple[Seen, ...], cell: Cell, more: int) -> None:
        """Count `more` events of a cell for some of the values that it shows."""
        for seen in values:
            tallies = self._values[seen.index]
            tally = tallies.get(seen.value)
            if tally is None:
                if self.is_beyond(seen):
                    continue
                tally = tallies[seen.value] = _Tally(cell.first, cell.first_id, cell.last)
                # A tenth past the cap, because cutting is a sort: it is not done for every new value.
                if len(tallies) > self._cap * 11 // 10:
                    self._cut(seen.index)
            tally.add(cell, more)
            self._frozen[seen.index] = None
        self.is_changed = True

    def measure(self, amounts: Amounts, totals: MeasureTotals) -> None:
        """Add amounts of one measure."""
        self.is_changed = True
        parts = self._measures.setdefault(amounts.measure, {})
        known = parts.get(amounts.key)
        parts[amounts.key] = totals if known is None else known.merge(totals)
        if len(parts) > 2 * MEASURE_KEYS:
            self._measures[amounts.measure] = keep_parts(amounts.measure, parts, self._bound)

    def summary(self) -> Summary:
        """Return the agent's summary."""
        self.is_changed = False
        sightings = {facet: found for index, facet in _BY_NAME if (found := self._freeze(index))}
        measures = {**self._measures, **self._counted()}
        return Summary(
            agent=self.agent,
            day=self._day,
            sightings=sightings,
            capped=frozenset(facet for index, facet in _BY_NAME if self._largest[index] is not None),
            measures={
                measure: {key: parts[key] for key in sorted(keep_parts(measure, parts, self._bound))}
                for measure, parts in sorted(measures.items())
            },
            sessions=self._sessions(),
        )

    def _counted(self) -> dict[Measure, dict[str, MeasureTotals]]:
        if self._exemplar is None:
            return {}
        ref = EventRef(*self._exemplar)
        hours = dict(sorted(self._hours.items()))
        return {
            Measure.EVENTS: {"": MeasureTotals(self._events, self._events, 1, ref, {bin_of(1): self._events}, hours)}
        }

    def _freeze(self, index: int) -> dict[Value, Sighting]:
        frozen = self._frozen[index]
        if frozen is None:
            if len(self._values[index]) > self._cap:
                self._cut(index)
            kept = self._values[index]
            frozen = self._frozen[index] = {value: kept[value].sighting() for value in sorted(kept)}
        return frozen

    def _cut(self, index: int) -> None:
        facet = FACETS_IN_ORDER[index]
        kept = self._values[index] = keep(facet, self._values[index], self._bound)
        self._largest[index] = max(self._bound.rank(facet, value) for value in kept)

    def _sessions(self) -> dict[str, Session]:
        found: dict[str, Session] = {}
        for owner in self.sessions:
            for run, steps in (owner.sessions or {}).items():
                session = steps.session()
                known = found.get(run)
                found[run] = session if known is None else known.merge(session, self._bound.caps.session_steps)
        return dict(sorted(found.items()))
