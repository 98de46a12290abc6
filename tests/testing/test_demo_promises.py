"""The demo keeps its promises: drifts found, little else said, the same for any order, nothing more for less."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from golden.command import leeway
from leeway.agents import AgentKey
from leeway.sources import write_event
from leeway.testing import Fleet
from leeway.testing.demo import agent_ids, demo_key, truth_record, write_fleet
from leeway.testing.score import score

SEED = 1
HOSTS = {"dev-ivy", "ci-fir", "WS-CEDAR"}
DAYS = [f"2026-03-{day:02d}.jsonl" for day in range(2, 11)]
NEEDED = {"finding_id", "case_id", "agent", "type", "severity", "first", "last", "evidence", "event_ids"}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


def records(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def run_on(events: Path, out: Path, *, hash_seed: int = 0) -> Path:
    """Run the demo on given events in a process of its own; return its findings."""
    command = [
        sys.executable,
        "-m",
        "leeway",
        "demo",
        "--seed",
        str(SEED),
        "--events",
        str(events),
        "--write",
        str(out),
    ]
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return out / "findings.jsonl"


@pytest.fixture(scope="module")
def part(scratch: Path) -> Path:
    """The events of three hosts, one file a host."""
    folder = scratch / "part"
    folder.mkdir()
    rows: dict[str, list[bytes]] = {host: [] for host in HOSTS}
    for event in Fleet(SEED).events():
        if event.host in HOSTS:
            rows[event.host].append(write_event(event))
    for host, body in rows.items():
        (folder / f"{host}.jsonl").write_bytes(b"".join(body))
    return folder


@pytest.fixture(scope="module")
def reference(part: Path, scratch: Path) -> Path:
    return run_on(part, scratch / "reference")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_drifts_are_found_and_little_else(seed: int, scratch: Path) -> None:
    done = leeway(
        "demo", "--seed", seed, "--write", scratch / f"seed-{seed}", "--output-dir", scratch / f"state-{seed}"
    )
    assert (done.code, done.err) == (0, "")
    fleet = Fleet(seed)
    found = records(scratch / f"seed-{seed}" / "findings.jsonl")
    assert [NEEDED - one.keys() for one in found if not one.keys() >= NEEDED] == []
    truth = json.loads((scratch / f"seed-{seed}" / "truth.json").read_text())
    hit = [
        drift for drift in truth["drifts"] if any(_is_of(one, drift) and one["type"] == drift["type"] for one in found)
    ]
    assert len(truth["drifts"]) >= 30
    assert len(hit) / len(truth["drifts"]) >= 0.95
    grave = [one for one in found if one["severity"] in {"MEDIUM", "HIGH", "CRITICAL"}]
    known = [*truth["drifts"], *truth["releases"]]
    stray = [one for one in grave if not any(_is_of(one, each) for each in known)]
    assert len(stray) / len(truth["agents"]) / 2 <= 0.1
    for release in truth["releases"]:
        cases = {one["case_id"] for one in found if one["agent"] == release["agent"] and one["severity"] != "INFO"}
        assert len(cases) <= 5
    assert f"truth: {len(hit)} of {len(truth['drifts'])} drifts found" in done.out
    assert len(fleet.truth.drifts) == len(truth["drifts"])
    tree = {path.name for path in (scratch / f"state-{seed}").rglob("*")}
    assert {"leeway.db", "baseline_latest.json", "all_alerts.csv"} <= tree
    write_fleet(Fleet(seed), scratch / f"again-{seed}")
    written, again = (_bytes_below(scratch / f"{name}-{seed}") for name in ("seed", "again"))
    assert sorted(written) == [*DAYS, "findings.jsonl", "truth.json"]
    assert again == {name: body for name, body in written.items() if name != "findings.jsonl"}
    assert sum(again[name].count(b"\n") for name in DAYS) >= 200_000


def _bytes_below(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _is_of(finding: dict, known: dict) -> bool:
    return (
        finding["agent"] == known["agent"]
        and finding["first"][:19] <= known["last"][:19]
        and finding["last"][:19] >= known["first"][:19]
    )


@pytest.mark.slow
def test_order_and_repetition_change_nothing_and_a_drift_left_out_only_itself(
    part: Path, reference: Path, scratch: Path
) -> None:
    """One test for both, so that the run they are compared with is made once."""
    _shuffled(part, scratch / "shuffled")
    again = run_on(scratch / "shuffled", scratch / "again", hash_seed=7)
    assert again.read_bytes() == reference.read_bytes()
    whole = records(reference)
    assert len(whole) > 20
    truth = [_written(one) for one in truth_record(Fleet(SEED))["drifts"]]
    here = [one for one in truth if any(_is_of(found, one) for found in whole)]
    assert len(here) >= 12
    removed = here[::2]
    gone = {event for one in removed for event in one["event_ids"]}
    _thinned(part, scratch / "less", gone)
    left = records(run_on(scratch / "less", scratch / "without"))
    assert [one["type"] for one in left if gone & set(one["event_ids"])] == []
    assert [each["type"] for each in removed for one in left if one["type"] == each["type"] and _is_of(one, each)] == []
    assert _others(left, removed) == _others(whole, removed)
    assert len(left) < len(whole)


def _shuffled(part: Path, folder: Path) -> None:
    rng = random.Random(11)  # noqa: S311  # a shuffle, not a secret
    rows = [row for path in sorted(part.iterdir()) for row in path.read_bytes().splitlines(keepends=True)]
    rows += rng.sample(rows, len(rows) * 3 // 10)
    rng.shuffle(rows)
    folder.mkdir()
    (folder / "all.jsonl").write_bytes(b"".join(rows))


def _thinned(part: Path, folder: Path, gone: set[str]) -> None:
    folder.mkdir()
    for path in part.iterdir():
        rows = path.read_bytes().splitlines(keepends=True)
        (folder / path.name).write_bytes(b"".join(row for row in rows if json.loads(row)["id"] not in gone))


def _others(found: list[dict], removed: list[dict]) -> list[tuple[str, str, str]]:
    """Return the findings that are neither of the removed drifts nor shown by their events."""
    gone = {event for one in removed for event in one["event_ids"]}
    kept = [one for one in found if not gone & set(one["event_ids"]) and not any(_is_of(one, each) for each in removed)]
    return [(one["finding_id"], one["severity"], one["evidence_digest"]) for one in kept]


def _written(record: dict) -> dict:
    """Return a drift with its times as they are written in files."""
    return {**record, **{name: record[name].isoformat().replace("+00:00", "Z") for name in ("first", "last")}}


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return Fleet(SEED)


def test_the_truth_has_the_shape_that_scoring_asks_for(fleet: Fleet) -> None:
    truth = truth_record(fleet)
    assert set(truth) == {"agents", "drifts", "releases"}
    assert {frozenset(one) for one in truth["agents"]} == {frozenset(("id", "event_ids"))}
    assert {frozenset(one) for one in truth["drifts"]} == {
        frozenset(("id", "agent", "type", "first", "last", "event_ids"))
    }
    assert {frozenset(one) for one in truth["releases"]} == {frozenset(("agent", "first", "last", "event_ids"))}
    ids = [one["id"] for one in truth["agents"]]
    assert len(ids) == len(set(ids)) >= 25
    assert {one["agent"] for one in (*truth["drifts"], *truth["releases"])} <= set(ids)
    assert min(Counter(one["type"] for one in truth["drifts"]).values()) >= 2
    assert (len(truth["drifts"]) >= 30, len(truth["releases"])) == (True, 2)
    assert max(one["last"] - one["first"] for one in truth["drifts"]).total_seconds() <= 6 * 3600


def test_agent_ids_follow_from_the_seed(fleet: Fleet) -> None:
    ids = agent_ids(fleet)
    assert ids == agent_ids(Fleet(SEED))
    assert len(set(ids.values())) == len(ids) == len(fleet.agents)
    declared = next(agent for agent in fleet.agents if agent.declared_uid)
    assert ids[declared.label] == demo_key(SEED).agent_id(AgentKey(declared=declared.declared_uid))
    assert not set(ids.values()) & set(agent_ids(Fleet(SEED + 1)).values())


def test_a_silent_run_misses_everything(fleet: Fleet) -> None:
    told = score(fleet, agent_ids(fleet), [])
    assert (told.found, told.recall, told.stray, set(told.release_cases.values())) == (0, 0.0, (), {0})
