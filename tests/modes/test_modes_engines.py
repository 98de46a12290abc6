"""Runs over a directory by either engine, from files or from lines, one engine going on where the other stopped."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import BASH, CLAUDE, DAY, HOST, at, distinct, reached, started
from engine_days import Stretch, stretches
from golden.journal import lines
from golden.play import final, judge, learn, opened, request
from leeway.config import Policy, Resources, Settings
from leeway.engines import DuckDb, Fold
from leeway.events import AnyEvent, Process, ProcessEnded, identified
from leeway.modes import Report
from leeway.modes.projections import baseline_document
from leeway.sources.event_table_writer import write_event_table

NOW = at(day=DAY + timedelta(days=5_000))
"""A clock by which all days are over."""

ENGINES = {"fold": Fold(), "duckdb": DuckDb(Resources(threads=1), small=0)}
STEPS = 3
WAYS: dict[str, tuple[tuple[str, str], ...]] = {
    "duckdb over files": (("duckdb", "parquet"),) * STEPS,
    "duckdb over lines": (("duckdb", "jsonl"),) * STEPS,
    "fold over files": (("fold", "parquet"),) * STEPS,
    "duckdb, then fold, then duckdb": (("duckdb", "parquet"), ("fold", "jsonl"), ("duckdb", "parquet")),
    "fold, then duckdb, then fold": (("fold", "parquet"), ("duckdb", "parquet"), ("fold", "parquet")),
}
"""Engine and kind of file of each step; the reference is the fold over lines in all of them."""

REFERENCE = (("fold", "jsonl"),) * STEPS


class Steps(NamedTuple):
    """What is learnt first, then judged, then judged with what came late or once more."""

    settings: Settings
    policy: Policy
    told: tuple[tuple[AnyEvent, ...], ...]


def steps_of(stretch: Stretch, seed: int, late: float) -> Steps:
    """Return a stretch in three steps; some events of the second one come with the third, some again."""
    rng = Random(seed)  # noqa: S311  # an order, no secret
    events = distinct(reversed(stretch.events))
    first = {day for day, _ in stretch.days[: max(1, stretch.learnt)]}
    second = {day for day, _ in stretch.days[: (max(1, stretch.learnt) + len(stretch.days) + 1) // 2]}
    told: tuple[list[AnyEvent], ...] = ([], [], [])
    for event in rng.sample(events, len(events)):
        day = event.time.date()
        place = 0 if day in first else 1 if day in second else 2
        told[2 if place == 1 and rng.random() < late else place].append(event)
        if place == 1 and rng.random() < late:
            told[2].append(event)
    return Steps(stretch.settings, stretch.policy, tuple(map(tuple, told)))


def played(steps: Steps, way: Sequence[tuple[str, str]], folder: Path) -> list[Report]:
    """Run the steps in a way, each over a directory opened anew; return their reports."""
    reports = []
    for number, (events, (engine, kind)) in enumerate(zip(steps.told, way, strict=True)):
        if not events:
            continue
        file = folder / f"{number}.{kind}"
        if kind == "parquet":
            write_event_table(file, events)
        else:
            file.write_bytes(lines(distinct(events)))
        options = {"engine": ENGINES[engine], "settings": steps.settings, "now": NOW}
        state = folder / "state"
        run = learn(state, file, **options) if number == 0 else judge(state, file, policy=steps.policy, **options)
        reports.append(run)
    return reports


def left(folder: Path) -> dict[str, object]:
    """Return what a directory holds in the end, and by what later days would be judged."""
    state = folder / "state"
    found: dict[str, object] = {"findings": final(state)}
    with opened(state) as directory:
        world = directory.world((directory.closed_through or 0) + 1)
        found["baselines"] = msgspec.json.encode(baseline_document(directory, request()), order="sorted")
        for name in ("instances", "signers", "registry", "baselines", "hosts", "sensors"):
            found[f"world's {name}"] = getattr(world, name)
    return found


def packed(state: Path) -> int:
    """Return the number of files of baselines and instances that days left which closed together."""
    return sum(1 for _ in (state / "state" / "packed").glob("*.parquet"))


def counted(report: Report) -> tuple[object, ...]:
    told = (report.read, report.new, report.duplicates, report.opened_again)
    # Days that closed together are opened again together: then more of them are closed than by the reference.
    return told if report.opened_again else (*told, report.closed, report.agents)


def check(steps: Steps, ways: Sequence[str]) -> Counter[str]:
    """Hold some ways of running the steps to the reference."""
    tried: Counter[str] = Counter()
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "reference").mkdir()
        reports = played(steps, REFERENCE, folder / "reference")
        expected = left(folder / "reference")
        for number, way in enumerate(ways):
            (folder / str(number)).mkdir()
            told = played(steps, WAYS[way], folder / str(number))
            assert left(folder / str(number)) == expected
            assert list(map(counted, told)) == list(map(counted, reports))
            tried["packed"] += packed(folder / str(number))
        tried["again"] = sum(len(report.opened_again) for report in reports)
        tried["days"] = sum(len(report.closed) for report in reports)
        tried["findings"] = len(expected["findings"])
        return tried


@pytest.mark.parametrize("way", WAYS)
def test_every_way_leaves_the_same_in_the_directory(way: str) -> None:
    tried: Counter[str] = Counter()
    tenfold = 10 if settings.default.max_examples > 1_000 else 1

    @settings(max_examples=12 * tenfold)
    @given(
        stretch=stretches(casts="daily", least=4, most=7) | stretches(casts="lasting", least=4, most=7),
        seed=st.integers(0, 1 << 16),
        late=st.sampled_from((0.0, 0.0, 0.2)),
    )
    def look(stretch: Stretch, seed: int, late: float) -> None:
        tried.update(check(steps_of(stretch, seed, late), [way]))

    look()
    assert tried["days"] >= 4 * 12
    assert tried["findings"] > 24
    assert bool(tried["packed"]) == any(engine == "duckdb" for engine, _ in WAYS[way])


def test_a_process_that_was_forgotten_stays_forgotten() -> None:
    """It is in the files of a batch as running, and in the rows of a fold as long ended."""

    def on(day: int, hour: int = 9) -> datetime:
        return at(hour, day=DAY + timedelta(days=day))

    first = [started(CLAUDE, BASH, on(0))]
    second = [identified(ProcessEnded(time=on(1), host=HOST, process=CLAUDE))]
    third = [reached("a.example", when=on(6), who=Process(image="/usr/bin/claude", uid="c1"))]
    steps = Steps(Settings(), Policy(), tuple(map(tuple, (first, second, third))))
    check(steps, ["duckdb, then fold, then duckdb", "duckdb over files"])
