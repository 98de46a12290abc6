"""Back-off: whom an agent that is not settled is judged by."""

from collections.abc import Callable, Mapping

from leeway.agents import AgentKey
from leeway.baselines.baseline import Baseline
from leeway.baselines.kindred import Kindred
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
        self._day = day
        self._profile = profile
        self._by_kin: dict[tuple[object, ...], dict[str, Baseline]] = {}
        self._kindred: dict[tuple[object, ...], Kindred] = {}
        self._learnt: dict[tuple[object, ...], set[str]] = {}
        for agent in sorted(baselines):
            baseline = baselines[agent]
            state = state_of(baseline, day, profile)
            if state is AgentState.LEARNING:
                self._learnt.setdefault(_NEAREST_FIRST[0](baseline.key), set()).add(agent)
            if baseline.key.declared is None and state is AgentState.SETTLED:
                for kinship in _NEAREST_FIRST:
                    self._by_kin.setdefault(kinship(baseline.key), {})[agent] = baseline

    def of(self, agent: str, key: AgentKey) -> Kindred:
        """Return the nearest settled relatives of an agent, all of one kind of kinship; none for a declared agent."""
        if key.declared is None:
            for kinship in _NEAREST_FIRST:
                kin = self._by_kin.get(kinship(key), {})
                if kin.keys() - {agent} if len(kin) == 1 else kin:
                    return self._one(kinship(key), agent)
        return Kindred((), self._day, self._profile)

    def _one(self, kinship: tuple[object, ...], agent: str) -> Kindred:
        """Return those of a kinship but the agent; what all know is shared by the agents that are not among them."""
        kin = self._by_kin[kinship]
        if agent in kin:
            return Kindred(kin.values(), self._day, self._profile, without=agent)
        found = self._kindred.get(kinship)
        if found is None:
            found = self._kindred[kinship] = Kindred(kin.values(), self._day, self._profile)
        return found

    def is_learning(self, agent: str, key: AgentKey) -> bool:
        """Say whether the machine is learning the program: another agent of it runs that and is not settled yet."""
        return key.declared is None and bool(self._learnt.get(_NEAREST_FIRST[0](key), set()) - {agent})
