"""An audit log end to end: every event scored, findings written back, the program never disturbed."""

import json
import logging
import logging.handlers
import queue
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from threading import Thread

import pytest
from gateway_judge import AGENT, NOON, TableJudge, halting_gate, raising, result

from leeway.gateway import (
    AuditFeed,
    AuditFinding,
    AuditHook,
    Bounds,
    Cause,
    Decision,
    Gate,
    GatePolicy,
    event_of_record,
)
from leeway.library.results import AnomalyResult
from leeway.library.security_event import SecurityEvent
from leeway.library.threat_level import ThreatLevel


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """A logger as an application has it; what a test hangs on it is taken off."""
    logger = logging.getLogger("app.audit")
    logger.setLevel(logging.INFO)
    yield logger
    for one in list(logger.handlers):
        logger.removeHandler(one)


def audit(tool: str = "search", **more: object) -> dict[str, object]:
    return {"agent_id": AGENT, "event_type": "tool_called", "timestamp": NOON, "tool": tool, **more}


def test_every_event_is_scored_and_findings_are_written_back(log: logging.Logger) -> None:
    judge, found = TableJudge(), list[AuditFinding]()
    with Gate(judge) as gate:
        hook = AuditHook(gate, found.append)
        log.addHandler(AuditFeed(hook))
        for tool in ("search", "medium_one", "high_one", "search"):
            log.info("called %s", tool, extra=audit(tool))
    assert [event.tool for _, event, _ in judge.asked] == ["search", "medium_one", "high_one", "search"]
    assert [(one["tool"], one["level"], one["decision"]) for one in found] == [
        ("medium_one", "medium", "ask"),
        ("high_one", "high", "deny"),
    ]
    assert (hook.counts.seen, hook.counts.judged, hook.counts.findings) == (4, 4, 2)
    assert (hook.counts.own, hook.counts.failures, hook.counts.passed) == (0, 0, 0)


def test_a_finding_says_why_and_no_secret() -> None:
    found: list[AuditFinding] = []
    with Gate(TableJudge()) as gate:
        event = audit("high_token=hunter2hunter2", arguments={"password": "hunter2hunter2"}, request="hunter2hunter2")
        AuditHook(gate, found.append)(event)
    finding = found[0]
    assert finding["agent_id"] == AGENT
    assert finding["timestamp"] == "2026-03-09T12:00:00+00:00"
    assert finding["event_type"] == "tool_called"
    assert (finding["level"], finding["state"], finding["score"]) == ("high", "judged", 0.952182)
    assert "hunter2" not in json.dumps(finding)


def test_findings_go_to_another_logger(log: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    findings = logging.getLogger("app.findings")
    with Gate(TableJudge()) as gate, caplog.at_level(logging.INFO, logger="app.findings"):
        log.addHandler(AuditFeed(AuditHook(gate, findings, least=ThreatLevel.LOW)))
        for tool in ("search", "low_one", "high_one", "critical_one"):
            log.info("-", extra=audit(tool))
    records = [one for one in caplog.records if one.name == "app.findings"]
    assert [one.levelname for one in records] == ["WARNING", "ERROR", "CRITICAL"]
    assert records[1].getMessage() == f"{AGENT}: level high: said high"
    assert isinstance(records[1].leeway, AuditFinding)  # type: ignore[attr-defined]  # the extra
    assert records[1].leeway["p"] == 0.0005  # type: ignore[attr-defined]  # likewise


def test_findings_written_to_the_audit_log_itself_are_not_judged(log: logging.Logger) -> None:
    judge = TableJudge()
    with Gate(judge) as gate:
        hook = AuditHook(gate, log)
        log.addHandler(AuditFeed(hook))
        log.info("-", extra=audit("high_one"))
    assert (len(judge.asked), hook.counts.seen, hook.counts.findings, hook.counts.passed) == (1, 1, 1, 1)


def test_nor_are_they_on_their_way_through_a_queue(log: logging.Logger) -> None:
    judge, waiting = TableJudge(), queue.SimpleQueue[logging.LogRecord]()
    with Gate(judge) as gate:
        hook = AuditHook(gate, log)
        log.addHandler(logging.handlers.QueueHandler(waiting))
        listener = logging.handlers.QueueListener(waiting, AuditFeed(hook))
        log.info("-", extra=audit("high_one"))
        listener.start()
        while hook.counts.passed < 1:
            time.sleep(0.001)
        listener.stop()
    assert (len(judge.asked), hook.counts.seen, hook.counts.passed) == (1, 1, 1)


@pytest.mark.parametrize("workers", [0, 4])
def test_a_judge_that_logs_to_the_log_it_judges_does_not_stop_itself(log: logging.Logger, workers: int) -> None:
    class Loud:
        def detect(self, agent_id: str, event: SecurityEvent, *, recent: Sequence[SecurityEvent] = ()) -> AnomalyResult:
            del recent
            log.info("judging", extra=audit("from_the_judge"))
            return result(ThreatLevel.HIGH, agent=agent_id, why=event.event_type)

    with Gate(Loud(), policy=GatePolicy(time_limit_ms=5000), bounds=Bounds(workers=workers)) as gate:
        hook = AuditHook(gate, lambda _: log.info("reporting", extra=audit("from_the_report")))
        log.addHandler(AuditFeed(hook))
        log.info("-", extra=audit())
    assert (hook.counts.seen, hook.counts.own, hook.counts.findings) == (1, 2, 1)


# The program is not disturbed


def broken(_: object) -> None:
    raise ConnectionError("the mail server is gone")


def test_a_report_that_fails_is_counted(log: logging.Logger) -> None:
    with Gate(TableJudge()) as gate:
        hook = AuditHook(gate, broken)
        log.addHandler(AuditFeed(hook))
        log.info("-", extra=audit("high_one"))
    assert (hook.counts.findings, hook.counts.failures) == (1, 1)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(None, id="nothing"),
        pytest.param(7, id="a number"),
        pytest.param({}, id="no fields"),
        pytest.param({"agent_id": None, "event_type": "x", "timestamp": NOON}, id="no agent"),
        pytest.param({"agent_id": ["a"], "event_type": 5, "timestamp": NOON}, id="types"),
        pytest.param({"agent_id": AGENT, "event_type": "x", "timestamp": "then"}, id="no time"),
        pytest.param({"agent_id": AGENT, "event_type": "\ud800", "timestamp": datetime.max}, id="hostile"),  # noqa: DTZ901  # meant
    ],
)
def test_an_event_that_cannot_be_read_is_a_finding(event: object) -> None:
    found: list[AuditFinding] = []
    with Gate(TableJudge()) as gate:
        hook = AuditHook(gate, found.append)
        checked = hook(event)
    assert checked is not None
    assert checked.cause is Cause.UNREADABLE
    assert (hook.counts.unjudged, hook.counts.findings, hook.counts.failures) == (1, 1, 0)
    assert (found[0]["level"], found[0]["cause"]) == ("", "unreadable")
    json.dumps(found[0]).encode()


def test_a_judge_that_fails_or_hangs_is_a_finding_that_says_so(log: logging.Logger) -> None:
    found: list[AuditFinding] = []
    with Gate(raising(MemoryError())) as gate:
        log.addHandler(AuditFeed(AuditHook(gate, found.append)))
        log.info("-", extra=audit())
    with halting_gate(GatePolicy(time_limit_ms=20)) as slow:
        log.addHandler(AuditFeed(AuditHook(slow, found.append)))
        log.handlers.pop(0)
        log.info("-", extra=audit())
    assert [one["cause"] for one in found] == ["error", "timeout"]
    assert [one["reason"] for one in found] == [
        "the judge failed: MemoryError",
        "the judge did not answer in time",
    ]


def test_a_reader_and_a_filter_that_fail_are_counted(log: logging.Logger) -> None:
    def reader(record: logging.LogRecord) -> Mapping[str, object] | None:
        raise LookupError(record.name)

    with Gate(TableJudge()) as gate:
        hook = AuditHook(gate, broken)
        log.addHandler(AuditFeed(hook, event_of=reader))
        log.info("-", extra=audit())
        log.handlers[0].addFilter(lambda _: 1 / 0 > 0)
        log.info("-", extra=audit())
    assert (hook.counts.failures, hook.counts.seen) == (2, 0)


def test_levels_and_filters_hold(log: logging.Logger) -> None:
    with Gate(TableJudge()) as gate:
        hook = AuditHook(gate, broken)
        feed = AuditFeed(hook, level=logging.WARNING)
        feed.addFilter(lambda record: record.getMessage() != "skip")
        log.addHandler(feed)
        log.info("-", extra=audit())
        log.warning("skip", extra=audit())
        log.warning("-", extra=audit())
    assert hook.counts.seen == 1


def test_many_threads_log(log: logging.Logger) -> None:
    judge = TableJudge()
    with Gate(judge, policy=GatePolicy(time_limit_ms=30_000)) as gate:
        hook = AuditHook(gate, lambda _: None)
        log.addHandler(AuditFeed(hook))
        threads = [Thread(target=lambda: [log.info("-", extra=audit("high_one")) for _ in range(50)]) for _ in range(6)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert (hook.counts.seen, hook.counts.judged, hook.counts.findings, hook.counts.own) == (300, 300, 300, 0)


def test_a_host_s_own_fields() -> None:
    judge = TableJudge()
    with Gate(judge) as gate:
        hook = AuditHook(
            gate,
            lambda _: None,
            agent_of=lambda row: row[0],
            adapter=lambda row: {"event_type": row[1], "timestamp": NOON},
        )
        assert hook(("reader", "file_read")) is not None
    assert [(agent, event.event_type) for agent, event, _ in judge.asked] == [("reader", "file_read")]


# What a record says


def record(message: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("app", logging.INFO, __file__, 1, message, None, None)
    made.__dict__.update(extra, created=NOON.timestamp())
    return made


READ = {"agent_id": AGENT, "event_type": "call", "timestamp": NOON}


@pytest.mark.parametrize(
    ("made", "event"),
    [
        pytest.param(record("x", agent_id=AGENT, event_type="call"), READ, id="fields"),
        pytest.param(record({"agent_id": AGENT, "event_type": "call", "colour": "red"}), READ, id="a mapping"),
        pytest.param(record('{"agent_id": "planner", "event_type": "call"}'), READ, id="JSON"),
        pytest.param(record('{"event_type": "call"', agent_id=AGENT, event_type="call"), READ, id="no JSON"),
        pytest.param(record("x", **READ, arguments={"a": {1, 2}}), READ | {"arguments": {"a": [1, 2]}}, id="arguments"),
        pytest.param(record("x", event_type="call", sequence=4), {"event_type": "call", "sequence": 4}, id="sequence"),
        pytest.param(record('{"message": "started"}'), None, id="no audit event"),
        pytest.param(record("started"), None, id="a line"),
        pytest.param(record(7), None, id="a number"),
        pytest.param(record("[" * 100_000), None, id="deep"),
    ],
)
def test_what_a_record_says(made: logging.LogRecord, event: dict[str, object] | None) -> None:
    assert event_of_record(made) == event


def test_a_line_that_is_no_audit_event_passes(log: logging.Logger) -> None:
    with Gate(TableJudge()) as gate:
        hook = AuditHook(gate, broken)
        log.addHandler(AuditFeed(hook))
        log.info("started")
    assert (hook.counts.passed, hook.counts.seen) == (1, 0)


def test_its_time_is_that_of_the_record_and_its_history_that_of_its_session() -> None:
    judge = TableJudge()
    with Gate(judge) as gate:
        feed = AuditFeed(AuditHook(gate, broken))
        for session in ("s", "t", "s"):
            feed.handle(record("x", agent_id=AGENT, event_type="call", session_id=session))
    assert [event.timestamp for _, event, _ in judge.asked] == [datetime(2026, 3, 9, 12, tzinfo=UTC)] * 3
    assert [len(recent) for _, _, recent in judge.asked] == [0, 0, 1]


@pytest.mark.parametrize("remembers", [False, True])
def test_what_an_audit_log_tells_of_has_happened(*, remembers: bool) -> None:
    judge = TableJudge()
    with Gate(judge, policy=GatePolicy(remembers_denied=remembers)) as gate:
        hook = AuditHook(gate, lambda _: None)
        checked = hook(audit("high_one", success=True))
        hook(audit())
    assert checked is not None
    assert checked.decision is Decision.DENY
    assert [(one.tool, one.success) for one in judge.asked[-1][2]] == [("high_one", True)]
