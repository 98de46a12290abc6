import gzip
import struct
import sys
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from make_golden import golden

from evtx_file import CHUNK, Logged, file_header, nested_templates, sealed, written
from leeway.errors import UnsupportedError
from leeway.events import ProcessEnded
from leeway.sources import Rejected, spooled
from leeway.sources.evtx import Evtx
from leeway.sources.sysmon import Sysmon
from source_contract import check_source, read

pytest.importorskip("evtx")

GOLDEN = Path(__file__).parent / "golden" / "evtx"
HEADER = 4_096
ACT = {"UtcTime": "2026-03-02 09:00:00.250", "ProcessId": 77, "Image": r"C:\Python\python.exe"}
ENDED, NESTED, UNUSED = Logged(5, ACT), Logged(5, ACT, inner=True), Logged(18, ACT)
BODY = written([[ENDED, NESTED, UNUSED], [NESTED, ENDED]])
ONE = written([[ENDED, NESTED, UNUSED]])[HEADER:]


def kinds(body: bytes) -> list[str]:
    return [type(record).__name__ for _, record in read(Evtx(spooled(BytesIO(body))))[0]]


def reasons(body: bytes) -> list[str]:
    found, _ = read(Evtx(spooled(BytesIO(body))))
    return [record.reason for _, record in found if isinstance(record, Rejected)]


def changed(chunk: bytes, at: int, piece: bytes) -> bytes:
    return chunk[:at] + piece + chunk[at + len(piece) :]


def test_golden() -> None:
    made, expected = golden(Evtx, GOLDEN)
    assert made == expected
    assert len(expected.splitlines()) == 24


def test_positions_are_offsets_in_the_file() -> None:
    positions = [int(position) for position, _ in Evtx(spooled(BytesIO(BODY))).read()]
    ends = [at + 4 for at in range(len(BODY) - 28) if BODY[at + 4 : at + 8] == b"\x2a\x2a\0\0"]
    assert positions[:2] == ends[1:3]
    assert [position > HEADER + CHUNK for position in positions] == [False, False, False, True, True]


def test_both_ways_of_writing_the_data_are_one_event() -> None:
    found = [record for _, record in Evtx(spooled(BytesIO(BODY))).read()]
    assert found[0] == found[1] == found[3] == found[4]
    assert isinstance(found[0], ProcessEnded)


BROKEN_RECORD = changed(ONE, 512 + 24 + 20, b"\xff\xff")


@pytest.mark.parametrize(
    ("chunk", "reason"),
    [
        pytest.param(BROKEN_RECORD, "a chunk whose records' checksum does not hold", id="bytes flipped"),
        pytest.param(changed(ONE, 8, b"\x07"), "a chunk header whose checksum does not hold", id="header flipped"),
        pytest.param(b"\x01" * CHUNK, "no chunk of an event log", id="overwritten"),
        pytest.param(changed(ONE, 48, b"\xff\xff\xff\xff"), "a chunk that is larger than it can be", id="too large"),
    ],
)
def test_a_broken_chunk_is_refused_and_the_rest_is_read(chunk: bytes, reason: str) -> None:
    body = file_header(3, 9) + ONE + chunk + ONE
    assert kinds(body) == [
        "ProcessEnded",
        "ProcessEnded",
        "Skipped",
        "Rejected",
        "ProcessEnded",
        "ProcessEnded",
        "Skipped",
    ]
    assert reasons(body) == [reason]


def test_a_chunk_without_records_and_one_never_used_say_nothing() -> None:
    assert kinds(file_header(2, 1) + bytes(CHUNK) + sealed(changed(ONE, 48, struct.pack("<I", 512)))) == []


def test_an_open_log_is_read_whatever_its_checksums_say() -> None:
    chunk = changed(ONE, 52, b"\0\0\0\0")
    assert kinds(file_header(1, 4, dirty=True) + chunk) == ["ProcessEnded", "ProcessEnded", "Skipped"]
    assert kinds(file_header(1, 4) + chunk) == ["Rejected"]


def test_a_broken_record_costs_itself_only() -> None:
    second = 512 + struct.unpack_from("<I", ONE, 516)[0]
    body = file_header(1, 4) + sealed(changed(ONE, second + 24, b"\xff"))
    assert kinds(body) == ["ProcessEnded", "Rejected", "Skipped"]
    assert "0xbf" in reasons(body)[0]


def test_where_no_record_starts_the_rest_of_the_chunk_is_refused() -> None:
    second = 512 + struct.unpack_from("<I", ONE, 516)[0]
    body = file_header(1, 4) + sealed(changed(ONE, second, b"\0"))
    assert kinds(body) == ["ProcessEnded", "Rejected"]
    assert reasons(body)[0].startswith("no record where one should start: the last ")


@pytest.mark.parametrize("cut", [1, 60_000, CHUNK - 1_400, CHUNK + 1, CHUNK + HEADER + 1])
@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_file_cut_short_gives_what_came_before(cut: int, packed: type) -> None:
    body = packed(BODY[:-cut]) if packed is bytes else gzip.compress(BODY[:-cut])[:-9]
    found, error = read(Evtx(spooled(BytesIO(body))))
    assert "cut short" in error
    left = len(BODY) - cut
    assert [int(position) for position, _ in found] == [
        int(position) for position, _ in Evtx(spooled(BytesIO(BODY))).read() if int(position) <= left
    ]


@pytest.mark.parametrize(
    ("body", "after", "reason"),
    [
        pytest.param(b"EventID,Channel\n" * 9_000, None, "no event log", id="text"),
        pytest.param(BODY[:100], None, "ends within its header", id="header"),
        pytest.param(BODY, "12x", "'12x' is no position", id="position"),
        pytest.param(BODY, "9999999", "shorter than position 9999999", id="too far"),
        pytest.param(b"", "8", "shorter than position 8", id="emptied"),
    ],
)
def test_what_is_no_event_log_is_an_error(body: bytes, after: str | None, reason: str) -> None:
    found, error = read(Evtx(spooled(BytesIO(body))), after)
    assert found == []
    assert reason in error


def test_an_empty_file_holds_nothing() -> None:
    assert read(Evtx(spooled(BytesIO(b"")))) == ([], "")


@pytest.mark.parametrize(
    ("depth", "repeats", "refused"),
    [
        pytest.param(1, 3, "neither winlog nor Event", id="one in another"),
        pytest.param(3, 9, "neither winlog nor Event", id="9 to the power of 3"),
        pytest.param(4, 60, "bytes that may become", id="60 to the power of 4"),
        pytest.param(6, 20, "nested too deeply", id="six levels"),
        pytest.param(500, 1, "nested too deeply", id="500 levels"),
    ],
)
def test_templates_in_templates_are_written_out_only_while_they_stay_small(
    depth: int, repeats: int, refused: str
) -> None:
    (reason,) = reasons(file_header(1, 2) + nested_templates(depth, repeats))
    assert refused in reason


def test_recognised_by_its_first_bytes() -> None:
    assert Evtx.recognises(BODY[:HEADER])
    assert not Evtx.recognises(b"ElfChnk\0")
    assert not Evtx.recognises(b"")


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "evtx", None)
    with pytest.raises(UnsupportedError) as caught:
        list(Evtx(spooled(BytesIO(BODY))).read())
    assert caught.value.hint == "pip install 'agent-leeway[evtx]'"


def test_it_shows_what_the_flat_form_shows() -> None:
    assert Evtx.observes == Sysmon.observes


SPOTS = st.integers(8, struct.unpack_from("<I", ONE, 48)[0])


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A file with some bytes changed; its checksums hold, for else nothing of it would be looked at."""
    chunk = ONE
    for _ in range(draw(st.integers(0, 3))):
        chunk = changed(chunk, draw(SPOTS), draw(st.binary(min_size=1, max_size=4)))
    free = struct.unpack_from("<I", chunk, 48)[0]
    whole = sealed(chunk) if free <= CHUNK else chunk
    body = BODY[:HEADER] + whole + ONE
    return body[: draw(st.sampled_from([len(body), len(body), HEADER + 900, 50]))]


@given(body=st.one_of(mutated(), mutated().map(gzip.compress), st.binary(max_size=80)), cut=st.integers(0, 9))
@example(body=b"ElfFile\0", cut=0)
@example(body=BODY, cut=3)
def test_it_keeps_the_contract(body: bytes, cut: int) -> None:
    check_source(Evtx, body, cut)
