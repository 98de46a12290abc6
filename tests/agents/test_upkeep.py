"""Traffic is upkeep only where both ends speak for it."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.agents import upkeep

PIP = "/usr/bin/python3.12"
NODE = "/opt/node/bin/node"


@pytest.mark.parametrize(
    ("destination", "image", "line", "expected"),
    [
        pytest.param("pypi.org", "/usr/bin/pip", "pip install x", "pip", id="the program itself"),
        pytest.param("files.pythonhosted.org", PIP, "python3.12 -m pip install x", "pip", id="a module of python"),
        pytest.param("pypi.org", "/home/a/.local/bin/pip3.12", "pip3.12 download x", "pip", id="with a version"),
        pytest.param("PyPI.org.", "C:\\Python312\\Scripts\\pip.exe", "pip.exe install x", "pip", id="on Windows"),
        pytest.param(
            "registry.npmjs.org",
            NODE,
            "node /usr/lib/node_modules/npm/bin/npm-cli.js install",
            "npm",
            id="npm's script",
        ),
        pytest.param("index.crates.io", "/usr/bin/cargo", "cargo build", "cargo", id="a host below"),
        pytest.param(
            "fe2.update.microsoft.com",
            "C:\\Windows\\System32\\svchost.exe",
            "svchost.exe -k netsvcs",
            "windows_update",
            id="the system",
        ),
        pytest.param(
            "sentry.io", "/usr/bin/claude", "claude --resume", "claude_telemetry", id="an agent's side traffic"
        ),
        pytest.param("pypi.org", PIP, "python3 exfil.py", "", id="another program at the same host"),
        pytest.param("pypi.org", PIP, "python3 exfil.py pip", "", id="the word further on"),
        pytest.param("pypi.org", PIP, "python3 pip.py", "", id="a script that is called like it"),
        pytest.param("example.org", "/usr/bin/pip", "pip install x", "", id="the program at another host"),
        pytest.param("pypi.org.example.net", "/usr/bin/pip", "pip install x", "", id="a host that only starts so"),
        pytest.param("notpypi.org", "/usr/bin/pip", "pip install x", "", id="a host that only ends so"),
        pytest.param("pypi.org", "/dev/shm/pip", "pip install x", "", id="from a temporary folder"),  # noqa: S108  # the point
        pytest.param("pypi.org", "C:\\Users\\a\\Downloads\\pip.exe", "pip.exe", "", id="from a download folder"),
        pytest.param("pypi.org", "/usr/bin/pipe", "pipe", "", id="a name that only starts so"),
        pytest.param("151.101.0.223", "/usr/bin/pip", "pip install x", "", id="an address"),
        pytest.param("", "/usr/bin/pip", "pip", "", id="no host"),
        pytest.param("pypi.org", "", "", "", id="nobody"),
    ],
)
def test_both_ends_must_speak_for_it(destination: str, image: str, line: str, expected: str) -> None:
    assert upkeep().recognise(destination, image, line) == expected


def test_every_entry_says_where_it_was_read() -> None:
    entries = upkeep().entries
    assert len(entries) >= 20
    for entry in entries.values():
        assert entry.source
        assert date(2026, 1, 1) < entry.date
        for pattern in (*entry.programs, *entry.scripts, *entry.destinations):
            assert pattern == pattern.casefold()
        for place in entry.destinations:
            assert place.count(".") >= 1
            assert place == place.strip(".")


@given(place=st.text(max_size=60), image=st.text(max_size=60), line=st.text(max_size=200))
def test_any_text_has_an_answer(place: str, image: str, line: str) -> None:
    assert upkeep().recognise(place, image, line) in {"", *upkeep().entries}
