"""Which event each of Tetragon's records is, and which process it speaks of: one function a kind of record."""

from collections.abc import Callable
from typing import Final

import msgspec

from leeway.errors import InvalidEventError
from leeway.events import AnyEvent, ConnectionOpened, ModuleLoaded, ProcessEnded, ProcessStarted
from leeway.sources.records import Fields, Meaning
from leeway.sources.tetragon_probes import FUNCTIONS
from leeway.sources.tetragon_rows import ROWS, Act, Row, Running
from leeway.sources.whole_numbers import integer

_UID_LIMIT: Final = 256
"""Characters of an id; of a longer one (its node has a long name) the end is kept, which holds the start and pid."""

_NO_USER: Final = (1 << 32) - 1
"""The uid by which Linux says that there is none."""

_PROBE_PREFIXES: Final = ("__x64_", "__arm64_", "__ia32_")
"""What kernels put before the name of a system call."""


def event_of(line: bytes) -> AnyEvent | str:
    """Return the event that a line is, or why nothing is learned from it.

    Raises:
        InvalidEventError: where something needed is missing; the message names the field.
        msgspec.MsgspecError: where a field is not what it should be.
    """
    row = ROWS.decode(line)
    for kind, told_by in _ACTS.items():
        act: Act | None = getattr(row, kind)
        if act is not None:
            told = told_by(act, _actor(act))
            return told if isinstance(told, str) else _event(row, act, *told)
    for kind in _UNUSED:
        if getattr(row, kind) is not None:
            return f"not used: {kind}"
    raise InvalidEventError("none of Tetragon's kinds of event")


def _event(row: Row, act: Act, kind: type[AnyEvent], fields: Fields) -> AnyEvent:
    time = row.time or act.time
    if time is None:
        raise InvalidEventError("no time")
    user = _user(act.process) if act.process else None
    return msgspec.convert({**fields, "time": time, "host": (row.node_name or "").casefold(), "user": user}, kind)


def _actor(act: Act) -> Running:
    if act.process is None or not act.process.binary:
        raise InvalidEventError("no process.binary")
    return act.process


def _forked(process: Running) -> bool:
    """Say whether a process is a copy of its parent that has executed nothing yet."""
    flags = (process.flags or "").split()
    return "clone" in flags and "execve" not in flags and "procFS" not in flags


def _acting(process: Running, act: Act) -> Fields:
    """Return the execution that acted, which for a fork is the one that it is a copy of.

    A fork has an `exec_id` of its own, but no `process_exec` ever tells of it: what it does before it executes
    something, such as opening `/dev/tcp` for a redirection, would be nobody's (cilium/tetragon#4349).
    """
    known = process
    for parent in (act.parent, *(act.ancestors or ())):
        if not _forked(known):
            break
        if parent is not None and parent.exec_id == known.parent_exec_id:
            known = parent
    if _forked(known) and known.parent_exec_id:
        return {"image": known.binary or "", "uid": _uid(known.parent_exec_id), "command_line": _command_line(known)}
    return _execution(known)


def _execution(process: Running) -> Fields:
    return {
        "image": process.binary or "",
        "pid": _pid(process),
        "uid": _uid(process.exec_id),
        "started": process.start_time,
        "command_line": _command_line(process),
    }


def _pid(process: Running) -> int | None:
    pid = integer(process.pid)
    if pid is None and process.pid is not None:
        raise InvalidEventError(f"process.pid is no number: {str(process.pid)[:40]!r}")
    return pid


def _uid(exec_id: str | None) -> str | None:
    return exec_id[-_UID_LIMIT:] if exec_id else None


def _command_line(process: Running) -> str | None:
    return f"{process.binary} {process.arguments or ''}".strip() if process.binary else None


def _user(process: Running) -> str | None:
    if process.user is not None and process.user.name:
        return process.user.name
    uid = integer(process.uid)
    return None if uid is None or uid == _NO_USER else str(uid)


def _unit(process: Running) -> str | None:
    """Return `namespace/workload`, which outlives the pod, else the container's name."""
    pod = process.pod
    if pod is None:
        return None
    if pod.workload:
        return f"{pod.namespace}/{pod.workload}" if pod.namespace else pod.workload
    return (pod.container.name if pod.container else None) or None


def _started(act: Act, process: Running) -> Meaning:
    parent: Fields | None = None
    if act.parent is not None:
        parent = _acting(act.parent, Act(ancestors=act.ancestors))
    elif process.parent_exec_id:
        parent = {"uid": _uid(process.parent_exec_id)}
    return ProcessStarted, {"process": _execution(process), "parent": parent, "unit": _unit(process)}


def _ended(act: Act, process: Running) -> Meaning:
    if _forked(process):
        return "not used: the end of a fork that executed nothing"
    return ProcessEnded, {"process": _acting(process, act)}


def _loaded(act: Act, process: Running) -> Meaning:
    if not act.path:
        raise InvalidEventError("no process_loader.path")
    return ModuleLoaded, {"process": _acting(process, act), "path": act.path}


def _probed(act: Act, process: Running) -> Meaning:
    name = act.function_name or ""
    for prefix in _PROBE_PREFIXES:
        name = name.removeprefix(prefix)
    return _of_function(name, act, process)


def _hooked(act: Act, process: Running) -> Meaning:
    """Return what an LSM hook tells; the kernel function of the same name has `security_` before it."""
    return _of_function(f"security_{act.function_name}", act, process)


def _of_function(name: str, act: Act, process: Running) -> Meaning:
    told_by = FUNCTIONS.get(name)
    if told_by is None:
        return "not used: a probe of another function"
    told = told_by(act, [each for each in act.args or () if each is not None])
    if isinstance(told, str):
        return told
    kind, fields = told
    # A connection counts once it is attempted, as with every other sensor; a file that was refused was not touched.
    if kind is not ConnectionOpened and _refused(act):
        return "not used: the call failed or was refused"
    return kind, {**fields, "process": _acting(process, act)}


def _refused(act: Act) -> bool:
    returned = integer(act.returned.int_arg) if act.returned else None
    return act.action == "KPROBE_ACTION_OVERRIDE" or (returned is not None and returned < 0)


_ACTS: Final[dict[str, Callable[[Act, Running], Meaning]]] = {
    "process_exec": _started,
    "process_exit": _ended,
    "process_kprobe": _probed,
    "process_lsm": _hooked,
    "process_loader": _loaded,
}

_UNUSED: Final = (
    "process_tracepoint",
    "process_uprobe",
    "process_usdt",
    "process_throttle",
    "rate_limit_info",
    "test",
)

KINDS: Final[tuple[str, ...]] = (*_ACTS, "process_tracepoint", "process_uprobe", "process_usdt")
"""Kinds of record that hold a process."""
