"""Whose behaviour an event is: instances to agents, with everything known when the day is judged.

An instance counts for itself, where it is an agent, and for every ancestor that is one, nearest first. Later evidence
adds credit and never moves it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from leeway.agents.arguments import argument_shape, process_name
from leeway.agents.catalogue import Catalogue, Tier
from leeway.agents.instances import Instance, InstanceKey, Lineage
from leeway.agents.key import OTHER_ARGUMENTS, AgentKey, IdKey
from leeway.config import Scope
from leeway.config.settings import ScopeKind
from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    FileTouched,
    ModuleLoaded,
    NameResolved,
    ProcessStarted,
    SignatureChecked,
)

Signers = Mapping[tuple[str, str], str]
"""(host, executable digest) to signer, as of the last closed day."""

Registry = Mapping[AgentKey, str]
"""Keys of known agents to their ids; two keys with one id are an alias (the signer became known)."""


_UNNAMED = "?"
"""Shown for a process of which only the number is known."""


class Actor(NamedTuple):
    """Who acted, as shown on a finding."""

    host: str
    process: str
    parent: str
    user: str
    command_line: str
    chain: tuple[str, ...]
    """Names from the eldest known ancestor to the process; `?` for one of which only the number is known."""
    image: str = ""
    """Path or name of the process's executable, as reported."""


class Rules(NamedTuple):
    """What attribution depends on besides the events."""

    catalogue: Catalogue
    scope: Scope
    shapes: int
    """Cap on argument shapes of one (machine, process, signer)."""
    ids: IdKey


class Known(NamedTuple):
    """What earlier days taught, as of the last closed one."""

    instances: Mapping[InstanceKey, Instance]
    signers: Signers
    registry: Registry
    short_of: Callable[[str], str | None] = lambda _: None
    """The short name that a machine went by before its full one was known."""
    unsettled: frozenset[str] = frozenset()
    """Hosts whose name may still turn out to be another one before the day closes."""


class Overflow(Struct, frozen=True):
    """More argument shapes than the cap admits for one (machine, process, signer)."""

    agent: str
    shapes: int


class Attribution:
    """Which agents each event of one window counts for."""

    def __init__(
        self,
        events: Iterable[AnyEvent],
        known: Known,
        rules: Rules,
        named: Iterable[Instance] = (),
        above: Iterable[Instance] = (),
    ) -> None:
        """Attribute `events`, which are ordered by (time, id).

        An engine that works out instances itself gives no events, but those instances that may be agents, with their
        evidence: `named` by an event of the window, or `above` one that is.
        """
        events = list(events)
        self._rules = rules
        self._known = known
        self.lineage = Lineage(known.instances, events)
        above = tuple(above)
        self.lineage.admit(above)
        self.lineage.admit(named, named=True)
        self._above = {one.key for one in above}
        self._twins: dict[AgentKey, set[str]] = {}
        for key, agent in known.registry.items():
            self._twins.setdefault(key.signed(None), set()).add(agent)
        self._gather(events)
        self.registry: dict[AgentKey, str] = {}
        """Keys seen in this window with their ids, aliases included."""
        self.overflows: list[Overflow] = []
        self._identify()
        self._credits: dict[InstanceKey, tuple[str, ...]] = {}
        self._declared: dict[str, str] = {}

    def watched(self) -> Iterable[InstanceKey]:
        """Return the instances that are agents."""
        return self._ids

    def agents_of(self, key: InstanceKey) -> tuple[str, ...]:
        """Return the ids of the agents that an instance counts for, nearest first."""
        found = self._credits.get(key)
        if found is None:
            # A parent that is known no more, long ended or under its host's old name, counts for nobody.
            chain = [key, *self.lineage.ancestors(key)] if key in self.lineage else []
            found = tuple(dict.fromkeys(self._ids[one] for one in chain if one in self._ids))
            self._credits[key] = found
        return found

    def credited(self, event: AnyEvent) -> tuple[str, ...]:
        """Return the agents that the actor of an event counts for, nearest first; a declared agent comes first."""
        actor = self.lineage.actor(event)
        agents = self.agents_of(actor) if actor is not None else ()
        if event.agent is None or not self.heeds_declared:
            return agents
        return (self.declared(event.agent.uid), *agents)

    @property
    def heeds_declared(self) -> bool:
        """Whether agents that events declare are watched in this scope."""
        return self._rules.scope.kind in {ScopeKind.EVIDENCE, ScopeKind.ALL}

    def actor(self, event: AnyEvent) -> Actor:
        """Return who acted, for display."""
        key = self.lineage.actor(event)
        if key is None:
            name = event.agent.uid if event.agent else ""
            return Actor(event.host, name, "", event.user or "", "", (name,))
        instance = self.lineage[key]
        line = reversed([key, *self.lineage.ancestors(key)])
        chain = [process_name(self.lineage[one].image) or _UNNAMED for one in line]
        parent = chain[-2] if len(chain) > 1 else ""
        user = event.user or instance.user or ""
        name = process_name(instance.image)
        return Actor(key.host, name, parent, user, instance.command_line or "", tuple(chain[-8:]), instance.image)

    def uncertain(self) -> frozenset[str]:
        """Return the agents that later events of the day may rename, by a signer or by the name of their host."""
        signing = {host for host, _ in self._known.signers}
        return frozenset(
            agent
            for key, agent in self._ids.items()
            if key.host in self._known.unsettled
            or (key.host in signing and self.lineage[key].unit is None and not self._is_weighed(key))
        )

    def _is_weighed(self, key: InstanceKey) -> bool:
        """Whether an instance's digest is known, by which its signer is looked up."""
        return self.lineage[key].digest is not None or self.lineage[key].sha1 is not None

    def identity(self, instance: Instance) -> tuple[AgentKey, str]:
        """Return the key of an instance and the id of its agent, empty where it is not watched."""
        return self._key_of(instance), self._ids.get(instance.key, "")

    def starters(self) -> dict[str, frozenset[str]]:
        """Return agent to the nearest agents that its instances were started under; empty text where there is none."""
        found: dict[str, set[str]] = {}
        for key, agent in self._ids.items():
            parent = self.lineage[key].parent
            agents = self.agents_of(parent) if parent is not None and parent in self.lineage else ()
            above = [one for one in agents if one != agent]
            found.setdefault(agent, set()).add(above[0] if above else "")
        return {agent: frozenset(above) for agent, above in found.items()}

    def learnt_signers(self, events: Iterable[AnyEvent]) -> dict[tuple[str, str], str]:
        """Return the signers that the window's signature events name, for use after the day has closed."""
        signers: dict[tuple[str, str], str] = {}
        for event in events:
            if isinstance(event, ModuleLoaded | ProcessStarted | SignatureChecked) and event.signer and event.digest:
                signers.setdefault((event.host, event.digest.casefold()), event.signer)
        return signers

    def declared(self, uid: str) -> str:
        """Return the id of a declared agent."""
        found = self._declared.get(uid)
        if found is None:
            found = self._id_of(AgentKey(declared=uid))
            self._declared[uid] = found
        return found

    def _gather(self, events: Iterable[AnyEvent]) -> None:
        """Give every instance the evidence of its events."""
        for event in events:
            key = self.lineage.actor(event)
            if key is None:
                continue
            if isinstance(event, ProcessStarted):
                self._credit_parent(key)
                continue
            evidence = self._evidence(event)
            if evidence:
                self.lineage.grow(key, evidence)
        for instance in list(self.lineage.instances()):
            signer = self._signer(instance)
            start = self._rules.catalogue.of_start(instance.image, instance.command_line or "", signer, instance.unit)
            self.lineage.grow(instance.key, start)

    def _credit_parent(self, child: InstanceKey) -> None:
        """Give a parent the evidence of how it starts children: the wrappers that agents put around commands."""
        started = self.lineage[child]
        if started.parent is not None and started.command_line:
            evidence = self._rules.catalogue.of_child(started.command_line)
            if evidence:
                self.lineage.grow(started.parent, evidence)

    def _evidence(self, event: AnyEvent) -> frozenset[str]:
        catalogue = self._rules.catalogue
        if isinstance(event, FileTouched):
            return catalogue.of_file(event.path)
        if isinstance(event, ConnectionOpened):
            return catalogue.of_destination(event.destination, event.port) if event.outbound else frozenset()
        if isinstance(event, NameResolved):
            return catalogue.of_destination(event.name, None)
        return catalogue.of_module(event.path) if isinstance(event, ModuleLoaded) else frozenset()

    def _signer(self, instance: Instance) -> str | None:
        digests = (digest for digest in (instance.digest, instance.sha1) if digest)
        found = (self._known.signers.get((instance.key.host, digest)) for digest in digests)
        return next((signer for signer in found if signer), None)

    def _identify(self) -> None:
        """Give every agent instance its id; shapes beyond the cap share one."""
        keys = {one.key: self._key_of(one) for one in self._reachable()}
        watched = {instance: key for instance, key in keys.items() if self._is_agent(self.lineage[instance], key)}
        shared = self._admit(set(watched.values()))
        self._ids = {instance: self._id_of(shared.get(key, key)) for instance, key in watched.items()}

    def _reachable(self) -> list[Instance]:
        keys = self._above | self.lineage.touched
        for key in self.lineage.touched:
            keys.update(self.lineage.ancestors(key))
        return [self.lineage[key] for key in sorted(keys)]

    def _key_of(self, instance: Instance) -> AgentKey:
        name = process_name(instance.image)
        if instance.unit:
            return AgentKey(instance.key.host, name, unit=instance.unit)
        line = instance.command_line
        shape = None if line is None else argument_shape(line)
        return AgentKey(instance.key.host, name, shape, self._signer(instance))

    def _is_agent(self, instance: Instance, key: AgentKey) -> bool:
        scope = self._rules.scope
        if scope.kind is ScopeKind.ALL:
            return True
        if scope.kind is ScopeKind.UNIT:
            return instance.unit is not None
        if scope.kind is ScopeKind.NAME:
            return scope.admits_name(key.process)
        known = self._known_id(key) is not None
        return known or self._rules.catalogue.tier(instance.evidence, instance.image) is Tier.AGENT

    def _known_id(self, key: AgentKey) -> str | None:
        """Return the id a key goes by: its own, or the one it had while the host was known by its short name only."""
        found = self._id_under(key)
        short = self._known.short_of(key.machine) if found is None else None
        return found if short is None else self._id_under(replace(key, machine=short))

    def _id_under(self, key: AgentKey) -> str | None:
        """Return the id of a key, or that of the one agent it differs from by an unknown signer."""
        registry = self._known.registry
        found = registry.get(key)
        if found is not None:
            return found
        if key.signer is not None:
            return registry.get(key.signed(None))
        twins = self._twins.get(key, set())
        return next(iter(twins)) if len(twins) == 1 else None

    def _id_of(self, key: AgentKey) -> str:
        found = self._known_id(key) or self._rules.ids.agent_id(self._as_shown(key))
        self.registry[key] = found
        return found

    def _as_shown(self, key: AgentKey) -> AgentKey:
        """Return the key that a new agent's id is made of: by the name under which it may have been shown today."""
        short = self._known.short_of(key.machine) if key.machine in self._known.unsettled else None
        return key if short is None else replace(key, machine=short)

    def _admit(self, keys: set[AgentKey]) -> dict[AgentKey, AgentKey]:
        """Return the keys beyond the cap on shapes with the key they share; known shapes keep their places."""
        groups: dict[AgentKey, set[AgentKey]] = {}
        for key in [*self._known.registry, *keys]:
            if key.arguments not in {None, OTHER_ARGUMENTS}:
                groups.setdefault(AgentKey(key.machine, key.process, "", key.signer), set()).add(key)
        moved: dict[AgentKey, AgentKey] = {}
        beyond: dict[str, set[str]] = {}  # one agent may be shared by a signed group and an unsigned one
        for group, members in groups.items():
            fresh = [key for key in members if self._known_id(key) is None]
            places = max(0, self._rules.shapes - (len(members) - len(fresh)))
            if len(fresh) <= places:
                continue
            fresh.sort(key=lambda key: self._rules.ids.fingerprint("shape", key.arguments or ""))
            shared = AgentKey(group.machine, group.process, OTHER_ARGUMENTS, group.signer)
            moved.update(dict.fromkeys(fresh[places:], shared))
            beyond.setdefault(self._id_of(shared), set()).update(key.arguments or "" for key in members)
        self.overflows += [Overflow(agent, len(shapes)) for agent, shapes in sorted(beyond.items())]
        return moved
