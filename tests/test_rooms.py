"""Rules about the code itself that no linter checks: names, sizes, what is never called, what loads when."""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import leeway
from leeway.findings import Severity

SOURCE = Path(leeway.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}

BANNED_CLASS = re.compile(
    r"(?:Manager|Engine|Helper|Utils?|Handler|Processor|Service|Controller|Wrapper|Impl)$|^Abstract|^Base[A-Z]"
)
BANNED_FILES = {"utils.py", "util.py", "helpers.py", "common.py", "core.py", "misc.py", "types.py"}
BANNED_IMPORTS = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}
OWN_SCRIPTS = {"make_golden.py"}  # run by hand, imported by nothing
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime"}

FILE_LINES = 450
FUNCTION_LINES = 45
CLASS_LINES = 250


def name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def walked(kind: type[ast.AST] | tuple[type[ast.AST], ...], *, without: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield (place, node) of every node of a kind outside one room."""
    for path, tree in TREES.items():
        if not without or path.relative_to(SOURCE).parts[0] != without:
            yield from ((f"{name(path)}:{node.lineno}", node) for node in ast.walk(tree) if isinstance(node, kind))  # type: ignore[attr-defined]  # such nodes have a line


def called_name(node: ast.AST) -> tuple[str, str]:
    """Return (owner, name) of a call: `("datetime", "now")` of `datetime.now()`, `("", "hash")` of `hash(x)`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        owner = node.func.value
        return (owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")), node.func.attr
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return "", node.func.id
    return "", ""


def test_there_is_something_to_look_at() -> None:
    assert len(FILES) > 100


def test_no_class_has_a_banned_name() -> None:
    found = [f"{place} {node.name}" for place, node in walked(ast.ClassDef) if BANNED_CLASS.search(node.name)]  # type: ignore[attr-defined]  # a class
    assert found == []


@pytest.mark.parametrize(
    ("word", "is_banned"),
    [
        pytest.param("CaseManager", True, id="Manager"),
        pytest.param("FoldEngine", True, id="Engine"),
        pytest.param("BaseSource", True, id="Base"),
        pytest.param("AbstractSink", True, id="Abstract"),
        pytest.param("StoreImpl", True, id="Impl"),
        pytest.param("TextUtils", True, id="Utils"),
        pytest.param("Baseline", False, id="a baseline is no Base"),
        pytest.param("Utility", False, id="only as an ending"),
        pytest.param("Reference", False, id="Reference"),
    ],
)
def test_the_ban_means_these_names(word: str, is_banned: bool) -> None:  # noqa: FBT001  # a column
    assert bool(BANNED_CLASS.search(word)) is is_banned


def test_no_file_has_a_banned_name() -> None:
    assert [name(path) for path in FILES if path.name in BANNED_FILES] == []


def test_no_two_modules_of_tests_share_a_name() -> None:
    """They are imported by their names alone, so the second of two would be taken for the first."""
    names = Counter(path.name for path in Path(__file__).parent.rglob("*.py"))
    assert [shared for shared, times in sorted(names.items()) if times > 1 and shared not in OWN_SCRIPTS] == []


def test_nothing_that_runs_code_on_reading_is_imported() -> None:
    found = []
    for place, node in walked((ast.Import, ast.ImportFrom)):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]  # type: ignore[attr-defined]  # an import
        found += [f"{place} {module}" for module in modules if module.partition(".")[0] in BANNED_IMPORTS]
    assert found == []


def test_no_value_depends_on_the_salted_hash() -> None:
    assert [place for place, node in walked(ast.Call) if called_name(node) == ("", "hash")] == []


def test_nothing_is_evaluated_as_code() -> None:
    calls = {("", "eval"), ("", "exec"), ("os", "system"), ("subprocess", "run"), ("subprocess", "Popen")}
    assert [place for place, node in walked(ast.Call) if called_name(node) in calls] == []


def test_only_the_command_line_reads_the_clock() -> None:
    owners = {"datetime", "date", "time"}
    found = [
        f"{place} {owner}.{called}"
        for place, node in walked(ast.Call, without="cli")
        for owner, called in [called_name(node)]
        if owner in owners and called in CLOCKS
    ]
    assert found == []


def test_only_the_command_line_prints() -> None:
    assert [place for place, node in walked(ast.Call, without="cli") if called_name(node) == ("", "print")] == []


def test_no_exception_is_caught_whatever_it_is() -> None:
    found = [
        place
        for place, node in walked(ast.ExceptHandler, without="cli")
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
    ]
    assert found == []


def test_only_the_gateway_takes_whatever_is_raised_as_a_value() -> None:
    found = {place.split(":")[0] for place, node in walked(ast.ClassDef) if takes_all(node)}
    assert found == {"gateway/attempt.py"}


def takes_all(node: ast.AST) -> bool:
    """Whether a class can swallow what is raised within a `with`: its `__exit__` returns something."""
    return isinstance(node, ast.ClassDef) and any(
        isinstance(one, ast.FunctionDef)
        and one.name == "__exit__"
        and any(isinstance(inner, ast.Return) and inner.value is not None for inner in ast.walk(one))
        for one in node.body
    )


def test_rooms_are_imported_at_the_top_only() -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [
        f"{place} imports {inner.module}"
        for place, function in walked(functions, without="cli")
        for inner in ast.walk(function)
        if isinstance(inner, ast.ImportFrom) and (inner.module or "").startswith("leeway")
    ]
    assert found == []


def test_files_functions_and_classes_are_small() -> None:
    long_files = [name(path) for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > FILE_LINES]
    limits = {ast.FunctionDef: FUNCTION_LINES, ast.AsyncFunctionDef: FUNCTION_LINES, ast.ClassDef: CLASS_LINES}
    long_ones = [
        f"{place} {node.name}"  # type: ignore[attr-defined]  # a definition
        for kind, limit in limits.items()
        for place, node in walked(kind)
        if node.end_lineno - node.lineno >= limit  # type: ignore[attr-defined]  # a definition
    ]
    assert (long_files, long_ones) == ([], [])


# What loads when


def test_the_public_names_are_a_closed_set_and_load() -> None:
    assert sorted(leeway.__all__) == [
        *("AnomalyDetector", "AnomalyResult", "BaselineLearner", "BehavioralBaseline", "BehavioralPattern", "Effect"),
        *("Event", "FeatureVector", "Finding", "LeewayError", "Scope", "SecurityEvent", "SessionResult", "Severity"),
        *("State", "Summary", "ThreatLevel", "Verdict", "__version__"),
    ]
    assert all(getattr(leeway, one) is not None for one in leeway.__all__)
    assert leeway.Severity is Severity
    assert dir(leeway) == sorted(leeway.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = leeway.nothing


HEAVY = ("apsw", "numpy", "duckdb", "publicsuffixlist", "pandas")


def loaded_by(code: str) -> set[str]:
    """Return which heavy modules a fresh interpreter has loaded after `code`."""
    probe = f"import sys\n{code}\nsys.stderr.write(' '.join(m for m in {(*HEAVY, 'msgspec')!r} if m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60)
    return set(run.stderr.split())


def test_importing_the_package_costs_nothing() -> None:
    assert loaded_by("import leeway") == set()


def test_help_loads_no_heavy_module() -> None:
    code = (
        "from leeway.cli import main\nsys.argv = ['leeway', '--help']\ntry:\n    main()\nexcept SystemExit:\n    pass"
    )
    assert loaded_by(code) & set(HEAVY) == set()
