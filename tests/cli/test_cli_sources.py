"""`leeway sources`: what a feed shows, what it cannot, and what of it could not be read; `--map` and `--host`."""

import json
from pathlib import Path

import pytest

from golden.command import leeway
from leeway.events import Facet, Measure
from leeway.sources import SOURCES

GOLDEN = Path(__file__).parents[1] / "sources" / "golden"
FALCO = GOLDEN / "falco" / "input.jsonl"

RENAMED = (
    "When,Machine,Program,Folder,Number,Line,Starter,StarterNumber\n"
    "2026-03-02 09:00:00,WS7.corp.example,claude.exe,C:\\tools\\claude.exe,41,claude --resume,cmd.exe,40\n"
    "2026-03-02 09:00:01,WS7.corp.example,git.exe,C:\\tools\\git.exe,42,git status,claude.exe,41\n"
    "soon,WS7.corp.example,git.exe,C:\\tools\\git.exe,43,git status,claude.exe,41\n"
)
MAP = """\
[map]
table = "DeviceProcessEvents"

[columns]
Timestamp = "When"
DeviceName = "Machine"
FileName = "Program"
FolderPath = "Folder"
ProcessId = "Number"
ProcessCommandLine = "Line"
InitiatingProcessFileName = "Starter"
InitiatingProcessId = "StarterNumber"

[constants]
ActionType = "ProcessCreated"

[times]
zone = "+02:00"
"""

AUDIT = (
    "type=SYSCALL msg=audit(1772442000.001:101): arch=c000003e syscall=59 success=yes exit=0 ppid=40 pid=41 "
    'auid=1000 uid=1000 comm="claude" exe="/usr/bin/claude"\n'
    'type=EXECVE msg=audit(1772442000.001:101): argc=2 a0="claude" a1="--resume"\n'
)


@pytest.fixture
def key(tmp_path: Path) -> tuple[str, Path]:
    return ("--id-key", tmp_path / "keys" / "id.key")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "export.csv").write_text(RENAMED)
    (tmp_path / "map.toml").write_text(MAP)
    return tmp_path / "export.csv"


# What there is


def test_without_a_source_the_kinds_are_listed_with_what_they_can_show() -> None:
    done = leeway("sources")
    names = [line.split()[0] for line in done.out.splitlines() if not line.startswith(" ")]
    assert (done.code, done.err) == (0, "")
    assert names == sorted(kind.name for kind in SOURCES)
    (falco,) = [line for line in done.out.splitlines() if line.startswith("falco ")]
    assert falco.endswith("(hints: alerts, not telemetry: only what a rule matched)")
    assert done.out.count("(hints: ") == 1


def test_the_kinds_as_json_say_what_each_observes() -> None:
    listed = leeway("sources", "--json").json()
    observes = {one["kind"]: one["observes"] for one in listed}
    assert list(observes) == sorted(kind.name for kind in SOURCES)
    sides = [str(side) for side in (*Facet, *Measure)]
    assert observes["jsonl"] == sides
    assert {"bytes_out", "tool"}.isdisjoint(observes["defender"])
    assert all(shown == [side for side in sides if side in set(shown)] for shown in observes.values())


# What a feed shows


def test_a_feed_is_told_facet_by_facet_with_its_blind_detectors_and_its_flaws() -> None:
    done = leeway("sources", FALCO)
    lines = {line.split("  ")[1]: line for line in done.out.splitlines() if line.startswith("  ")}
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"falco  {FALCO}\n  31 records, 15 events, 1 hosts, 2026-03-02 09:00:01Z to ")
    assert "file_touched 6, connection_opened 5, process_started 3, process_ended 1" in lines["events"]
    assert "hints only: alerts, not telemetry" in done.out
    assert lines["not seen"].split()[2:] == ["named_range,", "named_network"]
    assert lines["not observable"].endswith("bytes_out, bytes_in, tool_duration_us")
    assert "excess_transfer (bytes_out)" in lines["blind here"]
    told = [line.split("rejected")[1].strip() for line in done.out.splitlines() if line.startswith("  rejected")]
    assert len(told) == 8
    assert told[0] == "1: 'elsewhere' is no address"
    assert "  not used        2: the call failed\n" in done.out


def test_a_feed_as_json_keeps_its_form() -> None:
    (found,) = leeway("sources", FALCO, "--json").json()
    assert sorted(found) == [
        "blind_detectors",
        "events",
        "facets",
        "first",
        "host_not_told",
        "hosts",
        "kind",
        "last",
        "partial",
        "passed_over",
        "records",
        "rejected",
        "skipped",
        "uri",
    ]
    assert (found["kind"], found["records"], found["hosts"]) == ("falco", 31, 1)
    assert found["partial"] == "alerts, not telemetry: only what a rule matched"
    assert sum(found["events"].values()) + sum(found["rejected"].values()) + sum(found["skipped"].values()) == 31
    assert list(found["facets"]) == sorted(str(side) for side in (*Facet, *Measure))
    states = {name: one["state"] for name, one in found["facets"].items()}
    assert set(states.values()) == {"seen", "not seen", "not observable"}
    assert all((one["events"] > 0) == (one["state"] == "seen") for one in found["facets"].values())
    assert (found["first"], found["last"]) == ("2026-03-02T09:00:01.341081Z", "2026-03-02T09:00:19.341081Z")


def test_reasons_are_many_and_json_has_them_all() -> None:
    feed = GOLDEN / "osquery" / "input.log"
    told, (found,) = leeway("sources", feed).out, leeway("sources", feed, "--json").json()
    assert len(found["rejected"]) == 14
    assert told.count("  rejected ") == 9
    assert "  rejected        and 6 reasons more; --json has them all\n" in told


def test_several_feeds_are_told_one_by_one() -> None:
    done = leeway("sources", FALCO, "--source", GOLDEN / "ecs" / "input.jsonl", "--json")
    assert [(one["kind"], one["records"]) for one in done.json()] == [("falco", 31), ("ecs", 42)]


def test_several_feeds_are_added_up() -> None:
    out = leeway("sources", FALCO, GOLDEN / "ecs" / "input.jsonl").out
    total = out.partition("total of 2 sources\n")[2]
    assert total.startswith("  73 records, ")
    assert "  seen            child " in total
    assert "excess_transfer" not in total
    assert "total of" not in leeway("sources", FALCO).out


def test_files_of_a_folder_that_nothing_names_are_told(tmp_path: Path) -> None:
    (tmp_path / "alerts.jsonl.1").write_bytes(FALCO.read_bytes())
    (tmp_path / "alerts.jsonl").write_bytes(FALCO.read_bytes())
    for name in ("notes.txt", "a.pcap"):
        (tmp_path / name).write_text("x")
    done = leeway("sources", tmp_path)
    assert "\npassed over 2 files, which no kind's patterns name: a.pcap, notes.txt\n" in done.out
    assert "total of 2 sources\n  62 records, 30 events, 1 hosts, 2026-03-02 09:00:01Z to " in done.out
    found = leeway("sources", tmp_path, FALCO, "--json").json()
    assert [one["passed_over"] for one in found] == [["a.pcap", "notes.txt"], [], []]


def test_of_a_file_of_no_known_kind_the_reason_is_told_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(FALCO.read_bytes())
    (tmp_path / "z.json").write_text('[{"a": 1}]')
    told = leeway("sources", tmp_path).out.partition("unrecognised  ")[2].partition("\n\n")[0].splitlines()
    assert told[1] == "  1 records, 0 events, 0 hosts"
    assert told[2].endswith("is of no known kind: not read: a JSON array; one object a line is read: jq -c '.[]' FILE")
    assert len(told) == 3


def test_what_is_not_there_is_not_quiet(tmp_path: Path) -> None:
    done = leeway("sources", tmp_path / "missing.jsonl")
    assert (done.code, done.out) == (1, "")
    assert "no such file or folder" in done.err


# A map


@pytest.mark.parametrize("command", ["sources", "agents", "summarise"])
def test_a_renamed_table_needs_its_map(command: str, table: Path, key: tuple[str, Path]) -> None:
    words = () if command == "sources" else key
    refused = leeway(command, table, *words)
    read = leeway(command, table, "--map", table.with_name("map.toml"), *words, "--json")
    assert (refused.code, read.code) == (1, 0)
    assert ("rejected 1" in read.err) is (command != "sources")
    assert "not recognised by its first lines" in refused.err
    assert read.json() != []


def test_a_map_gives_columns_their_names_and_times_their_zone(table: Path, key: tuple[str, Path]) -> None:
    (found,) = leeway("sources", table, "--map", table.with_name("map.toml"), "--json").json()
    assert (found["kind"], found["records"], found["events"]) == ("defender", 3, {"process_started": 2})
    assert (found["first"], found["last"]) == ("2026-03-02T07:00:00Z", "2026-03-02T07:00:01Z")
    assert found["rejected"] == {"Timestamp 'soon' is no time": 1}
    (agent,) = leeway("agents", table, "--map", table.with_name("map.toml"), *key, "--json").json()
    assert agent["name"] == "claude --resume @ ws7.corp.example"


def test_the_modes_take_the_map_as_well(table: Path, key: tuple[str, Path], tmp_path: Path) -> None:
    words = (
        "--source",
        table,
        "--map",
        table.with_name("map.toml"),
        "--output-dir",
        tmp_path / "state",
        *key,
        "--json",
    )
    learnt, judged = leeway("bootstrap", *words), leeway("detect", *words)
    assert (learnt.code, judged.code) == (0, 0)
    assert learnt.json()["events"]["new"] == 2
    assert learnt.json()["rejected"] == {"Timestamp 'soon' is no time": 1}


@pytest.mark.parametrize("command", ["sources", "agents", "summarise", "bootstrap", "detect"])
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("Timestamp =", "Tiemstamp =", ":5: unknown column 'Tiemstamp'", id="column"),
        pytest.param("DeviceProcess", "DeviceHat", ":2: unknown table 'DeviceHatEvents'", id="table"),
        pytest.param("+02:00", "CET", ":18: unknown zone 'CET'", id="zone"),
        pytest.param("[times]", "[times", ":17: not TOML", id="no TOML"),
    ],
)
def test_a_wrong_map_is_wrong_use_with_its_line(
    command: str, old: str, new: str, message: str, table: Path, key: tuple[str, Path], tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(MAP.replace(old, new, 1))
    state = ("--output-dir", tmp_path / "state") if command in {"bootstrap", "detect"} else ()
    done = leeway(command, "--source", table, "--map", wrong, *(() if command == "sources" else key), *state)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"leeway: {wrong}{message}")
    assert not (tmp_path / "state").exists()


# A host


@pytest.mark.parametrize(
    ("words", "host"),
    [
        pytest.param(("--host", "Web1.Example"), "web1.example", id="told"),
        pytest.param((), "(host not told)", id="not told"),
    ],
)
def test_a_log_that_names_no_host_is_given_one(
    words: tuple[str, ...], host: str, key: tuple[str, Path], tmp_path: Path
) -> None:
    log = tmp_path / "audit.log"
    log.write_text(AUDIT)
    (found,) = leeway("agents", log, *words, *key, "--json").json()
    assert found["name"] == f"claude --resume @ {host}"
    (summary,) = leeway("summarise", log, *words, *key, "--json").json()
    assert summary["name"] == f"claude --resume @ {host}"


@pytest.mark.parametrize(("words", "not_told"), [((), True), (("--host", "web1"), False)], ids=["not told", "told"])
def test_a_log_without_a_host_says_how_to_name_it(words: tuple[str, ...], not_told: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a column
    log = tmp_path / "audit.log"
    log.write_text(AUDIT)
    hint = "  the log names no host: --host NAME says whose it is\n"
    assert (hint in leeway("sources", log, *words).out) == not_told
    (found,) = leeway("sources", log, *words, "--json").json()
    assert found["host_not_told"] == not_told


def test_a_host_is_for_lines_without_one_only(key: tuple[str, Path], tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text("".join(f"node=build7 {line}\n" for line in AUDIT.splitlines()))
    (found,) = leeway("agents", log, "--host", "web1", *key, "--json").json()
    assert found["name"] == "claude --resume @ build7"


def test_the_modes_take_the_host_as_well(key: tuple[str, Path], tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(AUDIT)
    place = ("--output-dir", tmp_path / "state", *key)
    assert leeway("bootstrap", "--source", log, "--host", "web1", *place).code == 0
    shown = leeway("baseline", "show", "--json", *place)
    assert "claude --resume @ web1" in json.dumps(shown.json())
