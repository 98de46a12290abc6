"""Does the agent reach a place it never reached, at the level that is stable for it?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar, NamedTuple

from msgspec.structs import replace

from leeway.baselines import Candidate, Membership
from leeway.destinations import network_levels, stays_local
from leeway.detectors.view import Closes, View
from leeway.events import Facet, Measure, Value
from leeway.findings import NAMED_RANGE, Evidence, Held, Severity, Signal
from leeway.summaries import Sighting

ROTATING = 4
"""Known hosts of one domain (or networks of one supernet or range) from which the level above is the stable one."""

_SHOWN = 4
"""Networks of a range that its evidence names."""


@dataclass(frozen=True, slots=True)
class NewDestination:
    """A registrable domain, host, address network, named range or port that is new for this agent (rows A2, B3, B29).

    A new registrable domain or network is MEDIUM. A new host of a known domain, or a new network beside known ones, is
    LOW, and no remark where the agent knows four or more of them: there they rotate. A known place on another port is
    LOW, and MEDIUM where the agent never used that port anywhere. What stays on the host or its segment (loopback,
    link-local, multicast, names without a dot) is LOW.

    A connection that names its host is judged by the name and not by the address: addresses behind a name rotate. One
    that names none is judged by the address, even where a lookup of the same process came before it: Leeway does not
    join the two. Sysmon and ECS often name none, so that an agent's addresses are judged there beside its names.

    Where the user has imported tables of ranges, new networks in a range that is new as well are one remark about the
    range, MEDIUM. In a range that the agent knows each is LOW, and no remark where the agent knows four or more
    networks of that range; a port that the agent never used anywhere is MEDIUM there. A range that is new by its name
    alone, its networks known, is no remark.

    Blind to: a known destination put to a new use, and whatever hides behind a shared proxy or a known domain.
    """

    name: ClassVar[str] = "new_destination"
    closes: ClassVar[Closes] = Closes.MONOTONE
    facets: ClassVar[tuple[Facet | Measure, ...]] = (
        Facet.REGISTRABLE_DOMAIN,
        Facet.DOMAIN,
        Facet.NETWORK,
        Facet.NAMED_RANGE,
        Facet.NAMED_NETWORK,
        Facet.PORT,
    )

    def judge(self, view: View) -> Iterator[Signal]:
        """Yield a signal for each new place, then for each new port of a known one."""
        for candidate in view.of(Facet.REGISTRABLE_DOMAIN):
            evidence = Evidence("domain", candidate.value[0], f"one of {candidate.known} known")
            yield view.remark(self.name, candidate, _gravity(candidate.value[0]), evidence)
        for candidate in view.of(Facet.DOMAIN):
            yield from self._host(view, candidate)
        ranges = _ranges_of(view)
        for candidate in view.of(Facet.NAMED_RANGE):
            yield from self._range(view, candidate)
        for candidate in view.of(Facet.NETWORK):
            yield from self._network(view, candidate, ranges.get(candidate.value[-1], ()))
        for candidate in view.of(Facet.DOMAIN_PORT, Facet.NETWORK_PORT):
            yield from self._port(view, candidate)
        yield from self._ports_of_ranges(view, ranges)
        for candidate in view.of(Facet.PORT):
            if candidate.value[0] == "in":
                evidence = Evidence("listening port", candidate.value[1], f"one of {candidate.siblings} known")
                yield view.remark(self.name, candidate, Severity.LOW, evidence)

    def _host(self, view: View, candidate: Candidate) -> Iterator[Signal]:
        domain, host = candidate.value
        # A new domain speaks for its hosts.
        if candidate.within is not Membership.NEW and candidate.siblings < ROTATING:
            evidence = Evidence("host", host, f"one of {candidate.siblings} known in {domain}")
            yield view.remark(self.name, candidate, Severity.LOW, evidence)

    def _range(self, view: View, candidate: Candidate) -> Iterator[Signal]:
        """Yield a remark about a range that is new, where it brings networks that are worth one."""
        (name,) = candidate.value
        if candidate.membership is not Membership.NEW:
            return
        fresh = {
            network: sighting
            for (within, network), sighting in view.summary.sightings.get(Facet.NAMED_NETWORK, {}).items()
            if within == name and _is_fresh(view, network)
        }
        if not fresh:
            return
        told = replace(candidate, sighting=reduce(Sighting.merge, fresh.values()))
        signal = view.remark(
            self.name,
            told,
            max(map(_gravity, fresh)),
            Evidence("named range", name, f"one of {candidate.known} known"),
            Evidence("networks of it", _listed(sorted(fresh)), "networks that the agent knows"),
            held=tuple(Held(Facet.NETWORK, _levels(network)) for network in sorted(fresh)),
        )
        yield replace(signal, value=(NAMED_RANGE, name))

    def _network(self, view: View, candidate: Candidate, ranges: tuple[str, ...]) -> Iterator[Signal]:
        """Yield the gravest remark that the network is worth in one of the ranges it was seen in, or outside of any."""
        if _rotates(candidate):
            return
        seen = view.summary.sightings.get(Facet.NAMED_NETWORK, {})
        place = candidate.value[-1]
        in_ranges = sum(seen[name, place].count for name in ranges)
        worth = [_outside(candidate)] if in_ranges < candidate.sighting.count else []
        worth += [one for name in ranges if (one := _inside(view, candidate, name)) is not None]
        if worth:
            gravest = max(worth, key=lambda one: one.severity)
            held = tuple(Held(Facet.NAMED_NETWORK, (name, place)) for name in ranges)
            yield view.remark(self.name, candidate, gravest.severity, gravest.evidence, held=held)

    def _port(self, view: View, candidate: Candidate) -> Iterator[Signal]:
        place, port = candidate.value[-2], candidate.value[-1]
        if candidate.within is Membership.NEW:
            return
        base = _gravity(place) if _is_unused(view, port) else Severity.LOW
        expected = f"one of {candidate.siblings} known ports of {place}"
        yield view.remark(self.name, candidate, base, Evidence("port", f"{port} of {place}", expected))

    def _ports_of_ranges(self, view: View, ranges: Mapping[str, tuple[str, ...]]) -> Iterator[Signal]:
        """Yield a remark for each port never used that new networks bring to a range in which they rotate."""
        found: dict[tuple[str, str], list[Candidate]] = {}
        for candidate in view.of(Facet.NETWORK_PORT):
            _, network, port = candidate.value
            if candidate.within is Membership.NEW and _is_unused(view, port):
                for name in ranges.get(network, ()):
                    if _siblings(view, name) >= ROTATING:
                        found.setdefault((name, port), []).append(candidate)
        for (name, port), fresh in sorted(found.items()):
            signal = view.remark(
                self.name,
                replace(fresh[0], sighting=reduce(Sighting.merge, (one.sighting for one in fresh))),
                max(_gravity(one.value[-2]) for one in fresh),
                Evidence("port", f"{port} in {name}", "a port that the agent uses"),
                held=tuple(Held(one.facet, one.value) for one in fresh[1:]),
            )
            yield replace(signal, value=(NAMED_RANGE, name, port))


def _gravity(place: str) -> Severity:
    """Return the base severity of a wholly new place."""
    return Severity.LOW if stays_local(place) else Severity.MEDIUM


def _is_unused(view: View, port: str) -> bool:
    return view.reference.membership(Facet.PORT, ("out", port)) is Membership.NEW


class _Worth(NamedTuple):
    """What a new network is worth a remark for."""

    severity: Severity
    evidence: Evidence


def _ranges_of(view: View) -> dict[str, tuple[str, ...]]:
    """Return network to the named ranges in which it was seen today: a range may be a part of a network."""
    found: dict[str, tuple[str, ...]] = {}
    for name, network in view.summary.sightings.get(Facet.NAMED_NETWORK, {}):
        found[network] = (*found.get(network, ()), name)
    return found


def _rotates(candidate: Candidate) -> bool:
    return candidate.within is not Membership.NEW and candidate.siblings >= ROTATING


def _outside(candidate: Candidate) -> _Worth:
    """Judge a network by its supernet; a new supernet has no remark of its own, so its network speaks."""
    parent, place = candidate.value
    if candidate.within is Membership.NEW:
        return _Worth(_gravity(place), Evidence("network", place, f"one of {candidate.known} known"))
    return _Worth(Severity.LOW, Evidence("network", place, f"one of {candidate.siblings} known in {parent}"))


def _inside(view: View, candidate: Candidate, name: str) -> _Worth | None:
    """Judge a network by a named range it lies in; None where the range speaks for it, or its networks rotate."""
    if view.reference.membership(Facet.NAMED_RANGE, (name,)) is Membership.NEW:
        # The range speaks for new networks. Of one that is known it is new by its name alone, and says nothing.
        return None if candidate.membership is Membership.NEW else _outside(candidate)
    siblings = _siblings(view, name)
    place = candidate.value[-1]
    if siblings >= ROTATING:
        return None
    return _Worth(Severity.LOW, Evidence("network", place, f"one of {siblings} known in {name}"))


def _siblings(view: View, name: str) -> int:
    return view.reference.siblings(Facet.NAMED_NETWORK, (name,))


def _levels(network: str) -> Value:
    """Return a network as a value of NETWORK."""
    levels = network_levels(network.partition("/")[0])
    return levels[:2] if levels else (network,)


def _is_fresh(view: View, network: str) -> bool:
    """Whether a network is new, and not one of many in its supernet."""
    value = _levels(network)
    if view.reference.membership(Facet.NETWORK, value) is not Membership.NEW:
        return False
    is_alone = view.reference.membership(Facet.SUPERNET, value[:-1]) is Membership.NEW
    return is_alone or view.reference.siblings(Facet.NETWORK, value[:-1]) < ROTATING


def _listed(networks: list[str]) -> str:
    more = f" and {len(networks) - _SHOWN} more" if len(networks) > _SHOWN else ""
    return ", ".join(networks[:_SHOWN]) + more
