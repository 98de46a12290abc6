"""What a gate answers, and the policy by which: data, one rule for each thing that can be the case."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from leeway.errors import InvalidConfigError
from leeway.library.results import AnomalyResult, State
from leeway.library.threat_level import ThreatLevel
from leeway.text import display, redact

MOST_TIME_LIMIT_MS: Final = 60_000.0
_REASON_CHARACTERS: Final = 400


class Decision(StrEnum):
    """What becomes of an act, the mildest first: it runs, it waits for a person's yes, it does not run."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"

    @property
    def rank(self) -> int:
        """Its place in the order, from 0."""
        return _RANKS[self]


_RANKS: Final = {decision: rank for rank, decision in enumerate(Decision)}


class Cause(StrEnum):
    """By which kind of rule it was decided."""

    LEVEL = "level"
    """By how far the act departs."""
    STATE = "state"
    """By how far it could be judged."""
    TRUST = "trust"
    """A trusted agent was spared the question; the act was judged like any other."""
    ERROR = "error"
    """The judge failed, or its answer is none."""
    TIMEOUT = "timeout"
    """The judge did not answer in time."""
    BUSY = "busy"
    """Too many acts wait for the judge."""
    UNREADABLE = "unreadable"
    """The request is no event."""


FAILURES: Final = (Cause.ERROR, Cause.TIMEOUT, Cause.BUSY, Cause.UNREADABLE)
"""Causes for which nothing was judged; a policy fails open where it allows these."""


class Ruling(NamedTuple):
    """A decision, by which kind of rule, and its reason in words: one line, without secrets of a known shape."""

    decision: Decision
    cause: Cause
    reason: str


class GatePolicy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which decision follows from what. Every rule can be set by itself; there is no other default behind them.

    Raises:
        InvalidConfigError: where a rule is no decision, a graver level is treated more mildly than a lesser one, or
            the time limit is none.
    """

    none: Decision = Decision.ALLOW
    low: Decision = Decision.ALLOW
    medium: Decision = Decision.ASK
    high: Decision = Decision.DENY
    critical: Decision = Decision.DENY

    unknown: Decision = Decision.ASK
    """Nothing could be judged, and the judge does not say why."""
    unknown_agent: Decision = Decision.ASK
    learning: Decision = Decision.ALLOW
    """The agent's model has seen too few events. Were it denied, an agent could never be learned at this gate."""
    degenerate: Decision = Decision.ASK
    malformed: Decision = Decision.ASK

    error: Decision = Decision.DENY
    timeout: Decision = Decision.DENY
    busy: Decision = Decision.DENY
    unreadable: Decision = Decision.DENY

    time_limit_ms: float = 1000.0
    """How long an act may wait for its judgement, the queue included."""
    trusted: frozenset[str] = frozenset()
    """Agents that are not asked about. Their acts are judged all the same, and denied by the same rules."""
    remembers_denied: bool = False
    """Whether a denied act stays in its session's history, as a failed one. It did not happen, so by default not."""

    def __post_init__(self) -> None:
        for name in RULES:
            if not isinstance(getattr(self, name), Decision):
                raise InvalidConfigError(
                    f"the rule '{name}' of a gate is no decision", hint="read_policy takes plain texts"
                )
        if not isinstance(self.trusted, frozenset):  # the letters of one name would be agents, too
            raise InvalidConfigError("the trusted agents of a gate are no frozenset")
        levels = [self.none, self.low, self.medium, self.high, self.critical]
        if levels != sorted(levels, key=_RANKS.__getitem__):
            raise InvalidConfigError(
                f"a graver level must not be treated more mildly: {', '.join(levels)} for none to critical"
            )
        if not 0 < self.time_limit_ms <= MOST_TIME_LIMIT_MS:
            raise InvalidConfigError(f"time_limit_ms must be above 0 and at most {MOST_TIME_LIMIT_MS:,.0f}")

    def of_level(self, level: ThreatLevel) -> Decision:
        """Return the rule of a level."""
        return _rule(self, level.value)

    def of_state(self, state: State) -> Decision:
        """Return the rule of a state; what could be judged is decided by its level."""
        return Decision.ALLOW if state is State.JUDGED else _rule(self, state.value)

    def of_failure(self, cause: Cause) -> Decision:
        """Return the rule for an act that could not be judged.

        Raises:
            ValueError: for a cause that is no failure.
        """
        if cause not in FAILURES:
            raise ValueError(f"{cause} is no failure")
        return _rule(self, cause.value)


RULES: Final = tuple(
    name for name in GatePolicy.__struct_fields__ if name not in {"time_limit_ms", "trusted", "remembers_denied"}
)
"""Names of the rules, each with a decision of its own."""

FAIL_CLOSED: Final = GatePolicy()
"""The default: what cannot be judged does not run."""

FAIL_OPEN: Final = GatePolicy(
    error=Decision.ALLOW, timeout=Decision.ALLOW, busy=Decision.ALLOW, unreadable=Decision.ALLOW
)
"""What cannot be judged runs, and is counted. Whoever can make the judge fail passes this gate."""


def read_policy(settings: Mapping[str, object]) -> GatePolicy:
    """Return a policy from plain values, such as a table of a TOML file: `{"medium": "deny", "time_limit_ms": 250}`.

    Raises:
        InvalidConfigError: for an unknown name or a value that is none.
    """
    try:
        return msgspec.convert(settings, GatePolicy)
    except msgspec.ValidationError as error:
        raise InvalidConfigError(f"the policy of a gate cannot be used: {error}") from error


_OF_STATE: Final = {
    State.LEARNING: "the agent's model has seen too few events",
    State.UNKNOWN_AGENT: "there is no model of the agent",
    State.DEGENERATE: "the agent's model cannot tell such events apart",
    State.MALFORMED: "a field of the event cannot be read",
}

_OF_FAILURE: Final = {
    Cause.ERROR: "the judge failed",
    Cause.TIMEOUT: "the judge did not answer in time",
    Cause.BUSY: "too many acts wait for the judge",
    Cause.UNREADABLE: "the request is no event that can be judged",
}


def ruling_on(policy: GatePolicy, result: AnomalyResult) -> Ruling:
    """Return what a policy says of a result: the stricter of the rules for its level and for its state.

    `UNKNOWN` with a state that says why is decided by that state's rule alone.
    """
    rules: list[tuple[Decision, Cause]] = []
    if result.state is not State.JUDGED:
        rules.append((policy.of_state(result.state), Cause.STATE))
    if result.state is State.JUDGED or result.threat_level is not ThreatLevel.UNKNOWN:
        rules.append((policy.of_level(result.threat_level), Cause.LEVEL))
    decision, cause = max(rules, key=lambda one: one[0].rank)
    said = _OF_STATE[result.state] if cause is Cause.STATE else f"level {result.threat_level}"
    reason = _line(said, result.explanation)
    if decision is Decision.ASK and result.state is State.JUDGED and result.agent_id in policy.trusted:
        return Ruling(Decision.ALLOW, Cause.TRUST, reason)
    return Ruling(decision, cause, reason)


def ruling_on_failure(policy: GatePolicy, cause: Cause, detail: str = "") -> Ruling:
    """Return what a policy says of an act that could not be judged; a trusted agent's is no exception."""
    return Ruling(policy.of_failure(cause), cause, _line(_OF_FAILURE[cause], detail))


def _line(*parts: str) -> str:
    return display(redact(": ".join(part for part in parts if part)), limit=_REASON_CHARACTERS)


def _rule(policy: GatePolicy, name: str) -> Decision:
    decision: Decision = getattr(policy, name)
    return decision
