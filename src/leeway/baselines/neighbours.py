"""What the agents of one machine know together: the ground on which a new one is described."""

from collections.abc import Mapping

from leeway.baselines.baseline import Baseline
from leeway.events import Facet, Value


class Neighbours:
    """The baselines of a window by machine, looked through only where somebody asks."""

    def __init__(self, baselines: Mapping[str, Baseline]) -> None:
        self._baselines = baselines
        self._by_machine: dict[str, list[Baseline]] | None = None
        self._known: dict[tuple[str, Facet], frozenset[Value]] = {}

    def know(self, machine: str, facet: Facet) -> frozenset[Value] | None:
        """Return the values of a facet that any agent of a machine ever showed; None where no agent of it is known."""
        if self._by_machine is None:
            self._by_machine = {}
            for baseline in self._baselines.values():
                self._by_machine.setdefault(baseline.key.machine, []).append(baseline)
        baselines = self._by_machine.get(machine) if machine else None
        if not baselines:
            return None
        asked = (machine, facet)
        if asked not in self._known:
            self._known[asked] = frozenset(value for one in baselines for value in one.values(facet))
        return self._known[asked]
