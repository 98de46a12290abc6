"""Findings sent to a log collector: syslog or CEF over UDP, TCP or TLS."""

import errno
import socket
import ssl
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from leeway.sinks.cef import Cef
from leeway.sinks.network import TIMEOUT, Network
from leeway.sinks.outlet import SENT, Answer, Parcel, Receipt, failure
from leeway.sinks.syslog import Syslog, syslog_message

_TOGETHER = 500

_PATIENCE = 1.0
"""Seconds in which a collector may say that it does not want what it was sent; otherwise it says nothing."""


@dataclass(frozen=True)
class Collector:
    """Sends one syslog message a finding; over TCP and TLS each behind its length (RFC 6587, RFC 5425).

    Private addresses are where collectors are, and they answer nothing that could be shown, so any is taken. There is
    no acknowledgement: what was sent without an error counts as sent.
    """

    host: str = field(repr=False)
    port: int = field(repr=False)
    way: str
    """`udp`, `tcp` or `tls`."""
    network: Network
    form: str = "syslog"
    """Or `cef`: a CEF line in place of structured data and words."""

    @property
    def label(self) -> str:
        """Form and way."""
        return f"{self.form} {self.way}"

    def batches(self, parcels: Sequence[Parcel]) -> list[Sequence[Parcel]]:
        """Return portions of five hundred."""
        return [parcels[start : start + _TOGETHER] for start in range(0, len(parcels), _TOGETHER)]

    def send(self, parcels: Sequence[Parcel]) -> Receipt:
        """Send one portion over one connection."""
        messages = [self._message(one) for one in parcels]
        try:
            if self.way == "udp":
                self._send_datagrams(messages)
            else:
                self._send_stream(messages)
        except (OSError, ValueError) as error:
            return Receipt(Answer.LATER, failure(error) if isinstance(error, OSError) else "host cannot be reached")
        return SENT

    def _message(self, parcel: Parcel) -> bytes:
        if self.form == "cef":
            return syslog_message(parcel.finding, "-", Cef().line(parcel.finding, parcel.told))
        return Syslog().render((parcel.finding,), parcel.told).removesuffix(b"\n")

    def _send_datagrams(self, messages: Sequence[bytes]) -> None:
        address = self.network.addresses(self.host, self.port, public=False)[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as connection:
            connection.settimeout(TIMEOUT)
            connection.connect((address, self.port))
            for message in messages:
                connection.send(message)

    def _send_stream(self, messages: Sequence[bytes]) -> None:
        connection = self.network.connected(self.host, self.port, public=False)
        secured = self.network.secured(connection, self.host) if self.way == "tls" else connection
        with closing(secured):
            secured.settimeout(TIMEOUT)
            secured.sendall(b"".join(b"%d %b" % (len(one), one) for one in messages))
            _listen(secured)


def _listen(connection: socket.socket) -> None:
    """Wait a moment for a refusal, which comes after the fact: a reset, or an alert of TLS.

    Raises:
        OSError: where one came.
    """
    connection.settimeout(_PATIENCE)
    try:
        if not isinstance(connection, ssl.SSLSocket):
            connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
    except TimeoutError:
        return
    except OSError as error:
        if error.errno == errno.ENOTCONN:  # the reset came first
            raise ConnectionResetError from error
        raise
