"""One agent's model in one file: no code in it, checked before it is used, readable by its owner only."""

import os
import struct
import sys
import zlib
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from leeway.errors import NotFoundError, StateError
from leeway.forest import Manifest, from_bytes, to_bytes
from leeway.library.calls import CallModel
from leeway.library.calls import from_json as calls_from_json
from leeway.library.calls import to_json as calls_to_json
from leeway.library.detection.amounts import Usual
from leeway.library.detection.features import FEATURES
from leeway.library.detection.hours import Hours
from leeway.library.detection.members import ASPECTS, Members
from leeway.library.detection.model import AgentModel, Isolation
from leeway.library.detection.ranking import MOST_ROWS, Ranking, Scale
from leeway.library.feedback import Feedback
from leeway.storage.files import write_whole

SCHEMA: Final = "leeway-agent/1"

MAGIC: Final = b"LEEWAY\x01\n"
_LARGEST_FILE: Final = 64 << 20
_LARGEST_TEXT: Final = 64 << 20
_DIGEST: Final = 32
_SLOTS: Final = 192
_HEAD: Final = struct.Struct("<III")

_DAMAGED: Final = "train the agent again, or restore the file from a backup"


class _Known(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything but the rows and the forest."""

    schema: str
    agent: str
    """Digest of the agent's id: a file under another agent's name is not its model."""
    zone: str
    events: Annotated[int, Meta(ge=1)]
    chances: Annotated[float, Meta(ge=1)]
    rows: Annotated[int, Meta(ge=1, le=MOST_ROWS)]
    columns: tuple[str, ...]
    members: Members
    scales: dict[str, Scale]
    usual: list[float]
    mute: list[int]
    least: list[tuple[int, float]]
    feedback: Any
    calls: bytes | None = None


@dataclass(frozen=True)
class Kept:
    """What one file holds."""

    model: AgentModel
    zone: str
    feedback: Feedback
    calls: CallModel | None


def agent_digest(agent_id: str) -> str:
    """Return what an agent goes by on disk: 64 hex digits, whatever its id says."""
    return sha256(agent_id.encode("utf-8", "surrogatepass")).hexdigest()


def default_directory() -> Path:
    """Return where models are kept by the conventions of the platform, under the user's own data."""
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "leeway" / "models"


def model_path(directory: Path, agent_id: str) -> Path:
    """Return the path of an agent's model."""
    return directory / f"{agent_digest(agent_id)}.leeway"


def write_model(path: Path, agent_id: str, kept: Kept) -> None:
    """Write a model: the whole file or nothing, 0600.

    Raises:
        StateError: where the disk does not take it.
    """
    write_whole(path, packed(agent_id, kept))


def packed(agent_id: str, kept: Kept) -> bytes:
    """Return the content of a model file."""
    model = kept.model
    columns = model.ranking.columns
    temporal = model.members.temporal
    members = model.members
    if temporal is not None:
        members = msgspec.structs.replace(members, temporal=msgspec.structs.replace(temporal, density=[]))
    known = _Known(
        schema=SCHEMA,
        agent=agent_digest(agent_id),
        zone=kept.zone,
        events=model.events,
        chances=model.chances,
        rows=len(next(iter(columns.values()))),
        columns=tuple(columns),
        members=members,
        scales=model.scales,
        usual=model.isolation.usual,
        mute=model.isolation.mute,
        least=model.isolation.least,
        feedback=kept.feedback.to_json(),
        calls=None if kept.calls is None else calls_to_json(kept.calls),
    )
    text = zlib.compress(msgspec.json.encode(known), 9)
    rows = zlib.compress(b"".join(columns.values()), 9)
    forest = to_bytes(model.isolation.forest, Manifest(features=FEATURES, rows=model.events))
    body = _HEAD.pack(len(text), len(rows), len(forest)) + text + rows + forest
    return MAGIC + sha256(body).digest() + body


def read_model(path: Path, agent_id: str) -> Kept:
    """Return a model from a file that need not be trusted.

    Raises:
        NotFoundError: where there is none.
        StateError: where it is not what `write_model` wrote for this agent.
    """
    return unpacked(_read(path), agent_id)


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        raise NotFoundError(f"there is no saved model at {path}", hint="train the agent and save it first") from None
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror}", hint=_DAMAGED) from error
    if len(content) > _LARGEST_FILE:
        raise StateError(f"{path} is too large for a model", hint=_DAMAGED)
    return content


def unpacked(content: bytes, agent_id: str) -> Kept:
    """Return what `packed` gave.

    Raises:
        StateError: where it is anything else.
    """
    start = len(MAGIC) + _DIGEST
    body = content[start:]
    if not content.startswith(MAGIC) or len(body) < _HEAD.size:
        raise StateError("this is no model of an agent", hint=_DAMAGED)
    if sha256(body).digest() != content[len(MAGIC) : start]:
        raise StateError("the model file is damaged: its digest is another", hint=_DAMAGED)
    sizes = _HEAD.unpack_from(body)
    if len(body) != _HEAD.size + sum(sizes):
        raise StateError("the model file is cut off", hint=_DAMAGED)
    ends = (_HEAD.size, _HEAD.size + sizes[0], _HEAD.size + sizes[0] + sizes[1])
    known = _known(_inflated(body[ends[0] : ends[1]], _LARGEST_TEXT))
    if known.agent != agent_digest(agent_id):
        raise StateError("the model file is of another agent", hint=_DAMAGED)
    rows = _inflated(body[ends[1] : ends[2]], len(known.columns) * known.rows)
    if len(rows) != len(known.columns) * known.rows:
        raise StateError("the model file holds too few rows", hint=_DAMAGED)
    forest, manifest = from_bytes(body[ends[2] :])
    if manifest.features != FEATURES:
        raise StateError("the forest of the model file reads other features", hint=_DAMAGED)
    columns = {name: rows[at * known.rows : (at + 1) * known.rows] for at, name in enumerate(known.columns)}
    isolation = Isolation(forest, known.usual, known.mute, known.least)
    ranking = Ranking(columns)
    model = AgentModel(_restored(known.members), known.scales, ranking, isolation, known.events, known.chances)
    calls = None if known.calls is None else calls_from_json(known.calls)
    return Kept(model, known.zone, Feedback.from_json(known.feedback), calls)


def _inflated(content: bytes, most: int) -> bytes:
    inflating = zlib.decompressobj()
    try:
        found = inflating.decompress(content, most + 1)
    except zlib.error as error:
        raise StateError("the model file is damaged", hint=_DAMAGED) from error
    if len(found) > most or not inflating.eof:
        raise StateError("the model file is larger than it says", hint=_DAMAGED)
    return found


def _known(text: bytes) -> _Known:
    try:
        known = msgspec.json.decode(text, type=_Known)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise StateError(f"the model file cannot be read: {error}", hint=_DAMAGED) from error
    if known.schema != SCHEMA:
        raise StateError(f"the model file is of schema {known.schema[:40]!r}; this version reads {SCHEMA}")
    if not _is_sound(known):
        raise StateError("the model file is out of bounds", hint=_DAMAGED)
    return known


def _is_sound(known: _Known) -> bool:
    features = range(len(FEATURES))
    return (
        set(known.columns) == set(known.scales) <= set(ASPECTS)
        and len(known.columns) == len(known.scales) >= 1
        and "event_type" in known.scales
        and all(map(_is_scale, known.scales.values()))
        and len(known.usual) == len(FEATURES)
        and all(map(isfinite, known.usual))
        and all(at in features for at in (*known.mute, *(one for one, _ in known.least)))
        and _are_members(known.members)
    )


def _is_scale(scale: Scale) -> bool:
    departures, surprises = scale.departures, scale.surprises
    return (
        1 <= len(departures) == len(surprises) <= MOST_ROWS
        and all(map(isfinite, (*departures, *surprises, scale.beyond)))
        and all(one < other for one, other in pairwise(departures))
        and scale.beyond > 0
    )


def _are_members(members: Members) -> bool:
    frequencies = [members.event_type, members.tool, members.destination]
    frequencies += [members.sequence.actions] if members.sequence is not None else []
    amounts = [one for one in (members.duration, members.resource) if one is not None]
    usual = [one for each in amounts for one in (each.overall, *each.usual.values())]
    usual += [one.usual for one in (members.interval, members.rate) if one is not None]
    nested = [] if members.sequence is None else [*members.sequence.pairs.values(), *members.sequence.triples.values()]
    return (
        all(one is None or (one.total > 0 and 0 < one.new <= 1 and min(one.counts.values(), default=0) >= 0)
            for one in frequencies)
        and all(isfinite(one.offset) and one.offset > 0 for one in amounts)
        and all(map(_is_usual, usual))
        and (members.success is None or _are_outcomes([members.success.totals, *members.success.counts.values()]))
        and (members.failures is None or 0 < members.failures.share < 1)
        and (members.temporal is None or (len(members.temporal.counts) == _SLOTS and min(members.temporal.counts) >= 0
             and members.temporal.days >= 1))
        and all(after.get("", -1) >= max(after.values()) and min(after.values()) >= 0 for after in nested)
    )  # fmt: skip


def _are_outcomes(counts: list[list[int]]) -> bool:
    return all(len(one) == 2 and min(one) >= 0 for one in counts)  # noqa: PLR2004  # failures and successes


def _is_usual(usual: Usual) -> bool:
    return all(map(isfinite, (usual.middle, usual.below, usual.above))) and min(usual.below, usual.above) > 0


def _restored(members: Members) -> Members:
    if members.temporal is None:
        return members
    hours = Hours.restored(members.temporal.counts, members.temporal.days, is_split=members.temporal.is_split)
    return msgspec.structs.replace(members, temporal=hours)
