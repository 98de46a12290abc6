"""The second grain: what one run of a declared agent did, in order."""

from datetime import datetime

from msgspec import Struct


class Step(Struct, frozen=True, array_like=True, order=True, gc=False):
    """One act of a session, ordered by (time, event id)."""

    time: datetime
    event_id: str
    action: str


class Session(Struct, frozen=True, array_like=True, gc=False):
    """The first steps of one `agent.instance_uid` on one day; merging is a sorted union, cut at the cap."""

    steps: tuple[Step, ...]
    is_cut: bool = False
    """Whether steps beyond the cap were let go."""

    def merge(self, other: "Session", cap: int) -> "Session":
        """Return the session of both, its `cap` first steps."""
        union = sorted({*self.steps, *other.steps})
        return Session(tuple(union[:cap]), self.is_cut or other.is_cut or len(union) > cap)
