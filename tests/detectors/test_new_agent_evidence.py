"""A new agent is told with what is new to its machine, by what the machine's other agents know."""

from builders import CLAUDE, DAY, at, closed, loaded, process, reached, started, terms, week
from leeway.config import Scope
from leeway.config.settings import ScopeKind
from leeway.findings import Finding
from leeway.pipeline import World

EVERYONE = terms(scope=Scope(ScopeKind.ALL))
USUAL = [started(CLAUDE, when=at(8)), reached("api.anthropic.com"), loaded("/usr/lib/libssl.so.3")]
BOT = process("bot", "b7", line="bot --serve")
DEEDS = [
    started(BOT, when=at(9)),
    reached("api.anthropic.com", who=BOT),
    reached("127.0.0.1", 9_000, who=BOT),
    loaded("/usr/lib/libssl.so.3", who=BOT),
    loaded("/opt/relay.so", who=BOT),
]


def told(world: World) -> Finding:
    found = closed(world, DAY, DEEDS, under=EVERYONE).findings
    (one,) = (one for one in found if one.type == "new_agent" and one.agent_name.startswith("bot"))
    return one


def test_what_no_agent_of_the_machine_did_is_told() -> None:
    facts = {fact.what: fact.seen for fact in told(week(USUAL, under=EVERYONE)).evidence}
    assert facts == {
        "agent": "bot --serve @ h1",
        "networks new to the machine": "127.0.0.0/24",
        "modules new to the machine": "relay.so",
    }


def test_on_a_machine_without_known_agents_nothing_is_told() -> None:
    assert [fact.what for fact in told(World()).evidence] == ["agent"]


def test_many_values_are_counted() -> None:
    loads = [loaded(f"/opt/{letter}lib.so", who=BOT) for letter in "abcdefgh"]
    found = closed(week(USUAL, under=EVERYONE), DAY, [*DEEDS, *loads], under=EVERYONE).findings
    (one,) = (one for one in found if one.type == "new_agent")
    assert one.evidence[-1].seen == "alib.so, blib.so, clib.so, dlib.so, elib.so, flib.so and 3 more"
