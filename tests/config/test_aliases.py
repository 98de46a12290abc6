"""The alias file is read whole or refused with its line."""

from pathlib import Path

import pytest

from leeway.config import load_aliases
from leeway.errors import InvalidConfigError


def test_every_name_leads_to_its_host(tmp_path: Path) -> None:
    file = tmp_path / "aliases.toml"
    file.write_text('[hosts]\n"Build7.example.org" = ["CI-7", "10.0.0.7."]\n"NAS." = []\n')
    assert load_aliases(file) == {
        "build7.example.org": "build7.example.org",
        "ci-7": "build7.example.org",
        "10.0.0.7": "build7.example.org",
        "nas": "nas",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("[hosts\n", ":1: not TOML", id="not TOML"),
        pytest.param("[host]\na = []\n", ":1: one table, hosts, is wanted", id="another table"),
        pytest.param('[hosts]\na = ["x"]\nb = ["x"]\n', ":3: 'x' is given to two hosts", id="one name twice"),
        pytest.param('[hosts]\n\na = "x"\n', ":3: 'a' wants a list of names", id="no list"),
        pytest.param('[hosts]\na = ["x y"]\n', ":2: 'a' wants a list of names", id="a space"),
        pytest.param("a = " + "[" * 5_000, ":1: not TOML", id="deep"),
        pytest.param("#" * ((1 << 20) + 1), "larger than", id="large"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "aliases.toml"
    file.write_text(text)
    with pytest.raises(InvalidConfigError, match=problem):
        load_aliases(file)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match="No such file"):
        load_aliases(tmp_path / "none.toml")
