"""Ids, order and codecs of events."""

from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from leeway.errors import InvalidEventError
from leeway.events.acts import AnyEvent, Event

_CANONICAL = msgspec.json.Encoder(order="deterministic")
_STORED = msgspec.msgpack.Encoder()
_READER: msgspec.msgpack.Decoder[AnyEvent] = msgspec.msgpack.Decoder(AnyEvent)


class EventRef(NamedTuple):
    """Where an event stands in the order of time: (time, id)."""

    time: datetime
    id: str


def event_id(event: Event) -> str:
    """Return the digest of the canonical record: BLAKE2b-128 of its deterministic JSON without the id."""
    return blake2b(_CANONICAL.encode(replace(event, id="")), digest_size=16).hexdigest()


_Act = TypeVar("_Act", bound=Event)


def identified(event: _Act) -> _Act:
    """Return the event with its id: the sensor's own, else the digest."""
    return event if event.id else replace(event, id=event_id(event))


def order(event: Event) -> EventRef:
    """Return the key by which events are ordered: time, then id."""
    return EventRef(event.time, event.id)


def encode(event: AnyEvent) -> bytes:
    """Return the stored form of an event (MessagePack)."""
    return _STORED.encode(event)


def decode(body: bytes) -> AnyEvent:
    """Return the event that `encode` stored.

    Raises:
        InvalidEventError: where the bytes are no event.
    """
    try:
        return _READER.decode(body)
    except msgspec.MsgspecError as error:
        raise InvalidEventError(f"not an event: {error}") from error


def json_schema() -> dict[str, object]:
    """Return the JSON Schema (2020-12) of one line of Leeway's own JSON lines."""
    return msgspec.json.schema(AnyEvent)
