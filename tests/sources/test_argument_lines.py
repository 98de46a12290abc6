"""Arguments that stand apart make one command line, the same one for every feed that has them so."""

import json
from io import BytesIO

import pytest

from leeway.sources import spooled
from leeway.sources.argument_lines import quoted_line
from leeway.sources.ecs import Ecs
from leeway.sources.proc import as_line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        pytest.param(("bash", "-c", "git status"), "bash -c 'git status'", id="a blank"),
        pytest.param(("echo", ""), "echo ''", id="nothing"),
        pytest.param(("awk", "{print $1}", "it's"), "awk '{print $1}' 'it'\"'\"'s'", id="a quote"),
        pytest.param(("C:\\Python\\python.exe", "-V"), "C:\\Python\\python.exe -V", id="a path of Windows"),
    ],
)
def test_every_feed_writes_them_alike(arguments: tuple[str, ...], line: str) -> None:
    document = {
        "@timestamp": "2026-03-02T09:00:00Z",
        "ecs": {"version": "8.11"},
        "event": {"category": ["process"], "type": ["start"]},
        "host": {"name": "desk-1"},
        "process": {"pid": 7, "executable": "/usr/bin/x", "args": list(arguments)},
    }
    ((_, event),) = Ecs(spooled(BytesIO(json.dumps(document).encode()), "feed")).read()
    assert event.process.command_line == as_line(arguments) == quoted_line(arguments) == line
