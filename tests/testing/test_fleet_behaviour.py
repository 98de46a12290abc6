"""What the agents of the fleet do is learnable from seven days, and a drift is what was never seen before."""

from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from leeway.destinations import network_levels, registrable_domain
from leeway.events import AnyEvent, ConnectionOpened, FileTouched, ModuleLoaded, ProcessStarted
from leeway.testing import Drift, DriftType, Fleet
from leeway.text import base_name, blank, path_levels

SEED = 11
MODELS = (".gguf", ".safetensors", ".onnx", ".pt")
SHARP = {"child", "user", "domain", "network", "model", "model_user", "model_arguments"}
"""Kinds of value of which a new one is never harmless."""

Seen = tuple[str, ...]


def shape(command: str) -> str:
    return blank(command.partition(" ")[2])


class Story:
    """The values an agent shows, day by day, read from the events alone."""

    def __init__(self, fleet: Fleet, events: dict[str, AnyEvent], arguments: dict[str, str], label: str) -> None:
        self.host_agent = next(agent for agent in fleet.agents if agent.label == label)
        self.arguments = arguments
        self.odd = {id_ for drift in fleet.truth.drifts if drift.agent == label for id_ in drift.event_ids}
        self.odd |= {id_ for release in fleet.truth.releases if release.agent == label for id_ in release.event_ids}
        self.days: dict[Seen, set[int]] = defaultdict(set)
        self.count: Counter[Seen] = Counter()
        self.judged: set[Seen] = set()
        self.drifted: set[Seen] = set()
        for id_ in fleet.truth.agents[label]:
            self._take(fleet, events[id_])

    def _take(self, fleet: Fleet, event: AnyEvent) -> None:
        day = (event.time - fleet.start).days + 1
        for value in self._values(event):
            if event.id in self.odd:
                self.drifted.add(value)
            elif day <= fleet.bootstrap_days:
                self.days[value].add(day)
                self.count[value] += 1
            else:
                self.judged.add(value)

    def _values(self, event: AnyEvent) -> Iterator[Seen]:
        if event.user is not None:
            yield "user", event.user
        match event:
            case ProcessStarted() if event.parent and event.parent.command_line not in {"systemd", "services"}:
                yield "child", base_name(event.process.image)
                yield "child_arguments", base_name(event.process.image), shape(event.process.command_line)
            case ConnectionOpened() if network_levels(event.destination):
                yield "network", network_levels(event.destination)[1]
                yield "network_port", network_levels(event.destination)[1], str(event.port)
            case ConnectionOpened():
                yield "domain", registrable_domain(event.destination)
                yield "domain_port", registrable_domain(event.destination), str(event.port)
                if registrable_domain(event.destination) != "cloudfront.net":
                    yield "host", event.destination
            case ModuleLoaded():
                yield "module", blank(base_name(event.path))
            case FileTouched():
                yield from self._file_values(event)

    def _file_values(self, event: FileTouched) -> Iterator[Seen]:
        _, directory, name = path_levels(event.path)
        yield "directory", directory
        yield "file", directory, name
        if name.endswith(MODELS) and event.modifies:
            yield "model", directory, name
            yield "model_user", directory, name, event.user
            yield "model_arguments", directory, name, self.arguments[event.process.uid]

    def known(self, value: Seen) -> bool:
        return len(self.days[value]) >= 3 and self.count[value] >= 5

    def unlearned(self) -> set[Seen]:
        return {value for value in self.judged if not self.known(value)}

    def new(self) -> set[Seen]:
        return {value for value in self.drifted if value not in self.count}


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return Fleet(SEED)


@pytest.fixture(scope="module")
def events(fleet: Fleet) -> dict[str, AnyEvent]:
    return {event.id: event for event in fleet.events()}


@pytest.fixture(scope="module")
def stories(fleet: Fleet, events: dict[str, AnyEvent]) -> dict[str, Story]:
    starts = (event for event in events.values() if isinstance(event, ProcessStarted))
    arguments = {event.process.uid: shape(event.process.command_line) for event in starts}
    return {label: Story(fleet, events, arguments, label) for label in fleet.truth.agents}


def test_what_agents_do_on_judged_days_was_learned_before(stories: dict[str, Story]) -> None:
    unlearned = [(label, value) for label, story in stories.items() for value in story.unlearned()]
    assert [remark for remark in unlearned if remark[1][0] in SHARP] == []
    assert 0 < len(unlearned) <= 20


def test_every_judged_agent_that_does_not_appear_has_its_seven_days(fleet: Fleet) -> None:
    appearing = {drift.agent for drift in fleet.truth.drifts if drift.type in {"new_agent", "learning"}}
    settled = [agent for agent in fleet.agents if agent.label not in appearing]
    assert all(agent.first_day == 1 for agent in settled)
    assert len(settled) >= 50


NOVEL = {
    DriftType.NEW_USER: {"user"},
    DriftType.NEW_DESTINATION: {"host", "domain", "network", "domain_port"},
    DriftType.NEW_PATH: {"directory"},
    DriftType.MODEL_FILE_FIRST_MODIFIED: {"model"},
    DriftType.MODEL_FILE_NEW_USER: {"model_user"},
    DriftType.MODEL_FILE_UNUSUAL_ARGUMENTS: {"model_arguments"},
    DriftType.NEW_CHILD: {"child"},
    DriftType.DESTINATION_FAN_OUT: {"domain", "network"},
    DriftType.PROCESS_NOT_ALLOWED: {"child"},
    DriftType.MODULE_NOT_APPROVED: {"module"},
    DriftType.NEW_MODULE: {"module"},
    DriftType.FLOW_AND_MODULE: {"module", "domain", "network"},
}


@pytest.mark.parametrize("kind", NOVEL, ids=str)
def test_a_drift_is_new_to_its_agent(kind: DriftType, fleet: Fleet, stories: dict[str, Story]) -> None:
    for drift in _of(fleet, kind):
        new = {value[0] for value in stories[drift.agent].new()}
        assert new & NOVEL[kind], drift


@pytest.mark.parametrize("kind", NOVEL, ids=str)
def test_what_is_new_in_a_drift_is_never_seen_elsewhere(
    kind: DriftType, fleet: Fleet, stories: dict[str, Story]
) -> None:
    tenants = {"model", "model_user", "model_arguments", "directory"}
    for drift in _of(fleet, kind):
        new = {value for value in stories[drift.agent].new() if value[0] in NOVEL[kind] - tenants}
        others = (story for label, story in stories.items() if label != drift.agent)
        assert not any(new & (story.judged | story.drifted | set(story.count)) for story in others), drift


def test_a_fan_out_reaches_fifteen_new_places_or_more(fleet: Fleet, stories: dict[str, Story]) -> None:
    for drift in _of(fleet, DriftType.DESTINATION_FAN_OUT):
        new = {value for value in stories[drift.agent].new() if value[0] in {"domain", "network"}}
        assert len(new) >= 14


def test_a_first_spawn_comes_from_an_agent_without_children(fleet: Fleet, stories: dict[str, Story]) -> None:
    childless = [d.agent for d in _of(fleet, DriftType.NEW_CHILD) if not _kinds(stories[d.agent], "child")]
    assert len(childless) == 1


def test_flow_and_module_come_within_the_hour(fleet: Fleet) -> None:
    assert all((drift.last - drift.first).total_seconds() <= 3_600 for drift in _of(fleet, DriftType.FLOW_AND_MODULE))


def test_an_excess_is_a_hundred_times_the_busiest_hour(fleet: Fleet, events: dict[str, AnyEvent]) -> None:
    for drift in _of(fleet, DriftType.EXCESS_TRANSFER):
        normal, odd = Counter(), Counter()
        for id_ in fleet.truth.agents[drift.agent]:
            event = events[id_]
            if isinstance(event, ConnectionOpened):
                hour = event.time.replace(minute=0, second=0, microsecond=0)
                (odd if id_ in drift.event_ids else normal)[hour] += event.bytes_out
        assert max(odd.values()) >= 100 * max(normal.values())


def test_an_agent_in_its_learning_period_was_seen_once_for_a_short_run(
    fleet: Fleet, events: dict[str, AnyEvent]
) -> None:
    for drift in _of(fleet, DriftType.LEARNING):
        before = [events[id_].time for id_ in set(fleet.truth.agents[drift.agent]) - set(drift.event_ids)]
        assert (min(before) - fleet.start).days + 1 in {6, 7}
        assert (max(before) - min(before)).total_seconds() <= 2 * 3_600


def test_policies_are_left_by_their_drifts_alone(fleet: Fleet, stories: dict[str, Story]) -> None:
    for story in stories.values():
        name = base_name(story.host_agent.image).removesuffix(".exe")
        normal = {value for value in (*story.count, *story.judged) if value[0] in {"child", "module"}}
        assert all(_allowed(fleet, name, value) is not False for value in normal)
    for kind in (DriftType.PROCESS_NOT_ALLOWED, DriftType.MODULE_NOT_APPROVED):
        for drift in _of(fleet, kind):
            name = base_name(stories[drift.agent].host_agent.image).removesuffix(".exe")
            assert any(_allowed(fleet, name, value) is False for value in stories[drift.agent].drifted)


def test_a_release_brings_few_new_values(fleet: Fleet, stories: dict[str, Story]) -> None:
    for release in fleet.truth.releases:
        new = stories[release.agent].new()
        assert sorted(value[0] for value in new) == ["host", "module"]


def test_interpreters_show_evidence_early_in_every_run(fleet: Fleet, events: dict[str, AnyEvent]) -> None:
    hosted = [agent for agent in fleet.agents if base_name(agent.image) in {"python3", "python.exe", "node"}]
    for agent in hosted:
        runs: dict[str, list[AnyEvent]] = defaultdict(list)
        for id_ in fleet.truth.agents[agent.label]:
            process = events[id_].process
            if process.image == agent.image:
                runs[process.uid].append(events[id_])
        assert all(len(_evidence(acts)) >= 2 for acts in runs.values())


def _of(fleet: Fleet, kind: DriftType) -> list[Drift]:
    return [drift for drift in fleet.truth.drifts if drift.type is kind]


def _kinds(story: Story, kind: str) -> set[Seen]:
    return {value for value in story.count if value[0] == kind}


def _allowed(fleet: Fleet, agent: str, value: Seen) -> bool | None:
    if value[0] == "child":
        return fleet.policy.allows_process(agent, value[1])
    return fleet.policy.allows_module(agent, value[1], "")


def _evidence(acts: list[AnyEvent]) -> set[str]:
    first = min(event.time for event in acts)
    early = [event for event in acts if (event.time - first).total_seconds() <= 180]
    kinds = {"host" for event in early if isinstance(event, ConnectionOpened) and event.destination.startswith("api.")}
    kinds |= {"model" for event in early if isinstance(event, FileTouched) and event.path.endswith(MODELS)}
    return kinds
