"""Stories: all that one agent of the roster does in nine days, with its drift and release kept apart."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from leeway.events import AnyEvent, ConnectionOpened
from leeway.testing.fleet.behaviour import Character, Life, character, live, runs_of
from leeway.testing.fleet.clock import BOOTSTRAP_DAYS, DAYS, HOUR_SECONDS, draw
from leeway.testing.fleet.crew import members
from leeway.testing.fleet.drifts import scene, written
from leeway.testing.fleet.lexicon import Lexicon
from leeway.testing.fleet.noise import root_of
from leeway.testing.fleet.roster import APPEARING, DriftType

_JUDGED = tuple(range(BOOTSTRAP_DAYS + 1, DAYS + 1))
_LATE_BOOTSTRAP = (6, 7)
"""Days on which an agent that is to be in its learning period is first seen."""


@dataclass(slots=True)
class Story:
    """One agent's days: `normal` events, those of its `drift`, and which of the normal ones a `release` brought."""

    who: Character
    drift_id: str
    lives: dict[tuple[int, int], Life] = field(default_factory=dict)
    """By day and place in the day."""
    normal: list[AnyEvent] = field(default_factory=list)
    drift: list[AnyEvent] = field(default_factory=list)
    release: list[AnyEvent] = field(default_factory=list)

    @property
    def events(self) -> list[AnyEvent]:
        """All of them."""
        return self.normal + self.drift


def stories(seed: int, without: frozenset[str]) -> tuple[Story, ...]:
    """Return the story of every agent; drifts whose ids are in `without` do not happen."""
    told: dict[str, Story] = {}
    for place, member in enumerate(members()):
        who = character(seed, member, place)
        story = Story(who, f"drift-{place:02d}" if member.drift else "")
        _live(seed, story, told.get(member.spawned_by))
        if member.drift and member.drift not in APPEARING:
            _drift(seed, story, place)
        if story.drift_id in without:
            story.drift = []
        told[member.repo] = story
    return tuple(told.values())


def _days(seed: int, who: Character) -> tuple[int, ...]:
    rng = draw(seed, who.label, "days")
    match who.member.drift:
        case DriftType.NEW_AGENT:
            return (rng.choice(_JUDGED),)
        case DriftType.LEARNING:
            return (rng.choice(_LATE_BOOTSTRAP), rng.choice(_JUDGED))
        case _:
            return tuple(range(1, DAYS + 1))


def _live(seed: int, story: Story, above: Story | None) -> None:
    who, root = story.who, root_of(seed, story.who.host)
    for day in _days(seed, who):
        appears = who.member.drift in APPEARING and day in _JUDGED
        for place, run in enumerate(runs_of(seed, who, day)):
            parent = above.lives[day, place].instance if above else root
            life = story.lives[day, place] = live(who, run, parent)
            (story.drift if appears else story.normal).extend(life.events)
            if run.version:
                story.release.extend(life.events)


def _drift(seed: int, story: Story, place: int) -> None:
    scope = f"{seed}|{story.who.label}|once"
    rng = draw(scope)
    day = rng.choice(_JUDGED)
    life = rng.choice([life for (on, _), life in story.lives.items() if on == day])
    busiest = busiest_hour(story.normal)
    story.drift = written(scene(scope, story.who, life, Lexicon(seed, place), busiest))


def busiest_hour(events: Iterable[AnyEvent]) -> int:
    """Return the most bytes sent in one clock hour."""
    hours: Counter[int] = Counter()
    for event in events:
        if isinstance(event, ConnectionOpened):
            hours[int(event.time.timestamp()) // HOUR_SECONDS] += event.bytes_out or 0
    return max(hours.values(), default=0)
