import json
from pathlib import Path

import pytest

from leeway.errors import SourceError
from leeway.events import ProcessStarted
from leeway.sources import Rejected, Source, Told, load_column_map, open_sources

MAP = """\
[map]
table = "DeviceProcessEvents"
[columns]
Timestamp = "When"
DeviceName = "Machine"
FileName = "Program"
[constants]
ActionType = "ProcessCreated"
"""
RENAMED = "When,Machine,Program\n2026-03-02T09:00:00Z,ws7,claude.exe\n"
OWN = (
    "Timestamp,DeviceName,ActionType,FileName,FolderPath\n"
    "2026-03-02T09:00:00Z,ws7,ProcessCreated,git.exe,C:\\tools\\git.exe\n"
)
OTHER = "Colour,Weight,Height\nred,1,2\n"


def rows(*values: dict) -> str:
    return "".join(f"{json.dumps(value)}\n" for value in values)


RENAMED_JSON = rows(
    {"When": "2026-03-02T09:00:00Z", "Machine": "ws7"},
    {"When": "2026-03-02T09:00:01Z", "Machine": "ws7", "Program": "claude.exe"},
)
OWN_JSON = rows(
    {"Timestamp": "2026-03-02T09:00:00Z", "DeviceName": "ws7", "ActionType": "ProcessCreated", "FileName": "git.exe"}
)


def opened(folder: Path, column_map: str, *, prefix: str = "", **files: str) -> dict[str, Source]:
    (folder / "map.toml").write_text(column_map)
    (folder / "feed").mkdir()
    for name, body in files.items():
        (folder / "feed" / f"{name}.csv").write_text(body)
    uri = folder / "feed" if len(files) > 1 else folder / "feed" / f"{name}.csv"
    sources = open_sources(f"{prefix}{uri}", told=Told(load_column_map(folder / "map.toml")))
    return {Path(source.uri).stem: source for source in sources}


def programs(source: Source) -> list[str]:
    return [record.process.image for _, record in source.read() if isinstance(record, ProcessStarted)]


def test_in_a_folder_a_map_is_for_the_files_that_it_fits(tmp_path: Path) -> None:
    found = opened(
        tmp_path, MAP, renamed=RENAMED, own=OWN, rows=RENAMED_JSON, own_rows=OWN_JSON, other=OTHER, list="[\n"
    )
    assert {name: source.name for name, source in found.items()} == {
        "renamed": "defender",
        "own": "defender",
        "rows": "defender",
        "own_rows": "defender",
        "other": "unrecognised",
        "list": "unrecognised",
    }
    assert programs(found["renamed"]) == programs(found["rows"]) == ["claude.exe"]
    assert programs(found["own"]) == ["C:\\tools\\git.exe"]
    assert programs(found["own_rows"]) == ["git.exe"]
    ((_, refused),) = found["other"].read()
    assert isinstance(refused, Rejected)
    assert f"no column 'When', which {tmp_path}/map.toml:4 names" in refused.reason


@pytest.mark.parametrize("body", [OWN, OWN_JSON], ids=["CSV", "JSON lines"])
def test_a_table_of_its_own_names_needs_no_map(tmp_path: Path, body: str) -> None:
    assert len(programs(opened(tmp_path, MAP, own=body)["own"])) == 1


@pytest.mark.parametrize(
    ("column_map", "program"),
    [
        pytest.param('[columns]\nFileName = "Program"\n', "claude.exe", id="it names a column that is there"),
        pytest.param('[columns]\nFileName = "Gone"\n', "git.exe", id="it names one that is not"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True], ids=["CSV", "JSON lines"])
def test_a_table_of_its_own_names_is_read_with_a_map_that_fits(
    tmp_path: Path,
    column_map: str,
    program: str,
    as_json: bool,  # noqa: FBT001  # a column of the table
) -> None:
    row = {"Timestamp": "2026-03-02T09:00:00Z", "DeviceName": "ws7", "ActionType": "ProcessCreated"}
    row |= {"FileName": "git.exe", "Program": "claude.exe", "Type": "DeviceProcessEvents"}
    table = rows(row) if as_json else f"{','.join(row)}\n{','.join(row.values())}\n"
    assert programs(opened(tmp_path, column_map, own=table)["own"]) == [program]


def test_a_forced_kind_always_takes_the_map(tmp_path: Path) -> None:
    found = opened(tmp_path, MAP, prefix="defender:", renamed=RENAMED, own=OWN)
    assert programs(found["renamed"]) == ["claude.exe"]
    with pytest.raises(SourceError, match=r"map.toml:4: .* has no column 'When'"):
        list(found["own"].read())


def test_a_zone_is_said_of_all_tables_and_a_constant_only_of_one(tmp_path: Path) -> None:
    portal = OWN.replace("2026-03-02T09:00:00Z", '"3/2/2026, 9:00:00 AM"')
    network = (
        "Timestamp,DeviceName,ActionType,RemoteIP,RemotePort\n"
        '"3/2/2026, 9:00:00 AM",ws7,ConnectionSuccess,203.0.113.9,443\n'
    )
    zone = '[times]\nzone = "+02:00"\n'
    for name, given, kinds in [
        ("zone", zone, {"own": ["ProcessStarted"], "network": ["ConnectionOpened"]}),
        ("both", f'[map]\ntable = "DeviceProcessEvents"\n{zone}', {"own": ["Rejected"], "network": ["Rejected"]}),
    ]:
        (tmp_path / name).mkdir()
        found = opened(tmp_path / name, given, own=portal, network=network)
        read = {one: [record for _, record in source.read()] for one, source in found.items()}
        assert {one: [type(record).__name__ for record in records] for one, records in read.items()} == kinds
    assert read["own"][0].reason.startswith("Timestamp has no zone: [times] zone of a column map (--map FILE.toml) ")


def test_the_only_file_is_read_with_the_map_and_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"map.toml:4: .* has no column 'When'"):
        list(opened(tmp_path, MAP, other=OTHER)["other"].read())


def test_constants_may_be_all_that_a_file_leaves_out(tmp_path: Path) -> None:
    told = '[map]\ntable = "DeviceProcessEvents"\n[constants]\nDeviceName = "ws7"\nActionType = "ProcessCreated"\n'
    bare = "Timestamp,FileName,ProcessId\n2026-03-02T09:00:00Z,git.exe,4\n"
    found = opened(tmp_path, told, bare=bare, other=OTHER)
    assert (found["bare"].name, found["other"].name) == ("defender", "unrecognised")
    assert programs(found["bare"]) == ["git.exe"]
    ((_, refused),) = found["other"].read()
    assert "no column Timestamp or TimeGenerated, and" in refused.reason


def test_where_the_map_fits_no_file_it_is_said_of_the_first(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"no file of a known kind among 2; .*/a.csv: CSV without Timestamp"
    ) as caught:
        opened(tmp_path, MAP, a=OTHER, b=OTHER)
    assert caught.value.hint == f"no column 'When', which {tmp_path}/map.toml:4 names"
