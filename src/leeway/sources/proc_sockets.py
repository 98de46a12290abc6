"""The sockets of one network namespace, as Linux lists them under /proc/PID/net (proc_pid_net(5))."""

import sys
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Final, NamedTuple

from leeway.sources.host_running import Connection

_TABLES: Final = (("tcp", "tcp"), ("tcp6", "tcp"), ("udp", "udp"), ("udp6", "udp"))
_LISTEN: Final = "0A"
_WORD: Final = 4
"""Bytes of the words in which the kernel writes an address, each in the machine's own order."""


class _Row(NamedTuple):
    protocol: str
    own: tuple[str, int]
    other: tuple[str, int]
    inode: int
    is_listening: bool
    """Waits for others: a listening TCP socket, a UDP socket without another side."""


class Sockets(NamedTuple):
    """The sockets of a network namespace."""

    connections: dict[int, Connection]
    """Those with another side, by inode."""
    listening: int
    """How many wait for one."""
    closing: int
    """How many no process holds any more."""


def read_sockets(folder: Path) -> Sockets | None:
    """Return the sockets listed in `/proc/PID/net`; None where not one of its tables can be read.

    A connection is inbound where its own port is one on which its namespace listens, by the same protocol.
    """
    texts = [(protocol, _text(folder / name)) for name, protocol in _TABLES]
    if all(text is None for _, text in texts):
        return None
    rows = [row for protocol, text in texts for row in _rows(protocol, text or "")]
    ports = {(row.protocol, row.own[1]) for row in rows if row.is_listening}
    linked = [row for row in rows if not row.is_listening and row.other[1]]
    return Sockets(
        {row.inode: _connection(row, (row.protocol, row.own[1]) in ports) for row in linked if row.inode},
        sum(row.is_listening for row in rows),
        sum(not row.inode for row in linked),
    )


def _connection(row: _Row, is_inbound: bool) -> Connection:  # noqa: FBT001  # what the ports say
    return Connection(row.protocol, not is_inbound, row.other[0], row.own[1] if is_inbound else row.other[1])


def _rows(protocol: str, text: str) -> Iterator[_Row]:
    for line in text.splitlines()[1:]:
        fields = line.split()
        try:
            own, other, inode = _end(fields[1]), _end(fields[2]), int(fields[9])
        except (ValueError, IndexError):
            continue
        is_listening = fields[3] == _LISTEN if protocol == "tcp" else not other[1]
        yield _Row(protocol, own, other, inode, is_listening)


def _end(text: str) -> tuple[str, int]:
    """Return (address, port) of `0100007F:1F90`; an IPv4 address within IPv6 is unwrapped."""
    written, _, port = text.partition(":")
    words = bytes.fromhex(written)
    if sys.byteorder == "little":
        words = b"".join(words[at : at + _WORD][::-1] for at in range(0, len(words), _WORD))
    address = ip_address(words)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address), int(port, 16)


def _text(path: Path) -> str | None:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return None
