"""Golden inputs of the kinds whose own tests have none: what each record becomes, written down."""

from pathlib import Path

import pytest
from make_golden import golden

from leeway.sources import SOURCES, Collection, Defender, EventTable, JsonLines, SourceKind, Sysmon

FOLDER = Path(__file__).parent / "golden"


@pytest.mark.parametrize(
    ("kind", "name", "records"),
    [
        pytest.param(JsonLines, "jsonl", 27, id="own lines"),
        pytest.param(Sysmon, "sysmon", 22, id="flat Windows rows"),
        pytest.param(Collection, "collection", 25, id="raw collection"),
        pytest.param(EventTable, "events", 37, id="own Parquet"),
        pytest.param(Defender, "defender_parquet", 33, id="Defender as Parquet"),
    ],
)
def test_every_record_becomes_what_is_written_down(kind: SourceKind, name: str, records: int) -> None:
    made, expected = golden(kind, FOLDER / name)
    assert made == expected
    assert expected.count("\n") == records


def test_every_kind_has_a_golden_input() -> None:
    assert {kind.name for kind in SOURCES} <= {folder.name for folder in FOLDER.iterdir()}
