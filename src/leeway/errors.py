"""Every error raised on purpose, sorted by whose fault it is.

The command line catches `LeewayError` at its door and prints the message with its hint; anything else is a bug and
keeps its traceback.
"""


class LeewayError(Exception):
    """Something went wrong that the caller can understand and act on; `hint` says how."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InvalidEventError(LeewayError, ValueError):
    """A record cannot be an event: the data's fault. The record is counted as rejected, the rest goes on."""


class InvalidConfigError(LeewayError, ValueError):
    """A setting, policy or rule cannot be used: the configuration's fault. The message starts with `file:line`."""


class SourceError(LeewayError):
    """A feed as a whole cannot be read."""


class StateError(LeewayError):
    """What is on disk is not what was written, or was written by another version."""


class DirectoryInUseError(LeewayError):
    """Another run holds the output directory."""


class NotFoundError(LeewayError, LookupError):
    """What the caller named (a case, an agent, a source) is not there."""


class UnsupportedError(LeewayError):
    """The request is understood and this version cannot do it."""
