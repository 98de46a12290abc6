"""ECS documents as nested objects of known fields, decoded without a dictionary; any other document is refused.

What is decoded here means exactly what `Document` would read: a document with a field in another spelling (a dotted
key, a number as text, a list of one value), or out of an event's bounds, does not fit and is read by name instead.
"""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

_Never = Annotated[int, Meta(ge=1, le=0)]
"""No value is one: a document that has such a field does not fit."""

_Name = Annotated[str, Meta(max_length=1_024)] | None
_Identifier = Annotated[str, Meta(max_length=256)] | None
_Path = Annotated[str, Meta(max_length=32_768)] | None
_Line = Annotated[str, Meta(max_length=1_048_576)] | None
_Digest = Annotated[str, Meta(max_length=128)] | None
_Count = Annotated[int, Meta(ge=0, le=10**18)] | None
_Time = Annotated[datetime, Meta(tz=True)] | None
_Words = str | tuple[str, ...] | None
_Flag = bool | None

_PROCESS: Final[dict[str, object]] = {
    "executable": _Path,
    "name": _Path,
    "pid": _Count,
    "entity_id": _Identifier,
    "start": _Time,
    "command_line": _Line,
    "args": list[object] | None,
    "hash.sha1": _Digest,
}

_SIGNATURE: Final[dict[str, object]] = {
    "code_signature.trusted": _Flag,
    "code_signature.valid": _Flag,
    "code_signature.subject_name": _Name,
}

_END: Final[dict[str, object]] = {"ip": _Identifier, "address": _Name, "domain": _Name, "bytes": _Count}

_FIELDS: Final[dict[str, object]] = {
    "@timestamp": Annotated[datetime, Meta(tz=True)],
    "_source": _Never,
    "gen_ai": _Never,
    "gen_ai.operation": _Never,
    "gen_ai.operation.name": _Never,
    "event.id": _Identifier,
    "event.kind": _Words,
    "event.category": _Words,
    "event.type": _Words,
    "event.action": _Words,
    "event.outcome": _Words,
    "host.name": _Name,
    "host.hostname": _Name,
    "user.name": _Name,
    "user.domain": _Name,
    "user.id": _Name,
    **{f"process.{name}": sort for name, sort in _PROCESS.items()},
    **{f"process.parent.{name}": sort for name, sort in _PROCESS.items()},
    "process.hash.sha256": _Digest,
    **{f"process.{name}": sort for name, sort in _SIGNATURE.items()},
    "container.name": _Name,
    "dll.path": _Path,
    "dll.name": _Path,
    "dll.hash.sha1": _Digest,
    "dll.hash.sha256": _Digest,
    **{f"dll.{name}": sort for name, sort in _SIGNATURE.items()},
    "file.path": _Path,
    "dns.question.name": _Name,
    "dns.resolved_ip": _Words,
    "network.direction": _Words,
    "network.transport": Annotated[str, Meta(max_length=256)] | None,
    "network.protocol": _Words,
    **{f"source.{name}": sort for name, sort in _END.items()},
    **{f"destination.{name}": sort for name, sort in _END.items()},
    "destination.port": Annotated[int, Meta(ge=0, le=65_535)] | None,
}
"""Every field that `ecs_acts` asks for, with what it may be here."""


_ATTRIBUTES: Final = {"@timestamp": "timestamp", "_source": "hit"}
"""Fields that no attribute can be called after."""


def _layout(name: str, fields: dict[str, object]) -> Any:  # noqa: ANN401  # a type that is made here
    """Return the type of an object with these fields, those with a dot within objects of their own.

    Each is also there under its dotted names, as one that no document may have: there it would count as well.
    """
    inner: dict[str, dict[str, object]] = {}
    members: list[tuple[str, Any, Any]] = []
    for field, sort in fields.items():
        head, dot, rest = field.partition(".")
        if dot and sort is not _Never:
            inner.setdefault(head, {})[rest] = sort
        elif not dot:
            is_needed = field == "@timestamp"
            members.append((head, sort, msgspec.field(name=head) if is_needed else _optional(head)))
    for head, parts in inner.items():
        members.append((head, _layout(head, parts) | None, _optional(head)))
    for number, dotted in enumerate(sorted(_dotted(fields))):
        members.append((f"dotted{number}", _Never, _optional(dotted)))
    named = [(_ATTRIBUTES.get(field, field), sort, told) for field, sort, told in members]
    return msgspec.defstruct(name, named, gc=False, kw_only=True)


def _optional(name: str) -> Any:  # noqa: ANN401  # a field's description
    return msgspec.field(name=name, default=None)


def _dotted(fields: dict[str, object]) -> set[str]:
    """Return the dotted names under which a document may hold one of the fields, or an object with it."""
    parts = [field.split(".") for field in fields]
    return {".".join(part[:length]) for part in parts for length in range(2, len(part) + 1)}


LAYOUT: Final = _layout("EcsDocument", _FIELDS)
"""The decoded form: `document.process.parent.pid`; what is not there is None."""

DECODER: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(LAYOUT)
