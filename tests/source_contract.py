"""What every source keeps, whatever the bytes are: one check that the tests of all sources share."""

from io import BytesIO

from leeway.errors import SourceError
from leeway.events import decode, encode
from leeway.sources import Rejected, Skipped, Source, SourceKind, spooled


def read(source: Source, after: str | None = None) -> tuple[list, str]:
    """Return what a source yields, and the error it ends with."""
    found = []
    try:
        for item in source.read(after=after):
            found.append(item)  # noqa: PERF402  # what came before the error is wanted
    except SourceError as error:
        return found, str(error)
    return found, ""


def check_source(kind: SourceKind, body: bytes, cut: int = 0) -> list:
    """Hold a source to its contract on `body`, resumed behind record `cut` (modulo their number); return its records.

    Reading twice is equal; positions grow; a refusal names its place and reason and shows little; an event has an id
    and survives storage; reading on behind any record gives exactly the rest.
    """
    source = kind(spooled(BytesIO(body), "feed"))
    found, error = read(source)
    assert read(kind(spooled(BytesIO(body), "feed"))) == read(source) == (found, error)
    offsets = [int(position) for position, _ in found]
    assert offsets == sorted(set(offsets))
    for position, record in found:
        if isinstance(record, Rejected | Skipped):
            assert record.position == position
            assert record.reason
            assert len(getattr(record, "record", "")) <= 2_000
        else:
            assert record.id
            assert decode(encode(record)) == record
    behind = cut % (len(found) + 1)
    assert read(source, found[behind - 1][0] if behind else None)[0] == found[behind:]
    return found
