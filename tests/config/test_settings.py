import pytest

from leeway.config import Caps, LearningProfile, Scope, parse_scope
from leeway.config.settings import ScopeKind
from leeway.errors import InvalidConfigError


@pytest.mark.parametrize(
    ("profile", "sightings", "events"),
    [
        pytest.param(LearningProfile(), 5, 49, id="default"),
        pytest.param(LearningProfile(learning_days=0, established_days=1), 1, 0, id="at once"),
        pytest.param(LearningProfile(learning_days=2, established_days=2), 2, 14, id="short"),
        pytest.param(LearningProfile(learning_days=90, established_days=30), 5, 630, id="longest"),
    ],
)
def test_a_profile_says_what_settles_and_establishes(profile: LearningProfile, sightings: int, events: int) -> None:
    assert (profile.established_sightings, profile.settled_events) == (sightings, events)


@pytest.mark.parametrize(
    ("learning", "established"),
    [
        pytest.param(-1, 3, id="negative"),
        pytest.param(91, 3, id="more than ninety days"),
        pytest.param(7, 0, id="established before it was seen"),
        pytest.param(7, 31, id="longer than the window"),
    ],
)
def test_a_profile_out_of_range_is_refused(learning: int, established: int) -> None:
    with pytest.raises(InvalidConfigError, match="out of range"):
        LearningProfile(learning_days=learning, established_days=established)


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        pytest.param("evidence", Scope(), id="evidence"),
        pytest.param("all", Scope(ScopeKind.ALL), id="all"),
        pytest.param("unit", Scope(ScopeKind.UNIT), id="unit"),
        pytest.param("name:py*", Scope(ScopeKind.NAME, "py*"), id="name"),
        pytest.param("name:a:b", Scope(ScopeKind.NAME, "a:b"), id="name with a colon"),
    ],
)
def test_scopes_are_spelled(text: str, scope: Scope) -> None:
    assert parse_scope(text) == scope
    assert str(scope) == text


@pytest.mark.parametrize("text", ["", "name:", "name", "unit:x", "all:x", "everything", "name:" + "x" * 257])
def test_other_scopes_are_refused(text: str) -> None:
    with pytest.raises(InvalidConfigError, match="unknown scope"):
        parse_scope(text)


@pytest.mark.parametrize(
    ("pattern", "name", "admitted"),
    [
        pytest.param("py*", "python3", True, id="star"),
        pytest.param("PY*", "python3", True, id="case of the pattern does not matter"),
        pytest.param("python", "python3", False, id="whole names"),
        pytest.param("[cd]ursor", "cursor", True, id="set"),
        pytest.param("?ode", "code", True, id="question mark"),
    ],
)
def test_a_name_scope_matches_shell_wildcards(pattern: str, name: str, admitted: bool) -> None:  # noqa: FBT001  # a column
    assert Scope(ScopeKind.NAME, pattern).admits_name(name) is admitted


def test_the_caps_of_a_default_installation() -> None:
    caps = Caps()
    assert (caps.values_per_facet, caps.shapes, caps.promoted_per_week) == (512, 64, 10)
    assert (caps.baseline_values, caps.session_steps, caps.keep_days) == (20_000, 256, 35)
