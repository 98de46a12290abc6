"""Signals of one agent's day to its findings; then links between findings that show one event."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import NamedTuple

from msgspec.structs import replace

from leeway.agents import Actor, IdKey
from leeway.findings import TAGS, Finding, Severity, Signal, case_id, finding_id


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
            parts = set(finding.held)
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
        host=actor.host,
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
    """Return the findings, those that only repeat another one's view of the same event linked to it.

    Two findings show the same where type, value and first event agree, where the start of one process made both it a
    new agent and its parent the parent of a new child, or where one program that is wholly new on a host is several
    new agents by its arguments. The gravest owns the display, of equals the agent nearest to the event (`nearest`
    gives an event's agents, nearest first), then the earliest.
    """
    ordered = sorted(findings, key=lambda one: one.finding_id)
    owners: dict[str, str] = {}
    for shown in (_program, _start):
        groups: dict[tuple[object, ...], list[Finding]] = {}
        for finding in ordered:
            if finding.finding_id not in owners:
                groups.setdefault(shown(finding), []).append(finding)
        for group in groups.values():
            owner = _owner(group, nearest)
            owners.update({one.finding_id: owner.finding_id for one in group if one is not owner})
    return [replace(one, linked_to=_last(owners, one.finding_id)) for one in ordered]


def _owner(group: list[Finding], nearest: Mapping[str, tuple[str, ...]]) -> Finding:
    rank = {agent: place for place, agent in enumerate(nearest.get(group[0].event_ids[0], ()))}
    return min(group, key=lambda one: (-one.severity, rank.get(one.agent, len(rank)), one.first, one.finding_id))


def _last(owners: Mapping[str, str], finding: str) -> str:
    """Return the end of a chain of owners; empty where a finding owns its display."""
    owner = owners.get(finding, "")
    while owner in owners:
        owner = owners[owner]
    return owner


def _program(finding: Finding) -> tuple[object, ...]:
    """Group the new agents of a program no relative runs; everything else is alone."""
    if finding.type == "new_agent" and finding.severity >= Severity.MEDIUM:
        return finding.host, finding.process
    return (finding.finding_id,)


def _start(finding: Finding) -> tuple[object, ...]:
    """Group what was said of one event."""
    if finding.type in {"new_agent", "new_child"}:
        return "start", finding.event_ids[0]
    return finding.type, finding.value, finding.event_ids[0]
