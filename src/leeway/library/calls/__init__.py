"""Judging tool calls by what an agent and its cohort do with tools when all is well."""

from leeway.library.calls.cohorts import Cohorts, calls_of, sessions_of
from leeway.library.calls.fitting import fit
from leeway.library.calls.model import CallModel
from leeway.library.calls.session import Reason, SessionResult
from leeway.library.calls.stored import from_json, to_json

__all__ = ["CallModel", "Cohorts", "Reason", "SessionResult", "calls_of", "fit", "from_json", "sessions_of", "to_json"]
