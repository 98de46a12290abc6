"""What people said about the events of one agent, and what it does to the next score.

The verdicts alone are kept, and every score is worked out from those that hold: so taking one back restores scores
exactly, and there is nothing else to store. Time is an argument, the event's own where none is given.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from leeway.errors import InvalidEventError, NotFoundError, StateError
from leeway.library.security_event import MOST_NAME, SecurityEvent
from leeway.library.threat_level import ThreatLevel
from leeway.library.verdicts import MOST_ASPECTS, MOST_REASON, Effect, Likeness, Scope, Verdict, act_of, likeness_of

VERSION: Final = 1

USER_QUOTA: Final = 10
"""Benign verdicts of one user that take effect within seven days, for one agent."""

AGENT_QUOTA: Final = 20
"""The same of all users together."""

MOST_VERDICTS: Final = 1_000
"""Verdicts with an effect that one agent holds, of each kind."""

MOST_IDLE: Final = 200
"""Verdicts without effect that are kept, the latest; beyond that they are counted."""

ORDINARY: Final = 0.5
"""Tail probability of an event that a benign verdict excuses: it departs as far as half of all events."""

FLAGGED: Final = 0.005
"""Most that the tail probability of an event is that a malicious verdict condemns: well within MEDIUM."""

_ACTING: Final = frozenset({Effect.FLAGS, Effect.LEARNT})
_WEEK: Final = timedelta(days=7)
_ZONELESS: Final = "the time of a verdict has no zone"


class _Stored(Struct, frozen=True):
    version: int
    following: Annotated[int, Meta(ge=0)]
    let_go: Annotated[int, Meta(ge=0)]
    verdicts: Annotated[tuple[Verdict, ...], Meta(max_length=2 * MOST_VERDICTS + MOST_IDLE)]


class Feedback:
    """The verdicts on one agent's events, in the order in which they were given."""

    def __init__(self) -> None:
        self._verdicts: list[Verdict] = []
        self._acting: dict[tuple[str, str | None, str | None], list[Verdict]] = {}
        """Those with an effect, by what they are about: most events are about nothing that anybody judged."""
        self._following = 0
        self._let_go = 0

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All that are kept, those without effect as well; `effect` says which do what."""
        return tuple(self._verdicts)

    @property
    def let_go(self) -> int:
        """Verdicts without effect that are no longer kept."""
        return self._let_go

    def record(  # noqa: PLR0913  # what a verdict is made of, by keyword
        self,
        event: SecurityEvent,
        *,
        is_anomaly: bool,
        p: float,
        level: ThreatLevel,
        aspects: Iterable[str] = (),
        who: str = "",
        when: datetime | None = None,
        why: str = "",
        scope: Scope = Scope.LIKE,
        expires: datetime | None = None,
    ) -> Verdict:
        """Take a verdict on an event and return it; its `effect` says what it does from the next score on.

        `p`, `level` and `aspects` are how the event was judged before any verdict: its tail probability, and in what it
        departs. Quotas go by `who` and `when`, the event's own time where None. `expires` is the last instant whose
        events it speaks of.

        Raises:
            InvalidEventError: where `when` or `expires` has no zone.
        """
        if any(time is not None and time.tzinfo is None for time in (when, expires)):
            raise InvalidEventError(_ZONELESS, hint="give it one, as in datetime(2026, 3, 2, 9, tzinfo=UTC)")
        who, when = who[:MOST_REASON], when or event.timestamp
        verdict = Verdict(
            number=self._following,
            is_anomaly=is_anomaly,
            about=likeness_of(event),
            aspects=tuple(sorted({name[:MOST_NAME] for name in aspects}))[:MOST_ASPECTS],
            p=p,
            level=level,
            effect=self._effect(is_anomaly, level, who, when),
            scope=Scope(scope),
            who=who,
            when=when,
            why=why[:MOST_REASON],
            expires=expires,
        )
        self._following += 1
        self._hold([*self._verdicts, verdict])
        return verdict

    def undo(self, verdict: Verdict | int) -> Verdict:
        """Take a verdict back; scores are then what they were without it. Those given over quota stay without effect.

        Raises:
            NotFoundError: where the agent has no such verdict.
        """
        number = verdict if isinstance(verdict, int) else verdict.number
        for place, held in enumerate(self._verdicts):
            if held.number == number and (isinstance(verdict, int) or held == verdict):
                self._hold([*self._verdicts[:place], *self._verdicts[place + 1 :]])
                return held
        raise NotFoundError(f"there is no verdict {number} on this agent", hint="was it undone before?")

    def overlay(
        self,
        event: SecurityEvent,
        p: float,
        level: ThreatLevel,
        at: datetime | None,
        aspects: Collection[str] = (),
        *,
        flagged: float = FLAGGED,
    ) -> float:
        """Return the tail probability of an event with the verdicts that hold at an instant.

        A malicious verdict comes first: `p` is then at most what its event had, and at most MEDIUM's. A benign one
        raises `p` to `ORDINARY` where `level` is LOW or MEDIUM. Without a verdict `p` comes back as it is.

        Args:
            event: what is judged.
            p: its tail probability.
            level: its level by that.
            at: the instant by which verdicts expire, the event's own time as a rule.
            aspects: in what it departs. A benign verdict excuses none that its own event did not have.
            flagged: a tail probability that is surely flagged, where the contamination is less than MEDIUM's.
        """
        acting = self._acting and self._acting.get(act_of(event))
        if not acting:
            return p
        like, odd = likeness_of(event), frozenset(aspects)
        held = [one for one in acting if one.holds(at)]
        condemning = [one.p for one in held if one.is_anomaly and one.condemns(like, odd)]
        if condemning:
            return min(p, FLAGGED, flagged, *condemning)
        if level in {ThreatLevel.LOW, ThreatLevel.MEDIUM} and _is_excused(held, like, odd):
            return max(p, ORDINARY)
        return p

    def forbids(self, event: SecurityEvent) -> bool:
        """Say whether training leaves an event out: it is like one that was found malicious."""
        acting = self._acting and self._acting.get(act_of(event))
        if not acting:
            return False
        like = likeness_of(event)
        return any(one.is_anomaly and one.holds(event.timestamp) and one.forbids(like) for one in acting)

    def to_json(self) -> dict[str, Any]:
        """Return everything as values that JSON has."""
        stored = _Stored(VERSION, self._following, self._let_go, tuple(self._verdicts))
        values: dict[str, Any] = msgspec.to_builtins(stored)
        return values

    @classmethod
    def from_json(cls, values: object) -> "Feedback":
        """Return what `to_json` gave.

        Raises:
            StateError: where it is nothing of the kind, of another version, or out of bounds.
        """
        try:
            stored = msgspec.convert(values, _Stored)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise StateError(f"no stored verdicts: {error}") from error
        if stored.version != VERSION:
            raise StateError(f"verdicts of version {stored.version}; this program reads version {VERSION}")
        numbers = [one.number for one in stored.verdicts]
        if numbers != sorted(set(numbers)) or (numbers and numbers[-1] >= stored.following):
            raise StateError("stored verdicts are out of order")
        feedback = cls()
        feedback._hold(list(stored.verdicts))
        feedback._following, feedback._let_go = stored.following, stored.let_go
        return feedback

    def _effect(self, is_anomaly: bool, level: ThreatLevel, who: str, when: datetime | None) -> Effect:  # noqa: FBT001  # as it came
        effect = Effect.FLAGS if is_anomaly else Effect.LEARNT
        if sum(one.effect is effect for one in self._verdicts) >= MOST_VERDICTS:
            return Effect.FULL
        if is_anomaly:
            return effect
        if level >= ThreatLevel.HIGH:
            return Effect.TOO_GRAVE
        if level < ThreatLevel.LOW:
            return Effect.NOTHING_ODD
        return Effect.OVER_QUOTA if self._is_used_up(who, when) else effect

    def _is_used_up(self, who: str, when: datetime | None) -> bool:
        # Time never goes back here: a verdict that is dated back uses the quota of the week of the latest one.
        learnt, end = [], None
        for one in self._verdicts:
            if one.effect is Effect.LEARNT:
                end = _later(end, one.when)
                learnt.append((one.who, end))
        end = _later(end, when)
        users = [user for user, given in learnt if end is None or given is None or given > end - _WEEK]
        return len(users) >= AGENT_QUOTA or users.count(who) >= USER_QUOTA

    def _hold(self, verdicts: list[Verdict]) -> None:
        idle = [one for one in verdicts if one.effect not in _ACTING]
        if len(idle) > MOST_IDLE:
            verdicts.remove(idle[0])
            self._let_go += 1
        self._verdicts, self._acting = verdicts, {}
        for one in verdicts:
            if one.effect in _ACTING:
                about = one.about
                self._acting.setdefault((about.event_type, about.tool, about.destination), []).append(one)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return one if other is None else other if one is None else max(one, other)


def _is_excused(held: Iterable[Verdict], like: Likeness, odd: frozenset[str]) -> bool:
    return any(one.effect is Effect.LEARNT and one.excuses(like, odd) for one in held)
