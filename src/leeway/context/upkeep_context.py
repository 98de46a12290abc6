"""A new destination that is only a known program's upkeep is shown as that, one severity less (row A15)."""

from collections.abc import Iterable

from msgspec.structs import replace

from leeway.agents import Upkeep, upkeep
from leeway.events import Facet, Value
from leeway.findings import Finding, Severity
from leeway.summaries import Summary

_KINDS = frozenset({"new_destination"})
"""Types that a destination's context speaks for. A correlation is never lowered."""

_PLACES = frozenset({Facet.REGISTRABLE_DOMAIN, Facet.DOMAIN})

_NEEDED = frozenset({Facet.DOMAIN, Facet.DOMAIN_CONTEXT})


def in_context(findings: Iterable[Finding], summary: Summary) -> list[Finding]:
    """Return the findings of one agent's day, those about a program's ordinary upkeep with that context.

    Every host of the place, and everyone who spoke to it that day, must be recognised; a capped facet says too little
    for that. More events can only take the context away, so no severity falls. At most one level less, and nothing of
    HIGH or above: where a package index is new *and* grave, somebody should look.
    """
    if not _NEEDED.isdisjoint(summary.capped):
        return list(findings)
    return [_with_context(one, summary) for one in findings]


def _with_context(finding: Finding, summary: Summary) -> Finding:
    place = next((held.value for held in finding.held if held.facet in _PLACES), None)
    if finding.type not in _KINDS or place is None or finding.severity >= Severity.HIGH:
        return finding
    entries = _recognised(place, summary)
    if not entries:
        return finding
    lines = tuple(_said(entry) for entry in entries)
    return replace(finding, context=lines, severity=finding.severity.lowered())


def _recognised(place: Value, summary: Summary) -> tuple[Upkeep, ...]:
    """Return whose upkeep the traffic to a place is; none where any of it is nobody's."""
    spoken = {value for value in summary.sightings.get(Facet.DOMAIN_CONTEXT, {}) if value[: len(place)] == place}
    hosts = {value for value in summary.sightings.get(Facet.DOMAIN, {}) if value[: len(place)] == place}
    ids = {value[-1] for value in spoken}
    if not ids or "" in ids or {value[:-1] for value in spoken} != hosts:
        return ()
    known = upkeep().entries
    return tuple(known[one] for one in sorted(ids) if one in known) if ids <= known.keys() else ()


def _said(entry: Upkeep) -> str:
    return (
        f"{entry.category.replace('_', ' ')}: {entry.label}; known by the program that spoke and by the host "
        f"({entry.source}, {entry.date})"
    )
