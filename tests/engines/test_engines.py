"""Every engine equals the fold: the three verbs, value by value."""

import pytest
from hypothesis import given

from builders import BOUND, DAY, IDS, before, days_of, learnt, reference_of
from leeway.agents import Attribution, Known, Rules, catalogue
from leeway.baselines import compare
from leeway.config import Resources, parse_scope
from leeway.engines import DEFAULT, ENGINES, DuckDb, Fold, engine_named
from leeway.errors import InvalidConfigError
from leeway.events import AnyEvent, order
from leeway.pipeline import Verbs
from leeway.summaries import merge, summarise

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


def test_engines_are_named() -> None:
    assert isinstance(engine_named("fold"), Fold)
    assert next(iter(ENGINES)) == Fold.name, "the first is the reference"
    few = engine_named(DEFAULT, Resources(memory="512MB", threads=1))
    assert isinstance(few, DuckDb)
    assert few.resources == Resources(memory="512MB", threads=1)
    with pytest.raises(InvalidConfigError, match="no engine 'spark'") as caught:
        engine_named("spark")
    assert caught.value.hint == "engines are: " + ", ".join(ENGINES)
