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


# What every text has that a rule changes, in classes of characters: to look for a few bytes takes a tenth of the time
# that the rule takes. Rules write nothing but `#`, which is in no class, so a text that lacks it from the beginning
# lacks it for good.
_AS_HEX = _classes(h=hexdigits)
_AS_BASE64 = _classes(b=ascii_letters + digits + "+")
_AS_KINDS = _classes(d=digits, a=ascii_letters)
_AS_FOLDERS = bytes(range(256)).lower().replace(b"\\", b"/")
_UUID_FORM = b"hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh"
_BASE64_FORM = b"b" * 24
_HEX_FORM = b"h" * 8
_TURNS = 3

_CACHED_LENGTH = 512
"""Longer texts are blanked each time: hostile lines must not fill the cache's memory."""


def blank(text: str) -> str:
    """Return `text` with UUIDs, long hex, base64 runs, numbers and temporary names replaced by `#`; idempotent.

    >>> blank("/tmp/tmpab12/model-00001-of-00004.safetensors")
    '/tmp/#/model-#-of-#.safetensors'
    """
    return _remembered(text) if len(text) <= _CACHED_LENGTH else _blanked(text)


def _blanked(text: str) -> str:
    raw = _ascii(text)
    if _UUID_FORM in raw.translate(_AS_HEX):
        text = _UUID[0].sub(_UUID[1], text)
        raw = _ascii(text)
    folders = raw.translate(_AS_FOLDERS)
    is_mac = b"/var/folders/" in folders
    if is_mac:
        text = _MAC_FOLDERS[0].sub(_MAC_FOLDERS[1], text)
    if is_mac or b"/tmp/" in folders or b"/temp/" in folders:
        text = _FOLDERS[0].sub(_FOLDERS[1], text)
    if _BASE64_FORM in raw.translate(_AS_BASE64):
        text = _BASE64[0].sub(_BASE64[1], text)
    return _MARKS[0].sub(_MARKS[1], _numbers_blanked(text))


def _numbers_blanked(text: str) -> str:
    """Apply the rules that need a decimal digit."""
    raw = _ascii(text)
    if b"0x" in raw:
        text = _HEX_NUMBER[0].sub(_HEX_NUMBER[1], text)
    if _HEX_FORM in raw.translate(_AS_HEX):
        text = _HEX_WORD[0].sub(_HEX_WORD[1], text)
        raw = _ascii(text)
    kinds = raw.translate(_AS_KINDS)
    if kinds.count(b"da") >= _TURNS:
        text = _IN_TURN[0].sub(_IN_TURN[1], text)
    return _NUMBER[0].sub(_NUMBER[1], text) if b"d" in kinds else text


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace")


_remembered = lru_cache(maxsize=65_536)(_blanked)


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
