"""Process instances and their lineage: reused pids, two sensors, unseen starts, chains and loops."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import pairwise, permutations
from typing import Any

import pytest

from builders import BASH, CLAUDE, HOST, at, loaded, process, reached, started, touched
from leeway.agents import Instance, InstanceKey, Lineage
from leeway.agents.instances import DEPTH
from leeway.events import AnyEvent, Process, ProcessEnded, identified, order


def lineage(*events: AnyEvent, carried: dict[InstanceKey, Instance] | None = None) -> Lineage:
    return Lineage(carried or {}, sorted(events, key=order))


def ended(who: Process, hour: int, minute: int = 0) -> ProcessEnded:
    return identified(ProcessEnded(time=at(hour, minute), host=HOST, process=who))


def by_pid(name: str, pid: int, **more: object) -> Process:
    return process(name, pid=pid, **more)  # type: ignore[arg-type]  # fields


def acted(known: Lineage, event: AnyEvent) -> str:
    key = known.actor(event)
    return "" if key is None else key.local


def chain(known: Lineage, event: AnyEvent) -> list[str]:
    key = known.actor(event)
    return [] if key is None else [one.local for one in known.ancestors(key)]


def test_a_sensors_own_id_names_the_instance() -> None:
    event = reached("a.example", who=CLAUDE)
    known = lineage(event)
    assert known.actor(event) == InstanceKey(HOST, "c1")
    assert known[InstanceKey(HOST, "c1")].image == CLAUDE.image


def test_an_event_without_a_process_has_no_actor() -> None:
    assert lineage(event := reached("a.example", who=None)).actor(event) is None


SERVER = by_pid("python3", 7, line="python3 serve.py")
FIRST, SECOND = started(SERVER, when=at(8)), started(by_pid("python3", 7, line="python3 train.py"), when=at(12))


@pytest.mark.parametrize(
    ("hour", "name", "local"),
    [
        pytest.param(9, "python3", "7@2026-03-09T08:00:00+00:00", id="the first run"),
        pytest.param(11, "python3", "7@python3", id="after the first run's end: its start was not seen"),
        pytest.param(13, "python3", "7@2026-03-09T12:00:00+00:00", id="the second run"),
        pytest.param(9, "git", "7@git", id="another program: the start was not seen"),
        pytest.param(7, "python3", "7@python3", id="before the first start"),
    ],
)
def test_a_reused_pid_names_the_run_of_its_time(hour: int, name: str, local: str) -> None:
    event = reached("a.example", when=at(hour), who=Process(image=f"/usr/bin/{name}", pid=7))
    assert acted(lineage(FIRST, ended(SERVER, 10), SECOND, event), event) == local


def test_a_late_event_of_an_ended_run_is_still_its_own_within_the_tolerance() -> None:
    events = [
        reached("a.example", when=at(10) + timedelta(seconds=seconds), who=Process(image="python3", pid=7))
        for seconds in (2, 3)
    ]
    known = lineage(FIRST, ended(SERVER, 10), *events)
    assert [acted(known, event) for event in events] == ["7@2026-03-09T08:00:00+00:00", "7@python3"]


@pytest.mark.parametrize(
    ("apart", "instances"),
    [
        pytest.param(0.0, 1, id="at once"),
        pytest.param(1.9, 1, id="within the tolerance"),
        pytest.param(-1.9, 1, id="the other first"),
        pytest.param(2.1, 2, id="another start"),
        pytest.param(-2.1, 2, id="another start before"),
    ],
)
def test_two_sensors_that_report_one_start_name_one_instance(apart: float, instances: int) -> None:
    sysmon = started(Process(image=r"C:\x\claude.exe", pid=7, uid="{guid}", command_line="claude --resume"), when=at(8))
    security = started(Process(image=r"C:\X\CLAUDE.EXE", pid=7), when=at(8) + timedelta(seconds=apart), user="ana")
    known = lineage(sysmon, security)
    assert len(list(known.instances())) == instances
    if instances == 1:
        (one,) = known.instances()
        assert (one.key.local, one.command_line, one.user) == ("{guid}", "claude --resume", "ana")


def test_a_process_that_is_named_with_its_start_is_found_by_it() -> None:
    start = started(by_pid("claude", 7), when=at(8))
    event = touched("/x", when=at(9), who=Process(image="claude", pid=7, started=at(8) + timedelta(seconds=1)))
    other = touched("/x", when=at(9), who=Process(image="claude", pid=7, started=at(7)))
    known = lineage(start, event, other)
    assert acted(known, event) == acted(known, start)
    assert acted(known, other) == "7@2026-03-09T07:00:00+00:00"


def test_a_process_without_pid_or_id_goes_by_its_name() -> None:
    event = touched("/x", who=Process(image="/opt/Claude"))
    assert acted(lineage(event), event) == "@claude"


def test_an_instance_of_a_closed_day_is_known_again() -> None:
    start = started(by_pid("claude", 7), when=at(8), unit="agents.service")
    event = reached("a.example", when=at(8) + timedelta(days=3), who=Process(image="claude", pid=7))
    carried = {one.key: one for one in lineage(start).instances()}
    later = lineage(event, carried=carried)
    (one,) = later.instances()
    assert (one.key, one.unit, one.last_day) == (next(iter(carried)), "agents.service", event.time.toordinal())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("user", "ana", id="user"),
        pytest.param("unit", "u.service", id="unit"),
        pytest.param("digest", "ab", id="digest"),
    ],
)
def test_the_start_teaches_what_an_earlier_event_left_out(field: str, value: str) -> None:
    seen = touched("/x", when=at(8), who=Process(image="claude", uid="c1", command_line="claude", started=at(7)))
    (one,) = lineage(seen, started(CLAUDE, when=at(9), **{field: value})).instances()
    assert getattr(one, field) == value
    assert (one.started, one.command_line) == (at(7), "claude")


def test_loading_the_own_image_tells_its_digest() -> None:
    own = loaded("/USR/local/bin/claude", digest="ABCD", user="ana")
    (one,) = lineage(own, loaded("/lib/x.so", digest="EF")).instances()
    assert (one.digest, one.user) == ("abcd", "ana")


# Lineage


def test_parents_are_known_whatever_came_first() -> None:
    events = [
        started(BASH, when=at(8)),
        started(CLAUDE, BASH, when=at(9)),
        started(process("git", "g1"), CLAUDE, when=at(10)),
        reached("a.example", when=at(11), who=process("git", "g1")),
    ]
    for order_of_arrival in permutations(events):
        known = lineage(*order_of_arrival)
        assert chain(known, events[3]) == ["c1", "b1"]


def test_a_parent_whose_clock_is_late_is_found_all_the_same() -> None:
    parent = started(by_pid("bash", 5, line="bash -l"), when=at(8) + timedelta(seconds=1))
    child = started(by_pid("git", 6), Process(image="/usr/bin/bash", pid=5), when=at(8))
    known = lineage(parent, child)
    assert chain(known, child) == ["5@2026-03-09T08:00:01+00:00"]


def test_an_unseen_parent_is_an_instance_with_what_its_child_said() -> None:
    child = started(process("git", "g1"), Process(image="/bin/bash", uid="b9", command_line="bash -c git"))
    known = lineage(child)
    assert chain(known, child) == ["b9"]
    assert known[InstanceKey(HOST, "b9")].command_line == "bash -c git"


def test_a_process_is_not_its_own_parent() -> None:
    event = started(CLAUDE, CLAUDE)
    assert chain(lineage(event), event) == []


@pytest.mark.parametrize("size", [2, 3, 50])
def test_a_loop_of_parents_ends(size: int) -> None:
    ring = [process(f"p{n}", f"u{n}") for n in range(size)]
    events = [started(one, ring[n - 1], when=at(9, n % 60)) for n, one in enumerate(ring)]
    assert len(chain(lineage(*events), events[0])) == min(size - 1, DEPTH)


def test_a_chain_is_followed_to_a_depth() -> None:
    row = [process(f"p{n}", f"u{n}") for n in range(60)]
    events = [started(child, parent, when=at(9, n)) for n, (parent, child) in enumerate(pairwise(row))]
    assert chain(lineage(*events), events[-1]) == [f"u{n}" for n in range(58, 58 - DEPTH, -1)]
    assert DEPTH == 32


def test_hosts_are_apart() -> None:
    here, there = reached("a.example", who=CLAUDE), reached("a.example", who=CLAUDE, host="h2")
    known = lineage(here, there)
    assert known.actor(here) != known.actor(there)


def test_evidence_only_grows() -> None:
    known = lineage(start := started(CLAUDE))
    key = known.actor(start)
    assert key is not None
    known.grow(key, frozenset({"a"}))
    known.grow(key, frozenset({"b"}))
    known.grow(key, frozenset())
    assert known[key].evidence == {"a", "b"}


@pytest.mark.parametrize(
    ("first", "later", "known"),
    [
        pytest.param({"image": ""}, {"image": "/usr/bin/git"}, "/usr/bin/git", id="image, which the first left out"),
        pytest.param({"pid": None}, {"pid": 7}, 7, id="pid, which the first left out"),
        pytest.param({"image": "/usr/bin/a"}, {"image": "/usr/bin/b"}, "/usr/bin/a", id="image, told twice"),
        pytest.param({"pid": 7}, {"pid": 8}, 7, id="pid, told twice"),
        pytest.param({"command_line": None}, {"command_line": "git"}, "git", id="command line, left out"),
        pytest.param({"command_line": ""}, {"command_line": "git"}, "", id="command line, told to be empty"),
        pytest.param({"sha1": None}, {"sha1": "AB"}, "ab", id="digest"),
    ],
)
@pytest.mark.parametrize("begun", [started, partial(reached, "a.example")], ids=["start", "act"])
def test_of_each_fact_the_first_that_says_it_is_believed(
    first: dict[str, Any], later: dict[str, Any], known: object, begun: Callable[..., AnyEvent]
) -> None:
    told = {"uid": "g1", "image": "/usr/bin/git", "pid": 7, "command_line": "git", "started": at(8)}
    one, other = Process(**{**told, **first}), Process(**{**told, **later})
    again = (reached("a.example", when=at(hour), who=who) for hour, who in ((9, other), (10, one)))
    found = lineage(begun(who=one, when=at(8)), *again)
    (name,) = first
    assert getattr(found[InstanceKey(HOST, "g1")], name) == known
