"""The fleet: all agents, hosts and days of one seed, and the truth about them."""

from collections.abc import Collection, Iterator
from datetime import datetime
from functools import cached_property

from leeway.config import Policy
from leeway.events import AnyEvent
from leeway.testing.fleet.arrival import arrived
from leeway.testing.fleet.behaviour import digest_of_run
from leeway.testing.fleet.clock import BOOTSTRAP_DAYS, DAYS, START
from leeway.testing.fleet.hosts import HOSTS
from leeway.testing.fleet.noise import noise_of
from leeway.testing.fleet.policy import policy
from leeway.testing.fleet.stories import Story, stories
from leeway.testing.fleet.tools import DECLARED, Declared, calls_of
from leeway.testing.fleet.truth import Drift, Release, SimulatedAgent, Truth


class Fleet:
    """Nine days of telemetry of a made-up fleet with known truth; the same seed gives the same bytes.

    Days 1 to 7 (Monday to Sunday) are for learning, days 8 and 9 are judged. `without` names drifts that do not
    happen; everything else is the same then, event by event.

    >>> Fleet(1).start.isoformat(), Fleet(1).days, Fleet(1).bootstrap_days
    ('2026-03-02T00:00:00+00:00', 9, 7)
    """

    start: datetime = START
    days: int = DAYS
    bootstrap_days: int = BOOTSTRAP_DAYS

    def __init__(self, seed: int, *, without: Collection[str] = ()) -> None:
        self.seed = seed
        self._without = frozenset(without)

    def events(self) -> Iterator[AnyEvent]:
        """Yield the events in order of arrival: some late by up to 20 h, some twice under one id."""
        return iter(self._arrived)

    @cached_property
    def policy(self) -> Policy:
        """The allow lists that some drifts leave."""
        return policy()

    @cached_property
    def agents(self) -> tuple[SimulatedAgent, ...]:
        """The agents that are seen, those without a drift included."""
        hosted = (_hosted(story) for story in self._stories if story.events)
        return (*hosted, *(_declared(who, calls) for who, calls in self._calls))

    @cached_property
    def truth(self) -> Truth:
        """Which events are whose, and which are drifts or releases."""
        ids = {story.who.label: _ids(story.events) for story in self._stories if story.events}
        labels = {story.who.member.repo: story.who.label for story in self._stories}
        for story in self._stories:
            if story.who.member.spawned_by:
                ids[labels[story.who.member.spawned_by]] += ids[story.who.label]
        ids |= {who.label: _ids(calls) for who, calls in self._calls}
        drifts = tuple(_drift(story) for story in self._stories if story.drift)
        return Truth(ids, drifts, tuple(_release(story) for story in self._stories if story.release))

    @cached_property
    def _stories(self) -> tuple[Story, ...]:
        return stories(self.seed, self._without)

    @cached_property
    def _calls(self) -> tuple[tuple[Declared, list[AnyEvent]], ...]:
        days = range(1, DAYS + 1)
        return tuple((who, [event for day in days for event in calls_of(self.seed, who, day)]) for who in DECLARED)

    @cached_property
    def _arrived(self) -> list[AnyEvent]:
        events = [event for story in self._stories for event in story.events]
        for host in HOSTS.values():
            for day in range(1, DAYS + 1):
                events += noise_of(self.seed, host, day).events
        events += [event for _, calls in self._calls for event in calls]
        return arrived(events)


def _ids(events: list[AnyEvent]) -> tuple[str, ...]:
    return tuple(event.id for event in events)


def _hosted(story: Story) -> SimulatedAgent:
    who, (day, place) = story.who, min(story.lives)
    first = story.lives[day, place]
    return SimulatedAgent(
        label=who.label,
        host=who.host.name,
        image=first.instance.full.image,
        command_line=first.instance.full.command_line or "",
        user=who.member.user,
        unit=who.member.unit,
        digest=digest_of_run(who, day, first.run.version),
        signer=who.member.signer,
        first_day=day,
    )


def _declared(who: Declared, calls: list[AnyEvent]) -> SimulatedAgent:
    first = min(event.time for event in calls)
    return SimulatedAgent(
        label=who.label,
        host=who.host.name,
        image="",
        command_line="",
        user="",
        unit=None,
        digest="",
        signer=None,
        first_day=(first - START).days + 1,
        declared_uid=who.uid,
    )


def _drift(story: Story) -> Drift:
    if story.who.member.drift is None:
        raise AssertionError("a drift is written only for a row that names one")
    times = [event.time for event in story.drift]
    return Drift(
        id=story.drift_id,
        agent=story.who.label,
        type=story.who.member.drift,
        first=min(times),
        last=max(times),
        event_ids=_ids(story.drift),
    )


def _release(story: Story) -> Release:
    times = [event.time for event in story.release]
    return Release(agent=story.who.label, first=min(times), last=max(times), event_ids=_ids(story.release))
