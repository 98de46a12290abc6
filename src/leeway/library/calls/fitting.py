"""How a `CallModel` is made from benign sessions; their order makes no difference."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

from leeway.library.calls.asking import LeftOut, Task, asking_of
from leeway.library.calls.aspects import NEAR, OF_CALL, OF_RUN, UNRELATED, Known, RunLook, look_at_run
from leeway.library.calls.familiar import OwnValues, familiar_of, keys_of, unexplained_shares, with_unexplained
from leeway.library.calls.model import CallModel, tail_name
from leeway.library.calls.reading import Run, read_run
from leeway.library.calls.tails import Tail, tail_of
from leeway.library.security_event import SecurityEvent

MOST_RUNS: Final = 2_000
"""Sessions that one model is made of; of more, those with the least digests, which depend on nothing else."""

MOST_CALLS: Final = 256
"""Calls of one session that are learnt from."""

_LEAST_RUNS_OF_KIND: Final = 8
"""Runs with calls of one kind (changing or not) from which that kind has a tail of its own."""


class _Known(NamedTuple):
    """One task with all its runs."""

    runs: list[Run]
    task: Task
    keys: frozenset[int]


def fit(sessions: Iterable[Sequence[SecurityEvent]]) -> CallModel:
    """Return what is known after some benign sessions of an agent and its cohort.

    Sessions with the same request are runs of one task; a session without a request is a task of its own.
    """
    tasks = [_task_of(runs) for runs in _by_task(_kept(map(_read, sessions)))]
    requests = [one.runs[0].request for one in tasks]
    familiar = familiar_of(one.keys for one in tasks)
    shares = [unexplained_shares(familiar, (pair for run in one.runs for pair in run.calls), one.keys) for one in tasks]
    known = Known(asking_of([one.task for one in tasks], requests), with_unexplained(familiar, shares))
    looks = []
    for at, (one, own) in enumerate(zip(tasks, shares, strict=True)):
        request = one.runs[0].request
        left = LeftOut(at, one.task, request.features, request.words)
        values = OwnValues(one.keys, own)
        looks += [look_at_run(known, run.request, run.calls, left, values) for run in one.runs]
    return _calibrated(known, looks, len(tasks))


def _calibrated(known: Known, looks: Sequence[RunLook], tasks: int) -> CallModel:
    nothing = tail_of(())
    model = CallModel(known, _tails(looks), nothing, nothing, len(looks))
    return CallModel(
        known,
        model.tails,
        tail_of(((model.worst_of(look), 1.0) for look in looks if look.calls), tasks),
        tail_of(((model.total(look), 1.0) for look in looks), tasks),
        len(looks),
    )


def _tails(looks: Sequence[RunLook]) -> dict[str, Tail]:
    """Return the tail of every aspect. Each run weighs the same, however many calls it has."""
    weighted: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    kinds: Counter[bool] = Counter()
    for look in looks:
        kinds.update({one.call.changes for one in look.calls})
        for aspect, value in look.values.items():
            weighted[aspect].append((value, 1.0))
        for one in look.calls:
            for aspect, value in one.values.items():
                weighted[aspect].append((value, 1 / len(look.calls)))
                if aspect == UNRELATED:
                    weighted[tail_name(aspect, changes=one.call.changes)].append((value, 1 / len(look.calls)))
    tails = {aspect: tail_of(weighted[aspect], near=NEAR[aspect]) for aspect in (*OF_CALL, *OF_RUN)}
    for changes in (True, False):
        name = tail_name(UNRELATED, changes=changes)
        has_own = kinds[changes] >= _LEAST_RUNS_OF_KIND
        tails[name] = tail_of(weighted[name], near=NEAR[UNRELATED]) if has_own else tails[UNRELATED]
    return tails


def _read(events: Sequence[SecurityEvent]) -> Run:
    run = read_run(events)
    return Run(run.request, run.calls[:MOST_CALLS])


def _kept(runs: Iterable[Run]) -> list[Run]:
    """Return runs in an order that depends on what they hold alone, at most `MOST_RUNS` of them."""
    placed = sorted(((_digest(run), run) for run in runs), key=lambda pair: pair[0])
    return [run for _, run in placed[:MOST_RUNS]]


def _digest(run: Run) -> bytes:
    told = blake2b(run.request.text.encode("utf-8", "surrogatepass"), digest_size=16)
    for call, _ in run.calls:
        for word in (call.tool, *(f"{leaf.path}\0{leaf.value}" for leaf in call.leaves)):
            told.update(word.encode("utf-8", "surrogatepass") + b"\0\0")
    return told.digest()


def _by_task(runs: Iterable[Run]) -> list[list[Run]]:
    found: dict[str, list[Run]] = {}
    alone: list[list[Run]] = []
    for run in runs:
        if run.request.text:
            found.setdefault(run.request.text, []).append(run)
        else:
            alone.append([run])
    return [found[text] for text in sorted(found)] + alone


def _task_of(runs: list[Run]) -> _Known:
    request = runs[0].request
    called = Counter(tool for run in runs for tool in {call.tool for call, _ in run.calls})
    calls = sum(len(run.calls) for run in runs)
    work = sum(call.changes for run in runs for call, _ in run.calls)
    task = Task(
        tools={tool: count / len(runs) for tool, count in sorted(called.items())},
        calls=calls / len(runs),
        work=work / len(runs),
        size=request.size,
    )
    keys = frozenset(key for run in runs for call, _ in run.calls for key in keys_of(call))
    return _Known(runs, task, keys)
