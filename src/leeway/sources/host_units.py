"""By which name a process is run: a service unit or a container, from its control groups.

Names that change from run to run (sessions, transient units, container ids, names that the runtime made up) are no
identity and are never told.
"""

import json
import os
import re
import socket
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPException
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

RUNTIME_SOCKETS: Final = ("/run/docker.sock", "/run/podman/podman.sock")
"""Where container runtimes answer for the whole host."""

_TIMEOUT_SECONDS: Final = 1.0
_ANSWER_LIMIT: Final = 1 << 23
"""Bytes that are read of a runtime's answer."""

_ID: Final = re.compile(r"(?:^|[-:/])([0-9a-f]{64})(?:\.scope)?$")
_SPLIT: Final = "libpod-payload-"
"""Part of a container that podman runs within the control group of its service (a quadlet)."""

_CONMON: Final = re.compile(r"(?:^|[-/])(?:libpod-)?conmon(?:-|$)")
_LXC: Final = re.compile(r"lxc\.payload[./](.+)$")
_MADE_UP: Final = re.compile(r"[a-z]+_[a-z]+[0-9]?")
"""Form of the names that docker and podman make up for a container that was given none."""

_TRANSIENT: Final = re.compile(r"(?:user@[0-9]+|run-[pru]?[0-9a-f-]+(?:-i[0-9]+)?)\.service")
_PASSING: Final = re.compile(r"[0-9]+-.*[0-9].*|.*:.*|[0-9a-f]{16,}|[0-9a-f-]{36}")
"""Instances made for one connection, one run or one id: `sshd@3-10.0.0.7:22-10.0.0.9:51234.service`."""

_CLUSTER: Final = re.compile(r"[0-9]+-[a-z][A-Za-z0-9_-]*")
"""A version and a name, as `16-main` of postgresql: given by people."""

_BUS: Final = re.compile(r"^dbus-:[0-9.]+-")


class Unit(NamedTuple):
    """Who runs a process."""

    name: str | None = None
    container: str = ""
    """Id of the container, empty where there is none."""


class _Socket(HTTPConnection):
    """HTTP over a socket of this host."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_SECONDS)
        self.sock.connect(self._path)


def unit_of(cgroups: Iterable[str], names: Mapping[str, str]) -> Unit:
    """Return the unit that the control groups name, the innermost one first.

    Args:
        cgroups: paths, the one that speaks best first.
        names: names of containers by their ids.
    """
    for path in cgroups:
        parts = [part for part in path.split("/") if part]
        for position in reversed(range(len(parts))):
            part = parts[position]
            found = _container(parts[: position + 1], names) or _service(part)
            if found is not None:
                return found
    return Unit()


def _container(parts: list[str], names: Mapping[str, str]) -> Unit | None:
    """Return the container that the last part stands for, if it does."""
    part = parts[-1]
    if payload := _LXC.search(part):
        return Unit(payload[1])
    if len(parts) > 1 and parts[-2] == "lxc":
        return Unit(f"lxc/{part}")
    if _CONMON.search(part):
        return None  # the monitor of a container runs outside of it
    found = _ID.search(part)
    if found is None:
        return None
    service = _service(parts[-2]) if _SPLIT in part and len(parts) > 1 else None
    name = names.get(found[1]) or (service.name if service else None)
    return Unit(name, found[1])


def _service(part: str) -> Unit | None:
    """Return the service that a part is, without what is of one run of it."""
    if not part.endswith(".service") or _TRANSIENT.fullmatch(part):
        return None
    prefix, at, instance = _BUS.sub("dbus-", part).removesuffix(".service").partition("@")
    passing = _PASSING.fullmatch(instance) and not _CLUSTER.fullmatch(instance)
    return Unit(f"{prefix}{at}{'' if passing else instance}.service")


def name_by_monitor(arguments: tuple[str, ...]) -> tuple[str, str] | None:
    """Return (container id, name) that a conmon process was started with, where the name was given by somebody.

    >>> name_by_monitor(("/usr/bin/conmon", "--api-version", "1", "-c", "ab" * 32, "-n", "ollama"))[1]
    'ollama'
    """
    options = dict(pairwise(arguments))
    id_, name = options.get("-c", ""), options.get("-n", "")
    return (id_, name) if _ID.fullmatch(id_) and name and not _MADE_UP.fullmatch(name) else None


def names_by_runtimes(places: Iterable[str]) -> dict[str, str]:
    """Return the names of the running containers, by id, of every runtime that answers within a second.

    A container with a made-up name goes by its image, without the tag. Never fails: no answer is no name.
    """
    names: dict[str, str] = {}
    for place in places:
        for entry in _listed(place):
            id_, name = _named(entry)
            if id_ and name:
                names.setdefault(id_, name)
    return names


def sockets_of_user() -> tuple[str, ...]:
    """Return where runtimes answer that the user runs without root."""
    folder = Path("/run/user") / (str(os.getuid()) if hasattr(os, "getuid") else "")
    return str(folder / "docker.sock"), str(folder / "podman/podman.sock")


def _listed(place: str) -> list[object]:
    if not hasattr(socket, "AF_UNIX") or not Path(place).is_socket():
        return []
    connection = _Socket(place)
    try:
        connection.request("GET", "/containers/json")
        answer = json.loads(connection.getresponse().read(_ANSWER_LIMIT))
    except (OSError, HTTPException, ValueError, RecursionError):
        return []
    finally:
        connection.close()
    return answer if isinstance(answer, list) else []


def _named(entry: object) -> tuple[str, str]:
    """Return (id, name) of one container of a runtime's answer."""
    if not isinstance(entry, dict):
        return "", ""
    id_, given, image = entry.get("Id"), entry.get("Names"), entry.get("Image")
    first = given[0].removeprefix("/") if isinstance(given, list) and given and isinstance(given[0], str) else ""
    if first and not _MADE_UP.fullmatch(first):
        return str(id_), first[:256]
    repository = image.partition("@")[0] if isinstance(image, str) and not _is_digest(image) else ""
    folder, slash, last = repository.rpartition("/")
    return str(id_), f"{folder}{slash}{last.partition(':')[0]}"[:256]


def _is_digest(image: str) -> bool:
    return re.fullmatch(r"(?:sha256:)?[0-9a-f]{12,64}", image) is not None
