"""Files under the digest of what they hold: there as a whole or not at all, noticed when they are changed, swept up."""

import stat
from hashlib import blake2b
from pathlib import Path

import pytest

from leeway.errors import StateError
from leeway.storage.kept_files import copied, draft_of, drafts, keep, kept, sweep


def digest(content: bytes) -> str:
    return blake2b(content, digest_size=32).hexdigest()


@pytest.mark.parametrize("size", [0, 1, (8 << 20) - 1, 8 << 20, (16 << 20) + 5])
def test_a_copy_holds_what_was_there(size: int, tmp_path: Path) -> None:
    content = bytes(range(251)) * (size // 251) + bytes(size % 251)
    source, folder = tmp_path / "source", tmp_path / "kept"
    source.write_bytes(content)
    with copied(source, folder) as draft:
        assert draft.path.read_bytes() == content
        name = keep(draft, folder)
    assert name == digest(content)
    assert kept(folder, name).read_bytes() == content
    assert [path.name for path in folder.iterdir()] == [f"{name}.parquet"]
    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(kept(folder, name).stat().st_mode)) == (0o700, 0o600)
    source.write_bytes(b"changed")
    assert kept(folder, name).read_bytes() == content


def test_a_copy_that_is_not_kept_is_gone(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x")
    with copied(tmp_path / "source", tmp_path / "kept"):
        pass
    assert list((tmp_path / "kept").iterdir()) == []


def test_the_same_content_is_kept_once(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).write_bytes(b"same")
        with copied(tmp_path / name, tmp_path / "kept") as draft:
            keep(draft, tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_drafts_are_kept_from_a_folder_of_their_own(tmp_path: Path) -> None:
    with drafts(tmp_path / "kept") as folder:
        (folder / "part").write_bytes(b"part")
        (folder / "other").write_bytes(b"left out")
        name = keep(draft_of(folder / "part"), tmp_path / "kept")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [f"{name}.parquet"]
    assert name == digest(b"part")


def test_what_cannot_be_copied_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot copy"), copied(tmp_path / "missing", tmp_path / "kept"):
        pass
    with pytest.raises(StateError, match="cannot read"):
        draft_of(tmp_path / "missing")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(StateError, match="symbolic link"), drafts(tmp_path / "link"):
        pass


@pytest.mark.parametrize("name", ["0" * 64, "../source", "0" * 63, "G" * 64])
def test_what_is_not_there_is_missing(name: str, tmp_path: Path) -> None:
    (tmp_path / "source.parquet").write_bytes(b"x")
    with pytest.raises(StateError, match="missing"):
        kept(tmp_path / "kept", name)


def test_what_was_changed_or_is_a_link_is_noticed(tmp_path: Path) -> None:
    name = digest(b"whole")
    path = tmp_path / f"{name}.parquet"
    path.write_bytes(b"whole")
    assert kept(tmp_path, name) == path
    path.write_bytes(b"wholf")
    with pytest.raises(StateError, match="damaged"):
        kept(tmp_path, name)
    path.unlink()
    (tmp_path / "elsewhere").write_bytes(b"whole")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateError, match="missing"):
        kept(tmp_path, name)


def test_only_our_own_files_are_swept_up(tmp_path: Path) -> None:
    ours, named = digest(b"ours"), digest(b"named")
    for name in (
        f"{ours}.parquet",
        f"{named}.parquet",
        ".draft-abc",
        "mine.parquet",
        f"{ours}.csv",
        f"x{ours}.parquet",
    ):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".draft-folder").mkdir()
    (tmp_path / ".draft-folder" / "part").write_bytes(b"x")
    outside = tmp_path.parent / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"x")
    (tmp_path / ".draft-link").symlink_to(outside)
    sweep(tmp_path, {named})
    left = {f"{named}.parquet", "mine.parquet", f"{ours}.csv", f"x{ours}.parquet"}
    assert {path.name for path in tmp_path.iterdir()} == left
    assert (outside / "file").exists()


def test_a_folder_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path = tmp_path / "real" / f"{digest(b'x')}.parquet"
    path.write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    sweep(tmp_path / "link", ())
    sweep(tmp_path / "missing", ())
    assert path.exists()
