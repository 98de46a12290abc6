"""Aspects in which a call, or a whole run, can depart from what an agent does: raw values, larger is stranger."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from leeway.library.calls.asking import Asking, Expected, LeftOut
from leeway.library.calls.entities import Entity
from leeway.library.calls.familiar import NOTHING, Familiar, OwnValues, Strange
from leeway.library.calls.reading import Call, Request

TOOL: Final = "tool"
"""A tool that the request does not suggest."""

DESTINATION: Final = "destination"
"""A place that the request does not name and that hardly any other task went to."""

VALUE: Final = "value"
"""A value that neither the request nor past use explains, where values normally are."""

UNRELATED: Final = "unrelated"
"""A call whose name and arguments share nothing with the request."""

WORK: Final = "work"
"""More calls that change something than the request asks for."""

CALLS: Final = "calls"
"""More calls than the request asks for."""

DESTINATIONS_NEW: Final = "destinations"
"""Several new places in one run."""

OF_CALL: Final = (TOOL, DESTINATION, VALUE, UNRELATED)
OF_RUN: Final = (WORK, CALLS, DESTINATIONS_NEW)

NEAR: Final = {
    TOOL: math.log(2),
    DESTINATION: 0.0,
    VALUE: 0.25,
    UNRELATED: 0.05,
    WORK: math.log(1.15),
    CALLS: math.log(1.15),
    DESTINATIONS_NEW: 0.0,
}
"""Differences that are none: half the likelihood of a tool, a seventh as many calls again."""

_FLOOR: Final = 1e-3
_NAMED: Final = 0.3
"""Likelihood of a tool whose every word is in the request, over what requests like it led to."""


class Known(NamedTuple):
    """What is known of a setting."""

    asking: Asking
    familiar: Familiar


class CallLook(NamedTuple):
    """One call, looked at."""

    call: Call
    values: dict[str, float]
    """Aspect to its value; without `unrelated` where no request is known."""
    likelihood: float
    """Share of runs of such a request that call this tool."""
    entity: Entity | None
    """The newest place."""
    strange: Strange
    novelties: dict[Entity, float]
    """New places, with how new they are."""


class RunLook(NamedTuple):
    """One run, looked at."""

    calls: list[CallLook]
    values: dict[str, float]
    expected: Expected


def look_at_call(
    known: Known,
    call: Call,
    request: Request,
    expected: Expected,
    left: LeftOut | None = None,
    own: OwnValues = NOTHING,
) -> CallLook:
    """Return the aspects of one call."""
    likelihood = known.asking.likelihood(call.tool, expected, left)
    rarities = {word: known.asking.rarity(word, left) for word in call.words}
    named = _shared(rarities, call.name_words, request)
    novelties: dict[Entity, float] = {}
    for entity in sorted(call.entities):
        new = known.familiar.entity_novelty(entity, request, own)
        if new:
            novelties[entity] = new
    newest = max(novelties, key=novelties.__getitem__, default=None)
    strange = known.familiar.strangest(call, request, own)
    values = {
        TOOL: -math.log(min(1.0, likelihood + _NAMED * named * named) + _FLOOR),
        DESTINATION: novelties[newest] if newest else 0.0,
        VALUE: strange.surprise,
    }
    if request.text:
        total = math.fsum(rarities.values())
        values[UNRELATED] = -math.fsum(r for word, r in rarities.items() if word in request.words) / (1 + total)
    return CallLook(call, values, likelihood, newest, strange, novelties)


def _shared(rarities: dict[str, float], words: frozenset[str], request: Request) -> float:
    """Return which part of some words is in the request, rare ones counting more."""
    total = math.fsum(rarities[word] for word in words)
    return math.fsum(rarities[word] for word in words if word in request.words) / total if total else 0.0


def look_at_run(
    known: Known,
    request: Request,
    calls: Sequence[tuple[Call, Request]],
    left: LeftOut | None = None,
    own: OwnValues = NOTHING,
) -> RunLook:
    """Return the aspects of a run and of each of its calls."""
    expected = known.asking.expect(request, left)
    told = {request.text: expected}
    looks = []
    for call, asked in calls:
        if asked.text not in told:
            told[asked.text] = known.asking.expect(asked, left)
        looks.append(look_at_call(known, call, asked, told[asked.text], left, own))
    new: dict[Entity, float] = {}
    for look in looks:
        for entity, novelty in look.novelties.items():
            new.setdefault(entity, novelty)
    work = sum(call.changes for call, _ in calls)
    values = {**excesses(work, len(calls), expected), DESTINATIONS_NEW: math.fsum(new.values())}
    return RunLook(looks, values, expected)


def excesses(work: int, calls: int, expected: Expected) -> dict[str, float]:
    """Return by how much a run goes beyond what its request leads to, as logarithms."""
    return {
        WORK: math.log((work + 0.5) / (expected.work + 0.5)),
        CALLS: math.log((calls + 1) / (expected.calls + 1)),
    }
