"""Files are whole or not at all, and nobody else's to read."""

import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leeway.errors import StateError
from leeway.storage import make_private_directory, put_in_place, read_or_make_secret, write_whole


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("no_umask")
def test_everything_made_is_private_whatever_the_umask(tmp_path: Path) -> None:
    make_private_directory(tmp_path / "one" / "two" / "three")
    write_whole(tmp_path / "one" / "file", b"x")
    read_or_make_secret(tmp_path / "keys" / "deep" / "id.key")
    made = {path.relative_to(tmp_path).as_posix(): mode_of(path) for path in tmp_path.rglob("*")}
    assert made == {
        "one": 0o700,
        "one/two": 0o700,
        "one/two/three": 0o700,
        "one/file": 0o600,
        "keys": 0o700,
        "keys/deep": 0o700,
        "keys/deep/id.key": 0o600,
    }


def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o750)
    make_private_directory(tmp_path / "there")
    assert mode_of(tmp_path / "there") == 0o750


def _link(path: Path) -> None:
    (path.parent / "real").mkdir()
    path.symlink_to(path.parent / "real")


def _open_to_all(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(_link, "symbolic link", id="link"),
        pytest.param(lambda path: path.symlink_to("/nowhere/at/all"), "symbolic link", id="dangling link"),
        pytest.param(_open_to_all, "writable by everyone", id="world-writable"),
        pytest.param(Path.touch, "cannot create", id="a file"),
    ],
)
def test_a_place_that_others_rule_is_refused(make: Callable[[Path], object], reason: str, tmp_path: Path) -> None:
    make(tmp_path / "state")
    with pytest.raises(StateError, match=reason):
        make_private_directory(tmp_path / "state")


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"old")
    write_whole(tmp_path / "file", b"new and longer")
    assert (tmp_path / "file").read_bytes() == b"new and longer"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


_FULL = """
import resource, sys
from pathlib import Path
from leeway.errors import StateError
from leeway.storage import write_whole
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_whole(Path(sys.argv[1]), b"n" * 5000)
except StateError as error:
    sys.exit(f"refused: {error}")
"""


def test_what_the_disk_refuses_leaves_the_old_content(tmp_path: Path) -> None:
    assert resource.RLIMIT_FSIZE >= 0
    write_whole(tmp_path / "file", b"old")
    done = subprocess.run([sys.executable, "-c", _FULL, tmp_path / "file"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.partition(" ")[0]) == (1, "refused:")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_name_longer_than_names_can_be_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="File name too long"):
        write_whole(tmp_path / ("x" * 250), b"")


def test_a_folder_that_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="No such file"):
        write_whole(tmp_path / "missing" / "file", b"x")


@pytest.mark.parametrize(
    ("mode", "is_made"), [pytest.param(0o1777, True, id="sticky"), pytest.param(0o777, False, id="anybody's")]
)
def test_a_secret_lies_where_others_cannot_take_its_place(mode: int, tmp_path: Path, *, is_made: bool) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(mode)
    if is_made:
        assert len(read_or_make_secret(folder / "id.key")) == 32
    else:
        with pytest.raises(StateError, match="writable by everyone"):
            read_or_make_secret(folder / "id.key")


def test_a_secret_is_made_once_and_read_after(tmp_path: Path) -> None:
    made = read_or_make_secret(tmp_path / "id.key")
    assert len(made) == 32
    assert read_or_make_secret(tmp_path / "id.key") == made
    assert read_or_make_secret(tmp_path / "other.key") != made


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        pytest.param(b"00" * 32, 0o644, "may be read by others", id="open"),
        pytest.param(b"zz" * 32, 0o600, "not an id key", id="no hex"),
        pytest.param(b"00" * 31, 0o600, "31 bytes instead of 32", id="short"),
        pytest.param(b"\xff\xfe", 0o600, "not an id key", id="no text"),
        pytest.param(b"", 0o600, "0 bytes instead of 32", id="empty"),
    ],
)
def test_a_file_that_is_no_secret_is_refused(content: bytes, mode: int, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "id.key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(StateError, match=reason):
        read_or_make_secret(path)


@pytest.mark.usefixtures("no_umask")
def test_a_finished_file_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    draft, place = tmp_path / "draft", tmp_path / "place"
    draft.write_bytes(b"new")
    place.write_bytes(b"old")
    put_in_place(draft, place)
    assert (place.read_bytes(), mode_of(place), draft.exists()) == (b"new", 0o600, False)
    place.chmod(0o400)
    with pytest.raises(StateError, match=r"cannot write .*place: No such file or directory"):
        put_in_place(draft, place)
    assert place.read_bytes() == b"new"
