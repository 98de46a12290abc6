"""Attach to an audit log: every audit event is scored, and findings are written back."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Lock, local
from typing import Any, Final

from msgspec import Struct

from leeway.gateway.adapters import plain
from leeway.gateway.attempt import Attempt
from leeway.gateway.decisions import Decision
from leeway.gateway.gate import Adapter, Checked, Gate
from leeway.library.threat_level import ThreatLevel
from leeway.text import display, redact

_FIELDS: Final = (
    *("event_type", "timestamp", "sequence", "resource_count", "duration_ms", "success", "tool", "arguments"),
    *("request", "session_id", "destination"),
)
"""What an audit event may say of itself, beside `agent_id`."""

_TEXT: Final = 400
_LOGGED: Final = {ThreatLevel.CRITICAL: logging.CRITICAL, ThreatLevel.HIGH: logging.ERROR}
"""Levels of the standard library for ours; a warning for the others."""


class AuditFinding(dict[str, object]):
    """What is written back of an audit event, as plain values; a record that carries one is never judged itself."""


Report = Callable[[AuditFinding], object] | logging.Logger
"""Where findings go: a callable, or a logger, whose records carry them as their attribute `leeway`."""


class AuditCounts(Struct, frozen=True, kw_only=True):
    """What became of the events of an audit log."""

    seen: int
    judged: int
    unjudged: int
    """Of those seen: the judge failed, or they could not be read."""
    findings: int
    passed: int
    """Records that are no audit event: without an event type, or findings themselves."""
    own: int
    """Records that arose while one was judged or reported: judging them might never end."""
    failures: int
    """Findings that could not be reported, and records that could not be taken."""


class AuditHook:
    """Scores each audit event it is called with, and reports findings. It never raises into the program it watches.

    Args:
        gate: judges. An audit event tells what has happened: its decision stands in the finding and stops nothing.
        report: where findings go.
        least: level from which an event is a finding; what could not be judged always is.
        agent_of: names the agent of an event; its `agent_id` by default.
        adapter: makes an event of what the hook is called with; the gate's own by default.
    """

    def __init__(
        self,
        gate: Gate,
        report: Report,
        *,
        least: ThreatLevel = ThreatLevel.MEDIUM,
        agent_of: Callable[[Any], str] = lambda event: event.get("agent_id", ""),
        adapter: Adapter | None = None,
    ) -> None:
        self._gate = gate
        self._report = report
        self._least = least
        self._agent_of = agent_of
        self._adapter = adapter
        self._within = local()
        self._lock = Lock()
        self._counts = dict.fromkeys(AuditCounts.__struct_fields__, 0)

    @property
    def counts(self) -> AuditCounts:
        """What became of the events so far."""
        with self._lock:
            return AuditCounts(**self._counts)

    def __call__(self, event: object) -> Checked | None:
        """Score an event; return what was found, or None for one that arose while another was scored."""
        if getattr(self._within, "busy", False) or self._gate.is_judging():
            self.count("own")
            return None
        self._within.busy = True
        try:
            return self._scored(event)
        finally:
            self._within.busy = False

    def count(self, what: str) -> None:
        """Count something of `AuditCounts`."""
        with self._lock:
            self._counts[what] += 1

    def _scored(self, event: object) -> Checked:
        self.count("seen")
        agent_id = ""
        with Attempt():  # without a name it cannot be judged, and that is counted there
            agent_id = str(self._agent_of(event) or "")
        checked = self._gate.check_now(agent_id, event, adapter=self._adapter, has_happened=True)
        self.count("judged" if checked.is_judged else "unjudged")
        if checked.result is None or checked.result.threat_level >= self._least:
            self.count("findings")
            with Attempt() as attempt:
                self._tell(finding_of(checked))
            if attempt.error is not None:
                self.count("failures")
        return checked

    def _tell(self, finding: AuditFinding) -> None:
        if not isinstance(self._report, logging.Logger):
            self._report(finding)
            return
        level = ThreatLevel(finding["level"]) if finding["level"] else ThreatLevel.UNKNOWN
        words = f"{finding['agent_id']}: {finding['reason']}"
        self._report.log(_LOGGED.get(level, logging.WARNING), "%s", words, extra={"leeway": finding})


class AuditFeed(logging.Handler):
    """A handler of the standard `logging` that scores each audit event logged, and reports findings.

    It holds no lock while it judges, so that a judge that logs cannot stop itself, and a slow one holds up the
    thread that logs for the policy's time limit at most. Put a `logging.handlers.QueueHandler` before it to hold up
    none.

    Args:
        hook: scores and reports; its adapter sees what `event_of_record` gives.
        event_of: makes a mapping of a record; None for a record that is no audit event.
    """

    def __init__(
        self,
        hook: AuditHook,
        *,
        event_of: Callable[[logging.LogRecord], Mapping[str, object] | None] | None = None,
        level: int = logging.NOTSET,
    ) -> None:
        super().__init__(level)
        self._hook = hook
        self._event_of = event_of or event_of_record

    def handle(self, record: logging.LogRecord) -> bool:
        """Score a record that passes the filters. Without the lock that handlers take around their output."""
        kept = None
        with Attempt() as attempt:
            kept = _kept(record, self.filter(record))
            if kept is not None:
                self.emit(kept)
        if attempt.error is not None:
            self._hook.count("failures")
        return kept is not None

    def emit(self, record: logging.LogRecord) -> None:
        """Score a record."""
        if isinstance(getattr(record, "leeway", None), AuditFinding):
            self._hook.count("passed")
            return
        event = self._event_of(record)
        if event is None:
            self._hook.count("passed")
        else:
            self._hook(event)


def event_of_record(record: logging.LogRecord) -> dict[str, object] | None:
    """Return the audit event of a record: a mapping logged as message, JSON text, or fields given as `extra`.

    Its time is its own, or else that of the record. None where there is no event type.
    """
    given = _as_json(record.msg)
    found: Mapping[str, Any] = given if isinstance(given, Mapping) else record.__dict__
    if found.get("event_type") is None:
        return None
    event = {name: found[name] for name in (*_FIELDS, "agent_id") if found.get(name) is not None}
    if "arguments" in event:
        event["arguments"] = plain(event["arguments"])
    if "timestamp" not in event and "sequence" not in event:
        event["timestamp"] = datetime.fromtimestamp(record.created, UTC)
    return event


def finding_of(checked: Checked) -> AuditFinding:
    """Return a check as plain values, without arguments and request; texts without secrets of a known shape."""
    result, event = checked.result, checked.event
    time = event.timestamp if event else None
    return AuditFinding(
        agent_id=_text(checked.agent_id),
        decision=Decision(checked.decision).value,
        cause=checked.cause.value,
        reason=checked.reason,
        level=result.threat_level.value if result else "",
        state=result.state.value if result else "",
        score=result.anomaly_score if result else None,
        p=result.p if result else None,
        factors=dict(result.contributing_factors) if result else {},
        not_judged=list(result.not_judged) if result else [],
        event_type=_text(event.event_type) if event else "",
        tool=_text(event.tool or "") if event else "",
        session_id=_text(event.session_id or "") if event else "",
        timestamp=time.isoformat() if time else "",
    )


def _kept(record: logging.LogRecord, answer: object) -> logging.LogRecord | None:
    """Return the record to go on with after the filters, which may give another one since Python 3.12."""
    if isinstance(answer, logging.LogRecord):
        return answer
    return record if answer else None


def _as_json(message: object) -> object:
    if not isinstance(message, str) or not message.startswith("{"):
        return message
    try:
        return json.loads(message)
    except (ValueError, RecursionError):
        return message


def _text(given: str) -> str:
    return display(redact(given), limit=_TEXT)
