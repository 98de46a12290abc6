"""One agent's day under construction, made of cells; equal to what `SummaryBuilder` makes of their events."""

from datetime import date, datetime

from leeway.engines.live.cells import Amounts, Cell, Group, Owner
from leeway.engines.live.showings import Seen
from leeway.events import EventRef, Facet, Measure, Value
from leeway.summaries import Bound, MeasureTotals, Session, Sighting, Summary, bin_of
from leeway.summaries.summary import MEASURE_KEYS, keep, keep_parts


class _Tally:
    """A sighting under construction."""

    __slots__ = ("count", "first", "first_id", "hours", "last")

    def __init__(self, cell: Cell) -> None:
        self.count = self.hours = 0
        self.first, self.first_id, self.last = cell.first, cell.first_id, cell.last

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
        self.noted: dict[Facet, set[Value]] = {}
        """Values that were listened to, as far as the cap goes."""
        self.sent: dict[int, int] = {}
        """UTC hour to bytes sent, as far as they came."""
        self.is_changed = True
        """Whether there is more than the last summary holds."""
        self._day = day
        self._bound = bound
        self._values: dict[Facet, dict[Value, _Tally]] = {}
        self._largest: dict[Facet, int] = {}
        """Facets that were cut, to the largest fingerprint that was kept."""
        self._hours: dict[int, int] = {}
        self._events = 0
        self._exemplar: tuple[datetime, str] | None = None
        self._measures: dict[Measure, dict[str, MeasureTotals]] = {}
        self._frozen: dict[Facet, dict[Value, Sighting]] = {}

    def is_beyond(self, seen: Seen) -> bool:
        """Say whether a value that is new today would be let go, its facet being full of smaller fingerprints."""
        largest = self._largest.get(seen.facet)
        return largest is not None and seen.fingerprint > largest

    def note(self, seen: Seen) -> bool:
        """Note a value; say whether it makes its facet have too many, or changes which of too many are kept."""
        noted = self.noted.setdefault(seen.facet, set())
        if len(noted) > self._bound.caps.values_per_facet:
            return not self.is_beyond(seen)
        noted.add(seen.value)
        return len(noted) > self._bound.caps.values_per_facet

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
            tallies = self._values.setdefault(seen.facet, {})
            tally = tallies.get(seen.value)
            if tally is None:
                if self.is_beyond(seen):
                    continue
                tally = tallies[seen.value] = _Tally(cell)
                # A tenth past the cap, because cutting is a sort: it is not done for every new value.
                if len(tallies) > self._bound.caps.values_per_facet * 11 // 10:
                    self._cut(seen.facet)
            tally.add(cell, more)
            self._frozen.pop(seen.facet, None)
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
        for facet in self._values.keys() - self._frozen.keys():
            self._frozen[facet] = self._freeze(facet)
        measures = {**self._measures, **self._counted()}
        return Summary(
            agent=self.agent,
            day=self._day,
            sightings=dict(sorted(self._frozen.items())),
            capped=frozenset(self._largest),
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

    def _freeze(self, facet: Facet) -> dict[Value, Sighting]:
        if len(self._values[facet]) > self._bound.caps.values_per_facet:
            self._cut(facet)
        kept = self._values[facet]
        return {value: kept[value].sighting() for value in sorted(kept)}

    def _cut(self, facet: Facet) -> None:
        kept = keep(facet, self._values[facet], self._bound)
        self._values[facet] = kept
        self._largest[facet] = max(self._bound.rank(facet, value) for value in kept)

    def _sessions(self) -> dict[str, Session]:
        found: dict[str, Session] = {}
        for owner in self.sessions:
            for run, steps in owner.sessions.items():
                session = steps.session()
                known = found.get(run)
                found[run] = session if known is None else known.merge(session, self._bound.caps.session_steps)
        return dict(sorted(found.items()))
