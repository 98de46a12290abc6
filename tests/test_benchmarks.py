"""The committed figures, and the script that makes them on a small folder of captures."""

import importlib.util
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("endpoint_captures", ROOT / "benchmarks" / "endpoint_captures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _start(number: int, day: int, second: int, image: str, line: str, parent: str) -> dict[str, Any]:
    time = datetime(2020, 10, day, 9, 0, tzinfo=UTC) + timedelta(seconds=second)
    return {
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "EventID": 1,
        "UtcTime": f"{time:%Y-%m-%d %H:%M:%S}.000",
        "Hostname": "desk-1",
        "Image": f"C:\\Windows\\{image}",
        "CommandLine": line,
        "ProcessGuid": f"{{{number:08x}}}",
        "ProcessId": str(1000 + number),
        "ParentProcessGuid": "{ffffffff}",
        "ParentProcessId": "4",
        "ParentImage": f"C:\\Windows\\{parent}",
        "ParentCommandLine": parent,
        "User": "DESK-1\\ana",
    }


def _capture(name: str, day: int, odd: str) -> list[dict[str, Any]]:
    rows = [
        _start(day * 100 + n, day, n, image, f"{image} -a", "explorer.exe")
        for n, image in enumerate(["alpha.exe", "beta.exe"])
    ]
    rows.append(_start(day * 100 + 50, day, 30, odd, f"{odd} --now", "alpha.exe"))
    return [{**row, "_capture": name} for row in rows]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    odd = {"one.zip": "hh.exe", "two.zip": "mshta.exe", "three.zip": "regsvr32.exe"}
    rows = [row for day, (name, image) in enumerate(odd.items(), 1) for row in _capture(name, day, image)]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return tmp_path


def _narrate(folder: Path) -> None:
    told = {"one.zip": "Somebody runs hh.exe", "two.zip": "Somebody runs mshta", "three.zip": "Nothing is named"}
    lines = [
        json.dumps({"yaml": f"title: a\ndescription: {text}\nfiles:\n- link: x/datasets/atomic/{name}\n"})
        for name, text in told.items()
    ]
    (folder / "metadata_yaml.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_the_named_process_is_first_where_only_it_is_new(script: ModuleType, folder: Path) -> None:
    _narrate(folder)
    result = script.measure(folder)
    assert result["captures"] == 3
    assert result["events"] == 9
    assert result["captures_with_a_named_process"] == 2
    assert result["named_process_in_first_three"] == 1.0
    assert result["causal"] is False
    tops = {row["capture"]: row["top"][0]["process"] for row in result["rows"]}
    assert tops == {"one.zip": "hh.exe", "two.zip": "mshta.exe", "three.zip": "regsvr32.exe"}
    first = result["rows"][0]
    assert set(first) >= {"capture", "hosts", "events", "process_starts", "findings_by_severity", "top"}
    assert set(first["top"][0]) >= {"type", "severity", "process", "parent", "user", "evidence", "event_ids"}
    assert first["top"][0]["parent"] == "alpha.exe"


def test_a_folder_without_narratives_is_judged_and_not_scored(script: ModuleType, folder: Path) -> None:
    result = script.measure(folder)
    assert result["named_process_in_first_three"] is None
    assert len(result["rows"]) == 3
    assert "not measured" in script.table_of(result)


def test_rows_that_are_no_rows_are_counted(script: ModuleType, folder: Path) -> None:
    with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write("{broken\n[1]\n")
    result = script.measure(folder)
    assert result["rejected"] == 2
    assert result["captures"] == 4


def test_the_committed_table_is_made_from_the_committed_result(script: ModuleType) -> None:
    result = json.loads((ROOT / "benchmarks" / "results" / "endpoint_captures.json").read_text(encoding="utf-8"))
    table = (ROOT / "docs" / "endpoint-captures.md").read_text(encoding="utf-8")
    assert table == script.table_of(result)
    assert result["named_process_in_first_three"] - result["three_random_starts"] >= 0.25
    assert result["named_process_in_first_three"] - result["best_constant"][0] >= 0.05
    assert result["high_share"] <= 0.10
