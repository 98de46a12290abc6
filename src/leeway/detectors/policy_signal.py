"""The signal of a rule that an operator wrote: it depends on no baseline and is softened by no state."""

from leeway.detectors.view import View
from leeway.events import Facet, Value
from leeway.findings import Evidence, Held, Severity, Signal
from leeway.summaries import Sighting


def policy_signal(  # one argument a field of the signal
    view: View, kind: str, facet: Facet, value: Value, sighting: Sighting, severity: Severity, evidence: Evidence
) -> Signal:
    """Return the signal about one value that a rule forbids."""
    return Signal(
        agent=view.agent,
        type=kind,
        value=value,
        severity=severity,
        evidence=(evidence,),
        first=sighting.first,
        last=sighting.last,
        hours=sighting.hours,
        event_ids=(sighting.exemplar.id,),
        surprise=view.reference.surprise(facet),
        held=(Held(facet, value),),
    )
