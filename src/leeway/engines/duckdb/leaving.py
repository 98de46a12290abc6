"""When a day is left to the fold."""


class LeaveToFoldError(Exception):
    """The day has something that the tables do not hold exactly; the fold does, and takes its time."""
