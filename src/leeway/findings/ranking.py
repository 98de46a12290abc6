"""In which order findings are read."""

from collections.abc import Iterable

from leeway.findings.finding import Finding

_STARTS = frozenset({"new_agent", "new_child", "process_not_allowed"})


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings gravest first, without those that only repeat another one's view of an event.

    Of equal severity, a started process comes before what a process did, because the start names who acted; an account
    somebody made before those of the operating system, whose maintenance is most of what is new on an idle machine;
    then the less likely, then the earlier.
    """
    own = (one for one in findings if not one.linked_to)
    return sorted(own, key=_order)


def _order(one: Finding) -> tuple[object, ...]:
    is_start = one.type in _STARTS
    return -one.severity, not is_start, _is_system(one.user), one.surprise.p, one.first, one.finding_id


def _is_system(user: str) -> bool:
    """Whether an account is Windows' own (SYSTEM, a service, the machine), or not told."""
    name = user.casefold()
    return not name or name.startswith("nt authority\\") or name.endswith("$")
