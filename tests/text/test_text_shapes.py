import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.text import base_name, blank, path_levels, shapes
from strategies import texts


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("abc", "abc", id="word"),
        pytest.param("model-00001-of-00004", "model-#-of-#", id="shard"),
        pytest.param("123e4567-e89b-12d3-a456-426614174000", "#", id="uuid"),
        pytest.param("0xDEADbeef", "#", id="hex literal"),
        pytest.param("deadbee1", "#", id="eight hex digits with a decimal one"),
        pytest.param("deadbeef", "deadbeef", id="eight letters of hex are a word"),
        pytest.param("deadbe1", "deadbe#", id="seven hex digits"),
        pytest.param("2026-03-09T10:00:00", "#", id="date"),
        pytest.param("1.2.3", "#", id="version"),
        pytest.param("A" * 40, "#", id="base64 run"),
        pytest.param("/tmp/abc/x.py", "/tmp/#/x.py", id="temporary directory"),  # noqa: S108  # a text
        pytest.param(r"C:\Temp\abc\x.py", r"C:\Temp\#\x.py", id="temporary directory of Windows"),
        pytest.param("/var/folders/ab/cd/T/x", "/var/folders/#/#/T/#", id="temporary directory of macOS"),
    ],
)
def test_what_changes_from_run_to_run_is_blanked(text: str, blanked: str) -> None:
    assert blank(text) == blanked


@given(st.text() | texts(600) | st.from_regex(r"[0-9a-f#:./_\-A-Z ]{0,80}", fullmatch=True))
def test_blanking_is_idempotent(text: str) -> None:
    assert blank(blank(text)) == blank(text)


SHAPED = st.lists(
    st.sampled_from(("/tmp/", "\\Temp\\", "/var/folders/", "0x", "#", "##", "123e4567-e89b-12d3-a456-426614174000"))  # noqa: S108
    | st.from_regex(r"[0-9a-f]{1,10}|[A-Za-z0-9+/]{20,60}|[-_.:T+ /\"'é٣{}=]{1,3}", fullmatch=True),
    max_size=9,
).map("".join)


@given(SHAPED | st.text())
def test_rules_are_left_out_only_where_they_change_nothing(text: str) -> None:
    expected = text
    for pattern, replacement in shapes._RULES:  # noqa: SLF001  # what is left out of them is asked
        expected = pattern.sub(replacement, expected)
    assert blank(text) == shapes.blank_once(text) == expected


@given(st.text("0123456789abcdefxyz-._/ #", max_size=120))
def test_nothing_of_a_number_is_left(text: str) -> None:
    assert not any(character in "0123456789" for character in blank(text))


def test_blanking_hostile_text_takes_linear_time() -> None:
    begun = time.process_time()
    for text in ("a0" * 50_000, "0-" * 50_000, "A" * 100_000, "/tmp/" * 20_000, "f" * 100_000):  # noqa: S108  # a text
        blank(text)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param(r"C:\Windows\System32\CMD.exe", "cmd.exe", id="Windows"),
        pytest.param("/usr/bin/git", "git", id="POSIX"),
        pytest.param('"/opt/My App/run"', "run", id="quoted"),
        pytest.param("/srv/x/", "x", id="trailing slash"),
        pytest.param("git", "git", id="bare"),
        pytest.param("", "", id="empty"),
    ],
)
def test_base_names(path: str, name: str) -> None:
    assert base_name(path) == name


@pytest.mark.parametrize(
    ("path", "levels"),
    [
        pytest.param("/home/ana/src/a.py", ("/home/ana/src", "/home/ana/src", "a.py"), id="three deep"),
        pytest.param("/home/ana/src/x/y/A.py", ("/home/ana/src", "/home/ana/src/x/y", "a.py"), id="deeper"),
        pytest.param("D:\\jobs\\7\\out.csv", ("d:/jobs/#", "d:/jobs/#", "out.csv"), id="Windows"),
        pytest.param("/a", ("", "/", "a"), id="root"),
        pytest.param("a.py", ("", "/", "a.py"), id="relative"),
        pytest.param("", ("", "/", ""), id="empty"),
    ],
)
def test_levels_of_a_path(path: str, levels: tuple[str, str, str]) -> None:
    assert path_levels(path) == levels


@given(st.text(max_size=3_000))
def test_levels_are_bounded(path: str) -> None:
    assert sum(map(len, path_levels(path)[1:])) <= 4 * 1_024
