import json
import re
import time
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.agents import arguments, programs
from leeway.agents.arguments import argument_shape, normalise, process_name, snapshot_restored, split_program
from leeway.text import blank, shapes

SNAPSHOT = "source /Users/x/.claude/shell-snapshots/snapshot-zsh-1763.sh 2>/dev/null || true && "
END = " && pwd -P >| /tmp/claude-ccfa-cwd"


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("   ", "", id="spaces only"),
        pytest.param("python", "", id="no arguments"),
        pytest.param("python serve.py --port 8080", "serve.py --port #", id="port"),
        pytest.param("x 123e4567-e89b-12d3-a456-426614174000", "#", id="uuid"),
        pytest.param("x {123E4567-E89B-12D3-A456-426614174000}", "#", id="uuid in braces"),
        pytest.param("x --commit deadbee1 --id=0xFF", "--commit # --id=#", id="hex"),
        pytest.param("x feedface cafe", "feedface cafe", id="words of hex letters stay"),
        pytest.param("x --since 2026-11-21T10:00:01 a", "--since # a", id="date and time"),
        pytest.param("x /tmp/tmpk3j_x/a.py", "/tmp/#/a.py", id="temporary directory"),  # noqa: S108
        pytest.param(r"x C:\Users\a\AppData\Local\Temp\b7q\c.ps1", r"C:\Users\a\AppData\Local\Temp\#\c.ps#", id="Temp"),
        pytest.param("x /var/folders/ab/q9_z/T/qq/f", "/var/folders/#/#/T/#/f", id="macOS temporary directory"),
        pytest.param(
            "x /home/ana/projects/application/sources/deep/main.py",
            "/home/ana/projects/application/sources/deep/main.py",
            id="a long path is not base64",
        ),
        pytest.param("x -enc " + "JABjAGwAaQBlAG4AdAA9" * 4 + "==", "-enc #", id="base64"),
        pytest.param("x pod-7d9f8b6c5-x2x4z", "pod-#-x#x#z", id="pod suffix"),
        pytest.param("x --key <secret>", "--key <secret>", id="a redacted secret stays"),
        pytest.param("x  a\t b", "a b", id="white space folded"),
        pytest.param('x "a  b"  c', '"a  b" c', id="white space in quotes kept"),
        pytest.param('x "a  b', '"a  b', id="unbalanced quote"),
        pytest.param('"C:\\Program Files\\a b.exe" -x', "-x", id="quoted program"),
        pytest.param("'/opt/a b/c' -x", "-x", id="single-quoted program"),
        pytest.param('"C:\\Program Files\\a -x', "Files\\a -x", id="program with an open quote"),
        pytest.param(r"C:\Program Files\Foo Bar\foo.exe -x 12", "-x #", id="unquoted Windows path with spaces"),
        pytest.param(r"C:\Windows\system32\run /c foo.exe", "/c foo.exe", id="a later .exe is an argument"),
        pytest.param(
            "/Applications/LM Studio.app/Contents/MacOS/LM Studio --type=gpu",
            "--type=gpu",
            id="macOS bundle with spaces",
        ),
        pytest.param(
            "/usr/bin/node /Applications/X.app/Contents/MacOS/X", "/Applications/X.app/Contents/MacOS/X", id="no bundle"
        ),
        pytest.param("sh -c 'git status'", "git status", id="sh -c"),
        pytest.param('/bin/bash -lc "echo \\"hi\\""', 'echo "hi"', id="bash -lc, escaped quotes"),
        pytest.param("-zsh -c ls", "ls", id="login shell"),
        pytest.param("bash -eo pipefail -c 'ls -l' a b", "ls -l a b", id="option with a value, then operands"),
        pytest.param("bash --rcfile /r -c ls", "ls", id="--rcfile"),
        pytest.param("sh -c git status && pwd", "git status && pwd", id="quotes lost by the sensor"),
        pytest.param("sh -c 'open", "open", id="quote never closed"),
        pytest.param("sh -c ''", "", id="empty command"),
        pytest.param("sh -c", "", id="-c without a command"),
        pytest.param("bash script.sh -c x", "script.sh -c x", id="-c of a script"),
        pytest.param("python -c 'print(1)'", "-c 'print(#)'", id="not a shell"),
        pytest.param("sh -c \"bash -c 'git status'\"", "git status", id="nested"),
        pytest.param("sh -c " * 6 + "ls", "sh -c sh -c ls", id="four levels, no more"),
        pytest.param("cmd /c npm run build", "npm run build", id="cmd /c"),
        pytest.param('cmd.exe /d /s /c "npm run "x y""', 'npm run "x y"', id="cmd /s strips the outer quotes"),
        pytest.param('C:\\W\\cmd.exe /C a "b c" d', 'a "b c" d', id="cmd keeps inner quotes"),
        pytest.param("cmd /k", "", id="cmd /k alone"),
        pytest.param("cmd /x", "/x", id="cmd without a command"),
        pytest.param(
            f"/bin/zsh -c \"{SNAPSHOT}eval 'git status' < /dev/null{END}\"", "git status", id="snapshot, quoted"
        ),
        pytest.param(
            f"/bin/bash -c -l {SNAPSHOT}eval 'git commit -m '\"'\"'a b'\"'\"'' \\< /dev/null{END}",
            "git commit -m 'a b'",
            id="snapshot, quotes lost",
        ),
        pytest.param(f"sh -c \"{SNAPSHOT}eval 'bash -c ls'{END}\"", "ls", id="a shell behind a snapshot"),
        pytest.param("sh -c \"source env.sh && eval 'ls'\"", "source env.sh && eval 'ls'", id="no snapshot"),
    ],
)
def test_shapes_of_command_lines(line: str, shape: str) -> None:
    assert argument_shape(line) == shape


TABLE = [json.loads(line) for line in Path(__file__).with_name("argument_shapes.jsonl").read_text("utf-8").splitlines()]
"""Lines and their shapes as they were before shaping was made fast: short cuts may not change a key of any agent."""


def test_shapes_stay_what_they_were() -> None:
    assert len(TABLE) > 250
    assert [(line, argument_shape(line)) for line, _ in TABLE] == [(line, shape) for line, shape in TABLE]


PROGRAMS = ["python", "/usr/bin/node", '"C:\\Program Files\\x.exe"', "'/opt/a b/run'", "./a", r"C:\bin\tool.exe"]
# fmt: off
PIECES = st.sampled_from([
    "sh -c ", "cmd /c ", "bash -lc ", "eval ", "source snapshot ", "&& pwd -P >|", "/tmp/",  # noqa: S108
    "\\temp\\", "/var/folders/", "-m", "#", "a1b2", "'", '"', "\\", " ", "\t", "T", "0x1f", "{",
    "}", "deadbeef", "123e4567-e89b-12d3-a456-426614174000", "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "/", "9", "\u00a0", "\u00e9", "_", "+", "=", ".", ":", "-",
    "word",
])
# fmt: on
TEXTS = st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=60).map("".join))
LONG = st.builds(lambda text, times: text * times, TEXTS.filter(bool), st.integers(1, 60))


@given(text=st.one_of(TEXTS, LONG), program=st.sampled_from(PROGRAMS))
def test_the_shape_of_a_shape_behind_a_program_is_itself(text: str, program: str) -> None:
    shape = argument_shape(text)
    assert len(shape) <= 512
    assert argument_shape(f"{program} {shape}") == shape


@given(text=st.one_of(TEXTS, LONG))
def test_blanking_is_idempotent(text: str) -> None:
    assert blank(blank(text)) == blank(text)
    assert not re.search("[0-9]", blank(text))


@given(words=st.lists(TEXTS, max_size=12))
def test_normalising_is_idempotent_and_bounded(words: list[str]) -> None:
    once = normalise(words)
    assert len(once) <= 512
    assert normalise(once.split()) == once


def test_normalise_keeps_apart_what_a_space_joins() -> None:
    assert normalise(["-m", "a b"]) == '-m "a b"'
    assert normalise(["-m", "a", "b"]) == "-m a b"
    assert normalise(["", "x"]) == '"" x'


def test_long_lines_that_differ_late_have_different_shapes() -> None:
    head = "run " + "word " * 200
    first, second = argument_shape(f"{head}alpha"), argument_shape(f"{head}beta")
    assert first[:480] == second[:480]
    assert first != second
    assert argument_shape(f"{head}alpha 17") == argument_shape(f"{head}alpha 18")


@pytest.mark.parametrize(
    "line",
    ["a1 " * 350_000, "'" * 10**6, 'sh -c "' + "\\" * 10**6, "sh -c " * 200_000, "/tmp/" * 200_000],  # noqa: S108
)
def test_a_megabyte_takes_no_time(line: str) -> None:
    before = time.perf_counter()
    argument_shape(line)
    programs.programs(line)
    assert time.perf_counter() - before < 0.5


@pytest.mark.parametrize(
    ("image", "name"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("C:\\X\\Claude.EXE", "claude", id="Windows"),
        pytest.param("/usr/bin/python3.11", "python3.11", id="POSIX"),
        pytest.param("/usr/bin/node (deleted)", "node", id="replaced while it ran"),
    ],
)
def test_process_names(image: str, name: str) -> None:
    assert process_name(image) == name


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        pytest.param("", ("", ""), id="empty"),
        pytest.param('"" x', ("", "x"), id="empty quotes"),
        pytest.param("\xa0a b", ("\xa0a", "b"), id="a no-break space is no gap"),
    ],
)
def test_programs_are_split_off(line: str, parts: tuple[str, str]) -> None:
    assert split_program(line) == parts


def test_only_an_agents_shell_restores_a_snapshot() -> None:
    assert snapshot_restored(f'zsh -c "{SNAPSHOT}eval ls{END}"') == SNAPSHOT
    assert snapshot_restored(f"grep '{SNAPSHOT}eval ls' notes.txt") == ""


@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param("vim claude.md", [("command", "vim")], id="a file to edit"),
        pytest.param("python -Wd -m a.b x", [("command", "python"), ("module", "a.b")], id="module"),
        pytest.param("python3.11 -um a", [("command", "python3.11"), ("module", "a")], id="joined options"),
        pytest.param("python -c x y", [("command", "python")], id="code"),
        pytest.param("python -", [("command", "python")], id="standard input"),
        pytest.param("python -m", [("command", "python"), ("module", "")], id="-m without a name"),
        pytest.param("python /v/bin/aider --x", [("command", "python"), ("command", "aider")], id="console script"),
        pytest.param("node -r x /a/b.js c", [("command", "node"), ("script", "b")], id="valued option"),
        pytest.param(
            "node /l/node_modules/@s/p/cli.js",
            [("command", "node"), ("package", "@s/p"), ("script", "cli")],
            id="installed",
        ),
        pytest.param(
            "python /x/site-packages/vllm/a.py", [("command", "python"), ("module", "vllm"), ("script", "a")], id="site"
        ),
        pytest.param("npx -y @s/p@1.2 dir", [("command", "npx"), ("package", "@s/p")], id="npx"),
        pytest.param("npx -p @s/p q", [("command", "npx"), ("package", "@s/p"), ("package", "q")], id="npx -p"),
        pytest.param(
            "npx --package=@s/p q", [("command", "npx"), ("package", "@s/p"), ("package", "q")], id="npx --package="
        ),
        pytest.param("npm install @s/p", [("command", "npm")], id="installing runs nothing"),
        pytest.param("npm exec @s/p", [("command", "npm"), ("package", "@s/p")], id="npm exec"),
        pytest.param(
            "node /l/npx-cli.js -y @s/p",
            [("command", "node"), ("command", "npx"), ("package", "@s/p")],
            id="npx behind node",
        ),
        pytest.param("uvx --from a[b] c", [("command", "uvx"), ("package", "a"), ("package", "c")], id="uvx"),
        pytest.param("uv tool run a==1", [("command", "uv"), ("package", "a")], id="uv tool run"),
        pytest.param("uv run --with a b.py", [("command", "uv"), ("package", "a"), ("script", "b")], id="uv run"),
        pytest.param("uv pip install a", [("command", "uv")], id="uv pip"),
        pytest.param("bun a.ts", [("command", "bun"), ("script", "a")], id="bun without a verb"),
        pytest.param("bun x a", [("command", "bun"), ("package", "a")], id="bun x"),
        pytest.param("deno run -A npm:@s/p", [("command", "deno"), ("package", "@s/p")], id="deno npm:"),
        pytest.param("java -cp a:b -jar c.jar", [("command", "java"), ("script", "c")], id="jar"),
        pytest.param("pipx run a", [("command", "pipx"), ("package", "a")], id="pipx"),
        pytest.param("", [("command", "")], id="empty"),
    ],
)
def test_what_a_line_runs(line: str, found: list[tuple[str, str]]) -> None:
    expected = [programs.Program(*one) for one in found]
    assert [one for one in programs.programs(line) if one.name != "-"] == expected


@given(text=st.one_of(TEXTS, LONG))
def test_finding_programs_never_fails(text: str) -> None:
    assert len(programs.programs(text)) <= 16


FOREIGN = re.compile(r"\(\?(?:[=!>(]|<[=!]|P[=>])|(?<!\\)\\[1-9]|[*+?}]\+")


@pytest.mark.parametrize("module", [arguments, programs, shapes], ids=lambda module: module.__name__)
def test_every_pattern_is_in_the_re2_subset(module: ModuleType) -> None:
    patterns = [value.pattern for value in vars(module).values() if isinstance(value, re.Pattern)]
    patterns += [rule.pattern for rule, _ in getattr(module, "_RULES", ())]
    assert patterns
    assert [pattern for pattern in patterns if FOREIGN.search(pattern)] == []
