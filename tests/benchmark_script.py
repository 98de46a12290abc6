"""The scripts of `benchmarks/` and `tools/` as modules."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "benchmarks"


def script_of(name: str, folder: Path = BENCHMARKS) -> ModuleType:
    """Return a script as a module; scripts import each other as they do when they are run."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    return import_module(name)


def tool_of(name: str) -> ModuleType:
    return script_of(name, ROOT / "tools")
