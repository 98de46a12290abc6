"""An engine that closes days from their files by folding them: what every other such engine must equal."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

from leeway.engines import Fold
from leeway.engines.duckdb.packed_files import (
    INSTANCES,
    part_of,
    read_baselines,
    read_instances,
    write_baselines,
    write_instances,
)
from leeway.events import AnyEvent
from leeway.pipeline import DayEvents, Outcome, Terms, World, close_day
from leeway.pipeline.world import remembered
from leeway.sources import EventTable, Place, Rejected, Skipped


class Look(NamedTuple):
    rows: int
    first: object
    last: object
    days: dict[int, int]
    flaws: int


class FoldBatch:
    def __init__(self, world: World, terms: Terms, packed: Mapping[str, Path], leaves: Collection[date]) -> None:
        below = {one.key: one for one in read_instances([packed[INSTANCES]] if INSTANCES in packed else [])}
        baselines = read_baselines([file for part, file in packed.items() if part != INSTANCES])
        self._world = replace(world, baselines={**baselines, **world.baselines}, instances={**below, **world.instances})
        self._terms = terms
        self._leaves = leaves
        self._changed = set(world.baselines)
        self._read: dict[Path, list[AnyEvent]] = {}
        self._planned: list[date] = []
        self.agents = 0

    def plan(self, days: Iterable[tuple[date, tuple[Path, ...], bool, int]]) -> None:
        self._planned = [day for day, _, _, _ in days]

    def close(self, day: date, files: list[Path], *, trusted: bool) -> Outcome | None:
        if day != self._planned.pop(0):
            raise AssertionError("another day than planned")
        if day in self._leaves:
            return None
        events: dict[str, AnyEvent] = {}
        for file in files:
            for event in self._events_of(file):
                if event.time.date() == day:
                    events.setdefault(event.id, event)
        known = replace(self._world, instances=remembered(self._world.instances.values(), day.toordinal() - 1))
        told = tuple(events.values())
        outcome = close_day(known, DayEvents(day, () if trusted else told, told if trusted else ()), self._terms)
        self._world = outcome.world
        self._changed |= set(outcome.baselines)
        self.agents = len(outcome.summaries)
        return outcome._replace(baselines={}, instances=())

    def _events_of(self, file: Path) -> list[AnyEvent]:
        if file not in self._read:
            self._read[file] = [event for _, event in EventTable(Place(file)).read()]
        return self._read[file]

    def save(self, folder: Path) -> dict[str, Path]:
        saved = {}
        for part in {part_of(agent) for agent in self._changed}:
            saved[part] = folder / part.replace(":", "-")
            held = [one for agent, one in self._world.baselines.items() if part_of(agent) == part]
            write_baselines(saved[part], held)
        saved[INSTANCES] = folder / "instances"
        write_instances(saved[INSTANCES], self._world.instances.values())
        return saved

    def finish(self) -> None:
        self._world = World()


class Folding(Fold):
    """The fold over files; the days in `leaves` it leaves to the fold over events."""

    batch = True

    def __init__(self, leaves: Collection[date] = ()) -> None:
        self._leaves = leaves
        self.opened: list[dict[str, Path]] = []
        """The packed parts that each batch began with."""

    def look_at(self, file: Path) -> Look:
        records = [record for _, record in EventTable(Place(file)).read()]
        events = [one for one in records if not isinstance(one, Rejected | Skipped)]
        times = sorted(one.time for one in events)
        ids: dict[int, set[str]] = {}
        for one in events:
            ids.setdefault(one.time.toordinal(), set()).add(one.id)
        days = {day: len(found) for day, found in ids.items()}
        return Look(len(records), times[0], times[-1], days, len(records) - len(events))

    def write_lines(self, _: Place, __: Path) -> None:
        return None

    def summarise_files(self, _: list[Path], __: Terms) -> None:
        return None

    def open_batch(self, world: World, terms: Terms, packed: Mapping[str, Path]) -> FoldBatch:
        self.opened.append(dict(packed))
        return FoldBatch(world, terms, packed, self._leaves)
