"""Which agent an instance is, found by attribution itself from the few facts that this depends on."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from leeway.agents import AgentKey, Attribution, InstanceKey, Known, Rules, Tier, argument_shape, process_name
from leeway.agents.key import OTHER_ARGUMENTS
from leeway.config.settings import ScopeKind
from leeway.engines.live.instances import LiveInstance
from leeway.events import DeclaredAgent, Heartbeat, Process

_PROBE = "-"


class CrowdedError(Exception):
    """A program has more argument shapes than the cap: who shares a key is seen only with all of them."""


class Identities:
    """Identifies instances one by one, as a window of all of them would."""

    def __init__(
        self, known: Known, rules: Rules, noon: datetime, *, today: Iterable[AgentKey] = (), is_crowded: bool = False
    ) -> None:
        """Identify by `known` and `rules`; where the day `is_crowded`, no key is added to those of `today`."""
        self._known = known
        self._rules = rules
        self._noon = noon
        self._is_crowded = is_crowded
        self._tier = lru_cache(maxsize=4_096)(rules.catalogue.tier)
        self._today = set(today)
        self._signing = frozenset(host for host, _ in known.signers)
        self._by_process: dict[str, dict[AgentKey, str]] = {}
        self._forms: set[tuple[str, str | None, str | None]] = set()
        self._shapes: dict[AgentKey, set[str]] = {}
        for key, agent in known.registry.items():
            self._by_process.setdefault(key.process, {})[key] = agent
            self._forms.add((key.process, key.arguments, key.unit))
            self._add_shape(key)
        for key in self._today:
            self._add_shape(key)
        self._declared: dict[str, tuple[AgentKey, str]] = {}

    def identify(self, instance: LiveInstance, ancestors: tuple[LiveInstance, ...]) -> bool:
        """Find out which agent an instance is, and its ancestors where that is not known yet; say whether it changed.

        Raises:
            CrowdedError: where a program has more argument shapes than the cap.
        """
        before = instance.agent, instance.agent_key if instance.agent else None
        unknown = [instance]
        if ancestors and ancestors[0].agent_key is None:  # those of one that is identified are
            unknown += [one for one in ancestors if one.agent_key is None]
        if all([self._is_plain(one) for one in unknown]):  # noqa: C419  # mostly one
            for one in unknown:
                one.agent, one.agent_key = "", NOBODY
        else:
            self._look_up(instance, ancestors, unknown)
        return (instance.agent, instance.agent_key if instance.agent else None) != before

    def declared(self, uid: str) -> tuple[AgentKey, str]:
        """Return the key and id of an agent that declares itself; an empty id where the scope leaves it out."""
        found = self._declared.get(uid)
        if found is None:
            event = Heartbeat(time=self._noon, id=_PROBE, agent=DeclaredAgent(uid=uid))
            known = self._known._replace(instances={}, registry=self._by_process.get("", {}))
            agents = Attribution([event], known, self._rules).credited(event)
            found = self._declared[uid] = AgentKey(declared=uid), next(iter(agents), "")
        return found

    def is_agent_now(self, instance: LiveInstance) -> bool:
        """Say whether more evidence made an agent of an instance that was none."""
        return not instance.agent and self._rules.scope.kind is ScopeKind.EVIDENCE and not self._is_plain(instance)

    @property
    def may_rename(self) -> bool:
        """Whether any agent may still be renamed."""
        return bool(self._signing or self._known.unsettled)

    def may_be_renamed(self, instance: LiveInstance) -> bool:
        """Say whether later events of the day may rename the agent, as `Attribution.uncertain` has it."""
        host = instance.host
        is_weighed = instance.digest is not None or instance.sha1 is not None
        return host in self._known.unsettled or (host in self._signing and instance.unit is None and not is_weighed)

    def matters_for_signer(self, instance: LiveInstance) -> bool:
        """Say whether the signer of an executable can be known on the instance's host."""
        return instance.host in self._signing

    def _is_plain(self, instance: LiveInstance) -> bool:
        """Say, cheaply, whether an instance is surely no agent."""
        if self._rules.scope.kind is not ScopeKind.EVIDENCE:
            return False
        name = process_name(instance.image)
        if name in self._by_process and self._is_known_form(instance, name):
            return False
        catalogue = self._rules.catalogue
        evidence = instance.acted
        if instance.is_touched:
            signed = instance.host in self._signing
            signer = self._signer(instance) if signed else None
            evidence |= catalogue.of_start(instance.image, instance.command_line or "", signer, instance.unit)
        return not evidence or self._tier(evidence, instance.image) is not Tier.AGENT

    def _is_known_form(self, instance: LiveInstance, name: str) -> bool:
        if instance.unit:
            return (name, None, instance.unit) in self._forms
        line = instance.command_line
        return (name, None if line is None else argument_shape(line), None) in self._forms

    def _signer(self, instance: LiveInstance) -> str | None:
        digests = (digest for digest in (instance.digest, instance.sha1) if digest)
        found = (self._known.signers.get((instance.host, digest)) for digest in digests)
        return next((signer for signer in found if signer), None)

    def _look_up(
        self, instance: LiveInstance, ancestors: tuple[LiveInstance, ...], unknown: list[LiveInstance]
    ) -> None:
        """Ask attribution about an instance in a window of its own."""
        window = {InstanceKey(*one.key): one.as_instance() for one in (instance, *ancestors)}
        names = {process_name(one.image) for one in unknown}
        registry = {key: agent for name in names for key, agent in self._by_process.get(name, {}).items()}
        # The declared agent is nobody's; without one an event needs the name of a host.
        nobody, process = DeclaredAgent(uid=_PROBE), Process(uid=instance.key[1])
        touched = Heartbeat(time=self._noon, id=_PROBE, host=instance.host, process=process, agent=nobody)
        known = self._known._replace(instances=window, registry=registry)
        attribution = Attribution([touched] if instance.is_touched else [], known, self._rules)
        for one in unknown:
            key, agent = attribution.identity(attribution.lineage[InstanceKey(*one.key)])
            if agent and key not in self._known.registry:
                self._admit(key)
            one.agent, one.agent_key = agent, key

    def _admit(self, key: AgentKey) -> None:
        """Take a key that no closed day knew, within the cap on argument shapes."""
        if key in self._today:
            return
        self._today.add(key)
        shapes = self._add_shape(key)
        if shapes > self._rules.shapes or self._is_crowded:
            raise CrowdedError

    def _add_shape(self, key: AgentKey) -> int:
        """Return how many argument shapes the key's program has, this one included."""
        if key.arguments is None or key.arguments == OTHER_ARGUMENTS:
            return 0
        shapes = self._shapes.setdefault(AgentKey(key.machine, key.process, "", key.signer), set())
        shapes.add(key.arguments)
        return len(shapes)


NOBODY = AgentKey()
"""Stands for the key of an instance that is surely no agent; nobody asks for it."""
