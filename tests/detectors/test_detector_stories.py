"""For every type at least one day on which it speaks and one on which it is quiet."""

from dataclasses import dataclass, field

import pytest

from builders import (
    AGENT,
    CLAUDE,
    KEY,
    at,
    before,
    called,
    learnt,
    loaded,
    process,
    reached,
    reference_of,
    resolved,
    settled,
    started,
    summary_of,
    touched,
    view_of,
)
from leeway.agents import AgentKey
from leeway.baselines import Baseline, Reference
from leeway.config import Policy
from leeway.config.policy import Rule
from leeway.correlation import flow_and_module
from leeway.detectors import ALL, judge
from leeway.events import AnyEvent, Facet, Measure, Value
from leeway.findings import CORRELATIONS, Held, Severity, Signal

INFO, LOW, MEDIUM, HIGH = Severity.INFO, Severity.LOW, Severity.MEDIUM, Severity.HIGH

GIT = started(process("git", line="git status"), CLAUDE)
API = reached("api.anthropic.com", bytes_out=1_000)
USUAL = settled(
    GIT,
    API,
    reached("192.0.2.7", 5_432),
    loaded("/lib/libssl.so.3", digest="ab"),
    touched("/home/ana/src/a.py", user="ana"),
    touched("/srv/models/m.gguf", user="ana"),
    called("search"),
)
WIDE = settled(
    *(
        started(process("git", line=f"git {verb}"), CLAUDE)
        for verb in ("add", "rm", "mv", "log", "tag", "show", "gc", "am")
    ),
    *(reached(f"{name}.example.org") for name in ("a", "b", "c", "d")),
    *(reached(f"198.51.{n}.7") for n in (1, 2, 3, 4)),
    *(touched(f"/home/ana/src/{name}.py") for name in ("a", "b", "c", "d")),
    *(touched(f"/home/ana/src/{name}/{name}.py") for name in "abcdefghijklmnop"),
)
STALE = reference_of(learnt([(before(30 - n), [GIT, API] * 5) for n in range(8)]))
LEARNING = learnt([(before(1), [GIT])])
RULES = Policy((Rule(agent="claude", processes=("git",), modules=("libssl*", "AB")),))
KIN = settled(GIT, API, agent="b" * 32)


@dataclass(frozen=True)
class Story:
    type: str
    name: str
    today: tuple[AnyEvent, ...]
    said: dict[Value, Severity]
    own: Baseline | None = USUAL
    relatives: tuple[Baseline, ...] = ()
    policy: Policy = field(default=Policy())
    key: AgentKey = KEY


def new_hosts(count: int) -> tuple[AnyEvent, ...]:
    return tuple(reached(f"www.site{n}.example") for n in range(count))


NC = started(process("nc", line="nc -l 7"), CLAUDE)
MODEL = ("/srv/models/m.gguf",)
PARTLY_SEEN = AgentKey(KEY.machine, KEY.process)

STORIES = [
    Story("new_agent", "nobody knows it", (GIT,), {(): MEDIUM}, own=None),
    Story("new_agent", "a settled relative runs the program", (GIT,), {(): LOW}, own=None, relatives=(KIN,)),
    Story("new_agent", "its start was not seen", (GIT,), {(): LOW}, own=None, key=PARTLY_SEEN),
    Story("new_agent", "quiet: known", (GIT,), {}),
    Story("learning", "first days", (GIT,), {(): INFO}, own=LEARNING),
    Story("learning", "quiet: settled", (GIT,), {}),
    Story("learning", "quiet: unknown is new_agent's", (GIT,), {}, own=None),
    Story("new_user", "root", (started(process("git"), CLAUDE, user="root"),), {("root",): MEDIUM}),
    Story("new_user", "quiet: ana", (touched("/home/ana/src/a.py", user="ana"),), {}),
    Story("new_user", "quiet: nobody named", (GIT,), {}),
    Story("new_destination", "a domain", (reached("www.new.example"),), {("new.example",): MEDIUM}),
    Story("new_destination", "a resolved domain", (resolved("www.new.example"),), {("new.example",): MEDIUM}),
    Story(
        "new_destination",
        "a host of a known domain",
        (reached("cdn.anthropic.com"),),
        {("anthropic.com", "cdn.anthropic.com"): LOW},
    ),
    Story("new_destination", "quiet: one of many hosts", (reached("e.example.org"),), {}, own=WIDE),
    Story("new_destination", "a network", (reached("203.0.113.9", 443),), {("203.0.0.0/16", "203.0.113.0/24"): MEDIUM}),
    Story(
        "new_destination",
        "a network beside a known one",
        (reached("192.0.3.9", 5_432),),
        {("192.0.0.0/16", "192.0.3.0/24"): LOW},
    ),
    Story("new_destination", "quiet: one of many networks", (reached("198.51.9.7"),), {}, own=WIDE),
    Story(
        "new_destination", "loopback stays local", (reached("127.0.0.1", 443),), {("127.0.0.0/16", "127.0.0.0/24"): LOW}
    ),
    Story(
        "new_destination", "a port never used", (reached("api.anthropic.com", 22),), {("anthropic.com", "22"): MEDIUM}
    ),
    Story(
        "new_destination",
        "a port used elsewhere",
        (reached("api.anthropic.com", 5_432),),
        {("anthropic.com", "5432"): LOW},
    ),
    Story(
        "new_destination",
        "another port of an address",
        (reached("192.0.2.9", 22),),
        {("192.0.0.0/16", "192.0.2.0/24", "22"): MEDIUM},
    ),
    Story("new_destination", "a listening port", (reached("10.0.0.1", 8_080, outbound=False),), {("in", "8080"): LOW}),
    Story(
        "new_destination",
        "quiet: the address behind a name rotates",
        (reached("api.anthropic.com", address="203.0.113.9"),),
        {},
    ),
    Story("new_destination", "quiet: the same network", (reached("192.0.2.200", 5_432),), {}),
    Story(
        "new_destination",
        "one less while learning",
        (reached("www.new.example"),),
        {("new.example",): LOW},
        own=LEARNING,
    ),
    Story("new_destination", "quiet: a relative knows it", (API,), {}, own=LEARNING, relatives=(KIN,)),
    Story("new_destination", "quiet: nothing to judge against", (API,), {}, own=None),
    Story("new_path", "a tree", (touched("/home/ana/.ssh/id"),), {("/home/ana/.ssh",): MEDIUM}),
    Story("new_path", "a directory", (touched("/home/ana/src/x/b.py"),), {("/home/ana/src", "/home/ana/src/x"): LOW}),
    Story("new_path", "a file", (touched("/home/ana/src/b.py"),), {("/home/ana/src", "/home/ana/src", "b.py"): LOW}),
    Story("new_path", "quiet: a known file", (touched("/home/ana/src/a.py", "deleted"),), {}),
    Story(
        "new_path",
        "quiet: one of many files and directories",
        (touched("/home/ana/src/e.py"), touched("/home/ana/src/z/z.py")),
        {},
        own=WIDE,
    ),
    # 2^(log2(10001) + 4.5) = 226,297 for an hour: ten times 1,000 bytes on each of the days.
    Story("excess_transfer", "much in an hour", (reached("api.anthropic.com", bytes_out=226_299),), {(): MEDIUM}),
    Story(
        "excess_transfer",
        "a hundred times the limit",
        (reached("api.anthropic.com", bytes_out=22_629_900),),
        {(): HIGH},
    ),
    Story("excess_transfer", "quiet: at the limit", (reached("api.anthropic.com", bytes_out=226_296),), {}),
    Story(
        "excess_transfer",
        "spread over the day",
        tuple(reached("api.anthropic.com", when=at(hour), bytes_out=100_000) for hour in range(24)),
        {(): MEDIUM},
    ),
    Story("excess_transfer", "quiet: not counted", (reached("api.anthropic.com"),), {}),
    Story(
        "excess_transfer",
        "an agent that never sent",
        (reached("a.example", bytes_out=(1 << 20) + 1),),
        {(): MEDIUM},
        own=WIDE,
    ),
    Story(
        "excess_transfer",
        "quiet: little from one that never sent",
        (reached("a.example", bytes_out=1 << 20),),
        {},
        own=WIDE,
    ),
    Story(
        "excess_transfer", "quiet: nothing to judge against", (reached("a.example", bytes_out=1 << 40),), {}, own=None
    ),
    Story(
        "model_file_first_modified",
        "another model",
        (touched("/srv/models/n.gguf"),),
        {("/srv/models/n.gguf",): MEDIUM},
    ),
    Story("model_file_first_modified", "quiet: read", (touched("/srv/models/n.gguf", "read"),), {}),
    Story("model_file_first_modified", "quiet: known", (touched("/srv/models/m.gguf"),), {}),
    Story("model_file_first_modified", "quiet: no model", (touched("/srv/models/n.txt"),), {}),
    Story("model_file_new_user", "root", (touched("/srv/models/m.gguf", user="root"),), {(*MODEL, "root"): HIGH}),
    Story("model_file_new_user", "quiet: the same user", (touched("/srv/models/m.gguf", user="ana"),), {}),
    Story("model_file_new_user", "quiet: the file itself is new", (touched("/srv/models/n.gguf", user="root"),), {}),
    Story("model_file_unusual_arguments", "quiet: the same arguments", (touched("/srv/models/m.gguf"),), {}),
    Story("model_file_unusual_arguments", "quiet: the file itself is new", (touched("/srv/models/n.gguf"),), {}),
    Story("new_child", "a child", (NC,), {("nc",): MEDIUM}),
    Story(
        "new_child",
        "a known child in a new way",
        (started(process("git", line="git push"), CLAUDE),),
        {("git", "push"): LOW},
    ),
    Story("new_child", "quiet: other numbers", (started(process("git", line="git status"), CLAUDE),), {}),
    Story("new_child", "quiet: its arguments vary", (started(process("git", line="git push"), CLAUDE),), {}, own=WIDE),
    Story("new_child", "first spawn", (NC,), {("nc",): MEDIUM}, own=settled(API)),
    Story(
        "new_child",
        "seen once before",
        (NC,),
        {("nc",): LOW, ("nc", "-l #"): INFO},
        own=learnt([*((before(n), [GIT, API]) for n in range(30, 1, -1)), (before(1), [NC])]),
    ),
    Story("destination_fan_out", "six new places", new_hosts(6), {(): MEDIUM}),
    Story("destination_fan_out", "ten times the limit", new_hosts(50), {(): HIGH}),
    Story("destination_fan_out", "quiet: five", new_hosts(5), {}),
    Story("destination_fan_out", "quiet: many known ones", (API, reached("192.0.2.7", 5_432)), {}),
    Story("process_not_allowed", "nc", (NC, GIT), {("nc",): HIGH}, policy=RULES),
    Story("process_not_allowed", "even of an unknown agent", (NC,), {("nc",): HIGH}, policy=RULES, own=None),
    Story("process_not_allowed", "quiet: git", (GIT,), {}, policy=RULES),
    Story("process_not_allowed", "quiet: no rule", (NC,), {}),
    Story("module_not_approved", "x.so", (loaded("/tmp/x.so"),), {("x.so", ""): HIGH}, policy=RULES),  # noqa: S108  # a path
    Story("module_not_approved", "quiet: by name", (loaded("/lib/libssl.so.3"),), {}, policy=RULES),
    Story("module_not_approved", "quiet: by digest", (loaded("/x/y.so", digest="ab"),), {}, policy=RULES),
    Story("module_not_approved", "quiet: no rule", (loaded("/tmp/x.so"),), {}),  # noqa: S108  # a path
    Story("new_module", "x.so", (loaded("/x/x.so"),), {("x.so",): LOW}),
    Story("new_module", "quiet: another version", (loaded("/lib/libssl.so.4"),), {}),
    Story("new_module", "quiet: the own image", (loaded("/usr/local/bin/claude"),), {}),
    Story(
        "flow_and_module", "within an hour", (reached("x.example", when=at(10)), loaded("/x/x.so", at(11))), {(): HIGH}
    ),
    Story(
        "flow_and_module", "quiet: two hours apart", (reached("x.example", when=at(10)), loaded("/x/x.so", at(12))), {}
    ),
    Story("flow_and_module", "quiet: a known flow", (API, loaded("/x/x.so")), {}),
    Story("flow_and_module", "quiet: a known module", (reached("x.example"), loaded("/lib/libssl.so.3")), {}),
    Story(
        "flow_and_module",
        "one less while learning",
        (reached("x.example"), loaded("/x/x.so")),
        {(): MEDIUM},
        own=LEARNING,
    ),
]


def signals_of(story: Story, reference: Reference | None = None) -> list[Signal]:
    view = view_of(
        summary_of(story.today), reference or reference_of(story.own, *story.relatives), story.policy, story.key
    )
    signals = judge(ALL, view)
    pair = flow_and_module(signals, (), view)
    return [one for one in (*signals, pair) if one is not None and one.type == story.type]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.type}: {story.name}")
def test_stories(story: Story) -> None:
    assert {one.value: one.severity for one in signals_of(story)} == story.said


def test_model_files_under_other_arguments() -> None:
    events = [touched("/srv/models/m.gguf")]
    other = summary_of(events)
    (one,) = other.sightings[Facet.MODEL_FILE_ARGUMENTS].values()
    other.sightings[Facet.MODEL_FILE_ARGUMENTS] = {(MODEL[0], "claude --merge"): one}
    found = [
        one for one in judge(ALL, view_of(other, reference_of(USUAL))) if one.type == "model_file_unusual_arguments"
    ]
    assert [(one.value, one.severity) for one in found] == [((MODEL[0], "claude --merge"), MEDIUM)]
    assert found[0].evidence[0].seen == "claude --merge modifies /srv/models/m.gguf"


def test_every_type_has_a_firing_and_a_quiet_story() -> None:
    types = {detector.name for detector in ALL} | set(CORRELATIONS)
    assert {story.type for story in STORIES if story.said} | {"model_file_unusual_arguments"} == types
    assert {story.type for story in STORIES if not story.said} == types


def test_a_stale_agent_is_said_to_be_and_judged_one_less() -> None:
    assert STALE.state == "stale"
    said = judge(ALL, view_of(summary_of([NC]), STALE))
    assert {(one.type, one.value): one.severity for one in said} == {
        ("learning", ()): INFO,
        ("new_child", ("nc",)): LOW,
    }
    (state,) = (one for one in said if one.type == "learning")
    assert state.evidence[0].seen.startswith("stale: known for 30 days")


def test_an_agent_whose_start_was_not_seen_is_judged_one_less() -> None:
    said = judge(ALL, view_of(summary_of([NC]), reference_of(USUAL), key=PARTLY_SEEN))
    assert {one.value: one.severity for one in said} == {("nc",): LOW}


def test_the_mean_of_new_places_moves_the_limit_of_fan_out() -> None:
    # Eight days, seven after the first; three new places on each: the limit is max(5, 3 × 3) = 9.
    days = [(before(8 - n), [*(reached(f"www.old{n}{x}.example") for x in "abc"), *[API] * 9]) for n in range(8)]
    busy = learnt(days)
    story = Story("destination_fan_out", "", new_hosts(9), {}, own=busy)
    assert signals_of(story) == []
    (one,) = signals_of(Story("destination_fan_out", "", new_hosts(10), {}, own=busy))
    assert one.evidence[0].seen == "10"
    assert one.evidence[0].expected == "≤ 9; mean 3.00 a closed day"


def test_habit_softens_what_an_agent_does_more_often_than_not() -> None:
    # Every day another domain: of eight values all were seen on one day only, so the next is new with 9 / 10.
    own = learnt([(before(8 - n), [reached(f"www.old{n}.example"), *[GIT] * 9]) for n in range(8)])
    reference = reference_of(own)
    surprise = reference.surprise(Facet.REGISTRABLE_DOMAIN)
    assert (reference.state, surprise.p, surprise.n, surprise.calibrated) == ("settled", 0.9, 8, True)
    story = Story("new_destination", "", (reached("www.new.example"),), {}, own=own)
    assert {one.value: one.severity for one in signals_of(story)} == {("new.example",): LOW}


@pytest.mark.parametrize(
    ("story", "evidence"),
    [
        pytest.param(
            Story("new_child", "", (NC,), {}),
            ["child: nc (expected: one of 1 known)"],
            id="child",
        ),
        pytest.param(
            Story("new_child", "", (NC,), {}, own=settled(API)),
            ["child: nc (expected: no child: it never started one)"],
            id="first spawn",
        ),
        pytest.param(
            Story("new_destination", "", (reached("cdn.anthropic.com"),), {}),
            ["host: cdn.anthropic.com (expected: one of 1 known in anthropic.com)"],
            id="host",
        ),
        pytest.param(
            Story(
                "excess_transfer",
                "",
                (reached("a.example", bytes_out=1 << 30),),
                {},
                own=settled(reached("a.example", bytes_out=1_023)),
            ),
            [
                "bytes sent from 10:00 UTC: 1,073,741,824 (expected: ≤ 231,501; median 10,230 of 7 hours)",
                "bytes sent in the day: 1,073,741,824 (expected: ≤ 231,501; median 10,230 of 7 days)",
            ],
            id="transfer",
        ),
    ],
)
def test_evidence_is_the_explanation(story: Story, evidence: list[str]) -> None:
    (one, *_) = signals_of(story)
    assert [str(fact) for fact in one.evidence] == evidence


def test_what_a_finding_holds_back_from_learning_is_named() -> None:
    events = (NC, reached("x.example", bytes_out=1 << 40), loaded("/x/x.so"))
    view = view_of(summary_of(events), reference_of(USUAL), RULES)
    signals = judge(ALL, view)
    pair = flow_and_module(signals, (), view)
    held = {one.type: one.held for one in signals if one.type != "new_child"}
    assert held["excess_transfer"] == (Held(Measure.BYTES_OUT, ()),)
    assert held["process_not_allowed"] == (Held(Facet.CHILD, ("nc",)),)
    assert pair is not None
    assert set(pair.held) == {Held(Facet.REGISTRABLE_DOMAIN, ("x.example",)), Held(Facet.MODULE, ("x.so",))}
    assert pair.agent == AGENT
