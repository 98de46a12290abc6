"""Levels of a destination: host to registrable domain, address to network, supernet and named range."""

from leeway.destinations.levels import address_of, host_name, network_levels, registrable_domain, stays_local
from leeway.destinations.range_formats import FIELDS, Listed, listed
from leeway.destinations.ranges import (
    Compiled,
    NamedRanges,
    RangeTable,
    Refused,
    compile_table,
    range_network,
    table_name,
)

__all__ = [
    "FIELDS",
    "Compiled",
    "Listed",
    "NamedRanges",
    "RangeTable",
    "Refused",
    "address_of",
    "compile_table",
    "host_name",
    "listed",
    "network_levels",
    "range_network",
    "registrable_domain",
    "stays_local",
    "table_name",
]
