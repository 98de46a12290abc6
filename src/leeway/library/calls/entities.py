"""Entities in text: addresses, domains, accounts, phones, paths, each in the one form in which they are compared.

Scheme, `www`, letter case and the blanks of an account number make no difference; a date is no phone number. The work
for one text is bounded: what stands behind `MOST_SCANNED` characters is not looked at.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from publicsuffixlist import PublicSuffixList

from leeway.destinations import address_of

MOST_SCANNED: Final = 8_192
"""Characters of one text that are scanned."""

MOST_ENTITIES: Final = 64
"""Entities that are taken from one text."""

MOST_LEAVES: Final = 256
"""Values that are taken from the arguments of one call."""

_DEEPEST: Final = 6
_LONGEST: Final = 256
"""Characters of an entity in the form it is compared in."""

_SCAN: Final = re.compile(
    r"""
  (?P<url>\b[a-z][a-z0-9+.-]{1,15}://(?:\[[0-9a-f:.]{2,45}\])?[^\s<>"'`)\]}]{0,2000})
| (?P<email>[a-z0-9._%+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8})
| (?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)
| (?P<iban>\b[a-z]{2}[0-9]{2}(?:\ [a-z0-9]{4}(?:\ (?=[a-z]{0,3}[0-9])[a-z0-9]{1,4}){2,7}|[a-z0-9]{10,30})\b)
| (?P<date>\b(?:[0-9]{4}(?P<mark>[-/.])[0-9]{1,2}(?P=mark)[0-9]{1,2}
    |[0-9]{1,2}(?P<sign>[-/.])[0-9]{1,2}(?P=sign)[0-9]{2,4}|[0-9]{8}(?=t[0-9]{4}))
    (?:(?:t|\ )[0-9]{1,2}:?[0-9]{2}[0-9:.]*(?:z|[+-][0-9:]{4,5})?)?(?![\w.-]*[a-z0-9]))
| (?P<six>(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|:)(?![\w:]))
| (?P<host>\b[a-z0-9](?:[a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63}){1,8})(?::[0-9]{1,5})?(?:[/?][^\s<>"'`)\]},]{0,2000})?)
| (?<![\w<.)/\\])(?P<path>(?:~|\.{1,2}|[a-z]:)?[/\\]{1,2}[\w.~-][^\s"'<>|*?]{0,1000})
| (?P<card>\b[0-9]{4}(?P<gap>[\ -])(?:[0-9]{4}(?P=gap)){2}[0-9]{1,7}\b)
| (?P<phone>(?<![\w.])\+[0-9][0-9\ ().-]{6,20}[0-9]\b
    |(?<![\w.-])\(?[0-9]{3}\)?[\ .-]?\ ?[0-9]{3}[\ .-][0-9]{4}\b(?![.-]?\w))
| (?P<word>\b[a-z0-9][\w-]{5,127})
""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
"""One pass over a text; what is found first at a place is what it is. Every repeat has a most, so time is linear."""

_MARKS: Final = re.compile(r"\\[nrt]")
"""A line's end that was written out, as models do: it would grow together with what follows."""

_FILE_ENDINGS: Final = frozenset(["app", "cc", "js", "mov", "md", "pl", "ps", "py", "rs", "sh", "so", "zip"])
"""Suffixes that are more often the end of a file's name than of a host's."""

_LEAST_DIGITS: Final = 2
_LEAST_NUMBER: Final = 7
"""Digits from which a bare number is an account rather than an amount."""

_SHORTEST_PHONE: Final = 7
_ABBREVIATED: Final = 3
"""Characters of `e.g` and its like, which are no file."""

_LONGEST_ENDING: Final = 5
_DAY_DIGITS: Final = 8


class Entity(NamedTuple):
    """What a text names, and its kind: `domain`, `email`, `address`, `iban`, `phone`, `account` or `path`."""

    kind: str
    value: str


DESTINATIONS: Final = frozenset({"domain", "email", "address", "iban", "phone", "account"})
"""Kinds of which a new one is a new place that something goes to; a path is none."""


def entities_of(text: str) -> frozenset[Entity]:
    """Return the entities that a text names.

    >>> sorted(entities_of("Mail Ana@Example.com, see https://www.example.org/a on 2026-03-02"))
    [Entity(kind='domain', value='example.org'), Entity(kind='email', value='ana@example.com')]
    """
    found: set[Entity] = set()
    scanned = _MARKS.sub(" ", text[:MOST_SCANNED]) if "\\" in text else text[:MOST_SCANNED]
    for match in _SCAN.finditer(scanned):
        entity = _READERS[match.lastgroup or "date"](match.group())
        if entity is not None:
            found.add(entity)
            if len(found) == MOST_ENTITIES:
                break
    return frozenset(found)


def leaves_of(arguments: Mapping[str, object]) -> list[tuple[str, object]]:
    """Return every value of some arguments with the names that lead to it, places in lists left out.

    >>> leaves_of({"to": ["ana", "bob"], "body": {"text": "hi"}, "copy": None})
    [('to', 'ana'), ('to', 'bob'), ('body.text', 'hi')]
    """
    found: list[tuple[str, object]] = []
    for path, value in _walk(arguments, "", 0):
        found.append((path, value))
        if len(found) == MOST_LEAVES:
            break
    return found


def _walk(value: object, path: str, depth: int) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        if depth < _DEEPEST:
            for name, inner in value.items():
                yield from _walk(inner, f"{path}.{name}" if path else str(name), depth + 1)
    elif isinstance(value, list | tuple):
        if depth < _DEEPEST:
            for inner in value:
                yield from _walk(inner, path, depth + 1)
    elif value is not None and value != "":
        yield path[:_LONGEST], value


def _of_url(text: str) -> Entity | None:
    scheme, _, rest = text.partition("://")
    if scheme.casefold() == "file":
        return Entity("path", rest.casefold()[:_LONGEST])
    return _of_place(rest)


def _of_place(text: str) -> Entity | None:
    """Return the host of what stands behind a scheme."""
    authority = re.split(r"[/?#\\]", text, maxsplit=1)[0].rpartition("@")[2]
    bare = authority.strip("[]") if authority.count(":") > 1 else authority.partition(":")[0]
    if address_of(bare) is not None:
        return Entity("address", str(address_of(bare)))
    name = _host(bare)
    return Entity("domain", name) if name else None


def _host(text: str) -> str:
    return text.strip(".,;:!?").casefold().removeprefix("www.")[:_LONGEST]


def _of_email(text: str) -> Entity:
    return Entity("email", text.strip(".").casefold()[:_LONGEST])


def _of_host(text: str) -> Entity | None:
    """Return a domain, an address or the name of a file: a dot alone does not tell which."""
    bare = re.split(r"[/?:]", text, maxsplit=1)[0].strip(".")
    if bare.replace(".", "").isdigit():
        found = address_of(bare)
        return None if found is None else Entity("address", str(found))
    name = _host(_unglued(bare))
    if _is_host(name, is_plain=bare == text.strip(".") and not bare.casefold().startswith("www.")):
        return Entity("domain", name)
    return Entity("path", text.strip(".").casefold()[:_LONGEST]) if _is_file(bare) else None


def _unglued(text: str) -> str:
    """Return a host name without the sentence that follows it where the blank was forgotten: `our-firm.com.They`."""
    head, _, last = text.rpartition(".")
    before = head.rpartition(".")[2]
    return head if "." in head and last[:1].isupper() and before.islower() and _is_suffix(before) else text


def _is_host(name: str, *, is_plain: bool) -> bool:
    last = name.rpartition(".")[2]
    if "." not in name or (is_plain and last in _FILE_ENDINGS):
        return False
    return not is_plain or _is_suffix(last)


def _is_file(text: str) -> bool:
    ending = text.rpartition(".")[2]
    is_prose = ending.istitle() or len(text) <= _ABBREVIATED
    return ending.isalnum() and len(ending) <= _LONGEST_ENDING and not (ending.isdigit() or is_prose)


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True, accept_unknown=False)


@lru_cache(maxsize=4_096)
def _is_suffix(label: str) -> bool:
    return _suffixes().publicsuffix(label) is not None


def _of_iban(text: str) -> Entity | None:
    value = text.replace(" ", "").casefold()
    return Entity("iban", value) if sum(map(str.isdigit, value)) >= _DAY_DIGITS else _of_word(value)


def _of_path(text: str) -> Entity | None:
    value = text.replace("\\", "/").rstrip(".,;:!)]}").casefold()[:_LONGEST]
    return Entity("path", value) if any(map(str.isalnum, value)) else None


def _of_phone(text: str) -> Entity | None:
    digits = "".join(filter(str.isdigit, text))
    return Entity("phone", digits) if len(digits) >= _SHORTEST_PHONE else None


def _of_six(text: str) -> Entity | None:
    found = address_of(text)
    return None if found is None else Entity("address", str(found))


def _of_account(text: str) -> Entity:
    return Entity("account", text.replace(" ", "").replace("-", ""))


def _of_word(text: str) -> Entity | None:
    """Return a word with digits in it as an account: an order, a user name, a key. A bare number has to be long."""
    value = text.strip("-_").casefold()
    digits = sum(map(str.isdigit, value))
    if digits == len(value):
        return None if digits < _LEAST_NUMBER or _is_day(value) else Entity("account", value)
    return Entity("account", value) if digits >= _LEAST_DIGITS else None


def _is_day(digits: str) -> bool:
    """Say whether eight digits are a day, as in `20260302`."""
    return (
        len(digits) == _DAY_DIGITS and digits[:2] in {"19", "20"} and "01" <= digits[4:6] <= "12" and digits[6:] < "32"
    )


def _nothing(_: str) -> None:
    return None


_READERS: Final = {
    "url": _of_url,
    "email": _of_email,
    "uuid": lambda text: Entity("account", text.casefold()),
    "iban": _of_iban,
    "date": _nothing,
    "six": _of_six,
    "host": _of_host,
    "path": _of_path,
    "card": _of_account,
    "phone": _of_phone,
    "word": _of_word,
}
