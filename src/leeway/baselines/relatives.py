"""Back-off: whom an agent that is not settled is judged by."""

from collections.abc import Callable, Mapping

from leeway.agents import AgentKey
from leeway.baselines.baseline import Baseline
from leeway.baselines.membership import AgentState, state_of
from leeway.config import LearningProfile

_Kinship = Callable[[AgentKey], tuple[object, ...]]

_NEAREST_FIRST: tuple[_Kinship, ...] = (
    lambda key: ("same program here", key.machine, key.process, key.signer),
    lambda key: ("same agent elsewhere", key.process, key.arguments, key.signer, key.unit),
    lambda key: ("same program elsewhere", key.process, key.signer),
)
"""Same machine, process and signer; then same process, arguments and signer; then same process and signer."""


class Relatives:
    """The settled baselines of a window, by kinship."""

    def __init__(self, baselines: Mapping[str, Baseline], day: int, profile: LearningProfile) -> None:
        """Index the settled ones among `baselines` as of `day` (an ordinal)."""
        self._by_kin: dict[tuple[object, ...], list[Baseline]] = {}
        self._learnt: dict[tuple[object, ...], set[str]] = {}
        for agent in sorted(baselines):
            baseline = baselines[agent]
            state = state_of(baseline, day, profile)
            if state is AgentState.LEARNING:
                self._learnt.setdefault(_NEAREST_FIRST[0](baseline.key), set()).add(agent)
            if baseline.key.declared is None and state is AgentState.SETTLED:
                for kinship in _NEAREST_FIRST:
                    self._by_kin.setdefault(kinship(baseline.key), []).append(baseline)

    def of(self, agent: str, key: AgentKey) -> tuple[Baseline, ...]:
        """Return the nearest settled relatives of an agent, all of one kind of kinship; none for a declared agent."""
        if key.declared is not None:
            return ()
        for kinship in _NEAREST_FIRST:
            kin = tuple(one for one in self._by_kin.get(kinship(key), []) if one.agent != agent)
            if kin:
                return kin
        return ()

    def is_learning(self, agent: str, key: AgentKey) -> bool:
        """Say whether the machine is learning the program: another agent of it runs that and is not settled yet."""
        return key.declared is None and bool(self._learnt.get(_NEAREST_FIRST[0](key), set()) - {agent})
