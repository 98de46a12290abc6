"""The live path says what the reference says, whatever came, in which order and in which batches."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache, partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import (
    BASH,
    CLAUDE,
    DAY,
    at,
    before,
    called,
    closed,
    days_of,
    loaded,
    process,
    reached,
    redated,
    started,
    terms,
    touched,
    week,
)
from leeway.agents import Attribution, Hosts
from leeway.baselines.packed import PackedBaselines
from leeway.config import Policy, parse_scope
from leeway.config.policy import Rule
from leeway.engines.live import LiveDay
from leeway.errors import InvalidEventError
from leeway.events import AnyEvent, Facet, Process, ProcessEnded, identified, order
from leeway.findings import Finding
from leeway.pipeline import DayEvents, Terms, World, close_day
from leeway.summaries import Summary, summarise
from mixed_days import FULL, OTHER, SETTINGS, SHORT, learnt_week, mixed, shuffled

PASTS = {"nothing": (), "short": (SHORT, "desk"), "both": (SHORT, FULL, "ci-7"), "doubted": (SHORT, FULL, OTHER)}
"""Names under which the hosts were known in the week that was learnt."""

TERMS = {
    "evidence": terms(settings=SETTINGS),
    "all": terms(settings=replace(SETTINGS, scope=parse_scope("all"))),
    "rules": terms(settings=SETTINGS, policy=Policy(rules=(Rule(agent="claude*", processes=("git", "bash")),))),
    "capped": terms(
        settings=replace(SETTINGS, caps=replace(SETTINGS.caps, values_per_facet=3, shapes=2, session_steps=2))
    ),
}

Told = dict[str, tuple[object, ...]]


@cache
def known(past: str, under: str) -> World:
    world = World()
    events = learnt_week(PASTS[past])
    for number in range(8, 0, -1):
        day = before(number)
        world = closed(world, day, trusted=[one for one in events if one.time.date() == day], under=TERMS[under]).world
    return world


def summarised(world: World, events: Sequence[AnyEvent], under: Terms) -> dict[str, Summary]:
    """Return the fold's summaries under its attribution of all events."""
    hosts = Hosts(world.hosts, under.settings.aliases)
    hosts.take_over((key.machine for key in world.registry), {event.host for event in events})
    ordered = sorted(hosts.renamed(events), key=order)
    return summarise(DAY, ordered, Attribution(ordered, world.known(hosts), under.attribution), under.bound)


def expected(world: World, events: Sequence[AnyEvent], under: Terms) -> list[Finding]:
    return list(close_day(world, DayEvents(DAY, tuple(events)), under, is_final=False).findings)


def fresh(told: Told, findings: Sequence[Finding]) -> set[str]:
    """Return the ids of those that are new or say something else than before, and remember them."""
    said: Told = {one.finding_id: (one.severity, one.evidence) for one in findings}
    new = {one for one, what in said.items() if told.get(one) != what}
    told.update(said)
    return new


def check(world: World, arriving: Sequence[AnyEvent], cuts: Sequence[int], under: Terms) -> LiveDay:
    """Hold a day to the reference after every batch, and return it."""
    live = LiveDay(world, under, DAY)
    lean = LiveDay(world, under, DAY, replay=lambda: arriving)
    told: Told = {}
    edges = [0, *sorted(min(cut, len(arriving)) for cut in cuts), len(arriving)]
    for start, end in pairwise(edges):
        news = live.feed(arriving[start:end])
        events = list({event.id: event for event in reversed(arriving[:end])}.values())
        findings = expected(world, events, under)
        assert {one.finding_id for one in news} == fresh(told, findings)
        assert [one.finding_id for one in lean.feed(arriving[start:end])] == [one.finding_id for one in news]
        assert live.findings() == lean.findings() == findings
        assert live.summaries() == summarised(world, events, under)
    return live


CUTS = st.lists(st.integers(0, 20), max_size=4)


@pytest.mark.parametrize("under", TERMS)
@pytest.mark.parametrize("past", PASTS)
@given(events=st.lists(mixed(DAY), max_size=14), seed=st.integers(0, 1 << 30), cuts=CUTS)
def test_days_of_any_hosts(past: str, under: str, events: list[AnyEvent], seed: int, cuts: list[int]) -> None:
    check(known(past, under), shuffled(events, seed), cuts, TERMS[under])


# Sensors that name processes by ids of their own: nothing is ever started over.

RUN = Process(image=CLAUDE.image, uid="c2", command_line="claude --resume")
OTHER_RUN = Process(image=CLAUDE.image, uid="c3", command_line="claude --print x")
BOT = process("python3", "p1", line="python3 bot.py")
SHELL = Process(image="/bin/bash", uid="s1", command_line="bash -c 'git status'")
GIT = process("git", "g1", line="git status")
CODEX = process("codex", "x1", line="codex exec")
RUNS = (CLAUDE, RUN, OTHER_RUN, BOT, SHELL, GIT, CODEX, BASH)

USUAL = [
    started(CLAUDE, BASH, at(8), user="ana"),
    *(reached("api.anthropic.com", when=at(9, n), bytes_out=1_000) for n in range(10)),
    started(GIT, CLAUDE, at(10), user="ana"),
    loaded("/lib/libssl.so.3", at(9)),
    touched("/srv/a/one.txt", when=at(9), user="ana"),
    called("search", at(9)),
]
WORLDS = {"settled": week(USUAL), "learning": week(USUAL, days=3), "new": World()}


MODULES = ("/lib/libssl.so.3", "/x/x.so", "/opt/_tiktoken.abi3.so", "/opt/git", CLAUDE.image)
FILES = ("/srv/a/one.txt", "/srv/a/two.txt", "/srv/m.gguf", "/srv/m.h5", "/srv/m.h6", "/srv/m1.h5", "/srv/m1.h6")
"""Those that end in a number are one to look at, but only with a 5 it is a model's."""


def named() -> st.SearchStrategy[Process]:
    """A process as later events name it: by its id, its image, and sometimes its command line."""
    bare = st.sampled_from(RUNS).map(lambda one: Process(image=one.image, uid=one.uid))
    return st.one_of(bare, bare, st.sampled_from(RUNS))


def acts() -> st.SearchStrategy[AnyEvent]:
    """One act of a process that the sensor names by an id."""
    shared = {"when": st.builds(partial(at, day=DAY), st.integers(0, 23), st.sampled_from((0, 20, 59)))}
    shared["user"] = st.sampled_from(("ana", "ana", "root", None))
    places = ("api.anthropic.com", "api.openai.com", "x.example", "www.x.example", "192.0.2.7", "pypi.org")
    who = {"who": named(), **shared}
    sent = st.sampled_from((None, 0, 900, 1 << 21, 1 << 40))
    return st.one_of(
        st.builds(started, st.sampled_from(RUNS), st.none() | named(), digest=st.sampled_from((None, "ab")), **shared),
        st.builds(reached, st.sampled_from(places), st.sampled_from((443, 22)), bytes_out=sent, **who),
        st.builds(loaded, st.sampled_from(MODULES), **who),
        st.builds(touched, st.sampled_from(FILES), st.sampled_from(("modified", "read")), **who),
        st.builds(called, st.just("search"), at_hours(), instance_uid=st.sampled_from(("", "r1")), process=named()),
        st.builds(
            lambda when, process: identified(ProcessEnded(time=when, host="h1", process=process)), at_hours(), named()
        ),
    )


def at_hours() -> st.SearchStrategy[object]:
    return st.builds(partial(at, day=DAY), st.integers(0, 23))


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("under", TERMS)
@given(events=st.lists(acts(), max_size=16), seed=st.none() | st.integers(0, 1 << 30), cuts=CUTS)
def test_days_of_processes_with_ids(
    world: str, under: str, events: list[AnyEvent], seed: int | None, cuts: list[int]
) -> None:
    arriving = sorted(events, key=order) if seed is None else shuffled(events, seed)
    check(WORLDS[world], arriving, cuts, TERMS[under])


@given(events=days_of(), cuts=CUTS)
def test_days_of_one_agent(events: list[AnyEvent], cuts: list[int]) -> None:
    check(WORLDS["settled"], [started(RUN, BASH, at(0), user="ana"), *events], cuts, TERMS["evidence"])


def test_an_orderly_feed_is_never_started_over() -> None:
    children = [process("git", f"g{n}", line=f"git commit -m {n:x}") for n in range(40)]
    day = [started(RUN, BASH, at(8), user="ana")]
    for number, child in enumerate(children):
        moment = at(9) + timedelta(minutes=number)
        bare = Process(image=child.image, uid=child.uid)
        day += [
            started(child, RUN, moment, user="ana"),
            reached(f"h{number}.x.example", when=moment, who=bare, user="ana"),
            touched("/srv/a/one.txt", when=moment, who=bare),
            identified(ProcessEnded(time=moment, host="h1", process=child)),
        ]
    live = check(WORLDS["settled"], day, range(0, len(day), 7), TERMS["evidence"])
    assert (live.restarts, live.moves) == (0, 0)
    assert [len(live.judge_one(event)) for event in day[:5]] == [0] * 5, "each came before"


@pytest.mark.parametrize(
    ("events", "restarts", "moves"),
    [
        pytest.param([reached("x.example", who=BOT), started(BOT, RUN, at(9))], 0, 1, id="a start behind its acts"),
        pytest.param(
            [
                started(BOT, None, at(9)),
                reached("x.example", who=BOT),
                loaded("/opt/_tiktoken.abi3.so", at(11), BOT),
                reached("api.openai.com", when=at(12), who=BOT),
            ],
            0,
            1,
            id="an agent by what it does later",
        ),
        pytest.param([reached("x.example", who=Process(image="/bin/nc", pid=7))], 1, 0, id="named by its number"),
        pytest.param(
            [started(BOT, None, at(9)), started(process("python3", "p1", line="python3 other.py"), None, at(8))],
            1,
            0,
            id="two starts that differ, the first one late",
        ),
        pytest.param(
            [started(BOT, None, at(8)), started(process("python3", "p1", line="python3 other.py"), None, at(9))],
            0,
            0,
            id="two starts that differ, in their order",
        ),
    ],
)
def test_what_an_event_may_change(events: list[AnyEvent], restarts: int, moves: int) -> None:
    live = check(WORLDS["settled"], events, range(len(events)), TERMS["evidence"])
    assert (live.restarts, live.moves) == (restarts, moves)


@pytest.mark.parametrize("paths", [("/srv/m.h5", "/srv/m.h6"), ("/srv/m.h6", "/srv/m.h5")], ids="-".join)
def test_files_that_differ_in_a_number_only(paths: tuple[str, str]) -> None:
    start = started(RUN, BASH, at(8), user="ana")
    live = check(WORLDS["settled"], [start, *(touched(path, who=RUN) for path in paths)], (1, 2), TERMS["evidence"])
    (summary,) = live.summaries().values()
    counts = {
        facet: [one.count for one in summary.sightings[facet].values()] for facet in (Facet.FILE, Facet.MODEL_FILE)
    }
    assert counts == {Facet.FILE: [2], Facet.MODEL_FILE: [1]}


def test_one_event_at_a_time() -> None:
    live = LiveDay(WORLDS["settled"], TERMS["evidence"], DAY)
    new = reached("x.example", who=RUN)
    assert live.judge_one(started(RUN, BASH, at(8), user="ana")) == []
    (said,) = live.judge_one(new)
    assert (said.type, said.value, said.is_final) == ("new_destination", ("x.example",), False)
    assert live.judge_one(new) == [], "it came before"
    assert live.judge_one(reached("x.example", when=at(11), who=RUN)) == [], "it was told before"


def test_baselines_may_be_packed_beforehand() -> None:
    world, under = WORLDS["settled"], TERMS["evidence"]
    packed = PackedBaselines(world.baselines.values(), under.ids, under.settings.profile)
    events = [started(RUN, BASH, at(8), user="ana"), *redated(USUAL, DAY), reached("x.example", who=RUN)]
    one, other = LiveDay(world, under, DAY, packed), LiveDay(world, under, DAY)
    assert one.feed(events) == other.feed(events) != []


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(redated([reached("x.example")], before(1))[0], id="of another day"),
        pytest.param(replace(reached("x.example"), id=""), id="without an id"),
    ],
)
def test_events_that_are_not_the_days(event: AnyEvent) -> None:
    live = LiveDay(WORLDS["new"], TERMS["all"], DAY)
    with pytest.raises(InvalidEventError, match="has no id or is not of 2026-03-09"):
        live.feed([reached("a.example"), event])
    assert len(live.summaries()) == 1
