"""The heart: however the same events come in, the same findings stand in the end."""

import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from golden.journal import lines
from golden.play import final, findings, judge, learn, opened, request
from leeway.events import AnyEvent
from leeway.findings import Severity
from leeway.modes import Report
from leeway.modes.projections import baseline_document
from leeway.testing import Fleet

SEED = 3
HOSTS = ("WS-CEDAR", "ci-fir")
FLEET = Fleet(SEED)
OVER = FLEET.start + timedelta(days=11)
"""A clock by which every day of the fleet has closed."""
GIVEN = {"policy": FLEET.policy}


@pytest.fixture(scope="module")
def events() -> list[AnyEvent]:
    """The events of two hosts, each once, in the order of arrival."""
    return list({event.id: event for event in FLEET.events() if event.host in HOSTS}.values())


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("equality")


@pytest.fixture(scope="module")
def whole(events: list[AnyEvent], scratch: Path) -> Path:
    """One batch: seven days learnt, all of it judged."""
    file, state = scratch / "all.jsonl", scratch / "whole"
    file.write_bytes(lines(events))
    learn(state, file, count=7, now=OVER)
    judge(state, file, now=OVER, **GIVEN)
    return state


def baselines(state: Path) -> bytes:
    with opened(state) as directory:
        return msgspec.json.encode(baseline_document(directory, request()), order="sorted")


def delayed(events: Iterable[AnyEvent], hours: float, seed: int = 5) -> list[tuple[datetime, AnyEvent]]:
    """Return (arrival, event): three in ten late by up to `hours`, three in ten twice, as a network would have it."""
    rng = random.Random(seed)  # noqa: S311  # a shuffle, not a secret
    arrivals = []
    for event in events:
        for _ in range(1 + (rng.random() < 0.3)):
            late = rng.uniform(0, hours * 3600) if rng.random() < 0.3 else rng.uniform(0, 5)
            arrivals.append((event.time + timedelta(seconds=late), event))
    return sorted(arrivals, key=lambda pair: (pair[0], pair[1].id))


def feeds(arrivals: list[tuple[datetime, AnyEvent]], hours: int) -> Iterator[tuple[datetime, bytes]]:
    """Yield (clock, lines) of each stretch of hours from day 8 on; the first one holds all that came before."""
    clock = FLEET.start + timedelta(days=FLEET.bootstrap_days)
    place = 0
    while place < len(arrivals):
        end = place
        while end < len(arrivals) and arrivals[end][0] < clock:
            end += 1
        yield clock, lines(event for _, event in arrivals[place:end])
        place, clock = end, clock + timedelta(hours=hours)


def fed(events: list[AnyEvent], folder: Path, hours: int) -> tuple[Path, list[Report]]:
    """Feed a new directory a few hours at a time, opened anew for each; return it with the reports of judging."""
    folder.mkdir()
    state, reports, clock = folder / "state", [], OVER
    for number, (clock, body) in enumerate(feeds(delayed(events, hours=19), hours)):
        file = folder / f"{number:03d}.jsonl"
        file.write_bytes(body)
        if number == 0:
            learn(state, file, count=7, now=clock)
        else:
            reports.append(judge(state, file, now=clock, **GIVEN))
    reports.append(judge(state, file, now=max(clock, OVER), **GIVEN))
    return state, reports


def test_the_scenario_has_something_to_say(whole: Path) -> None:
    found = findings(whole)
    kinds = {one.type for one in found if one.severity >= Severity.LOW}
    assert kinds >= {"destination_fan_out", "new_path", "model_file_new_user", "new_agent", "flow_and_module"}
    assert len(final(whole)) == len(found) > 20


def test_shuffled_and_duplicated_in_one_batch(events: list[AnyEvent], whole: Path, scratch: Path) -> None:
    file, state = scratch / "shuffled.jsonl", scratch / "shuffled"
    arrivals = delayed(events, hours=19)
    assert 1.25 < len(arrivals) / len(events) < 1.35
    file.write_bytes(lines(event for _, event in arrivals))
    report = learn(state, file, count=7, now=OVER)
    judge(state, file, now=OVER, **GIVEN)
    assert report.read == len(arrivals)
    assert report.duplicates > 5_000
    assert final(state) == final(whole)
    assert baselines(state) == baselines(whole)


@pytest.mark.parametrize("hours", [pytest.param(1, marks=pytest.mark.slow), 6], ids=lambda hours: f"every {hours} h")
def test_fed_by_the_hour_over_restarts(hours: int, events: list[AnyEvent], whole: Path, scratch: Path) -> None:
    state, reports = fed(events, scratch / f"fed-{hours}", hours)
    assert final(state) == final(whole)
    assert baselines(state) == baselines(whole)
    assert sum(report.new for report in reports) > 2_000
    # What was shown while a day was open is there in the end, and no less grave.
    last = {one.finding_id: one for one in findings(state)}
    shown = [one for report in reports for one in report.findings if not one.is_final]
    assert len(shown) > 20
    assert [one.finding_id for one in shown if not last[one.finding_id].is_final] == []
    assert [one.finding_id for one in shown if last[one.finding_id].severity < one.severity] == []


def test_both_judged_days_at_once_or_one_after_the_other(events: list[AnyEvent], whole: Path, scratch: Path) -> None:
    state = scratch / "days"
    for day in range(1, FLEET.days + 1):
        file = scratch / f"day-{day}.jsonl"
        file.write_bytes(lines(event for event in events if (event.time - FLEET.start).days + 1 == day))
        clock = FLEET.start + timedelta(days=day + 1)
        report = learn(state, file, now=clock) if day <= 7 else judge(state, file, now=clock, **GIVEN)
        assert len(report.closed) == 1
        assert report.opened_again == []
    assert final(state) == final(whole)
    assert baselines(state) == baselines(whole)


def test_running_again_changes_nothing(whole: Path, scratch: Path) -> None:
    before = final(whole), baselines(whole)
    report = judge(whole, scratch / "all.jsonl", now=OVER, **GIVEN)
    assert (report.new, report.closed, report.findings) == (0, [], [])
    assert (final(whole), baselines(whole)) == before
