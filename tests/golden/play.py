"""Run events through the modes as the command line does, with the clock as an argument."""

import re
import tomllib
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import msgspec

from leeway.agents import IdKey
from leeway.config import Settings, load_policy
from leeway.engines import engine_named
from leeway.findings import Finding, Judgement, evidence_digest
from leeway.modes import Directory, Report, Request, bootstrap, detect, open_directory, review
from leeway.modes.ranges import import_ranges
from leeway.sources import open_sources

KEY = IdKey(sha256(b"leeway golden stories").digest())
LATER = datetime.fromisoformat("2025-06-01T00:00:00Z")
"""A clock long after every story: all their days are over."""


def request(*files: Path, now: datetime = LATER, **given: object) -> Request:
    """Return a request for these files, with the settings of a default installation."""
    sources = tuple(source for file in files for source in open_sources(str(file), kind=None))
    return Request(**{"sources": sources, "settings": Settings(), "engine": engine_named("fold"), "now": now, **given})


def opened(state: Path) -> "open_directory":
    return open_directory(state, KEY, who="a test")


def learn(state: Path, *files: Path, **given: object) -> Report:
    with opened(state) as directory:
        return bootstrap(directory, request(*files, **given))


def judge(state: Path, *files: Path, **given: object) -> Report:
    with opened(state) as directory:
        return detect(directory, request(*files, **given))


def final(state: Path) -> set[tuple[str, str, str]]:
    """Return the final (finding id, severity, evidence digest): what every entrance must agree on."""
    with opened(state) as directory:
        return {
            (one.finding_id, str(one.severity), evidence_digest(one)) for one in directory.findings() if one.is_final
        }


def findings(state: Path) -> list[Finding]:
    with opened(state) as directory:
        return directory.findings()


def story_record(finding: Finding) -> dict[str, object]:
    """Return what a story promises of a finding; the learning agent's and the repeated ones included."""
    return {
        "day": finding.day,
        "type": finding.type,
        "severity": str(finding.severity),
        "value": list(finding.value),
        "agent": finding.agent_name,
        "evidence": [str(one) for one in finding.evidence],
        "lineage": list(finding.lineage),
    }


def play(folder: Path, state: Path) -> list[dict[str, object]]:
    """Import, learn, extend, judge, review and judge on, as the files of a story say; return its findings in order."""
    options = tomllib.loads((folder / "options.toml").read_text()) if (folder / "options.toml").exists() else {}
    policy = load_policy(folder / "policy.toml") if (folder / "policy.toml").exists() else None
    given: dict[str, object] = {"observe": options.get("observe", False), **({"policy": policy} if policy else {})}
    if (folder / "ranges.jsonl").exists():
        with opened(state) as directory:
            import_ranges(directory, folder / "ranges.jsonl", now=LATER)
    learn(state, folder / "learn.jsonl")
    if (folder / "extend.jsonl").exists():
        learn(state, folder / "extend.jsonl")
    if "review" in options:
        _reviewed(folder, state, options["review"])
    judge(state, folder / "events.jsonl", **given)
    found = [one for one in findings(state) if one.is_final]
    return [story_record(one) for one in sorted(found, key=lambda one: (one.day, one.type, one.value, one.agent_name))]


def _reviewed(folder: Path, state: Path, asked: dict[str, str]) -> None:
    """Judge the events before a day, then give the verdict on the one case of the type asked for."""
    until = asked["before"]
    part = state.parent / f"{state.name}-before.jsonl"
    rows = (folder / "events.jsonl").read_text().splitlines(keepends=True)
    part.write_text("".join(row for row in rows if re.search(r'"time":"([0-9-]+)', row)[1] < until))
    judge(state, part, now=datetime.fromisoformat(f"{until}T00:00:00Z") + timedelta(days=1))
    with opened(state) as directory:
        _give(directory, asked)


def _give(directory: Directory, asked: dict[str, str]) -> None:
    (case,) = {one.case_id for one in directory.findings() if one.type == asked["type"]}
    moment = datetime.fromisoformat(f"{asked['before']}T08:00:00Z")
    review(directory, case, Judgement(asked["verdict"]), reason=asked["reason"], by=asked["by"], at=moment)


def as_lines(records: list[dict[str, object]]) -> bytes:
    """Return records as JSON lines, keys sorted."""
    return b"".join(msgspec.json.encode(one, order="sorted") + b"\n" for one in records)
