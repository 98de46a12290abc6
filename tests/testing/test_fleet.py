"""The simulated fleet keeps its word: counts, truth, arrival, and that removing a drift removes nothing else."""

import re
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import msgspec
import pytest

from leeway.events import AnyEvent, Event, ModuleLoaded, ProcessStarted
from leeway.testing import DriftType, Fleet
from leeway.text import base_name, blank

SEED = 7
WHOLE_DAYS = 9


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return Fleet(SEED)


@pytest.fixture(scope="module")
def events(fleet: Fleet) -> list[AnyEvent]:
    return list(fleet.events())


@pytest.fixture(scope="module")
def by_id(events: list[AnyEvent]) -> dict[str, AnyEvent]:
    return {event.id: event for event in events}


def day_of(fleet: Fleet, event: Event) -> int:
    return (event.time - fleet.start).days + 1


def dumped(events: list[AnyEvent]) -> bytes:
    return msgspec.json.encode(events)


def test_the_same_seed_gives_the_same_bytes(events: list[AnyEvent]) -> None:
    assert dumped(list(Fleet(SEED).events())) == dumped(events)


def test_another_seed_gives_other_events(by_id: dict[str, AnyEvent]) -> None:
    assert not by_id.keys() & {event.id for event in Fleet(SEED + 1).events()}


def test_the_fleet_has_the_promised_size(fleet: Fleet, events: list[AnyEvent], by_id: dict[str, AnyEvent]) -> None:
    assert len(by_id) >= 200_000
    assert len(events) <= 245_000
    assert len(fleet.agents) >= 50
    assert len({event.host for event in events}) == 10
    assert {day_of(fleet, event) for event in events} == set(range(1, WHOLE_DAYS + 1))


def test_every_drift_type_has_at_least_three(fleet: Fleet) -> None:
    counts = Counter(drift.type for drift in fleet.truth.drifts)
    assert set(counts) == set(DriftType)
    assert min(counts.values()) >= 3
    assert sum(counts.values()) >= 40


def test_a_drift_is_short_and_inside_one_judged_day(fleet: Fleet, by_id: dict[str, AnyEvent]) -> None:
    for drift in fleet.truth.drifts:
        times = [by_id[id_].time for id_ in drift.event_ids]
        assert (min(times), max(times)) == (drift.first, drift.last)
        assert drift.last - drift.first <= timedelta(hours=6)
        assert drift.first.date() == drift.last.date()
        assert day_of(fleet, by_id[drift.event_ids[0]]) in {8, 9}


def test_no_two_drifts_share_an_event_or_an_agent(fleet: Fleet) -> None:
    drifts = fleet.truth.drifts
    assert max(Counter(id_ for drift in drifts for id_ in drift.event_ids).values()) == 1
    assert max(Counter(drift.agent for drift in drifts).values()) == 1


def test_a_drift_belongs_to_its_agent(fleet: Fleet) -> None:
    for drift in fleet.truth.drifts:
        assert set(drift.event_ids) <= set(fleet.truth.agents[drift.agent])


def test_some_agents_never_drift_and_two_are_released(fleet: Fleet) -> None:
    calm = {agent.label for agent in fleet.agents} - {drift.agent for drift in fleet.truth.drifts}
    assert len(calm) >= 10
    assert len(fleet.truth.releases) == 2
    assert {release.agent for release in fleet.truth.releases} <= calm


def test_no_event_tells_what_it_is(fleet: Fleet, events: list[AnyEvent]) -> None:
    text = dumped(events).decode()
    labels = [agent.label for agent in fleet.agents] + [drift.id for drift in fleet.truth.drifts]
    assert [label for label in labels if label in text] == []
    assert re.findall(r"drift|truth|label\b|anomal|malicious|simulat|leeway|released", text) == []


def test_ids_are_plain_digests(events: list[AnyEvent]) -> None:
    assert all(re.fullmatch(r"[0-9a-f]{32}", event.id) for event in events)


def test_without_a_drift_everything_else_is_the_same(fleet: Fleet, events: list[AnyEvent]) -> None:
    drifts = [drift for drift in fleet.truth.drifts if drift.type in {"new_child", "new_agent", "destination_fan_out"}]
    gone = {id_ for drift in drifts for id_ in drift.event_ids}
    left = list(Fleet(SEED, without={drift.id for drift in drifts}).events())
    assert dumped(left) == dumped([event for event in events if event.id not in gone])


def test_duplicates_share_id_and_content(events: list[AnyEvent], by_id: dict[str, AnyEvent]) -> None:
    repeated = len(events) - len(by_id)
    assert 0.02 <= repeated / len(by_id) <= 0.04
    assert all(by_id[event.id] == event for event in events)


def test_arrival_is_nearly_in_order_and_never_more_than_twenty_hours_late(events: list[AnyEvent]) -> None:
    newest, lateness = events[0].time, []
    for event in events:
        newest = max(newest, event.time)
        lateness.append((newest - event.time).total_seconds())
    assert max(lateness) <= 20 * 3_600
    assert 0.005 <= sum(late > 500 for late in lateness) / len(lateness) <= 0.04
    assert sum(after.time >= before.time for before, after in pairwise(events)) / len(events) > 0.5


def test_some_parents_arrive_after_their_children(events: list[AnyEvent]) -> None:
    seen, orphans = set(), 0
    for event in events:
        if isinstance(event, ProcessStarted):
            seen.add(event.process.uid)
        elif event.process is not None and event.process.uid not in seen:
            orphans += 1
    assert orphans > 500


def test_process_ids_are_reused(events: list[AnyEvent]) -> None:
    starts = {
        event.process.uid: (event.host, event.process.pid) for event in events if isinstance(event, ProcessStarted)
    }
    assert sum(count >= 3 for count in Counter(starts.values()).values()) > 1_000


def test_every_start_of_an_agent_says_its_digest_and_signer(fleet: Fleet, events: list[AnyEvent]) -> None:
    agents = {(agent.host, agent.image): agent.signer for agent in fleet.agents if agent.declared_uid is None}
    own = {
        (event.process.uid, event.digest): event.signer
        for event in events
        if isinstance(event, ModuleLoaded) and event.path == event.process.image
    }
    starts = [
        event
        for event in events
        if isinstance(event, ProcessStarted) and event.parent.command_line in {"systemd", "services"}
        and (event.host, event.process.image) in agents and (event.process.uid, event.digest) in own
    ]  # fmt: skip
    assert len(starts) > 600
    assert all(own[event.process.uid, event.digest] == agents[event.host, event.process.image] for event in starts)


def test_agents_are_told_apart_by_what_an_observer_sees(fleet: Fleet) -> None:
    keys = [
        (
            agent.host,
            base_name(agent.image),
            blank(agent.command_line.partition(" ")[2]),
            agent.unit,
            agent.declared_uid,
        )
        for agent in fleet.agents
    ]
    assert len(set(keys)) == len(keys)


def test_the_policy_speaks_of_few_agents(fleet: Fleet) -> None:
    names = {base_name(agent.image).removesuffix(".exe") for agent in fleet.agents}
    ruled = {
        name
        for name in names
        if fleet.policy.allows_process(name, "ls") is not None or fleet.policy.allows_module(name, "x", "") is not None
    }
    assert ruled == {"goose", "aider", "opencode", "vllm", "koboldcpp", "lm studio"}
