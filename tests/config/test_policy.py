from pathlib import Path

import pytest

from leeway.agents.module_names import module_name
from leeway.config import Policy, load_policy
from leeway.config.policy import Rule
from leeway.errors import InvalidConfigError

POLICY = Policy(
    (
        Rule(agent="claude*", processes=("git", "rg"), modules=("libc.so*", "ABCD")),
        Rule(agent="claude", processes=("bash",)),
        Rule(agent="codex", modules=()),
    )
)


@pytest.mark.parametrize(
    ("agent", "process", "allowed"),
    [
        pytest.param("claude", "git", True, id="by one rule"),
        pytest.param("claude", "bash", True, id="by another rule"),
        pytest.param("claude-code", "bash", False, id="only where the rule names the agent"),
        pytest.param("Claude", "GIT", True, id="case does not matter"),
        pytest.param("claude", "curl", False, id="by none"),
        pytest.param("codex", "curl", None, id="no list"),
        pytest.param("aider", "curl", None, id="no rule"),
    ],
)
def test_processes(agent: str, process: str, allowed: bool | None) -> None:  # noqa: FBT001  # a column
    assert POLICY.allows_process(agent, process) is allowed


@pytest.mark.parametrize(
    ("agent", "name", "digest", "allowed"),
    [
        pytest.param("claude", "libc.so.#", "", True, id="by name"),
        pytest.param("claude", "x.so", "abcd", True, id="by digest"),
        pytest.param("claude", "x.so", "abce", False, id="by neither"),
        pytest.param("codex", "libc.so.#", "", False, id="an empty list allows nothing"),
        pytest.param("aider", "x.so", "", None, id="no rule"),
    ],
)
def test_modules(agent: str, name: str, digest: str, allowed: bool | None) -> None:  # noqa: FBT001  # a column
    assert POLICY.allows_module(agent, name, digest) is allowed


def test_a_policy_is_read_from_toml(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('[[rules]]\nagent = "claude*"\nprocesses = ["git"]\n', encoding="utf-8")
    assert load_policy(file) == Policy((Rule(agent="claude*", processes=("git",)),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("rules = [", r"policy\.toml:1: not TOML", id="no TOML"),
        pytest.param('\n[[rules]]\nagent = "a\n', r"policy\.toml:3: not TOML", id="no TOML, with its line"),
        pytest.param("a = " + "[" * 5_000, "nested too deeply", id="very deep"),
        pytest.param(
            "rules = []\n" + "a." * 500_000 + "a = 1", ":2: not TOML: a key of more than 64 parts", id="very long key"
        ),
        pytest.param("a = " + "9" * 5_000, "not TOML: Exceeds the limit", id="huge number"),
        pytest.param(
            '[[rules]]\nagent = "a"\n\n[[rules]]\nagent = 3\n', r"policy\.toml:4: ", id="ill-typed, with its line"
        ),
        pytest.param('[[rules]]\nagent = "a"\nproceses = []\n', r"policy\.toml:1: .*proceses", id="misspelt key"),
        pytest.param("other = 1\n", r"policy\.toml:1: ", id="unknown key"),
        pytest.param("[[rules]]\n", "agent", id="no agent"),
        pytest.param("#" * ((1 << 20) + 1), "larger than", id="too large"),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidConfigError, match=message):
        load_policy(file)


def test_a_policy_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match="No such file"):
        load_policy(tmp_path / "none.toml")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_bytes(b"# fine\n\xff\xfe")
    with pytest.raises(InvalidConfigError, match=r"policy\.toml:2: not UTF-8"):
        load_policy(file)


def test_a_library_is_allowed_by_the_name_of_its_file_in_any_release() -> None:
    policy = Policy((Rule(agent="*", modules=("libc.so.6", "libm.so", "libz.so.*", "ab" * 32)),))
    assert policy.allows_module("claude", "libd.so", "") is False
    assert policy.allows_module("claude", "libc.so", "", module_name) is True
    assert policy.allows_module("claude", "libd.so", "", module_name) is False
    assert policy.allows_module("claude", "libz.so", "", module_name) is True
    assert policy.allows_module("claude", "#", "", module_name) is False
    assert policy.allows_module("claude", "libd.so", "AB" * 32, module_name) is True
