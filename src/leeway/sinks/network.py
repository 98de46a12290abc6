"""Connections to sinks: resolved once, checked, and made to the address that was checked."""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from leeway.errors import InvalidConfigError
from leeway.sinks.addresses import is_public

TIMEOUT = 10.0
"""Seconds for connecting, for sending and for an answer, each."""

_ADDRESSES = 4
"""Addresses of a name that are tried."""

Resolver = Callable[[str, int], list[str]]
"""Host and port to addresses."""

Connector = Callable[[str, int], socket.socket]
"""Address and port to a connected socket."""


class NotPublicError(OSError):
    """A name leads to an address that lies inside."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as the system resolves it.

    Raises:
        OSError: where it has none.
    """
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def connect(address: str, port: int) -> socket.socket:
    """Return a TCP connection to an address.

    Raises:
        OSError: where there is none to be had.
    """
    return socket.create_connection((address, port), timeout=TIMEOUT)


@dataclass(frozen=True)
class Network:
    """How sinks are reached."""

    allows_private: bool = False
    """Whether a webhook may lead to an address that is not public."""
    authority: Path | None = None
    """File of certificates to trust in place of the system's."""
    resolver: Resolver = resolve
    connector: Connector = connect

    def addresses(self, host: str, port: int, *, public: bool) -> list[str]:
        """Return the addresses of a host; where `public` is asked for, every one of them must be.

        Raises:
            NotPublicError: where one is not.
            OSError: where it has none.
        """
        found = self.resolver(host, port)
        if public and not self.allows_private and not all(map(is_public, found)):
            raise NotPublicError
        if not found:
            raise socket.gaierror
        return found[:_ADDRESSES]

    def connected(self, host: str, port: int, *, public: bool) -> socket.socket:
        """Return a connection to the first address of a host that takes one.

        Raises:
            OSError: where none does.
        """
        attempts = [partial(self.connector, one, port) for one in self.addresses(host, port, public=public)]
        for attempt in attempts[:-1]:
            try:
                return attempt()
            except OSError:
                continue
        return attempts[-1]()

    def secured(self, connection: socket.socket, host: str) -> ssl.SSLSocket:
        """Return a connection under TLS 1.2 or later to the holder of a certificate for `host`.

        Raises:
            OSError: where there is no such certificate. The connection is closed then.
        """
        try:
            return self._context().wrap_socket(connection, server_hostname=host)
        except (OSError, ValueError):
            connection.close()
            raise

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority) if self.authority else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def checked(self) -> "Network":
        """Return this, its certificates looked at.

        Raises:
            InvalidConfigError: where the file of certificates cannot be used.
        """
        try:
            self._context()
        except (OSError, ValueError) as error:
            raise InvalidConfigError(
                f"{self.authority} is no file of certificates", hint="PEM is expected, one certificate or more"
            ) from error
        return self
