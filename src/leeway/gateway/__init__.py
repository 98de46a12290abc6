"""A gate before an agent's acts: each is judged before it runs, and a policy decides: allow, ask or deny."""

from leeway.gateway.adapters import mcp_call, plain, read_json, tool_call
from leeway.gateway.asgi import AsgiSettings, GateMiddleware, HttpRequest
from leeway.gateway.audit import AuditCounts, AuditFeed, AuditFinding, AuditHook, event_of_record
from leeway.gateway.decisions import FAIL_CLOSED, FAIL_OPEN, Cause, Decision, GatePolicy, read_policy
from leeway.gateway.gate import Checked, Gate, Judge, Meter
from leeway.gateway.metrics import Metrics
from leeway.gateway.sessions import Bounds
from leeway.gateway.tally import Counts
from leeway.gateway.tools import ApprovalNeededError, DeniedError, Guard

__all__ = [
    "FAIL_CLOSED",
    "FAIL_OPEN",
    "ApprovalNeededError",
    "AsgiSettings",
    "AuditCounts",
    "AuditFeed",
    "AuditFinding",
    "AuditHook",
    "Bounds",
    "Cause",
    "Checked",
    "Counts",
    "Decision",
    "DeniedError",
    "Gate",
    "GateMiddleware",
    "GatePolicy",
    "Guard",
    "HttpRequest",
    "Judge",
    "Meter",
    "Metrics",
    "event_of_record",
    "mcp_call",
    "plain",
    "read_json",
    "read_policy",
    "tool_call",
]
