import resource
import sys
from io import BytesIO
from pathlib import Path

import pytest

from leeway.errors import SourceError, UnsupportedError
from leeway.sources import JsonLines, Place, spooled, write_event
from leeway.sources.lines import lines
from leeway.sources.places import SUFFIXES, fingerprint, still_holds
from source_contract import check_source

zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

ROWS = b"".join(b'{"row":%d}\n' % number for number in range(50_000))


def test_reads_what_was_compressed() -> None:
    place = spooled(BytesIO(zstd.compress(ROWS)))
    assert b"".join(line + b"\n" for _, line in lines(place)) == ROWS


def test_reads_one_frame_behind_another() -> None:
    place = spooled(BytesIO(zstd.compress(ROWS) + zstd.compress(b"last\n")))
    assert [line for _, line in lines(place)][-1] == b"last"


def test_positions_are_those_of_the_decompressed_bytes() -> None:
    place = spooled(BytesIO(zstd.compress(ROWS)))
    found = list(lines(place))
    assert found[-1][0] == len(ROWS)
    assert list(lines(place, str(found[40_000][0]))) == found[40_001:]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda body: body[:-9], id="cut"),
        pytest.param(lambda body: body[:-4] + b"\0\0\0\0", id="checksum"),
        pytest.param(lambda body: body + b"rest of another file", id="garbage behind"),
    ],
)
def test_a_damaged_file_gives_what_came_before(damage: object) -> None:
    checked = {zstd.CompressionParameter.checksum_flag: 1}
    place, found = spooled(BytesIO(damage(zstd.compress(ROWS, options=checked)))), []
    with pytest.raises(SourceError, match="cut short or corrupt"):  # noqa: PT012  # what came before counts
        for _, line in lines(place):
            found.append(line)  # until the error
    assert len(found) > 10_000
    assert found == ROWS.splitlines()[: len(found)]


def test_a_position_behind_damage_is_an_error() -> None:
    place = spooled(BytesIO(zstd.compress(ROWS)[:-9]))
    with pytest.raises(SourceError, match="cut short or corrupt"):
        list(lines(place, str(len(ROWS))))


def test_a_window_beyond_the_bound_is_an_error_and_no_memory() -> None:
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 30})
    place = spooled(BytesIO(compressor.compress(ROWS) + compressor.flush()))
    with pytest.raises(SourceError, match="too much memory"):
        list(lines(place))


def test_a_bomb_is_read_in_pieces() -> None:
    compressor = zstd.ZstdCompressor()
    bomb = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(256)) + compressor.flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (found,) = lines(spooled(BytesIO(bomb)))
    assert len(bomb) < 20_000
    assert found == (1 << 28, "longer than 8388608 bytes")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000 << (10 * (sys.platform == "darwin"))


def test_marks_are_taken_of_the_decompressed_start(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.zst"
    plain.write_bytes(ROWS)
    packed.write_bytes(zstd.compress(ROWS))
    assert still_holds(Place(packed), fingerprint(Place(plain)))
    packed.write_bytes(zstd.compress(b"x" + ROWS))
    assert not still_holds(Place(packed), fingerprint(Place(plain)))
    packed.write_bytes(zstd.compress(ROWS)[:6])
    with pytest.raises(SourceError, match="unreadable at its start"):
        fingerprint(Place(packed))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, zstd.__name__, None)
    monkeypatch.delattr(sys.modules[zstd.__name__.rpartition(".")[0]], "zstd", raising=False)
    with pytest.raises(UnsupportedError, match="feed: reading Zstandard") as caught:
        spooled(BytesIO(zstd.compress(ROWS)), "feed").open()
    assert caught.value.hint == "pip install 'agent-leeway[zstd]'"


def test_a_source_keeps_its_contract_on_it() -> None:
    event = JsonLines(spooled(BytesIO(b'{"kind":"heartbeat","time":"2026-03-02T09:00:00Z","host":"h"}\n')))
    ((_, beat),) = event.read()
    body = zstd.compress(write_event(beat) * 3 + b"{}\n" + write_event(beat))
    assert len(check_source(JsonLines, body, 2)) == 5
    assert len(check_source(JsonLines, body[:-3], 1)) <= 5


def test_the_suffixes_name_each_compression() -> None:
    assert SUFFIXES == ("", ".gz", ".xz", ".zst")
