"""Allow lists an operator writes: which processes an agent may start, which modules it may load."""

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

from msgspec import Struct, ValidationError, convert

from leeway.config.toml_files import read_toml
from leeway.errors import InvalidConfigError

_LIMIT = 1 << 20
"""Bytes of a policy file."""

_DIGEST = re.compile(r"[0-9a-fA-F]{32,128}")

_VERSION = re.compile(r"(\.so)\.[^/]*$")
"""What follows the name of a shared object, wildcards included: `libc.so.*` means every release of it."""


class Rule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What agents whose process name matches `agent` (shell wildcards) may do; an absent list allows everything."""

    agent: str
    processes: tuple[str, ...] | None = None
    """Names (shell wildcards) of the processes it may start."""
    modules: tuple[str, ...] | None = None
    """SHA-256 digests, or names with shell wildcards, of the modules it may load."""


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of one file; an agent obeys every rule that names it, and a value passes if one rule allows it."""

    rules: tuple[Rule, ...] = ()

    def allows_process(self, agent: str, process: str) -> bool | None:
        """Say whether `agent` may start `process`; None where no rule speaks of it."""
        lists = [rule.processes for rule in self.rules if rule.processes is not None and _matches(agent, rule.agent)]
        return any(_matches(process, name) for names in lists for name in names) if lists else None

    def allows_module(self, agent: str, name: str, digest: str, normal: Callable[[str], str] = str) -> bool | None:
        """Say whether `agent` may load a module; None where no rule speaks of it.

        `normal` makes a file's name the one that modules are remembered under, so that `libc.so.6` allows `libc.so`.
        """
        lists = [rule.modules for rule in self.rules if rule.modules is not None and _matches(agent, rule.agent)]
        if not lists:
            return None
        return any(
            entry.casefold() == digest.casefold()
            or _matches(name, entry)
            or (_DIGEST.fullmatch(entry) is None and any(_matches(name, one) for one in _releases(entry, normal)))
            for entries in lists
            for entry in entries
        )


def _releases(entry: str, normal: Callable[[str], str]) -> tuple[str, str]:
    """Return the names that a file's name, or a pattern of such, has in every release."""
    return normal(entry), normal(_VERSION.sub(r"\1", entry))


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name.casefold(), pattern.casefold())


def load_policy(path: Path) -> Policy:
    """Read a policy from a TOML file.

    Raises:
        InvalidConfigError: where it cannot be read, is too large, is not TOML, or has an unknown or ill-typed key.
    """
    raw, found = read_toml(path, _LIMIT)
    try:
        return convert(found, Policy)
    except ValidationError as error:
        raise InvalidConfigError(
            f"{path}:{_line_of(raw, str(error))}: {error}",
            hint='rules look like: [[rules]] agent = "claude*" processes = ["git", "bash"]',
        ) from error


def _line_of(raw: bytes, message: str) -> int:
    """Return the line of the rule that a validation message points at (`$.rules[2]…`), or 1."""
    index = message.partition("rules[")[2].partition("]")[0]
    starts = [number for number, line in enumerate(raw.splitlines(), 1) if line.strip().startswith(b"[[rules]]")]
    return starts[int(index)] if index.isdecimal() and int(index) < len(starts) else 1
