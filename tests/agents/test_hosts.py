"""Short and full names are one host where nothing speaks against it; on doubt they stay apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import CLAUDE, at, before, closed, reached, started, terms
from leeway.agents import Hosts, learnt_names
from leeway.config import Scope
from leeway.config.settings import ScopeKind
from leeway.pipeline import Outcome, World

BOUND = {"ws5": ("ws5.corp.example",)}
DOUBTED = {"ws5": ("ws5.corp.example", "ws5.lab.example")}
TOGETHER = {"ws5": ("", "ws5.corp.example", "ws5.lab.example")}


@pytest.mark.parametrize(
    ("known", "name", "expected"),
    [
        pytest.param({}, "WS5", "ws5", id="case"),
        pytest.param({}, "WS5.Corp.Example.", "ws5.corp.example", id="case and root dot"),
        pytest.param(BOUND, "WS5", "ws5.corp.example", id="short for full"),
        pytest.param(BOUND, "ws5.corp.example", "ws5.corp.example", id="full stays"),
        pytest.param(BOUND, "ws5.lab.example", "ws5.lab.example", id="another full one stays"),
        pytest.param(BOUND, "ws55", "ws55", id="another label"),
        pytest.param(DOUBTED, "ws5", "ws5?", id="in doubt since"),
        pytest.param(DOUBTED, "ws5.corp.example", "ws5.corp.example", id="full in doubt stays"),
        pytest.param(TOGETHER, "ws5", "ws5", id="in doubt from the start"),
        pytest.param({"10": ("10.0.0.5",)}, "10.0.0.5", "10.0.0.5", id="an address"),
        pytest.param({}, "", "", id="no name"),
    ],
)
def test_a_name_is_resolved_by_what_is_known(known: dict[str, tuple[str, ...]], name: str, expected: str) -> None:
    assert Hosts(known, {}).resolve(name) == expected


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["localhost", "localhost.localdomain"], id="nobody's name"),
        pytest.param(["10", "10.0.0.5"], id="an address is no full name"),
        pytest.param(["", ".example"], id="no label"),
    ],
)
def test_names_that_say_nothing_bind_nothing(names: list[str]) -> None:
    hosts = Hosts(learnt_names({}, {}, names), {})
    assert [hosts.resolve(name) for name in names] == names


def test_an_alias_file_comes_first() -> None:
    hosts = Hosts(DOUBTED, {"ws5": "ws5.lab.example", "10.0.0.5": "ws5.lab.example"})
    assert [hosts.resolve(name) for name in ("WS5", "10.0.0.5", "ws5.corp.example")] == [
        "ws5.lab.example",
        "ws5.lab.example",
        "ws5.corp.example",
    ]
    assert hosts.doubts(["ws5"]) == ()


def test_doubt_is_said_with_the_names() -> None:
    (doubt,) = Hosts(TOGETHER, {}).doubts(["WS5", "ws6", "ws5.lab.example"])
    assert doubt == ("ws5", ("ws5.corp.example", "ws5.lab.example"))
    assert Hosts(BOUND, {}).doubts(["ws5"]) == ()


@given(st.lists(st.sampled_from(["a", "A", "a.x", "a.y", "a.z", "b", "b.x"]), max_size=8), st.randoms())
def test_the_order_of_names_within_a_day_does_not_matter(names: list[str], random: object) -> None:
    shuffled = list(names)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    assert learnt_names({}, {}, names) == learnt_names({}, {}, shuffled)


@given(st.lists(st.text(max_size=12), max_size=6), st.text(max_size=12))
def test_resolving_twice_changes_nothing(names: list[str], name: str) -> None:
    hosts = Hosts({}, {}, names)
    assert hosts.resolve(hosts.resolve(name)) == hosts.resolve(name)


# Through whole days.

NAMED = terms(scope=Scope(ScopeKind.NAME, "claude"))
SHORT, FULL, OTHER = "WS5", "ws5.corp.example", "ws5.lab.example"


def day_of(world: World, number: int, *hosts: str, trusted: bool = False, is_final: bool = True) -> Outcome:
    when = at(9, day=before(number))
    acts = [started(CLAUDE, when=when), reached("a.example", when=when)]
    events = [replace(event, host=host, id=f"{event.id}{host}") for host in hosts for event in acts]
    parts = ((), events) if trusted else (events, ())
    return closed(world, before(number), *parts, under=NAMED, is_final=is_final)


def agents(outcome: Outcome) -> set[str]:
    return set(outcome.summaries)


def test_an_agent_keeps_its_id_when_its_host_gets_a_full_name() -> None:
    first = day_of(World(), 5, SHORT)
    second = day_of(first.world, 4, FULL)
    third = day_of(second.world, 3, SHORT)
    assert agents(third) == agents(second) == agents(first)
    assert {key.machine for key in third.names.values()} == {FULL}


def test_a_day_in_which_a_full_name_takes_over_waits_for_its_close() -> None:
    world = day_of(World(), 5, "desk").world
    unknown = [one.type for one in day_of(world, 4, FULL, is_final=False).findings]
    known = day_of(World(), 5, SHORT).world
    assert unknown == ["new_agent"]
    assert day_of(known, 4, FULL, is_final=False).findings == ()
    assert len(agents(day_of(known, 4, FULL, OTHER))) == 2


def test_trusted_names_are_merged_at_once() -> None:
    assert len(agents(day_of(World(), 3, SHORT, FULL, trusted=True))) == 1


def test_names_of_one_judged_day_are_merged_from_the_next_day_on() -> None:
    first = day_of(World(), 3, SHORT, FULL)
    assert len(agents(first)) == 2
    assert len(agents(day_of(first.world, 2, SHORT, FULL))) == 1


def test_a_second_full_name_takes_the_short_one_away_the_day_after() -> None:
    world = day_of(World(), 5, SHORT, FULL, trusted=True).world
    same = day_of(world, 4, SHORT, OTHER)
    assert {key.machine for key in same.names.values()} == {FULL, OTHER}
    after = day_of(same.world, 3, SHORT, FULL, OTHER)
    assert {key.machine for key in after.names.values()} == {"ws5?", FULL, OTHER}
    assert after.doubts == (("ws5", (FULL, OTHER)),)
    assert agents(same) < agents(after)


def test_a_process_started_under_the_short_name_is_known_under_the_full_one() -> None:
    world = day_of(World(), 5, SHORT).world
    beat = replace(reached("b.example", when=at(9, day=before(4)), who=None), host=FULL)
    world = closed(world, before(4), [beat], under=NAMED).world
    run = replace(CLAUDE, command_line=None)
    late = replace(reached("a.example", when=at(11, day=before(3)), who=run), host=FULL)
    outcome = closed(world, before(3), [late], under=NAMED)
    assert {(key.machine, key.arguments) for key in outcome.names.values()} == {(FULL, "--resume")}
