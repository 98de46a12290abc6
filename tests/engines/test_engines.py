"""Every engine equals the fold: the three verbs, value by value."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import BOUND, DAY, HOST, IDS, before, days_of, learnt, reference_of
from engine_days import Cast, act
from leeway.agents import Actor, Attribution, Known, Rules, catalogue
from leeway.baselines import compare
from leeway.config import Resources, parse_scope
from leeway.engines import DEFAULT, ENGINES, DuckDb, Fold, engine_named
from leeway.engines.duckdb.readings import RARE, READINGS, Meaning, Reading, is_rare, meanings, uncovered
from leeway.engines.duckdb.roll_up import HOUR_US
from leeway.errors import InvalidConfigError
from leeway.events import AnyEvent, Facet, Value, order, row_of
from leeway.pipeline import Verbs
from leeway.summaries import merge, summarise
from leeway.summaries.facet_table import tool_arguments
from strategies import events

MADE = (Fold(), DuckDb(small=0), DuckDb())
"""Every engine; of DuckDB's, one that groups the smallest day in tables, and one that leaves it to the fold."""

each = pytest.mark.parametrize("engine", MADE, ids=("fold", "duckdb", "duckdb-small"))


def attributed(events: list[AnyEvent]) -> Attribution:
    rules = Rules(catalogue(), parse_scope("all"), 64, IDS)
    return Attribution(sorted(events, key=order), Known({}, {}, {}), rules)


@each
@given(events=days_of())
def test_an_engine_summarises_as_the_fold_does(engine: Verbs, events: list[AnyEvent]) -> None:
    expected = summarise(DAY, events, attributed(events), BOUND)
    assert engine.summarise(DAY, events, attributed(events), BOUND) == expected
    assert engine.summarise(DAY, events[::-1], attributed(events), BOUND) == expected


@each
@given(one=days_of(), other=days_of())
def test_an_engine_merges_as_the_fold_does(engine: Verbs, one: list[AnyEvent], other: list[AnyEvent]) -> None:
    first, second = (summarise(DAY, part, attributed(part), BOUND) for part in (one, other))
    for agent in first.keys() & second.keys():
        assert engine.merge(first[agent], second[agent], BOUND) == merge(first[agent], second[agent], BOUND)


@each
@given(past=days_of(), today=days_of())
def test_an_engine_compares_as_the_fold_does(engine: Verbs, past: list[AnyEvent], today: list[AnyEvent]) -> None:
    reference = reference_of(learnt([(before(1), past)]))
    for summary in summarise(DAY, today, attributed(today), BOUND).values():
        rows = engine.compare(summary, reference)
        assert rows == compare(summary, reference)
        assert all([row.value for row in found] == sorted(row.value for row in found) for found in rows.values())


def test_every_row_of_the_facet_table_has_a_reading() -> None:
    assert list(uncovered()) == []


@pytest.mark.parametrize("reading", READINGS, ids=lambda one: "-".join((one.name, *one.facets)))
@given(event=events() | st.builds(act, st.integers(0, 1 << 24), st.just(DAY), st.just(Cast((HOST,)))))
def test_a_reading_depends_on_its_columns_only(reading: Reading, event: AnyEvent) -> None:
    """What the facet table sees in a whole event, it sees in the columns of its reading and in nothing else."""
    told = row_of(event)
    told["hour"] = told["time"] // HOUR_US * HOUR_US
    told["address"] = told.get("address") or told.get("destination")
    actor = Actor(HOST, "claude", "bash", "ana", "claude --resume", (), "/usr/local/bin/claude")
    who = (None, actor.image, actor.command_line) if reading.needs_actor else ()
    names = sorted(told.get("arguments", ())) if "argument" in reading.columns else ("",)
    found: list[Meaning] = []
    if isinstance(event, reading.kind):
        for name in names:
            told["argument"] = name
            found += meanings(reading, (*map(told.get, reading.columns), *who))
    expected = [Meaning(*one) for one in _shown(reading, event, actor)]
    assert found == expected
    if expected and RARE.intersection(reading.facets):
        assert is_rare(reading.tag, next(told[name] for name in ("destination", "name", "path") if name in told))


def _shown(reading: Reading, event: AnyEvent, actor: Actor) -> Iterator[tuple[Facet, Value]]:
    if not isinstance(event, reading.kind):
        return
    if Facet.TOOL_ARGUMENT in reading.facets:
        yield from ((Facet.TOOL_ARGUMENT, value) for value in tool_arguments(event))
    yield from ((row.facet, value) for row in reading.rows if (value := row.read(event, actor)) is not None)


def test_engines_are_named() -> None:
    assert isinstance(engine_named("fold"), Fold)
    assert next(iter(ENGINES)) == Fold.name, "the first is the reference"
    few = engine_named(DEFAULT, Resources(memory="512MB", threads=1))
    assert isinstance(few, DuckDb)
    assert few.resources == Resources(memory="512MB", threads=1)
    with pytest.raises(InvalidConfigError, match="no engine 'spark'") as caught:
        engine_named("spark")
    assert caught.value.hint == "engines are: " + ", ".join(ENGINES)
