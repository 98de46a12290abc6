"""`leeway summarise --json` is the same to the byte, whichever engine is named."""

from pathlib import Path

import pytest

from golden.command import leeway
from golden.journal import lines
from leeway.config import Resources
from leeway.engines import ENGINES, DuckDb
from leeway.sources.event_table_writer import write_event_table
from leeway.testing import Fleet

GOLDEN = Path(__file__).parents[1] / "sources" / "golden"
KINDS = {folder.name: folder.name.partition("_")[0] for folder in sorted(GOLDEN.iterdir())}
"""Folder of a golden input to the kind of source that reads it."""


@pytest.fixture(autouse=True)
def _grouped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the smallest day grouped in tables: else the fold would be held against itself."""
    monkeypatch.setitem(ENGINES, DuckDb.name, _grouping)


def _grouping(resources: Resources) -> DuckDb:
    return DuckDb(resources, small=0)


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


@pytest.mark.slow
def test_real_captures(data_dir: Path, tmp_path: Path) -> None:
    captures = data_dir / "otrf" / "events.jsonl.xz"
    if not captures.exists():
        pytest.skip(f"no {captures}")
    fold, duckdb = (summaries(engine, tmp_path / "id.key", captures, "--scope", "all") for engine in ("fold", "duckdb"))
    assert duckdb == fold
    assert len(fold) > 10_000_000
