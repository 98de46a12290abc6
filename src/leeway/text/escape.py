"""Escape hostile text for the place where it is shown: a terminal, a spreadsheet."""

import unicodedata

_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Controls, format characters (bidi overrides, zero-width), surrogates, private use, line and paragraph separators."""

_FORMULA_STARTS = frozenset("=+-@|%\t\r\n＝＋－＠;")  # noqa: RUF001  # the full-width forms are meant
"""First characters by which a spreadsheet takes a cell for a formula (CWE-1236), full-width forms included."""

_BLANKS = " \v\f\xa0\u2028\u2029\u202f\u205f\u2060\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x2010)))
"""What a spreadsheet may trim, or not show, before it looks at the first character."""


def display(text: str, *, limit: int = 400) -> str:
    r"""Return `text` as one physical line that cannot move a cursor, change a title or reorder its neighbours.

    Characters beyond `limit` are cut and counted.

    >>> display("ok\x1b[2J")
    'ok\\x1b[2J'
    """
    shown = text if text.isascii() and text.isprintable() else "".join(map(_escaped, text[: limit * 2]))
    if len(shown) > limit:
        shown = f"{shown[:limit]}… (+{(len(text) if len(text) > limit else len(shown)) - limit} characters)"
    return shown


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE_CATEGORIES:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def to_csv_cell(text: str) -> str:
    """Return `text` so that no spreadsheet runs it; `from_csv_cell` gives the original back.

    >>> to_csv_cell("=cmd|'/C calc'!A0")
    "'=cmd|'/C calc'!A0"
    """
    lead = text.lstrip(_BLANKS)[:1]
    return f"'{text}" if lead in _FORMULA_STARTS or text[:1] in _FORMULA_STARTS or text[:1] == "'" else text


def from_csv_cell(cell: str) -> str:
    """Return the text that `to_csv_cell` was given.

    >>> from_csv_cell(to_csv_cell("-2+3"))
    '-2+3'
    """
    return cell.removeprefix("'")
