"""What an agent did once, as the library reads it: from a mapping as people write it, or from a typed event."""

import math
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import force_setattr

from leeway.errors import InvalidEventError
from leeway.events import ConnectionOpened, Event, NameResolved, ToolCalled

MOST_TEXT: Final = 1 << 20
"""Characters of a request, of a name or of one argument that are read; what is longer is a flaw."""

MOST_ARGUMENTS: Final = 256
MOST_NAME: Final = 1024
_LARGEST: Final = 1e18

_TIMELESS: Final = "an event has no time and no place in a sequence"
_NAIVE: Final = "the time of an event has no zone"
_NAIVE_HINT: Final = (
    'give it one, or say whose time it is: AnomalyDetector(assume_zone="UTC"), BaselineLearner(assume_zone="UTC")'
)
_NUMBER_HINT: Final = "of seconds since 1970 make one: datetime.fromtimestamp(seconds, UTC)"
_OUT_OF_RANGE: Final = "the timestamp of an event is out of range"
_AMOUNTS: Final = ("resource_count", "duration_ms")


class SecurityEvent(Struct, frozen=True, kw_only=True):
    """One act of an agent. What is None was not said, and is not judged; an amount that is none becomes a flaw.

    Raises:
        InvalidEventError: where its time has no zone, or it has neither a time nor a place in a sequence.
    """

    event_type: str
    timestamp: datetime | None = None
    """When, in UTC; given with any zone. None where only the order is known."""
    sequence: int | None = None
    """Its place in the order of events, where there is no time."""
    resource_count: float | None = None
    duration_ms: float | None = None
    success: bool | None = None
    tool: str | None = None
    arguments: Mapping[str, object] | None = None
    request: str | None = None
    """What the user asked for, by which an argument is explained. Never what a tool answered."""
    session_id: str | None = None
    destination: str | None = None
    flaws: tuple[str, ...] = ()
    """Fields that were given and cannot be read; they are visible in every result, and never taken for normal."""

    def __post_init__(self) -> None:
        if self.timestamp is None:
            if self.sequence is None:
                raise InvalidEventError(_TIMELESS, hint="give it a 'timestamp' with a zone, or a 'sequence' number")
        elif self.timestamp.tzinfo is not UTC:
            force_setattr(self, "timestamp", _in_utc(self.timestamp))
        for name in _AMOUNTS:
            given = getattr(self, name)
            if given is not None and not 0 <= given <= _LARGEST:  # NaN is not, either
                force_setattr(self, name, None)
                force_setattr(self, "flaws", (*self.flaws, name))


def check_agent(agent_id: object) -> None:
    """Refuse what cannot name an agent.

    Raises:
        InvalidEventError: where it is not text.
    """
    if not isinstance(agent_id, str):
        raise InvalidEventError(f"an agent goes by a text, not by a {type(agent_id).__name__}", hint="str(agent_id)")


def read_event(event: object, *, assume_zone: tzinfo | None = None) -> SecurityEvent:
    """Return what a mapping or a typed event says.

    Args:
        event: a mapping with `timestamp` (a datetime, or ISO 8601 text) or `sequence`, and `event_type`; optionally
            `resource_count`, `duration_ms`, `success`, `tool`, `arguments`, `request`, `session_id`, `destination`.
            Or an event of `leeway.events`, or a `SecurityEvent`.
        assume_zone: whose time a time without a zone is; None to refuse it.

    Raises:
        InvalidEventError: where `timestamp` or `event_type` is missing or none, or the time has no zone.
    """
    if isinstance(event, SecurityEvent):
        return event
    if isinstance(event, Event):
        return _of_typed(event)
    if not isinstance(event, Mapping):
        raise InvalidEventError(f"an event is a mapping or a typed event, not {type(event).__name__}")
    kind = event.get("event_type")
    if not isinstance(kind, str) or not kind or len(kind) > MOST_NAME:
        raise InvalidEventError(
            "an event has no event_type", hint="say what was done, as in {'event_type': 'api_call'}"
        )
    flaws: list[str] = []
    return SecurityEvent(
        event_type=kind,
        timestamp=_time(event.get("timestamp"), assume_zone),
        sequence=_whole(event, "sequence", flaws),
        resource_count=_amount(event, "resource_count", flaws),
        duration_ms=_amount(event, "duration_ms", flaws),
        success=_truth(event, "success", flaws),
        tool=_text(event, "tool", flaws, MOST_NAME),
        arguments=_arguments(event, flaws),
        request=_text(event, "request", flaws, MOST_TEXT),
        session_id=_text(event, "session_id", flaws, MOST_NAME),
        destination=_text(event, "destination", flaws, MOST_NAME),
        flaws=tuple(flaws),
    )


def _of_typed(event: Event) -> SecurityEvent:
    kind = str(type(event).__struct_config__.tag)
    if isinstance(event, ToolCalled):
        return SecurityEvent(
            event_type=kind,
            timestamp=event.time,
            duration_ms=None if event.duration_us is None else event.duration_us / 1000,
            tool=event.tool,
            arguments=event.arguments,
            session_id=(event.agent.instance_uid if event.agent else "") or None,
        )
    destination = None
    if isinstance(event, ConnectionOpened):
        destination = event.destination
    elif isinstance(event, NameResolved):
        destination = event.name
    return SecurityEvent(event_type=kind, timestamp=event.time, destination=destination)


def _time(given: object, assume_zone: tzinfo | None) -> datetime | None:
    if given is None:
        return None
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given)
        except ValueError:
            raise InvalidEventError("the timestamp of an event is no ISO 8601 time") from None
    if not isinstance(given, datetime):
        raise InvalidEventError(f"a timestamp is a {type(given).__name__}, not a time with a zone", hint=_NUMBER_HINT)
    if given.tzinfo is None:
        if assume_zone is None:
            raise InvalidEventError(_NAIVE, hint=_NAIVE_HINT)
        given = given.replace(tzinfo=assume_zone)
    return given


def _in_utc(time: datetime) -> datetime:
    """Return a time in UTC."""
    if time.tzinfo is None:
        raise InvalidEventError(_NAIVE, hint=_NAIVE_HINT)
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise InvalidEventError(_OUT_OF_RANGE) from None


def _plain(given: Any) -> Any:  # noqa: ANN401  # whatever was given
    """Return Python's own number for one of numpy's, as a table gives it."""
    if type(given) in {int, float, bool}:
        return given
    numpy = sys.modules.get("numpy")  # where it is not loaded, nothing is of it
    return given.item() if numpy is not None and isinstance(given, numpy.generic) else given


def _whole(event: Mapping[Any, Any], name: str, flaws: list[str]) -> int | None:
    given = event.get(name)
    if given is None:
        return None
    given = _plain(given)
    if type(given) is int and abs(given) < _LARGEST:
        return given
    flaws.append(name)
    return None


def _amount(event: Mapping[Any, Any], name: str, flaws: list[str]) -> float | None:
    """Return a number from 0 on; anything else that was given is a flaw."""
    given = event.get(name)
    if given is None:
        return None
    given = _plain(given)
    if type(given) in {int, float} and 0 <= given <= _LARGEST and not math.isnan(given):
        return float(given)
    flaws.append(name)
    return None


def _truth(event: Mapping[Any, Any], name: str, flaws: list[str]) -> bool | None:
    given = event.get(name)
    if given is None:
        return None
    given = _plain(given)
    if type(given) in {bool, int} and given in {0, 1}:
        return bool(given)
    flaws.append(name)
    return None


def _text(event: Mapping[Any, Any], name: str, flaws: list[str], most: int) -> str | None:
    given = event.get(name)
    if given is None or (isinstance(given, str) and len(given) <= most):
        return given or None
    flaws.append(name)
    return None


def _arguments(event: Mapping[Any, Any], flaws: list[str]) -> Mapping[str, object] | None:
    given = event.get("arguments")
    if given is None:
        return None
    if isinstance(given, Mapping) and len(given) <= MOST_ARGUMENTS and all(isinstance(name, str) for name in given):
        return given
    flaws.append("arguments")
    return None
