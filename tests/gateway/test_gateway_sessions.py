"""Histories stay small, whatever comes; work that hangs does too."""

from threading import Event, Thread, get_ident

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.errors import InvalidConfigError
from leeway.gateway import Bounds
from leeway.gateway.sessions import Sessions, weight_of
from leeway.gateway.workers import Workers
from leeway.library.security_event import SecurityEvent


def event(session: str = "", tool: str = "t", **arguments: object) -> SecurityEvent:
    return SecurityEvent(event_type="call", sequence=0, tool=tool, session_id=session or None, arguments=arguments)


def test_the_history_of_a_session_is_its_latest_events() -> None:
    sessions = Sessions(Bounds(history=3))
    seen = [[one.tool for one in sessions.add("a", event(tool=name))[1]] for name in "abcde"]
    assert seen == [[], ["a"], ["a", "b"], ["a", "b", "c"], ["b", "c", "d"]]
    assert sessions.position("a", "") == 5


def test_sessions_and_agents_do_not_see_each_other() -> None:
    sessions = Sessions(Bounds())
    sessions.add("a", event("s1"))
    assert sessions.add("a", event("s2"))[1] == ()
    assert sessions.add("b", event("s1"))[1] == ()
    assert (sessions.open, sessions.evicted) == (3, 0)


def test_an_agent_with_many_sessions_closes_its_own() -> None:
    sessions = Sessions(Bounds(sessions_per_agent=2))
    sessions.add("quiet", event("s"))
    for number in range(10):
        sessions.add("loud", event(f"s{number}"))
    assert (sessions.open, sessions.evicted) == (3, 8)
    assert len(sessions.add("quiet", event("s"))[1]) == 1
    assert len(sessions.add("loud", event("s9"))[1]) == 1
    assert sessions.add("loud", event("s0"))[1] == ()


def test_the_least_recently_used_session_goes_first() -> None:
    sessions = Sessions(Bounds(sessions=2))
    for name in ("a", "b", "a", "c"):
        sessions.add(name, event())
    assert [len(sessions.add(name, event())[1]) for name in ("a", "c")] == [2, 1]
    assert sessions.evicted == 1


def test_large_events_are_forgotten_first_and_a_single_one_too() -> None:
    sessions = Sessions(Bounds(characters=2000))
    for number in range(10):
        sessions.add("a", event("s", text="x" * 500, number=number))
        assert sessions.characters <= 2000
    assert len(sessions.add("a", event("s"))[1]) == 2
    place, _ = sessions.add("a", event("s", text="x" * 5000))
    assert sessions.characters == 0
    assert not sessions.change(place, None)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 900), st.booleans())))
def test_bounds_hold_and_nothing_is_lost_count_of(acts: list[tuple[str, str, int, bool]]) -> None:
    bounds = Bounds(history=3, sessions=4, sessions_per_agent=2, characters=2500)
    sessions = Sessions(bounds)
    for agent, session, size, withdraws in acts:
        place, recent = sessions.add(agent, event(session, text="x" * size))
        assert len(recent) <= 3
        if withdraws:
            sessions.change(place, None)
        assert sessions.open <= 4
        assert 0 <= sessions.characters <= 2500


def test_an_event_is_changed_in_its_place() -> None:
    sessions = Sessions(Bounds())
    places = [sessions.add("a", event(tool=name))[0] for name in "abc"]
    assert sessions.change(places[1], event(tool="B"))
    assert sessions.change(places[0], None)
    assert not sessions.change(places[0], None)
    assert [one.tool for one in sessions.add("a", event())[1]] == ["B", "c"]


def test_a_value_that_holds_itself_is_weighed() -> None:
    loop: list[object] = ["ab"]
    loop.append(loop)
    assert weight_of(event(loop=loop)) == 256 + 4 + 1 + 16 + (16 + 4) + 16 + (16 + 2) + 16


@pytest.mark.parametrize("name", Bounds.__struct_fields__)
def test_a_bound_has_a_least(name: str) -> None:
    least = 0 if name == "workers" else 1
    with pytest.raises(InvalidConfigError, match=f"'{name}' of a gate must be at least {least}"):
        Bounds(**{name: least - 1})
    assert getattr(Bounds(**{name: least}), name) == least


# Threads


def test_work_that_hangs_does_not_pile_up() -> None:
    go, workers = Event(), Workers(1, 3)
    futures = [workers.submit(go.wait) for _ in range(3)]
    assert workers.submit(go.wait) is None
    assert futures[2] is not None
    assert futures[2].cancel()
    assert workers.submit(go.wait) is None  # it stands in the queue still
    go.set()
    assert [one.result(5).value for one in futures[:2] if one] == [True, True]
    workers.close()
    assert workers.submit(go.wait) is None


@pytest.mark.parametrize(
    "error", [ValueError("secret"), SystemExit(1), KeyboardInterrupt(), RecursionError()], ids=repr
)
def test_a_thread_outlives_what_its_work_raises(error: BaseException) -> None:
    def fail() -> None:
        raise error

    workers = Workers(1, 8)
    failed, fine = workers.submit(fail), workers.submit(lambda: 7)
    assert failed is not None
    assert fine is not None
    assert (failed.result(5).failure, fine.result(5).value) == (type(error).__name__, 7)
    workers.close()


def test_work_knows_that_it_is_inside() -> None:
    workers = Workers(2, 8)
    inside = workers.submit(workers.is_inside)
    assert inside is not None
    assert inside.result(5).value is True
    assert not workers.is_inside()
    workers.close()


def test_without_threads_work_is_done_at_once_by_whoever_brings_it() -> None:
    workers = Workers(0, 1)
    found = workers.submit(lambda: (get_ident(), workers.is_inside()))
    assert found is not None
    assert found.result(0).value == (get_ident(), True)
    assert not workers.is_inside()
    with pytest.raises(KeyboardInterrupt):  # the program's own, which is to end it
        workers.submit(_interrupted)
    assert not workers.is_inside()
    workers.close()
    assert workers.submit(get_ident) is None


def _interrupted() -> None:
    raise KeyboardInterrupt


def test_many_threads_use_one_table() -> None:
    sessions = Sessions(Bounds(history=8, sessions=16))

    def use(name: str) -> None:
        for number in range(300):
            place, _ = sessions.add(name, event(f"s{number % 5}"))
            sessions.change(place, None if number % 3 else event(f"s{number % 5}", tool="changed"))

    threads = [Thread(target=use, args=(name,)) for name in "abcd"]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sessions.open + sessions.evicted >= 16
    assert sessions.open == 16
