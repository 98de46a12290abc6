"""The alias file: which names are one host, where the names themselves do not say so."""

import re
from pathlib import Path

from leeway.config.toml_files import read_toml
from leeway.errors import InvalidConfigError

_LIMIT = 1 << 20
"""Bytes of an alias file."""

_NAME = re.compile(r"[^\s]{1,255}")


def load_aliases(path: Path) -> dict[str, str]:
    """Return name to host, all in lower case, of a TOML file whose table `hosts` gives each host its other names.

    `[hosts]` and then `"build7.example.org" = ["ci-7", "10.0.0.7"]`: the key is the name that findings show.

    Raises:
        InvalidConfigError: where it cannot be read, is not such a file, or gives one name to two hosts; `file:line`.
    """
    raw, table = read_toml(path, _LIMIT)
    hosts = table.get("hosts")
    if not isinstance(hosts, dict) or table.keys() != {"hosts"}:
        raise InvalidConfigError(f"{path}:1: one table, hosts, is wanted", hint=_EXAMPLE)
    return _by_name(path, raw, hosts)


_EXAMPLE = 'write: [hosts] "build7.example.org" = ["ci-7", "10.0.0.7"]'


def _by_name(path: Path, raw: bytes, hosts: dict[str, object]) -> dict[str, str]:
    found: dict[str, str] = {}
    for host, names in hosts.items():
        owner = _folded(host)
        if not isinstance(names, list) or not all(isinstance(one, str) and _NAME.fullmatch(one) for one in names):
            raise InvalidConfigError(f"{path}:{_line(raw, host)}: {host!r} wants a list of names", hint=_EXAMPLE)
        for name in (host, *names):
            if found.setdefault(_folded(name), owner) != owner:
                raise InvalidConfigError(
                    f"{path}:{_line(raw, host)}: {name!r} is given to two hosts", hint="give it to one"
                )
    return found


def _folded(name: str) -> str:
    """Return a host name as it is compared: lower case, no root dot."""
    return name.rstrip(".").casefold()


def _line(raw: bytes, key: str) -> int:
    """Return the line on which a key is first written, or 1."""
    lines = raw.decode("utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if key in line.partition("=")[0]), 1)
