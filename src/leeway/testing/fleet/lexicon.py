"""Words of which a drift's names are made, so that no two drifts share a value."""

from random import Random

_FIRST = (
    "amber", "birch", "cobalt", "dawn", "ember", "fable", "garnet", "harbor", "indigo", "jasper", "kelp", "lunar",
    "maple", "nimbus", "onyx", "pepper", "quartz", "river", "saffron", "timber", "umber", "velvet", "willow", "zephyr",
    "bramble", "copper", "dune", "echo", "flint", "glacier", "hollow", "ivory", "juniper", "knoll", "lark", "meadow",
    "north", "opal", "prairie", "raven", "slate", "thistle",
)  # fmt: skip
_SECOND = (
    "anchor", "bakery", "cabin", "dock", "engine", "ferry", "garden", "haven", "isle", "junction", "kiosk", "lodge",
    "market", "nest", "orchard", "pier", "quarry", "ranch", "station", "tower", "union", "valley", "works", "yard",
    "bridge", "canyon", "depot", "field", "grove", "hill", "inlet", "landing", "mill", "outpost", "press", "ridge",
    "shore", "trail", "vault", "wharf",
)  # fmt: skip
_SHARE = 30
"""Word pairs a drift has for itself; a fan-out needs 25."""


class Lexicon:
    """The words of one drift: its share of all pairs, in the seed's order."""

    def __init__(self, seed: int, place: int) -> None:
        pairs = [(first, second) for first in _FIRST for second in _SECOND]
        Random(f"{seed}|words").shuffle(pairs)
        self._pairs = iter(pairs[place * _SHARE : (place + 1) * _SHARE])

    def word(self) -> str:
        """Return a word that is not handed out again."""
        return "-".join(next(self._pairs))

    def domain(self) -> str:
        """Return a registrable domain under the name reserved for examples (RFC 2606)."""
        return f"{self.word()}.example"

    def user(self) -> str:
        """Return the name of a user."""
        return f"svc-{self.word()}"
