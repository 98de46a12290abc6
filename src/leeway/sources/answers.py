"""The addresses in a name service's answer, in whatever list a feed gives them."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from leeway.destinations import address_of

_LIMIT: Final = 64
"""Addresses of one answer that are kept: as many as an event holds."""


def answered(parts: Iterable[object]) -> tuple[str, ...]:
    """Return the addresses among the parts of an answer, IPv4-mapped ones unwrapped; names and all else are left out.

    >>> answered(["host.example.net", "::ffff:192.0.2.7", None, "2001:db8::1"])
    ('192.0.2.7', '2001:db8::1')
    """
    found = (address_of(part.strip()) for part in parts if isinstance(part, str) and part.strip())
    return tuple(str(address) for address in islice((one for one in found if one is not None), _LIMIT))
