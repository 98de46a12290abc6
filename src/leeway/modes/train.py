"""Rebuild the baselines from raw collections."""

from leeway.modes.bootstrap import bootstrap
from leeway.modes.directory import Directory
from leeway.modes.report import Report
from leeway.modes.request import Request


def train(directory: Directory, request: Request) -> Report:
    """Forget every baseline and event, and learn anew from the sources (row B13); findings and verdicts stay.

    One transaction holds all of it: where it fails or is stopped, what was known before is still known.

    Raises:
        SourceError: where a source cannot be read, or none of its records.
    """
    with directory.database.transaction():
        directory.database.forget_learning()
        return bootstrap(directory, request, mode="train")
