from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import BOUND, IDS, at, called, summary_of
from leeway.config import Caps
from leeway.summaries import Bound, Session, Step, merge

CAP = 4


def session(*numbers: int) -> Session:
    steps = sorted({Step(at() + timedelta(seconds=n), f"e{n}", "search") for n in numbers})
    return Session(tuple(steps[:CAP]), len(steps) > CAP)


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)))
def test_merging_sessions_is_a_sorted_union_cut_at_the_cap(one: list[int], two: list[int], three: list[int]) -> None:
    a, b, c = session(*one), session(*two), session(*three)
    assert a.merge(b, CAP) == b.merge(a, CAP) == session(*one, *two)
    assert a.merge(b, CAP).merge(c, CAP) == a.merge(b.merge(c, CAP), CAP) == session(*one, *two, *three)


@pytest.mark.parametrize(
    ("calls", "steps", "is_cut"),
    [
        pytest.param(1, 1, False, id="one"),
        pytest.param(4, 4, False, id="at the cap"),
        pytest.param(5, 4, True, id="past the cap"),
    ],
)
def test_the_first_steps_of_a_run_are_kept(calls: int, steps: int, is_cut: bool) -> None:  # noqa: FBT001  # a column
    bound = Bound(Caps(session_steps=CAP), IDS)
    events = [called(f"t{n}", at(10, n), instance_uid="run") for n in range(calls)]
    kept = summary_of(reversed(events), bound=bound).sessions["run"]
    assert [step.action for step in kept.steps] == [f"t{n}" for n in range(steps)]
    assert kept.is_cut is is_cut


def test_runs_are_kept_apart_and_calls_without_a_run_have_no_session() -> None:
    one = summary_of([called("a", instance_uid="r1"), called("b")])
    other = summary_of([called("c", instance_uid="r2")])
    merged = merge(one, other, BOUND)
    assert {uid: len(kept.steps) for uid, kept in merged.sessions.items()} == {"r1": 1, "r2": 1}
