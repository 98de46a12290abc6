"""Which event an ECS document is, by its category, type and action: one function a category, one table of them all."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from leeway.destinations import address_of
from leeway.errors import InvalidEventError
from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    FileTouched,
    ModuleLoaded,
    NameResolved,
    ProcessEnded,
    ProcessStarted,
    ToolCalled,
)
from leeway.sources.answers import answered
from leeway.sources.argument_lines import quoted_line
from leeway.sources.ecs_fields import Document
from leeway.sources.lines import flaw
from leeway.sources.records import Fields, Meaning

_OTHER_KINDS: Final = frozenset(
    {"alert", "asset", "enrichment", "metric", "pipeline_error", "signal", "state"},
)
"""Values of event.kind beside `event` (ECS 9.5): judgements and measurements, no acts."""

_OPERATIONS: Final = frozenset(
    {
        "chat",
        "create_agent",
        "embeddings",
        "generate_content",
        "invoke_agent",
        "invoke_workflow",
        "plan",
        "retrieval",
        "text_completion",
    }
)
"""Values of gen_ai.operation.name beside `execute_tool` (OpenTelemetry's conventions): no acts on the world."""

_CATEGORIES: Final = frozenset(
    {
        "api",
        "authentication",
        "configuration",
        "database",
        "email",
        "host",
        "iam",
        "intrusion_detection",
        "malware",
        "package",
        "registry",
        "session",
        "threat",
        "vulnerability",
        "web",
    }
)
"""Values of event.category that nothing is learned from (ECS 9.5)."""

STARTS: Final = frozenset({"start", "exec", "fork", "executed", "process_started", "already_running"})
ENDS: Final = frozenset({"end", "process_stopped"})
INBOUND: Final = frozenset({"ingress", "inbound", "connection_accepted", "udp_flow_inbound"})
LOOKUPS: Final = frozenset({"lookup_requested", "lookup_result", "dns"})
NAME_SERVICE: Final = 53
_PORTLESS: Final = frozenset({"icmp", "ipv6-icmp", "igmp"})

FILE_ACTIONS: Final = (
    ("deleted", frozenset({"deletion", "delete", "deleted"})),
    ("renamed", frozenset({"rename", "renamed", "moved"})),
    ("created", frozenset({"creation", "created"})),
    ("modified", frozenset({"change", "modification", "overwrite", "updated"})),
    ("read", frozenset({"access", "open"})),
)
"""Action to the types and actions that mean it; the first that fits counts."""


def event_of(document: Document) -> AnyEvent | str:
    """Return the event that a document is, or why nothing is learned from it.

    Raises:
        InvalidEventError: where something needed is missing or unreadable; the message names the field.
        msgspec.ValidationError: where a value is out of an event's bounds.
    """
    found = _told(document)
    if isinstance(found, str):
        return found
    kind, fields = found
    time = document.time("@timestamp")
    if time is None:
        raise InvalidEventError("no @timestamp")
    shared = {"time": time, "id": document.text("event.id") or "", "host": _host(document), "user": _user(document)}
    return msgspec.convert({**shared, **fields}, kind)


def _told(document: Document) -> Meaning:
    kinds = document.words("event.kind")
    if kinds and "event" not in kinds:
        return f"not used: event.kind {_known(kinds, _OTHER_KINDS)}"
    operations = document.words("gen_ai.operation.name")
    if operations:
        return _called(document) if "execute_tool" in operations else f"not used: {_known(operations, _OPERATIONS)}"
    categories = document.words("event.category")
    for category, act in _ACTS.items():
        if category in categories:
            # A connection counts once it is attempted, as with every other sensor; any other failed act did not happen.
            if act is not _spoke and "failure" in document.words("event.outcome"):
                return "not used: the act failed"
            return act(document, document.words("event.type"), document.words("event.action"))
    return f"not used: category {_known(categories, _CATEGORIES)}"


def _known(words: frozenset[str], among: frozenset[str]) -> str:
    """Return the word of a closed set, so that what is counted by reason stays few."""
    return next(iter(sorted(words & among)), "unknown" if words else "none")


def _host(document: Document) -> str:
    name = document.text("host.name") or document.text("host.hostname")
    if name is None and isinstance(document.value("host"), str):
        name = document.text("host")
    return (name or "").casefold()


def _user(document: Document) -> str | None:
    name, domain = document.text("user.name"), document.text("user.domain")
    if name is None:
        return document.text("user.id")
    return f"{domain}\\{name}" if domain else name


def _process(document: Document, of: str = "process") -> Fields:
    return {
        "image": document.text(f"{of}.executable") or document.text(f"{of}.name") or "",
        "pid": document.number(f"{of}.pid"),
        "uid": document.text(f"{of}.entity_id"),
        "started": document.time(f"{of}.start"),
        "command_line": _command_line(document, of),
        "sha1": document.text(f"{of}.hash.sha1"),
    }


def _command_line(document: Document, of: str) -> str | None:
    line = document.text(f"{of}.command_line")
    arguments = document.value(f"{of}.args")
    if line is None and isinstance(arguments, list):
        return quoted_line(each for each in arguments if isinstance(each, str)) or None
    return line


def _named(fields: Fields) -> bool:
    return any(fields[name] not in (None, "") for name in ("image", "pid", "uid"))


def _acting(document: Document) -> Fields | None:
    """Return the process that acted, None where the document names none."""
    process = _process(document)
    return process if _named(process) else None


def _signer(document: Document, of: str) -> str | None:
    """Return who signed, where the signature is trusted and nothing says that it does not hold."""
    flags = [str(document.value(f"{of}.code_signature.{flag}")).casefold() for flag in ("trusted", "valid")]
    return document.text(f"{of}.code_signature.subject_name") if flags in (["true", "true"], ["true", "none"]) else None


def _ran(document: Document, types: frozenset[str], actions: frozenset[str]) -> Meaning:
    starts, ends = (types | actions) & STARTS, (types | actions) & ENDS
    if not (starts or ends):
        return "not used: neither a start nor an end of a process"
    process = _process(document)
    if not process["image"]:
        raise InvalidEventError("no process.executable")
    if not starts:
        return ProcessEnded, {"process": process}
    parent = _process(document, "process.parent")
    return ProcessStarted, {
        "process": process,
        "parent": parent if _named(parent) else None,
        "digest": document.text("process.hash.sha256"),
        "signer": _signer(document, "process"),
        "unit": document.text("container.name"),
    }


def _loaded(document: Document, types: frozenset[str], actions: frozenset[str]) -> Meaning:
    if not (types | actions) & {"start", "load"}:
        return "not used: no load of a library"
    process = _acting(document)
    if process is None:
        return "not used: no process"
    path = document.text("dll.path") or document.text("dll.name") or document.needed("file.path")
    return ModuleLoaded, {
        "process": process,
        "path": path,
        "digest": document.text("dll.hash.sha256"),
        "sha1": document.text("dll.hash.sha1"),
        "signer": _signer(document, "dll"),
    }


def _spoke(document: Document, types: frozenset[str], actions: frozenset[str]) -> Meaning:
    process = _acting(document)
    if process is None:
        return "not used: no process"
    if _asks(document, actions):
        resolved = document.value("dns.resolved_ip")
        return NameResolved, {
            "process": process,
            "name": document.needed("dns.question.name"),
            "addresses": answered(resolved if isinstance(resolved, list) else [resolved]),
        }
    if "denied" in types:
        return "not used: a connection denied"
    outbound = not (document.words("network.direction") | actions) & INBOUND
    sent, received = ("source", "destination") if outbound else ("destination", "source")
    bytes_out, bytes_in = document.number(f"{sent}.bytes"), document.number(f"{received}.bytes")
    if "end" in types and "start" not in types and bytes_out is None and bytes_in is None:
        return "not used: the end of a connection, without bytes"
    remote = _remote(document, "destination" if outbound else "source")
    shape = {"port": _port(document), "protocol": _transport(document), "outbound": outbound}
    return ConnectionOpened, {"process": process, **remote, **shape, "bytes_out": bytes_out, "bytes_in": bytes_in}


def _asks(document: Document, actions: frozenset[str]) -> bool:
    """Say whether the document tells of a name's resolution, and not of a connection made by it."""
    if document.text("dns.question.name") is None:
        return False
    port = document.number("destination.port")
    asks = bool(actions & LOOKUPS) or "dns" in document.words("network.protocol")
    return asks or port is None or port == NAME_SERVICE


def _remote(document: Document, side: str) -> Fields:
    address = document.text(f"{side}.ip") or document.text(f"{side}.address")
    name = document.text(f"{side}.domain") or address
    if name is None:
        raise InvalidEventError(f"no {side}.ip")
    spelt = address_of(address) if address else None
    known = str(spelt) if spelt is not None else None
    return {"destination": known if name == address and known else name, "address": known}


def _port(document: Document) -> int:
    port = document.number("destination.port")
    if port is not None:
        return port
    if _transport(document) in _PORTLESS:
        return 0
    raise InvalidEventError("no destination.port")


def _transport(document: Document) -> str:
    return (document.text("network.transport") or "tcp").casefold()


def _touched(document: Document, types: frozenset[str], actions: frozenset[str]) -> Meaning:
    process = _acting(document)
    if process is None:
        return "not used: no process"
    for action, words in FILE_ACTIONS:
        # A rename is a change by its type; only its action tells.
        if words & (types | actions) and "denied" not in types:
            return FileTouched, {"process": process, "path": document.needed("file.path"), "action": action}
    return "not used: nothing done to a file"


def _called(document: Document) -> Meaning:
    uid = document.text("gen_ai.agent.id") or document.text("gen_ai.agent.name")
    if uid is None:
        raise InvalidEventError("no gen_ai.agent.id")
    duration = document.number("event.duration")
    return ToolCalled, {
        "agent": {
            "uid": uid,
            "instance_uid": document.text("gen_ai.conversation.id") or "",
            "name": document.text("gen_ai.agent.name") or "",
        },
        "tool": document.needed("gen_ai.tool.name"),
        "arguments": _arguments(document.value("gen_ai.tool.call.arguments")),
        # ECS counts nanoseconds.
        "duration_us": duration // 1_000 if duration is not None else None,
    }


def _arguments(given: object) -> dict[str, str]:
    """Return the arguments of a call: an object, or the JSON text of one; any other text is one argument."""
    if isinstance(given, str):
        given = _decoded(given)
    if not isinstance(given, dict):
        return {}
    return {key: each if isinstance(each, str) else msgspec.json.encode(each).decode() for key, each in given.items()}


def _decoded(given: str) -> object:
    with suppress(msgspec.MsgspecError):
        # The text was one string to whoever looked at the line: only here is it seen how deep it nests.
        decoded = None if flaw(given.encode()) else msgspec.json.decode(given)
        if isinstance(decoded, dict):
            return decoded
    return {"arguments": given}


_ACTS: Final[dict[str, Callable[[Document, frozenset[str], frozenset[str]], Meaning]]] = {
    "process": _ran,
    "library": _loaded,
    "driver": _loaded,
    "network": _spoke,
    "file": _touched,
}
"""Category to what its documents tell; of several the first counts. To add one: its function, its line, its test."""
