"""What is common to all commands: help, exit codes, errors with a hint, flags that are refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from golden.command import leeway
from golden.journal import Journal, bot_week, lines
from leeway import __version__
from leeway.cli import COMMANDS


@pytest.fixture
def week(tmp_path: Path) -> Path:
    journal = Journal()
    bot_week(journal)
    (tmp_path / "week.jsonl").write_bytes(lines(journal.events))
    return tmp_path / "week.jsonl"


@pytest.fixture
def key(tmp_path: Path) -> tuple[str, Path]:
    return ("--id-key", tmp_path / "keys" / "id.key")


def test_the_help_lists_every_command_in_order() -> None:
    done = leeway("--help")
    listed = done.out.partition("Commands:\n")[2].partition("\n\n")[0]
    assert done.code == 0
    assert [line.split(maxsplit=1)[0] for line in listed.splitlines() if line[2] != " "] == list(COMMANDS)
    assert "0 nothing to report, 1 could not look, 2 wrong use, 3 findings" in done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_the_line_it_is_listed_by(command: str) -> None:
    done = leeway(command, "--help")
    told = [line.strip() for line in done.out.splitlines() if line.strip()]
    assert done.code == 0
    assert told[0].startswith(f"Usage: leeway {command}")
    assert told[1] == COMMANDS[command]


def test_the_version_is_the_packages() -> None:
    assert leeway("--version") == (0, f"leeway {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param([], 2, id="nothing"),
        pytest.param(["unheard"], 2, id="unknown command"),
        pytest.param(["detect"], 2, id="no directory"),
        pytest.param(["findings", "--output-dir"], 2, id="no value"),
        pytest.param(["review", "x", "--output-dir", "d", "--verdict", "maybe", "--reason", "x"], 2, id="no verdict"),
        pytest.param(["bootstrap", "--output-dir", "d", "--period", "week"], 2, id="no period"),
        pytest.param(["bootstrap", "--output-dir", "d", "--bootstrap-count", "0"], 2, id="no periods"),
        pytest.param(["demo", "--seed", "-1"], 2, id="no seed"),
    ],
)
def test_wrong_use_is_two(words: list[str], code: int) -> None:
    assert leeway(*words).code == code


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        pytest.param(["--engine", "warp"], "there is no engine 'warp'", "engines are: fold", id="engine"),
        pytest.param(["--scope", "name:"], "unknown scope 'name:'", "evidence, name:PATTERN, unit or all", id="scope"),
        pytest.param(["--scope", "everything"], "unknown scope 'everything'", "use evidence", id="scope word"),
        pytest.param(["--policy", "missing.toml"], "missing.toml: No such file", "existing TOML file", id="policy"),
    ],
)
def test_settings_that_cannot_be_are_two_with_a_hint(
    words: list[str], message: str, hint: str, week: Path, key: tuple[str, Path], tmp_path: Path
) -> None:
    done = leeway("detect", "--source", week, "--output-dir", tmp_path / "state", *key, *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"leeway: {message}")
    assert f"hint: {hint}" in done.err or hint in done.err.partition("hint: ")[2]


def test_a_policy_with_a_mistake_names_file_and_line(week: Path, key: tuple[str, Path], tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rules]]\nagent = "python3"\nprocesses = ["git"]\n\n[[rules]]\nagnt = "x"\n')
    done = leeway("detect", "--source", week, "--output-dir", tmp_path / "state", "--policy", policy, *key)
    assert done.code == 2
    assert done.err.startswith(f"leeway: {policy}:5: ")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param(["missing.jsonl"], "no such file or folder", id="missing"),
        pytest.param(["no*.jsonl"], "matches no file", id="glob"),
        pytest.param(["unheard:x"], "no such file", id="kind"),
        pytest.param(["kusto:cluster"], "Kusto is not in this version", id="kusto"),
    ],
)
@pytest.mark.parametrize("mode", ["bootstrap", "detect", "collect", "train"])
def test_a_source_that_is_not_there_is_one_with_a_hint(
    mode: str, source: list[str], message: str, key: tuple[str, Path], tmp_path: Path
) -> None:
    words = [word for uri in source for word in ("--source", uri)]
    done = leeway(mode, *words, "--output-dir", tmp_path / "state", *key)
    assert (done.code, done.out) == (1, "")
    assert message in done.err
    assert "\nhint: " in done.err
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("mode", ["bootstrap", "detect", "collect"])
def test_no_source_is_wrong_use(mode: str, key: tuple[str, Path], tmp_path: Path) -> None:
    done = leeway(mode, "--output-dir", tmp_path / "state", *key)
    assert (done.code, done.err.splitlines()[0]) == (2, "leeway: no source")


@pytest.mark.parametrize("flag", ["--cluster", "--database", "--tenant"])
@pytest.mark.parametrize("mode", ["bootstrap", "detect", "collect"])
def test_kusto_is_refused_in_words(mode: str, flag: str, week: Path, tmp_path: Path) -> None:
    done = leeway(mode, "--source", week, "--output-dir", tmp_path / "state", flag, "x")
    assert (done.code, done.out) == (1, "")
    assert "Kusto is not in this version" in done.err
    assert "JSON lines" in done.err


def test_a_key_beside_what_it_hides_is_refused(week: Path, tmp_path: Path) -> None:
    inside = tmp_path / "state" / "sub" / "id.key"
    done = leeway("bootstrap", "--source", week, "--output-dir", tmp_path / "state", "--id-key", inside)
    assert (done.code, inside.exists()) == (2, False)
    assert "lies in the output directory" in done.err


def test_another_key_is_refused(week: Path, key: tuple[str, Path], tmp_path: Path) -> None:
    leeway("bootstrap", "--source", week, "--output-dir", tmp_path / "state", *key)
    done = leeway("findings", "--output-dir", tmp_path / "state", "--id-key", tmp_path / "other.key")
    assert done.code == 1
    assert "made under another id key" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ["findings"],
        ["explain", "abc"],
        ["baseline", "show"],
        ["export"],
        ["review", "a", "--verdict", "benign", "--reason", "x"],
    ],
    ids=lambda words: words[0],
)
def test_a_directory_without_state_is_not_quiet_but_an_error(
    words: list[str], key: tuple[str, Path], tmp_path: Path
) -> None:
    done = leeway(*words, "--output-dir", tmp_path / "mistyped", *key)
    assert (done.code, done.out) == (1, "")
    assert "holds no state" in done.err
    assert not (tmp_path / "mistyped").exists()


def test_a_directory_that_others_write_to_is_refused(week: Path, key: tuple[str, Path], tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)
    done = leeway("bootstrap", "--source", week, "--output-dir", tmp_path / "state", *key)
    assert (done.code, list((tmp_path / "state").iterdir())) == (1, [])
    assert "writable by everyone" in done.err


def test_the_whole_tree_is_private_under_any_umask(week: Path, key: tuple[str, Path], tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        for mode in ("bootstrap", "collect", "detect"):
            leeway(mode, "--source", week, "--output-dir", tmp_path / "deep" / "state", *key)
    finally:
        os.umask(before)
    made = [*(tmp_path / "deep").rglob("*"), tmp_path / "deep", *(tmp_path / "keys").rglob("*")]
    assert {oct(path.stat().st_mode & 0o777) for path in made if path.is_file()} == {"0o600"}
    assert {oct(path.stat().st_mode & 0o777) for path in made if path.is_dir()} == {"0o700"}


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "LEEWAY_ID_KEY": str(tmp_path / "keys" / "id.key"), "TERM": "xterm", **more}


SCRIPT = Path(sys.executable).with_name("leeway")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_installed(shell: str, tmp_path: Path) -> None:
    asked = environment(tmp_path, _LEEWAY_COMPLETE=f"source_{shell}")
    done = subprocess.run([SCRIPT], env=asked, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_LEEWAY_COMPLETE=complete_" in done.stdout


def test_completion_knows_the_commands(tmp_path: Path) -> None:
    asked = environment(tmp_path, _LEEWAY_COMPLETE="complete_bash", COMP_WORDS="leeway de", COMP_CWORD="1")
    done = subprocess.run([SCRIPT], env=asked, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["demo", "detect", "deliver"]


def test_a_held_directory_says_by_whom_and_can_be_waited_for(week: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom leeway.storage import hold, make_private_directory\n"
        "make_private_directory(Path(sys.argv[1]))\n"
        "with hold(Path(sys.argv[1]), who='leeway train'):\n    print('held', flush=True)\n    time.sleep(1.5)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, state], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        words = ("bootstrap", "--source", week, "--output-dir", state, "--id-key", tmp_path / "id.key")
        refused = leeway(*words)
        waited = leeway(*words, "--wait", "30")
    assert refused.code == 1
    assert f"is held by process {holder.pid} (leeway train)" in refused.err
    assert "--wait SECONDS" in refused.err
    assert waited.code == 0


def test_the_module_is_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "leeway", "--version"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, f"leeway {__version__}\n")


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m leeway schema | head -c 10"],  # noqa: S607  # the shell makes the pipe
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.stderr == ""
