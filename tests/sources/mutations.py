"""Feeds of JSON lines that went wrong in places: golden records with fields replaced, among bytes of any kind."""

import json
from collections.abc import Iterator
from pathlib import Path

from hypothesis import strategies as st

GOLDEN = Path(__file__).parent / "golden"

_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=9),
    st.sampled_from(["-", "<NA>", "::1", "2026-03-02T09:00:00Z", "9" * 40, "a:1->b:2", "\\u0000"]),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3)), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def golden_rows(name: str) -> list[dict]:
    """Return the whole objects among the golden input of a source."""
    rows = []
    for line in (GOLDEN / name / "input.jsonl").read_text("utf-8").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        rows += [row] if isinstance(row, dict) else []
    return rows


def places(value: object, path: tuple = ()) -> Iterator[tuple]:
    """Yield the path of every field within `value`."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*path, key)
        yield from places(each, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, rows: list[dict]) -> bytes:
    """Return one of `rows` with up to three of its fields replaced or taken away."""
    row = json.loads(json.dumps(draw(st.sampled_from(rows))))
    for _ in range(draw(st.integers(0, 3))):
        found = list(places(row))
        if not found:
            break
        *above, last = draw(st.sampled_from(found))
        holder = row
        for key in above:
            holder = holder[key]
        if draw(st.booleans()):
            holder[last] = draw(_VALUES)
        else:
            del holder[last]
    return json.dumps(row).encode()


def feeds(name: str) -> st.SearchStrategy[bytes]:
    """Files of mutated golden records of a source, cut ones and bytes of any kind."""
    whole = mutated(golden_rows(name))
    cut = st.builds(lambda line, length: line[:length], whole, st.integers(0, 400))
    return st.lists(st.one_of(whole, cut, st.binary(max_size=60)), max_size=5).map(b"\n".join)
