import re
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.errors import InvalidConfigError
from leeway.sources.column_map import layout_of, load_column_map

MAP = """
[map]
table = "DeviceProcessEvents"

[columns]
Timestamp = "ReportTime"
FileName = "CreatedProcessName"
"InitiatingProcessId" = "Pid"

[constants]
ActionType = "ProcessCreated"

[times]
zone = "+05:30"
"""


def loaded(folder: Path, text: str | bytes) -> object:
    file = folder / "map.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_column_map(file)


def test_a_map_is_read(tmp_path: Path) -> None:
    found = loaded(tmp_path, MAP)
    assert found.columns == {
        "Timestamp": "ReportTime",
        "FileName": "CreatedProcessName",
        "InitiatingProcessId": "Pid",
    }
    assert found.constants == {"ActionType": "ProcessCreated", "Type": "DeviceProcessEvents"}
    assert found.zone == timezone(timedelta(hours=5, minutes=30))
    places = [found.place(name) for name in ("Timestamp", "InitiatingProcessId", "ActionType", "Type", "SHA1")]
    assert places == [f"{tmp_path}/map.toml:{line}" for line in (6, 8, 11, 3, 1)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("FileName", "Filename", "map.toml:7: unknown column 'Filename'", id="column in another case"),
        pytest.param("ActionType", "Bytes", "map.toml:11: unknown column 'Bytes'", id="constant of no column"),
        pytest.param("DeviceProcess", "DeviceHat", "map.toml:3: unknown table 'DeviceHatEvents'", id="table"),
        pytest.param("ActionType", "FileName", "map.toml:7: FileName is both a column and a constant", id="both"),
        pytest.param("+05:30", "CET", "map.toml:14: unknown zone 'CET'", id="zone by its name"),
        pytest.param("+05:30", "+25:00", "map.toml:14: unknown zone '+25:00'", id="zone of no day"),
        pytest.param("[times]", "[time]", "map.toml:13: Object contains unknown field `time`", id="unknown part"),
        pytest.param('"ReportTime"', "7", "map.toml:5: Expected `str`, got `int`", id="ill-typed"),
        pytest.param("[times]", "[times", "map.toml:13: not TOML", id="not TOML"),
        pytest.param("[map]", "[map]\ntable_column = 'T'", "Type is both a column and a constant", id="two tables"),
        pytest.param("[map]", "#" * 70_000 + "\n[map]", "map.toml: larger than 65536 bytes", id="too large"),
    ],
)
def test_says_what_is_wrong_and_where(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=re.escape(message)):
        loaded(tmp_path, MAP.replace(old, new, 1))


def test_hints_at_the_column_that_was_meant(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        loaded(tmp_path, '[columns]\nfilename = "x"')
    assert caught.value.hint == "did you mean FileName?"
    with pytest.raises(InvalidConfigError, match="No such file"):
        load_column_map(tmp_path / "none.toml")


@given(body=st.binary(max_size=60))
def test_no_bytes_raise_anything_else(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    try:
        loaded(tmp_path_factory.getbasetemp(), body)
    except InvalidConfigError as error:
        assert "map.toml" in str(error)  # noqa: PT017  # most bytes are a flaw, some are a map


def test_a_map_goes_before_own_names_and_those_before_variants(tmp_path: Path) -> None:
    columns = ("TimeGenerated [UTC]", "Timestamp", "FileName", "CreatedProcessName", "$table", "Other")
    bare = layout_of(columns)
    assert dict(bare.pairs) == {"Timestamp": "Timestamp", "FileName": "FileName", "Type": "$table"}
    assert layout_of(columns[:1]).clock.captioned == {"Timestamp"}
    mapped = layout_of(columns, loaded(tmp_path, MAP))
    assert dict(mapped.pairs) == {"FileName": "CreatedProcessName"}
    assert mapped.names == {"CreatedProcessName"}
    assert mapped.cells({"CreatedProcessName": "a.exe"}).values == {
        "FileName": "a.exe",
        "ActionType": "ProcessCreated",
        "Type": "DeviceProcessEvents",
    }
