"""The committed figures of the intrusion in Defender's rows: held to their page, and kept from rising."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
RESULT = json.loads((ROOT / "benchmarks" / "results" / "defender_intrusion.json").read_text())


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("defender_intrusion", ROOT / "benchmarks" / "defender_intrusion.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_the_committed_figures(script: ModuleType) -> None:
    assert (ROOT / "docs" / "defender-intrusion.md").read_text() == script.table(RESULT)


def test_the_chain_was_found_under_every_profile() -> None:
    for profile in RESULT["profiles"].values():
        assert profile["chain"]
        assert all(one["lineage"][-3:] == ["winrar", "cmd", "mshta"] for one in profile["chain"])


def test_other_cases_do_not_grow(script: ModuleType, data_dir: Path) -> None:
    data = data_dir / "mde_msticpy"
    if not data.is_dir():
        pytest.skip(f"no Defender rows in {data}")
    events, counts = script.read(data)
    assert counts == {"read": 1_564}
    inside = script.below_mshta(events)
    for name, profile in script.PROFILES.items():
        found = script.measured(script.judged(events, profile), inside)
        committed = RESULT["profiles"][name]
        assert {one["severity"] for one in found["chain"]} & {"MEDIUM", "HIGH", "CRITICAL"}
        assert found["cases_elsewhere"] <= committed["cases_elsewhere"]
        assert found["cases_elsewhere_not_repeating"] <= committed["cases_elsewhere_not_repeating"]
