"""Real captures judged by either engine: the same findings, baselines and alerts, to the byte."""

from pathlib import Path

import pytest

from golden.command import leeway

EARLY, LATE = "time < '2020-09-10'", "time >= '2020-09-10'"
"""The captures that are learnt, and those that are judged."""


@pytest.fixture
def tables(data_dir: Path, tmp_path: Path) -> Path:
    duckdb = pytest.importorskip("duckdb")
    captures = data_dir / "otrf" / "events.jsonl.xz"
    if not captures.exists():
        pytest.skip(f"no {captures}")
    done = leeway("convert", f"sysmon:{captures}", "--out", tmp_path / "all.parquet")
    assert done.code == 0, done.err
    with duckdb.connect() as session:
        session.execute("SET TimeZone = 'UTC'")
        for name, condition in (("early", EARLY), ("late", LATE)):
            session.execute(f"COPY (FROM '{tmp_path}/all.parquet' WHERE {condition}) TO '{tmp_path}/{name}.parquet'")
    return tmp_path


def judged(tables: Path, engine: str) -> tuple[str, dict[str, bytes]]:
    """Return the findings as JSON, and the files that people read."""
    state = tables / engine
    words = ("--engine", engine, "--id-key", tables / "id.key", "--output-dir", state)
    short = ("--scope", "name:powershell", "--learning-days", 0, "--established-days", 1)
    assert leeway("bootstrap", tables / "early.parquet", *words, *short).code == 0
    assert leeway("detect", tables / "late.parquet", *words, *short).code == 3
    found = leeway("findings", "--json", "--id-key", tables / "id.key", "--output-dir", state)
    assert found.code == 0, found.err
    read = ("alerts/all_alerts.csv", "baselines/baseline_latest.json")
    return found.out, {name: (state / name).read_bytes() for name in read}


def packed(state: Path) -> int:
    """Return the number of files of baselines and instances that days left which closed together."""
    return sum(1 for _ in (state / "packed").glob("*.parquet"))


@pytest.mark.slow
def test_either_engine_finds_the_same_in_real_captures(tables: Path) -> None:
    fold, duckdb = (judged(tables, engine) for engine in ("fold", "duckdb"))
    assert duckdb == fold
    assert fold[0].count('"severity"') > 100
    assert (packed(tables / "fold"), packed(tables / "duckdb") > 0) == (0, True)
