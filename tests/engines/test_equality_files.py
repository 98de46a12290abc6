"""`leeway summarise` of whole files equals what the fold makes of their rows."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import DAY, IDS
from engine_days import Cast, Stretch, dealt, ordinary, stretches
from leeway.config import Resources, Settings
from leeway.engines import DuckDb, Fold
from leeway.events import Measure
from leeway.modes import survey_summaries
from leeway.pipeline import Terms
from leeway.sources import EventTable, JsonLines, Place, Source
from leeway.sources.event_table_writer import write_event_table
from leeway.sources.jsonl import write_event

EXAMPLES = {("evidence", "daily"): 24, ("evidence", "lasting"): 16, ("name:claude", "daily"): 6, ("all", "daily"): 4}
"""Stretches tried of each scope and cast; tenfold where the laws are fuzzed."""


class Watched(DuckDb):
    """Says how often whole files were summarised, and how often they were left to the fold."""

    def __init__(self) -> None:
        super().__init__(Resources(threads=1), small=0)
        self.tried: Counter[str] = Counter()

    def summarise_files(self, files: list[Path], terms: Terms):  # noqa: ANN201  # as it is there
        found = super().summarise_files(files, terms)
        self.tried["left" if found is None else "whole"] += 1
        return found


def written(stretch: Stretch, folder: Path, files: int, seed: int) -> tuple[Source, ...]:
    """Write the events of a stretch to files of both kinds, some of them twice."""
    sources: list[Source] = []
    for number, events in enumerate(part for part in dealt(stretch.events, files, seed) if part):
        path = folder / str(number)
        if (seed + number) % 2:
            write_event_table(path, events)
            sources.append(EventTable(Place(path)))
        else:
            path.write_bytes(b"".join(map(write_event, events)))
            sources.append(JsonLines(Place(path)))
    return tuple(sources)


def test_each_day_of_a_window_has_its_own_sums(tmp_path: Path) -> None:
    engine = Watched()
    days = [DAY + timedelta(days=number) for number in range(4)]
    events = [
        event for number, day in enumerate(days) for event in ordinary(day, Cast(("h1",), is_daily=True))[number:]
    ]
    write_event_table(tmp_path / "some.parquet", events)
    sources = (EventTable(Place(tmp_path / "some.parquet")),)
    found = survey_summaries(sources, Settings(), IDS, engine)
    assert found == survey_summaries(sources, Settings(), IDS, Fold())
    assert engine.tried == {"whole": 1}
    assert {one.day for _, one in found} == set(days)
    sums = [one.measures[Measure.BYTES_OUT][""].total for _, one in found if Measure.BYTES_OUT in one.measures]
    assert len(sums) >= 8


@pytest.mark.parametrize(("scope", "casts"), EXAMPLES)
def test_whole_files_summarised_equal_the_fold(
    scope: str, casts: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    engine, tried = Watched(), Counter[str]()
    tenfold = 10 if settings.default.max_examples > 1_000 else 1

    @settings(max_examples=EXAMPLES[scope, casts] * tenfold)
    @given(stretches(scope, casts, least=2, most=5), st.integers(1, 3), st.integers(0, 1 << 16))
    def look(stretch: Stretch, files: int, seed: int) -> None:
        sources = written(stretch, tmp_path_factory.mktemp("files"), files, seed)
        expected = survey_summaries(sources, stretch.settings, IDS, Fold())
        found = survey_summaries(sources, stretch.settings, IDS, engine)
        assert found == expected
        tried.update(rows=len(expected), days=len({one.day for _, one in expected}))
        tried.update(sessions=sum(len(one.sessions) for _, one in expected))

    look()
    assert tried["rows"] > EXAMPLES[scope, casts]
    if scope == "all":
        assert engine.tried["whole"] == 0
    else:
        assert engine.tried["whole"] >= EXAMPLES[scope, casts] // 4, engine.tried
