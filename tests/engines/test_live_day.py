"""The live path says what the reference says, whatever came in which order and in which batches."""

from collections.abc import Sequence
from functools import cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import BASH, CLAUDE, DAY, at, before, closed, days_of, process, reached, started, terms, week
from leeway.agents import Attribution, Hosts
from leeway.config import Policy, parse_scope
from leeway.config.policy import Rule
from leeway.engines.live import LiveDay
from leeway.events import AnyEvent, Process, order
from leeway.findings import Finding
from leeway.pipeline import DayEvents, Terms, World, close_day
from leeway.summaries import Summary, summarise
from mixed_days import FULL, OTHER, SETTINGS, SHORT, learnt_week, mixed, shuffled

PASTS = {"none": (), "short": (SHORT, "desk"), "both": (SHORT, FULL, "ci-7"), "doubted": (SHORT, FULL, OTHER)}
RULES = Policy(rules=(Rule(agent="claude*", processes=("git", "bash")),))
TERMS = {
    "evidence": terms(settings=msgspec.structs.replace(SETTINGS, scope=parse_scope("evidence"))),
    "all": terms(settings=msgspec.structs.replace(SETTINGS, scope=parse_scope("all"))),
    "rules": terms(settings=SETTINGS, policy=RULES),
    "capped": terms(settings=msgspec.structs.replace(SETTINGS, caps=msgspec.structs.replace(SETTINGS.caps, values_per_facet=3, shapes=2, session_steps=2))),
}


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


def said(world: World, events: Sequence[AnyEvent], under: Terms) -> list[Finding]:
    return list(close_day(world, DayEvents(DAY, tuple(events)), under, is_final=False).findings)


def news(told: dict, findings: Sequence[Finding]) -> set[str]:
    """Return the ids of those that are new or say something else, and remember them."""
    fresh = {one.finding_id for one in findings if told.get(one.finding_id) != (one.severity, one.evidence)}
    told.update({one.finding_id: (one.severity, one.evidence) for one in findings})
    return fresh


def check(world: World, arriving: Sequence[AnyEvent], cuts: Sequence[int], under: Terms) -> LiveDay:
    """Hold a day to the reference after every batch."""
    live = LiveDay(world, under, DAY)
    told: dict = {}
    edges = [0, *sorted(min(cut, len(arriving)) for cut in cuts), len(arriving)]
    for start, end in zip(edges, edges[1:], strict=False):
        fresh = live.feed(arriving[start:end])
        events = list({event.id: event for event in reversed(arriving[:end])}.values())
        expected = said(world, events, under)
        assert {one.finding_id for one in fresh} == news(told, expected)
        assert live.findings() == expected
        assert live.summaries() == summarised(world, events, under)
    return live


@pytest.mark.parametrize("under", TERMS)
@pytest.mark.parametrize("past", PASTS)
@given(
    events=st.lists(mixed(DAY), max_size=14),
    seed=st.integers(0, 1 << 30),
    cuts=st.lists(st.integers(0, 20), max_size=4),
)
def test_mixed_days(past: str, under: str, events: list[AnyEvent], seed: int, cuts: list[int]) -> None:
    check(known(past, under), shuffled(events, seed), cuts, TERMS[under])
