"""What is to be delivered: a case once, then a count a day; when a failed delivery is tried again.

Pure: the outbox itself is rows of the state, written with the findings they are about.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from leeway.agents import IdKey
from leeway.errors import StateError
from leeway.findings import Disposition, Finding, Severity, Verdict
from leeway.sinks.sink import Activity

TRIES = 20
"""Attempts after which a delivery is dead: kept, counted and shown, and tried again only on demand."""

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=6)
"""Between two attempts."""


class Recipient(NamedTuple):
    """A place that is told of cases, as the state knows it: by a fingerprint, for its address may hold a secret."""

    key: str
    least: Severity = Severity.LOW


class Delivery(Struct, frozen=True, kw_only=True):
    """One finding that a place is to be told of."""

    id: str
    sink: str
    """Key of the recipient."""
    case_id: str
    finding_id: str
    activity: Activity
    severity: int
    day: int
    """Ordinal of the finding's day."""
    attempts: int = 0
    due: datetime | None = None
    """Not to be tried before; None for at once."""
    reason: str = ""
    """Why the last attempt failed."""
    is_dead: bool = False


class Announced(Struct, frozen=True, array_like=True):
    """What a place was told of a case so far."""

    severity: int
    day: int


_ENCODE = msgspec.msgpack.Encoder(order="deterministic").encode
_DELIVERIES = msgspec.msgpack.Decoder(Delivery)
_ANNOUNCED = msgspec.msgpack.Decoder(Announced)


def encode_row(row: Delivery | Announced) -> bytes:
    """Return a row of the outbox, or of what was announced, as it is stored."""
    return _ENCODE(row)


def decode_delivery(body: bytes) -> Delivery:
    """Return a stored delivery.

    Raises:
        StateError: where it is none.
    """
    try:
        return _DELIVERIES.decode(body)
    except msgspec.MsgspecError as error:
        raise StateError(f"a stored delivery cannot be read: {error}", hint="restore the directory") from error


def decode_announced(body: bytes) -> Announced:
    """Return what was stored as announced.

    Raises:
        StateError: where it cannot be read.
    """
    try:
        return _ANNOUNCED.decode(body)
    except msgspec.MsgspecError as error:
        raise StateError(f"a stored announcement cannot be read: {error}", hint="restore the directory") from error


def to_announce(
    findings: Iterable[Finding], recipient: Recipient, verdicts: Mapping[str, Verdict]
) -> Iterator[Finding]:
    """Yield the findings that a place may be told of, earlier days first, the gravest of a day first.

    Not those below its least severity, those that repeat another one's event, and suppressed ones.
    """
    for one in sorted(findings, key=lambda one: (one.day, -one.severity, one.finding_id)):
        verdict = verdicts.get(one.case_id)
        is_suppressed = verdict is not None and verdict.disposition(one.day) is Disposition.SUPPRESSED
        if one.severity >= recipient.least and not one.linked_to and not is_suppressed:
            yield one


def delivery_of(ids: IdKey, recipient: Recipient, one: Finding, known: Announced | None) -> Delivery | None:
    """Return the delivery that a finding calls for after what was announced of its case; None for none.

    A case is new once; then it is told of when it grows graver, and once for each later day that has closed.
    """
    day = one.day.toordinal()
    if known is not None and one.severity <= known.severity and (day <= known.day or not one.is_final):
        return None
    return Delivery(
        id=ids.id_of("delivery", recipient.key, one.finding_id, int(one.severity)),
        sink=recipient.key,
        case_id=one.case_id,
        finding_id=one.finding_id,
        activity=Activity.CREATE if known is None else Activity.UPDATE,
        severity=int(one.severity),
        day=day,
    )


def announced_with(delivery: Delivery, known: Announced | None) -> Announced:
    """Return what a place will have been told of a case with one more delivery."""
    if known is None:
        return Announced(delivery.severity, delivery.day)
    return Announced(max(known.severity, delivery.severity), max(known.day, delivery.day))


def pause(delivery_id: str, attempts: int) -> timedelta:
    """Return how long to wait after so many failed attempts (1 or more): 1 minute, doubled each time, to 6 hours.

    Up to a quarter is added, by the id, so that what failed together does not come back together.
    """
    doubled = SHORTEST * (1 << min(attempts - 1, 10))
    digest = blake2b(f"{delivery_id} {attempts}".encode(), digest_size=4).digest()
    return min(doubled * (1 + int.from_bytes(digest, "big") / 2**34), LONGEST)


def failed(delivery: Delivery, reason: str, now: datetime, wait: timedelta = timedelta(0)) -> Delivery:
    """Return a delivery after a failed attempt: due later, or dead after the twentieth."""
    attempts = delivery.attempts + 1
    due = now + max(pause(delivery.id, attempts), min(wait, LONGEST))
    return replace(delivery, attempts=attempts, due=due, reason=reason, is_dead=attempts >= TRIES)


def refused(delivery: Delivery, reason: str) -> Delivery:
    """Return a delivery that was refused for good."""
    return replace(delivery, attempts=delivery.attempts + 1, reason=reason, is_dead=True)


def revived(delivery: Delivery) -> Delivery:
    """Return a dead delivery as one to be tried at once."""
    return replace(delivery, attempts=0, due=None, is_dead=False)
