"""Threads for a judge that may be slow, hang or raise."""

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Lock, Thread, get_ident, local
from typing import Final, Generic, NamedTuple, TypeVar

from leeway.gateway.attempt import Attempt

T = TypeVar("T")


class Outcome(NamedTuple, Generic[T]):
    """What became of a piece of work: its value, or the kind of error it failed with."""

    value: T | None
    failure: str


class _Work(NamedTuple):
    call: Callable[[], object]
    future: "Future[Outcome[object]]"


_Queue = SimpleQueue[_Work | None]


class Workers:
    """Runs work in a few threads that never keep the program from ending. Work that hangs holds its thread.

    Threads start when there is work for them, so that a process may fork before its first act. Where there are to be
    none, work is done at once by whoever brings it.
    """

    def __init__(self, most: int, waiting: int) -> None:
        self._most: Final = most
        self._waiting: Final = waiting
        self._queue: _Queue = SimpleQueue()
        self._lock = Lock()
        self._threads: list[Thread] = []
        self._open = 0
        self._is_closed = False
        self._own = local()

    @property
    def pending(self) -> int:
        """Pieces of work that wait or run; one that hangs runs, and one that was given up may still wait."""
        return self._open

    def is_inside(self) -> bool:
        """Say whether the caller is work that runs here."""
        own = get_ident()
        return getattr(self._own, "busy", False) or any(thread.ident == own for thread in self._threads)

    def submit(self, call: Callable[[], T]) -> "Future[Outcome[T]] | None":
        """Return what will become of a call, or None where too many wait already or the threads have ended."""
        future: Future[Outcome[T]] = Future()
        if self._most == 0 and not self._is_closed:
            future.set_result(self._done(call))
            return future
        with self._lock:
            if self._is_closed or self._open >= self._waiting:
                return None
            self._open += 1
            if len(self._threads) < min(self._most, self._open):
                thread = Thread(target=_run, args=(self._queue, self._ended), name="leeway-gate", daemon=True)
                self._threads.append(thread)
                thread.start()
        self._queue.put(_Work(call, future))  # type: ignore[arg-type]  # the future of this very call
        return future

    def close(self) -> None:
        """Let the threads end once what waits is done; work that hangs is left behind."""
        with self._lock:
            self._is_closed = True
        for _ in self._threads:
            self._queue.put(None)

    def _done(self, call: Callable[[], T]) -> Outcome[T]:
        value: T | None = None
        was_busy, self._own.busy = getattr(self._own, "busy", False), True
        try:
            with Attempt() as attempt:
                value = call()
        finally:
            self._own.busy = was_busy
        return Outcome(value, attempt.failure)

    def _ended(self) -> None:
        with self._lock:
            self._open -= 1


def _run(queue: _Queue, ended: Callable[[], None]) -> None:
    while (work := queue.get()) is not None:
        value: object = None
        runs = work.future.set_running_or_notify_cancel()
        with Attempt(whole=True) as attempt:
            value = work.call() if runs else None
        ended()  # one that was given up counts until it is taken from the queue, or the queue would have no bound
        if runs:
            work.future.set_result(Outcome(value, attempt.failure))
        del work  # or the last event would be held until the next one comes
