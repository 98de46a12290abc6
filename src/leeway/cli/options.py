"""The options that several commands share, and what they mean."""

import os
import sys
from collections import Counter
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from leeway.agents import IdKey
from leeway.config import LearningProfile, Policy, Resources, Settings, load_aliases, load_policy, parse_scope
from leeway.engines import DEFAULT, engine_named
from leeway.errors import InvalidConfigError, StateError, UnsupportedError
from leeway.findings import Severity
from leeway.modes import Period
from leeway.pipeline import Verbs
from leeway.sinks import Network, Outlet, outlet_of, parse_target
from leeway.sources import Source, Told, load_column_map, open_sources
from leeway.storage import read_or_make_secret

Sources = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="URI", help="File, folder, glob or - ; KIND:PATH forces a kind. May be repeated."),
]
SourceArguments = Annotated[
    list[str] | None, typer.Argument(metavar="SOURCE...", help="The same as --source, without the word.")
]
ColumnMapOption = Annotated[
    Path | None,
    typer.Option("--map", metavar="FILE", help="How the columns of a renamed table are called."),
]
HostOption = Annotated[str, typer.Option("--host", metavar="NAME", help="The host of logs that name none (auditd).")]
AliasesOption = Annotated[
    Path | None,
    typer.Option("--aliases", metavar="FILE", help="Which names are one host, where they do not say it; remembered."),
]
OutputDir = Annotated[Path, typer.Option("--output-dir", metavar="DIR", help="Where state, baselines and alerts live.")]
BootstrapCount = Annotated[
    int | None,
    typer.Option("--bootstrap-count", min=1, metavar="N", help="Learn from the first N periods of the sources."),
]
LookbackCount = Annotated[
    int | None,
    typer.Option("--lookback-count", min=1, metavar="N", help="Take the last N periods of the sources only."),
]
PeriodOption = Annotated[Period, typer.Option("--period", help="What the counts count.")]
LearningDays = Annotated[
    int | None, typer.Option("--learning-days", min=0, max=90, help="Days before a baseline is settled (7).")
]
EstablishedDays = Annotated[
    int | None,
    typer.Option("--established-days", min=1, max=30, help="Days on which a value must be seen to be established (3)."),
]
ScopeOption = Annotated[
    str | None,
    typer.Option(
        "--scope", metavar="SCOPE", help="Whom to watch: evidence (of an AI agent), name:PATTERN, unit or all."
    ),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="Allow lists: processes an agent may start, modules it may load."),
]
IdKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--id-key",
        metavar="FILE",
        help="Key under which ids are made; made where there is none. [~/.config/leeway/id.key]",
    ),
]
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        help="Where the work runs: duckdb, made for many events, or fold, the reference. Both find the same.",
    ),
]
MemoryOption = Annotated[
    str,
    typer.Option(
        "--memory",
        metavar="SIZE",
        envvar="LEEWAY_MEMORY",
        help="Most memory for the tables of the duckdb engine; more is spilled to disk.",
    ),
]
ThreadsOption = Annotated[
    int,
    typer.Option("--threads", min=0, envvar="LEEWAY_THREADS", help="Threads of the duckdb engine; 0 takes one a core."),
]
DEFAULT_ENGINE = DEFAULT
MEMORY = Resources().memory
SpillOption = Annotated[
    Path | None,
    typer.Option(
        "--spill-dir",
        metavar="DIR",
        envvar="LEEWAY_SPILL_DIR",
        help="Where to spill to; within the output directory unless given.",
    ),
]
Observe = Annotated[bool, typer.Option("--observe", help="Judge and store everything, deliver nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON: sorted, stable.")]
Wait = Annotated[
    float, typer.Option("--wait", min=0, metavar="SECONDS", help="Wait so long for another run on the directory.")
]
Cluster = Annotated[str | None, typer.Option("--cluster", help="Kusto cluster; Kusto is not in this version.")]
KustoDatabase = Annotated[str | None, typer.Option("--database", help="Kusto database; Kusto is not in this version.")]
Tenant = Annotated[str | None, typer.Option("--tenant", help="Azure tenant; Kusto is not in this version.")]


SinkOption = Annotated[
    list[str] | None,
    typer.Option(
        "--sink",
        metavar="FORM:TARGET",
        help="Tell this place of findings: ocsf:FILE, webhook:https://..., syslog://HOST. May be repeated.",
    ),
]
SinkToken = Annotated[
    Path | None,
    typer.Option(
        "--sink-token-file",
        metavar="FILE",
        help="Holds the bearer token for the web address, as LEEWAY_SINK_TOKEN does in the environment.",
    ),
]
SinkAuthority = Annotated[
    Path | None,
    typer.Option("--sink-ca", metavar="FILE", help="Certificates to trust for sinks in place of the system's."),
]
AllowPrivateSink = Annotated[
    bool, typer.Option("--allow-private-sink", help="Let a web address lead to one that is not public.")
]


class Level(StrEnum):
    """A severity, as one types it."""

    INFO = "INFO"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


MinSeverity = Annotated[
    Level, typer.Option("--min-severity", help="Least severity of findings that sinks are told of.")
]


class SinkFlags(NamedTuple):
    """The flags that say whom to tell."""

    sink: list[str] | None = None
    token: Path | None = None
    authority: Path | None = None
    allow_private: bool = False
    least: Level = Level.LOW

    @property
    def severity(self) -> Severity:
        """The least severity to tell of."""
        return Severity[self.least.name]


def outlets_of(flags: SinkFlags, ids: IdKey, output_dir: Path, key: Path | None) -> dict[str, Outlet]:
    """Return the outlets of all sinks, by the fingerprint under which the state knows them.

    Raises:
        InvalidConfigError: where a sink cannot be used; is a file in the output directory, which holds the state, or
            one of the files that hold the id key and the token; or a token would go to more than one web address.
        StateError: where the token cannot be read, or others may read it.
    """
    if not flags.sink:
        return {}
    targets = [parse_target(one, allows_private=flags.allow_private) for one in flags.sink]
    inside = output_dir.resolve()
    files = {Path(str(one.place[0])).resolve() for one in targets if one.way == "file"}
    if any(one.is_relative_to(inside) for one in files):
        raise InvalidConfigError("a sink is a file in the output directory", hint="leeway alone writes there")
    if files & {one.resolve() for one in (key_file(key), flags.token) if one is not None}:
        raise InvalidConfigError("a sink is the file of a secret", hint="what is told would be written into it")
    network = Network(allows_private=flags.allow_private, authority=flags.authority).checked()
    hosts = Counter(one.place[:2] for one in targets if one.way == "https")
    token = _sink_token(flags.token) if hosts else ""
    if token and len(hosts) > 1:
        raise InvalidConfigError(
            "a token goes to one web address, and several are given", hint="give each a run of leeway deliver"
        )
    return {ids.id_of("sink", *one.identity): outlet_of(one, network, token) for one in targets}


def _sink_token(path: Path | None) -> str:
    if path is None:
        return os.environ.get("LEEWAY_SINK_TOKEN", "").strip()
    try:
        if path.stat().st_mode & 0o077:
            raise StateError(f"{path} may be read by others", hint=f"chmod 600 {path}")
        return path.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise StateError(f"cannot read the token in {path}") from error


def refuse_kusto(*flags: str | None) -> None:
    """Say that Kusto is not there, where one of its flags is given.

    Raises:
        UnsupportedError: always then.
    """
    if any(flags):
        raise UnsupportedError(
            "Kusto is not in this version: --cluster, --database and --tenant do nothing yet",
            hint="export the tables to JSON lines and give them with --source",
        )


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


class EngineFlags(NamedTuple):
    """The flags that say where the work runs, and with how much of the machine."""

    name: str = DEFAULT_ENGINE
    memory: str = Resources().memory
    threads: int = 0
    spill: Path | None = None

    def engine(self, spill: Path | None = None) -> Verbs:
        """Return the engine; it spills to `spill` where no flag says where to.

        Raises:
            InvalidConfigError: where there is none of that name, or the memory is no size.
        """
        return engine_named(self.name, Resources(memory=self.memory, threads=self.threads, spill=self.spill or spill))


class FeedFlags(NamedTuple):
    """The flags that say of feeds what they do not say themselves."""

    column_map: Path | None = None
    host: str = ""

    def told(self) -> Told:
        """Return what they say.

        Raises:
            InvalidConfigError: where the column map cannot be used.
        """
        return Told(load_column_map(self.column_map) if self.column_map is not None else None, self.host)


NO_FEED_FLAGS = FeedFlags()


def opened(*given: list[str] | None, feeds: FeedFlags = NO_FEED_FLAGS) -> tuple[Source, ...]:
    """Return the sources of all URIs, however they were given.

    Raises:
        InvalidConfigError: where none is given.
        SourceError: where one is not there.
    """
    uris = [uri for uris in given for uri in uris or ()]
    if not uris:
        raise InvalidConfigError("no source", hint="give one with --source: a file, a folder, a glob or -")
    told = feeds.told()
    return tuple(source for uri in uris for source in open_sources(uri, stdin=sys.stdin.buffer, told=told))


def chosen(
    known: Settings, learning: int | None, established: int | None, scope: str | None, aliases: Path | None = None
) -> Settings:
    """Return the settings of a run: what its flags say, and what the directory's last run had for the rest."""
    profile = LearningProfile(
        learning_days=known.profile.learning_days if learning is None else learning,
        established_days=known.profile.established_days if established is None else established,
    )
    return Settings(
        profile=profile,
        caps=known.caps,
        scope=known.scope if scope is None else parse_scope(scope),
        tenant=known.tenant,
        aliases=known.aliases if aliases is None else load_aliases(aliases),
    )


def policy_of(path: Path | None) -> Policy:
    """Return the policy of a file, or one without rules."""
    return load_policy(path) if path is not None else Policy()


def key_file(path: Path | None) -> Path:
    """Return where the id key is: what is given, else what the environment says, else its usual place."""
    if path is not None:
        return path
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(os.environ.get("LEEWAY_ID_KEY") or Path(home) / "leeway" / "id.key")


def id_key(path: Path | None, output_dir: Path | None = None) -> IdKey:
    """Return the id key of a file, made where there is none.

    Raises:
        InvalidConfigError: where the file lies in the output directory, whose readers are not to have it.
        StateError: where it cannot be read.
    """
    path = key_file(path)
    if output_dir is not None and path.resolve().is_relative_to(output_dir.resolve()):
        raise InvalidConfigError(f"the id key {path} lies in the output directory", hint="keep it elsewhere")
    return IdKey(read_or_make_secret(path))
