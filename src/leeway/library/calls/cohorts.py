"""Agents in the same setting, learnt together: each is judged by the sessions of its whole cohort."""

from collections.abc import Hashable, Iterable, Sequence
from itertools import chain

from msgspec.structs import replace

from leeway.library.calls.fitting import fit
from leeway.library.calls.model import CallModel, unjudged
from leeway.library.calls.session import SessionResult
from leeway.library.results import State
from leeway.library.security_event import SecurityEvent
from leeway.library.threat_level import ThreatLevel


def sessions_of(events: Iterable[SecurityEvent]) -> list[list[SecurityEvent]]:
    """Return events by session, each in its order; without a session, events with the same request belong together."""
    found: dict[Hashable, list[SecurityEvent]] = {}
    for event in events:
        key = ("request", event.request) if event.session_id is None else ("session", event.session_id)
        found.setdefault(key, []).append(event)
    return list(found.values())


def calls_of(events: Sequence[SecurityEvent]) -> list[SecurityEvent]:
    """Return the calls of tools, and what was asked for in their sessions; nothing where there is no call."""
    sessions = {event.session_id for event in events if event.tool is not None} - {None}
    return [event for event in events if event.tool is not None or (event.request and event.session_id in sessions)]


class Cohorts:
    """Benign sessions of agents, and what is known from those of each cohort. A model is made when it is first asked.

    An agent without a cohort is its own. Training an agent again replaces what it was trained on before.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, list[list[SecurityEvent]]] = {}
        self._cohort: dict[str, tuple[str, str]] = {}
        self._models: dict[tuple[str, str] | None, CallModel] = {}

    def train(self, agent_id: str, events: Iterable[SecurityEvent], *, cohort: str | None = None) -> None:
        """Take the benign sessions of an agent."""
        self._sessions[agent_id] = sessions_of(events)
        self._cohort[agent_id] = _place(agent_id, cohort)
        self._models.clear()

    def model_of(self, agent_id: str, *, cohort: str | None = None) -> CallModel | None:
        """Return what an agent is judged by: what its cohort does; None where nothing is known of either.

        Args:
            agent_id: the agent.
            cohort: the setting of an agent that was never trained.
        """
        place = self._cohort.get(agent_id) or _place(agent_id, cohort)
        return self._model(place) if place in self._cohort.values() else None

    def judge_session(
        self, agent_id: str, events: Sequence[SecurityEvent], *, cohort: str | None = None
    ) -> SessionResult:
        """Return what departs in a session of an agent.

        An agent that was never trained is judged by its cohort, and where that is unknown as well by all agents: its
        state stays `UNKNOWN_AGENT`, and its level is never `NONE`.
        """
        model = self.model_of(agent_id, cohort=cohort)
        if agent_id in self._sessions and model is not None:
            return model.judge_session(events)
        if not self._sessions:
            return unjudged(State.UNKNOWN_AGENT)
        found = (model or self._model(None)).judge_session(events)
        return replace(found, state=State.UNKNOWN_AGENT, threat_level=max(found.threat_level, ThreatLevel.UNKNOWN))

    def _model(self, place: tuple[str, str] | None) -> CallModel:
        """Return the model of a cohort; of None that of all agents."""
        if place not in self._models:
            agents = [agent for agent, its in self._cohort.items() if place in {None, its}]
            self._models[place] = fit(chain.from_iterable(self._sessions[agent] for agent in agents))
        return self._models[place]


def _place(agent_id: str, cohort: str | None) -> tuple[str, str]:
    return ("agent", agent_id) if cohort is None else ("cohort", cohort)
