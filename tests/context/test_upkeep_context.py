"""A package manager at its registry is context on the finding, one severity less and no more."""

from hypothesis import given
from hypothesis import strategies as st

from builders import CLAUDE, DAY, at, closed, process, reached, resolved, started, terms, week
from leeway.config import Caps, Scope, Settings
from leeway.config.settings import ScopeKind
from leeway.events import AnyEvent, Process
from leeway.findings import Finding, Severity

NAMED = {"scope": Scope(ScopeKind.NAME, "claude")}
PIP = process("pip", "p1", line="pip install rich")
EVIL = process("python3", "x1", line="python3 exfil.py")
STARTS = [started(CLAUDE, when=at(8)), started(PIP, CLAUDE, at(9)), started(EVIL, CLAUDE, at(9))]
WEEK = week([*STARTS, *(reached("api.anthropic.com", when=at(hour)) for hour in range(9, 18))], under=terms(**NAMED))


def judged(*events: AnyEvent, caps: Caps | None = None) -> dict[tuple[str, ...], Finding]:
    under = terms(settings=Settings(scope=NAMED["scope"], caps=caps)) if caps else terms(**NAMED)
    found = closed(WEEK, DAY, [*STARTS, *events], under=under).findings
    return {one.value: one for one in found if one.type == "new_destination"}


def by(who: Process, place: str = "files.pythonhosted.org", minute: int = 0) -> AnyEvent:
    return reached(place, when=at(10, minute), who=Process(image=who.image, uid=who.uid))


def test_a_package_manager_at_its_registry_is_one_less_with_its_context() -> None:
    found = judged(by(PIP))[("pythonhosted.org",)]
    assert found.severity is Severity.LOW
    assert len(found.context) == 1
    assert found.context[0].startswith("package manager: Python packages being fetched; known by the program")


def test_another_program_at_the_registry_has_no_context() -> None:
    found = judged(by(EVIL))[("pythonhosted.org",)]
    assert (found.severity, found.context) == (Severity.MEDIUM, ())


def test_one_stranger_takes_the_context_away() -> None:
    found = judged(by(PIP), by(EVIL, minute=5))[("pythonhosted.org",)]
    assert (found.severity, found.context) == (Severity.MEDIUM, ())


def test_another_host_of_the_domain_takes_it_away() -> None:
    found = judged(by(PIP), by(PIP, "upload.pythonhosted.org", 5))[("pythonhosted.org",)]
    assert (found.severity, found.context) == (Severity.MEDIUM, ())


def test_the_package_manager_elsewhere_has_none() -> None:
    assert judged(by(PIP, "example.net"))[("example.net",)].severity is Severity.MEDIUM


def test_where_the_hosts_were_too_many_nothing_is_upkeep() -> None:
    crowd = [by(PIP, f"h{number}.example.net", number % 60) for number in range(12)]
    found = judged(by(PIP), *crowd, caps=Caps(values_per_facet=4))
    assert all(not one.context for one in found.values())


EVENTS = st.lists(
    st.builds(
        lambda who, place, minute, is_query: (
            resolved(place, at(10, minute), Process(image=who.image, uid=who.uid))
            if is_query
            else by(who, place, minute)
        ),
        st.sampled_from([PIP, EVIL, CLAUDE]),
        st.sampled_from(["pypi.org", "files.pythonhosted.org", "x.pythonhosted.org", "statsig.anthropic.com"]),
        st.integers(0, 59),
        st.booleans(),
    ),
    max_size=6,
)


@given(some=EVENTS, more=EVENTS)
def test_more_events_never_lower_a_severity(some: list[AnyEvent], more: list[AnyEvent]) -> None:
    less, all_ = judged(*some), judged(*some, *more)
    assert less.keys() <= all_.keys()
    assert all(all_[value].severity >= one.severity for value, one in less.items())
