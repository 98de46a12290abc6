"""ECS documents as nested objects of known fields, decoded without a dictionary; any other document is refused.

What is decoded here means exactly what `Document` would read: a document with a field in another spelling (a dotted
key, a number as text, a list of one value), or out of an event's bounds, does not fit and is read by name instead.
"""

from collections.abc import Sequence
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
    "args": msgspec.Raw,
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
    "host.name": _Name,
    "host.hostname": _Name,
    "user.name": _Name,
    "user.domain": _Name,
    "user.id": _Name,
    "event.id": _Identifier,
    "event.kind": _Words,
    "event.category": _Words,
    "event.type": _Words,
    "event.action": _Words,
    "event.outcome": _Words,
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
    **{f"destination.{name}": sort for name, sort in _END.items()},
    "destination.port": Annotated[int, Meta(ge=0, le=65_535)] | None,
    **{f"source.{name}": sort for name, sort in _END.items()},
    "network.direction": _Words,
    "network.transport": Annotated[str, Meta(max_length=256)] | None,
    "network.protocol": _Words,
}
"""Every field that `ecs_acts` asks for, with what it may be here; in the order in which documents have them.

A key is looked for from behind the last one on, so that the order is worth a tenth of the time. Arguments are not taken
apart: they count only where there is no command line, and then the document is read by name.
"""

_OTHERS: Final = (
    *("agent", "data_stream", "ecs", "elastic", "message", "group", "@version", "auditd", "client", "cloud", "error"),
    *("fields", "input", "labels", "log", "observer", "related", "rule", "server", "service", "system", "tags", "type"),
    *("Effective_process", "Endpoint", "Events", "Responses", "Target", "elastic_agent", "registry", "threat", "url"),
)
"""What else documents hold at their top, and nobody asks for."""


_ATTRIBUTES: Final = {"@timestamp": "timestamp", "_source": "hit"}
"""Fields that no attribute can be called after."""


def _layout(name: str, fields: dict[str, object], others: Sequence[str] = ()) -> Any:  # noqa: ANN401  # made here
    """Return the type of an object with these fields, those with a dot within objects of their own.

    Each is also there under its dotted names, as one that no document may have: there it would count as well. Where the
    `others` that it may have beside them are given, it may have no more than these, dotted or not.
    """
    inner: dict[str, dict[str, object]] = {}
    members: list[tuple[str, Any, Any]] = []
    for field, sort in fields.items():
        head, dot, rest = field.partition(".")
        if dot and sort is not _Never:
            if head not in inner:
                members.append((head, None, _optional(head)))
            inner.setdefault(head, {})[rest] = sort
        elif not dot:
            is_needed = field == "@timestamp"
            members.append((head, sort, msgspec.field(name=head) if is_needed else _optional(head)))
    members = [
        (head, _layout(head, inner[head]) | None if head in inner else sort, told) for head, sort, told in members
    ]
    for number, other in enumerate(others):
        members.append((f"other{number}", msgspec.Raw, _optional(other)))
    for number, dotted in enumerate(() if others else sorted(_dotted(fields))):
        members.append((f"dotted{number}", _Never, _optional(dotted)))
    named = [(_ATTRIBUTES.get(field, field), sort, told) for field, sort, told in members]
    return msgspec.defstruct(name, named, gc=False, kw_only=True, forbid_unknown_fields=bool(others))


def _optional(name: str) -> Any:  # noqa: ANN401  # a field's description
    return msgspec.field(name=name, default=None)


def _dotted(fields: dict[str, object]) -> set[str]:
    """Return the dotted names under which a document may hold one of the fields, or an object with it."""
    parts = [field.split(".") for field in fields]
    return {".".join(part[:length]) for part in parts for length in range(2, len(part) + 1)}


DECODER: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(_layout("EcsDocument", _FIELDS, _OTHERS))
"""To the decoded form: `document.process.parent.pid`; what is not there is None.

Refuses what it does not know at the top: to compare each such key with a hundred dotted names takes long.
"""

LOOSE: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(_layout("LooseEcsDocument", _FIELDS))
"""The same for documents that hold anything else at their top."""
