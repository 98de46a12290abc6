"""Learns what an agent normally does, one event at a time, and says in which aspects another one departs from it."""

from collections import Counter
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct
from msgspec.structs import replace

from leeway.errors import InvalidConfigError, InvalidEventError
from leeway.library.feedback import Feedback
from leeway.library.learner_arrivals import Arrivals
from leeway.library.learner_aspects import ODD, aspect_tails, score_of
from leeway.library.learner_days import DURATION, HOURS, KIND, RESOURCE, Days, act_at
from leeway.library.results import BehavioralBaseline, BehavioralPattern, State
from leeway.library.security_event import SecurityEvent, check_agent, read_event
from leeway.library.threat_level import ThreatLevel, level_of
from leeway.library.verdicts import Scope, Verdict

MOST_WINDOW: Final = 3_650
MOST_SAMPLES: Final = 1_000_000

MOST_ASIDE: Final = 1_024
"""Events that a malicious verdict keeps out and that are learnt after all when it is undone; more are only counted."""

VERDICT: Final = "verdict"
"""The aspect of an event that is like one which was found malicious."""


class Standing(Struct, frozen=True, kw_only=True):
    """How far the learning of one agent has come, and everything that was not learnt."""

    state: State
    """`JUDGED` where there is a baseline, `LEARNING` where there are too few events, or `UNKNOWN_AGENT`."""
    events: int = 0
    """Events in the window."""
    needed: int = 0
    """Events that are missing before there is a baseline."""
    late: int = 0
    """Events dropped because they are older than the window."""
    held_aside: int = 0
    """Events ahead of all others that wait until others confirm that time has gone on."""
    dropped_ahead: int = 0
    """Events ahead of all others that had no place to wait."""
    left_out: int = 0
    """Events not learnt because they are like one that was found malicious."""
    flawed: int = 0
    """Events with a field that cannot be read; the rest of them is learnt."""
    capped: tuple[str, ...] = ()
    """Aspects with more values on a day than are kept; those beyond count as rare."""


class _Learnt:
    """Everything about one agent."""

    def __init__(self, window_days: int, min_samples: int) -> None:
        self.days = Days(window_days)
        self.arrivals = Arrivals(window_days, min_samples)
        self.feedback = Feedback()
        self.aside: list[SecurityEvent] = []
        self.counts: Counter[str] = Counter()


class BaselineLearner:
    """Keeps a baseline of each agent over a window of event time; days are kept, events are not.

    Blind to: an amount that lies between two usual ones, an agent that drifts more slowly than its window forgets, and
    what an agent does before it has a baseline.
    """

    def __init__(
        self,
        window_days: int = 30,
        min_samples: int = 100,
        *,
        assume_zone: str | tzinfo | None = None,
        zone: str | tzinfo = "UTC",
    ) -> None:
        """Start without any agent.

        Args:
            window_days: days up to that of an agent's latest event which make up its baseline.
            min_samples: events in the window before there is one.
            assume_zone: whose time a time without a zone is; None to refuse it.
            zone: the zone in which the agents' hours and days are counted.

        Raises:
            InvalidConfigError: where a number is out of range or a zone is not known.
        """
        if not (1 <= window_days <= MOST_WINDOW and 1 <= min_samples <= MOST_SAMPLES):
            raise InvalidConfigError(
                f"a window of {window_days} days and {min_samples} samples are out of range",
                hint=f"a window has 1 to {MOST_WINDOW:,} days, and a baseline 1 to {MOST_SAMPLES:,} events",
            )
        self.window_days = window_days
        self.min_samples = min_samples
        self._assumed = None if assume_zone is None else _zone(assume_zone)
        self._zone = _zone(zone)
        self._agents: dict[str, _Learnt] = {}

    def record_event(self, agent_id: str, event: object, *, now: datetime | None = None) -> None:
        """Learn one event. It takes the same time however many there were before.

        Args:
            agent_id: whose event it is.
            event: a mapping or a typed event, as `read_event` takes it.
            now: the present, where somebody knows it: an event of later than that waits until then. Without it, an
                event more than a day ahead of all others waits until two more in a row are ahead as well.

        Raises:
            InvalidEventError: where the event has no type or no time, or a time has no zone.
        """
        if now is not None and now.tzinfo is None:
            raise InvalidEventError("the present has no zone", hint="give it one, as in datetime.now(UTC)")
        # What waits, or is kept out, is held: without what nothing here reads, which may be long.
        read = replace(read_event(event, assume_zone=self._assumed), arguments=None, request=None)
        learnt = self._of(agent_id)
        learnt.counts["flawed"] += bool(read.flaws)
        if learnt.feedback.forbids(read):
            learnt.counts["left_out"] += 1
            if len(learnt.aside) < MOST_ASIDE:
                learnt.aside.append(read)
            return
        for one in learnt.arrivals.take(read, now):
            self._learn(learnt, one)

    def compute_baseline(self, agent_id: str) -> BehavioralBaseline | None:
        """Return what the agent normally does, of all that is learnt by now; None where that is too little."""
        learnt = self._settled(agent_id)
        if learnt is None:
            return None
        return BehavioralBaseline(
            agent_id=agent_id,
            learned_at=learnt.days.latest,
            event_count=learnt.days.events,
            time_window_days=self.window_days,
            pattern=_pattern(learnt.days),
        )

    def get_baseline(self, agent_id: str) -> BehavioralBaseline | None:
        """Return what `compute_baseline` does: the window is kept up with every event, so it is never out of date."""
        return self.compute_baseline(agent_id)

    def detect_anomalies(
        self, agent_id: str, event: object = None, *, current_event: object = None
    ) -> dict[str, float]:
        """Return how far an event departs in each aspect, from 0 to 1; nothing is learnt from it.

        An aspect that the event or the baseline does not say enough of is absent. Without a baseline all are: `state`
        tells that from an event which departs in nothing. Rate and order are judged against what was recorded before.

        Args:
            agent_id: whose event it is.
            event: a mapping or a typed event, as `read_event` takes it.
            current_event: another name of `event`, for calls that are written for harombe.

        Raises:
            InvalidEventError: where the event has no type or no time, or a time has no zone.
        """
        read = read_event(event if current_event is None else current_event, assume_zone=self._assumed)
        learnt = self._settled(agent_id)
        if learnt is None:
            return {}
        tails = aspect_tails(learnt.days, act_at(read, self._zone))
        return {aspect: score_of(p) for aspect, p in _overlaid(learnt.feedback, read, tails).items()}

    def state(self, agent_id: str) -> Standing:
        """Return how far the learning of an agent has come, and what was not learnt."""
        learnt = self._agents.get(agent_id)
        if learnt is None:
            return Standing(state=State.UNKNOWN_AGENT, needed=self.min_samples)
        events, counts = learnt.days.events, learnt.counts
        return Standing(
            state=State.JUDGED if events >= self.min_samples else State.LEARNING,
            events=events,
            needed=max(self.min_samples - events, 0),
            late=counts["late"],
            held_aside=learnt.arrivals.held,
            dropped_ahead=learnt.arrivals.dropped,
            left_out=counts["left_out"],
            flawed=counts["flawed"],
            capped=tuple(sorted(learnt.days.capped)),
        )

    def update_from_feedback(  # noqa: PLR0913  # what a verdict is made of, by keyword
        self,
        agent_id: str,
        event: object,
        is_anomaly: bool,  # noqa: FBT001  # as people call it already
        *,
        who: str = "",
        when: datetime | None = None,
        why: str = "",
        scope: Scope = Scope.LIKE,
        expires: datetime | None = None,
    ) -> Verdict:
        """Take a verdict on an event, which changes the very next score of like events, and return it.

        A malicious one gives like events the aspect `verdict`, and they are no longer learnt. A benign one of LOW or
        MEDIUM makes like events ordinary, as long as the week's quota lasts. `effect` of the verdict says what it does;
        `Feedback.record` says what the arguments mean.

        Raises:
            InvalidEventError: where the event has no type or no time, or a time has no zone.
        """
        read = read_event(event, assume_zone=self._assumed)
        settled = self._settled(agent_id)
        tails = {} if settled is None else aspect_tails(settled.days, act_at(read, self._zone))
        p = _together(tails)
        return self._of(agent_id).feedback.record(
            read,
            is_anomaly=is_anomaly,
            p=p,
            level=ThreatLevel.UNKNOWN if settled is None else level_of(p),
            aspects=_odd(tails),
            who=who,
            when=when,
            why=why,
            scope=scope,
            expires=expires,
        )

    def undo_feedback(self, agent_id: str, verdict: Verdict | int) -> Verdict:
        """Take a verdict back: scores are what they were without it, and events that it kept out are learnt now.

        Raises:
            NotFoundError: where there is no such verdict on the agent.
        """
        learnt = self._agents.get(agent_id) or _Learnt(self.window_days, self.min_samples)
        undone = learnt.feedback.undo(verdict)
        kept_out, learnt.aside = learnt.aside, []
        for event in kept_out:
            if learnt.feedback.forbids(event):
                learnt.aside.append(event)
            else:
                learnt.counts["left_out"] -= 1
                self._learn(learnt, event)
        return undone

    def verdicts(self, agent_id: str) -> tuple[Verdict, ...]:
        """Return the verdicts on an agent, in the order in which they were given."""
        learnt = self._agents.get(agent_id)
        return () if learnt is None else learnt.feedback.verdicts

    def _of(self, agent_id: str) -> _Learnt:
        learnt = self._agents.get(agent_id)
        if learnt is None:
            check_agent(agent_id)
            learnt = self._agents[agent_id] = _Learnt(self.window_days, self.min_samples)
        return learnt

    def _settled(self, agent_id: str) -> _Learnt | None:
        learnt = self._agents.get(agent_id)
        return learnt if learnt is not None and learnt.days.events >= self.min_samples else None

    def _learn(self, learnt: _Learnt, event: SecurityEvent) -> None:
        learnt.counts["late"] += not learnt.days.add(act_at(event, self._zone))


def _zone(given: str | tzinfo) -> tzinfo:
    if isinstance(given, tzinfo):
        return given
    if given == "UTC":
        return UTC
    try:
        return ZoneInfo(given)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidConfigError(f"no zone is called {given!r}", hint="as in Europe/Lisbon, or UTC") from None


def _together(tails: dict[str, float]) -> float:
    """Return the tail probability of an event by that of its aspects: the least, times the number of looks.

    An event that departs in one aspect is at least LOW, so that whoever sees the score can say that it is benign.
    """
    p = min(1.0, len(tails) * min(tails.values(), default=1.0))
    return min(p, ODD) if _odd(tails) else p


def _odd(tails: dict[str, float]) -> frozenset[str]:
    return frozenset(aspect for aspect, p in tails.items() if p <= ODD)


def _overlaid(feedback: Feedback, event: SecurityEvent, tails: dict[str, float]) -> dict[str, float]:
    """Return the tails with the verdicts: a malicious one is an aspect of its own, a benign one raises the odd ones."""
    odd, p = _odd(tails), _together(tails)
    condemned = feedback.overlay(event, 1.0, ThreatLevel.NONE, event.timestamp, odd)
    if condemned < 1:
        return {**tails, VERDICT: condemned}
    judged = feedback.overlay(event, p, level_of(p), event.timestamp, odd)
    return {aspect: max(tail, judged) if aspect in odd and judged > p else tail for aspect, tail in tails.items()}


def _pattern(days: Days) -> BehavioralPattern:
    by_day = [0] * 7
    for day in days.days:
        by_day[(day.ordinal + 6) % 7] += sum(day.hours)
    hours = [one + other for one, other in zip(days.mass[:HOURS], days.mass[HOURS:], strict=True)]
    kinds = {kind: count for (kind,), count in days.facets[KIND].most_common()}
    resources, durations = days.amounts[RESOURCE], days.amounts[DURATION]
    return BehavioralPattern(
        hourly_distribution=_shares(hours),
        daily_distribution=_shares(by_day),
        avg_resources_per_event=resources.mean,
        std_resources_per_event=resources.deviation,
        common_event_types={kind: count / days.events for kind, count in kinds.items()},
        avg_event_duration_ms=durations.mean,
        std_event_duration_ms=durations.deviation,
        avg_events_per_hour=_hourly(days),
    )


def _shares(counts: list[int]) -> list[float]:
    whole = sum(counts)
    return [count / whole if whole else 0.0 for count in counts]


def _hourly(days: Days) -> float:
    """Return the events an hour from the first to the latest; 0 where they are one instant."""
    first = min((day.first for day in days.days if day.first is not None), default=None)
    if first is None or days.latest is None or days.latest <= first:
        return 0.0
    return (sum(days.mass) - 1) / ((days.latest - first) / timedelta(hours=1))
