"""Write docs/cli.md from the texts that `--help` prints."""

import os
import subprocess
import sys
from pathlib import Path

from leeway.cli import COMMANDS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"

HEAD = """\
# Commands

Made from the texts of `--help` by `make docs`; a test holds it to them.
"""

GROUPED = {"baseline": ("show",), "ranges": ("import", "list", "remove", "look-up")}
"""Commands that have commands of their own."""


def page() -> str:
    """Return the page."""
    calls = [(), *((name,) for name in COMMANDS)]
    calls += [(name, sub) for name, subs in GROUPED.items() for sub in subs]
    order = sorted(calls, key=lambda call: (list(COMMANDS).index(call[0]) if call else -1, call))
    return HEAD + "".join(f"\n## {' '.join(('leeway', *call))}\n\n```text\n{_help(call)}\n```\n" for call in order)


def _help(call: tuple[str, ...]) -> str:
    """Return the help of one command as a terminal of 100 columns shows it."""
    plain = {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    script = "import sys; sys.argv[0] = 'leeway'; from leeway.cli import main; main()"
    command = [sys.executable, "-c", script, *call, "--help"]
    run = subprocess.run(command, check=True, capture_output=True, env={**os.environ, **plain})
    return "\n".join(line.rstrip() for line in run.stdout.decode("utf-8").strip("\n").splitlines())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
