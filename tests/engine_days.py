"""Days in a row on which engines must equal the fold: families of processes, contradictions, skewed clocks, odd texts.

An act is made from a number and a day: the same number is the same act on every day. What is done on all days is a list
of numbers, what is new on a day another one, so that a failing example shrinks to the few acts that it takes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from builders import DAY
from leeway.config import Caps, LearningProfile, Policy, Resources, Settings, parse_scope
from leeway.config.policy import Rule
from leeway.engines.duckdb.session import open_session, quoted
from leeway.events import (
    COLUMNS,
    INSTANTS,
    AnyEvent,
    ConnectionOpened,
    DeclaredAgent,
    FileTouched,
    Heartbeat,
    ModuleLoaded,
    NameResolved,
    Process,
    ProcessEnded,
    ProcessStarted,
    SignatureChecked,
    ToolCalled,
    identified,
    row_of,
)
from mixed_days import ALIASES
from mixed_days import NAMES as MANY_NAMES


class Run(NamedTuple):
    """One run of a program: what sensors say of it, where they say several things, and who started it."""

    images: tuple[str, ...]
    lines: tuple[str | None, ...]
    parent: str | None
    pid: int | None = None
    unit: str | None = None


SNAPSHOT = "bash -c -l source /home/ana/.claude/shell-snapshots/snapshot-bash-1.sh && eval 'ls -l'"
ODD_UID = "u'1\"\x00ü"

RUNS: Mapping[str, Run] = {
    "s1": Run(("/usr/sbin/sshd",), (None,), None, pid=7),
    "b1": Run(("/bin/bash",), ("bash -l", None), "s1", pid=90),
    "c1": Run(("/usr/local/bin/claude", "claude"), ("claude --resume", "claude --model opus", None), "b1", pid=100),
    "w1": Run(("/bin/bash",), ("bash -c 'git push'", "bash -c ls", SNAPSHOT), "c1"),
    "g1": Run(("/usr/bin/git",), ("git push", "git status", ""), "w1", pid=120),
    "x1": Run(("/usr/bin/codex",), ("codex exec", "codex exec --full"), "g1"),
    "p1": Run(("/usr/bin/pip", "/home/ana/Downloads/pip"), ("pip install rich",), "x1", pid=100),
    "n1": Run(("/usr/bin/node",), ("node app.js", "node app.js --port 8080"), "b1"),
    "w2": Run(("/bin/bash",), (SNAPSHOT, "bash -c ls"), "n1"),
    "v1": Run(("/usr/bin/python3", ""), ("python3 serve.py", ""), None, unit="claude.service"),
    "r1": Run(("/usr/bin/codex",), ("codex one",), "r2"),
    "r2": Run(("/usr/bin/codex",), ("codex two",), None),
    ODD_UID: Run(('/opt/o\'ne "two"\x00', "/opt/日本/claude"), ("claude 'x'\r\n", "\x00"), "b1"),
}
"""Nested agents up to four deep, an agent that only its acts give away, one that runs as a unit, odd texts."""

UIDS = tuple(RUNS)
OFTEN = ("c1", "c1", "x1", "n1", "p1", "v1", "b1", "w1", "g1")

TIMES = (
    time(0),
    time(9),
    time(9),
    time(9),
    time(9, 0, 0, 1),
    time(9, 59, 59, 999_999),
    time(13, 30),
    time(17),
    time(23, 59, 59, 999_999),
)
PLACES = (
    "api.anthropic.com",
    "pypi.org",
    "pypi.org",
    "upload.pythonhosted.org",
    "www.example.org",
    "cdn.example.org",
    "EXAMPLE.org.",
    "",
    "203.0.113.7",
    "203.0.113.9",
    "198.51.100.4",
    "2001:db8::1",
    "localhost",
    "ünï.example",
    "a'b\x00",
)
PATHS = (
    "/srv/m.gguf",
    "/home/ana/n.safetensors",
    "/home/ana/.claude/settings.json",
    "/etc/passwd",
    "/srv/a/one.txt",
    "C:\\Temp\\two.txt",
    "",
    "/srv/'\x00",
)
MODULES = ("/lib/libssl-1a2b3c4d.so.3", "/lib/libssl-5e6f7a8b.so.3", "/opt/libtorch.so", "", "/lib/libc.so.6")
DIGESTS = (None, None, "ab", "AB", "cd", "")
SIGNERS = (None, "Anthropic, PBC", "Another Ltd", "")
USERS = ("ana", "ana", "root", None, "", "o'neil")
AMOUNTS = (None, 0, 1, 2, 3, 900, (1 << 31) + 1, 1 << 62)
DECLARED = ("helpdesk", "bot'\x00", "")
ODD_IDS = ("", "'", '"', "\x00", "é", "日", "😀", "Z", "a", "~", "%s", "\\")


class Cast(NamedTuple):
    """Who is there."""

    hosts: tuple[str, ...]
    is_named: bool = True
    """Whether every process goes by the sensor's own id."""
    is_daily: bool = False
    """Whether programs run anew on every day, under ids of that day."""

    def on(self, day: date) -> "Cast":
        """Return the cast of a day."""
        return self._replace(run=f"-{day.toordinal()}") if self.is_daily else self

    run: str = ""
    """What follows the ids of the day's processes."""


def act(number: int, day: date, cast: Cast) -> AnyEvent:
    """Return the act of a number on a day."""
    cast = cast.on(day)
    rng = Random(number)  # noqa: S311  # variety, no secret
    kind = rng.choice(_KINDS)
    shared: dict[str, Any] = {
        "time": datetime.combine(day, rng.choice(TIMES), UTC),
        "host": rng.choice(cast.hosts),
        "user": rng.choice(USERS),
    }
    if rng.random() < 0.1:
        shared["agent"] = DeclaredAgent(
            uid=rng.choice(("helpdesk", "bot'\x00", "")), instance_uid=rng.choice(("", "r"))
        )
    event = kind(rng, shared, cast)
    if rng.random() < 0.15:
        return msgspec.structs.replace(event, id=f"{rng.choice(ODD_IDS)}{number % 7}")
    return identified(event)


def _uid(rng: Random) -> str:
    return rng.choice(OFTEN if rng.random() < 0.7 else UIDS)


def _process(rng: Random, uid: str, cast: Cast, *, whole: bool = False) -> Process:
    """Return a process as a sensor may name it: most say little after the start, some say it differently."""
    run = RUNS[uid]
    says = whole or rng.random() < 0.2
    return Process(
        image=rng.choice(run.images) if rng.random() < 0.2 else run.images[0],
        uid=uid + cast.run if cast.is_named or rng.random() < 0.8 else None,
        pid=run.pid,
        command_line=(rng.choice(run.lines) if rng.random() < 0.2 else run.lines[0]) if says else None,
        started=_skewed(rng) if rng.random() < 0.1 else None,
        sha1=rng.choice((None, "A9", "a8", "")) if rng.random() < 0.2 else None,
    )


def _skewed(rng: Random) -> datetime:
    return datetime(2026, 3, rng.choice((1, 8, 9, 10)), rng.choice((0, 9, 23)), tzinfo=UTC)


def _who(rng: Random, cast: Cast) -> Process | None:
    return _process(rng, _uid(rng), cast) if rng.random() < 0.95 else None


def _started(rng: Random, shared: dict[str, Any], cast: Cast) -> AnyEvent:
    uid = _uid(rng)
    usual = RUNS[uid].parent
    parent = usual if rng.random() < 0.8 else rng.choice((None, *UIDS))
    return ProcessStarted(
        **shared,
        process=_process(rng, uid, cast, whole=True) if rng.random() < 0.98 else None,
        parent=None if parent is None else _process(rng, parent, cast),
        digest=rng.choice(DIGESTS),
        signer=rng.choice(SIGNERS) if rng.random() < 0.2 else None,
        unit=RUNS[uid].unit if rng.random() < 0.8 else rng.choice((None, "", "other.service")),
    )


def _ended(rng: Random, shared: dict[str, Any], cast: Cast) -> AnyEvent:
    return ProcessEnded(**shared, process=_process(rng, rng.choice(UIDS), cast))


def _reached(rng: Random, shared: dict[str, Any], cast: Cast) -> AnyEvent:
    return ConnectionOpened(
        **shared,
        process=_who(rng, cast),
        destination=rng.choice(PLACES),
        port=rng.choice((443, 443, 22, 0, 11_434, 49_151, 49_152, 65_535)),
        address=rng.choice((None, None, "", "198.51.100.9", "no address")),
        outbound=rng.random() < 0.85,
        bytes_out=rng.choice(AMOUNTS),
        bytes_in=rng.choice(AMOUNTS),
        range=rng.choice((None, None, "", "cloud/one", "cloud/two")),
    )


def _resolved(rng: Random, shared: dict[str, Any], cast: Cast) -> AnyEvent:
    return NameResolved(**shared, process=_who(rng, cast), name=rng.choice(PLACES))


def _loaded(rng: Random, shared: dict[str, Any], cast: Cast) -> AnyEvent:
    who = _who(rng, cast)
    own = who.image.upper() if who and rng.random() < 0.5 else ""
    return ModuleLoaded(
        **shared,
        process=who,
        path=own or rng.choice(MODULES),
        digest=rng.choice(DIGESTS),
        sha1=rng.choice((None, "a9", "A8")),
        signer=rng.choice(SIGNERS) if rng.random() < 0.3 else None,
    )


def _touched(rng: Random, shared: dict[str, Any], cast: Cast) -> AnyEvent:
    actions = ("read", "created", "modified", "renamed", "deleted")
    return FileTouched(**shared, process=_who(rng, cast), path=rng.choice(PATHS), action=rng.choice(actions))


def _called(rng: Random, shared: dict[str, Any], cast: Cast) -> AnyEvent:
    agent = DeclaredAgent(uid=rng.choice(("helpdesk", *DECLARED)), instance_uid=rng.choice(("", "r1", "r'2")))
    arguments = rng.choice(({}, {"to": "x"}, {"to": "y", "body": "z"}, {"": ""}, {"b'\x00": "", "a": "1"}))
    return ToolCalled(
        **{**shared, "agent": agent, "host": rng.choice((shared["host"], ""))},
        process=_process(rng, _uid(rng), cast) if rng.random() < 0.4 else None,
        tool=rng.choice(("search", "send_mail", "")),
        arguments=arguments,
        duration_us=rng.choice(AMOUNTS),
    )


def _signed(rng: Random, shared: dict[str, Any], _: Cast) -> AnyEvent:
    return SignatureChecked(**shared, digest=rng.choice(("ab", "AB", "cd", "a9", "")), signer=rng.choice(SIGNERS[1:]))


def _alive(_: Random, shared: dict[str, Any], __: Cast) -> AnyEvent:
    return Heartbeat(**shared)


_KINDS: tuple[Callable[[Random, dict[str, Any], Cast], AnyEvent], ...] = (
    *(_started,) * 6,
    _ended,
    *(_reached,) * 6,
    _resolved,
    *(_loaded,) * 3,
    *(_touched,) * 3,
    *(_called,) * 3,
    _signed,
    _alive,
)


def ordinary(day: date, cast: Cast) -> list[AnyEvent]:
    """Return what happens on every day: agents that settle, one within the other, and one that is declared."""

    def at(hour: int) -> dict[str, Any]:
        return {"time": datetime.combine(day, time(hour), UTC), "host": cast.hosts[0], "user": "ana"}

    claude, codex, git, bash, served = (
        Process(image=RUNS[uid].images[0], uid=uid + cast.on(day).run, command_line=RUNS[uid].lines[0])
        for uid in ("c1", "x1", "g1", "b1", "v1")
    )
    declared = DeclaredAgent(uid="helpdesk")
    acts = [
        ProcessStarted(**at(8), process=claude, parent=bash, digest="ab"),
        ProcessStarted(**at(9), process=git, parent=claude),
        ProcessStarted(**at(9), process=codex, parent=git),
        *(
            ConnectionOpened(**at(hour), process=one, destination="api.anthropic.com", port=443, bytes_out=900)
            for one in (claude, codex)
            for hour in range(8, 13)
        ),
        *(ModuleLoaded(**at(hour), process=codex, path=MODULES[0], digest="EF") for hour in (9, 10)),
        *(FileTouched(**at(hour), process=claude, path="/srv/m.gguf", action="modified") for hour in (9, 12)),
        *(ToolCalled(**at(hour), agent=declared, tool="search", arguments={"to": "x"}) for hour in range(8, 16)),
        ProcessStarted(**at(8), process=served, unit=RUNS["v1"].unit),
        *(FileTouched(**at(hour), process=served, path="/srv/m.gguf", action="read") for hour in range(9, 16)),
        *(Heartbeat(**at(hour)) for hour in (8, 9, 10)),
    ]
    return [identified(one) for one in acts]


RULES = Policy(rules=(Rule(agent="claude", processes=("git", "bash"), modules=("libssl.so", "ab")),))
TIGHT = Caps(values_per_facet=3, shapes=2, baseline_values=20, session_steps=2, promoted_per_week=1)
TWO_HOSTS = ("h1", "h2", "H1", "h2.")
CASTS: Mapping[str, tuple[Cast, ...]] = {
    "daily": (
        Cast(("h1",), is_daily=True),
        Cast(TWO_HOSTS, is_daily=True),
        Cast(TWO_HOSTS, is_daily=True),
        Cast(MANY_NAMES, is_daily=True),
    ),
    "lasting": (
        *(Cast(("h1",)),) * 4,
        *(Cast(TWO_HOSTS),) * 4,
        Cast(MANY_NAMES),
        Cast(("h1",), is_named=False),
    ),
}
"""Programs that run anew on each day, and those that run on: what is told of them later, or forgotten, matters then."""

PROFILES = ((1, 1), (1, 1), (2, 2), (0, 1), (3, 3), (7, 3))
GAPS = (1, 1, 1, 1, 1, 1, 2, 3, 8, 15, 33, 70)
"""Days from one to the next: processes that ended, those that did not, agents and values are forgotten at last."""


class Stretch(NamedTuple):
    """Days in a row, and the terms under which they are closed."""

    settings: Settings
    policy: Policy
    days: tuple[tuple[date, tuple[AnyEvent, ...]], ...]
    learnt: int
    """How many of them, the first ones, are learnt and not judged."""
    is_split: bool = False
    """Whether half of the next one is learnt as well: the bootstrap ended inside that day."""
    speaks: int = 0
    """From which day on (a place among `days`) people have judged some cases; 0 for never."""

    @property
    def events(self) -> list[AnyEvent]:
        """The events of all days."""
        return [event for _, events in self.days for event in events]


@st.composite
def stretches(draw: st.DrawFn, scope: str = "evidence", casts: str = "daily", least: int = 2, most: int = 9) -> Stretch:
    """Days in a row with habits and news."""
    cast = draw(st.sampled_from(CASTS[casts]))
    numbers = st.integers(0, 1 << 24)
    habits = draw(st.lists(numbers, max_size=10))
    gap = st.sampled_from(draw(st.sampled_from(((1,), (1,), GAPS))))
    gaps = draw(st.lists(gap, min_size=least - 1, max_size=most - 1))
    is_ordinary = draw(st.booleans())
    day, days = DAY, []
    for days_on in (0, *gaps):
        day += timedelta(days=days_on)
        news = draw(st.lists(numbers, max_size=7))
        events = [act(number, day, cast) for number in (*habits, *news)]
        events += ordinary(day, cast) if is_ordinary else []
        events += [] if events else [identified(Heartbeat(time=datetime.combine(day, time(9), UTC), host="h1"))]
        days.append((day, tuple(events)))
    learning, established = draw(st.sampled_from(PROFILES))
    settings = Settings(
        profile=LearningProfile(learning_days=learning, established_days=established),
        caps=draw(st.sampled_from((Caps(), Caps(), TIGHT))),
        scope=parse_scope(scope),
        aliases=draw(st.sampled_from(({}, ALIASES))),
    )
    return Stretch(
        settings,
        draw(st.sampled_from((Policy(), Policy(), Policy(), RULES))),
        tuple(days),
        learnt=draw(st.integers(0, len(days))),
        is_split=draw(st.sampled_from((False, False, False, True))),
        speaks=draw(st.sampled_from((0, 0, 1, 2, 3))),
    )


def dealt(events: Sequence[AnyEvent], files: int, seed: int, again: float = 0.2) -> list[list[AnyEvent]]:
    """Return the events dealt out to some files in another order, two in ten of them twice."""
    rng = Random(seed)  # noqa: S311  # an order, no secret
    shuffled = rng.sample(list(events), len(events))
    dealt_out: list[list[AnyEvent]] = [[] for _ in range(files)]
    for event in shuffled:
        for _ in range(1 + (rng.random() < again)):
            rng.choice(dealt_out).append(event)
    return dealt_out


def first_of_each(files: Iterable[Sequence[AnyEvent]]) -> dict[date, tuple[AnyEvent, ...]]:
    """Return the events by day, each id once: as the first file that has it tells it."""
    days: dict[date, list[AnyEvent]] = {}
    for file in files:
        for event in file:
            days.setdefault(event.time.date(), []).append(event)
    return {day: tuple({event.id: event for event in reversed(events)}.values()) for day, events in days.items()}


def write_rows(path: Path, events: Iterable[AnyEvent]) -> None:
    """Write events to Parquet as another program may: in the order given, twice where they are given twice."""
    spool = path.with_suffix(".rows")
    spool.write_bytes(b"".join(msgspec.json.encode(row_of(event)) + b"\n" for event in events))
    sorts = {name: "BIGINT" if name in INSTANTS else sort for name, sort in COLUMNS.items()}
    told = ", ".join(f"{quoted(name)}: {quoted(sort)}" for name, sort in sorts.items())
    cells = ", ".join(
        f'make_timestamptz("{name}") AS "{name}"' if name in INSTANTS else f'"{name}"' for name in COLUMNS
    )
    with open_session(Resources(threads=1)) as session:
        session.execute("SET preserve_insertion_order = true")
        rows = f"read_json({quoted(str(spool))}, format = 'newline_delimited', columns = {{{told}}})"
        session.execute(f"COPY (SELECT {cells} FROM {rows}) TO {quoted(str(path))} (FORMAT parquet)")  # noqa: S608  # quoted
