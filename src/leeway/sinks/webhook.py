"""Findings posted to a web address: HTTPS only, to public addresses unless told otherwise, without redirects."""

import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import NamedTuple

from leeway import __version__
from leeway.sinks.json_lines import fitted, told_record
from leeway.sinks.network import TIMEOUT, Network, NotPublicError
from leeway.sinks.ocsf import Ocsf
from leeway.sinks.outlet import SENT, Answer, Parcel, Receipt, failure

BODY_BYTES = 1024 * 1024
"""Of one request."""

_TOGETHER = 100
"""Findings in one request."""

_HEAD_BYTES = 16 * 1024
"""Of an answer that are read; the rest is left unread."""

_OK, _REDIRECT, _WRONG, _FAILED = range(200, 300), range(300, 400), range(400, 500), range(500, 600)
_AGAIN = frozenset({408, 429})
"""Timed out, and too many requests: 4xx that pass."""

_OF_A_RECORD = frozenset({400, 413, 422})
"""4xx that one record of several may be the cause of."""

_MOST_WAIT = timedelta(hours=6)


class Address(NamedTuple):
    """Where requests go, checked."""

    host: str
    port: int
    path: str
    """With the query."""


@dataclass(frozen=True)
class Webhook:
    """Posts JSON: `{"findings": [...]}` of our own records, or an array of OCSF Detection Findings."""

    address: Address = field(repr=False)
    network: Network
    token: str = field(default="", repr=False)
    """Sent as `Authorization: Bearer`; empty for none."""
    form: str = "webhook"
    """Or `ocsf`."""

    @property
    def label(self) -> str:
        """Form and way."""
        return f"{self.form} https"

    def batches(self, parcels: Sequence[Parcel]) -> list[Sequence[Parcel]]:
        """Return portions of at most a hundred parcels and 1 MiB of body."""
        portions: list[list[Parcel]] = []
        size = BODY_BYTES
        for parcel in parcels:
            more = len(self._record(parcel)) + 1
            if size + more > BODY_BYTES - 64 or len(portions[-1]) == _TOGETHER:
                portions.append([])
                size = 0
            portions[-1].append(parcel)
            size += more
        return list(portions)

    def send(self, parcels: Sequence[Parcel]) -> Receipt:
        """Post one portion. Of the answer only the status is looked at, and how long to wait."""
        try:
            return _receipt(*self._post(self._body(parcels), _portion_id(parcels)))
        except NotPublicError:
            return Receipt(Answer.LATER, "its name leads to an address that is not public")
        except (OSError, ValueError) as error:
            return Receipt(Answer.LATER, failure(error) if isinstance(error, OSError) else "no HTTP answer")

    def _post(self, body: bytes, delivery: str) -> tuple[int, Mapping[str, str]]:
        connection = self.network.connected(self.address.host, self.address.port, public=True)
        with closing(self.network.secured(connection, self.address.host)) as secured:
            secured.settimeout(TIMEOUT)
            secured.sendall(self._head(len(body), delivery) + body)
            return _answer(secured)

    def _head(self, length: int, delivery: str) -> bytes:
        host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
        lines = [
            f"POST {self.address.path} HTTP/1.1",
            f"Host: {host}" if self.address.port == 443 else f"Host: {host}:{self.address.port}",  # noqa: PLR2004  # HTTPS's port
            f"User-Agent: leeway/{__version__}",
            "Content-Type: application/json",
            f"Content-Length: {length}",
            f"Leeway-Delivery: {delivery}",
            *([f"Authorization: Bearer {self.token}"] if self.token else []),
            "Connection: close",
        ]
        return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("ascii")

    def _body(self, parcels: Sequence[Parcel]) -> bytes:
        records = b",".join(map(self._record, parcels))
        return b"[%b]" % records if self.form == "ocsf" else b'{"findings":[%b]}' % records

    def _record(self, parcel: Parcel) -> bytes:
        if self.form == "ocsf":
            return Ocsf().line(parcel.finding, parcel.told)
        return fitted(told_record(parcel.finding, parcel.told), {"is_truncated": True})


def _portion_id(parcels: Sequence[Parcel]) -> str:
    """Return the id of a portion: the delivery's, or a digest of several; the same when it is tried again."""
    ids = [one.told.delivery for one in parcels]
    return ids[0] if len(ids) == 1 else blake2b(" ".join(ids).encode(), digest_size=16).hexdigest()


def _answer(connection: socket.socket) -> tuple[int, Mapping[str, str]]:
    """Return the status and headers of the final answer; nothing of its body is kept.

    Raises:
        OSError: where none came in time.
        ValueError: where what came is no answer.
    """
    deadline = time.monotonic() + TIMEOUT
    for head in _heads(connection, deadline):
        status, *lines = head.decode("latin-1").split("\r\n")
        found = re.match(r"HTTP/1\.[01] ([1-5][0-9]{2})(?: |$)", status)
        if found is None:
            break
        if int(found[1]) >= _OK.start:
            pairs = (line.partition(":") for line in lines)
            return int(found[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}
    raise ValueError("no HTTP answer")


def _heads(connection: socket.socket, deadline: float) -> Iterator[bytes]:
    """Yield the heads of the answers, 16 KiB of them together at most."""
    read, data = 0, b""
    while read < _HEAD_BYTES:
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        chunk = connection.recv(4_096)
        if not chunk:
            return
        read += len(chunk)
        data += chunk
        while b"\r\n\r\n" in data:
            head, _, data = data.partition(b"\r\n\r\n")
            yield head


def _receipt(status: int, headers: Mapping[str, str]) -> Receipt:
    reason = f"answered {status}"
    if status in _OK:
        return SENT
    if status in _REDIRECT:
        return Receipt(Answer.REFUSED, f"{reason}: redirects are not followed")
    if status in _OF_A_RECORD:
        return Receipt(Answer.SPLIT, reason)
    if status in _WRONG and status not in _AGAIN:
        return Receipt(Answer.REFUSED, reason)
    return Receipt(Answer.LATER, reason, _asked_wait(headers))


def _asked_wait(headers: Mapping[str, str]) -> timedelta:
    """Return what `Retry-After` asks for, in seconds or as a date, at most 6 hours; none where it is unreadable.

    A date is taken against the answer's own `Date`, so that the two clocks need not agree.
    """
    asked = headers.get("retry-after", "")
    if re.fullmatch(r"[0-9]{1,9}", asked):
        return min(timedelta(seconds=int(asked)), _MOST_WAIT)
    try:
        wait = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError, OverflowError):  # a zone of twenty digits is the last one
        return timedelta(0)
    return min(max(wait, timedelta(0)), _MOST_WAIT)
