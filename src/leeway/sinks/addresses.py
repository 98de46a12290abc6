"""Which addresses a webhook may go to: none that lies inside, in whatever form it is written (threat 29)."""

import ipaddress
import re
from ipaddress import IPv4Address, IPv6Address

from leeway.errors import InvalidConfigError

_NOT_PUBLIC_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
        ),
    )
)
"""IANA's special-purpose blocks, multicast and what is reserved; also clouds' metadata (169.254.169.254)."""

_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
"""All that IANA has given out."""

_NOT_PUBLIC_6 = tuple(
    map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"))
)
"""Special blocks in there: Teredo and protocol assignments, documentation, 6to4, AS112."""

_NUMBER_LIKE = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)(?:\.(?:0[xX][0-9a-fA-F]*|[0-9]+)){0,3}\.?")
"""What some resolvers read as an address: decimal, octal or hexadecimal, in one to four parts."""

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")

_NAME_LENGTH = 253


def is_public(address: str) -> bool:
    """Say whether an address lies in the open internet: not private, local, shared, reserved, multicast or a tunnel.

    Forms that carry an IPv4 address inside an IPv6 one (mapped, NAT64, 6to4, Teredo) are never public here: where they
    lead is for a gateway to say.

    >>> [is_public(one) for one in ("8.8.8.8", "169.254.169.254", "::ffff:8.8.8.8")]
    [True, False, False]
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return not any(found in network for network in _NOT_PUBLIC_4)
    return found.scope_id is None and found in _PUBLIC_6 and not any(found in network for network in _NOT_PUBLIC_6)


def checked_host(host: str) -> str:
    """Return a host as a name or an address in its one plain form.

    Raises:
        InvalidConfigError: for an address in an odd spelling, or what is neither name nor address. The text is not
            repeated: it may hold a secret.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if address := _plain_address(bare):
        return address
    if _NUMBER_LIKE.fullmatch(bare):
        raise InvalidConfigError("the sink's host is a number", hint="write the address as four decimal numbers")
    labels = bare.removesuffix(".").split(".")
    if len(bare) > _NAME_LENGTH or not all(map(_LABEL.fullmatch, labels)) or _NUMBER_LIKE.fullmatch(labels[-1]):
        raise InvalidConfigError("the sink's host is neither a name nor an address", hint="write names in ASCII")
    return bare.removesuffix(".").lower()


def _plain_address(text: str) -> str:
    """Return an address in its plain form; empty for what is none, or spelt otherwise."""
    try:
        address: IPv4Address | IPv6Address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    return "" if isinstance(address, IPv6Address) and address.scope_id is not None else str(address)
