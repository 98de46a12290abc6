"""BaselineLearner: what it learns, what it says, and what it does not count."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from statistics import median
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from learner_agents import AGENTS, START, Record, bursty, office, ordered, steady

from leeway.errors import InvalidConfigError, InvalidEventError, NotFoundError
from leeway.events import DeclaredAgent, ToolCalled
from leeway.library.amounts import count_tail
from leeway.library.learner import MOST_ASIDE, BaselineLearner
from leeway.library.learner_arrivals import MOST_HELD
from leeway.library.learner_days import MOST_SESSIONS
from leeway.library.results import State
from leeway.library.threat_level import ThreatLevel
from leeway.library.verdicts import Effect

DAY = timedelta(days=1)
SEEDS = range(5)


def learnt(records: list[Record], **options: object) -> BaselineLearner:
    learner = BaselineLearner(**options)
    for record in records:
        learner.record_event("agent", record)
    return learner


@cache
def at_work(seed: int) -> tuple[list[Record], BaselineLearner]:
    """The events of an office agent, and who learnt them; only asked, never told more."""
    records = ordered(office(seed))
    return records, learnt(records)


def acts(count: int, step: timedelta = timedelta(minutes=10), **said: object) -> list[Record]:
    return [{"timestamp": START + number * step, "event_type": "poll", **said} for number in range(count)]


def test_an_agent_goes_from_unknown_over_learning_to_judged() -> None:
    learner = BaselineLearner(min_samples=10)
    assert learner.state("agent").state is State.UNKNOWN_AGENT
    assert learner.state("agent").needed == 10
    for number, record in enumerate(acts(10)):
        assert learner.compute_baseline("agent") is None
        assert learner.detect_anomalies("agent", record) == {}
        learner.record_event("agent", record)
        assert learner.state("agent").events + learner.state("agent").held_aside == number + 1
    assert learner.state("agent").state is State.JUDGED
    assert learner.state("agent").needed == 0
    assert learner.compute_baseline("agent") == learner.get_baseline("agent")
    assert learner.state("other").state is State.UNKNOWN_AGENT


def test_a_baseline_says_what_the_agent_does() -> None:
    records = acts(144, resource_count=2, duration_ms=100)
    records += [{"timestamp": START + DAY, "event_type": "report", "duration_ms": 500, "resource_count": 7}]
    baseline = learnt(records).compute_baseline("agent")
    assert baseline is not None
    assert baseline.event_count == 145
    assert baseline.learned_at == START + DAY
    assert baseline.time_window_days == 30
    pattern = baseline.pattern
    assert pattern.hourly_distribution == [7 / 145] + [6 / 145] * 23
    assert pattern.daily_distribution == [144 / 145, 1 / 145, 0, 0, 0, 0, 0]
    assert list(pattern.common_event_types.items()) == [("poll", 144 / 145), ("report", 1 / 145)]
    assert pattern.avg_resources_per_event == pytest.approx((144 * 2 + 7) / 145)
    assert pattern.std_resources_per_event == pytest.approx(5 * 12 / 145)
    assert pattern.avg_event_duration_ms == pytest.approx((144 * 100 + 500) / 145)
    assert pattern.avg_events_per_hour == 6.0


def test_what_no_event_says_is_none_in_the_baseline() -> None:
    baseline = learnt(acts(100)).compute_baseline("agent")
    assert baseline is not None
    assert baseline.pattern.avg_event_duration_ms is None
    assert baseline.pattern.std_resources_per_event is None


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("make", AGENTS.values(), ids=AGENTS)
def test_ordinary_events_score_near_nothing(make: Callable[[int], Iterator[Record]], seed: int) -> None:
    records = ordered(make(seed))
    cut = len(records) * 3 // 4
    learner = learnt(records[:cut])
    scores: dict[str, list[float]] = {}
    for record in records[cut:]:
        for aspect, score in learner.detect_anomalies("agent", record).items():
            scores.setdefault(aspect, []).append(score)
        learner.record_event("agent", record)
    assert set(scores) >= {"temporal", "resource", "event_type", "duration", "rate", "sequence"}
    for aspect, found in scores.items():
        assert median(found) < 0.1, aspect
        assert sorted(found)[int(0.95 * len(found))] < 0.86, aspect
        assert 0 <= min(found) <= max(found) <= 1


DRIFTS = [
    pytest.param("event_type", {"event_type": "drop_tables"}, id="a type never seen"),
    pytest.param("duration", {"duration_ms": 400 * 10}, id="ten times as long"),
    pytest.param("duration", {"duration_ms": 0.5}, id="far too short"),
    pytest.param("resource", {"resource_count": 4 * 20}, id="twenty times as much"),
    pytest.param("temporal", {"timestamp": START + 25 * DAY + timedelta(hours=2)}, id="at night"),
    pytest.param("temporal", {"timestamp": START + 26 * DAY + timedelta(hours=12)}, id="at the weekend"),
    pytest.param("destination", {"destination": "evil.example.net"}, id="a new domain"),
    pytest.param("destination", {"destination": "198.51.100.9"}, id="a new network"),
    pytest.param("destination", {"destination": "deep.api.example.com"}, id="a new host of a known domain"),
    pytest.param("sequence", {"event_type": "drop_tables"}, id="an order never seen"),
]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("aspect", "change"), DRIFTS)
def test_a_drift_scores_near_one(aspect: str, change: Record, seed: int) -> None:
    records, learner = at_work(seed)
    last = next(record for record in reversed(records) if record["event_type"] == "read")
    usual = {**last, "timestamp": records[-1]["timestamp"] + timedelta(seconds=40), "session_id": None}
    if aspect == "sequence":
        usual["session_id"] = records[-1]["session_id"]
    # Near 1 and never 1: what was never seen may still come.
    assert 0.9 < learner.detect_anomalies("agent", {**usual, **change})[aspect] < 1
    if "timestamp" not in change:
        assert learner.detect_anomalies("agent", usual)[aspect] < 0.86


@pytest.mark.parametrize("seed", SEEDS)
def test_a_burst_is_a_rate(seed: int) -> None:
    records = ordered(office(seed))
    learner = learnt(records)
    last = records[-1]
    scores = []
    for number in range(30):
        burst = {**last, "timestamp": last["timestamp"] + timedelta(seconds=number)}
        scores.append(learner.detect_anomalies("agent", burst)["rate"])
        learner.record_event("agent", burst)
    assert scores[0] < 0.8
    assert scores[-1] > 0.95


def test_a_steady_agent_is_ordinary_in_what_it_always_does() -> None:
    records = list(steady(1))
    learner = learnt(records)
    following = {**records[-1], "timestamp": records[-1]["timestamp"] + timedelta(minutes=15)}
    assert max(learner.detect_anomalies("agent", following).values()) < 0.1
    assert learner.detect_anomalies("agent", {**following, "duration_ms": 270})["duration"] < 0.2
    assert learner.detect_anomalies("agent", {**following, "duration_ms": 2_500})["duration"] > 0.95


def test_hosts_that_come_and_go_in_a_known_domain_are_ordinary() -> None:
    learner = learnt(ordered(bursty(1)))
    event = {"timestamp": START + 28 * DAY, "event_type": "fetch"}
    assert learner.detect_anomalies("agent", {**event, "destination": "edge99999.cdn.example"})["destination"] < 0.1
    assert learner.detect_anomalies("agent", {**event, "destination": "cdn.example.net"})["destination"] > 0.95


def test_an_agent_that_never_went_anywhere_and_now_does() -> None:
    learner = learnt(acts(200))
    event = {"timestamp": START + 2 * DAY, "event_type": "poll", "destination": "evil.example.net"}
    assert learner.detect_anomalies("agent", event)["destination"] > 0.95
    assert "destination" not in learner.detect_anomalies("agent", {**event, "event_type": "never seen"})


def test_a_weekend_means_nothing_before_one_went_by() -> None:
    week = list(office(1, days=5))
    learner = learnt(week)
    saturday = {**week[-1], "timestamp": START + 5 * DAY + timedelta(hours=12)}
    assert learner.detect_anomalies("agent", saturday)["temporal"] < 0.1


def test_a_young_agent_is_not_held_to_the_hours_of_its_first_day() -> None:
    learner = learnt(acts(180, step=timedelta(minutes=1)))
    evening = {"timestamp": START + timedelta(hours=20), "event_type": "poll"}
    assert learner.detect_anomalies("agent", evening)["temporal"] < 0.1


def test_an_hour_is_not_compared_with_itself() -> None:
    learner = learnt(acts(120, step=timedelta(seconds=20)))
    within = {"timestamp": START + timedelta(minutes=45), "event_type": "poll"}
    assert "rate" not in learner.detect_anomalies("agent", within)


@pytest.mark.parametrize(
    ("hours", "given_", "least", "most"),
    [
        pytest.param([(100, 2)], 10_000, 1 / 3, 1 / 3, id="two hours tell no more than one in three"),
        pytest.param([(10, 200)], 10, 0.09, 0.51, id="as usual"),
        pytest.param([(10, 200)], 40, 0.004, 0.006, id="four times as many"),
        pytest.param([(10, 200)], 1, 0.99, 1.0, id="the first of the hour"),
    ],
)
def test_how_rarely_an_hour_is_as_busy(hours: list[tuple[int, int]], given_: int, least: float, most: float) -> None:
    assert least <= count_tail(hours, given_) <= most


@pytest.mark.parametrize(
    ("event", "aspects"),
    [
        pytest.param({"timestamp": START + DAY}, {"temporal", "event_type", "rate", "sequence"}, id="time and type"),
        pytest.param({"sequence": 7}, {"event_type"}, id="a place in a sequence"),
        pytest.param({"timestamp": START}, {"temporal", "event_type", "rate"}, id="before what was recorded"),
        pytest.param(
            {"timestamp": START + DAY, "duration_ms": 5, "resource_count": "many"},
            {"temporal", "event_type", "rate", "sequence", "duration"},
            id="a field that cannot be read",
        ),
        pytest.param(
            {"timestamp": START + DAY, "duration_ms": float("nan"), "resource_count": -1},
            {"temporal", "event_type", "rate", "sequence"},
            id="amounts that are none",
        ),
    ],
)
def test_an_aspect_that_cannot_be_judged_is_absent(event: Record, aspects: set[str]) -> None:
    learner = learnt(acts(120, duration_ms=5))
    assert set(learner.detect_anomalies("agent", {"event_type": "poll", **event})) == aspects


def test_judging_learns_nothing_and_changes_nothing() -> None:
    records = ordered(office(1))
    learner = learnt(records)
    event = {**records[-1], "event_type": "odd"}
    before, kept = learner.compute_baseline("agent"), dict(event)
    first = learner.detect_anomalies("agent", event)
    assert all(learner.detect_anomalies("agent", event) == first for _ in range(50))
    assert learner.compute_baseline("agent") == before
    assert event == kept


def test_an_agent_without_times_is_judged_by_the_rest() -> None:
    records = [{"sequence": n, "event_type": ("read", "write")[n % 2], "duration_ms": 10} for n in range(200)]
    learner = learnt(records)
    usual = learner.detect_anomalies("agent", {"sequence": 200, "event_type": "read", "duration_ms": 10})
    assert set(usual) == {"event_type", "duration", "sequence"}
    assert max(usual.values()) < 0.1
    odd = learner.detect_anomalies("agent", {"sequence": 200, "event_type": "write", "duration_ms": 900})
    assert min(odd["duration"], odd["sequence"]) > 0.9


# The window goes by the times of the events.


def test_days_leave_the_window_as_later_ones_come() -> None:
    records = acts(100, step=DAY)
    learner = learnt(records, window_days=30, min_samples=1)
    baseline = learner.compute_baseline("agent")
    assert baseline is not None
    assert learner.state("agent").events == baseline.event_count == 30
    assert baseline == learnt(records[-30:], min_samples=1).compute_baseline("agent")
    assert learner.detect_anomalies("agent", records[-1]) == learnt(records[-30:], min_samples=1).detect_anomalies(
        "agent", records[-1]
    )


def test_late_events_count_within_the_window_and_are_dropped_before_it() -> None:
    learner = learnt(acts(100, step=timedelta(hours=12)), window_days=30)
    kept = learner.state("agent").events
    learner.record_event("agent", {"timestamp": START + 25 * DAY, "event_type": "poll"})
    assert learner.state("agent").events == kept + 1
    learner.record_event("agent", {"timestamp": START, "event_type": "poll"})
    assert learner.state("agent").events == kept + 1
    assert learner.state("agent").late == 1


def test_a_clock_that_is_wrong_does_not_push_the_window_away() -> None:
    learner = learnt(acts(200))
    before = learner.compute_baseline("agent")
    for year in (2027, 2040, 2099, 9999):
        learner.record_event("agent", {"timestamp": datetime(year, 1, 1, tzinfo=UTC), "event_type": "poll"})
        assert learner.compute_baseline("agent") == before
        learner.record_event("agent", {"timestamp": START + DAY, "event_type": "poll"})
        before = learner.compute_baseline("agent")
    assert learner.state("agent").held_aside == 4
    assert learner.state("agent").events == 204


def test_a_first_event_with_a_wrong_clock_does_no_harm() -> None:
    learner = BaselineLearner()
    learner.record_event("agent", {"timestamp": datetime(2099, 1, 1, tzinfo=UTC), "event_type": "poll"})
    for record in acts(150):
        learner.record_event("agent", record)
    assert learner.state("agent").events == 150
    assert learner.state("agent").held_aside == 1


def test_time_goes_on_once_three_events_in_a_row_say_so() -> None:
    learner = learnt(acts(150))
    monday = [{"timestamp": START + 7 * DAY + timedelta(minutes=n), "event_type": "poll"} for n in range(3)]
    for held, record in enumerate(monday[:2], 1):
        learner.record_event("agent", record)
        assert (learner.state("agent").events, learner.state("agent").held_aside) == (150, held)
    learner.record_event("agent", monday[2])
    assert (learner.state("agent").events, learner.state("agent").held_aside) == (153, 0)


def test_an_agent_that_rests_longer_than_a_day_each_time_is_learnt() -> None:
    learner = learnt(acts(40, step=2 * DAY), window_days=3_000, min_samples=20)
    assert learner.state("agent").events == 38
    assert learner.state("agent").held_aside == 2


def test_a_leap_that_leaves_nothing_of_the_window_takes_a_whole_baseline() -> None:
    learner = learnt(acts(200), min_samples=50)
    later = [{"timestamp": START + 90 * DAY + timedelta(minutes=n), "event_type": "poll"} for n in range(50)]
    for record in later[:49]:
        learner.record_event("agent", record)
    assert learner.state("agent").events == 200
    learner.record_event("agent", later[49])
    assert learner.state("agent").events == 50
    assert learner.state("agent").late == 0


def test_with_the_present_given_later_events_wait_for_it() -> None:
    learner = BaselineLearner(min_samples=2)
    times = [START, START + 20 * DAY, START + 10 * DAY, START + 3 * DAY]
    for time in times:
        learner.record_event("agent", {"timestamp": time, "event_type": "poll"}, now=START + 5 * DAY)
    assert (learner.state("agent").events, learner.state("agent").held_aside) == (2, 2)
    learner.record_event("agent", {"timestamp": START + 4 * DAY, "event_type": "poll"}, now=START + 12 * DAY)
    assert (learner.state("agent").events, learner.state("agent").held_aside) == (4, 1)
    with pytest.raises(InvalidEventError, match="no zone"):
        learner.record_event("agent", acts(1)[0], now=datetime(2026, 3, 2))  # noqa: DTZ001  # the point


@given(st.permutations(range(60)))
def test_the_order_of_arrival_does_not_matter(order: list[int]) -> None:
    records = [
        {"timestamp": START + timedelta(hours=number / 3), "event_type": f"type {number % 7}", "duration_ms": number}
        for number in range(60)
    ]
    sorted_, shuffled = learnt(records, min_samples=30), learnt([records[n] for n in order], min_samples=30)
    assert sorted_.compute_baseline("agent") == shuffled.compute_baseline("agent")
    event = {"timestamp": START, "event_type": "type 3", "duration_ms": 9_000}
    assert sorted_.detect_anomalies("agent", event) == shuffled.detect_anomalies("agent", event)


# What is kept is bounded, and the work for one event does not grow.


def test_a_day_keeps_no_more_values_than_its_cap_and_says_so() -> None:
    records = acts(3_000, step=timedelta(seconds=20))
    for number, record in enumerate(records):
        record["destination"] = f"host{number}.zone{number}.example"
    learner = learnt(records)
    assert learner.state("agent").capped == ("destination",)
    held = learner._agents["agent"].days.facets["destination"]  # noqa: SLF001  # memory is what it is about
    assert len(held.inner) == len(held.outer.counts) == 512
    assert held.outer.n == 3_000
    # Of an agent that shows ever new ones, one more is ordinary: those that are not kept count as well.
    other = {"timestamp": START + DAY, "event_type": "poll", "destination": "one.more.example"}
    assert learner.detect_anomalies("agent", other)["destination"] < 0.01
    shuffled = learnt(records[1_500:] + records[:1_500])
    assert shuffled._agents["agent"].days.facets["destination"].outer.counts == held.outer.counts  # noqa: SLF001
    for number in range(200):
        learner.record_event("agent", {"timestamp": START + (40 + number) * DAY, "event_type": "poll"})
    assert learner.state("agent").capped == ()
    assert held.outer.counts == {}
    assert (held.outer.n, held.outer.beyond) == (0, 0)


def test_the_last_acts_of_a_bounded_number_of_sessions_are_kept() -> None:
    records = [{**record, "session_id": f"run {number}"} for number, record in enumerate(acts(MOST_SESSIONS + 100))]
    learner = learnt(records)
    sessions = learner._agents["agent"].days._sessions  # noqa: SLF001  # memory is what it is about
    assert list(sessions) == [record["session_id"] for record in records[100:]]


def test_events_ahead_have_a_bounded_place_to_wait() -> None:
    learner = BaselineLearner()
    for record in acts(MOST_HELD + 50):
        learner.record_event("agent", record, now=START - DAY)
    assert learner.state("agent").held_aside == MOST_HELD
    assert learner.state("agent").dropped_ahead == 50


def calls(count: int) -> int:
    """The number of Python function calls that recording the last half of some events takes."""
    records = ordered(bursty(1, days=90))[:count]
    learner = learnt(records[: count // 2])
    counted: Counter[str] = Counter()

    def count_call(_: FrameType, kind: str, __: object) -> None:
        counted[kind] += kind == "call"

    sys.setprofile(count_call)
    try:
        for record in records[count // 2 :]:
            learner.record_event("agent", record)
    finally:
        sys.setprofile(None)
    return counted["call"]


def test_recording_is_linear_in_the_number_of_events() -> None:
    few, many = calls(2_000), calls(8_000)
    assert few / 1_000 < 150
    assert many / few == pytest.approx(4, rel=0.1)


# Verdicts.


@pytest.fixture
def known() -> BaselineLearner:
    return learnt(ordered(office(1)))


def odd(**said: object) -> Record:
    return {
        "timestamp": START + 25 * DAY + timedelta(hours=10),
        "event_type": "write",
        "duration_ms": 9_000,
        "session_id": "night",
        **said,
    }


def test_a_benign_verdict_changes_the_very_next_score_and_undoing_restores_it(known: BaselineLearner) -> None:
    before = known.detect_anomalies("agent", odd())
    assert before["duration"] > 0.9
    verdict = known.update_from_feedback("agent", odd(), is_anomaly=False, who="ana", why="a large report")
    assert (verdict.effect, verdict.level) == (Effect.LEARNT, ThreatLevel.LOW)
    after = known.detect_anomalies("agent", odd(timestamp=START + 25 * DAY + timedelta(hours=11), duration_ms=8_000))
    assert after["duration"] < 0.1
    assert known.detect_anomalies("agent", odd(event_type="read"))["duration"] > 0.9
    assert known.verdicts("agent") == (verdict,)
    assert known.undo_feedback("agent", verdict) == verdict
    assert known.detect_anomalies("agent", odd()) == before


def test_whoever_sees_an_odd_aspect_can_say_that_it_is_benign(known: BaselineLearner) -> None:
    event = odd(duration_ms=1_700)
    score = known.detect_anomalies("agent", event)["duration"]
    assert 0.78 < score < 0.96
    verdict = known.update_from_feedback("agent", event, is_anomaly=False)
    assert (verdict.effect, verdict.level) == (Effect.LEARNT, ThreatLevel.LOW)
    assert known.detect_anomalies("agent", event)["duration"] < 0.1


def test_a_malicious_verdict_flags_like_events_and_keeps_them_out(known: BaselineLearner) -> None:
    usual = {"timestamp": START + 25 * DAY + timedelta(hours=10), "event_type": "write", "duration_ms": 400}
    before, events = known.detect_anomalies("agent", usual), known.state("agent").events
    assert "verdict" not in before
    verdict = known.update_from_feedback("agent", usual, is_anomaly=True, who="ana")
    assert verdict.effect is Effect.FLAGS
    assert known.detect_anomalies("agent", usual)["verdict"] > 0.95
    for number in range(MOST_ASIDE + 5):
        known.record_event("agent", {**usual, "timestamp": usual["timestamp"] + timedelta(milliseconds=number)})
    assert known.state("agent").events == events
    assert known.state("agent").left_out == MOST_ASIDE + 5
    known.undo_feedback("agent", verdict)
    assert known.state("agent").events == events + MOST_ASIDE
    assert known.state("agent").left_out == 5
    assert "verdict" not in known.detect_anomalies("agent", usual)


def test_undoing_one_of_two_malicious_verdicts_leaves_the_other(known: BaselineLearner) -> None:
    one, other = (known.update_from_feedback("agent", odd(), is_anomaly=True, who=who) for who in ("ana", "bo"))
    known.record_event("agent", odd())
    known.undo_feedback("agent", one)
    assert known.detect_anomalies("agent", odd())["verdict"] > 0.95
    assert known.state("agent").left_out == 1
    known.undo_feedback("agent", other.number)
    assert known.state("agent").left_out == 0


def test_five_hundred_benign_verdicts_of_one_user_change_ten_types_of_events() -> None:
    learner = learnt(
        [{**record, "event_type": f"type {n % 500}"} for n, record in enumerate(acts(5_000, duration_ms=9))]
    )
    event = {"timestamp": START + 20 * DAY, "duration_ms": 9_000}
    for number in range(500):
        learner.update_from_feedback("agent", {**event, "event_type": f"type {number}"}, is_anomaly=False, who="ana")
    scores = [learner.detect_anomalies("agent", {**event, "event_type": f"type {n}"})["duration"] for n in range(500)]
    assert sum(score < 0.9 for score in scores) == 10


def test_a_verdict_on_an_agent_that_is_not_judged_yet_is_kept() -> None:
    learner = learnt(acts(20))
    assert learner.update_from_feedback("agent", odd(), is_anomaly=False).effect is Effect.NOTHING_ODD
    assert learner.update_from_feedback("agent", odd(), is_anomaly=True).effect is Effect.FLAGS
    assert learner.state("agent").events == 20
    assert learner.update_from_feedback("new", odd(), is_anomaly=True).level is ThreatLevel.UNKNOWN
    with pytest.raises(NotFoundError):
        learner.undo_feedback("nobody", 0)
    assert learner.verdicts("nobody") == ()
    assert learner.state("nobody").state is State.UNKNOWN_AGENT


# Settings and times.


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"window_days": 0}, id="no window"),
        pytest.param({"window_days": 4_000}, id="a window of a decade"),
        pytest.param({"min_samples": 0}, id="no samples"),
        pytest.param({"zone": "Mars/Olympus"}, id="no such zone"),
        pytest.param({"assume_zone": "../../etc/passwd"}, id="a path is no zone"),
    ],
)
def test_settings_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigError):
        BaselineLearner(**options)


def test_hours_are_those_of_the_zone() -> None:
    records = [{"timestamp": START + day * DAY + timedelta(hours=14), "event_type": "poll"} for day in range(20)]
    learner = BaselineLearner(min_samples=10, zone="America/New_York")
    for record in records:
        learner.record_event("agent", record)
    baseline = learner.compute_baseline("agent")
    assert baseline is not None
    assert [hour for hour, share in enumerate(baseline.pattern.hourly_distribution) if share] == [
        9,
        10,
    ]  # clocks change


@pytest.mark.parametrize(
    ("event", "says"),
    [
        pytest.param({"timestamp": datetime(2026, 3, 2), "event_type": "x"}, "zone", id="no zone"),  # noqa: DTZ001
        pytest.param({"event_type": "x"}, "no time", id="no time"),
        pytest.param({"timestamp": START}, "event_type", id="no type"),
        pytest.param("poll", "mapping", id="text"),
    ],
)
def test_what_is_no_event_is_refused_and_learnt_nowhere(event: object, says: str) -> None:
    learner = BaselineLearner()
    with pytest.raises(InvalidEventError, match=says):
        learner.record_event("agent", event)
    with pytest.raises(InvalidEventError, match=says):
        learner.detect_anomalies("agent", event)
    assert learner.state("agent").state is State.UNKNOWN_AGENT


def test_a_naive_time_is_of_the_assumed_zone() -> None:
    naive = [{**record, "timestamp": record["timestamp"].replace(tzinfo=None)} for record in acts(20)]
    learner = learnt(naive, min_samples=10, assume_zone="UTC")
    assert learner.compute_baseline("agent") == learnt(acts(20), min_samples=10).compute_baseline("agent")


def test_typed_events_are_taken_as_they_are() -> None:
    agent = DeclaredAgent(uid="agent", instance_uid="run 1")
    calls_ = [
        ToolCalled(time=START + number * timedelta(minutes=1), agent=agent, tool="search", duration_us=200_000)
        for number in range(150)
    ]
    learner = learnt(calls_)
    baseline = learner.compute_baseline("agent")
    assert baseline is not None
    assert baseline.pattern.common_event_types == {"tool_called": 1.0}
    assert baseline.pattern.avg_event_duration_ms == 200
    odd_tool = ToolCalled(time=START + timedelta(minutes=150), agent=agent, tool="delete", duration_us=200_000)
    scores = learner.detect_anomalies("agent", odd_tool)
    assert min(scores["event_type"], scores["sequence"]) > 0.9
    assert scores["duration"] < 0.1


def test_long_names_are_told_apart_and_not_kept_whole() -> None:
    one, other = "x" * 1_000, "x" * 999 + "y"
    learner = learnt(acts(200, tool=one))
    event = {"timestamp": START + 2 * DAY, "event_type": "poll"}
    assert learner.detect_anomalies("agent", {**event, "tool": one})["event_type"] < 0.1
    assert learner.detect_anomalies("agent", {**event, "tool": other})["event_type"] > 0.9
    assert max(len(value) for value in learner._agents["agent"].days.facets["event_type"].inner[("poll",)].counts) < 128  # type: ignore[arg-type]  # noqa: SLF001


def test_what_waits_is_held_without_arguments_and_request() -> None:
    learner = BaselineLearner()
    learner.record_event("agent", {**acts(1)[0], "request": "x" * 10_000, "arguments": {"body": "y" * 10_000}})
    held = learner._agents["agent"].arrivals._held  # noqa: SLF001  # memory is what it is about
    assert [(event.request, event.arguments) for _, _, event in held] == [(None, None)]


def test_flawed_events_are_counted_and_the_rest_of_them_is_learnt() -> None:
    learner = learnt(acts(20, duration_ms="long"), min_samples=10)
    assert learner.state("agent").flawed == 20
    assert learner.state("agent").events == 20


@given(st.lists(st.tuples(st.datetimes(timezones=st.just(UTC)), st.text(min_size=1, max_size=3), st.text(max_size=6))))
def test_no_times_or_texts_break_it(found: list[tuple[datetime, str, str]]) -> None:
    learner = BaselineLearner(min_samples=1, zone="Asia/Tokyo")
    for time, kind, place in found:
        event = {"timestamp": time, "event_type": kind, "destination": place, "session_id": place, "duration_ms": 1e18}
        learner.record_event("agent", event)
        assert all(0 <= score <= 1 for score in learner.detect_anomalies("agent", event).values())
        learner.compute_baseline("agent")
