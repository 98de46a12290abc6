"""The policy of the fleet: allow lists for the few agents whose drift is to leave them."""

from re import compile as compile_pattern

from leeway.config import Policy
from leeway.config.policy import Rule
from leeway.testing.fleet.acts import Act, Spawn, command_name
from leeway.testing.fleet.crew import members
from leeway.testing.fleet.roster import DriftType, Member

_VERSION = compile_pattern(r"[0-9](?:[0-9_.]*[0-9])?")


def policy() -> Policy:
    """Return the rules: whatever an agent's kind may do normally is allowed, and nothing else."""
    return Policy(tuple(_rules()))


def _rules() -> list[Rule]:
    rules = []
    for member in members():
        name = member.image.replace("\\", "/").rpartition("/")[2].removesuffix(".exe").lower()
        if member.drift is DriftType.PROCESS_NOT_ALLOWED:
            rules.append(Rule(agent=f"{name}*", processes=_processes(member)))
        if member.drift is DriftType.MODULE_NOT_APPROVED:
            rules.append(Rule(agent=f"{name}*", modules=_modules(member, name)))
    return rules


def _processes(member: Member) -> tuple[str, ...]:
    names = {name for act in (*member.kind.core, *member.kind.pool, *member.extra) for name in _spawned(act)}
    return tuple(sorted(names | {f"{name}.exe" for name in names}))


def _spawned(act: Act) -> set[str]:
    if not isinstance(act, Spawn):
        return set()
    return {command_name(act.command)}.union(*(_spawned(inner) for inner in act.acts))


def _modules(member: Member, name: str) -> tuple[str, ...]:
    """Return the names of the kind's modules and of the image itself, any version of them."""
    bases = (module.path.replace("\\", "/").rpartition("/")[2] for module in member.kind.modules)
    return tuple(sorted({_VERSION.sub("*", base) for base in bases} | {name, f"{name}.exe"}))
