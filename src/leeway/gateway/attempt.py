"""A call to code that is not ours, with its failure as a value: a gate must decide whatever a judge raises."""

from types import TracebackType
from typing import Self


class Attempt:
    """Holds what was raised within it, so that it can be counted and decided upon; it never hides it.

    This is the one door of the room: a judge, an adapter or a reporter of the host may raise anything at all, and
    neither may an act pass for that, nor the host stop.

    >>> with Attempt() as attempt:
    ...     raise ValueError("secret")
    >>> attempt.failure
    'ValueError'
    """

    def __init__(self, *, whole: bool = False) -> None:
        """Take errors; with `whole` also what ends a program, as a worker's thread must not end with its work."""
        self.error: BaseException | None = None
        self._kinds: type[BaseException] = BaseException if whole else Exception

    @property
    def failure(self) -> str:
        """The kind of error, and never its text, which may hold what the agent sent; empty where there was none."""
        return type(self.error).__name__ if self.error is not None else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error
        return isinstance(error, self._kinds)
