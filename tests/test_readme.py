"""The commands that the README shows are run, and what it shows of their output is what they print."""

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXITS = re.compile(r"# exits with (\d+)$")
LEEWAY = f"""leeway() {{ '{sys.executable}' -m leeway "$@"; }}"""


def blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def steps() -> list[tuple[str, int, list[str]]]:
    """Each command with its exit code and the lines shown below it."""
    found: list[tuple[str, int, list[str]]] = []
    for line in "".join(blocks("console")).splitlines():
        if line.startswith("$ "):
            exits = EXITS.search(line)
            found.append((line[2:], int(exits[1]) if exits else 0, []))
        else:
            found[-1][2].append(line)
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    tmp_path.chmod(0o700)
    return tmp_path


def test_every_command_of_the_readme_runs_and_prints_what_is_shown(place: Path) -> None:
    marks = [f"{LEEWAY}\n"]
    marks += [f'{command}\necho "@@ $?"\n' for command, _, _ in steps()]
    run = subprocess.run(
        ["/bin/bash", "-u", "-c", "".join(marks)],
        cwd=place,
        env={**os.environ, "XDG_CONFIG_HOME": str(place / "config"), "LEEWAY_ID_KEY": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    outputs = re.split(r"^@@ (\d+)\n", run.stdout, flags=re.MULTILINE)
    assert len(outputs) == 2 * len(steps()) + 1, run.stderr
    for (command, code, shown), output, exited in zip(steps(), outputs[::2], outputs[1::2], strict=False):
        assert int(exited) == code, (command, run.stderr)
        missing = [line for line in shown if line not in output.splitlines()]
        assert not missing, (command, output)
    assert not run.stderr
    assert (place / "config" / "leeway" / "id.key").stat().st_mode & 0o777 == 0o600


def test_the_readme_shows_commands_that_were_tried() -> None:
    assert len(steps()) >= 8


def test_files_that_the_readme_links_to_exist() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text("utf-8"))
    assert len(links) >= 8
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_the_example_is_what_its_script_writes(place: Path) -> None:
    committed = {one.name: one.read_bytes() for one in (place / "examples" / "sysmon").iterdir()}
    subprocess.run([sys.executable, "examples/make_sysmon.py"], cwd=place, check=True)
    assert {one.name: one.read_bytes() for one in (place / "examples" / "sysmon").iterdir()} == committed
    assert sorted(committed) == ["monday.jsonl", "week.jsonl"]


def test_the_examples_in_python_answer_as_they_show() -> None:
    text = "\n".join(blocks("python"))
    example = doctest.DocTestParser().get_doctest(text, {}, "README.md", "README.md", 0)
    told: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=told.append)
    assert not failed, "".join(told)
    assert tried >= 8
