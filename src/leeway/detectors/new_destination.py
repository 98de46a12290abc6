"""Does the agent reach a place it never reached, at the level that is stable for it?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from leeway.baselines import Candidate, Membership
from leeway.destinations import stays_local
from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure
from leeway.findings import Evidence, Severity, Signal

ROTATING = 4
"""Known hosts of one domain (or networks of one supernet) from which the level above is the stable one."""


@dataclass(frozen=True, slots=True)
class NewDestination:
    """A registrable domain, host, address network or port that is new for this agent (rows A2, B3, B29).

    A new registrable domain or network is MEDIUM. A new host of a known domain, or a new network beside known ones, is
    LOW, and no remark where the agent knows four or more of them: there they rotate. A known place on another port is
    LOW, and MEDIUM where the agent never used that port anywhere. What stays on the host or its segment (loopback,
    link-local, multicast, names without a dot) is LOW. Where the host name is known the address is not judged:
    addresses behind a name rotate.

    Blind to: a known destination put to a new use, and whatever hides behind a shared proxy or a known domain.
    """

    name: ClassVar[str] = "new_destination"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = (Facet.REGISTRABLE_DOMAIN, Facet.DOMAIN, Facet.NETWORK, Facet.PORT)

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield a signal for each new place, then for each new port of a known one."""
        for candidate in view.of(Facet.REGISTRABLE_DOMAIN):
            evidence = Evidence("domain", candidate.value[0], f"one of {candidate.known} known")
            yield view.remark(self.name, candidate, _gravity(candidate.value[0]), evidence)
        for candidate in view.of(Facet.DOMAIN, Facet.NETWORK):
            yield from self._within(view, candidate)
        for candidate in view.of(Facet.DOMAIN_PORT, Facet.NETWORK_PORT):
            yield from self._port(view, candidate)
        for candidate in view.of(Facet.PORT):
            if candidate.value[0] == "in":
                evidence = Evidence("listening port", candidate.value[1], f"one of {candidate.siblings} known")
                yield view.remark(self.name, candidate, Severity.LOW, evidence)

    def _within(self, view: View, candidate: Candidate) -> Iterator[Signal]:
        parent, place = candidate.value[-2], candidate.value[-1]
        if candidate.within is Membership.NEW:
            # A new domain speaks for its hosts; a new supernet has no remark of its own, so its network speaks.
            if candidate.facet is Facet.NETWORK:
                evidence = Evidence("network", place, f"one of {candidate.known} known")
                yield view.remark(self.name, candidate, _gravity(place), evidence)
        elif candidate.siblings < ROTATING:
            what = "host" if candidate.facet is Facet.DOMAIN else "network"
            evidence = Evidence(what, place, f"one of {candidate.siblings} known in {parent}")
            yield view.remark(self.name, candidate, Severity.LOW, evidence)

    def _port(self, view: View, candidate: Candidate) -> Iterator[Signal]:
        place, port = candidate.value[-2], candidate.value[-1]
        if candidate.within is Membership.NEW:
            return
        is_unused = view.reference.membership(Facet.PORT, ("out", port)) is Membership.NEW
        base = _gravity(place) if is_unused else Severity.LOW
        expected = f"one of {candidate.siblings} known ports of {place}"
        yield view.remark(self.name, candidate, base, Evidence("port", f"{port} of {place}", expected))


def _gravity(place: str) -> Severity:
    """Return the base severity of a wholly new place."""
    return Severity.LOW if stays_local(place) else Severity.MEDIUM
