"""Model files: what was saved comes back, and what was not saved is refused."""

import json
import struct
import zlib
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.errors import NotFoundError, StateError
from leeway.library.detector import AnomalyDetector
from leeway.library.model_file import MAGIC, agent_digest, default_directory, model_path, packed, unpacked
from leeway.testing.acting import SHAPES, past_of

PAST = past_of(SHAPES[0], 5, 1000)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    detector = AnomalyDetector(tmp_path_factory.mktemp("models"))
    detector.train("a", PAST)
    return detector.save_model("a").read_bytes()


def signed(body: bytes) -> bytes:
    return MAGIC + sha256(body).digest() + body


def parts(content: bytes) -> tuple[dict, bytes, bytes]:
    body = content[len(MAGIC) + 32 :]
    text, rows, _ = struct.unpack_from("<III", body)
    return (
        json.loads(zlib.decompress(body[12 : 12 + text])),
        body[12 + text : 12 + text + rows],
        body[12 + text + rows :],
    )


def joined(known: dict, rows: bytes, forest: bytes) -> bytes:
    text = zlib.compress(json.dumps(known).encode())
    return signed(struct.pack("<III", len(text), len(rows), len(forest)) + text + rows + forest)


def test_a_model_is_small_and_the_same_bytes_again(content: bytes) -> None:
    assert len(content) <= 60_000
    assert packed("a", unpacked(content, "a")) == content
    known, rows, forest = parts(content)
    assert unpacked(joined(known, rows, forest), "a").model.events == 1000


def test_an_agent_id_is_never_a_path(tmp_path: Path) -> None:
    for agent in ("../../etc/passwd", "a/b", "", "\0", "x" * 10_000, "\udcff"):
        path = model_path(tmp_path, agent)
        assert path.parent == tmp_path
        assert path.name == f"{agent_digest(agent)}.leeway"


def test_the_usual_place_follows_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_directory() == tmp_path / "leeway" / "models"
    monkeypatch.setattr("sys.platform", "darwin")
    assert default_directory() == Path.home() / "Library" / "Application Support" / "leeway" / "models"
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert default_directory() == tmp_path / "leeway" / "models"


def changed(known: dict, *keys: str | int, to: object) -> dict:
    copy = json.loads(json.dumps(known))
    inner = copy
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = to
    return copy


@pytest.mark.parametrize(
    ("keys", "to"),
    [
        (("schema",), "leeway-agent/9"),
        (("agent",), agent_digest("b")),
        (("events",), 0),
        (("rows",), 10**9),
        (("rows",), 3),
        (("columns",), []),
        (("columns",), ["event_type", "event_type"]),
        (("columns",), ["__class__"]),
        (("scales", "event_type", "departures"), [3.0, 1.0]),
        (("scales", "event_type", "beyond"), 0.0),
        (("usual",), [0.0]),
        (("mute",), [99]),
        (("least",), [[-1, 0.0]]),
        (("members", "event_type", "new"), 0.0),
        (("members", "event_type", "total"), 0),
        (("members", "duration", "offset"), -1.0),
        (("members", "duration", "overall", "above"), 0.0),
        (("members", "temporal", "counts"), [1] * 5),
        (("members", "success", "totals"), [1]),
        (("members", "failures", "share"), 2.0),
        (("members", "sequence", "pairs"), {"a": {"b": 3}}),
        (("feedback",), {"version": 99}),
        (("extra",), 1),
    ],
    ids=str,
)
def test_a_file_out_of_bounds_is_refused(content: bytes, keys: tuple[str, ...], to: object) -> None:
    known, rows, forest = parts(content)
    with pytest.raises(StateError):
        unpacked(joined(changed(known, *keys, to=to), rows, forest), "a")


def test_a_bomb_is_not_inflated(content: bytes) -> None:
    known, _, forest = parts(content)
    with pytest.raises(StateError, match="larger than it says"):
        unpacked(joined(known, zlib.compress(bytes(50_000_000), 9), forest), "a")


@given(st.data())
def test_a_damaged_file_is_refused(content: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(1, 255))
    broken = bytearray(content)
    broken[at] ^= byte
    with pytest.raises(StateError):
        unpacked(bytes(broken), "a")


@given(st.data())
def test_a_forged_file_is_refused_or_is_a_model(content: bytes, data: st.DataObject) -> None:
    body = bytearray(content[len(MAGIC) + 32 :])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        kept = unpacked(signed(bytes(body)), "a")
    except StateError:
        return
    assert kept.model.events >= 1


@given(st.binary(max_size=300))
def test_bytes_are_no_model(content: bytes) -> None:
    with pytest.raises(StateError):
        unpacked(content, "a")
    with pytest.raises(StateError):
        unpacked(signed(content), "a")


def test_links_folders_and_missing_files(tmp_path: Path, content: bytes) -> None:
    detector = AnomalyDetector(tmp_path)
    with pytest.raises(NotFoundError):
        detector.load_model("a")
    real = tmp_path / "real"
    real.write_bytes(content)
    model_path(tmp_path, "a").symlink_to(real)
    with pytest.raises(StateError):
        detector.load_model("a")
    model_path(tmp_path, "b").mkdir()
    with pytest.raises(StateError):
        detector.load_model("b")
    model_path(tmp_path, "c").write_bytes(content)
    with pytest.raises(StateError, match="another agent"):
        detector.load_model("c")
