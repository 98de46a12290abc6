"""One document in the Elastic Common Schema, read by field name whether it is nested, dotted or a mixture of both."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from leeway.errors import InvalidEventError
from leeway.sources.whole_numbers import unsigned

_TIME: Final = Annotated[datetime, Meta(tz=True)]


class Document:
    """A decoded document; a field is asked for by its ECS name, such as `process.parent.pid`.

    Where one field is given both nested and dotted, the nested one counts. `-` is a value absent, and a list of one
    value is that value, as searches write it.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: dict[str, object]) -> None:
        self._fields = fields

    def value(self, name: str) -> object:
        """Return what the document holds there, None where it holds nothing."""
        return next(_found(self._fields, name.split(".")), None)

    def text(self, name: str) -> str | None:
        """Return the text or number there as text; None where there is none.

        Raises:
            InvalidEventError: where something else is there.
        """
        value = self.value(name)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if value is None or value in ("", "-", []):
            return None
        if not isinstance(value, str | int):
            raise InvalidEventError(f"{name} is no text")
        return str(value)

    def number(self, name: str) -> int | None:
        """Return the whole number there, written as one or as text; None where there is none.

        Raises:
            InvalidEventError: where something else is there.
        """
        spelt = self.text(name)
        if spelt is None:
            return None
        number = unsigned(spelt)
        if number is None:
            raise InvalidEventError(f"{name} is no number: {spelt[:40]!r}")
        return number

    def words(self, name: str) -> frozenset[str]:
        """Return the texts there, one or a list of them, in lower case."""
        value = self.value(name)
        given = value if isinstance(value, list) else [value]
        return frozenset(each.casefold() for each in given if isinstance(each, str))

    def time(self, name: str) -> datetime | None:
        """Return the time there; None where there is none.

        Raises:
            InvalidEventError: where it is no time or has no zone.
        """
        spelt = self.text(name)
        if spelt is None:
            return None
        try:
            moment: datetime = msgspec.convert(spelt, _TIME)
        except msgspec.ValidationError as error:
            raise InvalidEventError(f"{name} is no time with a zone: {spelt[:40]!r}") from error
        return moment

    def needed(self, name: str) -> str:
        """Return the text there.

        Raises:
            InvalidEventError: where there is none.
        """
        value = self.text(name)
        if value is None:
            raise InvalidEventError(f"no {name}")
        return value


def _found(fields: object, parts: list[str]) -> Iterator[object]:
    """Yield what is at `parts`, joined to keys in every way there is, the most nested first."""
    if not isinstance(fields, dict):
        return
    for length in range(1, len(parts)):
        head = ".".join(parts[:length])
        if head in fields:
            yield from _found(fields[head], parts[length:])
    whole = ".".join(parts)
    if fields.get(whole) is not None:
        yield fields[whole]
