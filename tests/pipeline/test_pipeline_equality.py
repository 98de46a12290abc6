"""Days of many host names, upkeep and signatures, in a row: what comes of them is a function of their events alone."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import BASH, CLAUDE, DAY, HOST, at, before, closed, reached, started, terms
from leeway.baselines import encode_baseline
from leeway.config import parse_scope
from leeway.destinations import host_name
from leeway.events import AnyEvent, ProcessEnded, identified
from leeway.findings import Finding, Severity, evidence_digest
from leeway.pipeline import Outcome, Terms, World
from mixed_days import CODEX, FULL, OTHER, SETTINGS, SHORT, learnt_week, mixed_days, shuffled

PASTS = {
    "short": (SHORT, "desk"),
    "full": (FULL, "build7.corp.example"),
    "both": (SHORT, FULL, "ci-7"),
    "doubted": (SHORT, FULL, OTHER),
}
"""Names under which the hosts were known in the week that was learnt."""

SCOPES = {
    scope: terms(settings=msgspec.structs.replace(SETTINGS, scope=parse_scope(scope))) for scope in ("evidence", "all")
}

Days = list[list[AnyEvent]]


@cache
def known(past: str, scope: str) -> World:
    world = World()
    events = learnt_week(PASTS[past])
    for number in range(8, 0, -1):
        day = before(number)
        world = closed(world, day, trusted=[one for one in events if one.time.date() == day], under=SCOPES[scope]).world
    return world


def closed_in_order(world: World, days: Sequence[Sequence[AnyEvent]], under: Terms) -> list[Outcome]:
    outcomes = []
    for number, events in enumerate(days):
        outcomes.append(closed(world, DAY + timedelta(days=number), events, under=under))
        world = outcomes[-1].world
    return outcomes


def told(one: Finding) -> tuple[object, ...]:
    return one.finding_id, one.severity, evidence_digest(one), one.context, one.linked_to, one.host


def finals(outcomes: Sequence[Outcome]) -> list[tuple[object, ...]]:
    return [told(one) for outcome in outcomes for one in outcome.findings]


def test_the_days_have_something_to_say() -> None:
    """Upkeep with its context, doubt about hosts, silent sensors: generated days show all of it."""
    seen: set[str] = set()
    contexts: set[Severity] = set()
    doubts: set[str] = set()

    @settings(derandomize=True)
    @given(past=st.sampled_from(("both", "doubted")), days=mixed_days(acts=20))
    def look(past: str, days: Days) -> None:
        for outcome in closed_in_order(known(past, "evidence"), days, SCOPES["evidence"]):
            seen.update(one.type for one in outcome.findings)
            contexts.update(one.severity for one in outcome.findings if one.context)
            doubts.update(doubt.label for doubt in outcome.doubts)

    look()
    assert seen >= {"new_agent", "new_child", "new_destination", "new_module", "new_user", "new_path", "telemetry_gap"}
    assert Severity.LOW in contexts
    assert "ws5" in doubts


def test_a_start_reported_again_when_its_parent_is_forgotten_counts_for_no_parent() -> None:
    """A snapshot tells of a process that runs on for days; who started it has ended long before."""
    first = before(6)
    parent_ended = identified(ProcessEnded(time=at(9, day=first), host=HOST, process=BASH))
    world = closed(World(), first, [started(CLAUDE, BASH, at(8, day=first)), parent_ended]).world
    for number in range(5, 0, -1):
        world = closed(world, before(number), [reached("a.example", when=at(9, day=before(number)))]).world
    assert {key.local for key in world.instances} == {"c1"}
    assert [one.type for one in closed(world, DAY, [started(CLAUDE, None, at(8))]).findings] == ["learning"]


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("past", PASTS)
@given(days=mixed_days(), seed=st.integers(0, 1 << 30))
def test_neither_the_order_of_arrival_nor_of_dictionaries_matters(scope: str, past: str, days: Days, seed: int) -> None:
    under, world = SCOPES[scope], known(past, scope)
    one = closed_in_order(world, days, under)
    other = closed_in_order(_turned(world), [shuffled(day, seed, again=0) for day in days], under)
    assert finals(one) == finals(other)
    assert [outcome.doubts for outcome in one] == [outcome.doubts for outcome in other]
    assert one[-1].world.hosts == other[-1].world.hosts
    assert one[-1].world.sensors == other[-1].world.sensors
    left, right = (
        {key: encode_baseline(value) for key, value in end[-1].world.baselines.items()} for end in (one, other)
    )
    assert left == right


def _turned(world: World) -> World:
    """Return the same world with all of its tables filled the other way round, as a database may hand them out."""
    return World(**{name: dict(reversed(getattr(world, name).items())) for name in World.__dataclass_fields__})


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("past", PASTS)
@given(days=mixed_days(), seed=st.integers(0, 1 << 30), cuts=st.lists(st.integers(0, 8), max_size=4))
def test_what_a_day_shows_while_it_grows_stays(scope: str, past: str, days: Days, seed: int, cuts: list[int]) -> None:
    under, world = SCOPES[scope], known(past, scope)
    for number, events in enumerate(days):
        day, arriving = DAY + timedelta(days=number), shuffled(events, seed, again=0)
        steps = [closed(world, day, arriving[:cut], under=under, is_final=False) for cut in sorted(cuts)]
        end = closed(world, day, events, under=under)
        moving = first_named_in_full(events, world)
        for earlier, later in zip(steps, [*steps[1:], end], strict=True) if steps else ():
            assert gone_or_fallen(earlier, later, moving) == []
        world = end.world


def first_named_in_full(events: Sequence[AnyEvent], world: World) -> set[str]:
    """Return the labels of hosts that a day gives their first full name: what they did waits for its close."""
    return {name.partition(".")[0] for event in events if "." in (name := host_name(event.host))} - world.hosts.keys()


def gone_or_fallen(earlier: Outcome, later: Outcome, moving: Collection[str] = frozenset()) -> list[Finding]:
    after = {one.finding_id: one.severity for one in later.findings}
    stay = [one for one in earlier.findings if one.host.partition(".")[0] not in moving]
    return [one for one in stay if after.get(one.finding_id, -1) < one.severity]


def test_a_new_agent_stays_when_its_host_gets_its_full_name_on_the_same_day() -> None:
    under, world = SCOPES["evidence"], known("short", "evidence")
    first = started(CODEX, BASH, at(1), host=SHORT)
    second = started(CLAUDE, BASH, at(2), host=FULL)
    earlier = closed(world, DAY, [first], under=under, is_final=False)
    assert [one.type for one in earlier.findings] == ["new_agent"]
    assert gone_or_fallen(earlier, closed(world, DAY, [first, second], under=under)) == []
