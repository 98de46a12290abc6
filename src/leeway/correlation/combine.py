"""Signals of one agent's day to its findings; then links between findings that show one event."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import NamedTuple

from msgspec.structs import replace

from leeway.agents import Actor, IdKey
from leeway.findings import TAGS, Finding, Signal, case_id, finding_id


class Naming(NamedTuple):
    """What a finding says of its agent and day, besides the signal."""

    ids: IdKey
    tenant: str
    agent_name: str
    day: date
    state: str
    actor: Callable[[str], Actor]
    """Event id to who acted."""
    is_final: bool


def combine(signals: Iterable[Signal], naming: Naming) -> list[Finding]:
    """Return one finding for each (type, value), a correlation with the ids of its members; ordered by finding id."""
    findings = {(one.type, one.value): _finding(one, naming) for one in signals}
    for key, finding in findings.items():
        if finding.type == "flow_and_module":
            parts = {held for held in finding.held}
            members = sorted(
                one.finding_id
                for one in findings.values()
                if one.type in {"new_destination", "new_module"} and parts.issuperset(one.held)
            )
            findings[key] = replace(finding, members=tuple(members))
    return sorted(findings.values(), key=lambda one: one.finding_id)


def _finding(signal: Signal, naming: Naming) -> Finding:
    case = case_id(naming.ids, naming.tenant, signal.agent, signal.type, signal.value)
    actor = naming.actor(signal.event_ids[0])
    return Finding(
        finding_id=finding_id(naming.ids, case, naming.day),
        case_id=case,
        agent=signal.agent,
        agent_name=naming.agent_name,
        type=signal.type,
        value=signal.value,
        severity=signal.severity,
        day=naming.day,
        first=signal.first,
        last=signal.last,
        hours=signal.hours,
        evidence=signal.evidence,
        event_ids=signal.event_ids,
        surprise=signal.surprise,
        process=actor.process,
        parent=actor.parent,
        user=actor.user,
        command_line=actor.command_line[:2048],
        lineage=actor.chain,
        tags=TAGS.get(signal.type, ()),
        state=naming.state,
        held=signal.held,
        is_final=naming.is_final,
    )


def link(findings: Iterable[Finding], nearest: Mapping[str, tuple[str, ...]]) -> list[Finding]:
    """Return the findings, those that only repeat another agent's view of one event linked to it.

    `nearest` gives for an event id the agents it counts for, nearest first: the nearest one that remarked the same
    (type, value) owns the display, its ancestors' findings link to it.
    """
    ordered = sorted(findings, key=lambda one: one.finding_id)
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in ordered:
        groups.setdefault((finding.type, finding.value, finding.event_ids[0]), []).append(finding)
    owners: dict[str, str] = {}
    for (_, _, event), group in groups.items():
        rank = {agent: place for place, agent in enumerate(nearest.get(str(event), ()))}
        owner = min(group, key=lambda one: (rank.get(one.agent, len(rank)), one.finding_id))
        owners.update({one.finding_id: owner.finding_id for one in group if one is not owner})
    return [replace(one, linked_to=owners.get(one.finding_id, "")) for one in ordered]
