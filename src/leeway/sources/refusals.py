"""What a file is that no kind of source recognises, and what makes it one that is read."""

import re
from collections.abc import Callable
from itertools import islice
from typing import Final, NamedTuple

from leeway.sources.defender import NEEDED
from leeway.sources.defender_columns import UTC_CAPTION
from leeway.sources.nested_json import nested
from leeway.sources.places import Place
from leeway.sources.tables import Broken, object_of
from leeway.text import display, redact

_START: Final = 1 << 16
"""Bytes of a file by which it is told what it is."""

_LINES: Final = 20
"""Lines of it that are looked at one by one."""

_NAMES: Final = 6
"""Names of columns or keys that a message tells."""

_NAMES_LIMIT: Final = 120
"""Characters of them."""

_UNPACK: Final = "unpack it and name the files in it"

_MAGICS: Final = (
    (b"PK\x03\x04", "a zip archive, as workbooks of Excel are", f"{_UNPACK}; save a workbook as CSV in UTF-8"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"BZh", "compressed by bzip2", "bunzip2 FILE; gzip, xz and Zstandard are read as they are"),
    (b"\x04\x22\x4d\x18", "compressed by LZ4", "unlz4 FILE; gzip, xz and Zstandard are read as they are"),
    (b"\x1f\x8b", "compressed twice", "gunzip FILE once"),
    (b"SQLite format 3\0", "an SQLite database", "export its rows, one JSON object a line"),
)
"""First bytes of files that hold others or are no records: what they are, and what to do."""

_TAR: Final = (257, b"ustar")
"""Where a tar archive says that it is one (POSIX.1-1988)."""

_UTF_16: Final = re.compile(rb"\xff\xfe|\xfe\xff|(?:[\x09-\x7e]\x00){4}|(?:\x00[\x09-\x7e]){4}")
_CRI: Final = re.compile(r"\d{4}-\d\d-\d\dT\S{8,30} (?:stdout|stderr) [FP] ")
"""What containerd and CRI-O put before each line of a container."""

_CELL: Final = re.compile(r'"?[\w$@#.()\[\] /:-]{0,64}"?')
_PREAMBLE: Final = ("#TYPE", "sep=")
"""How lines start that PowerShell 5 and Excel put before a header."""

_CELLS: Final = 3
"""Columns from which on a line may be a header."""

_MARKS: Final = (*NEEDED, ("ActionType",))


class Refusal(NamedTuple):
    """Why a file is not read."""

    seen: str
    hint: str = ""
    """What to do; empty where only its kind can be forced."""


def refusal_of(place: Place) -> Refusal:
    """Say what is at a place that no kind recognises.

    Raises:
        SourceError: where it cannot be opened.
    """
    with place.open() as stream:
        try:
            start = stream.read(_START)
        except (EOFError, OSError):
            start = stream.peek(0)[:_START]
    return refusal(start)


def refusal(start: bytes) -> Refusal:
    """Say what a file is that starts so."""
    if found := _binary(start):
        return found
    text = start.decode("utf-8", "replace").removeprefix("\ufeff").lstrip()
    forms: tuple[Callable[[str], Refusal | None], ...] = (_markup, _json, _prefixed, _table)
    return next(filter(None, (form(text) for form in forms)), Refusal("text of no known kind"))


def _binary(start: bytes) -> Refusal | None:
    for magic, seen, hint in _MAGICS:
        if start.startswith(magic):
            return Refusal(seen, hint)
    if start.startswith(_TAR[1], _TAR[0]):
        return Refusal("a tar archive", f"tar -xf FILE; {_UNPACK}")
    if _UTF_16.match(start):
        hint = "write UTF-8: Out-File -Encoding utf8 in PowerShell, or iconv -f UTF-16 -t UTF-8 FILE elsewhere"
        return Refusal("UTF-16, as PowerShell 5 writes it", hint)
    return Refusal("binary, of no known kind") if b"\0" in start else None


def _markup(text: str) -> Refusal | None:
    if not text.startswith("<"):
        return None
    if "<html" in text[:512].casefold():
        return Refusal("a page of HTML, saved in place of the data", "sign in, or renew the token, and fetch it again")
    if "<Event" in text:
        return Refusal("XML of a Windows event log", "export it as .evtx: wevtutil epl CHANNEL FILE.evtx")
    return Refusal("XML") if text.startswith("<?xml") else None


def _json(text: str) -> Refusal | None:
    found = nested(text, is_one_line=_is_object(_first_line(text)))
    if found is None:
        return None
    seen, hint, keys = found
    return Refusal(seen if not keys else f"{seen} with the keys {_told(keys)}", hint)


def _prefixed(text: str) -> Refusal | None:
    """Say so where records stand behind what a container runtime or a syslog put before them."""
    for line in islice(text.splitlines(), _LINES):
        if _CRI.match(line):
            return Refusal("a container's log as the runtime keeps it (CRI)", "cut -d' ' -f4- FILE")
        if _is_object(line[max(line.find("{"), 0) :]):
            return Refusal("JSON behind a prefix", "take it off: sed 's/^[^{]*//' FILE")
    return None


def _table(text: str) -> Refusal | None:
    lines = [line for line in text.split("\n", _LINES)[:_LINES] if not line.startswith(_PREAMBLE)]
    header = lines[0] if lines else ""
    for mark, name, delimiter in ((";", "semicolons", ";"), ("\t", "tabs", "`t")):
        if header.count(mark) > max(header.count(","), _CELLS - 2):
            hint = f'in PowerShell: Import-Csv FILE -Delimiter "{delimiter}" | Export-Csv -NoTypeInformation OUT'
            return Refusal(f"CSV separated by {name}", f"write it with commas, in UTF-8; {hint} -Encoding utf8")
    names = [name.strip() for name in header.split(",")]
    rows = [line for line in lines[1:] if line.count(",") >= len(names) - 1]
    if len(names) < _CELLS or not rows or not all(map(_CELL.fullmatch, names)):
        return None
    return _renamed([name.strip('"').removesuffix(UTC_CAPTION) for name in names])


def _renamed(names: list[str]) -> Refusal:
    """Return the refusal of a table that does not have the columns by which tables are known; two of them are named."""
    lacking = [" or ".join(either) for either in _MARKS if set(names).isdisjoint(either)][:2]
    without = f" without {' and '.join(lacking)}" if lacking else ""
    hint = "if it is a table of Defender, say in a column map how its columns are called: --map FILE.toml"
    return Refusal(f"CSV{without}; its columns are {_told(names)}", hint)


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _is_object(line: str) -> bool:
    """Say whether a line is a JSON object, whole and not empty."""
    row = object_of(line.strip().encode("utf-8", "replace")) if line.startswith("{") else None
    return bool(row) and not isinstance(row, Broken)


def _told(names: list[str]) -> str:
    """Return the first of some names, escaped and without secrets: where there is no header, they are data."""
    rest = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return display(redact(", ".join(name[:_NAMES_LIMIT] for name in names[:_NAMES])), limit=_NAMES_LIMIT) + rest
