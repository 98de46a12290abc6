"""What an outlet is: a place that takes findings, and how it says that it did."""

import socket
import ssl
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from leeway.findings import Finding
from leeway.sinks.sink import Told


class Parcel(NamedTuple):
    """One finding on its way, with what is told of it."""

    finding: Finding
    told: Told


class Answer(StrEnum):
    """What came of sending."""

    SENT = "sent"
    LATER = "later"
    """Not taken now: to be tried again."""
    REFUSED = "refused"
    """Never to be taken: trying again would not help."""
    SPLIT = "split"
    """Not taken together; one by one they may be. Of a single parcel it means that it is refused."""


class Receipt(NamedTuple):
    """The answer of an outlet to what it was sent, all of it together."""

    answer: Answer
    reason: str = ""
    """In our own words: neither the place's answer nor its address."""
    wait: timedelta = timedelta(0)
    """How long the place asks to be left alone."""


class Outlet(Protocol):
    """A place that takes findings."""

    @property
    def label(self) -> str:
        """Form and way, without the address, which may hold a secret."""
        ...

    def batches(self, parcels: Sequence[Parcel]) -> list[Sequence[Parcel]]:
        """Return the parcels in portions that can be sent together, in their order."""
        ...

    def send(self, parcels: Sequence[Parcel]) -> Receipt:
        """Send one portion; it is taken whole or not at all, but for a connection lost halfway."""
        ...


SENT = Receipt(Answer.SENT)

_WORDS: tuple[tuple[type[OSError], str], ...] = (
    (ssl.SSLCertVerificationError, "certificate not trusted"),
    (ssl.SSLError, "no TLS connection"),
    (socket.gaierror, "name not resolved"),
    (ConnectionRefusedError, "connection refused"),
    (TimeoutError, "timed out"),
    (ConnectionError, "connection lost"),
    (PermissionError, "not permitted"),
    (FileNotFoundError, "no such folder"),
    (IsADirectoryError, "is a folder"),
)


def failure(error: OSError) -> str:
    """Return why a connection failed, in our own words: an error's own text may name the place."""
    for kinds, words in _WORDS:
        if isinstance(error, kinds):
            return words
    return "connection failed"
