"""Taking over what the reference knows, where it was run over all events of the day so far."""

from typing import NamedTuple

from leeway.agents import OTHER_ARGUMENTS, AgentKey, Attribution, InstanceKey
from leeway.engines.live.identities import NOBODY
from leeway.engines.live.instances import BITS, FACTS, Instances, own_facts
from leeway.events import AnyEvent, ProcessStarted


class Whole(NamedTuple):
    """The attribution of all events so far, and these."""

    attribution: Attribution
    events: list[AnyEvent]


def take_over(whole: Whole, instances: Instances) -> bool:
    """Know the instances that an attribution knows; return whether some events name a process by its number alone."""
    attribution = whole.attribution
    touched = attribution.lineage.touched
    for key in list(touched):
        _copy(attribution, key, instances, is_touched=True)
    for instance in list(instances):
        for one in attribution.lineage.ancestors(InstanceKey(*instance.key)):
            _copy(attribution, one, instances, is_touched=one in touched)
    is_loose = any([_own(attribution, event, instances) for event in whole.events])  # noqa: C419  # all are looked at
    last = max((event.time for event in whole.events), default=None)
    for instance in instances:
        # Later than anything that was said: what contradicts it is taken for later only where it surely is.
        instance.last = instance.last if last is None else last
    return is_loose


def _own(attribution: Attribution, event: AnyEvent, instances: Instances) -> bool:
    """Remember which facts of an instance its own event gave; return whether the event names no id of a process."""
    actor, process = attribution.lineage.actor(event), event.process
    if actor is None or process is None:
        return False
    instance = instances.meet(actor)
    for name, value in own_facts(event, process):
        instance.own |= BITS[name] if value not in (None, "") else 0
    instance.has_started |= isinstance(event, ProcessStarted)
    parent = event.parent if isinstance(event, ProcessStarted) else None
    return process.uid is None or (parent is not None and parent.uid is None)


def _copy(attribution: Attribution, key: InstanceKey, instances: Instances, *, is_touched: bool) -> None:
    instance, facts = instances.meet(key), attribution.lineage[key]
    for name in FACTS:
        setattr(instance, name, getattr(facts, name))
    instance.acted = facts.evidence
    instance.is_touched = is_touched
    own, instance.agent = attribution.identity(facts)
    # A key beyond the cap on argument shapes is seen by nobody: its program shares one.
    shared = AgentKey(own.machine, own.process, OTHER_ARGUMENTS, own.signer)
    instance.agent_key = NOBODY if not instance.agent else own if own in attribution.registry else shared
