"""Drifts: what an agent does for once that it never did. One function a type, each with a few variants.

A drift is drawn from a generator and written to a trace of its own, so that the fleet without it is the same fleet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

from leeway.events import AnyEvent
from leeway.testing.fleet.acts import Act, Load, Reach, Spawn, Touch
from leeway.testing.fleet.behaviour import Character, Life
from leeway.testing.fleet.clock import HOUR_SECONDS, draw
from leeway.testing.fleet.lexicon import Lexicon
from leeway.testing.fleet.roster import DriftType
from leeway.testing.fleet.trace import Trace

_MARGIN = 240
"""Seconds kept free at both ends of the run."""
_LONGEST = 3 * HOUR_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where a drift takes place: a run of the agent, the words that are this drift's own, and a trace to write to."""

    who: Character
    life: Life
    words: Lexicon
    rng: Random
    busiest_hour: int
    """The most bytes the agent sends in one normal hour."""
    trace: Trace
    begin: float
    end: float

    @property
    def variant(self) -> int:
        """Which form of the drift."""
        return self.who.member.variant

    @property
    def windows(self) -> bool:
        """Whether the host runs Windows."""
        return self.who.host.windows

    @property
    def repo(self) -> str:
        """The agent's own directory name."""
        return self.who.member.repo

    @property
    def habits(self) -> tuple[Act, ...]:
        """What the agent does normally."""
        return self.who.ways[self.life.run.version].habits

    def habit(self, start: str) -> Spawn:
        """Return the habitual child whose command begins so."""
        return next(act for act in self.habits if isinstance(act, Spawn) and act.command.startswith(start))

    def show(self, *acts: Act, times: tuple[int, int] = (2, 5), user: str | None = None) -> None:
        """Perform each act a few times in the window; `user` replaces the agent's."""
        for act in acts:
            for _ in range(self.rng.randint(*times)):
                self.trace.perform(self.life.instance, act, self.rng.uniform(self.begin, self.end), self.rng, user)


def scene(scope: str, who: Character, life: Life, words: Lexicon, busiest_hour: int) -> Scene:
    """Return where a drift takes place: minutes to three hours of the run; `scope` names its draws and ids."""
    rng = draw(scope, "window")
    first, last = life.run.begin + _MARGIN, life.run.end - _MARGIN
    length = min(rng.uniform(600, _LONGEST), (last - first) * 0.8)
    begin = rng.uniform(first, last - length)
    return Scene(
        who=who,
        life=life,
        words=words,
        rng=rng,
        busiest_hour=busiest_hour,
        trace=Trace(scope, who.host, who.pids),
        begin=begin,
        end=begin + length,
    )


def new_user(at: Scene) -> None:
    """Let the agent work under a user it never had."""
    user = rf"CORP\{at.words.user()}" if at.windows else at.words.user()
    known = [act for act in at.habits if isinstance(act, Touch if at.variant else Spawn)]
    at.show(*at.rng.sample(known, 3), times=(1, 3), user=user)


def new_destination(at: Scene) -> None:
    """Reach a new domain through a known child, a new host of a small domain, a bare address, or a new port."""
    match at.variant:
        case 0:
            at.show(replace(at.habit("git fetch"), acts=(Reach(at.words.domain()),)))
        case 1:
            at.show(Reach(f"{at.words.word()}.vecstore.example", up=9_000))
        case 2:
            at.show(Reach(f"203.0.113.{at.rng.randint(2, 250)}", 8443))
        case _:
            at.show(Reach("updates.runtimehub.example", 2222, up=1_500))


def new_path(at: Scene) -> None:
    """Touch a directory that the agent never touched: keys, a start-up folder, scheduled jobs."""
    name = at.who.member.user.rpartition("\\")[2]
    startup = rf"C:\Users\{name}\AppData\Roaming\Microsoft\Windows\Start Menu\Programs\Startup"
    match at.variant:
        case 0:
            at.show(Touch(f"/home/{name}/.ssh/id_ed25519", "read"), Touch(f"/home/{name}/.ssh/config", "read"))
        case 1:
            at.show(Touch(rf"{startup}\{at.words.word()}.lnk", "created"))
        case _:
            at.show(Touch(f"/etc/cron.d/{at.words.word()}", "created"), times=(2, 3))


def excess_transfer(at: Scene) -> None:
    """Send, within minutes, hundreds of times what the busiest hour sends: at once, or in many parts."""
    parts = (1, 24, 3)[at.variant]
    place = next(act for act in at.habits if isinstance(act, Reach))
    first = at.begin - at.begin % HOUR_SECONDS + HOUR_SECONDS - at.who.host.skew
    begin = first + 120 if first + 900 < at.end else at.begin
    for _ in range(parts):
        sent = int(500 * at.busiest_hour / parts * at.rng.uniform(0.9, 1.3))
        second = at.rng.uniform(begin, min(begin + 600, at.end))
        at.trace.connected(second, at.life.instance, place, (sent, sent // 900), None)


def model_file_first_modified(at: Scene) -> None:
    """Write a model file that the agent never wrote: a new one, one it only read, one it renames."""
    match at.variant:
        case 0:
            at.show(Touch(f"/srv/{at.repo}/{at.words.word()}-adapter.safetensors", "created"), times=(1, 3))
        case 1:
            at.show(Touch("/srv/models/base-instruct.gguf", "modified"), times=(1, 3))
        case _:
            at.show(Touch(r"D:\models\coder-instruct.gguf", "renamed"), times=(1, 1))


def model_file_new_user(at: Scene) -> None:
    """Write the usual model file under another user: a stranger, or one the agent has for other things."""
    if at.windows:
        at.show(Touch(rf"D:\{at.repo}\active.safetensors"), user=rf"CORP\{at.words.user()}")
    else:
        user = "modelops" if at.variant == 1 else at.words.user()
        at.show(Touch(f"/srv/{at.repo}/active.safetensors"), user=user)


def model_file_unusual_arguments(at: Scene) -> None:
    """Write the usual model file by a program, or with arguments, that never wrote it."""
    word, place = at.words.word(), f"/srv/{at.repo}"
    match at.variant:
        case 0:
            source = f"/mnt/{word}/patch.safetensors"
            target = f"{place}/serving.safetensors"
            at.show(Spawn(f"cp --force {source} {target}", (Touch(target),)), times=(1, 3))
        case 1:
            target = f"{place}/active.safetensors"
            at.show(Spawn(f"dd if=/var/spool/{word}.part of={target} conv=notrunc", (Touch(target),)), times=(1, 3))
        case _:
            target = rf"D:\{at.repo}\serve"
            command = rf"robocopy \\{word}\drop {target} serving.safetensors /MOV /IS"
            at.show(Spawn(command, (Touch(rf"{target}\serving.safetensors"),)), times=(1, 3))


def new_child(at: Scene) -> None:
    """Start a program never started: any, the first ever, a shell, or one behind a known child."""
    match at.variant:
        case 0:
            at.show(Spawn("nmap -sn 10.20.{n}.0/24"))
        case 1:
            at.show(Spawn("id -a"), times=(1, 3))
        case 2:
            at.show(Spawn("sh -c 'uname -a; ls /root'", (Spawn("uname -a"),)))
        case _:
            known = at.habit("powershell")
            at.show(replace(known, acts=(Spawn("nltest /domain_trusts"),)), times=(1, 3))


def destination_fan_out(at: Scene) -> None:
    """Reach fifteen to twenty-five new places: domains, or domains and bare addresses."""
    for place in range(at.rng.randint(15, 25)):
        bare = at.variant == 2 and place % 2  # noqa: PLR2004  # the third form
        host = f"198.19.{at.rng.randrange(256)}.{at.rng.randint(2, 250)}" if bare else at.words.domain()
        at.show(Reach(host, up=1_500), times=(1, 2))


def process_not_allowed(at: Scene) -> None:
    """Start a program that the policy's list for this agent leaves out."""
    command = ("socat -d TCP-LISTEN:{n} STDOUT", "strace -f -p {n}", "mshta about:blank")[at.variant]
    at.show(Spawn(command), times=(1, 3))


def module_not_approved(at: Scene) -> None:
    """Load a module that the policy's list for this agent leaves out."""
    path = ("/opt/plugins/libkvproxy.so", "/opt/plugins/libstorymods.so", r"C:\ProgramData\Plugins\deskhook.dll")
    at.show(Load(path[at.variant]), times=(1, 2))


def new_module(at: Scene) -> None:
    """Load a module that the agent never loaded."""
    path = ("/opt/extra/libtracehook.so", r"C:\ProgramData\Extra\formfill.dll", "/opt/extra/libpixelsort.so")
    at.show(Load(path[at.variant]), times=(1, 2))


def flow_and_module(at: Scene) -> None:
    """Load a new module and, within the hour, reach a new place."""
    path = ("/opt/share/libbeaconkit.so", r"C:\ProgramData\Share\syncbridge.dll", "/opt/share/libcourier.so")
    place = Reach("192.0.2.77", 9443) if at.variant == 2 else Reach(at.words.domain())  # noqa: PLR2004  # the third form
    near = replace(at, end=min(at.end, at.begin + 1_200))
    near.show(Load(path[at.variant]), times=(1, 2))
    near.show(place)


WRITERS: Mapping[DriftType, Callable[[Scene], None]] = {
    DriftType.NEW_USER: new_user,
    DriftType.NEW_DESTINATION: new_destination,
    DriftType.NEW_PATH: new_path,
    DriftType.EXCESS_TRANSFER: excess_transfer,
    DriftType.MODEL_FILE_FIRST_MODIFIED: model_file_first_modified,
    DriftType.MODEL_FILE_NEW_USER: model_file_new_user,
    DriftType.MODEL_FILE_UNUSUAL_ARGUMENTS: model_file_unusual_arguments,
    DriftType.NEW_CHILD: new_child,
    DriftType.DESTINATION_FAN_OUT: destination_fan_out,
    DriftType.PROCESS_NOT_ALLOWED: process_not_allowed,
    DriftType.MODULE_NOT_APPROVED: module_not_approved,
    DriftType.NEW_MODULE: new_module,
    DriftType.FLOW_AND_MODULE: flow_and_module,
}
"""The drifts of an agent that is there already; the other two are an agent's appearance."""


def written(at: Scene) -> list[AnyEvent]:
    """Return the events of the drift that the agent's row names."""
    drift = at.who.member.drift
    if drift is not None:
        WRITERS[drift](at)
    return at.trace.events
