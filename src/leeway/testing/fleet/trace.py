"""Traces: the events of one actor or purpose, with ids that depend on nothing else."""

from dataclasses import dataclass
from random import Random

from leeway.destinations import address_of
from leeway.events import (
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
    ToolCalled,
)
from leeway.testing.fleet.acts import (
    Act,
    Action,
    Host,
    Load,
    Reach,
    Spawn,
    Touch,
    addresses_of,
    digest_of,
    fill,
    image_of,
)
from leeway.testing.fleet.clock import day_of, moment, token

_PIDS = 290
"""Process ids an actor cycles through, so that they are reused over a day and from day to day."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One running process as events name it: with its command line where it is started, without it afterwards."""

    full: Process
    bare: Process
    user: str
    unit: str | None = None


def instance(  # a process has as many sides
    scope: str, *, image: str, command: str, pid: int, began: float, user: str, unit: str | None = None
) -> Instance:
    """Return the process that `scope` names; the same scope gives the same one. `began` already includes the skew."""
    uid, started = token(scope, "uid"), moment(began)
    return Instance(
        Process(image=image, pid=pid, uid=uid, started=started, command_line=command),
        Process(image=image, pid=pid, uid=uid, started=started),
        user,
        unit,
    )


class Trace:
    """Writes the events of one actor on one host; times are seconds since the start, before the host's skew."""

    def __init__(self, scope: str, host: Host, pids: int) -> None:
        self.events: list[AnyEvent] = []
        self._scope = scope
        self._host = host
        self._pids = pids
        self._count = 0
        self._children = int(token(scope)[:4], 16)

    def _id(self) -> str:
        self._count += 1
        return token(self._scope, self._count)

    def born(self, second: float, parent: Instance, command: str, user: str | None) -> Instance:
        """Start a child of `parent` and return it."""
        self._children += 1
        image = image_of(command, windows=self._host.windows)
        child = instance(
            f"{self._scope}|child|{self._children}",
            image=image,
            command=command,
            pid=self._pids + 10 + self._children % _PIDS,
            began=second + self._host.skew,
            user=user or parent.user,
            unit=parent.unit,
        )
        self.started(second, child, parent, digest_of(image, self._host.epoch(day_of(second))))
        return child

    def started(self, second: float, child: Instance, parent: Instance, digest: str) -> None:
        """Write that `parent` started `child`."""
        event = ProcessStarted(
            time=moment(second + self._host.skew),
            id=self._id(),
            host=self._host.name,
            process=child.full,
            user=child.user,
            parent=parent.full,
            digest=digest,
            unit=child.unit,
        )
        self.events.append(event)

    def ended(self, second: float, actor: Instance) -> None:
        """Write that a process ended."""
        time = moment(second + self._host.skew)
        event = ProcessEnded(time=time, id=self._id(), host=self._host.name, process=actor.bare, user=actor.user)
        self.events.append(event)

    def resolved(self, second: float, actor: Instance, name: str, addresses: tuple[str, ...]) -> None:
        """Write that a process asked for the addresses of a name."""
        event = NameResolved(
            time=moment(second + self._host.skew),
            id=self._id(),
            host=self._host.name,
            process=actor.bare,
            user=actor.user,
            name=name,
            addresses=addresses,
        )
        self.events.append(event)

    def connected(self, second: float, actor: Instance, reach: Reach, sizes: tuple[int, int], user: str | None) -> None:
        """Write a connection with (bytes sent, bytes received); `reach.host` is filled in already."""
        named = address_of(reach.host) is None
        event = ConnectionOpened(
            time=moment(second + self._host.skew),
            id=self._id(),
            host=self._host.name,
            process=actor.bare,
            user=user or actor.user,
            destination=reach.host,
            port=reach.port,
            address=addresses_of(reach.host)[self._count % 2] if named else None,
            outbound=reach.outbound,
            bytes_out=sizes[0],
            bytes_in=sizes[1],
        )
        self.events.append(event)

    def touched(self, second: float, actor: Instance, path: str, action: Action, user: str | None) -> None:
        """Write that a process touched a file."""
        event = FileTouched(
            time=moment(second + self._host.skew),
            id=self._id(),
            host=self._host.name,
            process=actor.bare,
            user=user or actor.user,
            path=path,
            action=action,
        )
        self.events.append(event)

    def loaded(self, second: float, actor: Instance, path: str, digest: str, signer: str | None) -> None:
        """Write that a process mapped a library or its own image."""
        event = ModuleLoaded(
            time=moment(second + self._host.skew),
            id=self._id(),
            host=self._host.name,
            process=actor.bare,
            user=actor.user,
            path=path,
            digest=digest,
            signer=signer,
        )
        self.events.append(event)

    def called(self, second: float, agent: DeclaredAgent, tool: str, arguments: dict[str, str], took: int) -> None:
        """Write a declared agent's tool call that took so many microseconds."""
        event = ToolCalled(
            time=moment(second + self._host.skew),
            id=self._id(),
            host=self._host.name,
            agent=agent,
            tool=tool,
            arguments=arguments,
            duration_us=took,
        )
        self.events.append(event)

    def alive(self, second: float) -> None:
        """Write a heartbeat of the host's sensor."""
        self.events.append(Heartbeat(time=moment(second + self._host.skew), id=self._id(), host=self._host.name))

    def perform(self, actor: Instance, act: Act, second: float, rng: Random, user: str | None = None) -> None:
        """Write the events of one act; `user` replaces the actor's where given."""
        match act:
            case Reach():
                self._reach(actor, act, second, rng, user)
            case Touch():
                self.touched(second, actor, fill(act.path, rng, second), act.action, user)
            case Load():
                digest = digest_of(act.path, self._host.epoch(day_of(second)))
                self.loaded(second, actor, act.path, digest, act.signer)
            case Spawn():
                self._spawn(actor, act, second, rng, user)

    def _reach(self, actor: Instance, reach: Reach, second: float, rng: Random, user: str | None) -> None:
        host = fill(reach.host, rng, second)
        if host is not reach.host:
            reach = Reach(host, reach.port, reach.up, reach.outbound)
        if reach.outbound and rng.random() < 0.35 and address_of(host) is None:  # noqa: PLR2004  # the rest is cached
            self.resolved(second - 0.08, actor, host, addresses_of(host))
        # Bounded log-normal sizes: busy hours differ by small factors, never by the hundredfold of a drift.
        spread = min(rng.lognormvariate(0.0, 0.5), 4.0)
        self.connected(second, actor, reach, (int(reach.up * spread) + 120, int(reach.up * spread * 5) + 400), user)

    def _spawn(self, actor: Instance, spawn: Spawn, second: float, rng: Random, user: str | None) -> None:
        child = self.born(second, actor, fill(spawn.command, rng, second), user or spawn.user)
        for act in spawn.acts:
            second += rng.uniform(0.02, 1.5)
            self.perform(child, act, second, rng)
        self.ended(second + rng.uniform(0.05, 4.0), child)
