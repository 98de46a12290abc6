"""`leeway summarise --json` is the same to the byte, whichever engine is named."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest

from golden.command import leeway
from golden.journal import lines
from leeway.config import Resources
from leeway.engines import ENGINES, DuckDb
from leeway.engines.duckdb.summarising import Named
from leeway.pipeline import Terms
from leeway.sources import Place
from leeway.sources.event_table_writer import write_event_table
from leeway.testing import Fleet

GOLDEN = Path(__file__).parents[1] / "sources" / "golden"
KINDS = {folder.name: folder.name.partition("_")[0] for folder in sorted(GOLDEN.iterdir())}
"""Folder of a golden input to the kind of source that reads it."""


class Grouping(DuckDb):
    """Groups the smallest day in tables, and counts what it takes as columns."""

    taken: ClassVar[Counter[str]] = Counter()

    def __init__(self, resources: Resources) -> None:
        super().__init__(resources, small=0)

    def write_lines(self, place: Place, draft: Path) -> int | None:
        found = super().write_lines(place, draft)
        self.taken["lines"] += found is not None
        return found

    def summarise_files(self, files: Sequence[Path], terms: Terms) -> Named | None:
        found = super().summarise_files(files, terms)
        self.taken["files"] += found is not None
        return found


@pytest.fixture(autouse=True)
def _grouped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the smallest day grouped in tables: else the fold would be held against itself."""
    monkeypatch.setitem(ENGINES, DuckDb.name, Grouping)
    Grouping.taken.clear()


def summaries(engine: str, key: Path, *words: object) -> str:
    """Return what the command prints."""
    done = leeway("summarise", "--engine", engine, "--json", "--id-key", key, *words)
    assert done.code == 0, done.err
    return done.out


@pytest.mark.parametrize("scope", ["all", "evidence"])
@pytest.mark.parametrize("name", KINDS)
def test_golden_inputs_of_every_source(name: str, scope: str, tmp_path: Path) -> None:
    (place,) = sorted((GOLDEN / name).glob("input.*"))
    words = (f"{KINDS[name]}:{place}", "--scope", scope, "--host", "ws7")
    fold, duckdb = (summaries(engine, tmp_path / "id.key", *words) for engine in ("fold", "duckdb"))
    assert duckdb == fold
    assert scope == "evidence" or fold.count('"sightings"') >= 1


def test_a_simulated_fleet_from_lines_and_from_files(tmp_path: Path) -> None:
    events = [event for event in Fleet(3).events() if event.host in {"WS-CEDAR", "ci-fir"}]
    (tmp_path / "fleet.jsonl").write_bytes(lines(events))
    write_event_table(tmp_path / "fleet.parquet", events)
    told = {
        summaries(engine, tmp_path / "id.key", tmp_path / f"fleet.{kind}", *memory)
        for engine, memory in (("fold", ()), ("duckdb", ()), ("duckdb", ("--memory", "200MB", "--threads", 1)))
        for kind in ("jsonl", "parquet")
    }
    assert len(told) == 1
    assert told.pop().count('"sightings"') == 49
    assert Grouping.taken == {"lines": 2, "files": 4}


def test_lines_that_are_learnt_and_judged(tmp_path: Path) -> None:
    """Of both engines the same is told by run, by finding and by what is known at the end."""
    events = sorted((one for one in Fleet(3).events() if one.host == "ci-fir"), key=lambda one: one.time)
    cut = datetime(2026, 3, 8, tzinfo=UTC)
    (tmp_path / "learn.jsonl").write_bytes(lines(one for one in events if one.time < cut))
    (tmp_path / "judge.jsonl").write_bytes(lines(one for one in events if one.time >= cut))
    told = {engine: _played(engine, tmp_path) for engine in ("fold", "duckdb")}
    assert told["duckdb"] == told["fold"]
    assert len(told["fold"][-2]) > 1_000
    assert Grouping.taken["lines"] == 2


def _played(engine: str, folder: Path) -> list[str]:
    state, key = folder / engine, folder / "id.key"
    shared = ("--output-dir", state, "--id-key", key)
    terms = ("--engine", engine, "--learning-days", 2, "--established-days", 1)
    told = [leeway("bootstrap", folder / "learn.jsonl", *shared, *terms).out]
    told.append(leeway("detect", folder / "judge.jsonl", *shared, *terms).out)
    told.append(leeway("detect", folder / "judge.jsonl", *shared, *terms).out)
    told.append(leeway("findings", "--json", *shared).out)
    told.append(leeway("baseline", "show", "--json", *shared).out)
    # Files are named by the clock.
    return ["\n".join(line for line in one.splitlines() if str(state) not in line) for one in told]


@pytest.mark.slow
def test_real_captures(data_dir: Path, tmp_path: Path) -> None:
    captures = data_dir / "otrf" / "events.jsonl.xz"
    if not captures.exists():
        pytest.skip(f"no {captures}")
    fold, duckdb = (summaries(engine, tmp_path / "id.key", captures, "--scope", "all") for engine in ("fold", "duckdb"))
    assert duckdb == fold
    assert len(fold) > 10_000_000
