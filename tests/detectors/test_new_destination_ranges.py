"""New destinations at the level of named ranges: what is said, what is held back, and that nothing is taken back."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import (
    BOUND,
    CLAUDE,
    at,
    before,
    distinct,
    learnt,
    loaded,
    reached,
    reference_of,
    settled,
    summary_of,
    view_of,
)
from leeway.baselines import Baseline, Reference, promote
from leeway.baselines.promotion import Remarks
from leeway.config import LearningProfile, Settings
from leeway.correlation import flow_and_module
from leeway.detectors import View, judge
from leeway.detectors.new_destination import NewDestination
from leeway.events import AnyEvent, ConnectionOpened, Facet, Value
from leeway.findings import Held, Severity, Signal
from leeway.summaries import merge

INFO, LOW, MEDIUM = Severity.INFO, Severity.LOW, Severity.MEDIUM


def to(address: str, range_: str | None = None, port: int = 443, hour: int = 10) -> ConnectionOpened:
    return reached(address, port, at(hour), range=range_)


HOME = to("192.0.2.7", "cloud/home")
ROTATION = tuple(to(f"198.{18 + n}.1.7", "cloud/cdn") for n in range(4))
KNOWN = settled(HOME, *ROTATION)
UNNAMED = settled(*(to(one.destination) for one in (HOME, *ROTATION)))
"""The same history before any table was imported."""
WIDE = settled(*(to(f"198.51.{n}.7") for n in range(4)))
"""Four networks of one supernet, none named."""


SEEN_ONCE = learnt([*((before(n), [to("192.0.2.7")] * 9) for n in range(9, 1, -1)), (before(1), [to("203.0.113.9")])])


def said(own: Baseline | None, *today: AnyEvent) -> dict[Value, Severity]:
    return {one.value: one.severity for one in signals(own, *today)}


def signals(own: Baseline | None, *today: AnyEvent) -> list[Signal]:
    return list(NewDestination().judge(view_of(summary_of(today), reference_of(own))))


@dataclass(frozen=True)
class Story:
    name: str
    today: tuple[AnyEvent, ...]
    said: dict[Value, Severity]
    own: Baseline = KNOWN


NEW = ("203.0.0.0/16", "203.0.113.0/24")
RANGE = ("named range", "cloud/new")

STORIES = [
    Story("a new range with a new network", (to("203.0.113.9", "cloud/new"),), {RANGE: MEDIUM}),
    Story(
        "a new range with two new networks is one remark",
        (to("203.0.113.9", "cloud/new"), to("203.1.113.9", "cloud/new")),
        {RANGE: MEDIUM},
    ),
    Story("a new network of a range with one known", (to("203.0.113.9", "cloud/home"),), {NEW: LOW}),
    Story("quiet: a new network of a range with four known", (to("203.0.113.9", "cloud/cdn"),), {}),
    Story("a new network in no range", (to("203.0.113.9"),), {NEW: MEDIUM}),
    Story(
        "a new network partly in a range that rotates",
        (to("203.0.113.9", "cloud/cdn"), to("203.0.113.200")),
        {NEW: MEDIUM},
    ),
    Story(
        "a new network partly in a range with one known: by itself it is graver",
        (to("203.0.113.9", "cloud/home"), to("203.0.113.200")),
        {NEW: MEDIUM},
    ),
    Story(
        "a new network in two ranges: the graver holds",
        (to("203.0.113.9", "cloud/cdn"), to("203.0.113.200", "cloud/home")),
        {NEW: LOW},
    ),
    Story(
        "a new network in a new range and in none",
        (to("203.0.113.9", "cloud/new"), to("203.0.113.200")),
        {RANGE: MEDIUM, NEW: MEDIUM},
    ),
    Story("quiet: tables imported later", (HOME, *ROTATION), {}, own=UNNAMED),
    Story(
        "a new network on the day of the import", (HOME, to("203.0.113.9", "cloud/new")), {RANGE: MEDIUM}, own=UNNAMED
    ),
    Story(
        "a network seen once, named since",
        (to("203.0.113.9", "cloud/new"),),
        {NEW: INFO, (*NEW, "443"): INFO},
        own=SEEN_ONCE,
    ),
    Story("a network seen once, in no table", (to("203.0.113.9"),), {NEW: INFO, (*NEW, "443"): INFO}, own=SEEN_ONCE),
    Story("quiet: a supernet that rotates, tables imported later", (to("198.51.9.7", "cloud/new"),), {}, own=WIDE),
    Story("quiet: known", (HOME, *ROTATION), {}),
    Story(
        "a range of what stays local",
        (to("169.254.169.254", "cloud/metadata"),),
        {("named range", "cloud/metadata"): LOW},
    ),
    Story(
        "quiet: a named host is judged by its name",
        (reached("a.example", 443, address="203.0.113.9", range="x"),),
        {("a.example",): MEDIUM},
    ),
    Story(
        "a port never used where networks rotate",
        (to("203.0.113.9", "cloud/cdn", 4_444), to("203.1.113.9", "cloud/cdn", 4_444)),
        {("named range", "cloud/cdn", "4444"): MEDIUM},
    ),
    Story(
        "a port never used where networks do not rotate: the network speaks",
        (to("203.0.113.9", "cloud/home", 4_444),),
        {NEW: LOW},
    ),
    Story(
        "a port never used of a known network",
        (to("198.18.1.9", "cloud/cdn", 4_444),),
        {("198.18.0.0/16", "198.18.1.0/24", "4444"): MEDIUM},
    ),
    Story(
        "a range called like a domain",
        (to("203.0.113.9", "a.example"), reached("a.example")),
        {("named range", "a.example"): MEDIUM, ("a.example",): MEDIUM},
    ),
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_stories_of_ranges(story: Story) -> None:
    assert said(story.own, *story.today) == story.said


def test_a_range_tells_of_its_new_networks_only() -> None:
    today = (
        to("192.0.2.9", "cloud/new", hour=3),
        to("203.1.113.9", "cloud/new", hour=9),
        to("203.0.113.9", "cloud/new", hour=11),
    )
    (one,) = signals(UNNAMED, *today)
    assert [str(fact) for fact in one.evidence] == [
        "named range: cloud/new (expected: one of 0 known)",
        "networks of it: 203.0.113.0/24, 203.1.113.0/24 (expected: networks that the agent knows)",
    ]
    assert (one.first, one.last, one.hours) == (at(9), at(11), 1 << 9 | 1 << 11)
    assert one.event_ids == (today[1].id,)
    assert one.held == (
        Held(Facet.NAMED_RANGE, ("cloud/new",)),
        Held(Facet.NETWORK, NEW),
        Held(Facet.NETWORK, ("203.1.0.0/16", "203.1.113.0/24")),
    )


def test_a_port_of_a_range_holds_every_network_it_was_new_for() -> None:
    (one,) = signals(KNOWN, to("203.0.113.9", "cloud/cdn", 4_444), to("203.1.113.9", "cloud/cdn", 4_444, hour=12))
    assert str(one.evidence[0]) == "port: 4444 in cloud/cdn (expected: a port that the agent uses)"
    assert one.held == (
        Held(Facet.NETWORK_PORT, (*NEW, "4444")),
        Held(Facet.NETWORK_PORT, ("203.1.0.0/16", "203.1.113.0/24", "4444")),
    )
    assert (one.first, one.last, one.hours) == (at(10), at(12), 1 << 10 | 1 << 12)


def test_the_evidence_of_many_networks_is_cut() -> None:
    (one,) = signals(KNOWN, *(to(f"203.{n}.113.9", "cloud/new") for n in range(7)))
    assert one.evidence[1].seen.endswith(", 203.3.113.0/24 and 3 more")
    assert len(one.held) == 8


def closed(own: Baseline, today: tuple[AnyEvent, ...], number: int) -> Baseline:
    """Return the baseline after a judged day, so many days after the first one."""
    day = before(-number)
    summary = summary_of(today, day)
    view = view_of(summary, reference_of(own, day=day))
    held = {one: signal.severity for signal in judge([NewDestination()], view) for one in signal.held}
    return promote(own, own.key, summary, Remarks(held), Settings())


def test_nothing_of_an_open_case_is_learnt() -> None:
    new = (to("203.0.113.9", "cloud/new"), to("203.1.113.9", "cloud/home"))
    after = closed(KNOWN, (HOME, *new), 0)
    assert set(after.values(Facet.NETWORK)) == set(KNOWN.values(Facet.NETWORK))
    assert set(after.values(Facet.NAMED_RANGE)) == {("cloud/home",), ("cloud/cdn",)}
    assert set(after.values(Facet.NAMED_NETWORK)) == set(KNOWN.values(Facet.NAMED_NETWORK))
    assert set(after.pending[Facet.NAMED_NETWORK]) == {("cloud/new", NEW[1]), ("cloud/home", "203.1.113.0/24")}


def test_networks_under_review_do_not_make_a_range_rotate() -> None:
    own = KNOWN
    for number in range(4):
        today = (to(f"203.{number}.113.9", "cloud/home"),)
        assert list(said(own, *today).values()) == [LOW]
        own = closed(own, today, number)
    assert list(said(own, to("203.9.113.9", "cloud/home")).values()) == [LOW]


def test_names_of_known_networks_are_learnt_after_an_import() -> None:
    after = closed(UNNAMED, (HOME, *ROTATION), 0)
    assert set(after.values(Facet.NAMED_RANGE)) == {("cloud/home",), ("cloud/cdn",)}
    day = before(-1)
    view = view_of(summary_of([to("203.0.113.9", "cloud/cdn")], day), reference_of(after, day=day))
    assert list(NewDestination().judge(view)) == []


def test_a_range_joins_with_a_new_module() -> None:
    view = view_of(summary_of((to("203.0.113.9", "cloud/new"), loaded("/x/x.so", at(10)))), reference_of(KNOWN))
    found = list(NewDestination().judge(view))
    module = Signal(
        **{
            **{name: getattr(found[0], name) for name in found[0].__struct_fields__},
            "type": "new_module",
            "value": ("x.so",),
        }
    )
    pair = flow_and_module([*found, module], (), view)
    assert pair is not None
    assert (pair.severity, pair.evidence[0].seen) == (Severity.HIGH, "cloud/new")
    assert set(found[0].held) <= set(pair.held)


ADDRESSES = (*(f"198.51.{n}.7" for n in range(6)), "203.0.113.7", "203.0.113.200", "127.0.0.1", "a.example")
RANGES = (None, "r/a", "r/b", "r/c")


def days() -> st.SearchStrategy[list[AnyEvent]]:
    """One agent's connections over few addresses and ranges, so that they overlap in every way."""
    event = st.builds(
        reached,
        st.sampled_from(ADDRESSES),
        st.sampled_from((443, 4_444)),
        st.builds(at, st.integers(0, 23)),
        st.just(CLAUDE),
        range=st.sampled_from(RANGES),
        outbound=st.sampled_from((True, True, False)),
    )
    return st.lists(event, max_size=14).map(distinct)


@st.composite
def references(draw: st.DrawFn) -> Reference:
    """Any reference: unknown, learning, settled, with values new, rare and established."""
    past = draw(st.lists(days(), max_size=4))
    own = learnt([(before(n), one) for n, one in enumerate(past, 1)][::-1]) if past else None
    profile = LearningProfile(learning_days=draw(st.sampled_from((0, 7))), established_days=draw(st.integers(1, 3)))
    return reference_of(own, profile=profile)


def gravest(view: View) -> dict[Value, Severity]:
    found: dict[Value, Severity] = {}
    for one in NewDestination().judge(view):
        found[one.value] = max(one.severity, found.get(one.value, one.severity))
    return found


@settings(max_examples=300)
@given(reference=references(), s=days().filter(bool), t=days())
def test_a_remark_about_ranges_is_never_taken_back(reference: Reference, s: list[AnyEvent], t: list[AnyEvent]) -> None:
    part, rest = summary_of(s), summary_of([event for event in t if event not in s])
    early, late = view_of(part, reference), view_of(merge(part, rest, BOUND), reference)
    before_, after = gravest(early), gravest(late)
    assert before_.keys() <= after.keys()
    assert {value: severity for value, severity in before_.items() if after[value] < severity} == {}
    held = {value: set() for value in before_}
    for one in NewDestination().judge(early):
        held[one.value] |= set(one.held)
    for one in NewDestination().judge(late):
        held.get(one.value, set()).difference_update(one.held)
    assert not any(held.values())


@settings(max_examples=300)
@given(reference=references(), today=days().filter(bool))
def test_values_are_remarked_once_and_ranges_only_with_new_networks(
    reference: Reference, today: list[AnyEvent]
) -> None:
    view = view_of(summary_of(today), reference)
    found = list(NewDestination().judge(view))
    assert len({one.value for one in found}) == len(found)
    for one in found:
        if one.value[0] == "named range" and len(one.value) == 2:
            networks = [held.value for held in one.held if held.facet is Facet.NETWORK]
            assert networks
            assert all(
                value not in (reference.own.values(Facet.NETWORK) if reference.own else ()) for value in networks
            )


@settings(max_examples=200)
@given(reference=references(), today=days().filter(bool))
def test_without_tables_ranges_change_nothing(reference: Reference, today: list[AnyEvent]) -> None:
    # What a table may silence is a new network: every other remark is as it is without one.
    bare = [reached(one.destination, one.port, one.time, outbound=one.outbound) for one in today]  # type: ignore[union-attr]  # connections
    named, plain = said_of(reference, today), said_of(reference, bare)
    networks = {value for value in plain if len(value) == 2 and "/" in value[1]}
    assert {value: plain[value] for value in plain.keys() - networks} == {
        value: severity for value, severity in named.items() if value[0] != "named range" and value not in networks
    }


def said_of(reference: Reference, today: list[AnyEvent]) -> dict[Value, Severity]:
    return gravest(view_of(summary_of(today), reference))
