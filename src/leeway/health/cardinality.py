"""A cap was reached: that is visible, counted, and a finding of its own."""

from collections.abc import Iterator

from leeway.agents import Overflow
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Severity, Signal, Surprise
from leeway.summaries import Bound, Summary

_UNSTATED = Surprise(0.5, 0, calibrated=False)


def facet_overflow(summary: Summary, bound: Bound) -> Iterator[Signal]:
    """Yield `cardinality_exceeded` (MEDIUM) for each capped facet, with the estimated number of values.

    It stands for the facet's own findings of that day, in every engine: more distinct values than the cap are a
    sign by themselves, and which of them are kept is known only under the key.
    """
    for facet in sorted(summary.capped):
        cap = bound.caps.values_per_facet
        seen = f"about {summary.estimate(facet, bound)} values of {facet}"
        yield _signal(summary, (str(facet),), Evidence("distinct values", seen, f"≤ {cap}"))


def shape_overflow(summary: Summary, overflow: Overflow, bound: Bound) -> Signal:
    """Return `cardinality_exceeded` for more argument shapes than the cap admits."""
    seen = f"{overflow.shapes} argument shapes of one program"
    return _signal(summary, ("argument shapes",), Evidence("distinct values", seen, f"≤ {bound.caps.shapes}"))


def baseline_overflow(summary: Summary, evicted: int, bound: Bound) -> Signal:
    """Return `cardinality_exceeded` for a baseline that had to let values go: what it forgot may be remarked again."""
    seen = f"{evicted} values let go"
    return _signal(summary, ("baseline values",), Evidence("baseline", seen, f"≤ {bound.caps.baseline_values} values"))


def _signal(summary: Summary, value: tuple[str, ...], evidence: Evidence) -> Signal:
    seen = list(summary.sightings[Facet.HOUR].values())
    exemplar = min(one.exemplar for one in seen)
    return Signal(
        agent=summary.agent,
        type="cardinality_exceeded",
        value=value,
        severity=Severity.MEDIUM,
        evidence=(evidence,),
        first=min(one.first for one in seen),
        last=max(one.last for one in seen),
        hours=sum(1 << hour for hour in summary.measures[Measure.EVENTS][""].hours),
        event_ids=(exemplar.id,),
        surprise=_UNSTATED,
    )
