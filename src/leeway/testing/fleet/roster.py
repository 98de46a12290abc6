"""What a row of the roster says, and the short forms in which the rows are written."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict, Unpack

from leeway.testing.fleet import repertoires as kinds
from leeway.testing.fleet.acts import Act
from leeway.testing.fleet.repertoires import Repertoire


class DriftType(StrEnum):
    """What a drift should be found as: the detectors' names, and the correlation's."""

    NEW_AGENT = "new_agent"
    LEARNING = "learning"
    NEW_USER = "new_user"
    NEW_DESTINATION = "new_destination"
    NEW_PATH = "new_path"
    EXCESS_TRANSFER = "excess_transfer"
    MODEL_FILE_FIRST_MODIFIED = "model_file_first_modified"
    MODEL_FILE_NEW_USER = "model_file_new_user"
    MODEL_FILE_UNUSUAL_ARGUMENTS = "model_file_unusual_arguments"
    NEW_CHILD = "new_child"
    DESTINATION_FAN_OUT = "destination_fan_out"
    PROCESS_NOT_ALLOWED = "process_not_allowed"
    MODULE_NOT_APPROVED = "module_not_approved"
    NEW_MODULE = "new_module"
    FLOW_AND_MODULE = "flow_and_module"


APPEARING = (DriftType.NEW_AGENT, DriftType.LEARNING)
"""Drifts that are an agent's whole presence on the judged days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """Hours of a day in which an agent runs, (begin, end) each a process, on weekdays and at weekends."""

    weekday: tuple[tuple[float, float], ...]
    weekend: tuple[tuple[float, float], ...] = ()
    weekend_share: float = 0.4
    """Volume of a weekend day against a weekday's."""
    starts: tuple[int, ...] = ()
    """Days on which a process that outlives the day is started; none where each run is a process."""


OFFICE = Rhythm(weekday=((8.2, 12.3), (12.9, 17.6)), weekend=((10.0, 13.5),))
NESTED = Rhythm(weekday=((8.6, 12.0), (13.2, 17.2)), weekend=((10.3, 13.2),))
"""Within office hours: the agent above is there before and after."""
LATE = Rhythm(weekday=((11.0, 15.4), (16.0, 22.0)), weekend=((12.0, 16.0),))
WEEKDAYS = Rhythm(weekday=((7.8, 12.2), (13.0, 17.9)))
ROUND = Rhythm(weekday=((0.4, 11.3), (11.7, 23.4)), weekend=((0.4, 23.4),), weekend_share=0.6)
NIGHT = Rhythm(weekday=((1.0, 3.0), (4.0, 6.5)), weekend=((1.0, 3.0),), weekend_share=0.7)
DAEMON = Rhythm(weekday=((0.2, 23.8),), weekend=((0.2, 23.8),), weekend_share=0.6, starts=(1, 4, 6, 8))
SHORT = Rhythm(weekday=((13.0, 14.6),), weekend=((13.0, 14.6),), weekend_share=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A row of the roster. `command` and `image` are templates; `<v>` in them is the version."""

    host: str
    kind: Repertoire
    image: str
    command: str
    user: str
    repo: str
    signer: str | None
    api: tuple[str, ...] = ()
    extra: tuple[Act, ...] = ()
    rhythm: Rhythm = OFFICE
    volume: int = 440
    """Events of an ordinary weekday."""
    unit: str | None = None
    drift: DriftType | None = None
    variant: int = 0
    spawned_by: str = ""
    """The `repo` of the agent that starts this one."""
    release_acts: tuple[Act, ...] = ()
    """What only the version of day 8 does; an agent that has some is released anew on that day."""

    @property
    def product(self) -> str:
        """The name under which the agent keeps its own files."""
        return self.image.replace("\\", "/").rpartition("/")[2].partition(".")[0].lower().replace(" ", "")


class Options(TypedDict, total=False):
    """The columns of a row that have a default."""

    image: str
    user: str
    extra: tuple[Act, ...]
    rhythm: Rhythm
    volume: int
    unit: str
    drift: DriftType
    variant: int
    spawned_by: str
    release_acts: tuple[Act, ...]


_VENDORS = {
    "claude": (("api.anthropic.com", "statsig.anthropic.com"), "Anthropic, PBC"),
    "codex": (("api.openai.com", "telemetry.codebench.example"), "OpenAI OpCo, LLC"),
    "gemini": (("generativelanguage.googleapis.com", "play.googleapis.com"), "Google LLC"),
    "goose": (("openrouter.ai", "flags.goosehub.example"), "Block, Inc."),
    "aider": (("api.deepseek.com", "notes.aiderhub.example"), "Aider AI LLC"),
    "opencode": (("api.mistral.ai", "share.codehub.example"), "Anomaly Innovations, Inc."),
    "cursor-agent": (("api2.cursor.sh", "openrouter.ai"), "Anysphere, Inc."),
}
"""A coding agent's own hosts, and who signed it."""


def coder(host: str, product: str, repo: str, arguments: str, login: str, **options: Unpack[Options]) -> Member:
    """Return a coding agent of `product` that works for the user `login` on `repo`."""
    windows = host.startswith("WS-")
    home = rf"C:\Users\{login}\AppData\Local\Programs"
    options.setdefault("image", rf"{home}\{product}\{product}.exe" if windows else f"/usr/local/bin/{product}")
    options.setdefault("user", rf"CORP\{login}" if windows else login)
    api, signer = _VENDORS[product]
    kind = kinds.CODE_WINDOWS if windows else kinds.CODE
    return Member(host=host, kind=kind, command=f"{product} {arguments}", repo=repo, signer=signer, api=api, **options)


def script(host: str, kind: Repertoire, repo: str, arguments: str, api: str, **options: Unpack[Options]) -> Member:
    """Return an agent that Python runs."""
    windows = host.startswith("WS-")
    options.setdefault("image", r"C:\Program Files\Python311\python.exe" if windows else "/usr/bin/python3")
    options.setdefault("user", r"CORP\svc-jobs" if windows else "svc-agents")
    command = f"{'python' if windows else 'python3'} {arguments}"
    signer = "Python Software Foundation" if windows else "Canonical Ltd."
    return Member(host=host, kind=kind, command=command, repo=repo, signer=signer, api=(api,), **options)


def runtime(host: str, path: str, repo: str, arguments: str, signer: str | None, **options: Unpack[Options]) -> Member:
    """Return a runtime that serves models; `signer` is None for a build of one's own."""
    windows = host.startswith("WS-")
    options.setdefault("user", r"CORP\svc-models" if windows else "models")
    options.setdefault("rhythm", ROUND)
    options["image"] = path
    name = path.replace("\\", "/").rpartition("/")[2]
    command = f'"{path}" {arguments}' if " " in name else f"{name} {arguments}"
    kind = kinds.RUNTIME_WINDOWS if windows else kinds.RUNTIME
    return Member(host=host, kind=kind, command=command, repo=repo, signer=signer, **options)


def server(host: str, package: str, repo: str, **options: Unpack[Options]) -> Member:
    """Return a tool server of an npm package."""
    options.setdefault("image", "/usr/bin/node")
    options.setdefault("user", "svc-tools")
    options.setdefault("rhythm", ROUND)
    command = f"node /usr/lib/node_modules/{package}/dist/index.js --stdio"
    signer = "OpenJS Foundation"
    return Member(
        host=host, kind=kinds.TOOLS, command=command, repo=repo, signer=signer, api=("api.openai.com",), **options
    )
