"""Aspects of what was done: how rare a value is among those of the agent's own past."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log
from typing import Final

from msgspec import Struct

MOST_VALUES: Final = 512
"""Values that one aspect tells apart; rarer ones than these are as new as what was never seen, and counted so."""

_ROUNDS: Final = 40

_COMMON: Final = 0.1
"""Share of the occurrences of an action that some other one came before."""


def chance_of_new(counts: Mapping[str, int], total: int) -> float:
    """Return how likely the next value is one that was never seen.

    The larger of two estimates: the share of values seen once (Good and Turing), and c / (n + c) with the c for which
    c · ln(1 + n / c) different values are expected among n (Ewens), which is above 0 even where none was seen once.
    """
    once = sum(1 for count in counts.values() if count == 1)
    low, high = 1e-9, 1e6
    for _ in range(_ROUNDS):
        middle = (low * high) ** 0.5
        if middle * log(1 + total / middle) < len(counts):
            low = middle
        else:
            high = middle
    return min(1.0, max(once / total, low / (total + low)))


class Frequency(Struct, frozen=True):
    """How often each value occurred."""

    counts: dict[str, int]
    total: int
    new: float
    """How likely a value is that was never seen."""

    @classmethod
    def of(cls, values: Sequence[str | None]) -> "Frequency | None":
        """Return the frequency of the values that were said, None where there were none."""
        counts = Counter(value for value in values if value is not None)
        if not counts:
            return None
        total = counts.total()
        kept = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:MOST_VALUES]
        cut = total - sum(count for _, count in kept)
        return cls(dict(kept), total, min(1.0, max(chance_of_new(counts, total), cut / total)))

    def departure(self, value: str) -> float:
        """Return -ln of how likely the value is; at most that of a new one."""
        return -log(max(self.counts.get(value, 0) / self.total, self.new))

    def held_out(self, values: Sequence[str | None]) -> list[float | None]:
        """Return the departure of each value of the past as if it had not been seen itself."""
        left = max(1, self.total - 1)
        table: dict[str | None, float | None] = {None: None}
        table.update((value, -log(max((count - 1) / left, self.new))) for value, count in self.counts.items())
        fresh = -log(self.new)
        return [table.get(value, fresh) for value in values]


class Outcome(Struct, frozen=True):
    """How often acts of each event type succeed and fail."""

    counts: dict[str, list[int]]
    """Event type to failures and successes."""
    totals: list[int]

    @classmethod
    def of(cls, kinds: Sequence[str], successes: Sequence[bool | None]) -> "Outcome | None":
        """Return the outcomes that were said, None where there were none."""
        counts: dict[str, list[int]] = {}
        totals = [0, 0]
        for kind, success in zip(kinds, successes, strict=True):
            if success is not None:
                counts.setdefault(kind, [0, 0])[success] += 1
                totals[success] += 1
        kept = sorted(counts.items(), key=lambda one: (-sum(one[1]), one[0]))[:MOST_VALUES]
        return cls(dict(kept), totals) if kept else None

    def share(self, kind: str, success: bool, seen: int = 0) -> float:  # noqa: FBT001  # the value that is judged
        """Return how likely the outcome is for the event type, drawn towards all types'; `seen` is taken off first."""
        overall = (self.totals[success] - seen + 0.5) / (sum(self.totals) - seen + 1)
        own = self.counts.get(kind)
        if own is None:
            return overall
        return (own[success] - seen + 2 * overall) / (own[0] + own[1] - seen + 2)

    def departure(self, kind: str, success: bool) -> float:  # noqa: FBT001  # the value that is judged
        """Return -ln of how likely the outcome is."""
        return -log(self.share(kind, success))

    def held_out(self, kinds: Sequence[str], successes: Sequence[bool | None]) -> list[float | None]:
        """Return the departure of each outcome of the past as if it had not been seen itself."""
        table = {
            (kind, success): -log(self.share(kind, success, 1))
            for kind, own in self.counts.items()
            for success in (False, True)
            if own[success]
        }
        return [
            None if success is None else table.get((kind, success), self.departure(kind, success))
            for kind, success in zip(kinds, successes, strict=True)
        ]


class Sequences(Struct, frozen=True):
    """Which action follows which: pairs, and triples where they are common, drawn towards the frequency of the last."""

    actions: Frequency
    pairs: dict[str, dict[str, int]]
    """The action before, to each action after it, to how often."""
    triples: dict[str, dict[str, int]]
    """The two actions before, the nearer one first, joined by a line feed."""

    @classmethod
    def of(cls, actions: Sequence[str], befores: Sequence[tuple[str, ...] | None]) -> "Sequences | None":
        """Return the sequences of actions with something before them, None where there are none."""
        pairs: Counter[tuple[str, str]] = Counter()
        triples: Counter[tuple[str, str]] = Counter()
        for action, before in zip(actions, befores, strict=True):
            if before is not None:
                pairs[before[0], action] += 1
                if len(before) > 1:
                    triples["\n".join(before), action] += 1
        actual = Frequency.of(actions)
        if not pairs or actual is None:
            return None
        return cls(actual, _nested(pairs, MOST_VALUES), _nested(triples, MOST_VALUES))

    def share(self, action: str, before: tuple[str, ...], seen: int = 0) -> float:
        """Return how likely the action is after what came before it; `seen` is taken off every count first.

        Each level is drawn towards the shorter one with a weight of 2. Where only one action is known before it, the
        other may have been any that is common there: what is not said is never extreme.
        """
        if len(before) == 1 and before[0] in self.pairs:
            return max(self._share(action, one, seen) for one in (before, *self._common(before[0])))
        return self._share(action, before, seen)

    def _common(self, last: str) -> list[tuple[str, str]]:
        """Return the last two actions where only the last is known, with each that commonly comes before it."""
        start, least = f"{last}\n", _COMMON * self.pairs[last][""]
        contexts = (context for context, after in self.triples.items() if after[""] >= least)
        return [(last, context.removeprefix(start)) for context in contexts if context.startswith(start)]

    def _share(self, action: str, before: tuple[str, ...], seen: int) -> float:
        last = self.actions
        share = max((last.counts.get(action, 0) - seen) / max(1, last.total - seen), last.new)
        after = self.pairs.get(before[0])
        if after is not None:
            share = (max(0, after.get(action, 0) - seen) + 2 * share) / (after[""] - seen + 2)
        if len(before) > 1:
            after = self.triples.get(f"{before[0]}\n{before[1]}")
            if after is not None:
                share = (max(0, after.get(action, 0) - seen) + 2 * share) / (after[""] - seen + 2)
        return min(1.0, share)

    def departure(self, action: str, before: tuple[str, ...], seen: int = 0) -> float:
        """Return -ln of how likely the action is after what came before it."""
        return -log(self.share(action, before, seen))

    def held_out(self, actions: Sequence[str], befores: Sequence[tuple[str, ...] | None]) -> list[float | None]:
        """Return the departure of each action of the past as if it had not been seen itself."""
        known: dict[tuple[str, tuple[str, ...]], float] = {}
        found: list[float | None] = []
        for action, before in zip(actions, befores, strict=True):
            if before is None:
                found.append(None)
                continue
            key = (action, before)
            if key not in known:
                known[key] = self.departure(action, before, 1)
            found.append(known[key])
        return found


def _nested(counts: Mapping[tuple[str, str], int], most: int) -> dict[str, dict[str, int]]:
    """Return the commonest followers of each context; under "" how often the context was followed by anything."""
    sums: dict[str, int] = {}
    for (context, _), count in counts.items():
        sums[context] = sums.get(context, 0) + count
    nested: dict[str, dict[str, int]] = {}
    for (context, action), count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:most]:
        nested.setdefault(context, {"": sums[context]})[action] = count
    return nested
