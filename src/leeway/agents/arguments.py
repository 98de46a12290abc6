"""The shape of a command line, which is part of an agent's key: what stays the same from run to run.

Reads a bounded head of the line and never raises, whatever the text.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from itertools import islice

from leeway.text import base_name, blank, blank_once

_READ = 4_096
"""Characters of a command line that its shape depends on."""

_LIMIT = 512
"""Characters of a shape; a longer one is cut, and a digest of what was cut keeps two long lines apart."""

_CACHED_LENGTH = 1_024
"""Longer lines are shaped each time: hostile lines must not fill the cache's memory."""

_DEPTH = 4
"""Shells within shells that are unwrapped."""

_QUOTES = frozenset("\"'")
_SPACE = " \t\r\n\f\v"
_DIGEST_LETTERS = bytes.maketrans(b"0123456789abcdef", b"ghijklmnopqrstuv")
"""A digest is written without digits, so that blanking leaves it alone and a shape of a shape is itself."""

_SHELLS = frozenset({"ash", "bash", "dash", "fish", "ksh", "sh", "zsh"})
_VALUED_OPTIONS = frozenset({"--init-file", "--rcfile"})

# All in the RE2 subset: no look-around, no back-references.
_GAP = re.compile(r"""("[^"]*"?|'[^']*'?)|[ \t\r\n\f\v]{2,}|[\t\r\n\f\v]""")
_SPACES = re.compile(r"[ \t\r\n\f\v]+")
_QUOTED = re.compile(r""""([^"]*)"|'([^']*)'""")
_EXTENSION = re.compile(r"\.(?i:exe|com|bat|cmd)(?:\s|$)", re.ASCII)
_BUNDLE = re.compile(r"/(?:Applications|Library|System|Volumes|Users/[^/\s]+/Applications)/", re.ASCII)
_SHELL_OPTION = re.compile(r"([-+][A-Za-z-]*)(?:\s+|$)", re.ASCII)
_CMD_OPTION = re.compile(r"/([A-Za-z])(:\S*)?\s*", re.ASCII)
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SINGLE = re.compile(r"""'((?:[^']|'"'"'|'\\'')*)'""")
_INNER_QUOTES = ("'\"'\"'", "'\\''")
"""How a shell writes a single quote within single quotes."""
_ESCAPED = re.compile(r'\\(["\\$`])')


@lru_cache(maxsize=65_536)
def process_name(image: str) -> str:
    r"""Return the name by which a process goes: base name, lower case, without `.exe`.

    >>> process_name("C:\\Users\\ana\\AppData\\Local\\Programs\\LM-Studio\\LM Studio.exe")
    'lm studio'
    """
    return base_name(image).removesuffix(" (deleted)").removesuffix(".exe")


def argument_shape(command_line: str) -> str:
    """Return what stays the same from run to run of the arguments, at most 512 characters; idempotent behind a program.

    The program itself is dropped, a shell's `-c` command takes the place of the shell's arguments, numbers and the like
    are blanked, white space outside quotes is folded. Depends on the first 4,096 characters.

    >>> argument_shape("/usr/bin/python3 serve.py  --port 8080")
    'serve.py --port #'
    >>> argument_shape("bash -lc 'git status'")
    'git status'
    """
    text = command_line[:_READ]
    return _remembered(text) if len(text) <= _CACHED_LENGTH else _shape(text)


def _shape(text: str) -> str:
    return _tidied(_unwrapped(text))


_remembered = lru_cache(maxsize=65_536)(_shape)


def normalise(arguments: Iterable[str]) -> str:
    """Blank out what changes from run to run, and nothing else; bounded as `argument_shape` is.

    >>> normalise(["--port=8080", "--model", "llama-3.gguf"])
    '--port=# --model llama-#.gguf'
    >>> normalise(normalise(["--port=8080"]).split())
    '--port=#'
    """
    words = (" ".join(argument[:_READ].split()) for argument in islice(arguments, _READ))
    joined = " ".join(word if word and " " not in word else f'"{word}"' for word in words)
    return _bounded(blank(joined[:_READ]))


def _tidied(text: str) -> str:
    # What is printable has no white space but blanks, and most lines have no two of them in a row.
    is_even = text.isprintable() and "  " not in text
    folded = text if is_even else _GAP.sub(lambda gap: gap[1] or " ", text)
    return _bounded(blank_once(folded.strip(_SPACE)))  # what is remembered is the whole line's shape


def _bounded(shape: str) -> str:
    if len(shape) <= _LIMIT:
        return shape
    kept = _LIMIT - len(" #") - 16
    digest = blake2b(shape[kept:].encode("utf-8", "surrogatepass"), digest_size=8).hexdigest().encode("ascii")
    return f"{shape[:kept].rstrip(_SPACE)} #{digest.translate(_DIGEST_LETTERS).decode('ascii')}"


def split_program(text: str) -> tuple[str, str]:
    """Return (program, rest) of a command line; a program's path may be quoted or hold spaces.

    >>> split_program("C:/Program Files/Node/node.exe app.js")
    ('C:/Program Files/Node/node.exe', 'app.js')
    """
    text = text.strip(_SPACE)
    if _is_plain(text):
        program, _, rest = text.partition(" ")
        return program, rest.strip(_SPACE)
    quoted = _QUOTED.match(text) if text[:1] in _QUOTES else None
    if quoted:
        return quoted[1] or quoted[2] or "", text[quoted.end() :].strip(_SPACE)
    end = _end_of_windows_program(text) or _end_of_bundled_program(text)
    if not end:
        gap = _SPACES.search(text)
        end = gap.start() if gap else len(text)
    return text[:end], text[end:].strip(_SPACE)


def _is_plain(text: str) -> bool:
    """Say, cheaply, whether a program's path surely ends at the first blank, as it does in nearly every line."""
    return text[:1] not in _QUOTES and text[1:2] != ":" and ".app/Contents/" not in text and text.isprintable()


def _end_of_windows_program(text: str) -> int:
    r"""Return where an unquoted `C:\Program Files\x.exe` ends, or 0 where the text does not begin with one."""
    found = _EXTENSION.search(text) if text[1:2] == ":" and text[:1].isalpha() else None
    if found is None:
        return 0
    end = found.start() + 4
    path = text[:end]
    unlikely = '"' in path or " -" in path or " /" in path or ":" in path[2:]
    return 0 if unlikely else end


def _end_of_bundled_program(text: str) -> int:
    """Return where an unquoted macOS `/Applications/X Y.app/Contents/MacOS/X Y` ends, or 0."""
    inside = text.find(".app/Contents/MacOS/")
    if inside < 0 or " /" in text[:inside] or not _BUNDLE.match(text):
        return 0
    stops = [stop for stop in (text.find(" -", inside), text.find(" /", inside)) if stop >= 0]
    return min(stops, default=len(text))


def _unwrapped(line: str) -> str:
    """Return the arguments of a command line, or the command that its shells evaluate."""
    text, depth = line, 0
    while depth < _DEPTH:
        program, rest = split_program(text)
        command = _evaluated_by(process_name(program).lstrip("-"), rest)
        if command is None:
            return text if depth else rest
        text, depth = _without_snapshot(command), depth + 1
    return text


def _evaluated_by(name: str, rest: str) -> str | None:
    if name in _SHELLS:
        return _shell_command(rest)
    return _cmd_command(rest) if name == "cmd" else None


def _shell_command(rest: str) -> str | None:
    """Return the command behind a POSIX shell's `-c`, or None; options may stand on either side of it."""
    evaluates = False
    while option := _SHELL_OPTION.match(rest):
        word, rest = option[1], rest[option.end() :]
        is_short = not word.startswith("--")
        evaluates = evaluates or (is_short and word[0] == "-" and "c" in word)
        if word in _VALUED_OPTIONS or (is_short and word[-1] in "oO"):
            rest = [*_SPACES.split(rest, 1), ""][1]
    return _unquoted(rest) if evaluates else None


def _cmd_command(rest: str) -> str | None:
    """Return the command behind `cmd /c` or `/k`, or None; with `/s` its outer quotes go, as cmd.exe does it."""
    strips = False
    while option := _CMD_OPTION.match(rest):
        rest = rest[option.end() :]
        letter = option[1].lower()
        strips = strips or letter == "s"
        if letter in "ck":
            is_quoted = len(rest) > 1 and rest[0] == rest[-1] == '"'
            return rest[1:-1] if is_quoted and (strips or rest.count('"') == 2 or rest[1] == '"') else rest  # noqa: PLR2004
    return None


def _unquoted(text: str) -> str:
    """Return the first word of `text` without its quotes, and what follows; unquoted text is taken whole."""
    end = text.find(text[:1], 1) if text[:1] in _QUOTES else 0
    if end > 0 and "\\" not in text[:end] and not text.startswith(_INNER_QUOTES, end):
        inner, rest = text[1:end], text[end + 1 :].strip(_SPACE)  # nearly all: the patterns below go letter by letter
        return f"{inner} {rest}" if rest else inner
    if text[:1] == '"':
        word = _DOUBLE.match(text)
        inner = _ESCAPED.sub(r"\1", word[1]) if word else text[1:]
    elif text[:1] == "'":
        word = _SINGLE.match(text)
        inner = word[1].replace(_INNER_QUOTES[0], "'").replace(_INNER_QUOTES[1], "'") if word else text[1:]
    else:
        return text
    rest = text[word.end() :].strip(_SPACE) if word else ""
    return f"{inner} {rest}" if rest else inner


def _without_snapshot(command: str) -> str:
    """Return the command that a coding agent's shell evaluates between restoring a snapshot and noting its directory.

    The form is that of Claude Code: `source …snapshot… && eval 'COMMAND' < /dev/null && pwd -P >| …-cwd`.
    """
    if not _snapshot_of(command):
        return command
    tail = command.partition("eval ")[2]
    body = (tail.rpartition("&& pwd -P >|")[0] or tail).strip(_SPACE)
    if body.endswith("/dev/null"):
        body = body.removesuffix("/dev/null").rstrip(_SPACE).removesuffix("<").removesuffix("\\").rstrip(_SPACE)
    return _unquoted(body)


def _snapshot_of(command: str) -> str:
    """Return the part of a command that restores a shell's snapshot before an `eval`, or an empty text."""
    head, found, _ = command.lstrip(_SPACE).partition("eval ")
    return head if found and head.startswith(("source ", ". ")) and "snapshot" in head else ""


def snapshot_restored(command_line: str) -> str:
    """Return what a shell restores before it evaluates an agent's command; empty for any other command line.

    >>> snapshot_restored("zsh -c -l source /h/.claude/shell-snapshots/s.sh && eval 'ls' && pwd -P >| /tmp/c")
    'source /h/.claude/shell-snapshots/s.sh && '
    """
    text = command_line[:_READ]
    if "snapshot" not in text:  # as in nearly every line; to take off quotes never makes the word
        return ""
    program, rest = split_program(text)
    return _snapshot_of(_evaluated_by(process_name(program).lstrip("-"), rest) or "")
