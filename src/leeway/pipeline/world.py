"""What is known as of the last closed day, and the terms under which a day is judged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from msgspec.structs import replace

from leeway.agents import AgentKey, Catalogue, FullNames, Hosts, IdKey, Instance, InstanceKey, Known
from leeway.agents import Rules as AttributionRules
from leeway.baselines import Baseline
from leeway.config import Policy, Settings
from leeway.detectors import Detector
from leeway.findings import Finding, Held, Judgement, Verdict, in_force
from leeway.health import Heard
from leeway.pipeline.verbs import Verbs
from leeway.summaries import Bound

INSTANCE_DAYS = 30
"""Days without an event after which a process that never ended is forgotten."""

ENDED_DAYS = 2
"""Days after its end for which a process can still be named by a late event."""


class Terms(NamedTuple):
    """Everything judgement depends on besides events and what was learnt; the same terms give the same findings."""

    ids: IdKey
    settings: Settings
    policy: Policy
    catalogue: Catalogue
    engine: Verbs
    detectors: tuple[Detector, ...]
    verdicts: tuple[Verdict, ...] = ()

    @property
    def bound(self) -> Bound:
        """The caps with the key that ranks values."""
        return Bound(self.settings.caps, self.ids)

    @property
    def attribution(self) -> AttributionRules:
        """What attribution depends on."""
        settings = self.settings
        return AttributionRules(self.catalogue, settings.scope, settings.caps.shapes, self.ids)

    def spoken(self, agent: str, day: date) -> tuple[frozenset[Held], frozenset[Held]]:
        """Return the values that people accepted for an agent, and those they ruled out, as in force on `day`."""
        accepted: set[Held] = set()
        never: set[Held] = set()
        for verdict in in_force(self.verdicts, day).values():
            if verdict.agent == agent and verdict.judgement is Judgement.MALICIOUS:
                never.update(verdict.held)
            elif verdict.agent == agent and verdict.until is None:
                accepted.update(verdict.held)
        return frozenset(accepted - never), frozenset(never)


@dataclass(frozen=True)
class World:
    """What the closed days taught."""

    instances: Mapping[InstanceKey, Instance] = field(default_factory=dict)
    signers: Mapping[tuple[str, str], str] = field(default_factory=dict)
    registry: Mapping[AgentKey, str] = field(default_factory=dict)
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    hosts: Mapping[str, FullNames] = field(default_factory=dict)
    """First label of a host name to the full names that start with it."""
    sensors: Mapping[str, Heard] = field(default_factory=dict)
    """Sensor to the hours in which it spoke on the last closed days."""
    yesterday: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    """Final findings of the last closed day, by agent."""

    def known(self, hosts: Hosts) -> Known:
        """Return what attribution builds on, under the names that hosts go by now."""
        moved = {
            (key := InstanceKey(hosts.resolve(one.key.host), one.key.local)): replace(
                one, key=key, parent=_moved(one.parent, hosts)
            )
            for one in self.instances.values()
            if hosts.resolve(one.key.host) != one.key.host
        }
        signers = {
            (name, digest): signer
            for (host, digest), signer in self.signers.items()
            if (name := hosts.resolve(host)) != host
        }
        # What was seen under the present name since knows more than what was carried over from the old one.
        return Known(
            {**moved, **self.instances}, {**signers, **self.signers}, self.registry, hosts.short_of, hosts.unsettled
        )


def _moved(key: InstanceKey | None, hosts: Hosts) -> InstanceKey | None:
    return None if key is None else InstanceKey(hosts.resolve(key.host), key.local)


def remembered(instances: Iterable[Instance], day: int) -> dict[InstanceKey, Instance]:
    """Return the instances that a later event may still name after `day` (an ordinal) has closed."""
    return {one.key: one for one in instances if not _is_forgotten(one, day)}


def _is_forgotten(instance: Instance, day: int) -> bool:
    if instance.ended is not None and instance.ended.toordinal() < day - ENDED_DAYS:
        return True
    return instance.last_day < day - INSTANCE_DAYS
