"""Days of hosts under many names, with upkeep, heartbeats, ranges and signatures: what equality is tried on."""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import partial
from random import Random

from hypothesis import strategies as st

from builders import BASH, CLAUDE, DAY, at, before, distinct, loaded, reached, redated, resolved, started, touched
from leeway.config import Settings
from leeway.events import AnyEvent, Heartbeat, Process, SignatureChecked, identified

SHORT, FULL, OTHER = "ws5", "ws5.corp.example", "ws5.lab.example"
BUILD = "build7.corp.example"
ALIASES = {BUILD: BUILD, "ci-7": BUILD, "10.0.0.7": BUILD}
SETTINGS = Settings(aliases=ALIASES)

WS5 = ("WS5", SHORT, FULL, "WS5.Corp.Example.")
NAMES = (*WS5, *WS5, OTHER, BUILD, "CI-7", "10.0.0.7", "10.0.0.9", "localhost", "desk", "desk.corp.example")
"""One host under four spellings, another of the same first label, one known by aliases, and names that say nothing."""

PIP = Process(image="/usr/bin/pip", uid="p1", command_line="pip install rich")
STRAY = Process(image="/home/ana/Downloads/pip", uid="p2", command_line="pip install rich")
NODE = Process(image="/usr/bin/node", uid="n1", command_line="node exfil.js")
CODEX = Process(image="/usr/bin/codex", uid="x1", command_line="codex exec", sha1="A9")
BOT = Process(image="/usr/bin/python3", pid=301, command_line="python3 bot.py")
PROGRAMS = (CLAUDE, CLAUDE, PIP, STRAY, NODE, CODEX, BOT)

STARTS = tuple(
    (one, None if one is BOT else BASH if one is CLAUDE else CLAUDE, digest)
    for one in PROGRAMS
    for digest in (None, "AB" if one is CLAUDE else "cd")
)
"""Program, who starts it, digest: a sensor may leave things out or say them again; it does not contradict itself."""

MODULES = (
    ("/usr/local/bin/claude", None),
    ("/usr/local/bin/claude", "ab"),
    ("/lib/libssl-1a2b3c4d.so.3", "ef"),
    ("/lib/libssl-5e6f7a8b.so.3", "EF"),
)

PLACES = ("files.pythonhosted.org", "pypi.org", "upload.pythonhosted.org", "api.anthropic.com", "x.example")
ADDRESSES = ("198.51.100.4", "198.51.100.9", "203.0.113.7")
RANGES = (None, "cloud/one", "cloud/two")


def learnt_week(hosts: Iterable[str], days: int = 8) -> list[AnyEvent]:
    """Return the days before the judged ones: an agent at work in office hours, its sensor alive in each of them."""
    acts: list[AnyEvent] = []
    for host in hosts:
        acts += [
            started(CLAUDE, BASH, at(8), user="ana", host=host),
            started(PIP, CLAUDE, at(9), user="ana", host=host),
            reached("203.0.113.7", when=at(11), range="cloud/one", host=host),
            *(reached("api.anthropic.com", when=at(hour), bytes_out=900, host=host) for hour in range(8, 18)),
            *(identified(Heartbeat(time=at(hour, 30), host=host)) for hour in range(8, 18)),
        ]
    return [event for number in range(days, 0, -1) for event in redated(acts, before(number))]


def mixed(day: date) -> st.SearchStrategy[AnyEvent]:
    """One act of a day."""
    times = st.builds(partial(at, day=day), st.integers(0, 23), st.sampled_from((0, 20, 59)))
    shared = {"when": times, "host": st.sampled_from(NAMES), "user": st.sampled_from(("ana", "root", None))}
    # A later event names its process as sensors do: by its id or number, without the command line.
    who = st.sampled_from(PROGRAMS).map(lambda one: Process(image=one.image, uid=one.uid, pid=one.pid))
    signers = st.sampled_from(("Anthropic", "Another Ltd"))
    return st.one_of(
        st.builds(
            lambda start, **more: started(start[0], start[1], digest=start[2], **more),
            st.sampled_from(STARTS),
            **shared,
        ),
        st.builds(reached, st.sampled_from(PLACES), who=who, bytes_out=st.sampled_from((None, 900)), **shared),
        st.builds(reached, st.sampled_from(PLACES[:2]), who=st.just(Process(image=PIP.image, uid=PIP.uid)), **shared),
        st.builds(reached, st.sampled_from(ADDRESSES), who=who, range=st.sampled_from(RANGES), **shared),
        st.builds(resolved, st.sampled_from(PLACES), who=who, **shared),
        st.builds(
            lambda module, **more: loaded(module[0], digest=module[1], **more),
            st.sampled_from(MODULES),
            who=who,
            sha1=st.sampled_from((None, "a9")),
            **shared,
        ),
        st.builds(touched, st.sampled_from(("/srv/m.gguf", "/srv/a/one.txt")), who=who, **shared),
        st.builds(_signed, times, st.sampled_from(NAMES), st.sampled_from(("ab", "CD", "ef", "a9")), signers),
        st.builds(_alive, times, st.sampled_from(NAMES)),
    )


def _signed(time: object, host: str, digest: str, signer: str) -> AnyEvent:
    return identified(SignatureChecked(time=time, host=host, digest=digest, signer=signer))


def _alive(time: object, host: str) -> AnyEvent:
    return identified(Heartbeat(time=time, host=host))


def mixed_days(least: int = 2, most: int = 4, acts: int = 8) -> st.SearchStrategy[list[list[AnyEvent]]]:
    """Days in a row from the judged one on, each a few acts without duplicates."""

    def of(count: int) -> st.SearchStrategy[list[list[AnyEvent]]]:
        days = (DAY + timedelta(days=number) for number in range(count))
        return st.tuples(*(st.lists(mixed(day), max_size=acts).map(distinct) for day in days)).map(list)

    return st.integers(least, most).flatmap(of)


def shuffled(events: Iterable[AnyEvent], seed: int, again: float = 0.3) -> list[AnyEvent]:
    """Return the events in another order, three in ten of them twice."""
    rng = Random(seed)  # noqa: S311  # an order, no secret
    twice = [event for event in events for _ in range(1 + (rng.random() < again))]
    rng.shuffle(twice)
    return twice
