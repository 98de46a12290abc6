"""What simulated processes do, as templates; and where they do it.

In templates `{n}` becomes a number, `{u}` a UUID, `{h}` twelve hex digits, `{d}` the date: all of them are blanked when
behaviour is compared, so one template is one learnable value.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b, sha256
from random import Random
from re import Match
from re import compile as compile_pattern
from typing import Literal

from leeway.destinations import registrable_domain
from leeway.testing.fleet.clock import moment

Action = Literal["created", "modified", "read", "renamed", "deleted"]

_SLOT = compile_pattern(r"\{([nuhd])\}")


@dataclass(frozen=True, slots=True)
class Host:
    """A machine: its kind, by how many seconds its clock is off, and when its libraries and tools were updated."""

    name: str
    windows: bool
    skew: int
    updates: tuple[int, ...]
    interpreters: tuple[int, ...] = ()
    """Days on which Python and Node.js were updated too."""

    def epoch(self, day: int) -> int:
        """Return how many updates the host has had by `day`."""
        return sum(update <= day for update in self.updates)

    def interpreter_epoch(self, day: int) -> int:
        """Return how many updates the host's interpreters have had by `day`."""
        return sum(update <= day for update in self.interpreters)


@dataclass(frozen=True, slots=True)
class Reach:
    """A connection to a host name or address; `up` is the median of bytes sent."""

    host: str
    port: int = 443
    up: int = 6_000
    outbound: bool = True


@dataclass(frozen=True, slots=True)
class Touch:
    """A file is created, modified, read, renamed or deleted."""

    path: str
    action: Action = "modified"


@dataclass(frozen=True, slots=True)
class Load:
    """A library is mapped."""

    path: str
    signer: str | None = None


@dataclass(frozen=True, slots=True)
class Spawn:
    """A child process runs `command` and does its own acts, child processes included, before it ends."""

    command: str
    acts: tuple["Act", ...] = ()
    user: str | None = None
    """Who runs the child; None for the parent's user."""


Act = Reach | Touch | Load | Spawn


def fill(template: str, rng: Random, second: float) -> str:
    """Return the template with its slots drawn.

    >>> fill("report-{d}.md", Random(1), 0)
    'report-2026-03-02.md'
    """
    if "{" not in template:
        return template

    def drawn(slot: Match[str]) -> str:
        match slot[1]:
            case "n":
                return str(rng.randrange(10, 9_000))
            case "d":
                return moment(second).date().isoformat()
            case "h":
                # A digit first: runs of hex are recognised by it.
                return f"{rng.randrange(1, 10)}{rng.getrandbits(44):011x}"
            case _:
                bits = f"{rng.getrandbits(128):032x}"
                return f"{bits[:8]}-{bits[8:12]}-{bits[12:16]}-{bits[16:20]}-{bits[20:]}"

    return _SLOT.sub(drawn, template)


def command_name(command: str) -> str:
    """Return the program that a command line starts with."""
    return command.partition(" ")[0]


_WINDOWS_HOMES = {
    "git": r"C:\Program Files\Git\cmd",
    "node": r"C:\Program Files\nodejs",
    "npm": r"C:\Program Files\nodejs",
    "python": r"C:\Program Files\Python311",
    "powershell": r"C:\Windows\System32\WindowsPowerShell\v1.0",
    "dotnet": r"C:\Program Files\dotnet",
    "chrome": r"C:\Program Files\Google\Chrome\Application",
    "msteams": r"C:\Program Files\WindowsApps\MSTeams",
}


@lru_cache(maxsize=4_096)
def image_of(command: str, *, windows: bool) -> str:
    """Return the path of the program that a command line starts with."""
    name = command_name(command)
    if not windows:
        return f"/usr/bin/{name}"
    home = _WINDOWS_HOMES.get(name, r"C:\Windows\System32")
    return rf"{home}\{name}.exe"


@lru_cache(maxsize=16_384)
def digest_of(path: str, epoch: object = 0) -> str:
    """Return the SHA-256 that a file has after so many updates."""
    return sha256(f"{path}@{epoch}".encode()).hexdigest()


@lru_cache(maxsize=16_384)
def addresses_of(host: str) -> tuple[str, str]:
    """Return the addresses behind a host name, one network a domain, from the range for benchmarks (RFC 2544)."""
    network = blake2b(registrable_domain(host).encode(), digest_size=1).digest()[0]
    place = blake2b(host.encode(), digest_size=1).digest()[0] % 250 + 1
    return f"198.18.{network}.{place}", f"198.18.{network}.{(place + 7) % 250 + 1}"
