"""Cut what is too long, so that the cut is seen."""

_CUT = "…"
"""Stands where text was cut; three bytes of UTF-8."""


def fit(text: str, room: int) -> str:
    """Return `text`, cut with a mark to `room` bytes of UTF-8.

    >>> fit("abcdefgh", 6)
    'abc…'
    """
    body = text.encode()
    if len(body) <= room:
        return text
    return body[: max(room - len(_CUT.encode()), 0)].decode(errors="ignore") + _CUT


def shortened(value: object, limit: int) -> object:
    """Return plain values with every text of more than `limit` characters, and list of more items, cut with a mark."""
    match value:
        case str() if len(value) > limit:
            return f"{value[:limit]}{_CUT} (+{len(value) - limit} characters)"
        case dict():
            return {key: shortened(one, limit) for key, one in value.items()}
        case list() if len(value) > limit:
            return [shortened(one, limit) for one in value[:limit]]
        case list():
            return [shortened(one, limit) for one in value]
    return value
