"""The detector: asked before each act of an agent whether this is still that agent."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import repeat
from math import log
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leeway.errors import InvalidConfigError, NotFoundError
from leeway.library.answers import Found, Terms, answer, odd_of, with_calls
from leeway.library.calls import CallModel, Cohorts, SessionResult, calls_of
from leeway.library.detection.acts import MOST_RECENT, act_of, acts_of, in_order
from leeway.library.detection.model import AgentModel, Judgement, fit
from leeway.library.feedback import Feedback
from leeway.library.model_file import Kept, default_directory, model_path, read_model, write_model
from leeway.library.results import AnomalyResult, State
from leeway.library.security_event import SecurityEvent, check_agent, read_event
from leeway.library.session_events import Answered, session_of
from leeway.library.verdicts import Scope, Verdict
from leeway.storage.files import make_private_directory

MIN_EVENTS: Final = 30
"""Fewer events are no history: no share below one in thirty could be told."""


class AnomalyDetector:
    """Learns what each agent does from its past, and says how far an event departs from it.

    Every answer rests on one number, p: how rarely the agent's own past, each event held out in turn, departs as far.
    The score is 1 - p^a with a = ln(1 - threshold) / ln(contamination), so that an event is an anomaly where p lies
    below the contamination, and its score then lies above the threshold. Threshold, contamination and levels mean the
    same for every agent: of events as the agent's past, about `contamination` are flagged.

    Threads may ask one detector at the same time; only one at a time may train it.
    """

    def __init__(
        self,
        model_dir: Path | str | None = None,
        contamination: float = 0.05,
        threshold: float = 0.7,
        *,
        assume_zone: tzinfo | str | None = None,
        zone: tzinfo | str = "UTC",
        min_events: int = MIN_EVENTS,
        seed: int = 0,
    ) -> None:
        """Take the settings; nothing is read or written yet.

        Args:
            model_dir: where models are saved; by default among the user's own data. `~` is expanded.
            contamination: the share of ordinary events that may be flagged; also the share of a past that may be bad.
            threshold: the score above which an event is an anomaly.
            assume_zone: whose time a time without a zone is; None refuses it.
            zone: whose hours and weekdays the agents keep.
            min_events: an agent with fewer is `learning`.
            seed: the same past and seed give the same model.

        Raises:
            InvalidConfigError: for a setting out of its bounds, or a zone that is not known.
        """
        if not (0 < contamination <= 0.5 and 0 < threshold < 1):  # noqa: PLR2004  # half of all
            raise InvalidConfigError("contamination is above 0 and up to 0.5, threshold between 0 and 1")
        if min_events < MIN_EVENTS:
            raise InvalidConfigError(f"min_events is {min_events}; a past of fewer than {MIN_EVENTS} tells nothing")
        self.model_dir = default_directory() if model_dir is None else Path(model_dir).expanduser()
        self.contamination = contamination
        self.threshold = threshold
        self._terms = Terms(contamination, threshold, log(1 - threshold) / log(contamination))
        self._assume_zone = None if assume_zone is None else _zone(assume_zone)
        self._zone = _zone(zone)
        self._min_events = min_events
        self._seed = seed
        self._models: dict[str, AgentModel] = {}
        self._learning: dict[str, int] = {}
        self._feedback: dict[str, Feedback] = {}
        self._cohorts = Cohorts()
        self._loaded_calls: dict[str, CallModel | None] = {}

    def train(self, agent_id: str, events: Iterable[object], *, cohort: str | None = None) -> None:
        """Learn an agent's past, in place of what was learnt of it before. The order given makes no difference.

        Events that a verdict found malicious are left out.

        Args:
            agent_id: any text.
            events: mappings, typed events or `SecurityEvent`.
            cohort: the setting that the agent shares with others, whose tool calls are learnt together.

        Raises:
            InvalidEventError: for an event without a type or a time that can be told, and an agent that is no text.
        """
        check_agent(agent_id)
        feedback = self._feedback.get(agent_id)
        past = in_order([read_event(event, assume_zone=self._assume_zone) for event in events])
        if feedback is not None:
            past = [event for event in past if not feedback.forbids(event)]
        self._loaded_calls.pop(agent_id, None)
        called = calls_of(past)
        if called or self._cohorts.model_of(agent_id, cohort=cohort) is not None:
            self._cohorts.train(agent_id, called, cohort=cohort)
        if len(past) < self._min_events:
            self._learning[agent_id] = len(past)
            self._models.pop(agent_id, None)
            return
        self._models[agent_id] = fit(
            acts_of(past, self._zone), trim=self.contamination, seed=self._seed, chances=_chances(past)
        )
        self._learning.pop(agent_id, None)

    def detect(self, agent_id: str, event: object, *, recent: Iterable[object] = ()) -> AnomalyResult:
        """Return how far an event departs from its agent's past. Nothing is recorded.

        Args:
            agent_id: whose event it is.
            event: a mapping, a typed event or a `SecurityEvent`.
            recent: the agent's events right before it, the latest last; without them its rate, its sequence and the
                time since the last one are not judged.

        Raises:
            InvalidEventError: for an event without a type or a time that can be told.
        """
        said = read_event(event, assume_zone=self._assume_zone)
        return self._answered(agent_id, said, _last_of(recent, self._assume_zone)).result

    def detect_session(self, agent_id: str, events: Sequence[object], *, cohort: str | None = None) -> SessionResult:
        """Return what departs in a session: in its tool calls, or, of an agent that calls no tools, in its worst event.

        Args:
            agent_id: whose session it is.
            events: its events in order.
            cohort: the setting of an agent that was never trained.

        Raises:
            InvalidEventError: for an event without a type or a time that can be told.
        """
        said = [read_event(event, assume_zone=self._assume_zone) for event in events]
        state, calls = self.state(agent_id), self._calls_of(agent_id)
        if state is not State.UNKNOWN_AGENT and (calls is None or not calls.runs):
            before = (said[max(0, at - MOST_RECENT) : at] for at in range(len(said)))
            return session_of(list(map(self._answered, repeat(agent_id), said, before)), state, self._terms)
        if calls is not None and agent_id in self._loaded_calls:
            return calls.judge_session(said)
        return self._cohorts.judge_session(agent_id, said, cohort=cohort)

    def update_from_feedback(  # noqa: PLR0913  # what a verdict is made of
        self,
        agent_id: str,
        event: object,
        is_anomaly: bool,  # noqa: FBT001  # as people call it
        *,
        recent: Iterable[object] = (),
        who: str = "",
        when: datetime | None = None,
        why: str = "",
        scope: Scope = Scope.LIKE,
        expires: datetime | None = None,
    ) -> Verdict:
        """Take a person's verdict on an event; it holds from the next score on. Its `effect` says what it does.

        A benign one makes like events of LOW and MEDIUM ordinary, under a quota; a malicious one keeps them flagged
        and out of training.

        Raises:
            InvalidEventError: for an event, or an instant, without a time that can be told.
        """
        said = read_event(event, assume_zone=self._assume_zone)
        judgement = self._judged(agent_id, said, _last_of(recent, self._assume_zone)).judgement
        return self._feedback.setdefault(agent_id, Feedback()).record(
            said,
            is_anomaly=is_anomaly,
            p=judgement.p,
            level=self._terms.level(judgement.p),
            aspects=odd_of(judgement),
            who=who,
            when=when,
            why=why,
            scope=scope,
            expires=expires,
        )

    def undo_feedback(self, agent_id: str, verdict: Verdict | int) -> Verdict:
        """Take a verdict back; scores are then what they were without it.

        Raises:
            NotFoundError: where the agent has no such verdict.
        """
        return self._feedback.get(agent_id, Feedback()).undo(verdict)

    def verdicts(self, agent_id: str) -> tuple[Verdict, ...]:
        """Return the verdicts given on an agent's events."""
        return self._feedback.get(agent_id, Feedback()).verdicts

    def state(self, agent_id: str) -> State:
        """Return how far events of an agent can be judged."""
        if agent_id in self._models:
            return State.JUDGED
        return State.LEARNING if agent_id in self._learning else State.UNKNOWN_AGENT

    def save_model(self, agent_id: str) -> Path:
        """Write an agent's model, with the verdicts on its events, and return the path of the file.

        Raises:
            NotFoundError: where the agent has no model.
            StateError: where the disk does not take it.
        """
        model = self._models.get(agent_id)
        if model is None:
            raise NotFoundError("there is no model of this agent", hint=f"train it on {self._min_events} events")
        make_private_directory(self.model_dir)
        path = model_path(self.model_dir, agent_id)
        feedback = self._feedback.get(agent_id, Feedback())
        write_model(path, agent_id, Kept(model, str(self._zone), feedback, self._calls_of(agent_id)))
        return path

    def load_model(self, agent_id: str) -> None:
        """Read an agent's model in place of what is known of it.

        Raises:
            NotFoundError: where none was saved.
            StateError: where the file is not one that was saved for this agent, or its hours are of another zone.
        """
        kept = read_model(model_path(self.model_dir, agent_id), agent_id)
        if kept.zone != str(self._zone):
            raise InvalidConfigError(
                f"the model knows the hours of {kept.zone[:64]!r}, the detector those of {str(self._zone)!r}",
                hint="give both the same zone",
            )
        self._models[agent_id] = kept.model
        self._feedback[agent_id] = kept.feedback
        self._learning.pop(agent_id, None)
        self._loaded_calls[agent_id] = kept.calls

    def _calls_of(self, agent_id: str) -> CallModel | None:
        if agent_id in self._loaded_calls:
            return self._loaded_calls[agent_id]
        return self._cohorts.model_of(agent_id)

    def _answered(self, agent_id: str, event: SecurityEvent, recent: Sequence[SecurityEvent]) -> Answered:
        """Return the answer on an event, with what it was made of."""
        found = self._judged(agent_id, event, recent)
        p = found.judgement.p
        feedback = self._feedback.get(agent_id)
        if feedback is not None:
            level = self._terms.level(p)
            odd = odd_of(found.judgement)
            p = feedback.overlay(event, p, level, event.timestamp, odd, flagged=0.999 * self.contamination)
        return Answered(found, answer(agent_id, event, found, p, self._terms))

    def _judged(self, agent_id: str, event: SecurityEvent, recent: Sequence[SecurityEvent]) -> Found:
        """Return how far an event departs before any verdict."""
        model = self._models.get(agent_id)
        if model is None:
            return Found(self.state(agent_id))
        act = act_of(event, recent, self._zone)
        judgement = model.judge(act, self.contamination)
        if event.arguments is not None and event.tool is not None:
            judgement = self._with_calls(agent_id, event, recent, judgement)
        if not model.can_tell(judgement.surprises):
            return Found(State.DEGENERATE, act, model=model)
        return Found(State.JUDGED, act, judgement, model)

    def _with_calls(
        self, agent_id: str, event: SecurityEvent, recent: Sequence[SecurityEvent], judgement: Judgement
    ) -> Judgement:
        """Return the judgement with what the arguments of a call say, where that is the rarer of the two."""
        calls = self._calls_of(agent_id)
        if calls is None or calls.state is not State.JUDGED:
            return judgement
        p = calls.p_of_call(event, recent)
        if p >= judgement.p:
            return judgement
        return with_calls(judgement, p)


def _last_of(recent: Iterable[object], assume_zone: tzinfo | None) -> list[SecurityEvent]:
    """Return the last of some events, as many as are looked at."""
    if not recent:
        return []
    last = (recent if isinstance(recent, list | tuple) else list(recent))[-MOST_RECENT:]
    return [read_event(one, assume_zone=assume_zone) for one in last]


def _chances(past: Sequence[SecurityEvent]) -> float:
    """Return how many events the session of an event has, on average over events; 1 where one of them names none."""
    sessions = Counter(event.session_id for event in past)
    return 1.0 if None in sessions else sum(count * count for count in sessions.values()) / len(past)


def _zone(given: tzinfo | str) -> tzinfo:
    if isinstance(given, tzinfo):
        return given
    if given == "UTC":
        return UTC
    try:
        return ZoneInfo(given)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidConfigError(f"{given!r} is no time zone", hint="name one, as in 'Europe/Berlin'") from None
