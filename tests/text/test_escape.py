import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.text import display, from_csv_cell, to_csv_cell
from strategies import texts


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain text", "plain text", id="plain"),
        pytest.param("Grüße 日本", "Grüße 日本", id="other scripts stay"),
        pytest.param("\x1b[2J", "\\x1b[2J", id="clear the screen"),
        pytest.param("a\nb\r", "a\\nb\\r", id="line breaks"),
        pytest.param("\x1b]0;title\x07", "\\x1b]0;title\\x07", id="change the title"),
        pytest.param("\u202etxt.exe", "\\u202etxt.exe", id="right to left"),
        pytest.param("a\u200bb", "a\\u200bb", id="zero width"),
        pytest.param("\u2028", "\\u2028", id="line separator"),
        pytest.param("\ud800", "\\ud800", id="lone surrogate"),
        pytest.param("\x9b31m", "\\x9b31m", id="one-byte escape"),
    ],
)
def test_shown_text_cannot_move_the_cursor(text: str, shown: str) -> None:
    assert display(text) == shown


@given(st.text() | texts())
def test_shown_text_is_one_line_of_harmless_characters(text: str) -> None:
    shown = display(text)
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        pytest.param("abcd", 4, "abcd", id="at the limit"),
        pytest.param("abcde", 4, "abcd… (+1 characters)", id="past it"),
        pytest.param("\n" * 10, 4, "\\n\\n… (+6 characters)", id="escaped past it"),
        pytest.param("\n" * 4, 4, "\\n\\n… (+4 characters)", id="escaped past it, short itself"),
    ],
)
def test_long_text_is_cut_and_counted(text: str, limit: int, shown: str) -> None:
    assert display(text, limit=limit) == shown


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        pytest.param("=1+1", "'=1+1", id="equals"),
        pytest.param("+1", "'+1", id="plus"),
        pytest.param("-1", "'-1", id="minus"),
        pytest.param("@SUM(A1)", "'@SUM(A1)", id="at"),
        pytest.param("\t=1", "'\t=1", id="tab"),
        pytest.param("  =1", "'  =1", id="behind spaces"),
        pytest.param("＝1", "'＝1", id="full-width equals"),  # noqa: RUF001  # the full-width form is meant
        pytest.param("\u00a0=1", "'\u00a0=1", id="behind a space that does not break"),
        pytest.param("\ufeff\u200b=1", "'\ufeff\u200b=1", id="behind what is not seen"),
        pytest.param("|calc", "'|calc", id="bar"),
        pytest.param("'quoted", "''quoted", id="apostrophe"),
        pytest.param("a=1", "a=1", id="equals inside"),
        pytest.param("", "", id="empty"),
    ],
)
def test_no_cell_is_a_formula(text: str, cell: str) -> None:
    assert to_csv_cell(text) == cell


@given(texts())
def test_cells_give_their_text_back_through_a_file(text: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow([to_csv_cell(text)])
    (cell,), *_ = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert from_csv_cell(cell) == text
    assert cell.lstrip(" ")[:1] not in set("=+-@\t\r\n")
