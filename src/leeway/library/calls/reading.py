"""A request and a call as they are judged: words, entities, values. What a tool answered is no part of either."""

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from leeway.library.calls.entities import Entity, entities_of, leaves_of
from leeway.library.calls.words import CHANGING_STEMS, MOST_TEXT, changes_something, name_words, questions_of, words_of
from leeway.library.security_event import SecurityEvent

LONG: Final = 48
"""Characters from which a value is text of its own: only the entities in it can be known or asked for."""

_TOKEN: Final = re.compile(r"[^\W_]+(?:[.,][0-9]+)*")
_LEAST_PART: Final = 4
"""Characters from which a value may be found inside a longer word of the request."""


class Request(NamedTuple):
    """What the user asked for."""

    text: str
    """Lower case, one blank between words; empty where nothing is known."""
    tokens: frozenset[str]
    words: frozenset[str]
    features: frozenset[str]
    """Words, kinds of entities and kinds of questions: what makes two requests alike."""
    entities: frozenset[Entity]
    size: float
    """How much it seems to ask for: the mean of the logarithms of its words and of its verbs of change."""

    def names(self, value: str) -> bool:
        """Say whether the request has a value in it."""
        return value in self.tokens or (len(value) >= _LEAST_PART and value in self.text)


class Leaf(NamedTuple):
    """One value of one argument."""

    path: str
    value: str
    """As it is compared: lower case, numbers in their shortest form."""
    entities: frozenset[Entity]
    is_said: bool
    """Whether it says something: not a truth value, and not a long text without entities."""


class Call(NamedTuple):
    """One call of a tool."""

    tool: str
    changes: bool
    name_words: frozenset[str]
    words: frozenset[str]
    """Of the name and of all text in the arguments."""
    leaves: tuple[Leaf, ...]
    entities: frozenset[Entity]


class Run(NamedTuple):
    """One session: its calls, each with what had been asked for by then."""

    request: Request
    """The whole of what was asked for."""
    calls: tuple[tuple[Call, Request], ...]


def read_request(text: str | None) -> Request:
    """Return a request as it is compared; of None and of a blank text the empty one."""
    return _remembered((text or "")[:MOST_TEXT])


@lru_cache(maxsize=512)
def _remembered(text: str) -> Request:
    plain = " ".join(text.casefold().split())
    words = words_of(text)
    entities = entities_of(text)
    features = {word for word in words if not word.isdigit()} | {f"#{entity.kind}" for entity in entities}
    return Request(
        text=plain,
        tokens=frozenset(_TOKEN.findall(plain)),
        words=words,
        features=frozenset(features) | questions_of(text),
        entities=entities,
        size=(math.log1p(len(plain.split())) + math.log1p(len(words & CHANGING_STEMS))) / 2,
    )


def read_call(event: SecurityEvent) -> Call:
    """Return the call that an event tells of; its event type stands for a tool that it does not name."""
    tool = event.tool or event.event_type
    words = set(name_words(tool))
    leaves = []
    entities: set[Entity] = set()
    for path, value in leaves_of(event.arguments or {}):
        leaf = _leaf(path, value)
        leaves.append(leaf)
        if isinstance(value, str):
            entities |= leaf.entities
            words |= words_of(value)
    return Call(tool, changes_something(tool), name_words(tool), frozenset(words), tuple(leaves), frozenset(entities))


def _leaf(path: str, value: object) -> Leaf:
    if isinstance(value, str):
        found = entities_of(value)
        return Leaf(path, " ".join(value.casefold().split()), found, len(value) <= LONG or bool(found))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Leaf(path, str(value)[:LONG].casefold(), frozenset(), is_said=False)
    try:
        return Leaf(path, f"{value:.12g}", frozenset(), is_said=True)
    except OverflowError:
        return Leaf(path, "beyond", frozenset(), is_said=True)


def read_run(events: Sequence[SecurityEvent]) -> Run:
    """Return a session as a run; where an event says no request, that of the one before holds on."""
    request = read_request(None)
    calls = []
    for event in events:
        if event.request is not None and event.request.strip():
            request = read_request(event.request)
        if event.tool is not None:
            calls.append((read_call(event), request))
    return Run(request, tuple(calls))
