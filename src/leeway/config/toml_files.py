"""TOML files that an operator writes: read whole, in bounded size, with `file:line` where they are none."""

import re
import tomllib
from pathlib import Path

from leeway.errors import InvalidConfigError

_PLACE = re.compile(r"at line ([0-9]+)")
"""Where the parser says that it stumbled; at the end of the document it names no line."""

_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+"""
_LONG_KEY = re.compile(rf"{_PART}(?:\.[ \t]*+{_PART}){{64}}")
"""A key of more than 64 parts: the parser's memory grows with the square of their number."""


def read_toml(path: Path, limit: int) -> tuple[bytes, dict[str, object]]:
    """Return a TOML file of at most `limit` bytes, as it stands and as values.

    Raises:
        InvalidConfigError: where it cannot be read, is larger, or is not TOML.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise InvalidConfigError(f"{path}: {error.strerror}", hint="give an existing TOML file") from error
    if len(raw) > limit:
        raise InvalidConfigError(f"{path}: larger than {limit} bytes")
    return raw, _parsed(path, raw)


def _parsed(path: Path, raw: bytes) -> dict[str, object]:
    try:
        return tomllib.loads(_without_long_keys(raw.decode("utf-8")))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InvalidConfigError(f"{path}:{line}: not UTF-8: {error.reason}") from error
    except RecursionError as error:
        raise InvalidConfigError(f"{path}:1: not TOML: nested too deeply") from error
    except ValueError as error:  # besides flaws of the format: a number of more digits than Python reads
        at = _PLACE.search(str(error))
        raise InvalidConfigError(f"{path}:{at.group(1) if at else 1}: not TOML: {error}") from error


def _without_long_keys(text: str) -> str:
    """Return the text as it is.

    Raises:
        ValueError: where it holds a key of too many parts; the message says where, as the parser's do.
    """
    if found := _LONG_KEY.search(text):
        raise ValueError(f"a key of more than 64 parts (at line {text.count(chr(10), 0, found.start()) + 1})")
    return text
