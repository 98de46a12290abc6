import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.errors import SourceError
from leeway.sources import PASSED_OVER_LIMIT, folders, open_sources, passed_over
from leeway.sources.folders import found_files

LINE = b'{"kind":"heartbeat","time":"2026-03-02T09:00:00Z","host":"h1"}\n'
PATTERNS = ("audit.log*", "*.log", "*.json", "process_*.csv")


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(LINE)
    return folder


def found(folder: Path) -> list[str]:
    return [file.relative_to(folder).as_posix() for file in found_files(str(folder), PATTERNS)]


@pytest.mark.parametrize(
    "name",
    [
        "osqueryd.results.log",
        "osqueryd.results.log.1",
        "osqueryd.results.log.12.gz",
        "alerts.json.1",
        "x.log-20260101.gz",
        "x.log-2026-01-01.xz",
        "x.log-2026010109.zst",
        "x.log-1772442000",
        "0.log.20260302-090000.gz",
        "x.log.2026-03-02T09:00:00Z",
        "x.log.gz.1",
        "process_20260302.csv.3",
        "audit.log.old",
        "x.json.zst",
    ],
)
def test_a_rotated_or_compressed_log_is_found(tmp_path: Path, name: str) -> None:
    assert found(filled(tmp_path, f"deep/{name}")) == [f"deep/{name}"]
    assert passed_over(str(tmp_path)) == ()


@pytest.mark.parametrize("name", ["x.txt", "x.log.bak", "log.1", "x.json~", "x.logs.1", "x.log.1.bz2", "x.log-", "1"])
def test_another_name_is_passed_over_and_told(tmp_path: Path, name: str) -> None:
    assert found(filled(tmp_path, "a.log", name)) == ["a.log"]
    assert passed_over(str(tmp_path)) == (name,)


def test_a_rotated_log_comes_before_what_was_written_after_it(tmp_path: Path) -> None:
    order = [
        *("audit.log.10.gz", "audit.log.2.gz", "audit.log.1", "audit.log"),
        *("b/x.log-20260301.gz", "b/x.log-20260302", "b/x.log"),
        "c.json",
    ]
    assert found(filled(tmp_path, *sorted(order))) == order
    assert [str(file) for file in found_files(f"{tmp_path}/audit*", ())] == [str(tmp_path / one) for one in order[:4]]


def test_links_to_files_are_read_and_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    filled(tmp_path, "a/x.log")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "y.log").symlink_to("x.log")
    (tmp_path / "a" / "gone.log").symlink_to("nowhere")
    (tmp_path / "a" / "self.log").symlink_to("self.log")
    assert found(tmp_path) == ["a/x.log", "a/y.log"]
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert found(tmp_path / "link") == ["x.log", "y.log"]


def test_deep_patterns_do_not_follow_links_round_in_circles(tmp_path: Path) -> None:
    filled(tmp_path, "a/x.log", "a/b/.x.log", "a/.c/x.log", "x.log")
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "a" / "here").symlink_to(".")

    def matched(pattern: str) -> list[str]:
        return [file.relative_to(tmp_path).as_posix() for file in found_files(f"{tmp_path}/{pattern}", ())]

    assert matched("**/*.log") == ["a/x.log", "x.log"]
    assert matched("**/**.log") == ["a/x.log", "x.log"]
    assert matched("a/back/**/x.log") == ["a/back/a/x.log", "a/back/x.log"]
    assert matched("**/.c/*.log") == ["a/.c/x.log"]
    with pytest.raises(SourceError, match="matches no file"):
        matched("**/none")


def test_of_many_files_passed_over_the_first_are_told(tmp_path: Path) -> None:
    filled(tmp_path, *(f"{number:02}.txt" for number in range(30)), "a/0.txt")
    assert passed_over(str(tmp_path)) == tuple(f"{number:02}.txt" for number in range(PASSED_OVER_LIMIT))
    with pytest.raises(SourceError, match="holds no file named") as caught:
        found(tmp_path)
    assert caught.value.hint == "name a file in it: it holds 00.txt, 01.txt, 02.txt"


def test_a_forced_kind_passes_over_what_only_others_name(tmp_path: Path) -> None:
    filled(tmp_path, "process_20260302.csv", "x.jsonl")
    assert passed_over(f"collection:{tmp_path}") == ("x.jsonl",)
    assert passed_over(str(tmp_path)) == ()
    assert passed_over(str(tmp_path / "x.jsonl")) == passed_over("-") == passed_over(f"{tmp_path}/*") == ()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is closed to this user")
def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    filled(tmp_path, "a.log", "closed/b.log")
    (tmp_path / "closed").chmod(0)
    try:
        assert found(tmp_path) == ["a.log"]
        assert passed_over(str(tmp_path)) == ("closed/ (Permission denied)",)
        with pytest.raises(SourceError, match="Permission denied"):
            found(tmp_path / "closed")
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_a_path_that_cannot_be_looked_at_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="File name too long") as caught:
        open_sources(f"{tmp_path}/{'x' * 5_000}")
    assert len(str(caught.value)) < 1_100


def test_the_rotated_logs_of_a_folder_are_opened(tmp_path: Path) -> None:
    names = ("events.jsonl.2", "events.jsonl.1", "events.jsonl")
    sources = open_sources(str(filled(tmp_path, *names)))
    assert [source.uri for source in sources] == [str(tmp_path / name) for name in names]
    assert len({event.id for source in sources for _, event in source.read()}) == 1


@given(
    names=st.sets(st.text("ab.-019logjs_Tz", min_size=1, max_size=12).filter(lambda name: name.strip(".")), max_size=6)
)
def test_every_file_is_found_or_passed_over(tmp_path_factory: pytest.TempPathFactory, names: set[str]) -> None:
    folder = filled(tmp_path_factory.mktemp("logs"), "a.log", *names)
    over = folders.passed_over(folder, PATTERNS)
    assert sorted((*found(folder), *over)) == sorted({"a.log", *names})
