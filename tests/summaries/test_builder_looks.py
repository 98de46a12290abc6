"""The builder counts events of one look together: it must not show, whatever they differ in."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import BOUND, DAY, HOST, IDS, at
from leeway.agents import Actor
from leeway.config import Caps
from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    DeclaredAgent,
    EventRef,
    FileTouched,
    Heartbeat,
    ModuleLoaded,
    NameResolved,
    Process,
    ProcessEnded,
    ProcessStarted,
    ToolCalled,
    Value,
    identified,
    order,
)
from leeway.summaries import FACETS, Bound, Summary, SummaryBuilder, merge
from leeway.summaries.builder import Credits
from leeway.summaries.facet_table import MEASURES, tool_arguments
from leeway.summaries.summary import MEASURE_KEYS

CREDITS = (
    Credits(("near",)),
    Credits(("near", "far")),
    Credits(("near",), ("far",)),
    Credits((), ("far",)),
    Credits(("far",), ("near", "far")),
)
ACTORS = (
    Actor(HOST, "pip", "", "ana", "pip install a", ("pip",), "/usr/bin/pip"),
    Actor(HOST, "node", "", "ana", "node x.js 7", ("node",), "/usr/bin/node"),
)

TIMES = st.builds(lambda hour, second: at(hour) + timedelta(seconds=second), st.integers(0, 23), st.integers(0, 3))
PROCESSES = st.none() | st.builds(
    Process,
    image=st.sampled_from(["", "/usr/bin/git", "/x/liba.so"]),
    command_line=st.sampled_from([None, "", "git a", "git b", "git b 7", "git b 8"]),
)
DIGESTS = st.sampled_from([None, "AB", "ab", "cd"])


def _acts(kind: type[AnyEvent], **fields: st.SearchStrategy) -> st.SearchStrategy[AnyEvent]:
    users = st.sampled_from([None, "", "ana", "CORP\\Ana", "corp\\ana"])
    return st.builds(kind, time=TIMES, host=st.just(HOST), user=users, process=PROCESSES, **fields)


# Few values a field, so that many events differ in one field only.
EVENTS: st.SearchStrategy[AnyEvent] = st.one_of(
    _acts(ProcessStarted),
    _acts(ProcessEnded),
    _acts(Heartbeat),
    _acts(
        ConnectionOpened,
        destination=st.sampled_from(["a.example", "A.example.", "pypi.org", "192.0.2.7", "192.0.2.8", ""]),
        port=st.sampled_from([443, 50_000, 50_001]),
        address=st.sampled_from([None, "192.0.2.7", "192.0.2.9"]),
        outbound=st.booleans(),
        range=st.sampled_from([None, "", "cloud"]),
        bytes_out=st.sampled_from([None, 0, 5, 1 << 40]),
        bytes_in=st.sampled_from([None, 3]),
    ),
    _acts(NameResolved, name=st.sampled_from(["a.example", "b.example", "pypi.org", "192.0.2.7"])),
    _acts(ModuleLoaded, path=st.sampled_from(["/x/liba.so", "/x/libb.so.1"]), digest=DIGESTS, sha1=DIGESTS),
    _acts(
        FileTouched,
        path=st.sampled_from(["/m/a.gguf", "/m/b.gguf", "/srv/a.txt", "/srv/a1.txt"]),
        action=st.sampled_from(["read", "modified"]),
    ),
    _acts(
        ToolCalled,
        agent=st.just(DeclaredAgent(uid="bot", instance_uid="run")),
        tool=st.sampled_from(["t", "u"]),
        arguments=st.dictionaries(st.sampled_from("ab"), st.sampled_from(["v", "w"]), max_size=2),
        duration_us=st.sampled_from([None, 0, 9]),
    ),
).map(identified)

Counted = tuple[AnyEvent, Credits, Actor]
DAYS = st.lists(
    st.tuples(EVENTS, st.sampled_from(CREDITS), st.sampled_from(ACTORS)), max_size=40, unique_by=lambda one: one[0].id
)


def built(day: Sequence[Counted], bound: Bound = BOUND) -> dict[str, Summary]:
    builder = SummaryBuilder(DAY, bound)
    for event, credit, actor in day:
        builder.add(event, credit, lambda actor=actor: actor)  # type: ignore[misc]  # bound now
    return builder.summaries()


Seen = dict[tuple[str, str, Value], list[EventRef]]


def seen_by_rows(day: Sequence[Counted]) -> Seen:
    """Return what the rows of the table say, event by event: (agent, facet, value) to the events that show it."""
    seen: Seen = {}
    for event, credit, actor in day:
        shown = [(row.credit, row.facet, row.read(event, actor)) for row in FACETS if isinstance(event, row.event)]
        for to, facet, value in shown:
            if value is not None:
                for agent in credit.of(to):
                    seen.setdefault((agent, facet, value), []).append(order(event))
        for value in tool_arguments(event) if isinstance(event, ToolCalled) else ():
            for agent in credit.actor[:1]:
                seen.setdefault((agent, "tool_argument", value), []).append(order(event))
    return seen


@given(day=DAYS)
def test_every_value_is_seen_as_often_as_the_rows_say(day: Sequence[Counted]) -> None:
    found = {
        (agent, str(facet), value): sighting
        for agent, summary in built(day).items()
        for facet, values in summary.sightings.items()
        for value, sighting in values.items()
    }
    expected = seen_by_rows(day)
    assert {place: one.count for place, one in found.items()} == {place: len(refs) for place, refs in expected.items()}
    for place, one in found.items():
        refs = expected[place]
        assert (one.exemplar, one.first, one.last) == (min(refs), min(refs).time, max(ref.time for ref in refs))
        assert one.hours == sum({1 << ref.time.hour for ref in refs})


@given(day=DAYS)
def test_every_amount_is_added_up_as_the_rows_say(day: Sequence[Counted]) -> None:
    expected: dict[tuple[str, str, str], list[tuple[int, EventRef]]] = {}
    for event, credit, _ in day:
        for row in MEASURES:
            amount = row.read(event) if isinstance(event, row.event) else None
            for agent in credit.actor if amount is not None else ():
                expected.setdefault((agent, row.measure, row.key(event)), []).append((amount or 0, order(event)))
    found = {
        (agent, str(measure), key): totals
        for agent, summary in built(day).items()
        for measure, parts in summary.measures.items()
        for key, totals in parts.items()
    }
    assert found.keys() == expected.keys()
    for place, totals in found.items():
        amounts = expected[place]
        largest = max(amount for amount, _ in amounts)
        assert (totals.n, totals.total, totals.largest) == (len(amounts), sum(one for one, _ in amounts), largest)
        assert totals.exemplar == min(ref for amount, ref in amounts if amount == largest)
        by_hour = {hour: sum(one for one, ref in amounts if ref.time.hour == hour) for hour in totals.hours}
        assert totals.hours == by_hour
        assert sum(totals.bins.values()) == totals.n


TINY = Bound(Caps(values_per_facet=3, session_steps=2), IDS)


@pytest.mark.parametrize("bound", [pytest.param(BOUND, id="wide"), pytest.param(TINY, id="capped")])
@given(day=DAYS, cut=st.integers(0, 40))
def test_to_look_in_between_changes_nothing(bound: Bound, day: Sequence[Counted], cut: int) -> None:
    builder = SummaryBuilder(DAY, bound)
    for number, (event, credit, actor) in enumerate(day):
        if number == cut:
            assert builder.summaries() == built(day[:cut], bound)
        builder.add(event, credit, lambda actor=actor: actor)  # type: ignore[misc]  # bound now
    assert builder.summaries() == built(day, bound)


def test_a_flood_of_values_keeps_those_that_merging_keeps() -> None:
    events = [
        identified(
            ConnectionOpened(time=at(number % 24), host=HOST, destination=f"n{number}.example", port=1, bytes_out=1)
        )
        for number in range(2 * MEASURE_KEYS + 300)
    ]
    day = [(event, CREDITS[0], ACTORS[0]) for event in events]
    bound = Bound(Caps(values_per_facet=40), IDS)
    halves = built(day[:400], bound)["near"], built(day[400:], bound)["near"]
    assert built(day, bound) == {"near": merge(*halves, bound)}
