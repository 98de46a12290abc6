"""The same days of many host names, upkeep and silent sensors, however they are fed: the same findings in the end."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import DAY
from golden.journal import lines
from golden.play import findings, judge, learn, opened, request
from leeway.events import AnyEvent
from leeway.findings import evidence_digest
from leeway.modes import Report
from leeway.modes.projections import baseline_document
from mixed_days import FULL, OTHER, SETTINGS, SHORT, learnt_week, mixed_days, shuffled

MIDNIGHT = datetime.combine(DAY, time(), UTC)
OVER = MIDNIGHT + timedelta(days=30)
"""A clock by which every day has closed."""

PASTS = {"short": (SHORT, "desk"), "both": (SHORT, FULL, "ci-7"), "doubted": (SHORT, FULL, OTHER)}
"""Names under which the hosts were known in the week that was learnt."""

EXAMPLES = 12

Days = list[list[AnyEvent]]


@pytest.fixture(scope="module", params=PASTS)
def past(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that has learnt a week."""
    folder = tmp_path_factory.mktemp("past")
    (folder / "week.jsonl").write_bytes(lines(learnt_week(PASTS[request.param])))
    learn(folder / "state", folder / "week.jsonl", settings=SETTINGS, now=MIDNIGHT)
    return folder / "state"


class Feed:
    """A copy of what was learnt, fed file by file and opened anew for each."""

    def __init__(self, past: Path, folder: Path) -> None:
        self.state = folder / "state"
        self._folder = folder
        self._files = 0
        shutil.copytree(past, self.state)

    def give(self, events: Sequence[AnyEvent], now: datetime = OVER) -> Report:
        file = self._folder / f"{self._files}.jsonl"
        self._files += 1
        file.write_bytes(lines(events))
        return judge(self.state, file, now=now, settings=SETTINGS)

    def final(self) -> list[tuple[object, ...]]:
        found = (one for one in findings(self.state) if one.is_final)
        return sorted((one.finding_id, str(one.severity), evidence_digest(one), one.context) for one in found)

    def learnt(self) -> object:
        with opened(self.state) as directory:
            world = directory.world(OVER.toordinal())
            return baseline_document(directory, request(settings=SETTINGS)), world.hosts, world.sensors


@contextmanager
def feed(past: Path) -> Iterator[Feed]:
    with TemporaryDirectory() as folder:
        yield Feed(past, Path(folder))


def whole(past: Path, events: Sequence[AnyEvent]) -> tuple[object, object]:
    with feed(past) as one:
        one.give(events)
        return one.final(), one.learnt()


@settings(max_examples=EXAMPLES)
@given(days=mixed_days(), seed=st.integers(0, 1 << 30))
def test_shuffled_and_three_in_ten_twice(past: Path, days: Days, seed: int) -> None:
    events = list(chain.from_iterable(days))
    with feed(past) as one:
        report = one.give(shuffled(events, seed))
        assert report.new == len(events)
        assert (one.final(), one.learnt()) == whole(past, events)


@settings(max_examples=EXAMPLES)
@given(days=mixed_days(), seed=st.integers(0, 1 << 30), parts=st.integers(2, 5))
def test_in_parts_over_restarts_whose_late_events_open_closed_days_again(
    past: Path, days: Days, seed: int, parts: int
) -> None:
    events = list(chain.from_iterable(days))
    arriving = shuffled(events, seed)
    with feed(past) as one:
        for number in range(parts):
            one.give(arriving[number::parts])
        assert (one.final(), one.learnt()) == whole(past, events)


@settings(max_examples=EXAMPLES)
@given(days=mixed_days(), seed=st.integers(0, 1 << 30), hours=st.sampled_from((5, 12, 24)))
def test_live_a_finding_neither_vanishes_nor_falls(past: Path, days: Days, seed: int, hours: int) -> None:
    """Fed every few hours, three in ten events late by up to nineteen: within the lateness no day opens again."""
    arrivals = sorted(
        (event.time + timedelta(hours=seed * (number + 1) % 191 / 10 if number % 10 < 3 else 0), event.id, event)
        for number, event in enumerate(chain.from_iterable(days))
    )
    shown: dict[str, int] = {}
    with feed(past) as one:
        clock, place = MIDNIGHT, 0
        while clock < MIDNIGHT + timedelta(days=len(days) + 2):
            clock += timedelta(hours=hours)
            end = next((at for at, arrival in enumerate(arrivals) if arrival[0] >= clock), len(arrivals))
            report = one.give([event for _, _, event in arrivals[place:end]], now=clock)
            assert report.opened_again == []
            place = end
            now = {found.finding_id: int(found.severity) for found in report.findings}
            assert [key for key, severity in now.items() if severity < shown.get(key, 0)] == []
            shown |= now
        ended = {found.finding_id: int(found.severity) for found in findings(one.state) if found.is_final}
        assert {key: severity for key, severity in shown.items() if ended.get(key, -1) < severity} == {}
        assert (one.final(), one.learnt()) == whole(past, [event for _, _, event in arrivals])
