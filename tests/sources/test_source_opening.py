import gzip
import json
import lzma
import os
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from io import BytesIO
from pathlib import Path

import pytest

from leeway.errors import SourceError, UnsupportedError
from leeway.sources import SOURCES, Rejected, fingerprint, open_sources, opening, source_kinds, still_holds

LINE = b'{"kind":"heartbeat","time":"2026-03-02T09:00:00Z","host":"h1"}\n'
ROW = json.dumps(
    {
        "EventID": 5,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Image": "x",
        "Hostname": "h",
        "UtcTime": "2026-03-02 09:00:00",
    }
).encode()
HEADER = b"event_id,time,kind,host\r\n"


def names(uri: object, **options: object) -> list[str]:
    return [source.name for source in open_sources(str(uri), **options)]


@pytest.mark.parametrize(
    ("name", "body", "kind"),
    [
        pytest.param("a.jsonl", LINE, "jsonl", id="jsonl"),
        pytest.param("a.whatever", b"\n\n" + LINE, "jsonl", id="blank lines first"),
        pytest.param("a.jsonl.gz", gzip.compress(ROW), "sysmon", id="gzip"),
        pytest.param("a", lzma.compress(ROW), "sysmon", id="xz without its name"),
        pytest.param("a.log", b"# header\n{}\n" + ROW, "sysmon", id="not the first line"),
        pytest.param("a.log", b"starting up\n" * 199 + LINE, "jsonl", id="the 200th line"),
        pytest.param("a.csv", HEADER, "collection", id="collection"),
        pytest.param("a.jsonl", b"", "jsonl", id="empty"),
        pytest.param("a.jsonl", b"\xef\xbb\xbf" + LINE, "jsonl", id="byte order mark"),
    ],
)
def test_a_file_is_recognised_by_its_first_lines(tmp_path: Path, name: str, body: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(body)
    assert names(tmp_path / name) == [kind]
    assert names("-", stdin=BytesIO(body)) == [kind]


def test_a_folder_is_searched_in_depth_and_sorted(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    for name, body in [("z.jsonl", LINE), ("b/a.ndjson", ROW), ("b/c/x.log", LINE), ("b/notes.txt", b"hello")]:
        (tmp_path / name).write_bytes(body)
    found = open_sources(str(tmp_path))
    assert [source.uri for source in found] == [str(tmp_path / name) for name in ("b/a.ndjson", "b/c/x.log", "z.jsonl")]
    assert [source.name for source in found] == ["sysmon", "jsonl", "jsonl"]


def test_a_file_of_no_kind_among_others_is_refused_aloud(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(LINE)
    (tmp_path / "truth.json").write_bytes(b'{"drifts": []}\n{}\n')
    _, other = open_sources(str(tmp_path))
    ((position, refused),) = other.read()
    assert isinstance(refused, Rejected)
    assert "truth.json is of no known kind" in refused.reason
    assert list(other.read(after=position)) == []


@pytest.mark.parametrize(
    ("pattern", "found"),
    [("*.jsonl", 2), ("[ab].jsonl", 2), ("?.jsonl", 2), ("**/*.jsonl", 3), ("jsonl:a.*", 1)],
)
def test_a_glob_names_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, found: int) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    for name in ("a.jsonl", "b.jsonl", "d/c.jsonl"):
        (tmp_path / name).write_bytes(LINE)
    assert names(pattern) == ["jsonl"] * found


def test_the_kind_can_be_forced(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINE)
    assert names(f"sysmon:{path}") == names(path, kind="sysmon") == names(f"sysmon:{path}", kind="sysmon") == ["sysmon"]
    assert names("jsonl:-", stdin=BytesIO(ROW)) == ["jsonl"]


def test_a_folder_of_a_collection_is_one_source_a_file(tmp_path: Path) -> None:
    for name in ("process_20260302.csv", "child_20260302.csv", "other.csv"):
        (tmp_path / name).write_bytes(HEADER)
    assert names(tmp_path) == ["collection"] * 3
    assert names(f"collection:{tmp_path}") == ["collection"] * 2


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no /dev/fd here")
def test_a_pipe_is_copied_for_it_cannot_be_read_twice() -> None:
    reader, writer = os.pipe()
    os.write(writer, LINE)
    os.close(writer)
    (source,) = open_sources(f"/dev/fd/{reader}")
    assert fingerprint(f"/dev/fd/{reader}") == ""
    assert not still_holds(f"/dev/fd/{reader}", "0-")
    os.close(reader)
    assert len(list(source.read())) == len(list(source.read())) == 1


@pytest.fixture
def _odd_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "strange").mkdir()
    for name, body in [
        ("strange.txt", b"hello\n"),
        ("strange/a.json", b"[\n"),
        ("strange/b.json", b"[\n"),
        ("late.log", b"starting up\n" * 200 + LINE),
        ("wide.log", b"x" * (1 << 20) + b"\n" + LINE),
        ("ok.jsonl", LINE),
        ("broken.jsonl.gz", b"\x1f\x8b\x08x"),
    ]:
        (tmp_path / name).write_bytes(body)


@pytest.mark.usefixtures("_odd_files")
@pytest.mark.parametrize(
    ("uri", "options", "error", "message"),
    [
        pytest.param("kusto://cluster/db", {}, UnsupportedError, "Kusto is not in this version", id="kusto"),
        pytest.param("none.jsonl", {}, SourceError, "no such file or folder", id="missing"),
        pytest.param("none*.jsonl", {}, SourceError, "matches no file", id="empty glob"),
        pytest.param("empty", {}, SourceError, "holds no file", id="empty folder"),
        pytest.param("strange.txt", {}, SourceError, "not recognised", id="strange file"),
        pytest.param(
            "strange", {}, SourceError, "no file of a known kind among 2; .*a JSON array", id="strange folder"
        ),
        pytest.param("late.log", {}, SourceError, "text of no known kind", id="too late"),
        pytest.param("wide.log", {}, SourceError, "text of no known kind", id="after a mebibyte"),
        pytest.param("ok.jsonl", {"kind": "zeek"}, SourceError, "unknown kind of source 'zeek'", id="unknown kind"),
        pytest.param("sysmon:ok.jsonl", {"kind": "jsonl"}, SourceError, "asked for as jsonl", id="two kinds"),
        pytest.param("zeek:ok.jsonl", {}, SourceError, "no such file or folder", id="unknown prefix"),
        pytest.param("-", {}, SourceError, "standard input", id="no stdin"),
        pytest.param("broken.jsonl.gz", {}, SourceError, "cut short or corrupt", id="corrupt"),
    ],
)
def test_what_cannot_be_opened_says_why_and_what_to_do(
    uri: str, options: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        open_sources(uri, **options)
    assert caught.value.hint


def test_a_file_that_may_not_be_read_is_an_error_of_the_feed(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(LINE)
    (source,) = open_sources(str(tmp_path / "a.jsonl"))
    (tmp_path / "a.jsonl").unlink()
    with pytest.raises(SourceError, match="No such file"):
        next(source.read())


def test_a_mark_belongs_to_a_uri(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINE)
    mark = fingerprint(str(path))
    assert mark == fingerprint(f"jsonl:{path}")
    path.write_bytes(LINE * 2)
    assert still_holds(str(path), mark)
    path.write_bytes(ROW * 2)
    assert not still_holds(str(path), mark)
    assert fingerprint("-") == ""
    assert not still_holds("-", "")


def test_the_kinds_of_a_default_installation() -> None:
    names = [kind.name for kind in SOURCES]
    assert sorted(names) == [
        "auditd",
        "collection",
        "defender",
        "ecs",
        "events",
        "evtx",
        "falco",
        "jsonl",
        "osquery",
        "sysmon",
        "tetragon",
        "winlogbeat",
    ]
    assert list(source_kinds())[: len(names)] == names


@pytest.fixture
def _kinds_afresh() -> Iterator[None]:
    source_kinds.cache_clear()
    yield
    source_kinds.cache_clear()


@pytest.mark.usefixtures("_kinds_afresh")
def test_another_distribution_adds_a_kind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    entry = EntryPoint("other", "leeway.sources.jsonl:JsonLines", "leeway.sources")
    monkeypatch.setattr(opening, "entry_points", lambda group: [entry] if group == "leeway.sources" else [])
    (tmp_path / "a").write_bytes(LINE)
    assert names(f"other:{tmp_path / 'a'}") == ["jsonl"]


@pytest.mark.usefixtures("_kinds_afresh")
@pytest.mark.parametrize("target", ["leeway.sources.none:X", "leeway.sources.jsonl:None_"])
def test_a_kind_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    monkeypatch.setattr(opening, "entry_points", lambda **_: [EntryPoint("bad", target, "leeway.sources")])
    with pytest.raises(SourceError, match=r"the source 'bad' of .* cannot be loaded"):
        source_kinds()


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file here that opens and cannot be read")
def test_a_file_that_opens_and_cannot_be_read_is_refused() -> None:
    with pytest.raises(SourceError, match="Input/output error"):
        open_sources("/proc/self/mem")
