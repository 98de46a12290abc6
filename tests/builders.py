"""Builders for tests: whole events, summaries, baselines, views and worlds from the few parts a test is about."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from leeway.agents import Actor, AgentKey, IdKey, catalogue
from leeway.baselines import Baseline, Kindred, Reference, compare, trust
from leeway.config import Caps, LearningProfile, Policy, Scope, Settings
from leeway.detectors import ALL, View
from leeway.engines import Fold
from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    DeclaredAgent,
    FileTouched,
    ModuleLoaded,
    NameResolved,
    Process,
    ProcessStarted,
    ToolCalled,
    identified,
)
from leeway.findings import Finding, Severity, Signal, Surprise
from leeway.pipeline import DayEvents, Outcome, Terms, World, close_day
from leeway.summaries import Bound, Summary, SummaryBuilder
from leeway.summaries.builder import Credits

DAY = date(2026, 3, 9)
"""A Monday, the judged day; the days before it are for learning."""

HOST = "h1"
IDS = IdKey(b"tests")
AGENT = "a" * 32
KEY = AgentKey(HOST, "claude", "--resume", None)
ACTOR = Actor(
    host=HOST,
    process="claude",
    parent="bash",
    user="ana",
    command_line="claude --resume",
    chain=("bash", "claude"),
    image="/usr/local/bin/claude",
)
BOUND = Bound(Caps(), IDS)
CLAUDE = Process(image="/usr/local/bin/claude", pid=100, uid="c1", command_line="claude --resume")
BASH = Process(image="/bin/bash", pid=90, uid="b1", command_line="bash -l")


def before(days: int) -> date:
    """Return the day so many days before the judged one."""
    return DAY - timedelta(days=days)


def at(hour: int = 10, minute: int = 0, *, day: date = DAY) -> datetime:
    return datetime.combine(day, time(hour, minute), UTC)


def process(name: str, uid: str | None = None, line: str | None = None, **more: Any) -> Process:  # noqa: ANN401  # fields
    """Return a process; its command line is its name unless one is given."""
    return Process(image=f"/usr/bin/{name}", uid=uid, command_line=name if line is None else line, **more)


def _fields(when: datetime, who: Process | None, more: Mapping[str, Any]) -> dict[str, Any]:
    return {"time": when, "host": HOST, "process": who} | dict(more)


def started(who: Process, parent: Process | None = None, when: datetime = at(), **more: Any) -> ProcessStarted:  # noqa: ANN401, B008  # fields; a value
    return identified(ProcessStarted(parent=parent, **_fields(when, who, more)))


def reached(
    destination: str,
    port: int = 443,
    when: datetime = at(),  # noqa: B008  # a value
    who: Process | None = CLAUDE,
    **more: Any,  # noqa: ANN401  # fields
) -> ConnectionOpened:
    return identified(ConnectionOpened(destination=destination, port=port, **_fields(when, who, more)))


def resolved(name: str, when: datetime = at(), who: Process | None = CLAUDE, **more: Any) -> NameResolved:  # noqa: ANN401, B008  # fields; a value
    return identified(NameResolved(name=name, **_fields(when, who, more)))


def loaded(path: str, when: datetime = at(), who: Process | None = CLAUDE, **more: Any) -> ModuleLoaded:  # noqa: ANN401, B008  # fields; a value
    return identified(ModuleLoaded(path=path, **_fields(when, who, more)))


def touched(
    path: str,
    action: str = "modified",
    when: datetime = at(),  # noqa: B008  # a value
    who: Process | None = CLAUDE,
    **more: Any,  # noqa: ANN401  # fields
) -> FileTouched:
    return identified(FileTouched(path=path, action=action, **_fields(when, who, more)))


def called(tool: str, when: datetime = at(), uid: str = "helpdesk", **more: Any) -> ToolCalled:  # noqa: ANN401, B008  # fields; a value
    run = more.pop("instance_uid", "")
    return identified(ToolCalled(tool=tool, time=when, agent=DeclaredAgent(uid=uid, instance_uid=run), **more))


def redated(events: Iterable[AnyEvent], day: date) -> list[AnyEvent]:
    """Return the events at the same time of another day, under ids of their own."""
    return [identified(_replaced(event, id="", time=datetime.combine(day, event.time.timetz()))) for event in events]


def _replaced(event: AnyEvent, **changes: Any) -> AnyEvent:  # noqa: ANN401  # fields
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return type(event)(**{**fields, **changes})


# Summaries and baselines of one agent, without attribution: every event is its own, or its child's.


def summary_of(events: Iterable[AnyEvent], day: date = DAY, bound: Bound = BOUND, agent: str = AGENT) -> Summary:
    """Return the summary of one agent to which every event is credited; empty where there are none."""
    builder = SummaryBuilder(day, bound)
    for event in events:
        builder.add(event, Credits((agent,), (agent,)), lambda: ACTOR)
    return builder.summaries().get(agent, Summary(agent=agent, day=day))


def learnt(days: Iterable[tuple[date, Sequence[AnyEvent]]], settings: Settings | None = None, **more: Any) -> Baseline:  # noqa: ANN401  # key, agent
    """Return the baseline after trusted days; events are re-dated to their day."""
    baseline: Baseline | None = None
    agent = more.get("agent", AGENT)
    for day, events in days:
        summary = summary_of(redated(events, day), day, agent=agent)
        baseline = trust(
            baseline, more.get("key", KEY), summary, more.get("never", frozenset()), settings or Settings()
        )
    if baseline is None:
        raise AssertionError("a baseline needs a day")
    return baseline


def settled(*events: AnyEvent, days: int = 8, **more: Any) -> Baseline:  # noqa: ANN401  # of `learnt`
    """Return a settled baseline: the same events, ten times a day, on each of the days before the judged one."""
    often = [_replaced(event, id="", time=event.time + timedelta(seconds=n)) for event in events for n in range(10)]
    return learnt([(before(n), often) for n in range(days, 0, -1)], **more)


def reference_of(
    own: Baseline | None, *relatives: Baseline, day: date = DAY, profile: LearningProfile | None = None
) -> Reference:
    profile = profile or LearningProfile()
    return Reference(own, Kindred(relatives, day.toordinal(), profile), day.toordinal(), profile)


def view_of(summary: Summary, reference: Reference, policy: Policy | None = None, key: AgentKey = KEY) -> View:
    """Return what a detector sees."""
    candidates = compare(summary, reference)
    has_relative = bool(reference.relatives)
    return View(summary.agent, key, summary, reference, candidates, policy or Policy(), has_relative)


def signal(kind: str, value: tuple[str, ...] = ("x",), **more: Any) -> Signal:  # noqa: ANN401  # fields
    fields: dict[str, Any] = {
        "agent": AGENT,
        "severity": Severity.MEDIUM,
        "evidence": (),
        "first": at(),
        "last": at(),
        "hours": 1 << 10,
        "event_ids": ("e1",),
        "surprise": Surprise(0.5, 0, calibrated=False),
    }
    return Signal(**{**fields, "type": kind, "value": value, **more})


def finding(kind: str = "new_child", value: tuple[str, ...] = ("x",), **more: Any) -> Finding:  # noqa: ANN401  # fields
    fields: dict[str, Any] = {
        "finding_id": "f1",
        "case_id": "k1",
        "agent": AGENT,
        "agent_name": "claude",
        "severity": Severity.MEDIUM,
        "day": DAY,
        "first": at(),
        "last": at(),
        "evidence": (),
        "event_ids": ("e1",),
        "surprise": Surprise(0.5, 0, calibrated=False),
    }
    return Finding(**{**fields, "type": kind, "value": value, **more})


# Whole days.


def terms(**changes: Any) -> Terms:  # noqa: ANN401  # fields of Terms, of Settings, and `scope` as text
    """Return terms under the key of the tests, with some changes."""
    settings = changes.pop("settings", Settings(scope=changes.pop("scope", Scope())))
    whole = Terms(IDS, settings, Policy(), catalogue(), Fold(), ALL)
    return whole._replace(**changes)


def closed(  # one argument a part of a day
    world: World,
    day: date,
    judged: Iterable[AnyEvent] = (),
    trusted: Iterable[AnyEvent] = (),
    under: Terms | None = None,
    *,
    is_final: bool = True,
) -> Outcome:
    """Close (or look at) one day."""
    return close_day(world, DayEvents(day, tuple(judged), tuple(trusted)), under or terms(), is_final=is_final)


def week(events: Sequence[AnyEvent], days: int = 8, under: Terms | None = None) -> World:
    """Return the world after so many trusted days that all showed the same events, the last one yesterday's."""
    world = World()
    for number in range(days, 0, -1):
        day = before(number)
        world = closed(world, day, trusted=redated(events, day), under=under).world
    return world


# Events of one agent over a few values, so that days overlap.

_HOSTS = ("api.anthropic.com", "cdn.example.org", "www.example.org", "192.0.2.7", "192.0.2.9", "198.51.100.4", "")
_CHILDREN = ("git", "bash", "rg", "curl")
_LINES = ("git status", "git push --force", "bash -c ls", "rg x", None)
_MODULES = ("/lib/libssl.so.3", "/lib/libcrypto.so.3", "/tmp/x.so")  # noqa: S108  # a path on another machine
_PATHS = ("/srv/a/one.txt", "/srv/a/two.txt", "/srv/b/models/m.gguf", "/home/ana/n.safetensors", "/etc/passwd")
_USERS = ("ana", "root", None)


def pooled(day: date = DAY) -> st.SearchStrategy[AnyEvent]:
    """Events of one day by one process or declared agent, over a few values."""
    times = st.builds(at, st.integers(0, 23), st.integers(0, 59), day=st.just(day))
    users = st.sampled_from(_USERS)
    bytes_out = st.sampled_from((None, 0, 1, 1_000, 5_000_000, 1 << 40))
    child = st.builds(process, st.sampled_from(_CHILDREN), line=st.sampled_from(_LINES))
    return st.one_of(
        st.builds(
            reached,
            st.sampled_from(_HOSTS),
            st.sampled_from((443, 22, 50_000)),
            times,
            user=users,
            bytes_out=bytes_out,
            bytes_in=bytes_out,
            outbound=st.booleans(),
        ),
        st.builds(resolved, st.sampled_from(_HOSTS[:3]), times, user=users),
        st.builds(started, child, st.just(CLAUDE), times, user=users),
        st.builds(loaded, st.sampled_from(_MODULES), times, digest=st.sampled_from((None, "ab", "CD"))),
        st.builds(
            touched,
            st.sampled_from(_PATHS),
            st.sampled_from(("read", "created", "modified", "deleted")),
            times,
            user=users,
        ),
        st.builds(
            called,
            st.sampled_from(("search", "send_mail")),
            times,
            instance_uid=st.sampled_from(("", "r1", "r2")),
            arguments=st.sampled_from(({}, {"to": "x"}, {"to": "y", "body": "z"})),
            duration_us=st.sampled_from((None, 10, 7_000)),
        ),
    )


def distinct(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """Return the events without those that have the same id."""
    return list({event.id: event for event in events}.values())


def days_of(day: date = DAY, *, most: int = 25) -> st.SearchStrategy[list[AnyEvent]]:
    """The events of one agent's day, without duplicates."""
    return st.lists(pooled(day), max_size=most).map(distinct)
