"""Whole numbers out of feeds that write them as numbers or as text, of no more digits than 64 bits have."""

import re
from typing import Final

_DIGITS: Final = 19
_SIGNED: Final = re.compile(f"-?[0-9]{{1,{_DIGITS}}}")


def unsigned(text: str, *, digits: int = _DIGITS) -> int | None:
    """Return the number that ASCII digits spell, at most `digits` of them; None of any other text.

    >>> unsigned("443"), unsigned("-1"), unsigned("4.0"), unsigned("")
    (443, None, None, None)
    """
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


def integer(value: object) -> int | None:
    """Return a whole number, written as one or as text; None where it is absent or none.

    >>> integer(-115), integer(" 7 "), integer(True), integer("0x7"), integer(None)
    (-115, 7, None, None, None)
    """
    spelt = value.strip() if isinstance(value, str) else str(value)
    return int(spelt) if isinstance(value, str | int) and _SIGNED.fullmatch(spelt) else None
