"""The entries of the catalogue of evidence, and the reading of the file they are written in."""

import re
import tomllib
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct, ValidationError, convert

from leeway.errors import InvalidConfigError


class Kind(StrEnum):
    """By what an entry knows an agent."""

    NAME = "name"
    UNIT = "unit"
    SIGNER = "signer"
    PATH = "path"
    ARGUMENT = "argument"
    CHILD_WRAPPER = "child_wrapper"
    DESTINATION = "destination"
    PORT = "port"
    MODULE = "module"
    MODEL_FILE = "model_file"
    CONFIG = "config"
    BYSTANDER = "bystander"


Category = Literal[
    "coding_agent",
    "mcp_server",
    "local_runtime",
    "desktop_chat",
    "editor",
    "framework",
    "llm_api",
    "model_file",
    "library",
    "chat_page",
    "model_store",
    "interpreter",
    "bystander",
    "file_tool",
]
"""Kinds of product, the most telling first."""

CATEGORIES: tuple[str, ...] = Category.__args__  # type: ignore[attr-defined]  # typing does not declare it

Text = Annotated[str, Meta(min_length=1, max_length=256)]


class Entry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One product and one kind of evidence for it; the head of `catalogue.toml` says how patterns are written.

    Raises:
        InvalidConfigError: where a pattern is not in lower case, or an argument pattern is outside the RE2 subset.
    """

    id: Text
    label: Text
    kind: Kind
    category: Category
    weight: Annotated[int, Meta(ge=0, le=3)]
    patterns: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=512)]
    positions: tuple[Literal["command", "script", "module", "package"], ...] = ()
    source: Text
    """Where the fact was read."""
    date: date
    """When."""

    def __post_init__(self) -> None:
        if (self.kind is Kind.ARGUMENT) != bool(self.positions):
            raise InvalidConfigError("positions belong to arguments, and arguments need them")
        for pattern in self.patterns:
            if pattern != pattern.casefold():
                raise InvalidConfigError(f"pattern {pattern!r} is not in lower case")
            if self.kind is Kind.ARGUMENT and not _is_portable(pattern):
                raise InvalidConfigError(f"pattern {pattern!r} is outside the RE2 subset")
            if self.kind is Kind.PORT and not pattern.isdecimal():
                raise InvalidConfigError(f"pattern {pattern!r} is no port")


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    entry: tuple[Entry, ...]


_FOREIGN = re.compile(r"\(\?(?:[=!>(]|<[=!]|P[=>])|\\[1-9]|[*+?}]\+")
"""What RE2 lacks: look-around, atomic groups, conditions, back-references, possessive repeats."""


def _is_portable(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return _FOREIGN.search(pattern) is None


def read_entries(raw: bytes, name: str) -> tuple[Entry, ...]:
    """Return the entries written in `raw`, a TOML file called `name`.

    Raises:
        InvalidConfigError: where it is not TOML, has an unknown or ill-typed key, or an id twice; says `file:line`.
    """
    try:
        entries = convert(tomllib.loads(raw.decode("utf-8")), _File).entry
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidConfigError(f"{name}:{_line_in(str(error))}: not TOML: {error}") from error
    except ValidationError as error:
        number = str(error).partition("entry[")[2].partition("]")[0]
        raise InvalidConfigError(f"{name}:{_line_of(raw, int(number or -1))}: {error}") from error
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        if entry.id in seen:
            raise InvalidConfigError(f"{name}:{_line_of(raw, index)}: the id {entry.id!r} stands twice")
        seen.add(entry.id)
    return entries


def _line_of(raw: bytes, index: int) -> int:
    """Return the line on which an entry begins, or 1."""
    starts = [number for number, line in enumerate(raw.splitlines(), 1) if line.strip().startswith(b"[[entry]]")]
    return starts[index] if 0 <= index < len(starts) else 1


def _line_in(message: str) -> int:
    """Return the line that a message of the TOML reader names, or 1."""
    digits = message.partition("at line ")[2].partition(",")[0]
    return int(digits) if digits.isdecimal() else 1
