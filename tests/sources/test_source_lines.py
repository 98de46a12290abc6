import gzip
import lzma
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.errors import SourceError
from leeway.sources.lines import LINE_LIMIT, flaw, lines
from leeway.sources.places import Place, fingerprint, spooled, still_holds

Form = Callable[[bytes], bytes]
FORMS = [
    pytest.param(lambda body: body, id="plain"),
    pytest.param(gzip.compress, id="gzip"),
    pytest.param(lzma.compress, id="xz"),
    pytest.param(lambda body: gzip.compress(body[:3]) + gzip.compress(body[3:]), id="two gzip members"),
    pytest.param(lambda body: lzma.compress(body[:3]) + bytes(8) + lzma.compress(body[3:]) + bytes(4), id="two of xz"),
]


def place(tmp_path: Path, body: bytes) -> Place:
    path = tmp_path / "feed"
    path.write_bytes(body)
    return Place(path)


@pytest.mark.parametrize("form", FORMS)
def test_offsets_stand_behind_each_line_of_the_decompressed_stream(tmp_path: Path, form: Form) -> None:
    feed = place(tmp_path, form(b"one\r\n\n  \ntwo\nlast without end"))
    assert list(lines(feed)) == [(5, b"one"), (13, b"two"), (29, b"last without end")]
    assert list(lines(feed, "5")) == [(13, b"two"), (29, b"last without end")]
    assert list(lines(feed, "29")) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_position_behind_the_end_is_refused_as_the_file_was_cut(tmp_path: Path, form: Form) -> None:
    with pytest.raises(SourceError, match="shorter than position 30"):
        list(lines(place(tmp_path, form(b"one\ntwo\n")), "30"))


@pytest.mark.parametrize("after", ["-1", "", "1e3", "0x10", "٣", "9" * 19, "one"])
def test_what_is_no_position_is_refused(tmp_path: Path, after: str) -> None:
    with pytest.raises(SourceError, match="is no position"):
        list(lines(place(tmp_path, b"one\n"), after))


@pytest.mark.parametrize("form", FORMS)
def test_a_line_too_long_is_passed_over_and_the_next_one_read(tmp_path: Path, form: Form) -> None:
    long = b"x" * (2 * LINE_LIMIT)
    feed = place(tmp_path, form(b"a\n" + long + b"\nb\n"))
    assert list(lines(feed)) == [
        (2, b"a"),
        (2 * LINE_LIMIT + 3, f"longer than {LINE_LIMIT} bytes"),
        (2 * LINE_LIMIT + 5, b"b"),
    ]


@pytest.mark.parametrize(
    ("length", "kept"),
    [
        pytest.param(LINE_LIMIT - 1, True, id="just short enough"),
        pytest.param(LINE_LIMIT, False, id="one byte more"),
        pytest.param(3 * LINE_LIMIT + 7, False, id="many pieces, no end"),
    ],
)
def test_the_limit_counts_the_end_of_the_line(tmp_path: Path, length: int, *, kept: bool) -> None:
    body = b"x" * length + (b"\n" if length < 3 * LINE_LIMIT else b"")
    ((offset, line),) = lines(place(tmp_path, body))
    assert (offset, isinstance(line, bytes)) == (len(body), kept)


@pytest.mark.parametrize(
    ("spoil", "least"),
    [
        pytest.param(lambda body: gzip.compress(body)[:-12], 1, id="gzip cut"),
        pytest.param(lambda body: gzip.compress(body)[:-8] + bytes(8), 2_000, id="gzip checksum"),
        pytest.param(lambda body: lzma.compress(body)[:-40], 1, id="xz cut"),
        pytest.param(lambda body: gzip.compress(body) + b"\x1f\x8b\xff", 2_000, id="garbage behind"),
        pytest.param(lambda body: lzma.compress(body) + b"\0\0\0\0PK", 2_000, id="garbage behind xz"),
        pytest.param(lambda body: lzma.compress(body) + lzma.compress(body)[:20], 2_000, id="second of xz cut"),
    ],
)
def test_what_was_good_comes_before_the_error_that_names_file_and_offset(
    tmp_path: Path, spoil: Form, least: int
) -> None:
    body = b"".join(b'{"n": %d}\n' % number for number in range(2_000))
    read = []
    with pytest.raises(SourceError, match=r"feed: cut short or corrupt behind byte \d+") as caught:  # noqa: PT012  # what came before counts
        for item in lines(place(tmp_path, spoil(body))):
            read.append(item)  # noqa: PERF402  # as it comes
    assert caught.value.hint
    assert len(read) >= least
    assert b"".join(line + b"\n" for _, line in read) == body[: read[-1][0]]


def test_xz_that_asks_for_more_memory_than_is_given_is_refused(tmp_path: Path) -> None:
    wide = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29, "mode": lzma.MODE_FAST, "mf": lzma.MF_HC3}]
    usual = lzma.compress(b"one\n", preset=9)
    read = []
    with pytest.raises(SourceError, match=r"behind byte 4 .decompressed.: Memory usage limit exceeded"):  # noqa: PT012  # what came before counts
        for item in lines(place(tmp_path, usual + lzma.compress(b"two\n", filters=wide))):
            read.append(item)  # noqa: PERF402  # as it comes
    assert read == [(4, b"one")]


@pytest.mark.parametrize("form", FORMS)
def test_a_run_of_empty_lines_is_counted_in_offsets_and_nothing_else(tmp_path: Path, form: Form) -> None:
    run = b"\n" * 1_000_000
    feed = place(tmp_path, form(run + b" a\n" + run + b"\r\n\n" + b"b" + run))
    assert list(lines(feed)) == [(1_000_003, b" a"), (2_000_008, b"b")]


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    assert list(lines(place(tmp_path, b"\xef\xbb\xbf{}\n\xef\xbb\xbf\n"))) == [(6, b"{}"), (10, b"\xef\xbb\xbf")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(b'{"a":1}', "", id="sound"),
        pytest.param("Grüße".encode(), "", id="UTF-8"),
        pytest.param(b'{"a":"\xff"}', "not UTF-8: invalid start byte at byte 6", id="no UTF-8"),
        pytest.param(b"\xed\xa0\x80", "not UTF-8: invalid continuation byte at byte 0", id="encoded surrogate"),
        pytest.param(b"[" * 64 + b"]" * 64, "", id="64 levels"),
        pytest.param(b"[" * 65 + b"]" * 65, "nested deeper than 64 levels", id="65 levels"),
        pytest.param(b'{"a":' * 65, "nested deeper than 64 levels", id="65 objects, never closed"),
        pytest.param(b'["' + b"[{" * 500 + b'"]', "", id="brackets in a string"),
        pytest.param(b'["\\"' + b"[" * 500 + b'"]', "", id="brackets behind an escaped quote"),
        pytest.param(b"[]" * 500, "", id="wide, not deep"),
        pytest.param(b'"\\' * 300_000 + b"[" * 99, "", id="a string that never ends, in linear time"),
        pytest.param(b'"' + b'\\"' * 300_000 + b"[" * 99, "", id="quotes all escaped, in linear time"),
    ],
)
def test_flaws_that_parsers_do_not_agree_on(line: bytes, reason: str) -> None:
    assert flaw(line) == reason


@given(st.binary(max_size=200).filter(lambda body: body[:2] not in {b"\x1f\x8b", b"\xfd7"}), st.data())
def test_reading_resumes_at_any_position(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, data: st.DataObject
) -> None:
    feed = place(tmp_path_factory.mktemp("resume"), body)
    whole = list(lines(feed, limit=16))
    cut = data.draw(st.integers(0, len(whole)))
    after = str(whole[cut - 1][0]) if cut else None
    assert list(lines(feed, after, limit=16)) == whole[cut:]


def test_a_spooled_stream_is_read_twice_and_leaves_with_its_place() -> None:
    feed = spooled(BytesIO(gzip.compress(b"one\n")))
    copy = feed.path
    assert copy.stat().st_mode & 0o777 == 0o600
    assert list(lines(feed)) == list(lines(feed)) == [(4, b"one")]
    del feed
    assert not copy.exists()


@pytest.mark.parametrize(
    ("before", "now", "held"),
    [
        pytest.param(b"one\n", b"one\ntwo\n", True, id="grown"),
        pytest.param(b"x" * 9_000, b"x" * 9_001, True, id="grown, large"),
        pytest.param(b"one\n", gzip.compress(b"one\n"), True, id="compressed since"),
        pytest.param(b"", b"one\n", True, id="was empty"),
        pytest.param(b"one\n", b"two\n", False, id="replaced"),
        pytest.param(b"one\ntwo\n", b"one\n", False, id="cut"),
    ],
)
def test_a_mark_tells_a_file_that_grew_from_one_that_was_replaced(
    tmp_path: Path, before: bytes, now: bytes, *, held: bool
) -> None:
    mark = fingerprint(place(tmp_path, before))
    assert still_holds(place(tmp_path, now), mark) is held


@pytest.mark.parametrize("mark", ["", "x", "-", "4096", "99999999999-00"])
def test_what_is_no_mark_never_holds(tmp_path: Path, mark: str) -> None:
    assert not still_holds(place(tmp_path, b"one\n"), mark)


def test_a_mark_of_a_broken_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="unreadable at its start"):
        fingerprint(place(tmp_path, b"\x1f\x8b\x08broken"))
