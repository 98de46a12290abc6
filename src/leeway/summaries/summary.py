"""The summary value, its merge and its codec."""

from datetime import date
from heapq import nsmallest
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from leeway.agents import IdKey
from leeway.config import Caps
from leeway.errors import StateError
from leeway.events import Facet, Measure, Value
from leeway.summaries.measures import MeasureTotals
from leeway.summaries.session import Session
from leeway.summaries.sighting import Sighting

VERSION = 1
"""Version of the stored form; readers refuse any other."""

MEASURE_KEYS = 256
"""Destinations or tools of one measure that are summed apart; a bound, not a judgement."""


_Held = TypeVar("_Held")


class Bound(NamedTuple):
    """What keeps a summary small: the caps, and the key under which values are ranked."""

    caps: Caps
    ids: IdKey

    def rank(self, facet: str, value: Value) -> int:
        """Return the keyed fingerprint by which a capped set keeps its smallest values."""
        return self.ids.fingerprint(facet, *value)


class Summary(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one agent did in one UTC day. The empty summary of an agent and day is the neutral element of `merge`."""

    agent: str
    day: date
    sightings: dict[Facet, dict[Value, Sighting]] = {}  # msgspec copies empty defaults
    capped: frozenset[Facet] = frozenset()
    """Facets with more values than the cap; their smallest fingerprints are kept."""
    measures: dict[Measure, dict[str, MeasureTotals]] = {}
    """Measure to key to totals; the key "" is the whole, others are parts (a destination, a tool)."""
    sessions: dict[str, Session] = {}

    @property
    def events(self) -> int:
        """Events credited to the agent."""
        totals = self.measures.get(Measure.EVENTS, {}).get("")
        return totals.n if totals else 0

    def estimate(self, facet: Facet, bound: Bound) -> int:
        """Return the number of distinct values: exact below the cap, (k-1)/u_k above it.

        u_k is the largest kept fingerprint as a share of the range (Bar-Yossef et al. 2002, k minimum values).
        """
        values = self.sightings.get(facet, {})
        if facet not in self.capped:
            return len(values)
        largest = max(bound.rank(facet, value) for value in values)
        return (len(values) - 1) * (1 << 64) // max(largest, 1)


def merge(one: Summary, other: Summary, bound: Bound) -> Summary:
    """Return the summary of both halves of one agent's day; associative and commutative.

    Raises:
        ValueError: where the two are not of one agent and day.
    """
    if (one.agent, one.day) != (other.agent, other.day):
        raise ValueError("only summaries of one agent and one day merge")
    sightings: dict[Facet, dict[Value, Sighting]] = {}
    capped = set(one.capped | other.capped)
    for facet in sorted(one.sightings.keys() | other.sightings.keys()):
        union = _united(one.sightings.get(facet, {}), other.sightings.get(facet, {}))
        sightings[facet] = keep(facet, union, bound)
        if len(union) > bound.caps.values_per_facet:
            capped.add(facet)
    return Summary(
        agent=one.agent,
        day=one.day,
        sightings=sightings,
        capped=frozenset(capped),
        measures=_merged_measures(one, other, bound),
        sessions=_merged_sessions(one, other, bound),
    )


def keep(facet: str, values: dict[Value, _Held], bound: Bound) -> dict[Value, _Held]:
    """Return the values with the smallest fingerprints, at most the cap."""
    cap = bound.caps.values_per_facet
    if len(values) <= cap:
        return values
    kept = nsmallest(cap, values, key=lambda value: (bound.rank(facet, value), value))
    return {value: values[value] for value in sorted(kept)}


def _united(one: dict[Value, Sighting], other: dict[Value, Sighting]) -> dict[Value, Sighting]:
    union = dict(one)
    for value, sighting in other.items():
        union[value] = union[value].merge(sighting) if value in union else sighting
    return {value: union[value] for value in sorted(union)}


def _merged_measures(one: Summary, other: Summary, bound: Bound) -> dict[Measure, dict[str, MeasureTotals]]:
    merged: dict[Measure, dict[str, MeasureTotals]] = {}
    for measure in sorted(one.measures.keys() | other.measures.keys()):
        parts = dict(one.measures.get(measure, {}))
        for key, totals in other.measures.get(measure, {}).items():
            parts[key] = parts[key].merge(totals) if key in parts else totals
        merged[measure] = keep_parts(measure, parts, bound)
    return merged


def keep_parts(measure: str, parts: dict[str, _Held], bound: Bound) -> dict[str, _Held]:
    """Return the whole and at most `MEASURE_KEYS` parts, those with the smallest fingerprints."""
    # The whole is not counted: some measures have none, and their parts are as many as those of others.
    if len(parts) - ("" in parts) <= MEASURE_KEYS:
        return parts
    kept = nsmallest(MEASURE_KEYS, (key for key in parts if key), key=lambda key: (bound.rank(measure, (key,)), key))
    return {key: parts[key] for key in sorted({"", *kept} & parts.keys())}


def _merged_sessions(one: Summary, other: Summary, bound: Bound) -> dict[str, Session]:
    union = dict(one.sessions)
    for uid, session in other.sessions.items():
        union[uid] = union[uid].merge(session, bound.caps.session_steps) if uid in union else session
    return union


class _Stored(Struct, frozen=True, array_like=True):
    version: int
    agent: str
    day: date
    sightings: dict[Facet, list[tuple[Value, Sighting]]]
    capped: list[Facet]
    measures: dict[Measure, dict[str, MeasureTotals]]
    sessions: dict[str, Session]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Stored)


def encode_summary(summary: Summary) -> bytes:
    """Return the stored form; equal summaries have equal bytes."""
    stored = _Stored(
        VERSION,
        summary.agent,
        summary.day,
        {facet: sorted(values.items()) for facet, values in sorted(summary.sightings.items())},
        sorted(summary.capped),
        {measure: dict(sorted(parts.items())) for measure, parts in sorted(summary.measures.items())},
        dict(sorted(summary.sessions.items())),
    )
    return _ENCODER.encode(stored)


def decode_summary(body: bytes) -> Summary:
    """Return the summary that `encode_summary` stored.

    Raises:
        StateError: where the bytes are of another version or no summary.
    """
    try:
        stored = _DECODER.decode(body)
    except msgspec.MsgspecError as error:
        raise StateError(f"not a stored summary: {error}") from error
    if stored.version != VERSION:
        raise StateError(f"a summary of version {stored.version}; this program reads version {VERSION}")
    sightings = {facet: dict(values) for facet, values in stored.sightings.items()}
    return Summary(
        agent=stored.agent,
        day=stored.day,
        sightings=sightings,
        capped=frozenset(stored.capped),
        measures=stored.measures,
        sessions=stored.sessions,
    )
