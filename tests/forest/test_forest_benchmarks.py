"""The benchmarks of the forest, on little data."""

import json
from pathlib import Path

import numpy as np
import pytest
from forest_rows import ordinary

from benchmark_script import script_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = ordinary(200)
    rows[-8:, 0] = 7
    labels = (np.arange(200) >= 192).astype(int)
    np.savez(tmp_path / "1_little.npz", X=rows, y=labels)
    return tmp_path


def test_quality_is_measured_a_set_and_on_the_mean(folder: Path) -> None:
    out, table = folder / "quality.json", folder / "quality.md"
    words = ["--data", str(folder), "--seeds", "2", "--most", "150", "--only", "Leeway, pooled"]
    assert script_of("forest_quality").main([*words, "--json", str(out), "--table", str(table)]) == 0
    record = json.loads(out.read_text("utf-8"))
    assert record["parameters"]["trees"] == 32
    figures = {(row["name"], row["unit"]): row["value"] for row in record["results"]}
    assert figures["mean of 1 sets, Leeway, pooled", "AUROC"] > 0.9
    assert figures["1_little, Leeway, pooled", "AP"] > 0.2
    assert len(figures) == 4
    assert table.read_text("utf-8").splitlines()[0] == "| set | Leeway, pooled |"


def test_without_sets_nothing_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script_of("forest_quality").main(["--data", str(tmp_path)]) == 0
    assert "set LEEWAY_DATA" in capsys.readouterr().out


def test_speed_and_size_are_measured() -> None:
    speed = script_of("forest_speed")
    rows = speed.rows_of(1_000, 1)
    assert rows.shape == (1_000, 12)
    sizes = {row.name: row for row in speed.keeping(rows)}
    assert sizes["P6: model file, stretch"].met is True
    assert sizes["memory of a forest that scored 1,000 single rows"].value < 1_500
    fitted = {row.name: row.value for row in speed.fitting(rows, 1)}
    assert fitted["P5: fit, 1,000 rows of 12"] > 0
    assert {row.name: row.unit for row in speed.scoring(rows, 1)}["many rows"] == "rows/s"
