"""Endpoint captures: is the process that a capture is about among the first three cases?

    python benchmarks/endpoint_captures.py --data DIR --json OUT

`DIR` is shaped like OTRF Security-Datasets as flat JSON lines: `events.jsonl[.xz]` whose `_capture` names the capture
of each row, and optionally `metadata_yaml.jsonl[.xz]` with each capture's narrative.

For each capture the baselines are learnt from the other captures that share a host with it (else from all others),
re-dated to consecutive days before it, under `--established-days 1 --learning-days 0 --scope all`. This is **not
causal**: captures recorded later teach about earlier ones, and every capture contains an attack, so what is learnt is
not clean either. It measures ranking on real Sysmon and Security events, nothing about false alarms in a fleet.
"""

import argparse
import json
import lzma
import platform
import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace as replaced
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import NamedTuple

from msgspec.structs import replace

from leeway.agents import IdKey, catalogue
from leeway.config import LearningProfile, Policy, Settings, parse_scope
from leeway.detectors import ALL
from leeway.engines import engine_named
from leeway.events import AnyEvent, ProcessStarted
from leeway.findings import Finding, Severity
from leeway.findings.ranking import ranked
from leeway.pipeline import DayEvents, Terms, World, close_day
from leeway.sources import Place, Rejected, Skipped, Sysmon
from leeway.text import base_name

TOP = 10
FIRST = 3
DRAWS = 20
SEED = 20_260_302

TERMS = Terms(
    ids=IdKey(b"leeway endpoint captures benchmark"),
    settings=Settings(profile=LearningProfile(learning_days=0, established_days=1), scope=parse_scope("all")),
    policy=Policy(),
    catalogue=catalogue(),
    engine=engine_named("fold"),
    detectors=ALL,
)


class Capture(NamedTuple):
    """One capture: its events in order, and what could not be read."""

    name: str
    events: tuple[AnyEvent, ...]
    rejected: int

    @property
    def hosts(self) -> frozenset[str]:
        """Hosts that reported."""
        return frozenset(event.host for event in self.events)

    @property
    def starts(self) -> list[ProcessStarted]:
        """Process starts."""
        return [event for event in self.events if isinstance(event, ProcessStarted)]


def read_captures(data: Path) -> list[Capture]:
    """Return the captures of a folder, by name; each is read as a user's Sysmon file is."""
    lines: dict[str, list[str]] = defaultdict(list)
    with _opened(data, "events.jsonl") as file:
        for line in file:
            lines[json.loads(line)["_capture"]].append(line)
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "capture.jsonl"
        captures = []
        for name in sorted(lines):
            path.write_text("".join(lines[name]), encoding="utf-8")
            captures.append(_read(name, path))
    return captures


def _opened(data: Path, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a text file of either kind
    packed = data / f"{name}.xz"
    return lzma.open(packed, "rt", encoding="utf-8") if packed.exists() else (data / name).open(encoding="utf-8")


def _read(name: str, path: Path) -> Capture:
    events: dict[str, AnyEvent] = {}
    rejected = 0
    for _, record in Sysmon(Place(path)).read():
        if isinstance(record, Rejected):
            rejected += 1
        elif not isinstance(record, Skipped):
            events[record.id] = record
    return Capture(name, tuple(sorted(events.values(), key=lambda event: (event.time, event.id))), rejected)


def days_of(capture: Capture, end: date | None = None) -> Iterator[tuple[date, list[AnyEvent]]]:
    """Yield a capture's days; with `end` moved by whole days so that its last one is that."""
    last = capture.events[-1].time.date()
    shift = (end or last) - last
    days: dict[date, list[AnyEvent]] = defaultdict(list)
    for event in capture.events:
        moved = _moved(event, shift)
        days[moved.time.date()].append(moved)
    yield from sorted(days.items())


def _moved(event: AnyEvent, shift: timedelta) -> AnyEvent:
    if not shift:
        return event
    process = event.process
    if process is not None and process.started is not None:
        process = replace(process, started=process.started + shift)
    return replace(event, time=event.time + shift, process=process)


def learnt_before(capture: Capture, others: Iterable[Capture]) -> World:
    """Return what the other captures teach when each is moved to the days before `capture`."""
    world = World()
    others = list(others)
    end = capture.events[0].time.date() - timedelta(days=1)
    schedule = []
    for other in reversed(others):
        schedule.append((other, end))
        end -= other.events[-1].time.date() - other.events[0].time.date() + timedelta(days=1)
    for other, last in reversed(schedule):
        for day, events in days_of(other, last):
            world = close_day(world, DayEvents(day, (), tuple(events)), TERMS).world
        # Another capture is another boot: its process ids say nothing about this one's.
        world = replaced(world, instances={})
    return world


def judge(capture: Capture, captures: Iterable[Capture]) -> list[Finding]:
    """Return the findings of one capture against the others of its hosts, else of all hosts."""
    others = [one for one in captures if one.name != capture.name and one.events]
    kin = [one for one in others if one.hosts & capture.hosts] or others
    world = learnt_before(capture, kin)
    findings: list[Finding] = []
    for day, events in days_of(capture):
        outcome = close_day(world, DayEvents(day, tuple(events)), TERMS)
        world = outcome.world
        findings += outcome.findings
    return findings


def row_of(capture: Capture, findings: list[Finding]) -> dict[str, object]:
    """Return the result of one capture."""
    events = {event.id: event for event in capture.events}
    counts = Counter(str(one.severity) for one in findings)
    return {
        "capture": capture.name,
        "hosts": sorted(capture.hosts),
        "events": len(capture.events),
        "rejected": capture.rejected,
        "process_starts": len(capture.starts),
        "findings_by_severity": {str(level): counts[str(level)] for level in reversed(Severity)},
        "top": [_top_row(one, events[one.event_ids[0]]) for one in ranked(findings)[:TOP]],
    }


def _top_row(finding: Finding, event: AnyEvent) -> dict[str, object]:
    parent = event.parent.image if isinstance(event, ProcessStarted) and event.parent else ""
    return {
        "case_id": finding.case_id,
        "type": finding.type,
        "severity": str(finding.severity),
        "process": base_name(event.process.image) if event.process else finding.process,
        "parent": base_name(parent) or finding.parent,
        "user": finding.user,
        "evidence": [str(one) for one in finding.evidence],
        "lineage": list(finding.lineage),
        "event_ids": list(finding.event_ids),
    }
