"""Where the three verbs run. One list, one line to add."""

from leeway.engines.fold import Fold
from leeway.pipeline import Engine

ENGINES: dict[str, Engine] = {Fold.name: Fold()}
"""Engines by the name that `--engine` takes."""

__all__ = ["ENGINES", "Fold"]
