"""An output directory: its database, and the rows of every type that lives in it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from leeway.agents import AgentKey, FullNames, IdKey, Instance
from leeway.baselines import Baseline, decode_baseline, encode_baseline
from leeway.config import Settings
from leeway.engines.duckdb.packed_files import INSTANCES, count_values, part_of, read_baselines, read_instances
from leeway.errors import NotFoundError, StateError
from leeway.findings import Finding, Verdict, in_force
from leeway.health import Heard
from leeway.modes.event_tables import EventTables
from leeway.pipeline import Outcome, World
from leeway.pipeline.world import remembered
from leeway.sinks import Delivery, Recipient
from leeway.sinks.outbox import (
    announced_with,
    decode_announced,
    decode_delivery,
    delivery_of,
    encode_row,
    to_announce,
)
from leeway.storage import Database, PackedPart, Row, hold, make_private_directory
from leeway.storage.kept_files import draft_of, drafts, keep, kept, sweep

_ENCODE = msgspec.msgpack.Encoder(order="deterministic").encode
_AGENT_KEYS = msgspec.msgpack.Decoder(AgentKey)
_INSTANCES = msgspec.msgpack.Decoder(Instance)
_SIGNED = msgspec.msgpack.Decoder(tuple[str, str])
_FULL_NAMES = msgspec.msgpack.Decoder(FullNames)
_HEARD = msgspec.msgpack.Decoder(Heard)
_FINDINGS = msgspec.msgpack.Decoder(Finding)
_SETTINGS = msgspec.json.Decoder(Settings)
_VERDICTS = msgspec.msgpack.Decoder(Verdict)

_STATE = "leeway.db"
_EVENTS = "events"
_PACKED = "packed"

_EVER = date.max.toordinal()

_Stored = TypeVar("_Stored")


class Directory:
    """The state under one output directory, in the types of the rooms that own them."""

    def __init__(self, path: Path, ids: IdKey) -> None:
        """Open the state of `path` under an id key.

        Raises:
            StateError: where it cannot be read, or was made under another id key.
        """
        self.path = path
        self.ids = ids
        self.recipients: tuple[Recipient, ...] = ()
        """Who is told of the findings that this run commits."""
        self.database = Database(path / _STATE)
        self.tables = EventTables(path / _EVENTS, self.database)
        self._check_key()

    def _check_key(self) -> None:
        mark = self.ids.id_of("check")
        known = self.database.meta("id_key_check")
        if known is None:
            with self.database.transaction():
                self.database.set_meta("id_key_check", mark)
        elif known != mark:
            self.database.close()
            raise StateError(
                f"{self.path} was made under another id key", hint="give the key it was made with: --id-key FILE"
            )

    @property
    def closed_through(self) -> int | None:
        """Ordinal of the last closed day; None where no day has closed."""
        closed = self.database.meta("closed_through")
        return int(closed) if closed is not None else None

    def settings(self) -> Settings:
        """Return the settings of the last run; the defaults before the first one.

        Raises:
            StateError: where they cannot be read.
        """
        stored = self.database.meta("settings")
        return _decoded(_SETTINGS.decode, stored.encode()) if stored else Settings()

    def remember(self, settings: Settings) -> None:
        """Keep the settings for runs that give none."""
        with self.database.transaction():
            self.database.set_meta("settings", msgspec.json.encode(settings).decode())

    def world(self, before: int, *, packed: bool = True) -> World:
        """Return what the days before one (an ordinal) taught; without `packed`, no baselines and instances of files.

        What of those is in rows is then only what is newer than the files, processes that are forgotten since among it:
        it says that they are, where a file holds them as running.
        """
        database = self.database
        files = self.packed(before) if packed else {}
        known = {one.key: one for one in self._instances(before, files)}
        yesterday: dict[str, tuple[Finding, ...]] = {}
        for finding in self.findings(before - 1):
            if finding.is_final:
                yesterday[finding.agent] = (*yesterday.get(finding.agent, ()), finding)
        return World(
            instances=remembered(known.values(), before - 1) if packed else known,
            signers={_decoded(_SIGNED.decode, key): body.decode() for key, body in database.state("signer", before)},
            registry={
                _decoded(_AGENT_KEYS.decode, key): body.decode() for key, body in database.state("agent", before)
            },
            baselines=self._baselines(before, files),
            hosts={key.decode(): _decoded(_FULL_NAMES.decode, body) for key, body in database.state("host", before)},
            sensors={
                key.decode(): heard
                for key, body in database.state("sensor", before)
                if (heard := _decoded(_HEARD.decode, body))
            },
            yesterday=yesterday,
        )

    def baselines(self) -> dict[str, Baseline]:
        """Return the newest baseline of every agent, by id."""
        return self._baselines(_EVER, self.packed(_EVER))

    def values_in_files(self) -> int:
        """Return the number of values of those baselines that are in files."""
        files = _without_instances(self.packed(_EVER))
        return count_values(files, [agent for agent, _ in self._newer_baselines(_EVER)]) if files else 0

    def packed(self, before: int) -> dict[str, Path]:
        """Return the files of packed baselines and instances that hold before a day, by the name of the part.

        Raises:
            StateError: where one is missing or damaged.
        """
        return {part: kept(self.path / _PACKED, one.file) for part, one in self.database.packed(before).items()}

    def _baselines(self, before: int, files: Mapping[str, Path]) -> dict[str, Baseline]:
        """Return the baselines in `files`, and in place of them those in rows that are newer."""
        newer = {agent: decode_baseline(body) for agent, body in self._newer_baselines(before)}
        return {**read_baselines(_without_instances(files)), **newer}

    def _newer_baselines(self, before: int) -> Iterator[tuple[str, bytes]]:
        """Yield (agent, stored baseline) of those that no file holds as it was last."""
        parts = self.database.packed(before)
        for key, body, day in self.database.dated_state("baseline", before):
            agent = key.decode()
            if not parts or _is_newer(parts.get(part_of(agent)), day):
                yield agent, body

    def _instances(self, before: int, files: Mapping[str, Path]) -> Iterator[Instance]:
        """Yield the instances in files, then those in rows that are newer."""
        part = self.database.packed(before).get(INSTANCES)
        yield from read_instances([path for name, path in files.items() if name == INSTANCES])
        for _, body, day in self.database.dated_state("instance", before):
            if _is_newer(part, day):
                yield _decoded(_INSTANCES.decode, body)

    def commit(self, outcome: Outcome, keep_days: int) -> None:
        """Store what a closed day gave, in one transaction, and let go what has had its time."""
        day = outcome.day.toordinal()
        with self.database.transaction():
            self.database.put_state(day, _rows(outcome))
            self._put_findings(outcome.findings, outcome.day)
            self._close(day, keep_days)

    def commit_run(
        self, outcomes: Sequence[Outcome], save: Callable[[Path], Mapping[str, Path]], keep_days: int
    ) -> None:
        """Store what days gave that closed together: the files that `save` writes to a folder, then rows, in one go."""
        days = [outcome.day.toordinal() for outcome in outcomes]
        folder = self.path / _PACKED
        with drafts(folder) as drafted:
            parts = {part: keep(draft_of(file), folder) for part, file in sorted(save(drafted).items())}
        with self.database.transaction():
            for outcome in outcomes:
                self.database.put_state(outcome.day.toordinal(), _rows(outcome))
                self._put_findings(outcome.findings, outcome.day)
            self.database.put_packed(days[0], days[-1], parts)
            self._close(days[-1], keep_days)

    def _close(self, day: int, keep_days: int) -> None:
        """Say that a day and all before it have closed, and let go what has had its time."""
        self.database.set_meta("closed_through", str(day))
        # A run that may be opened again is judged again from its first day on: what that takes is kept.
        needed = self.database.run_start(day - keep_days)
        self.database.forget_events(needed)
        self.database.thin_state(needed)

    def commit_open(self, outcome: Outcome) -> None:
        """Store the provisional findings of an open day, and what its trusted part taught, for show.

        Those rows are of a day that has not closed, so no judgement builds on them; closing it replaces them.
        """
        with self.database.transaction():
            self.database.put_state(outcome.day.toordinal(), _rows(outcome))
            self._put_findings(outcome.findings, outcome.day)

    def reopen(self, day: int) -> int:
        """Forget what a day and the later ones taught, so that they can be judged again; return the first of them.

        Days that closed together are judged again together.
        """
        first = self.database.run_start(day)
        with self.database.transaction():
            self.database.drop_state(first)
            self.database.set_meta("closed_through", str(first - 1))
            self.database.set_meta("changed_since", None)
        return first

    def sweep(self) -> None:
        """Remove the files that no row names: what a run that was killed left, and what has had its time."""
        named = self.database.named_files()
        for folder in (_EVENTS, _PACKED):
            sweep(self.path / folder, named)

    def forget_open(self, day: int) -> None:
        """Forget what the trusted parts of open days, from one on, taught, before those days are judged anew.

        An agent of theirs may go by another id now: its start, which came since, gave it its arguments.
        """
        with self.database.transaction():
            self.database.drop_state(day)

    def findings(self, day: int | None = None) -> list[Finding]:
        """Return all findings, or those of one day (an ordinal), by day and id."""
        rows = self.database.findings(day)
        return [replace(_decoded(_FINDINGS.decode, body), is_final=final) for final, body in rows]

    def verdicts(self) -> tuple[Verdict, ...]:
        """Return all verdicts in the order they were given."""
        return tuple(_decoded(_VERDICTS.decode, body) for body in self.database.verdicts())

    def add_verdict(self, verdict: Verdict) -> None:
        """Append a verdict."""
        with self.database.transaction():
            self.database.add_verdict(_ENCODE(verdict))

    def deliveries(self) -> list[Delivery]:
        """Return the deliveries that wait, and the dead ones: earlier days first, then new cases, then the gravest."""
        waiting = (decode_delivery(body) for body in self.database.outbox())
        return sorted(waiting, key=lambda one: (one.day, one.activity, -one.severity, one.id))

    def settle(self, sent: Iterable[str], kept: Iterable[Delivery]) -> None:
        """Let go the deliveries (ids) that were acknowledged, and keep what became of others."""
        with self.database.transaction():
            self.database.drop_outbox(sent)
            self.database.put_outbox((one.id, encode_row(one)) for one in kept)

    def _put_findings(self, findings: tuple[Finding, ...], day: date) -> None:
        """Store findings and, within the same transaction, who is to be told of them."""
        self.database.put_findings(
            (one.finding_id, one.day.toordinal(), one.is_final, _ENCODE(one)) for one in findings
        )
        verdicts = in_force(self.verdicts(), day) if self.recipients else {}
        for recipient in self.recipients:
            for one in to_announce(findings, recipient, verdicts):
                self._address(one, recipient)

    def _address(self, one: Finding, recipient: Recipient) -> None:
        stored = self.database.announced(recipient.key, one.case_id)
        known = decode_announced(stored) if stored is not None else None
        delivery = delivery_of(self.ids, recipient, one, known)
        if delivery is not None:
            self.database.put_outbox([(delivery.id, encode_row(delivery))])
            self.database.announce(recipient.key, one.case_id, encode_row(announced_with(delivery, known)))


def _without_instances(files: Mapping[str, Path]) -> list[Path]:
    return [path for part, path in files.items() if part != INSTANCES]


def _is_newer(part: PackedPart | None, day: int) -> bool:
    """Say whether a row of a day is newer than a file, which holds everything up to its last day."""
    return part is None or day > part.last_day


def _rows(outcome: Outcome) -> Iterator[Row]:
    for agent, baseline in outcome.baselines.items():
        yield Row("baseline", agent.encode(), encode_baseline(baseline))
    for instance in outcome.instances:
        yield Row("instance", _ENCODE(instance.key), _ENCODE(instance))
    for signed, signer in outcome.signers.items():
        yield Row("signer", _ENCODE(signed), signer.encode())
    for key, agent in outcome.registry.items():
        yield Row("agent", _ENCODE(key), agent.encode())
    for label, full_names in outcome.hosts.items():
        yield Row("host", label.encode(), _ENCODE(full_names))
    for sensor, heard in outcome.sensors.items():
        yield Row("sensor", sensor.encode(), _ENCODE(heard))


def _decoded(decode: Callable[[bytes], _Stored], body: bytes) -> _Stored:
    try:
        return decode(body)
    except msgspec.MsgspecError as error:
        raise StateError(f"a stored row cannot be read: {error}", hint="restore the directory from a backup") from error


@contextmanager
def open_directory(
    path: Path, ids: IdKey, *, who: str, wait_seconds: float = 0.0, create: bool = True
) -> Iterator[Directory]:
    """Hold an output directory and open its state while the block runs; made where there is none, if `create`.

    Raises:
        NotFoundError: where there is no state and none is to be made: nothing was looked at, which is not quiet.
        DirectoryInUseError: where another run holds it.
        StateError: where its state cannot be used.
    """
    if not create and not (path / _STATE).exists():
        raise NotFoundError(f"{path} holds no state", hint="name the directory that leeway bootstrap wrote to")
    make_private_directory(path)
    with hold(path, who=who, wait_seconds=wait_seconds):
        directory = Directory(path, ids)
        try:
            directory.sweep()
            yield directory
            directory.sweep()
        finally:
            directory.database.close()
