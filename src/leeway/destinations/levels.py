"""The levels of a destination: host name to registrable domain, address to network to supernet.

Values in, values out; nothing here looks anything up on a network.
"""

import ipaddress
from functools import lru_cache

from publicsuffixlist import PublicSuffixList

_SUFFIXES = PublicSuffixList(only_icann=True)
"""ICANN suffixes only: the hosts of one CDN (`d1.cloudfront.net`, `d2.cloudfront.net`) share a registrable domain."""

_HOST_LIMIT = 253
"""Longest host name, RFC 1035 section 2.3.4."""


@lru_cache(maxsize=65_536)
def address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that `text` spells, IPv4-mapped IPv6 unwrapped, or None where it is a name.

    >>> address_of("::ffff:192.0.2.7")
    IPv4Address('192.0.2.7')
    """
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


@lru_cache(maxsize=65_536)
def network_levels(text: str) -> tuple[str, str, str] | None:
    """Return (supernet, network, address) of an address, or None where `text` is a name.

    IPv4 goes by /16 and /24, IPv6 by /32 (a provider's usual allocation) and /48 (a site's).

    >>> network_levels("192.0.2.7")
    ('192.0.0.0/16', '192.0.2.0/24', '192.0.2.7')
    """
    address = address_of(text)
    if address is None:
        return None
    wide, narrow = (16, 24) if address.version == 4 else (32, 48)  # noqa: PLR2004  # the protocol's own number
    supernet = ipaddress.ip_network(f"{address}/{wide}", strict=False)
    network = ipaddress.ip_network(f"{address}/{narrow}", strict=False)
    return str(supernet), str(network), str(address)


@lru_cache(maxsize=65_536)
def host_name(text: str) -> str:
    """Return a host name in the form it is compared in: lower case, no root dot, at most 253 characters.

    >>> host_name("API.OpenAI.com.")
    'api.openai.com'
    """
    return text.strip().rstrip(".").casefold()[:_HOST_LIMIT]


@lru_cache(maxsize=65_536)
def stays_local(text: str) -> bool:
    """Say whether traffic to a host or address never leaves the host or its network segment.

    Loopback, link-local, multicast and unspecified addresses (RFC 4291, RFC 5771); names without a dot, which only the
    segment resolves. Private addresses do leave it: that is where lateral movement goes.

    >>> stays_local("fe80::1"), stays_local("workstation5"), stays_local("10.0.0.7")
    (True, True, False)
    """
    address = address_of(text.partition("/")[0])
    if address is None:
        return "." not in host_name(text)
    return address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified


@lru_cache(maxsize=65_536)
def registrable_domain(host: str) -> str:
    """Return the part of a host name that somebody registered; a bare suffix or single label is its own.

    >>> registrable_domain("api.eu.example.co.uk")
    'example.co.uk'
    """
    name = host_name(host)
    return _SUFFIXES.privatesuffix(name) or name
