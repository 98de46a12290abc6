"""Blank out what changes from run to run and nothing else: numbers, ids, dates, temporary names."""

import re
from functools import lru_cache
from string import ascii_letters, digits, hexdigits

_LETTER = "[a-fA-F]"
_HEX = (
    "".join(f"(?:[0-9][0-9a-fA-F]{{{7 - n},}}|{_LETTER}" for n in range(7)) + rf"{_LETTER}*[0-9][0-9a-fA-F]*{')' * 7}"
)
"""Eight or more hex digits of which one is a decimal digit, spelled out letter by letter until that digit stands."""

_PART = r"[^\s\"'\\/;,)]+"
"""One component of a path inside a command line."""

# Ordered, in the RE2 subset, ASCII classes. Idempotent because nothing a rule writes can make a match that was not
# there before: every rule either needs a decimal digit, of which none is left, or looks only at unbroken text.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.ASCII), replacement)
    for pattern, replacement in (
        (r"\{?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\}?", "#"),
        (rf"(/var/folders)/{_PART}/{_PART}/([A-Za-z])/{_PART}", r"\1/#/#/\2/#"),
        (rf"((?:/(?i:te?mp|var/folders)|\\(?i:te?mp))[\\/]){_PART}", r"\1#"),
        # Base64: a slash may stand in it, but not in its first 24 characters, or any long path would be one.
        (r"[A-Za-z0-9+]{24,}[A-Za-z0-9+/]{16,}={0,2}", "#"),
        (r"\b0x[0-9a-fA-F]+\b", "#"),
        (rf"\b{_HEX}\b", "#"),
        # Letters and digits in turn, three times and more: the suffix of a pod, a nanoid.
        (rf"\b[A-Za-z]*{'[0-9]+[A-Za-z]+' * 3}(?:[0-9][0-9A-Za-z]*)?\b", "#"),
        (r"[0-9]+", "#"),
        (r"#(?:[.:_T+\-]?#)+", "#"),
    )
)

_UUID, _MAC_FOLDERS, _FOLDERS, _BASE64, _HEX_NUMBER, _HEX_WORD, _IN_TURN, _NUMBER, _MARKS = _RULES


def _classes(**members: str) -> bytes:
    """Return a table for `bytes.translate`: class to its characters, all others blanks; a dash stays one."""
    table = bytearray(b" " * 256)
    table[ord("-")] = ord("-")
    for name, characters in members.items():
        for character in characters:
            table[ord(character)] = ord(name)
    return bytes(table)


# What every text has that a rule changes, in classes of characters: to look for a few letters takes a tenth of the time
# that the rule takes. Rules write nothing but `#`, which is in no class, so a text that lacks it from the beginning
# lacks it for good.
_AS_HEX = _classes(h=hexdigits)
_AS_BASE64 = _classes(b=ascii_letters + digits + "+")
_AS_KINDS = _classes(d=digits, a=ascii_letters)
_AS_MARKS = bytes(range(256)).translate(bytes.maketrans(digits.encode(), b"#" * len(digits)))
_UUID_FORM = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh"
_BASE64_FORM = "b" * 24
_BASE64_LENGTH = 40
_HEX_FORM = "h" * 8
_TURNS = 3

_CACHED_LENGTH = 512
"""Longer texts are blanked each time: hostile lines must not fill the cache's memory."""


def blank(text: str) -> str:
    """Return `text` with UUIDs, long hex, base64 runs, numbers and temporary names replaced by `#`; idempotent.

    >>> blank("/tmp/tmpab12/model-00001-of-00004.safetensors")
    '/tmp/#/model-#-of-#.safetensors'
    """
    return _remembered(text) if len(text) <= _CACHED_LENGTH else blank_once(text)


def blank_once(text: str) -> str:
    """Return what `blank` returns, and remember nothing: for texts of which hardly any comes twice."""
    given, raw = text, text.encode("ascii", "replace")
    # Texts, not bytes: to look for bytes in bytes takes four times as long.
    as_hex = raw.translate(_AS_HEX).decode("ascii")
    hex_at = as_hex.find(_HEX_FORM)
    if hex_at >= 0 and _UUID_FORM in as_hex:
        text = _UUID[0].sub(_UUID[1], text)
    lower = text.lower()
    if "tmp" in lower or "temp" in lower or "folders" in lower:
        text = _FOLDERS[0].sub(_FOLDERS[1], _MAC_FOLDERS[0].sub(_MAC_FOLDERS[1], text))
    if len(raw) >= _BASE64_LENGTH and _BASE64_FORM in raw.translate(_AS_BASE64).decode("ascii"):
        text = _BASE64[0].sub(_BASE64[1], text)
    return _numbers_blanked(text, hex_at if text is given else min(hex_at, 0))


def _numbers_blanked(text: str, hex_at: int) -> str:
    """Apply the rules that need a decimal digit, and the one about marks in a row.

    There are no eight hex digits before `hex_at`, and none at all where that is negative.
    """
    if "0x" in text:
        text, hex_at = _HEX_NUMBER[0].sub(_HEX_NUMBER[1], text), min(hex_at, 0)
    if hex_at >= 0:
        edge = max(hex_at - 1, 0)  # the letter before them may make them a part of a longer word
        text = text[:edge] + _HEX_WORD[0].sub(_HEX_WORD[1], text[edge:])
    raw = text.encode("ascii", "replace")
    if raw.translate(_AS_KINDS).decode("ascii").count("da") >= _TURNS:
        text = _IN_TURN[0].sub(_IN_TURN[1], text)
        raw = text.encode("ascii", "replace")
    # Digit by digit where that is possible: marks in a row become one in any case.
    marked = raw.translate(_AS_MARKS).decode("ascii") if text.isascii() else _NUMBER[0].sub(_NUMBER[1], text)
    return _MARKS[0].sub(_MARKS[1], marked) if marked.count("#") > 1 else marked


_remembered = lru_cache(maxsize=65_536)(blank_once)


@lru_cache(maxsize=65_536)
def base_name(path: str) -> str:
    r"""Return the last component of a Windows or POSIX path, lower case, as names are compared.

    >>> base_name(r"C:\\Windows\\System32\\cmd.EXE")
    'cmd.exe'
    """
    return path.strip().strip('"').replace("\\", "/").rstrip("/").rpartition("/")[2].casefold()


_TREE_DEPTH = 3
"""Components that make the tree of a path: `/home/ana/.ssh`, `c:/users/ana`."""


@lru_cache(maxsize=65_536)
def path_levels(path: str) -> tuple[str, str, str]:
    """Return (tree, directory, file) of a path: blanked, `/` between parts, lower case, at most 1,024 characters.

    >>> path_levels("/home/ana/.cache/huggingface/model-2.bin")
    ('/home/ana/.cache', '/home/ana/.cache/huggingface', 'model-#.bin')
    """
    text = blank(path[:1024].replace("\\", "/").casefold())
    directory, _, name = text.rpartition("/")
    return "/".join(directory.split("/")[: _TREE_DEPTH + 1]), directory or "/", name
