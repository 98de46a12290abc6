import pytest

from builders import AGENT, IDS, at, loaded, reached, summary_of
from leeway.agents import Overflow
from leeway.config import Caps
from leeway.findings import HEALTH_TYPES, Severity
from leeway.health import baseline_overflow, facet_overflow, shape_overflow
from leeway.summaries import Bound

BOUND = Bound(Caps(values_per_facet=4, shapes=3), IDS)


@pytest.mark.parametrize(
    ("hosts", "facets"),
    [
        pytest.param(0, [], id="none"),
        pytest.param(4, [], id="at the cap"),
        pytest.param(5, ["domain", "domain_port", "registrable_domain"], id="past the cap"),
    ],
)
def test_a_capped_facet_is_a_finding_of_its_own(hosts: int, facets: list[str]) -> None:
    events = [reached(f"s{n}.example", when=at(9, n)) for n in range(hosts)]
    summary = summary_of([*events, loaded("/x.so")], bound=BOUND)
    signals = list(facet_overflow(summary, BOUND))
    assert [one.value for one in signals] == [(facet,) for facet in facets]
    for one in signals:
        assert one.type in HEALTH_TYPES
        assert one.severity >= Severity.MEDIUM
        estimate = summary.estimate(one.value[0], BOUND)  # type: ignore[arg-type]  # its name
        assert one.reason == f"distinct values: about {estimate} values of {one.value[0]} (expected: ≤ 4)"
        assert (one.first, one.last) == (at(9), at(10))


def test_shapes_past_the_cap_are_a_finding_of_the_agent_that_shares_them() -> None:
    summary = summary_of([reached("a.example", when=at(9)), reached("a.example", when=at(12))])
    one = shape_overflow(summary, Overflow(AGENT, 7), BOUND)
    assert (one.agent, one.type, one.value, one.severity) == (
        AGENT,
        "cardinality_exceeded",
        ("argument shapes",),
        Severity.MEDIUM,
    )
    assert one.reason == "distinct values: 7 argument shapes of one program (expected: ≤ 3)"
    assert (one.first, one.last, one.hours) == (at(9), at(12), 1 << 9 | 1 << 12)


def test_a_baseline_that_let_values_go_is_a_finding() -> None:
    one = baseline_overflow(summary_of([reached("a.example", when=at(9))]), 12, BOUND)
    assert (one.value, one.severity) == (("baseline values",), Severity.MEDIUM)
    assert one.reason == "baseline: 12 values let go (expected: ≤ 20000 values)"
