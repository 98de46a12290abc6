"""Which program a command line really runs: behind an interpreter its script or module, behind a launcher the package.

Reads a bounded head of the line and never raises, whatever the text.
"""

import re
from collections.abc import Generator, Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from leeway.agents.arguments import process_name, split_program
from leeway.text import base_name

_READ = 4_096
"""Characters of a command line that are read."""

_DEPTH = 4
"""Launchers behind launchers that are followed."""

_WORD = re.compile(r"""(?:"[^"]*"?|'[^']*'?|[^\s"'])+""", re.ASCII)


class Program(NamedTuple):
    """What a command line runs, and where on the line it stands."""

    position: str
    """`command` (a program or a script without a suffix), `script`, `module` or `package`."""
    name: str
    """Lower case; a script's without its suffix, a package's without its version."""


class _Runner(NamedTuple):
    """How a program that runs other programs is told which one."""

    runs: str
    """The position of its operand: `script`, `package` or `command`."""
    verbs: frozenset[str] = frozenset()
    """Subcommands that run something; empty where the operand follows at once."""
    needs_verb: bool = True
    valued: frozenset[str] = frozenset()
    """Options that take the next word."""
    packages: frozenset[str] = frozenset()
    """Options whose next word is a package that is run or loaded."""
    code: frozenset[str] = frozenset()
    """Options behind which the program is text on the command line: nothing is named."""


_PYTHON = _Runner("script", valued=frozenset({"-W", "-X", "--check-hash-based-pycs"}), code=frozenset({"-c"}))
_NODE = _Runner(
    "script",
    valued=frozenset({"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions"}),
    code=frozenset({"-e", "-p", "--eval", "--print"}),
)
_NPX = _Runner("package", packages=frozenset({"-p", "--package"}), code=frozenset({"-c", "--call"}))
_UV_VALUED = frozenset(
    {"--directory", "--env-file", "--extra", "--group", "--index-url", "--project", "--python", "-p"}
)
_UV_PACKAGES = frozenset({"--from", "--with", "--package"})

_Found = Generator[Program, None, list[str]]
"""Programs that words name; returns the words that are still to be read."""

_RUNNERS: dict[str, _Runner] = {
    "python": _PYTHON,
    "pythonw": _PYTHON,
    "pypy": _PYTHON,
    "node": _NODE,
    "nodejs": _NODE,
    "electron": _NODE,
    "deno": _Runner("script", frozenset({"run"}), valued=frozenset({"-c", "--config", "--import-map"})),
    "bun": _Runner("script", frozenset({"run", "x"}), needs_verb=False, code=frozenset({"-e", "-p"})),
    "java": _Runner("script", valued=frozenset({"-cp", "-classpath", "--class-path", "--module-path"})),
    "npx": _NPX,
    "bunx": _NPX,
    "pnpx": _NPX,
    "npm": _NPX._replace(verbs=frozenset({"exec", "x"})),
    "pnpm": _NPX._replace(verbs=frozenset({"dlx", "exec"})),
    "yarn": _NPX._replace(verbs=frozenset({"dlx"})),
    "pipx": _Runner("package", frozenset({"run"}), packages=frozenset({"--spec"}), valued=frozenset({"--python"})),
    "uvx": _Runner("package", valued=_UV_VALUED, packages=_UV_PACKAGES),
    "uv": _Runner("command", frozenset({"run"}), valued=_UV_VALUED, packages=_UV_PACKAGES),
}

_WORDS = 64
"""Words of a command line that are looked at for the program."""

_NAME_LENGTH = 256
_VERSION = re.compile(r"[0-9.]+$")
_SCRIPT = re.compile(r"(.+)\.(?:py|pyw|pyz|pyc|js|mjs|cjs|ts|mts|jar)$")
_LIBRARY = re.compile(r"/(node_modules|site-packages|dist-packages)/(@[^/]+/[^/]+|[^/]+)")
_PACKAGE = re.compile(r"(?:(?:npm|jsr):)?(@?[^@=<>~!\[;\s]+)")
_EXTENSION = re.compile(r"/extensions/([a-z0-9-]+\.[a-z0-9-]+)-[0-9][^/]*/")
"""The folder of an editor's extension: publisher, name and version."""

_REPOSITORY = re.compile(r"(?:[a-z+]+://|(?:github|gitlab|bitbucket):).*?([^/@#]+?)(?:\.git)?(?:[@#].*)?$")
"""A repository in a package's stead: its last component is what is run."""

_MODULE_OPTION = re.compile(r"-[A-Za-z]*m$")
_LAUNCHERS = {"npx-cli": "npx", "npm-cli": "npm"}
"""Scripts of npm itself: the process is node, the words behind them are npx's or npm's."""


def programs(command_line: str) -> tuple[Program, ...]:
    """Return what a command line runs, outermost first: the program, its script, module or package.

    A word elsewhere on the line (a file to read, text to look for) is never among them.

    >>> [tuple(one) for one in programs("uv run python -m vllm.entrypoints.api --model x")]
    [('command', 'uv'), ('command', 'python'), ('module', 'vllm.entrypoints.api')]
    """
    program, rest = split_program(command_line[:_READ])
    alone = _alone(process_name(program)[:_NAME_LENGTH])
    return alone if alone is not None else tuple(islice(_programs([program, *_words(rest)]), 16))


def program_alone(command_line: str) -> tuple[Program, ...] | None:
    """Return what `programs` does where that is the program alone, as it mostly is; None where it runs another."""
    return _alone(process_name(split_program(command_line[:_READ])[0])[:_NAME_LENGTH])


@lru_cache(maxsize=16_384)
def _alone(name: str) -> tuple[Program, ...] | None:
    return (Program("command", name),) if _runner(name) is None else None


def _words(text: str) -> list[str]:
    """Return the first words of a line without their quotes."""
    if '"' not in text and "'" not in text and text.isascii() and text.isprintable():
        return text.split(None, _WORDS)[:_WORDS]  # where nothing is quoted and all white space is blanks
    return [found[0].replace('"', "").replace("'", "") for found in islice(_WORD.finditer(text), _WORDS)]


def _programs(words: list[str]) -> Iterator[Program]:
    for _ in range(_DEPTH):
        if not words:
            return
        name = process_name(words[0])[:_NAME_LENGTH]
        yield Program("command", name)
        runner = _runner(name)
        if runner is None:
            return
        words = yield from _run(runner, words[1:])


@lru_cache(maxsize=16_384)
def _runner(name: str) -> _Runner | None:
    return _RUNNERS.get(name) or _RUNNERS.get(_VERSION.sub("", name))


def _run(runner: _Runner, words: list[str]) -> _Found:
    """Yield what a runner's words name; return the words of a command that it starts in turn."""
    position = runner.runs
    if words[:2] == ["tool", "run"]:
        position, words = "package", words[1:]
    if runner.verbs:
        verb = words[0] if words else ""
        if verb in runner.verbs:
            words = words[1:]
            position = "package" if verb == "x" else position
        elif runner.needs_verb:
            return []
    words = yield from _skipped(runner, words)
    if not words:
        return []
    if position == "command" and not _SCRIPT.match(words[0].casefold()):
        return words
    if position == "package":
        yield Program("package", _package(words[0]))
        return []
    return (yield from _script(words))


def _skipped(runner: _Runner, words: list[str]) -> _Found:
    """Pass over options; yield the module or the packages that they name; return the operand and what follows."""
    index = 0
    while index < len(words) and words[index].startswith("-"):
        option, _, value = words[index].partition("=")
        following = value or (words[index + 1] if index + 1 < len(words) else "")
        if option in runner.code:
            return []
        if runner is _PYTHON and _MODULE_OPTION.match(option):
            yield Program("module", following.casefold()[:_NAME_LENGTH])
            return []
        if option in runner.packages:
            yield Program("package", _package(following))
        takes_next = option in runner.valued or option in runner.packages
        index += 2 if takes_next and not value else 1
    return words[index:]


def _script(words: list[str]) -> _Found:
    """Yield a script and the package it lies in; return the words of npm or npx where the script is theirs."""
    path = words[0].replace("\\", "/").casefold()[:_READ]
    if path.startswith(("npm:", "jsr:")):
        yield Program("package", _package(path))
        return []
    for extension in _EXTENSION.findall(path):
        yield Program("package", extension[:_NAME_LENGTH])
    for library, package in _LIBRARY.findall(path):
        yield Program("package" if library == "node_modules" else "module", package[:_NAME_LENGTH])
    name = base_name(path)[:_NAME_LENGTH]
    script = _SCRIPT.match(name)
    if script is None:
        yield Program("command", process_name(name))
        return []
    if script[1] in _LAUNCHERS:
        return [_LAUNCHERS[script[1]], *words[1:]]
    yield Program("script", script[1])
    return []


def _package(word: str) -> str:
    """Return a package's name without version and registry; of a repository's address the last component.

    >>> _package("@s/p@1.2"), _package("git+https://git.example/a/b-mcp-server.git@main")
    ('@s/p', 'b-mcp-server')
    """
    word = word.casefold()[:_NAME_LENGTH]
    found = _REPOSITORY.match(word) or _PACKAGE.match(word)
    return found[1] if found else ""
