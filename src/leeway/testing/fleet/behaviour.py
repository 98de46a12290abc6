"""Normal days: when an agent runs, and what one run of it does."""

from dataclasses import dataclass, replace
from itertools import accumulate

from leeway.events import AnyEvent
from leeway.testing.fleet.acts import Act, Host, Load, Reach, Spawn, Touch, digest_of, fill
from leeway.testing.fleet.clock import HOUR_SECONDS, day_of, draw, is_weekend, midnight
from leeway.testing.fleet.hosts import HOSTS
from leeway.testing.fleet.roster import Member
from leeway.testing.fleet.trace import Instance, Trace, instance

RELEASE_DAY = 8
_RELEASE_HOUR = 10.0
_VERSIONS = ("2.1.4", "2.3.0")
_INTERPRETERS = ("/usr/bin/python3", "/usr/bin/node")
"""Images that the host's system updates replace."""
_RARE = 0.015
"""Share of runs with one of the rare acts."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What one version of an agent does: regular `habits`, `opening` acts of each run, modules, rare acts."""

    opening: tuple[Act, ...]
    modules: tuple[Load, ...]
    habits: tuple[Act, ...]
    rare: tuple[Act, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One process of an agent on one day, in seconds since the start; `born` names the instance."""

    day: int
    born: str
    began: float
    """When the process was started: on an earlier day where it outlives one."""
    begin: float
    end: float
    starts: bool
    ends: bool
    version: int
    events: int
    """Events to reach."""
    repeats: int
    """How often each habit is shown at least."""


@dataclass(frozen=True, slots=True)
class Life:
    """What came of a run."""

    run: Run
    instance: Instance
    events: list[AnyEvent]


@dataclass(frozen=True, slots=True)
class Character:
    """A member of the roster as one seed makes it."""

    label: str
    member: Member
    host: Host
    pids: int
    """First of its 300 process ids."""
    ways: tuple[Ways, ...]
    """One for each version."""


def character(seed: int, member: Member, place: int) -> Character:
    """Return what the seed makes of the roster's row number `place`."""
    label = f"{member.host}/{member.product}/{member.repo}"
    versions = _VERSIONS if member.release_acts else _VERSIONS[:1]
    ways = tuple(_ways(seed, label, member, version) for version in range(len(versions)))
    return Character(label, member, HOSTS[member.host], 2_000 + place * 300, ways)


def _ways(seed: int, label: str, member: Member, version: int) -> Ways:
    kind, rng = member.kind, draw(seed, label, "ways")
    chosen = rng.sample(kind.pool, kind.choice)
    reaches = tuple(Reach(host) for host in member.api)
    added = (*member.extra, *(member.release_acts if version else ()))
    names = {
        "<user>": member.user.rpartition("\\")[2],
        "<repo>": member.repo,
        "<product>": member.product,
        "<v>": _VERSIONS[version],
    }
    acts = tuple(named(act, names) for act in (*kind.modules, *reaches, *kind.core, *chosen, *added))
    habits = tuple(act for act in acts if not isinstance(act, Load))
    opening = habits[: len(reaches) + 1]
    rare = tuple(named(act, names) for act in kind.rare)
    return Ways(opening, tuple(act for act in acts if isinstance(act, Load)), habits, rare)


def named(act: Act, names: dict[str, str]) -> Act:
    """Return the act with the agent's own names in its templates."""

    def put(text: str) -> str:
        for slot, name in names.items():
            text = text.replace(slot, name)
        return text

    match act:
        case Reach():
            return replace(act, host=put(act.host))
        case Touch() | Load():
            return replace(act, path=put(act.path))
        case Spawn():
            return replace(act, command=put(act.command), acts=tuple(named(inner, names) for inner in act.acts))


def runs_of(seed: int, who: Character, day: int) -> tuple[Run, ...]:
    """Return the runs of an agent on a day; none where it rests."""
    rhythm = who.member.rhythm
    spans = rhythm.weekend if is_weekend(day) else rhythm.weekday
    if who.member.release_acts and day == RELEASE_DAY:
        spans = ((spans[0][0], _RELEASE_HOUR), (_RELEASE_HOUR + 0.2, spans[0][1]), *spans[1:])
    if not spans:
        return ()
    rng = draw(seed, who.label, "runs", day)
    volume = who.member.volume * (rhythm.weekend_share if is_weekend(day) else 1.0) * rng.uniform(0.9, 1.1)
    per_hour = volume / sum(end - begin for begin, end in spans)
    runs = []
    for place, (begin, end) in enumerate(spans):
        bounds = tuple(midnight(day) + (hour + rng.uniform(-0.1, 0.1)) * HOUR_SECONDS for hour in (begin, end))
        amount = round(per_hour * (end - begin)), 1 if spans[1:] else 2
        runs.append(_run(seed, who, (day, place), (bounds[0], bounds[1]), amount))
    return tuple(runs)


def _run(seed: int, who: Character, when: tuple[int, int], bounds: tuple[float, float], amount: tuple[int, int]) -> Run:
    day, place = when
    starts = who.member.rhythm.starts
    first = max((start for start in starts if start <= day), default=day)
    return Run(
        day=day,
        born=f"{seed}|{who.label}|{first}|{place}",
        began=bounds[0] if first == day else runs_of(seed, who, first)[0].begin,
        begin=bounds[0],
        end=bounds[1],
        starts=first == day,
        ends=not starts or day + 1 in starts,
        version=int(bool(who.member.release_acts) and when >= (RELEASE_DAY, 1)),
        events=amount[0],
        repeats=amount[1],
    )


def image_of_run(who: Character, version: int) -> str:
    """Return the path of the executable of a version."""
    return who.member.image.replace("<v>", _VERSIONS[version])


def digest_of_run(who: Character, day: int, version: int) -> str:
    """Return the digest of the executable on a day: system updates replace interpreters only."""
    image = image_of_run(who, version)
    return digest_of(image, who.host.interpreter_epoch(day) if image in _INTERPRETERS else 0)


def embodied(who: Character, run: Run) -> Instance:
    """Return the process of a run."""
    command = fill(who.member.command.replace("<v>", _VERSIONS[run.version]), draw(run.born), run.began)
    place = int(run.born.rpartition("|")[2])
    shift = 3 * int(day_of(run.began) % 3)
    return instance(
        run.born,
        image=image_of_run(who, run.version),
        command=command,
        pid=who.pids + place + shift,
        began=run.began + who.host.skew,
        user=who.member.user,
        unit=who.member.unit,
    )


def live(who: Character, run: Run, parent: Instance) -> Life:
    """Return a run with its events, in no particular order."""
    rng = draw(run.born, run.day)
    trace = Trace(f"{run.born}|{run.day}", who.host, who.pids)
    actor, ways = embodied(who, run), who.ways[run.version]
    if run.starts:
        _begin(trace, actor, who, run, parent)
    for act in ways.opening:
        trace.perform(actor, act, run.begin + rng.uniform(3, 170), rng)
    lasting = ways.modules if who.member.rhythm.starts else ()
    for act in (*ways.habits, *lasting) * run.repeats:
        trace.perform(actor, act, rng.uniform(run.begin + 180, run.end - 60), rng)
    weights = list(accumulate(1.0 / (1 + 0.12 * place) for place in range(len(ways.habits))))
    while len(trace.events) < run.events:
        act = rng.choices(ways.habits, cum_weights=weights)[0]
        trace.perform(actor, act, rng.uniform(run.begin + 180, run.end - 60), rng)
    if rng.random() < _RARE:
        trace.perform(actor, rng.choice(ways.rare), rng.uniform(run.begin + 600, run.end - 60), rng)
    if run.ends:
        trace.ended(run.end, actor)
    return Life(run, actor, trace.events)


def _begin(trace: Trace, actor: Instance, who: Character, run: Run, parent: Instance) -> None:
    digest, rng = digest_of_run(who, run.day, run.version), draw(run.born, "begin")
    trace.started(run.begin, actor, parent, digest)
    trace.loaded(run.begin + 0.01, actor, actor.bare.image, digest, who.member.signer)
    for place, module in enumerate(who.ways[run.version].modules):
        trace.perform(actor, module, run.begin + 0.02 + place * rng.uniform(0.001, 0.02), rng)
