"""A sensor that used to speak and fell silent is a finding; one that rests as usual is none."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import CLAUDE, DAY, IDS, at, before, closed, started, terms
from leeway.config import Scope
from leeway.config.settings import ScopeKind
from leeway.events import AnyEvent, DeclaredAgent, Heartbeat, identified
from leeway.findings import Severity
from leeway.health import gap_finding, gaps, heard_on, remember
from leeway.pipeline import World

OFFICE = sum(1 << hour for hour in range(8, 18))
ALL_DAY = (1 << 24) - 1


def weekdays(mask: int, count: int = 6) -> tuple[tuple[int, int], ...]:
    """The last weekdays before the judged Monday, all heard in the same hours."""
    found = [day for number in range(1, 20) if (day := DAY - timedelta(days=number)).weekday() < 5][:count]
    return tuple((day.toordinal(), mask) for day in sorted(found))


@pytest.mark.parametrize(
    ("known", "mask", "expected"),
    [
        pytest.param(weekdays(OFFICE), OFFICE, None, id="as usual"),
        pytest.param(weekdays(OFFICE), 0, (Severity.MEDIUM, 8, 17), id="the whole day"),
        pytest.param(weekdays(OFFICE), OFFICE & ~(0b111 << 9), (Severity.LOW, 9, 11), id="three hours"),
        pytest.param(weekdays(OFFICE), OFFICE & ~(0b11 << 9), None, id="two hours are a reboot"),
        pytest.param(weekdays(ALL_DAY), 0b111, (Severity.MEDIUM, 3, 23), id="from three o'clock on"),
        pytest.param(weekdays(ALL_DAY), ALL_DAY & ~(0b11111 << 4), (Severity.LOW, 4, 8), id="five hours"),
        pytest.param(weekdays(ALL_DAY), ALL_DAY & ~(0b111111 << 4), (Severity.MEDIUM, 4, 9), id="six hours"),
        pytest.param(weekdays(OFFICE, 4), 0, None, id="four days are too few"),
        pytest.param((*weekdays(OFFICE, 4), *weekdays(0, 6)[:2]), 0, None, id="not usual on two of six days"),
        pytest.param(weekdays(0b1010101010101010), 0, None, id="no three usual hours in a row"),
        pytest.param((), 0, None, id="nothing known"),
    ],
)
def test_a_gap_is_three_usual_hours_in_a_row(
    known: tuple[tuple[int, int], ...], mask: int, expected: tuple[Severity, int, int] | None
) -> None:
    found = gaps({"h1": known}, {"h1": mask} if mask else {}, DAY)
    assert [(one.severity, one.first.hour, one.last.hour) for one in found] == ([expected] if expected else [])


def test_a_weekend_is_held_against_weekends() -> None:
    saturday = date(2026, 3, 14)
    assert gaps({"h1": weekdays(OFFICE)}, {}, saturday) == []
    assert len(gaps({"h1": weekdays(OFFICE)}, {}, DAY)) == 1


def test_the_evidence_says_which_hours_and_what_was_expected() -> None:
    (gap,) = gaps({"h1": weekdays(OFFICE)}, {"h1": 1}, DAY)
    (fact,) = gap.evidence
    assert (fact.what, fact.seen) == ("telemetry", "no event from 08:00 to 18:00 UTC")
    assert fact.expected == "an event in each of those hours, as on 6 weekdays before"
    finding = gap_finding(gap, IDS, "default", DAY)
    assert (finding.type, finding.value, finding.host, finding.event_ids) == ("telemetry_gap", ("h1",), "h1", ())
    assert finding.surprise.n == 6
    assert not finding.surprise.calibrated


def test_a_sensor_is_that_of_the_host_or_the_agent_itself() -> None:
    events: list[AnyEvent] = [
        identified(Heartbeat(time=at(9), host="h1")),
        identified(Heartbeat(time=at(10), host="h1")),
        identified(Heartbeat(time=at(9), agent=DeclaredAgent(uid="x"))),
    ]
    assert heard_on(events) == {"h1": 0b11 << 9, "agent x": 1 << 9}


def test_a_month_is_remembered_and_silence_for_all_of_it_forgotten() -> None:
    known: dict[str, tuple[tuple[int, int], ...]] = {}
    for number in range(40, 0, -1):
        known = remember(known, {"h1": 1, "h2": 1 if number > 30 else 0}, before(number))
    assert len(known["h1"]) == 28
    assert "h2" not in known


@given(st.lists(st.integers(0, ALL_DAY), max_size=8), st.integers(0, ALL_DAY), st.integers(0, ALL_DAY))
def test_more_events_only_shorten_a_gap(days: list[int], mask: int, more: int) -> None:
    known = {"h1": tuple((DAY.toordinal() - 7 * (index + 1), one) for index, one in enumerate(days))}
    less, all_ = gaps(known, {"h1": mask}, DAY), gaps(known, {"h1": mask | more}, DAY)
    assert len(all_) <= len(less)
    assert all(one.hours.bit_count() <= less[0].hours.bit_count() for one in all_)


# Through whole days.

NAMED = terms(scope=Scope(ScopeKind.NAME, "claude"))


def spoken(host: str, number: int, hours: range = range(6, 20)) -> list[AnyEvent]:
    day = before(number)
    events = [started(CLAUDE, when=at(hour, day=day)) for hour in hours]
    return [replace(event, host=host, id=f"{event.id}{host}") for event in events]


def test_a_host_that_falls_silent_is_found_at_the_close_and_not_before() -> None:
    world = World()
    for number in range(10, 0, -1):
        world = closed(world, before(number), trusted=[*spoken("h1", number), *spoken("h2", number)], under=NAMED).world
    today = spoken("h1", 0)
    assert not [
        one for one in closed(world, DAY, today, under=NAMED, is_final=False).findings if one.type == "telemetry_gap"
    ]
    (gap,) = [one for one in closed(world, DAY, today, under=NAMED).findings if one.type == "telemetry_gap"]
    assert (gap.value, gap.severity) == (("h2",), Severity.MEDIUM)
    assert gap.agent_name == "(sensor) @ h2"
    trusted = closed(world, DAY, trusted=today, under=NAMED)
    assert trusted.findings == ()
