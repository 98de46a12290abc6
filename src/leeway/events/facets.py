"""The names of what is remembered: facets (which values) and measures (how much).

A facet that lies *within* another has values that extend the other's by one part: the value
`("example.org", "api.example.org")` of DOMAIN lies within `("example.org",)` of REGISTRABLE_DOMAIN. Detectors judge
novelty at the level that is stable for an agent by this relation alone.
"""

from enum import StrEnum

Value = tuple[str, ...]
"""One value of a facet: typed parts, never a joined string."""


class Facet(StrEnum):
    """One remembered side of an agent's behaviour."""

    CHILD = "child"
    CHILD_ARGUMENTS = "child_arguments"
    REGISTRABLE_DOMAIN = "registrable_domain"
    DOMAIN = "domain"
    DOMAIN_PORT = "domain_port"
    DOMAIN_CONTEXT = "domain_context"
    SUPERNET = "supernet"
    NETWORK = "network"
    NETWORK_PORT = "network_port"
    NAMED_RANGE = "named_range"
    NAMED_NETWORK = "named_network"
    IP = "ip"
    PORT = "port"
    MODULE = "module"
    MODULE_DIGEST = "module_digest"
    TREE = "tree"
    DIRECTORY = "directory"
    FILE = "file"
    MODEL_FILE = "model_file"
    MODEL_FILE_USER = "model_file_user"
    MODEL_FILE_ARGUMENTS = "model_file_arguments"
    USER = "user"
    TOOL = "tool"
    TOOL_ARGUMENT = "tool_argument"
    HOUR = "hour"


WITHIN: dict[Facet, Facet] = {
    Facet.CHILD_ARGUMENTS: Facet.CHILD,
    Facet.DOMAIN: Facet.REGISTRABLE_DOMAIN,
    Facet.DOMAIN_PORT: Facet.REGISTRABLE_DOMAIN,
    Facet.DOMAIN_CONTEXT: Facet.DOMAIN,
    Facet.NETWORK: Facet.SUPERNET,
    Facet.NAMED_NETWORK: Facet.NAMED_RANGE,
    Facet.NETWORK_PORT: Facet.NETWORK,
    Facet.IP: Facet.NETWORK,
    Facet.MODULE_DIGEST: Facet.MODULE,
    Facet.DIRECTORY: Facet.TREE,
    Facet.FILE: Facet.DIRECTORY,
    Facet.MODEL_FILE_USER: Facet.MODEL_FILE,
    Facet.MODEL_FILE_ARGUMENTS: Facet.MODEL_FILE,
    Facet.TOOL_ARGUMENT: Facet.TOOL,
}
"""Facet to the facet it lies within: `value[:-1]` is the value there."""


class Measure(StrEnum):
    """One remembered quantity; integers only."""

    EVENTS = "events"
    BYTES_OUT = "bytes_out"
    BYTES_IN = "bytes_in"
    TOOL_DURATION_US = "tool_duration_us"
