"""What every source keeps, whatever the bytes are."""

import gzip
import json
import lzma
from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leeway.events import Facet, Measure
from leeway.sources import SOURCES, SourceKind, render, spooled, write_event
from source_contract import check_source
from strategies import events

ROW = {
    "EventID": 1,
    "Channel": "Security",
    "Hostname": "h",
    "@timestamp": "2026-03-02T09:00:00Z",
    "UtcTime": "2026-03-02 09:00:00",
    "Image": "x",
    "TargetFilename": "y",
    "ProcessId": "0x10",
    "NewProcessName": "z",
    "DestPort": "1",
    "Application": "\\device\\v\\a",
    "Direction": "%%14593",
    "DestAddress": "::1",
}
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=9),
    st.lists(st.integers(), max_size=2),
)


def rows() -> st.SearchStrategy[bytes]:
    changes = st.dictionaries(st.sampled_from(sorted(ROW)), SCALARS, max_size=3)
    ids = st.sampled_from([1, 3, 5, 7, 11, 15, 22, 23, 26, 4688, 4689, 5156, 18])
    channels = st.sampled_from(["Security", "Microsoft-Windows-Sysmon/Operational"])
    return st.builds(
        lambda event_id, channel, change: json.dumps(
            {**ROW, "EventID": event_id, "Channel": channel, **change}
        ).encode(),
        ids,
        channels,
        changes,
    )


def lines() -> st.SearchStrategy[bytes]:
    return st.one_of(st.binary(max_size=80), rows(), events().map(lambda event: write_event(event).strip()))


def bodies() -> st.SearchStrategy[bytes]:
    """Files of sound, broken and random lines; some of them a collection, some compressed and cut."""
    plain = st.lists(lines(), max_size=6).map(b"\n".join)
    collected = st.builds(lambda sound, rest: render(sound) + rest, st.lists(events(), max_size=3), plain)
    whole = st.one_of(plain, collected)
    return st.one_of(
        whole,
        whole.map(gzip.compress),
        whole.map(lzma.compress),
        st.builds(lambda body, cut: gzip.compress(body)[:-cut], whole, st.integers(1, 12)),
    )


@pytest.mark.parametrize("kind", SOURCES, ids=lambda kind: kind.name)
@given(body=bodies(), cut=st.integers(0, 20))
@example(body=b"\xfd7zXZ\x00broken", cut=0)
@example(body=b"[" * 3_000, cut=0)
@example(body=b'{"EventID":' + b"9" * 5_000 + b"}", cut=0)
def test_a_source_keeps_its_contract(kind: SourceKind, body: bytes, cut: int) -> None:
    check_source(kind, body, cut)


@pytest.mark.parametrize("kind", SOURCES, ids=lambda kind: kind.name)
def test_a_source_says_what_it_is(kind: SourceKind) -> None:
    source = kind(spooled(BytesIO(b""), "feed"))
    assert source.uri == "feed"
    assert kind.name
    assert kind.patterns
    assert kind.observes <= {*Facet, *Measure}
    assert kind.__doc__


@pytest.mark.parametrize("kind", SOURCES, ids=lambda kind: kind.name)
@given(line=st.one_of(st.binary(max_size=60), lines()))
@example(line=b"[" * 100_000)
@example(line=b'{"kind":' * 50_000)
def test_recognising_never_raises(kind: SourceKind, line: bytes) -> None:
    assert kind.recognises(line) in {True, False}
