"""Declared agents: they name themselves in the calls they make to tools, and no process is known of them."""

from dataclasses import dataclass

from leeway.events import AnyEvent, DeclaredAgent
from leeway.testing.fleet.acts import Host, fill
from leeway.testing.fleet.clock import HOUR_SECONDS, draw, is_weekend, midnight, token
from leeway.testing.fleet.hosts import HOSTS
from leeway.testing.fleet.trace import Trace

_WEEKEND = 0.4
_BEGIN, _END = 8.0, 19.0


@dataclass(frozen=True, slots=True)
class Declared:
    """An agent that declares itself: where it runs and the calls it makes."""

    label: str
    uid: str
    name: str
    host: Host
    calls: tuple[tuple[str, dict[str, str]], ...]
    volume: int


DECLARED: tuple[Declared, ...] = (
    Declared(
        "declared/concierge",
        "agent:concierge:7c21",
        "Travel Concierge",
        HOSTS["app-yew"],
        (
            ("calendar.read", {"range": "{d}"}),
            ("flights.search", {"origin": "HAM", "destination": "LIS"}),
            ("flights.hold", {"offer": "{u}"}),
            ("mail.draft", {"folder": "outbox"}),
            ("files.read", {"path": "/srv/travel/policy.md"}),
        ),
        300,
    ),
    Declared(
        "declared/auditor",
        "agent:auditor:19fe",
        "Ledger Auditor",
        HOSTS["dev-oak"],
        (
            ("ledger.query", {"table": "entries", "limit": "{n}"}),
            ("ledger.query", {"table": "accounts", "limit": "{n}"}),
            ("files.read", {"path": "/srv/ledger/rules.md"}),
            ("tickets.comment", {"queue": "finance", "ticket": "{n}"}),
        ),
        260,
    ),
)


def calls_of(seed: int, who: Declared, day: int) -> list[AnyEvent]:
    """Return the calls of a declared agent on a day: every kind at least twice, in one instance."""
    scope = f"{seed}|{who.label}|{day}"
    rng, trace = draw(scope), Trace(scope, who.host, 0)
    agent = DeclaredAgent(uid=who.uid, instance_uid=token(scope, "run"), name=who.name)
    count = round(who.volume * (_WEEKEND if is_weekend(day) else 1.0) * rng.uniform(0.9, 1.1))
    calls = (*who.calls, *who.calls, *rng.choices(who.calls, k=count))
    for tool, arguments in calls:
        second = midnight(day) + rng.uniform(_BEGIN, _END) * HOUR_SECONDS
        drawn = {name: fill(value, rng, second) for name, value in arguments.items()}
        trace.called(second, agent, tool, drawn, int(min(rng.lognormvariate(0, 0.6), 6.0) * 120_000))
    return trace.events
