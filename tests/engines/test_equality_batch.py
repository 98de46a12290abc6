"""Days that are closed from their files, several at once, equal the same days folded one after the other."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings

from builders import BASH, CLAUDE, DAY, HOST, at, called, loaded, process, reached, redated, started
from engine_batches import Manner, check, manners
from engine_days import Stretch, stretches
from leeway.config import Caps, LearningProfile, Policy, Settings, parse_scope
from leeway.events import AnyEvent, ProcessEnded, SignatureChecked, identified

EXAMPLES = {
    ("evidence", "daily"): 26,
    ("evidence", "lasting"): 24,
    ("name:*", "daily"): 7,
    ("unit", "lasting"): 7,
}
"""Stretches tried of each scope and cast; tenfold where the laws are fuzzed.

With those of the summaries' own test they come to 500 days.
"""


@pytest.mark.parametrize(("scope", "casts"), EXAMPLES)
def test_batches_equal_the_fold_day_by_day(scope: str, casts: str) -> None:
    tried: Counter[str] = Counter()
    tenfold = 10 if settings.default.max_examples > 1_000 else 1

    @settings(max_examples=EXAMPLES[scope, casts] * tenfold)
    @given(stretch=stretches(scope, casts, least=4), manner=manners())
    def look(stretch: Stretch, manner: Manner) -> None:
        with TemporaryDirectory() as folder:
            tried.update(check(stretch, manner, Path(folder)))

    look()
    assert tried["days"] >= 4 * EXAMPLES[scope, casts]
    if scope == "evidence":
        assert tried["findings"] > tried["days"]
        assert tried["left"] < tried["days"] / 2, "most days are closed from their files"
        assert tried["quiet"] > tried["days"] / 4, "of some agents nothing can be said"


Days = tuple[tuple[date, tuple[AnyEvent, ...]], ...]

QUICK = Settings(profile=LearningProfile(learning_days=1, established_days=1))
NARROW = msgspec.structs.replace(QUICK, caps=Caps(baseline_values=12))
FLAT = msgspec.structs.replace(QUICK, caps=Caps(values_per_facet=3))

START = started(CLAUDE, BASH, at(8), digest="ab")
CODEX, OTHER = process("codex", "x1"), process("codex", "x2")
MANY = [reached(f"n{number}.example", when=at(number)) for number in range(20)]
HUGE = [reached("a.example", when=at(9, minute), bytes_out=1 << 62) for minute in range(5)]
USUAL = [START, *(reached("a.example", when=at(hour), bytes_out=900) for hour in range(9, 17))]
SIGNED = identified(SignatureChecked(time=at(7), host=HOST, digest="ab", signer="Anthropic, PBC"))
ENDED, SHELL_ENDED = (identified(ProcessEnded(time=at(18), host=HOST, process=one)) for one in (CLAUDE, BASH))


def on(number: int, *events: AnyEvent) -> Days:
    """Return a day, counted from 0, on which something was done."""
    day = DAY + timedelta(days=number)
    return ((day, tuple(redated(events, day))),)


def often(*events: AnyEvent, first: int = 0, days: int = 4) -> Days:
    """Return days on each of which the same was done."""
    return tuple(one for number in range(first, first + days) for one in on(number, *events))


def chain(length: int) -> list[AnyEvent]:
    """Return the starts of processes each of which started the next, the first one by an agent."""
    line = [CLAUDE, *(process("sh", f"d{number}") for number in range(length))]
    return [started(child, parent) for parent, child in pairwise(line)]


def tried(days: Days, learnt: int, folder: Path, under: Settings = QUICK) -> Counter[str]:
    """Hold days to the fold: all planned, with one restart in between."""
    manner = Manner(1, 0, is_foreign=False, restarts=frozenset({3}), folded=frozenset(), is_planned=True)
    return check(Stretch(under, Policy(), days, learnt), manner, folder)


@pytest.mark.parametrize("learnt", [0, 2, 9])
@pytest.mark.parametrize(
    ("days", "under"),
    [
        pytest.param(often(START, reached("a.example")), QUICK, id="nothing special"),
        pytest.param(often(*chain(40)), QUICK, id="a chain longer than ancestors are followed"),
        pytest.param(often(called("", duration_us=900), called("", duration_us=0)), QUICK, id="a tool without name"),
        pytest.param(often(START, *HUGE), QUICK, id="more bytes than a number holds"),
        pytest.param(often(*USUAL, *MANY), NARROW, id="more than a baseline holds"),
        pytest.param(often(*USUAL, *MANY), FLAT, id="more than a facet holds"),
        pytest.param(
            (*often(called("a")), *on(9, called("a", arguments={"to": "x"})), *on(200, called("a"))),
            QUICK,
            id="half a year between",
        ),
        pytest.param((*often(*USUAL), *on(40, *USUAL)), QUICK, id="all was forgotten"),
        pytest.param((*often(SIGNED, *USUAL, days=1), *often(*USUAL, first=1)), QUICK, id="who signed what runs on"),
        pytest.param((*on(0, *USUAL, ENDED), *often(*USUAL[1:], first=4)), QUICK, id="named long after its end"),
        pytest.param(
            (*on(0, *USUAL, SHELL_ENDED), *on(4, reached("b.example")), *on(5, SHELL_ENDED)),
            QUICK,
            id="a parent that is forgotten until it is named again",
        ),
    ],
)
def test_days_that_are_closed_from_their_files(days: Days, under: Settings, learnt: int, tmp_path: Path) -> None:
    assert tried(days, learnt, tmp_path, under)["left"] == 0


@pytest.mark.parametrize(
    ("days", "left"),
    [
        pytest.param(often(started(CODEX, OTHER), started(OTHER, CODEX)), 4, id="each the other's parent"),
        pytest.param(often(reached("a.example", who=process("codex"))), 4, id="a process without the sensor's id"),
        pytest.param(often(started(CLAUDE, process("bash"))), 4, id="a parent without the sensor's id"),
        pytest.param(
            (*on(0, *chain(40)), *often(reached("a.example", who=process("sh", "d39")), first=9)),
            4,
            id="the last of a chain longer than ancestors are followed",
        ),
        pytest.param((*often(*USUAL), *on(4, started(CODEX, BASH, host=f"{HOST}.corp.example"))), 1, id="a full name"),
    ],
)
def test_days_that_are_left_to_the_fold(days: Days, left: int, tmp_path: Path) -> None:
    assert tried(days, 2, tmp_path)["left"] == left


def test_a_scope_in_which_all_are_agents_is_left_to_the_fold(tmp_path: Path) -> None:
    everybody = msgspec.structs.replace(QUICK, scope=parse_scope("all"))
    assert tried(often(reached("a.example")), 2, tmp_path, everybody)["left"] == 4


@pytest.mark.parametrize(
    ("news", "remark"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param([reached("b.example", when=at(9))], "new_destination", id="a place"),
        pytest.param([reached("a.example", when=at(9), bytes_out=1 << 40)], "excess_transfer", id="an amount"),
        pytest.param([reached("a.example", 22, when=at(9))], "new_destination", id="a port"),
        pytest.param([loaded("/lib/x.so", when=at(9))], "new_module", id="a module"),
        pytest.param([reached("a.example", when=at(9), user="root")], "new_user", id="a user"),
    ],
)
def test_a_quiet_agent_is_looked_at_when_it_does_something_new(
    news: Sequence[AnyEvent], remark: str | None, tmp_path: Path
) -> None:
    found = tried((*often(*USUAL), *on(4, *USUAL, *news), *on(5, *USUAL)), 4, tmp_path)
    assert bool(found["quiet"] > 4) is (remark is None), "on judged days too, where there is nothing new"
    assert (found["findings"], found[f"finding {remark}"]) == ((0, 0) if remark is None else (1, 1))
