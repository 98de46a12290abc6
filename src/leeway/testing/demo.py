"""The demo: a fleet's week is learnt, two days are judged, and what was found is held against the truth.

Everything goes the way a user's data goes: JSON lines on disk, `bootstrap`, `detect`, the state database.
"""

from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec

from leeway.agents import AgentKey, IdKey, argument_shape, process_name
from leeway.config import Settings
from leeway.engines import engine_named
from leeway.events import AnyEvent
from leeway.findings import Finding
from leeway.modes import Progress, Report, Request, bootstrap, detect, open_directory, quiet
from leeway.sinks import JsonLinesFindings
from leeway.sources import open_sources, write_event
from leeway.storage import make_private_directory, write_whole
from leeway.testing.fleet import Fleet, SimulatedAgent
from leeway.text import redact

_JSON = msgspec.json.Encoder(order="sorted")


class DemoRun(NamedTuple):
    """What a demo gave."""

    learnt: Report
    judged: Report
    findings: tuple[Finding, ...]
    """The final ones, by day and id."""


def demo_key(seed: int) -> IdKey:
    """Return the id key of a seed: the same seed gives the same ids."""
    return IdKey(_demo_secret(seed))


def write_demo_key(seed: int, state: Path) -> Path:
    """Write the id key of a seed beside a state directory, for commands that look into it; return the file."""
    file = state.resolve().with_name(f"{state.resolve().name}.demo.key")
    write_whole(file, _demo_secret(seed).hex().encode() + b"\n")
    return state.with_name(file.name) if state.name else file


def _demo_secret(seed: int) -> bytes:
    return sha256(f"leeway demo {seed}".encode()).digest()


def write_fleet(fleet: Fleet, directory: Path) -> None:
    """Write `events/*.jsonl`, one file a day of arrival and without labels, and `truth.json`."""
    folder = directory / "events"
    make_private_directory(folder)
    for day, events in groupby(_arrivals(fleet.events()), key=lambda pair: pair[0]):
        write_whole(folder / f"{day}.jsonl", b"".join(write_event(event) for _, event in events))
    write_whole(directory / "truth.json", msgspec.json.format(_JSON.encode(truth_record(fleet)), indent=1) + b"\n")


def _arrivals(events: Iterable[AnyEvent]) -> Iterable[tuple[str, AnyEvent]]:
    """Yield events with the day on which they arrive: that of the latest event so far."""
    latest = ""
    for event in events:
        latest = max(latest, event.time.date().isoformat())
        yield latest, event


def truth_record(fleet: Fleet) -> dict[str, object]:
    """Return the truth with ids, types and times written as in the findings."""
    ids = agent_ids(fleet)
    truth = fleet.truth
    return {
        "agents": [{"id": ids[label], "event_ids": list(events)} for label, events in sorted(truth.agents.items())],
        "drifts": [
            {
                "id": one.id,
                "agent": ids[one.agent],
                "type": one.type,
                "first": one.first,
                "last": one.last,
                "event_ids": list(one.event_ids),
            }
            for one in truth.drifts
        ],
        "releases": [
            {"agent": ids[one.agent], "first": one.first, "last": one.last, "event_ids": list(one.event_ids)}
            for one in truth.releases
        ],
    }


def agent_ids(fleet: Fleet) -> dict[str, str]:
    """Return the id under which each simulated agent is known: that of the key it is first seen under.

    The signer is part of that key only where the same executable was signed on the host on an earlier day.
    """
    key = demo_key(fleet.seed)
    first_signed: dict[tuple[str, str], int] = {}
    for agent in fleet.agents:
        place = (agent.host, agent.digest)
        first_signed[place] = min(agent.first_day, first_signed.get(place, agent.first_day))
    return {
        agent.label: key.agent_id(_key_of(agent, is_signed=first_signed[agent.host, agent.digest] < agent.first_day))
        for agent in fleet.agents
    }


def _key_of(agent: SimulatedAgent, *, is_signed: bool) -> AgentKey:
    if agent.declared_uid:
        return AgentKey(declared=agent.declared_uid)
    name = process_name(agent.image)
    if agent.unit:
        return AgentKey(agent.host.casefold(), name, unit=agent.unit)
    signer = agent.signer if is_signed else None
    return AgentKey(agent.host.casefold(), name, argument_shape(redact(agent.command_line)), signer)


def run_demo(seed: int, events: Path, state: Path, progress: Progress = quiet) -> DemoRun:
    """Bootstrap the first seven days of the events in a folder, detect the rest, with the state in `state`.

    The clock is the fleet's: two days after its last one, so that every day has closed.

    Raises:
        SourceError: where there are no events in the folder.
    """
    fleet = Fleet(seed)
    sources = open_sources(str(events), kind="jsonl")
    request = Request(
        sources=sources,
        settings=Settings(),
        engine=engine_named("fold"),
        now=fleet.start + timedelta(days=fleet.days + 2),
        policy=fleet.policy,
        count=fleet.bootstrap_days,
        progress=progress,
    )
    with open_directory(state, demo_key(seed), who="leeway demo") as directory:
        learnt = bootstrap(directory, request)
        judged = detect(directory, _judging(request))
        findings = tuple(one for one in directory.findings() if one.is_final)
    return DemoRun(learnt, judged, findings)


def _judging(request: Request) -> Request:
    return Request(
        sources=request.sources,
        settings=request.settings,
        engine=request.engine,
        now=request.now,
        policy=request.policy,
        progress=request.progress,
    )


def write_findings(findings: Iterable[Finding], path: Path) -> None:
    """Write findings as JSON lines, making the folder where there is none."""
    make_private_directory(path.parent)
    write_whole(path, JsonLinesFindings().render(findings))
