"""Where the three verbs run. One list, one line to add."""

from leeway.engines.fold import Fold
from leeway.errors import InvalidConfigError
from leeway.pipeline import Verbs

ENGINES: tuple[Verbs, ...] = (Fold(),)
"""The engines of a default installation; the first is the reference."""


def engine_named(name: str) -> Verbs:
    """Return the engine that `--engine` names.

    Raises:
        InvalidConfigError: where there is none of that name.
    """
    for engine in ENGINES:
        if engine.name == name:
            return engine
    names = ", ".join(engine.name for engine in ENGINES)
    raise InvalidConfigError(f"there is no engine {name!r}", hint=f"engines are: {names}")


__all__ = ["ENGINES", "Fold", "engine_named"]
