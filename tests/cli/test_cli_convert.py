"""`leeway convert`: any sources become one Parquet file, which is a source like any other."""

from pathlib import Path

import pytest

from golden.command import leeway
from leeway.sources import EventTable, JsonLines, Place

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "sources" / "golden"
WEEK = ROOT / "examples" / "sysmon" / "week.jsonl"
MONDAY = ROOT / "examples" / "sysmon" / "monday.jsonl"
FALCO = GOLDEN / "falco" / "input.jsonl"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "made" / "events.parquet"


@pytest.fixture(autouse=True)
def _folder(out: Path) -> None:
    out.parent.mkdir()


def count(file: Path) -> int:
    return sum(1 for _ in EventTable(Place(file)).read())


def test_a_converted_week_is_judged_as_the_week_itself(out: Path, tmp_path: Path) -> None:
    key = ("--id-key", tmp_path / "keys" / "id.key")
    monday = out.with_name("monday.parquet")
    assert leeway("convert", WEEK, "--out", out).code == 0
    assert leeway("convert", MONDAY, "--out", monday).code == 0
    found = []
    for state, learnt, judged in (("a", WEEK, MONDAY), ("b", out, monday)):
        place = ("--output-dir", tmp_path / state, *key)
        assert leeway("bootstrap", learnt, *place).code == 0
        assert leeway("detect", judged, *place, "--policy", ROOT / "examples" / "policy.toml").code == 3
        found.append(leeway("findings", "--json", *place).json())
    assert found[0] == found[1]
    assert len(found[0]) == 5
    assert out.stat().st_size < WEEK.stat().st_size / 4


def test_what_came_of_it_is_told(out: Path) -> None:
    done = leeway("convert", FALCO, "--out", out)
    written = count(out)
    assert (done.code, written) == (0, 15)
    assert done.out.splitlines()[:2] == [
        f"convert: 31 records read, 15 events written to {out}, 0 that came twice left out",
        "  not used 2: the call failed",
    ]
    assert "leeway: rejected 1: 'elsewhere' is no address\n" in done.err
    assert out.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in out.parent.iterdir()] == [out.name]
    shown = leeway("sources", out, FALCO, "--json").json()
    assert [one["kind"] for one in shown] == ["events", "falco"]
    assert shown[0]["facets"] == shown[1]["facets"], "what Falco cannot show is not quiet in the table either"


def test_several_sources_become_one_file_as_json_tells(out: Path) -> None:
    lines = GOLDEN / "jsonl" / "input.jsonl"
    done = leeway("convert", FALCO, "--source", lines, "--source", FALCO, "--out", out, "--json")
    found = done.json()
    assert sorted(found) == [
        "duplicates",
        "events",
        "file",
        "host_not_told",
        "observes",
        "records",
        "rejected",
        "skipped",
        "sources",
        "unreadable",
    ]
    assert (found["sources"], found["records"], found["unreadable"], found["host_not_told"]) == (3, 89, {}, False)
    assert (found["events"], found["duplicates"]) == (count(out), 15)
    refused = sum(found["rejected"].values()) + sum(found["skipped"].values())
    assert found["events"] + found["duplicates"] + refused == 89


def test_a_file_that_is_there_is_replaced_by_force_only(out: Path) -> None:
    out.write_bytes(b"kept")
    refused = leeway("convert", FALCO, "--out", out)
    assert (refused.code, out.read_bytes()) == (2, b"kept")
    assert "is there already\nhint: --force replaces it" in refused.err
    assert leeway("convert", FALCO, "--out", out, "--force").code == 0
    assert count(out) == 15
    assert leeway("convert", out, "--out", out, "--force").code == 0, "onto itself"
    assert count(out) == 15
    assert leeway("convert", FALCO, "--out", out.parent, "--force").code == 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param('[{"a": 1}]', "a JSON array", id="of no kind"),
        pytest.param(
            '{"kind":"heart","time":"2026-03-02T09:00:00Z"}\n', "none of 1 records could be read", id="no event"
        ),
    ],
)
def test_where_nothing_can_be_read_nothing_is_written(body: str, message: str, out: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text(body)
    done = leeway("convert", tmp_path / "bad.jsonl", "--out", out)
    assert (done.code, message in done.err) == (1, True)
    assert list(out.parent.iterdir()) == []


def test_one_broken_file_of_several_is_told_and_does_not_stop_the_others(out: Path, tmp_path: Path) -> None:
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "a.parquet").write_bytes(b"PAR1 and nothing of it")
    (feeds / "b.jsonl").write_bytes(FALCO.read_bytes())
    done = leeway("convert", feeds, "--out", out)
    assert done.code == 1
    assert f"  could not read {feeds / 'a.parquet'}: unreadable as Parquet" in done.out
    assert count(out) == 15


def test_a_log_that_names_no_host_is_given_one(out: Path) -> None:
    log = GOLDEN / "auditd" / "input.log"
    assert leeway("convert", log, "--host", "web1", "--out", out, "--json").json()["host_not_told"] is False
    assert "web1" in {record.host for _, record in EventTable(Place(out)).read()}


def test_a_folder_that_is_not_there_is_no_place(out: Path) -> None:
    done = leeway("convert", FALCO, "--out", out.parent / "nowhere" / "events.parquet")
    assert (done.code, done.out) == (1, "")
    assert "cannot write" in done.err


def test_lines_and_tables_of_one_feed_are_one(out: Path, tmp_path: Path) -> None:
    lines = GOLDEN / "jsonl" / "input.jsonl"
    leeway("convert", lines, "--out", out)
    found = leeway("convert", lines, out, "--out", tmp_path / "both.parquet", "--json").json()
    events = [record for _, record in JsonLines(Place(lines)).read() if hasattr(record, "id")]
    assert found["events"] == len({event.id for event in events}) == count(out)
