"""Who an agent is: the typed key, and ids derived from it under a secret."""

import hmac
from hashlib import blake2b, sha256

import msgspec
from msgspec import Struct
from msgspec.structs import replace

_ENCODE = msgspec.msgpack.Encoder(order="deterministic").encode

OTHER_ARGUMENTS = "(other arguments)"
"""The key that argument shapes beyond the cap share."""


class AgentKey(Struct, frozen=True, array_like=True):
    """What makes two process instances the same agent; typed, never a joined string."""

    machine: str = ""
    process: str = ""
    """Base name, lower case, without `.exe`."""
    arguments: str | None = None
    """Argument shape; None where the start was not seen."""
    signer: str | None = None
    """Who signed the executable; None where that is not known."""
    unit: str | None = None
    """Container or service unit; takes the place of arguments and signer."""
    declared: str | None = None
    """`agent.uid` of an agent that declares itself; the other parts are empty then."""

    @property
    def is_complete(self) -> bool:
        """Whether the start was seen, so that later events of the day cannot rename the agent."""
        return self.arguments is not None or self.unit is not None or self.declared is not None

    def signed(self, signer: str | None) -> "AgentKey":
        """Return this key with another signer."""
        return replace(self, signer=signer)

    def __str__(self) -> str:
        if self.declared is not None:
            return self.declared
        detail = (
            f"[{self.unit}]" if self.unit else (self.arguments if self.arguments is not None else "(start not seen)")
        )
        return f"{self.process} {detail}".strip() + f" @ {self.machine}"


class IdKey:
    """The secret under which ids and fingerprints are made. Equality of findings is stated under one such key."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._fingerprints = hmac.digest(secret, b"leeway fingerprints", "sha256")

    def id_of(self, kind: str, *parts: object) -> str:
        """Return the id of `parts`: 32 hex digits of HMAC-SHA256 over their MessagePack form."""
        return hmac.new(self._secret, _ENCODE((kind, parts)), sha256).hexdigest()[:32]

    def agent_id(self, key: AgentKey) -> str:
        """Return the id of an agent that was first seen under `key`."""
        return self.id_of("agent", key)

    def fingerprint(self, *parts: str) -> int:
        """Return a keyed 64-bit fingerprint, so that nobody without the secret can compute which values stay."""
        return int.from_bytes(blake2b(_ENCODE(parts), digest_size=8, key=self._fingerprints).digest(), "big")
