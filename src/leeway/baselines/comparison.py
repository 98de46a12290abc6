"""Compare: a left join of one summary with what it is judged against, keeping the rows worth a look."""

from msgspec import Struct

from leeway.baselines.membership import Membership
from leeway.baselines.reference import Reference
from leeway.events import WITHIN, Facet, Value
from leeway.summaries import Sighting, Summary

JUDGED: tuple[Facet, ...] = tuple(facet for facet in Facet if facet not in {Facet.HOUR, Facet.IP, Facet.MODULE_DIGEST})
"""Facets whose values are candidates. Hours, addresses and digests are remembered and read by other detectors."""


class Candidate(Struct, frozen=True):
    """A value that is not established, and what was expected instead."""

    facet: Facet
    value: Value
    sighting: Sighting
    membership: Membership
    within: Membership | None
    """How well the value it lies within is known; None for a facet that lies within no other."""
    siblings: int
    """Known values beside it within the same parent."""
    known: int
    """Known values of the facet."""


def compare(summary: Summary, reference: Reference) -> dict[Facet, tuple[Candidate, ...]]:
    """Return the candidates of a summary by facet, in the order of their values.

    A capped facet has none: `cardinality_exceeded` speaks for it, in every engine.
    """
    rows: dict[Facet, tuple[Candidate, ...]] = {}
    for facet in JUDGED:
        values = {} if facet in summary.capped else summary.sightings.get(facet, {})
        found = tuple(
            _candidate(facet, value, sighting, membership, reference)
            for value, sighting in values.items()
            if (membership := reference.membership(facet, value)) is not Membership.ESTABLISHED
        )
        if found:
            rows[facet] = found
    return rows


def _candidate(
    facet: Facet, value: Value, sighting: Sighting, membership: Membership, reference: Reference
) -> Candidate:
    parent = WITHIN.get(facet)
    return Candidate(
        facet=facet,
        value=value,
        sighting=sighting,
        membership=membership,
        within=None if parent is None else reference.membership(parent, value[:-1]),
        siblings=reference.siblings(facet, value[:-1]),
        known=reference.known(facet),
    )
