"""The benchmark on metric streams, on little ones."""

import json
import lzma
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmark_script import script_of

START = datetime(2026, 3, 3, tzinfo=UTC)


def _stream(name: str, lift: float, *, base: float = 50) -> str:
    times = [START + timedelta(minutes=5 * at) for at in range(2_000)]
    values = [base + at % 9 + (lift if 1_500 <= at < 1_520 else 0) for at in range(2_000)]
    rows = [f"{time:%Y-%m-%d %H:%M:%S},{value}" for time, value in zip(times, values, strict=True)]
    window = [f"{times[at]:%Y-%m-%d %H:%M:%S.000000}" for at in (1_490, 1_530)]
    return json.dumps({"file": name, "windows": [window], "csv": "\n".join(["timestamp,value", *rows]) + "\n"})


def test_windows_are_told_from_the_rest(tmp_path: Path) -> None:
    lines = [_stream("lifted", 300), _stream("level", 0), _stream("below zero", 0, base=-70)]
    with lzma.open(tmp_path / "series.jsonl.xz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    out = tmp_path / "streams.json"
    assert script_of("streams").main(["--data", str(tmp_path), "--json", str(out)]) == 0
    figures = {one["name"]: one["value"] for one in json.loads(out.read_text("utf-8"))["results"]}
    assert figures["streams judged"] == 2
    assert figures["labelled windows"] == 2
    assert figures["windows with an event of HIGH or above"] == 1
    assert figures["outside the windows, flagged at 0.05: the worst stream"] < 8
    assert figures["outside the windows, HIGH or above"] == 0


def test_without_streams_nothing_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script_of("streams").main(["--data", str(tmp_path)]) == 0
    assert "set LEEWAY_DATA" in capsys.readouterr().out
