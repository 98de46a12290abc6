"""Where the three verbs run. One list, one line to add."""

from collections.abc import Callable, Mapping
from typing import Final

from leeway.config import Resources
from leeway.engines.duckdb import DuckDb
from leeway.engines.fold import Fold
from leeway.errors import InvalidConfigError
from leeway.pipeline import Verbs

ENGINES: Final[Mapping[str, Callable[[Resources], Verbs]]] = {
    Fold.name: lambda _: Fold(),
    DuckDb.name: DuckDb,
}
"""The engines of a default installation, by name; the first is the reference."""

DEFAULT: Final = DuckDb.name
"""The engine of a run that names none."""


def engine_named(name: str, resources: Resources | None = None) -> Verbs:
    """Return the engine that `--engine` names, which keeps to `resources`.

    Raises:
        InvalidConfigError: where there is none of that name.
    """
    made = ENGINES.get(name)
    if made is None:
        raise InvalidConfigError(f"there is no engine {name!r}", hint=f"engines are: {', '.join(ENGINES)}")
    return made(resources or Resources())


__all__ = ["DEFAULT", "ENGINES", "DuckDb", "Fold", "engine_named"]
