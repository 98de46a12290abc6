"""New flow + new module load = HIGH (row A10)."""

from collections.abc import Iterable

from leeway.baselines import Membership
from leeway.detectors import View
from leeway.events import Facet, Value
from leeway.findings import NAMED_RANGE, Evidence, Finding, Severity, Signal
from leeway.findings.signal import EVENTS_SHOWN

_FLOW = "new_destination"
_MODULE = "new_module"
_FLOW_FACETS = (Facet.REGISTRABLE_DOMAIN, Facet.NETWORK)
_MODULE_FACETS = (Facet.MODULE,)
_SHOWN = 4


def flow_and_module(signals: Iterable[Signal], yesterday: Iterable[Finding], view: View) -> Signal | None:
    """Return the correlation where a new destination and a new module, neither established, meet in time.

    Their hour masks must overlap within one hour, over yesterday and today; at least one of the pair is of today.
    HIGH for a settled agent, softened as any remark about one that is not, and where either kind of novelty is usual
    for the agent.
    """
    marks = [_Mark.of_signal(one) for one in signals if one.type in {_FLOW, _MODULE}]
    marks += [_Mark.of_finding(one) for one in yesterday if one.type in {_FLOW, _MODULE}]
    met = sorted(
        {
            mark.order: mark
            for flow in marks
            for module in marks
            if flow.kind == _FLOW and module.kind == _MODULE and flow.meets(module)
            for mark in (flow, module)
        }.values(),
        key=lambda mark: mark.order,
    )
    today = [mark.signal for mark in met if mark.signal is not None]
    return _signal(met, today, view) if today else None


class _Mark:
    """A remark with its hours on a 48-hour mask: yesterday's 24 bits, then today's."""

    def __init__(self, kind: str, mask: int, value: Value, signal: Signal | None) -> None:
        self.kind = kind
        self.mask = mask
        shown = _shown(kind, value)
        self.text = shown if signal is not None else f"{shown} (yesterday)"
        self.signal = signal
        # The whole value: one port of two domains is two destinations.
        self.order = (kind, self.text, value)

    @classmethod
    def of_signal(cls, signal: Signal) -> "_Mark":
        return cls(signal.type, signal.hours << 24, signal.value, signal)

    @classmethod
    def of_finding(cls, finding: Finding) -> "_Mark":
        return cls(finding.type, finding.hours, finding.value, None)

    def meets(self, other: "_Mark") -> bool:
        """Whether both happened within an hour of each other, and one of them today."""
        wide = self.mask | self.mask << 1 | self.mask >> 1
        return bool(wide & other.mask) and not (self.signal is None and other.signal is None)


def _shown(kind: str, value: Value) -> str:
    """Return what was new in few words: a port with its place, anything else by its own name."""
    name = value[-1]
    is_port = kind == _FLOW and len(value) > 1 and name.isdecimal() and value[:-1] != (NAMED_RANGE,)
    if not is_port:
        return name
    return f"listening port {name}" if value[:-1] == ("in",) else f"{name} of {value[-2]}"


def _signal(met: list[_Mark], today: list[Signal], view: View) -> Signal:
    flows = [mark.text for mark in met if mark.kind == _FLOW]
    modules = [mark.text for mark in met if mark.kind == _MODULE]
    hours = 0
    for one in today:
        hours |= one.hours
    refs = sorted((one.first, event) for one in today for event in one.event_ids)
    return Signal(
        agent=today[0].agent,
        type="flow_and_module",
        value=(),
        severity=min(view.soften(Severity.HIGH, Membership.NEW, *facets) for facets in (_FLOW_FACETS, _MODULE_FACETS)),
        evidence=(
            Evidence("new destinations", _listed(flows), "no new destination within an hour of a new module"),
            Evidence("new modules", _listed(modules), "no new module within an hour of a new destination"),
        ),
        first=min(one.first for one in today),
        last=max(one.last for one in today),
        hours=hours,
        event_ids=tuple(dict.fromkeys(event for _, event in refs))[:EVENTS_SHOWN],
        surprise=min((one.surprise for one in today), key=lambda one: one.p),
        held=tuple(dict.fromkeys(held for one in today for held in one.held)),
    )


def _listed(texts: list[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
