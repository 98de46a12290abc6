"""What a request asks for, by what requests like it led to: which tools, how many calls, how much that changes things.

Requests are compared by the cosine of their words, rare words counting more (tf-idf). What is known of the others is
weighed by that likeness, with one more vote for what is usual for all.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from leeway.library.calls.reading import Request

MOST_FEATURES: Final = 64
"""Features of one request by which it is compared, the rarest first."""

_SHARPNESS: Final = 4.0
"""Votes of a request that is the same word by word; one that is half alike has a quarter of them."""

_LEAST: Final = 0.25
"""Runs of a tool that nobody has called yet."""

_SHRUNK: Final = 2.0
"""How much spread of sizes is needed before the size of a request counts for half of what it seems to."""


class Expected(NamedTuple):
    """What a request leads to."""

    weight: float
    """Votes of requests like it; 0 where there is none."""
    tools: Mapping[str, float]
    """Tool to its votes."""
    calls: float
    work: float
    """Calls that change something."""


class Task(Struct, frozen=True):
    """What one request led to, on average over the runs of it."""

    tools: dict[str, float]
    """Tool to the share of runs that called it."""
    calls: float
    work: float
    size: float


class LeftOut(NamedTuple):
    """One task that is to be judged as if it had never been seen."""

    at: int
    task: Task
    features: frozenset[str]
    words: frozenset[str]


class Asking(Struct, frozen=True):
    """What is known of requests."""

    tasks: list[Task]
    rare: dict[str, int]
    """Feature to the requests that have it."""
    words: dict[str, int]
    """Word to the requests that have it, numbers included."""
    postings: dict[str, list[tuple[int, float]]]
    """Feature to the requests that have it, each with its share of that request."""
    usual: dict[str, float]
    """Tool to the runs that called it, summed over tasks."""
    sums: tuple[float, float, float]
    """Calls, work and size, summed over tasks."""
    slopes: tuple[float, float] = (0.0, 0.0)
    """Further calls and work for each unit of a request's size beyond the mean."""

    def expect(self, request: Request, left: LeftOut | None = None) -> Expected:
        """Return what a request leads to, where `left` is given as if its own runs were unknown."""
        votes = self._votes(request, left)
        weight = sum(vote for _, vote in votes)
        tools: dict[str, float] = {}
        calls = work = 0.0
        for at, vote in votes:
            task = self.tasks[at]
            calls += vote * task.calls
            work += vote * task.work
            for tool, share in task.tools.items():
                tools[tool] = tools.get(tool, 0.0) + vote * share
        others = max(1, len(self.tasks) - (left is not None))
        own = left.task if left else _NO_TASK
        calls = (calls + (self.sums[0] - own.calls) / others) / (weight + 1)
        work = (work + (self.sums[1] - own.work) / others) / (weight + 1)
        larger = request.size - self.sums[2] / max(1, len(self.tasks)) if request.text else 0.0
        return Expected(
            weight, tools, max(0.0, calls + self.slopes[0] * larger), max(0.0, work + self.slopes[1] * larger)
        )

    def likelihood(self, tool: str, expected: Expected, left: LeftOut | None = None) -> float:
        """Return in which share of runs of such a request the tool is called."""
        own = left.task.tools.get(tool, 0.0) if left else 0.0
        usual = (self.usual.get(tool, 0.0) - own + _LEAST) / (len(self.tasks) - (left is not None) + 1)
        return (expected.tools.get(tool, 0.0) + usual) / (expected.weight + 1)

    def rarity(self, word: str, left: LeftOut | None = None) -> float:
        """Return how much a word tells: the inverse document frequency among requests."""
        if left is None:
            return math.log((len(self.tasks) + 1) / (self.words.get(word, 0) + 0.5))
        return math.log(len(self.tasks) / (self.words.get(word, 0) - (word in left.words) + 0.5))

    def _votes(self, request: Request, left: LeftOut | None) -> list[tuple[int, float]]:
        own = left.features if left else frozenset[str]()
        size = len(self.tasks) - (left is not None)
        vector = _vector(request.features, {f: self.rare.get(f, 0) - (f in own) for f in request.features}, size)
        likeness: dict[int, float] = {}
        for feature, share in vector:
            for at, other in self.postings.get(feature, ()):
                likeness[at] = likeness.get(at, 0.0) + share * other
        if left:
            likeness.pop(left.at, None)
        return [(at, _SHARPNESS * likeness[at] ** 2) for at in sorted(likeness)]


_NO_TASK: Final = Task({}, 0.0, 0.0, 0.0)


def _vector(features: frozenset[str], seen: Mapping[str, int], size: int) -> list[tuple[str, float]]:
    """Return features with their shares, of length 1 together, the rarest `MOST_FEATURES` only."""
    rare = sorted((-math.log((size + 1) / (seen.get(feature, 0) + 0.5)), feature) for feature in features)
    norm = math.sqrt(sum(share * share for share, _ in rare)) or 1.0
    return [(feature, -share / norm) for share, feature in rare[:MOST_FEATURES]]


def asking_of(tasks: Sequence[Task], requests: Sequence[Request]) -> Asking:
    """Return what is known of requests; `requests` are those of the tasks, in their order."""
    rare = Counter(feature for request in requests for feature in request.features)
    postings: dict[str, list[tuple[int, float]]] = {}
    usual: Counter[str] = Counter()
    for at, (task, request) in enumerate(zip(tasks, requests, strict=True)):
        usual.update(task.tools)
        for feature, share in _vector(request.features, rare, len(tasks)):
            postings.setdefault(feature, []).append((at, share))
    plain = Asking(
        tasks=list(tasks),
        rare=dict(sorted(rare.items())),
        words=dict(sorted(Counter(word for request in requests for word in request.words).items())),
        postings=postings,
        usual=dict(usual),
        sums=(sum(t.calls for t in tasks), sum(t.work for t in tasks), sum(t.size for t in tasks)),
    )
    return plain if not tasks else _sloped(plain, requests)


def _sloped(plain: Asking, requests: Sequence[Request]) -> Asking:
    """Return the same with what larger requests lead to beyond that: least squares on the rest, shrunk."""
    mean = plain.sums[2] / len(plain.tasks)
    spread = calls = work = 0.0
    for at, (task, request) in enumerate(zip(plain.tasks, requests, strict=True)):
        if not request.text:
            continue
        expected = plain.expect(request, LeftOut(at, task, request.features, request.words))
        larger = request.size - mean
        spread += larger * larger
        calls += larger * (task.calls - expected.calls)
        work += larger * (task.work - expected.work)
    return Asking(
        plain.tasks,
        plain.rare,
        plain.words,
        plain.postings,
        plain.usual,
        plain.sums,
        (calls / (spread + _SHRUNK), work / (spread + _SHRUNK)),
    )
