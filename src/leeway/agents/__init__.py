"""Whose behaviour: the catalogue of evidence, lineage, the agent key, attribution."""

from leeway.agents.arguments import argument_shape, normalise, process_name
from leeway.agents.attribution import Actor, Attribution, Known, Overflow, Registry, Rules, Signers
from leeway.agents.catalogue import Catalogue, Tier, catalogue, is_model_file
from leeway.agents.hosts import FullNames, HostDoubt, Hosts, learnt_names
from leeway.agents.instances import Instance, InstanceKey, Lineage
from leeway.agents.key import OTHER_ARGUMENTS, AgentKey, IdKey
from leeway.agents.upkeep import Upkeep, UpkeepTable, upkeep

__all__ = [
    "OTHER_ARGUMENTS",
    "Actor",
    "AgentKey",
    "Attribution",
    "Catalogue",
    "FullNames",
    "HostDoubt",
    "Hosts",
    "IdKey",
    "Instance",
    "InstanceKey",
    "Known",
    "Lineage",
    "Overflow",
    "Registry",
    "Rules",
    "Signers",
    "Tier",
    "Upkeep",
    "UpkeepTable",
    "argument_shape",
    "catalogue",
    "is_model_file",
    "learnt_names",
    "normalise",
    "process_name",
    "upkeep",
]
