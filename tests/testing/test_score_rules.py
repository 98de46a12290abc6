"""How findings are held against a truth: agent, type and time for a drift; agent and time for the rest."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from leeway.findings import Finding, Severity, Surprise
from leeway.testing.fleet.roster import DriftType
from leeway.testing.fleet.truth import Drift, Release, Truth
from leeway.testing.score import score

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
IDS = {"one": "id1", "two": "id2", "three": "id3"}


class Known(NamedTuple):
    """As much of a fleet as a score asks for."""

    truth: Truth
    days: int = 9
    bootstrap_days: int = 7


def drift(agent: str, kind: DriftType) -> Drift:
    return Drift(id=f"d-{agent}", agent=agent, type=kind, first=NOON, last=NOON + timedelta(hours=2), event_ids=("e",))


FLEET = Known(
    Truth(
        agents={"one": ("e",), "two": ("f",), "three": ("g",)},
        drifts=(drift("one", DriftType.NEW_CHILD), drift("two", DriftType.NEW_USER)),
        releases=(Release(agent="three", first=NOON, last=NOON + timedelta(hours=1), event_ids=("g",)),),
    )
)


def said(agent: str, kind: str, *, hours: float = 0, severity: Severity = Severity.MEDIUM, case: str = "c") -> Finding:
    """Return a finding of half an hour that begins so many hours after noon."""
    first = NOON + timedelta(hours=hours)
    return Finding(
        finding_id=f"{agent}{kind}{hours}",
        case_id=case,
        agent=IDS[agent],
        agent_name=agent,
        type=kind,
        value=(),
        severity=severity,
        day=first.date(),
        first=first,
        last=first + timedelta(minutes=30),
        evidence=(),
        event_ids=("e",),
        surprise=Surprise(0.5, 0, calibrated=False),
    )


@pytest.mark.parametrize(
    ("finding", "found"),
    [
        pytest.param(said("one", "new_child"), 1, id="agent, type and time"),
        pytest.param(said("one", "new_child", hours=2), 1, id="its last instant"),
        pytest.param(said("one", "new_child", hours=-0.5), 1, id="its first instant"),
        pytest.param(said("one", "new_child", hours=2.1), 0, id="later"),
        pytest.param(said("one", "new_child", hours=-0.6), 0, id="earlier"),
        pytest.param(said("one", "new_user"), 0, id="another type"),
        pytest.param(said("two", "new_child"), 0, id="another agent"),
        pytest.param(said("one", "new_child", severity=Severity.INFO), 1, id="any severity"),
    ],
)
def test_a_drift_is_found_by_agent_type_and_time(finding: Finding, found: int) -> None:
    told = score(FLEET, IDS, [finding])
    assert (told.drifts, told.found, len(told.missed), told.recall) == (2, found, 2 - found, found / 2)


def test_what_was_missed_is_named() -> None:
    assert score(FLEET, IDS, []).missed == ("new_child of one", "new_user of two")


@pytest.mark.parametrize(
    ("finding", "stray"),
    [
        pytest.param(said("one", "new_path"), 0, id="beside a drift"),
        pytest.param(said("one", "new_path", hours=5), 1, id="after it"),
        pytest.param(said("one", "new_path", hours=5, severity=Severity.LOW), 0, id="LOW"),
        pytest.param(said("one", "new_path", hours=5, severity=Severity.CRITICAL), 1, id="CRITICAL"),
        pytest.param(said("three", "new_path"), 0, id="in a release"),
        pytest.param(said("three", "new_path", hours=3), 1, id="after a release"),
    ],
)
def test_stray_findings_are_those_of_nobodys_doing(finding: Finding, stray: int) -> None:
    told = score(FLEET, IDS, [finding])
    assert len(told.stray) == stray
    assert told.stray_rate == pytest.approx(stray / 6)  # three agents, two judged days


def test_cases_of_a_release_are_counted_once() -> None:
    days = [said("three", "new_module", case="a"), said("three", "new_module", hours=20, case="a")]
    others = [said("three", "new_path", case="b"), said("three", "new_path", severity=Severity.INFO, case="i")]
    told = score(FLEET, IDS, [*days, *others, replace(others[0], agent="id1")])
    assert told.release_cases == {"three": 2}


def test_a_fleet_without_drifts_is_all_found() -> None:
    assert score(Known(Truth({"one": ()}, (), ())), IDS, []).recall == 1.0
