"""Who acted and for whom it counts, kept while events arrive; says so where only all of them in order can tell."""

from collections.abc import Iterable
from datetime import datetime

from leeway.agents import (
    Actor,
    AgentKey,
    Known,
    Overflow,
    Rules,
    process_name,
)
from leeway.config.settings import ScopeKind
from leeway.engines.live.cells import Owner
from leeway.engines.live.identities import Identities
from leeway.engines.live.instances import (
    TELLING,
    Fact,
    Instances,
    LiveInstance,
    UnclearError,
    is_own_image,
    own_facts,
    told_facts,
)
from leeway.engines.live.showings import Place
from leeway.engines.live.whole import Whole, take_over
from leeway.events import AnyEvent, ModuleLoaded, Process, ProcessEnded, ProcessStarted

_CHAIN = 8
"""Names of a chain that an actor shows, as in `Attribution.actor`."""


class LiveLineage:
    """Instances, their lineage and their agents, as `Attribution` of all the day's events so far has them."""

    def __init__(self, known: Known, rules: Rules, noon: datetime, whole: Whole | None = None) -> None:
        """Start with no event; or, with `whole`, from the attribution of all that came so far."""
        self._rules = rules
        self._catalogue = rules.catalogue
        overflows = whole.attribution.overflows if whole is not None else []
        self.overflows: dict[str, Overflow] = {one.agent: one for one in overflows}
        today = whole.attribution.registry if whole is not None else {}
        self._identities = Identities(known, rules, noon, today=today, is_crowded=bool(overflows))
        self.instances = Instances(known.instances)
        self._get = self.instances.get
        self.is_loose = False
        """Whether some events name their process by its number alone, so that any new fact may change which one."""
        self.has_moved = False
        """Whether what was counted before may count for others now."""
        self.has_shown = False
        """Whether something else is shown of an instance now that may stand on a finding."""
        self.renewed: set[str] = set()
        """Agents of which something changed that no event of theirs shows."""
        self._by_agent: dict[str, _Agent] = {}
        self._declared: dict[str, AgentKey] = {}
        if whole is not None:
            self.is_loose = take_over(whole, self.instances)
            registry = whole.attribution.registry
            self._declared = {agent: key for key, agent in registry.items() if key.declared is not None}
            self.moved()

    # From events

    def actor(self, host: str, event: AnyEvent, process: Process) -> LiveInstance:
        """Return the instance that acted in an event, with what the event says of it and of its parent.

        Raises:
            UnclearError: where that depends on the other events of the day.
            CrowdedError: where the cap on argument shapes is reached.
        """
        uid = process.uid
        if uid is None:
            raise UnclearError
        instance, kind = self._get((host, uid)), type(event)
        if kind is ProcessStarted or instance is None or not instance.is_touched:
            return self._told(host, event, process, uid)
        if kind in _SAYING and _says_more(event, process, is_loose=self.is_loose):
            return self._told(host, event, process, uid)
        if instance.checked is not process and instance.checked != process:
            if self.is_loose or not instance.agrees(process):
                return self._told(host, event, process, uid)
            instance.checked = process
        user, moment = event.user, event.time
        if user != instance.user and user is not None and kind is not ProcessEnded:
            self._learn(instance, (("user", user),), moment)
        elif moment > instance.last:
            instance.last = moment
        return instance

    def _told(self, host: str, event: AnyEvent, process: Process, uid: str) -> LiveInstance:
        instance, was_touched = self._meet((host, uid))
        if type(event) is ProcessStarted and not was_touched and instance.known is None and not self.is_loose:
            new = instance.begin(event, process)
        else:
            new = self._learn(instance, own_facts(event, process), event.time)
        if type(event) is ProcessStarted:
            new += self._adopt(host, event, instance)
        instance.checked = process
        self._settle(instance, new, was_touched=was_touched)
        self._credit_parent(instance)
        return instance

    def _meet(self, key: Place) -> tuple[LiveInstance, bool]:
        """Return an instance and whether an event of the day has named it before."""
        instance = self.instances.get(key)
        if instance is None:
            self.has_moved |= self.instances.is_missed(key)
            instance = self.instances.meet(key)
        return instance, instance.is_touched

    def _learn(
        self, instance: LiveInstance, facts: Iterable[Fact], time: datetime, *, is_own: bool = True
    ) -> list[str]:
        told = facts if self.is_loose else [fact for fact in facts if fact[0] not in _TIMED]
        was_touched = instance.is_touched
        new = instance.learn(told, time, is_own=is_own)
        if (self.is_loose and (new or not was_touched)) or (was_touched and "image" in new):
            raise UnclearError
        self.has_shown |= was_touched and "user" in new
        return new

    def _adopt(self, host: str, event: ProcessStarted, child: LiveInstance) -> list[str]:
        """Learn the parent that a start names; return what is new of the child."""
        child.has_started = True
        parent = event.parent
        if parent is None:
            return []
        if parent.uid is None:
            raise UnclearError
        key = host, parent.uid
        if key == child.key:
            return []
        known, was_touched = self._meet(key)
        if known.told != parent:
            new = self._learn(known, told_facts(parent), event.time, is_own=False)
            self._settle(known, new, was_touched=was_touched)
            known.told = parent
        known.last = max(known.last, event.time)
        if child.parent is None and not self.is_loose:
            child.parent = known.key
            return ["parent"]
        return self._learn(child, (("parent", key),), event.time, is_own=False)

    def _credit_parent(self, child: LiveInstance) -> None:
        """Give a parent the evidence of how it starts children."""
        if child.parent is None or not child.command_line or not child.has_started:
            return
        evidence = self._catalogue.of_child(child.command_line)
        parent = self.instances.get(child.parent) if evidence else None
        if parent is not None:
            self.grow(parent, evidence)

    def grow(self, instance: LiveInstance, evidence: frozenset[str]) -> None:
        """Add evidence of what an instance did."""
        if not evidence <= instance.acted:
            instance.acted |= evidence
            if self._identities.is_agent_now(instance):
                self._identify(instance, ())

    def _settle(self, instance: LiveInstance, new: list[str], *, was_touched: bool) -> None:
        """Find out who an instance is where new facts may change that."""
        if was_touched:
            telling = TELLING.intersection(new)
            if not telling or (telling <= _DIGESTS and not self._identities.matters_for_signer(instance)):
                return
        self._identify(instance, new)

    def _identify(self, instance: LiveInstance, new: Iterable[str]) -> None:
        """Find out anew which agent an instance is; what it did so far may then count for others."""
        was_known = instance.agent_key is not None
        self.instances.renew(instance)
        ancestors = self.instances.ancestors(instance)
        changed = self._identities.identify(instance, ancestors)
        if was_known and (changed or not _SHOWN.isdisjoint(new)):
            self.has_moved = True
        for one in (instance, *ancestors):
            if one.agent:
                self._note(one)
        if instance.agent:
            self.renewed.add(instance.agent)

    def _note(self, instance: LiveInstance) -> None:
        """Remember an instance with its agent."""
        found = self._by_agent.get(instance.agent)
        if found is None:
            found = self._by_agent[instance.agent] = _Agent()
        if instance not in found.instances:
            found.instances.add(instance)
            found.starters.add(self._starter(instance))
            if instance.agent_key is not None:
                found.keys.add(instance.agent_key)

    def moved(self) -> None:
        """Go over all instances again, because the lineage or the agents of some have changed."""
        self.has_moved = False
        self._by_agent.clear()
        self.instances.forget()
        for instance in list(self.instances):
            if instance.agent:
                self._note(instance)

    # For whom it counts

    def credits(self, owner: Owner) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the agents that an owner's acts count for, nearest first, and those of who started it."""
        instance = self.instances.get(owner.instance) if owner.instance is not None else None
        agents = self._agents_of(instance)
        parent = self.instances.get(instance.parent) if instance is not None and instance.parent is not None else None
        declared = self.declare(owner.declared) if owner.declared else ""
        return ((declared, *agents) if declared else agents), self._agents_of(parent)

    def declare(self, uid: str) -> str:
        """Return the id of a declared agent; empty where the scope leaves such out."""
        if self._rules.scope.kind not in {ScopeKind.EVIDENCE, ScopeKind.ALL}:
            return ""
        key, agent = self._identities.declared(uid)
        self._declared[agent] = key
        return agent

    def _agents_of(self, instance: LiveInstance | None) -> tuple[str, ...]:
        if instance is None:
            return ()
        if instance.agents is None:
            chain = (instance, *self.instances.ancestors(instance))
            instance.agents = tuple(dict.fromkeys([one.agent for one in chain if one.agent]))
        return instance.agents

    def key_of(self, agent: str) -> AgentKey:
        """Return the key that an agent is shown under: of several, the signed one, then the least."""
        if agent in self._declared:
            return self._declared[agent]
        return min(self._by_agent[agent].keys, key=lambda key: (key.signer is None, repr(key)))

    def starters(self, agent: str) -> frozenset[str]:
        """Return the nearest agents that an agent's instances were started under; empty text where there is none."""
        found = self._by_agent.get(agent)
        return frozenset(found.starters) if found is not None else frozenset()

    def _starter(self, instance: LiveInstance) -> str:
        parent = self.instances.get(instance.parent) if instance.parent is not None else None
        return next((one for one in self._agents_of(parent) if one != instance.agent), "")

    @property
    def may_rename(self) -> bool:
        """Whether any agent may still be renamed by what later events say."""
        return self._identities.may_rename

    def is_uncertain(self, agent: str) -> bool:
        """Say whether later events of the day may rename an agent."""
        found = self._by_agent.get(agent)
        if found is None or not self.may_rename:
            return False
        return any(self._identities.may_be_renamed(one) for one in found.instances)

    def agent_of(self, owner: Owner) -> str | None:
        """Return the agent that an owner's instance itself is, empty where it is none; None where it has none."""
        instance = self.instances.get(owner.instance) if owner.instance is not None else None
        return None if instance is None else instance.agent

    def shown(self, owner: Owner, user: str | None) -> Actor:
        """Return who acted, for display, as `Attribution.actor` has it."""
        instance = self.instances.get(owner.instance) if owner.instance is not None else None
        if instance is None:
            name = owner.declared
            return Actor(owner.host, name, "", user or "", "", (name,))
        line = [*reversed(self.instances.ancestors(instance)), instance]
        chain = [process_name(one.image) or "?" for one in line]
        return Actor(
            host=instance.host,
            process=process_name(instance.image),
            parent=chain[-2] if len(chain) > 1 else "",
            user=user or instance.user or "",
            command_line=instance.command_line or "",
            chain=tuple(chain[-_CHAIN:]),
            image=instance.image,
        )


def _says_more(event: AnyEvent, process: Process, *, is_loose: bool) -> bool:
    """Say whether a load or an end tells more of an instance than its process and user."""
    if isinstance(event, ModuleLoaded):
        return bool(event.digest) and is_own_image(event.path, process.image)
    return is_loose


class _Agent:
    """An agent's instances and what follows from them."""

    __slots__ = ("instances", "keys", "starters")

    def __init__(self) -> None:
        self.instances: set[LiveInstance] = set()
        self.keys: set[AgentKey] = set()
        self.starters: set[str] = set()


_SAYING = frozenset({ModuleLoaded, ProcessEnded})
"""Kinds, beside starts, whose events may say more of an instance than its process and user."""

_TIMED = frozenset({"pid", "started", "ended"})
"""Facts that matter only where processes are named by their numbers."""

_DIGESTS = frozenset({"digest", "sha1"})
_SHOWN = frozenset({"image", "command_line", "parent"})
"""Facts that are shown with, or decide for whom, an instance's acts count, whoever it is itself."""
