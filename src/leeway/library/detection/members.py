"""What an agent's past says in each aspect: fitted to events, asked about one."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from leeway.library.detection.acts import Act
from leeway.library.detection.amounts import Amounts, Failures, Intervals
from leeway.library.detection.frequencies import MOST_VALUES, Frequency, Outcome, Sequences
from leeway.library.detection.hours import Hours

ASPECTS: Final = (
    "event_type",
    "tool",
    "destination",
    "success",
    "duration",
    "resource",
    "temporal",
    "interval",
    "rate",
    "failures",
    "sequence",
    "forest",
    "forest alone",
)
"""In what an event can depart, in the order in which everything keeps them."""

BEYOND: Final = {
    "event_type": 1.0,
    "tool": 1.0,
    "destination": 1.0,
    "success": 1.0,
    "duration": 0.5,
    "resource": 0.5,
    "temporal": 1.0,
    "interval": 0.5,
    "rate": 0.5,
    "failures": 1.0,
    "sequence": 1.0,
    "forest": 0.05,
    "forest alone": 0.05,
}
"""The least departure, in each aspect's own unit, that makes a nat more beyond the past."""

COUNTED: Final = frozenset({"event_type", "tool", "destination", "success", "sequence"})
"""Aspects that count values: they keep what is trimmed from the others, for what was seen was seen."""

Columns = dict[str, list[float | None]]


class Members(Struct, frozen=True):
    """What is usual in each aspect; None where the past says too little of it."""

    event_type: Frequency
    tool: Frequency | None
    destination: Frequency | None
    success: Outcome | None
    duration: Amounts | None
    resource: Amounts | None
    temporal: Hours | None
    interval: Intervals | None
    rate: Intervals | None
    failures: Failures | None
    sequence: Sequences | None

    @classmethod
    def of(cls, acts: Sequence[Act], kept: Sequence[Act], rare: int) -> "Members":
        """Return what is usual.

        Args:
            acts: the past.
            kept: of these the ones that amounts, hours and intervals are learnt from.
            rare: an action with no more events than this has no usual amount of its own.
        """
        kinds = [act.action for act in kept]
        whole = Counter(act.action for act in acts)
        common = Counter(kinds).most_common(MOST_VALUES)
        own = {kind for kind, count in common if count > max(rare, whole[kind] / 2)}
        frequency = Frequency.of([act.kind for act in acts])
        assert frequency is not None  # noqa: S101  # every event has a type, and there is one
        return cls(
            event_type=frequency,
            tool=Frequency.of([act.tool for act in acts]),
            destination=Frequency.of([act.destination for act in acts]),
            success=Outcome.of([act.action for act in acts], [act.success for act in acts]),
            duration=Amounts.of(kinds, [act.duration for act in kept], offset=0.01, own=own),
            resource=Amounts.of(kinds, [act.resources for act in kept], offset=0.1, own=own),
            temporal=Hours.of([act.slot for act in kept], [act.day for act in kept]),
            interval=Intervals.of([act.gap for act in kept]),
            rate=Intervals.of([act.pace for act in kept]),
            failures=Failures.of([act.success for act in kept]),
            sequence=Sequences.of([act.action for act in acts], [act.before for act in acts]),
        )

    def departures(self, act: Act) -> dict[str, float]:  # noqa: C901, PLR0912  # one line for each aspect
        """Return how far an act departs in each aspect that it says and that can be judged."""
        found = {"event_type": self.event_type.departure(act.kind)}
        if act.tool is not None and self.tool is not None:
            found["tool"] = self.tool.departure(act.tool)
        if act.destination is not None and self.destination is not None:
            found["destination"] = self.destination.departure(act.destination)
        if act.success is not None and self.success is not None:
            found["success"] = self.success.departure(act.action, act.success)
        if act.duration is not None and self.duration is not None:
            found["duration"] = self.duration.departure(act.action, act.duration)
        if act.resources is not None and self.resource is not None:
            found["resource"] = self.resource.departure(act.action, act.resources)
        if act.slot is not None and self.temporal is not None:
            found["temporal"] = self.temporal.departure(act.slot)
        if act.before is None:
            return found
        if act.gap is not None and self.interval is not None:
            found["interval"] = self.interval.departure(act.gap)
        if act.pace is not None and self.rate is not None:
            found["rate"] = self.rate.departure(act.pace)
        if act.failures is not None and self.failures is not None:
            found["failures"] = self.failures.departure(act.failures)
        if self.sequence is not None:
            found["sequence"] = self.sequence.departure(act.action, act.before)
        return found

    def held_out(self, acts: Sequence[Act], kept: Sequence[bool]) -> Columns:
        """Return the departures of the past, each as if its event had not been learnt from."""
        left = [act for act, is_kept in zip(acts, kept, strict=True) if is_kept]
        others = iter([self.departures(act) for act, is_kept in zip(acts, kept, strict=True) if not is_kept])
        places = [None if is_kept else next(others) for is_kept in kept]
        columns: Columns = {}
        for aspect, read in _READ.items():
            member = getattr(self, aspect)
            if member is None:
                continue
            if aspect in COUNTED:
                columns[aspect] = member.held_out(*read(acts))
                continue
            values = iter(member.held_out(*read(left)))
            columns[aspect] = [next(values) if place is None else place.get(aspect) for place in places]
        return columns


_READ: Final[Mapping[str, Callable[[Sequence[Act]], tuple[Sequence[Any], ...]]]] = MappingProxyType(
    {
        "event_type": lambda acts: ([act.kind for act in acts],),
        "tool": lambda acts: ([act.tool for act in acts],),
        "destination": lambda acts: ([act.destination for act in acts],),
        "success": lambda acts: ([act.action for act in acts], [act.success for act in acts]),
        "sequence": lambda acts: ([act.action for act in acts], [act.before for act in acts]),
        "duration": lambda acts: ([act.action for act in acts], [act.duration for act in acts]),
        "resource": lambda acts: ([act.action for act in acts], [act.resources for act in acts]),
        "temporal": lambda acts: ([act.slot for act in acts], [act.day for act in acts]),
        "interval": lambda acts: ([act.gap for act in acts],),
        "rate": lambda acts: ([act.pace for act in acts],),
        "failures": lambda acts: ([act.failures for act in acts],),
    }
)
"""Aspect to what its `held_out` takes of the acts."""
