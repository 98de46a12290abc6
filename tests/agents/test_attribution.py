"""Whose behaviour an event is: credit, ids, aliases, shapes and scopes."""

from itertools import permutations
from string import ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import BASH, CLAUDE, HOST, IDS, at, called, loaded, process, reached, started, touched
from leeway.agents import OTHER_ARGUMENTS, AgentKey, Attribution, Known, Rules, catalogue
from leeway.agents.attribution import Registry
from leeway.config import Scope, parse_scope
from leeway.events import AnyEvent, Process, ToolCalled, identified, order

NOTHING = Known({}, {}, {})


def attribution(
    *events: AnyEvent, known: Known = NOTHING, scope: Scope | str = "evidence", shapes: int = 64
) -> Attribution:
    scope = scope if isinstance(scope, Scope) else parse_scope(scope)
    return Attribution(sorted(events, key=order), known, Rules(catalogue(), scope, shapes, IDS))


def names(found: Attribution, event: AnyEvent) -> list[str]:
    """Return the names of the agents that an event counts for, nearest first."""
    credited = found.credited(event)
    by_id = {agent: str(key) for key, agent in found.registry.items()}
    return [by_id[agent] for agent in credited]


CLAUDE_NAME = "claude --resume @ h1"
GIT = process("git", "g1", line="git push")
SERVER = process("ollama", "o1", line="ollama serve")


# Credit


def test_an_event_counts_for_every_agent_ancestor_nearest_first() -> None:
    inner = process("codex", "x1", line="codex exec")
    events = [
        started(CLAUDE, BASH, at(8)),
        started(inner, CLAUDE, at(9)),
        started(GIT, inner, at(10)),
        reached("a.example", who=GIT, when=at(11)),
    ]
    found = attribution(*events)
    assert names(found, events[3]) == ["codex exec @ h1", CLAUDE_NAME]
    assert names(found, events[1]) == ["codex exec @ h1", CLAUDE_NAME]
    assert names(found, events[0]) == [CLAUDE_NAME]


def test_what_no_agent_did_counts_for_nobody() -> None:
    event = reached("a.example", who=BASH)
    assert attribution(event, started(CLAUDE, BASH)).credited(event) == ()


def test_an_agent_counts_once_for_its_own_child_of_the_same_shape() -> None:
    again = Process(image=CLAUDE.image, uid="c2", command_line=CLAUDE.command_line)
    event = reached("a.example", who=again, when=at(11))
    assert names(attribution(started(CLAUDE), started(again, CLAUDE), event), event) == [CLAUDE_NAME]


def test_late_evidence_adds_credit_and_moves_none() -> None:
    bot = process("python3", "p1", line="python3 run.py")
    early = [started(CLAUDE, BASH, at(8)), started(bot, CLAUDE, at(9)), reached("a.example", who=bot, when=at(10))]
    late = [reached("api.openai.com", who=bot, when=at(22)), loaded("/x/libllama.so", who=bot, when=at(22))]
    before, after = attribution(*early), attribution(*early, *late)
    assert names(before, early[2]) == [CLAUDE_NAME]
    assert names(after, early[2]) == ["python3 run.py @ h1", CLAUDE_NAME]
    for event in early:
        assert set(before.credited(event)) <= set(after.credited(event))


def test_who_acted_is_shown() -> None:
    start = started(CLAUDE, BASH, at(8), user="ana")
    event = reached("a.example", who=GIT, when=at(11))
    found = attribution(start, started(GIT, CLAUDE, at(9), user="root"), event)
    actor = found.actor(event)
    assert (actor.process, actor.parent, actor.user, actor.command_line) == ("git", "claude", "root", "git push")
    assert actor.chain == ("bash", "claude", "git")
    call = called("search", user="ana")
    shown = found.actor(call)
    assert (shown.process, shown.user, shown.chain) == ("helpdesk", "ana", ("helpdesk",))


@pytest.mark.parametrize(
    ("parent", "chain", "shown"),
    [
        pytest.param(BASH, ("bash", "claude"), "bash", id="named"),
        pytest.param(Process(image="", pid=812), ("?", "claude"), "?", id="only its number is known"),
        pytest.param(None, ("claude",), "", id="none is known"),
    ],
)
def test_a_parent_without_a_name_is_shown_as_one(parent: Process | None, chain: tuple[str, ...], shown: str) -> None:
    event = started(CLAUDE, parent, at(8))
    actor = attribution(event).actor(event)
    assert (actor.process, actor.parent, actor.chain) == ("claude", shown, chain)


# Any order of a day

DAY_OF_A_SERVICE = [
    started(BASH, when=at(7)),
    started(process("python3", "p1", line="python3 agent.py --port 8080"), BASH, at(8), digest="AB"),
    reached("api.openai.com", who=Process(image="/usr/bin/python3", uid="p1"), when=at(9)),
    loaded("/site/libllama.so", who=Process(image="/usr/bin/python3", uid="p1"), when=at(10)),
    loaded("/usr/bin/python3", who=Process(image="/usr/bin/python3", uid="p1"), when=at(11), digest="AB", signer="PSF"),
]
HOURS = [event.time for event in DAY_OF_A_SERVICE]


def ids_of(events: list[AnyEvent], known: Known = NOTHING) -> tuple[dict[AgentKey, str], dict[str, tuple[str, ...]]]:
    found = attribution(*events, known=known)
    credited = {kind_of(event): found.credited(event) for event in events}
    return found.registry, credited


def kind_of(event: AnyEvent) -> str:
    return f"{type(event).__name__} {getattr(event, 'path', '')}{event.process and event.process.uid}"


def moved(event: AnyEvent, when: object) -> AnyEvent:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return identified(type(event)(**{**fields, "id": "", "time": when}))


@pytest.mark.parametrize("places", list(permutations(range(5))), ids=str)
def test_parent_evidence_and_signature_may_come_in_any_order(places: tuple[int, ...]) -> None:
    later = [moved(event, HOURS[place]) for event, place in zip(DAY_OF_A_SERVICE, places, strict=True)]
    assert ids_of(later) == ids_of(DAY_OF_A_SERVICE)
    registry, credited = ids_of(later)
    assert registry == {AgentKey(HOST, "python3", "agent.py --port #"): next(iter(registry.values()))}
    assert credited["ProcessStarted b1"] == ()


@given(st.permutations(DAY_OF_A_SERVICE))
def test_the_order_of_arrival_does_not_matter(arrived: list[AnyEvent]) -> None:
    assert ids_of(arrived) == ids_of(DAY_OF_A_SERVICE)


# Names that change


def test_a_signer_that_becomes_known_keeps_the_id() -> None:
    start = started(CLAUDE, digest="AB")
    first = attribution(start, loaded(CLAUDE.image, digest="AB", signer="Anthropic"))
    signers = first.learnt_signers([start, loaded(CLAUDE.image, digest="AB", signer="Anthropic")])
    assert signers == {(HOST, "ab"): "Anthropic"}
    assert [key.signer for key in first.registry] == [None], "a signature counts from the next day on"
    second = attribution(start, known=Known({}, signers, first.registry))
    assert [key.signer for key in second.registry] == ["Anthropic"]
    assert set(second.registry.values()) == set(first.registry.values())
    both: Registry = {**first.registry, **second.registry}
    third = attribution(start, known=Known({}, {}, both))
    assert set(third.registry.values()) == set(first.registry.values())


def test_an_update_whose_signer_is_not_known_yet_keeps_the_id() -> None:
    signed = AgentKey(HOST, "claude", "--resume", "Anthropic")
    update = started(CLAUDE, digest="CD")
    found = attribution(update, known=Known({}, {(HOST, "ab"): "Anthropic"}, {signed: "i" * 32}))
    assert found.credited(update) == ("i" * 32,)


def test_an_unknown_signer_is_no_alias_where_two_would_fit() -> None:
    registry = {AgentKey(HOST, "claude", "--resume", signer): signer * 32 for signer in "AB"}
    found = attribution(start := started(CLAUDE), known=Known({}, {}, registry))
    assert set(found.credited(start)).isdisjoint(registry.values())


def test_another_signer_is_another_agent() -> None:
    known = Known({}, {(HOST, "ab"): "Mallory"}, {AgentKey(HOST, "claude", "--resume", "Anthropic"): "i" * 32})
    found = attribution(start := started(CLAUDE, digest="AB"), known=known)
    assert found.credited(start) != ("i" * 32,)


def test_a_known_agent_needs_no_evidence_today() -> None:
    key = AgentKey(HOST, "python3", "agent.py --port #")
    start = started(process("python3", "p9", line="python3 agent.py --port 9"))
    assert attribution(start).credited(start) == ()
    assert attribution(start, known=Known({}, {}, {key: "i" * 32})).credited(start) == ("i" * 32,)


def test_a_unit_takes_the_place_of_arguments_and_signer() -> None:
    runs = [
        started(process("ollama", f"o{n}", line=f"ollama run m{n}x"), when=at(n), unit="ollama.service") for n in (8, 9)
    ]
    found = attribution(*runs)
    assert list(found.registry) == [AgentKey(HOST, "ollama", unit="ollama.service")]
    assert found.credited(runs[0]) == found.credited(runs[1])


def test_a_declared_agent_comes_first_and_is_one_on_all_hosts() -> None:
    call = called("search", host=HOST, process=CLAUDE)
    elsewhere = called("search", host="h2")
    found = attribution(started(CLAUDE), call, elsewhere)
    assert names(found, call) == ["helpdesk", CLAUDE_NAME]
    assert found.credited(elsewhere) == found.credited(call)[:1]


# Shapes


def shaped(*words: str, name: str = "claude", first: int = 0) -> list[AnyEvent]:
    return [
        started(process(name, f"{name}{word}", line=f"{name} --{word}"), when=at(8, first + n))
        for n, word in enumerate(words)
    ]


def test_shapes_beyond_the_cap_share_one_key() -> None:
    events = shaped(*ascii_lowercase[:7])
    found = attribution(*events, shapes=4)
    shared = AgentKey(HOST, "claude", OTHER_ARGUMENTS)
    assert len(found.registry) == 5
    assert shared in found.registry
    assert sum(found.credited(event) == (found.registry[shared],) for event in events) == 3
    (overflow,) = found.overflows
    assert (overflow.agent, overflow.shapes) == (found.registry[shared], 7)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_shapes_up_to_the_cap_keep_their_own(count: int) -> None:
    found = attribution(*shaped(*ascii_lowercase[:count]), shapes=4)
    assert len(found.registry) == count
    assert found.overflows == []


def test_which_shapes_are_admitted_does_not_depend_on_order() -> None:
    admitted = {frozenset(attribution(*shaped(*words), shapes=2).registry) for words in permutations("abcd")}
    assert len(admitted) == 1


def test_known_shapes_keep_their_places() -> None:
    known = attribution(*shaped("v", "w"), shapes=3).registry
    found = attribution(*shaped(*"abcdefgvw"), known=Known({}, {}, known), shapes=3)
    assert set(known.values()) <= set(found.registry.values())
    assert len(found.registry) == 4


def test_known_shapes_keep_their_places_when_their_signer_becomes_known() -> None:
    known = attribution(*shaped("v", "w", "x"), shapes=3).registry
    events = [
        started(process("claude", f"c{word}", line=f"claude --{word}"), when=at(8, n), digest="AB")
        for n, word in enumerate("abcdefvwx")
    ]
    found = attribution(*events, known=Known({}, {(HOST, "ab"): "Anthropic"}, known), shapes=3)
    assert set(known.values()) <= set(found.registry.values())


def test_the_overflow_belongs_to_the_agent_that_goes_by_the_shared_key() -> None:
    first = attribution(*shaped(*"abcd"), shapes=2)
    events = [
        started(process("claude", f"c{word}", line=f"claude --{word}"), when=at(8, n), digest="AB")
        for n, word in enumerate("abcd")
    ]
    second = attribution(*events, known=Known({}, {(HOST, "ab"): "Anthropic"}, first.registry), shapes=2)
    assert {one.agent for one in second.overflows} <= set(second.registry.values())
    assert {one.agent for one in second.overflows} == {one.agent for one in first.overflows}


def test_only_shapes_of_agents_count() -> None:
    found = attribution(*shaped(*ascii_lowercase[:9], name="rsync"), shapes=2)
    assert found.overflows == []
    assert found.registry == {}


def test_each_program_and_machine_has_shapes_of_its_own() -> None:
    found = attribution(*shaped("a", "b"), *shaped("a", "b", name="codex", first=10), shapes=2)
    assert len(found.registry) == 4
    assert found.overflows == []


# Scopes

FLEET = [
    started(CLAUDE, when=at(8)),
    started(process("rsync", "r1"), when=at(9)),
    started(process("python3", "p1", line="python3 x.py"), when=at(10), unit="x.service"),
]
CALL: ToolCalled = called("search", when=at(11))


@pytest.mark.parametrize(
    ("scope", "watched"),
    [
        pytest.param("evidence", [CLAUDE_NAME, "helpdesk"], id="evidence"),
        pytest.param("name:rs*", ["rsync @ h1"], id="name"),
        pytest.param("name:none", [], id="no such name"),
        pytest.param("unit", ["python3 [x.service] @ h1"], id="unit"),
        pytest.param("all", [CLAUDE_NAME, "helpdesk", "python3 [x.service] @ h1", "rsync @ h1"], id="all"),
    ],
)
def test_scopes_say_whom_to_watch(scope: str, watched: list[str]) -> None:
    found = attribution(*FLEET, CALL, scope=scope)
    for event in [*FLEET, CALL]:
        found.credited(event)
    assert sorted(map(str, found.registry)) == watched


def test_an_instance_outside_the_scope_has_no_id() -> None:
    found = attribution(*FLEET, scope="name:rs*")
    ids = {found.identity(one)[0].process: found.identity(one)[1] for one in found.lineage.instances()}
    assert ids["claude"] == ""
    assert len(ids["rsync"]) == 32


# Evidence


@pytest.mark.parametrize(
    ("events", "is_agent"),
    [
        pytest.param([reached("api.openai.com", who=SERVER)], True, id="its name"),
        pytest.param([reached("api.openai.com", who=GIT)], False, id="one host is not enough"),
        pytest.param([reached("api.openai.com", who=GIT, outbound=False)], False, id="nor an inbound connection"),
        pytest.param(
            [reached("api.openai.com", who=GIT), loaded("/x/libllama.so", who=GIT), touched("/m/x.gguf", who=GIT)],
            True,
            id="a host, a library and a model",
        ),
    ],
)
def test_evidence_makes_an_agent(events: list[AnyEvent], is_agent: bool) -> None:  # noqa: FBT001  # a column
    found = attribution(*events)
    assert bool(found.credited(events[0])) is is_agent


def test_the_shell_wrapper_of_an_agent_speaks_for_the_parent() -> None:
    node = process("node", "n1", line="node cli.js")
    shell = process(
        "zsh", "z1", line="zsh -c -l source /h/.claude/shell-snapshots/s.sh && eval 'ls' && pwd -P >| /tmp/c"
    )
    events = [started(node, when=at(8)), started(shell, node, at(9))]
    assert names(attribution(*events), events[1])[-1] == "node cli.js @ h1"


def test_shapes_with_and_without_a_signer_that_share_an_agent_are_one_overflow() -> None:
    signed = AgentKey(HOST, "claude", OTHER_ARGUMENTS, "Anthropic")
    v, w = AgentKey(HOST, "claude", "--v", "Anthropic"), AgentKey(HOST, "claude", "--w")
    registry = {signed: "s" * 32, v: "v" * 32, w: "w" * 32}
    events = [
        started(process("claude", f"c{word}", line=f"claude --{word}"), when=at(8, n), digest="AB" if n % 2 else None)
        for n, word in enumerate("abcdefg")
    ]
    for known in (registry, dict(reversed(registry.items()))):
        found = attribution(*events, known=Known({}, {(HOST, "ab"): "Anthropic"}, known), shapes=1)
        assert [(one.agent, one.shapes) for one in found.overflows] == [("s" * 32, 9)]
