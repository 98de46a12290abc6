"""The same days through batches and through the fold: what equality is held by."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st

from builders import at, distinct, terms
from engine_days import Stretch, dealt, first_of_each, write_rows
from leeway.agents import Instance, InstanceKey
from leeway.baselines import Baseline
from leeway.config import Resources
from leeway.engines.duckdb.batch import Batch, Planned
from leeway.engines.duckdb.packed_files import INSTANCES, read_baselines, read_instances
from leeway.events import AnyEvent
from leeway.findings import Finding, Judgement, Verdict
from leeway.pipeline import DayEvents, Outcome, Terms, World, close_day
from leeway.pipeline.world import remembered
from leeway.sources.event_table_writer import write_event_table

ONE_CORE = Resources(threads=1)


class Manner(NamedTuple):
    """In what way a stretch is given to the batch."""

    files: int
    seed: int
    is_foreign: bool
    """Whether the files are as another program writes them: not sorted, ids twice."""
    restarts: frozenset[int]
    """Places of days before which a new batch takes over from what the last one saved."""
    folded: frozenset[int]
    """Places of days that go to the fold in any case."""
    is_planned: bool
    """Whether the batch knows which days are to come."""


def manners() -> st.SearchStrategy[Manner]:
    """Return any way to give a stretch."""
    places = st.frozensets(st.integers(1, 12), max_size=2)
    return st.builds(
        Manner,
        files=st.integers(1, 3),
        seed=st.integers(0, 1 << 16),
        is_foreign=st.booleans(),
        restarts=places,
        folded=st.frozensets(st.integers(0, 20), max_size=1),
        is_planned=st.sampled_from((True, True, True, False)),
    )


class Given(NamedTuple):
    """Days with their events, each id once; what is learnt of them and not judged."""

    days: Mapping[date, tuple[AnyEvent, ...]]
    learnt: int
    is_split: bool

    def day(self, number: int) -> DayEvents:
        """Return a day by its place."""
        day, events = sorted(self.days.items())[number]
        learnt = len(events) if number < self.learnt else len(events) // 2 if not self.is_whole(number) else 0
        return DayEvents(day, events[learnt:], events[:learnt])

    def is_whole(self, number: int) -> bool:
        """Whether a day is learnt, or judged, as a whole."""
        return not self.is_split or number != self.learnt


def rested(world: World, day: date) -> World:
    """Return what a run that begins with a day knows: processes are forgotten as of the day before."""
    return replace(world, instances=remembered(world.instances.values(), day.toordinal() - 1))


def folded(given_days: Given, under: Terms) -> list[Outcome]:
    """Return what the reference says of every day."""
    world, outcomes = World(), []
    for number in range(len(given_days.days)):
        events = given_days.day(number)
        outcomes.append(close_day(rested(world, events.day), events, under))
        world = outcomes[-1].world
    return outcomes


def judged(outcomes: Sequence[Outcome], effective: date, seed: int) -> tuple[Verdict, ...]:
    """Return what people said of some cases: half of them benign, half malicious, from a day on."""
    rng = Random(seed)  # noqa: S311  # an order, no secret
    cases = {one.case_id: one for outcome in outcomes for one in outcome.findings}
    chosen = rng.sample(sorted(cases.values(), key=lambda one: one.case_id), min(4, len(cases)))
    return tuple(
        Verdict(
            case_id=one.case_id,
            agent=one.agent,
            type=one.type,
            value=one.value,
            judgement=rng.choice((Judgement.BENIGN, Judgement.MALICIOUS)),
            reason="seen",
            by="ana",
            at=at(),
            effective=effective,
            held=one.held,
        )
        for one in chosen
    )


@dataclass
class Batches:
    """The same days through batches: saved, taken up again, folded in between, as a run over a directory does it."""

    under: Terms
    told: Given
    held: Mapping[Path, set[date]]
    """The files, with the days that each has events of."""
    folder: Path
    world: World = field(default_factory=World)
    """What is known; its baselines and instances are those newer than the packed files."""
    packed: dict[str, Path] = field(default_factory=dict)
    batch: Batch | None = None
    tried: Counter[str] = field(default_factory=Counter)

    def run(self, manner: Manner) -> list[Outcome]:
        """Close all days."""
        plan = [self._planned(day, number) for number, day in enumerate(sorted(self.told.days))]
        outcomes = []
        for number, one in enumerate(plan):
            if number in manner.restarts:
                self.save()
            outcome = None
            if number not in manner.folded and self.told.is_whole(number):
                batch = self._opened(plan[number : self._end(manner, number)] if manner.is_planned else ())
                outcome = batch.close(one.day, one.files, trusted=one.trusted)
                self.tried["left"] += outcome is None
            outcomes.append(outcome or self._folded(number))
            if outcome is not None:
                self.world = replace(outcome.world, baselines={}, instances={})
        self.save()
        return outcomes

    def _end(self, manner: Manner, start: int) -> int:
        """Return the place before which a batch ends that starts at one."""
        count = len(self.told.days)
        split = {number for number in range(count) if not self.told.is_whole(number)}
        return min(place for place in (*manner.restarts, *manner.folded, *split, count) if place > start)

    def _planned(self, day: date, number: int) -> Planned:
        files = tuple(file for file, days in self.held.items() if day in days)
        return Planned(day, files, number < self.told.learnt, len(self.told.days[day]))

    def _opened(self, plan: Sequence[Planned]) -> Batch:
        if self.batch is None:
            self.batch = Batch(self.world, self.under, ONE_CORE, self.packed)
            self.batch.plan(plan)
        return self.batch

    def save(self) -> None:
        """Write what is known to files, from which the next batch goes on."""
        if self.batch is None:
            return
        self.tried["saves"] += 1
        folder = self.folder / str(self.tried["saves"])
        folder.mkdir()
        self.packed |= self.batch.save(folder)
        self.batch.finish()
        self.batch = None

    def _folded(self, number: int) -> Outcome:
        self.save()
        newer, events = self.world, self.told.day(number)
        whole = replace(newer, baselines=self.baselines(), instances=self.instances())
        closed = close_day(rested(whole, events.day), events, self.under)
        self.world = replace(
            closed.world,
            baselines={**newer.baselines, **closed.baselines},
            instances={**newer.instances, **{named.key: named for named in closed.instances}},
        )
        return closed

    def baselines(self) -> dict[str, Baseline]:
        """Return all of them: those of the files, and in place of them what is newer."""
        return {
            **read_baselines([file for part, file in self.packed.items() if part != INSTANCES]),
            **self.world.baselines,
        }

    def instances(self) -> dict[InstanceKey, Instance]:
        """Return all of them, likewise."""
        kept = read_instances([self.packed[INSTANCES]] if INSTANCES in self.packed else [])
        return {**{one.key: one for one in kept}, **self.world.instances}


def said(outcome: Outcome) -> list[Finding]:
    return sorted(outcome.findings, key=lambda one: one.finding_id)


def written(stretch: Stretch, manner: Manner, folder: Path) -> dict[Path, list[AnyEvent]]:
    """Write the events of a stretch to files, and return them."""
    told = [part for part in dealt(stretch.events, manner.files, manner.seed) if part]
    if not manner.is_foreign:
        told = [distinct(reversed(part))[::-1] for part in told]
    files = {folder / f"{number}.parquet": events for number, events in enumerate(told)}
    for file, events in files.items():
        (write_rows if manner.is_foreign else write_event_table)(file, events)
    return files


def check(stretch: Stretch, manner: Manner, folder: Path) -> Counter[str]:
    """Hold batches to the fold, day by day and at the end; return what was tried."""
    files = written(stretch, manner, folder)
    told = Given(first_of_each(files.values()), stretch.learnt, stretch.is_split)
    under = terms(settings=stretch.settings, policy=stretch.policy)
    expected = folded(told, under)
    if 0 < stretch.speaks < len(expected):
        spoken = judged(expected[: stretch.speaks], expected[stretch.speaks].day, manner.seed)
        under = under._replace(verdicts=spoken)
        expected = folded(told, under)
    held = {file: {event.time.date() for event in events} for file, events in files.items()}
    batches = Batches(under, told, held, folder)
    found = batches.run(manner)
    for one, other in zip(expected, found, strict=True):
        same_day(one, other)
    last = expected[-1]
    assert batches.baselines() == last.world.baselines
    assert remembered(batches.instances().values(), last.day.toordinal()) == last.world.instances
    quiet = sum(len(one.summaries) - len(other.summaries) for one, other in zip(expected, found, strict=True))
    remarks = Counter(f"finding {one.type}" for outcome in expected for one in outcome.findings)
    return batches.tried + remarks + Counter(days=len(expected), quiet=quiet, findings=remarks.total())


def same_day(one: Outcome, other: Outcome) -> None:
    assert said(other) == said(one)
    assert other.signers == one.signers
    assert other.registry == one.registry
    assert other.hosts == one.hosts
    assert other.sensors == one.sensors
    assert other.doubts == one.doubts
    for agent, summary in other.summaries.items():
        assert (summary.sightings, summary.capped) == (one.summaries[agent].sightings, one.summaries[agent].capped)
