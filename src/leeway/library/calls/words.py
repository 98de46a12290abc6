"""Words of a request, of the name of a tool and of its arguments, in the form in which they are compared."""

import re
from functools import lru_cache
from typing import Final

MOST_TEXT: Final = 16_384
"""Characters of one text whose words are read."""


def _each(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORD: Final = re.compile(r"[^\W\d_]{2,40}|[0-9]{1,40}")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""Where a word begins in `sendMoney`."""

_QUESTIONS: Final = _each(
    """
    what how who which when where why
    """
)

_EMPTY: Final = _each(
    """
    a about all also am an and any are as at be been but by can could did do does for from had has have he her here
    him his how if in into is it its just me my no not of on only or our out please she should so some such that the
    their them then there these they this those through to up us was we were what when where which who why will with
    would you your
    """
)
"""Words that every request has."""

_ENDINGS: Final = ("ations", "ation", "ings", "ing", "ies", "ions", "ion", "ers", "ed", "es", "er", "s", "e")
_LEAST_STEM: Final = 3

READS: Final = _each(
    """
    browse calculate check compare compute count describe download examine fetch find get grep glob has head inspect
    is list load look lookup open peek query read recall retrieve review scan search see select show stat tail think
    tree validate verify view visit
    """
)
"""First words of the names of tools that leave the world as it is."""

CHANGES: Final = _each(
    """
    accept add append apply approve assign block book buy cancel change clear close commit copy create decline
    delete deploy disable drop edit enable execute exec export forward grant insert install invite kill make mark
    merge modify move notify order patch pay post publish purchase push put refund register reject remove rename
    reply reserve reset restart revoke run save schedule send set share start stop submit sync terminate transfer
    turn unblock uninstall update upload write
    """
)
"""First words of the names of tools that change something. A tool that is neither is taken to change something."""


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """Return a word without its ending, lower case: near enough that `sends`, `sending` and `send` are one.

    >>> stem("Transactions"), stem("sending"), stem("pay")
    ('transact', 'send', 'pay')
    """
    lower = word.casefold()
    for ending in _ENDINGS:
        if lower.endswith(ending) and len(lower) - len(ending) >= _LEAST_STEM:
            lower = lower.removesuffix(ending)
            return lower[:-1] if len(lower) > _LEAST_STEM and lower[-1] == lower[-2] else lower
    return lower


CHANGING_STEMS: Final = frozenset(map(stem, CHANGES))
"""Verbs of change as `words_of` gives them."""


def words_of(text: str) -> frozenset[str]:
    """Return the stems of a text's words and its numbers, without the words that every request has."""
    found = _WORD.findall(_HUMP.sub(" ", text[:MOST_TEXT]))
    return frozenset(stem(word) for word in found if word.casefold() not in _EMPTY)


def questions_of(text: str) -> frozenset[str]:
    """Return by which words a text asks rather than orders, each marked `?`."""
    asked = {f"?{word}" for word in map(str.casefold, _WORD.findall(text[:MOST_TEXT])) if word in _QUESTIONS}
    return frozenset(asked | {"?"} if "?" in text else asked)


@lru_cache(maxsize=4_096)
def name_words(tool: str) -> frozenset[str]:
    """Return the stems of the words in the name of a tool."""
    return words_of(tool.replace("_", " "))


@lru_cache(maxsize=4_096)
def changes_something(tool: str) -> bool:
    """Say whether a tool changes something, by the first verb of its name; where there is none, it does.

    >>> changes_something("get_scheduled_transactions"), changes_something("sendMoney"), changes_something("bash")
    (False, True, True)
    """
    for word in _WORD.findall(_HUMP.sub(" ", tool)):
        lower = word.casefold()
        if lower in READS:
            return False
        if lower in CHANGES:
            return True
    return True
