"""What a run may be told: how long to learn, how much to keep, whom to watch."""

import re
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache

from msgspec import Struct

from leeway.errors import InvalidConfigError

_PATTERN_LIMIT = 256


class LearningProfile(Struct, frozen=True, kw_only=True):
    """When a baseline counts as settled and a value as established; shown in every output.

    The defaults are ARCHITECTURE section 4: settled after 7 days, established after 3 distinct days and 5 sightings.
    """

    learning_days: int = 7
    """Closed days, the first one included, before a baseline is settled; 0 settles it at once."""
    established_days: int = 3
    """Distinct days on which a value was seen before it is established."""

    def __post_init__(self) -> None:
        if not (0 <= self.learning_days <= 90 and 1 <= self.established_days <= 30):  # noqa: PLR2004  # the bounds are this check
            raise InvalidConfigError(
                f"learning days {self.learning_days} and established days {self.established_days} are out of range",
                hint="learning days go from 0 to 90, established days from 1 to 30",
            )

    @property
    def established_sightings(self) -> int:
        """Sightings needed besides the days: 5 by default, one a day for a shorter profile."""
        return 5 if self.established_days >= 3 else self.established_days  # noqa: PLR2004  # the default profile

    @property
    def settled_events(self) -> int:
        """Events needed before a baseline is settled: seven a learning day."""
        return 7 * self.learning_days


class Caps(Struct, frozen=True, kw_only=True):
    """Bounds on what is kept; reaching one is counted, shown, and a health finding."""

    values_per_facet: int = 512
    """Distinct values of one facet of one agent on one day; past it the smallest keyed fingerprints stay."""
    shapes: int = 64
    """Argument shapes of one (machine, process, signer)."""
    baseline_values: int = 20_000
    """Values in one baseline, over all facets; the longest unseen are let go first."""
    session_steps: int = 256
    """Steps kept of one agent instance on one day."""
    promoted_per_week: int = 10
    """Values of expired cases that one agent may learn in seven days without a person."""
    keep_days: int = 35
    """Days for which events are kept to be judged again when late ones arrive."""


class ScopeKind(StrEnum):
    """By what a process counts as an agent."""

    EVIDENCE = "evidence"
    NAME = "name"
    UNIT = "unit"
    ALL = "all"


class Scope(Struct, frozen=True):
    """Whom to watch: processes with evidence of an AI agent, of a name, of a unit, or every process."""

    kind: ScopeKind = ScopeKind.EVIDENCE
    pattern: str = ""

    def admits_name(self, process: str) -> bool:
        """Say whether a process name matches the pattern of a `name:` scope (shell wildcards)."""
        return _compiled(self.pattern).match(process) is not None

    def __str__(self) -> str:
        return f"{self.kind}:{self.pattern}" if self.pattern else str(self.kind)


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern.casefold()))


def parse_scope(text: str) -> Scope:
    """Return the scope that `evidence`, `name:PATTERN`, `unit` or `all` spells.

    Raises:
        InvalidConfigError: for anything else.
    """
    kind, _, pattern = text.partition(":")
    if kind not in set(ScopeKind) or (kind == ScopeKind.NAME) != bool(pattern) or len(pattern) > _PATTERN_LIMIT:
        raise InvalidConfigError(f"unknown scope {text!r}", hint="use evidence, name:PATTERN, unit or all")
    return Scope(ScopeKind(kind), pattern)


class Settings(Struct, frozen=True, kw_only=True):
    """Everything a fold depends on beside the events, the baselines and the verdicts."""

    profile: LearningProfile = LearningProfile()
    caps: Caps = Caps()
    scope: Scope = Scope()
    tenant: str = "default"
    aliases: dict[str, str] = {}  # msgspec copies empty defaults
    """Host names, lower case, to the host they belong to; from an alias file."""
