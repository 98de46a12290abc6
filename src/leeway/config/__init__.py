"""Typed settings: the learning profile, the caps, the policy of allow lists, the scope."""

from leeway.config.aliases import load_aliases
from leeway.config.policy import Policy, load_policy
from leeway.config.resources import Resources
from leeway.config.settings import Caps, LearningProfile, Scope, Settings, parse_scope

__all__ = [
    "Caps",
    "LearningProfile",
    "Policy",
    "Resources",
    "Scope",
    "Settings",
    "load_aliases",
    "load_policy",
    "parse_scope",
]
