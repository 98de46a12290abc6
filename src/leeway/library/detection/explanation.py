"""A judgement in plain words: what was seen, and what was expected, from the numbers that it was made of."""

from collections.abc import Callable
from datetime import timedelta
from math import exp
from typing import Final

from leeway.library.detection.acts import SLOTS_A_DAY, Act
from leeway.library.detection.amounts import Amounts, Usual
from leeway.library.detection.frequencies import Frequency
from leeway.library.detection.members import Members
from leeway.text import display, redact

_MOST: Final = 3
"""Aspects that are told."""

_LEAST_SHARE: Final = 0.1
"""Share of the score from which on an aspect is told."""

_LONGEST: Final = 80
_COMMON: Final = 3
_INSTANT: Final = 0.1

_TOGETHER: Final = "its values do not go together"

_OCCASIONS: Final = {False: "a weekday", True: "a weekend day"}


def usual_words(events: int) -> str:
    """Return the explanation of an event that does not depart."""
    return f"nothing departs from the {events:,} events known"


def in_words(shares: dict[str, float], act: Act, members: Members, events: int) -> str:
    """Return in what an event departs, the largest share first.

    Args:
        shares: aspect to its share of the score.
        act: what the event says.
        members: what is usual.
        events: how many events the model knows.
    """
    largest = sorted(shares, key=lambda aspect: (-shares[aspect], aspect))
    told = [aspect for aspect in largest if shares[aspect] >= _LEAST_SHARE][:_MOST] or largest[:1]
    phrases = [_PHRASES[aspect](act, members) for aspect in told if aspect in _PHRASES]
    return "; ".join(phrases) or f"{_TOGETHER} in the {events:,} events known"


def aspect_words(aspect: str, act: Act, members: Members) -> str:
    """Return in what an event departs in one aspect."""
    return _PHRASES[aspect](act, members) if aspect in _PHRASES else _TOGETHER


def _quoted(text: str | None) -> str:
    return f"'{display(redact(text or ''), limit=_LONGEST)}'"


def _value(name: str, value: str | None, frequency: Frequency | None) -> str:
    if frequency is None or value is None:
        return name
    count = frequency.counts.get(value, 0)
    if not count:
        common = list(frequency.counts.items())[:_COMMON]
        usual = ", ".join(f"{_quoted(one)} {times / frequency.total:.0%}" for one, times in common)
        return f"{name} {_quoted(value)} was never seen in {frequency.total:,} events (usual: {usual})"
    return f"{name} {_quoted(value)} is {count / frequency.total:.2%} of {frequency.total:,} events"


def _amount(name: str, amount: float | None, kind: str, amounts: Amounts | None) -> str:
    if amounts is None or amount is None:
        return name
    middle, low, high = amounts.in_words(kind)
    ratio = (amount + amounts.offset) / (middle + amounts.offset)
    times = f"{ratio:,.3g} ×" if ratio >= 1 else f"1/{1 / ratio:,.3g} of"
    of_kind = f" of {_quoted(kind)}" if kind in amounts.usual else ""
    return (
        f"{name} {_number(amount)} is {times} the usual {_number(middle)}{of_kind} ({_number(low)} to {_number(high)})"
    )


def _number(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 or amount == int(amount) else f"{amount:,.3g}"  # noqa: PLR2004  # digits


def _kind(act: Act, members: Members) -> str:
    return _value("event_type", act.kind, members.event_type)


def _tool(act: Act, members: Members) -> str:
    return _value("tool", act.tool, members.tool)


def _destination(act: Act, members: Members) -> str:
    return _value("destination", act.destination, members.destination)


def _success(act: Act, members: Members) -> str:
    if act.success is None or members.success is None:
        return "success"
    share = members.success.share(act.action, success=act.success)
    return f"{'success' if act.success else 'failure'} is {share:.2%} of the outcomes of {_quoted(act.action)}"


def _duration(act: Act, members: Members) -> str:
    return _amount("duration_ms", act.duration, act.action, members.duration)


def _resource(act: Act, members: Members) -> str:
    return _amount("resource_count", act.resources, act.action, members.resource)


def _temporal(act: Act, members: Members) -> str:
    if act.slot is None or members.temporal is None:
        return "time of day"
    hours = members.temporal
    minutes = act.slot % SLOTS_A_DAY * 15
    first, last = hours.busiest(act.slot)
    kind = _OCCASIONS[act.slot >= SLOTS_A_DAY]
    busy = f"{hours.density[act.slot]:.2g} × the average activity"
    seen = f"{minutes // 60:02}:{minutes % 60:02} on {kind} sees {busy}"
    return f"{seen} (nine tenths lie from {first:02}:00 to {last:02}:00)"


def _seconds(log_seconds: float) -> str:
    seconds = max(0.0, exp(log_seconds) - _INSTANT)
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))  # noqa: PLR2004  # a minute


def _spread(usual: Usual) -> str:
    low, high = usual.middle - usual.below, usual.middle + usual.above
    return f"usual {_seconds(usual.middle)} ({_seconds(low)} to {_seconds(high)})"


def _interval(act: Act, members: Members) -> str:
    if act.gap is None or members.interval is None:
        return "time since the event before"
    return f"{_seconds(act.gap)} since the event before ({_spread(members.interval.usual)})"


def _rate(act: Act, members: Members) -> str:
    if act.pace is None or members.rate is None:
        return "rate"
    return f"the last events came every {_seconds(act.pace)} ({_spread(members.rate.usual)})"


def _failures(act: Act, members: Members) -> str:
    if act.failures is None or members.failures is None:
        return "failures"
    return (
        f"{act.failures[0]} of the last {act.failures[1]} outcomes are failures (usual: {members.failures.share:.1%})"
    )


def _sequence(act: Act, members: Members) -> str:
    if act.before is None or members.sequence is None:
        return "sequence"
    share = members.sequence.share(act.action, act.before)
    return f"{_quoted(act.action)} after {_quoted(act.before[0])} has a likelihood of {share:.2g}"


def _calls(_: Act, __: Members) -> str:
    return "its tool and arguments are stranger than those of most sessions known"


_PHRASES: Final[dict[str, Callable[[Act, Members], str]]] = {
    "calls": _calls,
    "event_type": _kind,
    "tool": _tool,
    "destination": _destination,
    "success": _success,
    "duration": _duration,
    "resource": _resource,
    "temporal": _temporal,
    "interval": _interval,
    "rate": _rate,
    "failures": _failures,
    "sequence": _sequence,
}
