"""The cells of a day by owner, and the days of the agents that they count for."""

from datetime import UTC, date, datetime, time
from typing import Final

from leeway.baselines import AgentState
from leeway.engines.live.cells import Amounts, Cell, Group, Owner, Owners, Steps
from leeway.engines.live.judging import Judge, Standing
from leeway.engines.live.lineage import LiveLineage
from leeway.engines.live.rollup import AgentDay
from leeway.engines.live.showings import SENT, Seen, Showing, Showings
from leeway.events import AnyEvent, ToolCalled
from leeway.summaries import Bound, Summary

_HOUR_BITS: Final = 5
"""Of a cell's key; those above are its showing's."""

_QUIET: Final[frozenset[str]] = frozenset()


class Tables:
    """Counts events for their owners, and listens for those that may change what is said of an agent."""

    def __init__(self, day: date, bound: Bound, showings: Showings, lineage: LiveLineage, judge: Judge) -> None:
        self._day = day
        self._bound = bound
        self._showings = showings
        self._lineage = lineage
        self._judge = judge
        self.cells: dict[str, Cell | None] = {}
        """Event id to where it was counted; None where it is nobody's."""
        self.agents: dict[str, AgentDay] = {}
        self.heard: set[str] = set()
        """Agents of whom something else may be said than before."""
        self.owners = Owners()
        self._groups: dict[tuple[tuple[str, ...], tuple[str, ...]], Group] = {}
        self._waiting: list[list[Cell]] = []
        """By the number of their group, cells of which some events are not yet in the agents' days."""
        self._standings: dict[str, Standing] = {}
        self._latest = datetime.combine(day, time(), UTC)

    def add(self, event: AnyEvent, owner: Owner, showing: Showing) -> Cell:
        """Count one event; return where. What its id leads to is the caller's to note."""
        moment = event.time
        group = owner.group
        if group is None:
            group = self._join(owner)
        cell = owner.cells.get(showing.number << _HOUR_BITS | moment.hour)
        if cell is None:
            cell = self._open(event, moment, owner, showing, group)
        else:
            cell.add(moment, event.id)
            if cell.loud and moment <= self._latest:
                self.heard |= cell.loud  # an event out of order may be the one by which a value is shown
            if not cell.is_waiting:
                cell.is_waiting = True
                self._waiting[group.number].append(cell)
        if showing.measures:
            self._measure(event, owner, showing, group)
            if type(event) is ToolCalled:
                self._step(event, owner, group)
        if moment > self._latest:  # noqa: PLR1730  # a call for every event
            self._latest = moment
        return cell

    def _open(self, event: AnyEvent, moment: datetime, owner: Owner, showing: Showing, group: Group) -> Cell:
        """Return a new cell with its first event."""
        hour, number = moment.hour, showing.number
        hours = self._showings.hour(event)
        cell = Cell(owner.number, showing, showing, hours, hour, moment, event.id, moment, 1, 0, True)  # noqa: FBT003  # it waits
        owner.cells[number << _HOUR_BITS | hour] = cell
        self._waiting[group.number].append(cell)
        is_heard = not showing.tells_actor and group.hours >> hour & 1 and group.loud.get(number) is _QUIET
        if not is_heard and (group.actor or showing.tells_actor):
            self._listen(cell, group)
        return cell

    def summary(self, agent: str) -> Summary:
        """Return an agent's summary with everything that was counted."""
        self.fold(agent)
        return self.agents[agent].summary()

    def standing(self, agent: str) -> Standing:
        """Return how an agent stands, by the key it is shown under."""
        found = self._standings.get(agent)
        if found is None:
            found = self._standings[agent] = self._judge.standing(agent, self._lineage.key_of(agent))
        return found

    def is_renamed(self) -> bool:
        """Say whether an agent is shown under another key; listen to those whose instances changed."""
        if not self._lineage.renewed:
            return False
        renewed, self._lineage.renewed = self._lineage.renewed, set()
        known = renewed & self._standings.keys()
        is_renamed = any(self._lineage.key_of(agent) != self._standings[agent].key for agent in known)
        self.heard |= {one for one in known if self._standings[one].state is AgentState.UNKNOWN}
        if self._lineage.may_rename:
            self.heard |= renewed & self.agents.keys()
        return is_renamed

    def regroup(self) -> None:
        """Count everything anew for the agents that it counts for now."""
        self.agents.clear()
        self._groups.clear()
        self._waiting.clear()
        self._standings.clear()
        for owner in self.owners:
            owner.group = None
        for owner in self.owners:
            for cell in owner.cells.values():
                cell.folded = 0
                cell.is_waiting = True
                group = self._join(owner)
                self._listen(cell, group)
                self._waiting[group.number].append(cell)
            if owner.group is not None:
                self._return(owner, owner.group)
        self.heard = set(self.agents)

    def _return(self, owner: Owner, group: Group) -> None:
        """Let all of an owner's amounts and sessions wait again."""
        for amounts in (owner.amounts or {}).values():
            amounts.wait_again()
            if (amounts.measure, amounts.key) == SENT:
                for hour, amount in amounts.hours.items():
                    self._sent(group, amount, hour)
        group.amounts += (owner.amounts or {}).values()
        if owner.sessions and group.actor:
            self.agents[group.actor[0]].sessions.append(owner)

    def fold(self, agent: str) -> None:
        """Add what waits to the days of the agents that it counts for, as far as `agent` is one of them."""
        for group in self.agents[agent].groups:
            if self._waiting[group.number] or group.amounts:
                self._fold(group)

    def _fold(self, group: Group) -> None:
        actors = [self.agents[agent] for agent in group.actor]
        parents = [self.agents[agent] for agent in group.parent]
        for cell in self._waiting[group.number]:
            more = cell.count - cell.folded
            cell.folded, cell.is_waiting = cell.count, False
            showing = cell.showing
            for agent in actors:
                agent.count(cell, more)
                agent.see(showing.lineage, cell, more)
                agent.see(cell.hours, cell, more)
            for agent in actors[:1]:
                agent.see(showing.nearest, cell, more)
            for agent in parents:
                agent.see(showing.parent, cell, more)
        self._waiting[group.number].clear()
        for amounts in group.amounts:
            totals = amounts.settle()
            for agent in actors:
                agent.measure(amounts, totals)
        group.amounts.clear()

    def _join(self, owner: Owner) -> Group:
        """Return the group of an owner, with the days of its agents."""
        if owner.group is not None:
            return owner.group
        key = self._lineage.credits(owner)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(len(self._groups), *key)
            self._waiting.append([])
            for agent in dict.fromkeys((*group.actor, *group.parent)):
                if agent not in self.agents:
                    self.agents[agent] = AgentDay(agent, self._day, self._bound)
                    self.heard.add(agent)
                self.agents[agent].groups.append(group)
        owner.group = group
        return group

    def _listen(self, cell: Cell, group: Group) -> None:
        """Find out whether a new cell changes what may be said of an agent."""
        raw = cell.raw
        if raw.tells_actor:
            cell.showing = self._showings.by(raw, self._lineage.shown(self.owners.of_cell(cell), raw.user))
        number = cell.showing.number
        loud = group.loud.get(number)
        if loud is None:
            loud = group.loud[number] = self._loud(cell, group) if group.actor or group.parent else _QUIET
        cell.loud = loud
        if not group.hours >> cell.hour & 1:
            group.hours |= 1 << cell.hour
            self.heard.update([one for one in group.actor for seen in cell.hours if self._is_loud(one, seen)])
        if loud and (number << _HOUR_BITS | cell.hour) not in group.heard:
            group.heard.add(number << _HOUR_BITS | cell.hour)
            self.heard |= loud

    def _loud(self, cell: Cell, group: Group) -> frozenset[str]:
        showing = cell.showing
        loud: set[str] = set()
        heard_by = (group.actor, showing.lineage), (group.actor[:1], showing.nearest), (group.parent, showing.parent)
        for agents, values in heard_by:
            for agent in agents if values else ():
                quiet = self.agents[agent].quiet
                if not quiet.issuperset(values):
                    fresh = [seen for seen in values if seen not in quiet]
                    if any([self._is_loud(agent, seen) for seen in fresh]):  # noqa: C419  # each is noted
                        loud.add(agent)
        return frozenset(loud) if loud else _QUIET

    def _is_loud(self, agent: str, seen: Seen) -> bool:
        day = self.agents[agent]
        is_beyond = day.note(seen)
        if self._judge.may_speak(self.standing(agent), seen) or is_beyond:
            return True
        day.quiet.add(seen)
        return False

    def _measure(self, event: AnyEvent, owner: Owner, showing: Showing, group: Group) -> None:
        for part, read in showing.measures:
            amount = read(event)
            if amount is None:
                continue
            if owner.amounts is None:
                owner.amounts = {}
            amounts = owner.amounts.get(part)
            if amounts is None:
                amounts = owner.amounts[part] = Amounts(*part)
            if not amounts.n:
                group.amounts.append(amounts)
            amounts.add(amount, event.time, event.id)
            if part == SENT:
                self._sent(group, amount, event.time.hour)

    def _sent(self, group: Group, amount: int, hour: int) -> None:
        for agent in group.actor:
            day = self.agents[agent]
            day.sent_whole += amount
            hourly = day.sent[hour] = day.sent.get(hour, 0) + amount
            if self._judge.may_speak_of_bytes(self.standing(agent), hourly, day.sent_whole):
                self.heard.add(agent)

    def _step(self, event: ToolCalled, owner: Owner, group: Group) -> None:
        run = event.agent.instance_uid if event.agent is not None else ""
        if not run:
            return
        if owner.sessions is None:
            owner.sessions = {}
        if not owner.sessions and group.actor:
            self.agents[group.actor[0]].sessions.append(owner)
        steps = owner.sessions.get(run)
        if steps is None:
            steps = owner.sessions[run] = Steps(self._bound.caps.session_steps)
        steps.add(event)
