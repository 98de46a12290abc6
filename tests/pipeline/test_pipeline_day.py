"""The whole way of one day: provisional and final, trusted parts, promotion, links, aliases, caps."""

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import (
    BASH,
    CLAUDE,
    DAY,
    HOST,
    IDS,
    at,
    before,
    called,
    closed,
    days_of,
    loaded,
    process,
    reached,
    redated,
    started,
    terms,
    week,
)
from leeway.agents import AgentKey
from leeway.baselines import encode_baseline
from leeway.config import Caps, Policy, Settings
from leeway.config.policy import Rule
from leeway.events import AnyEvent, Facet, Process
from leeway.findings import Finding, Held, Judgement, Severity, Verdict, evidence_digest
from leeway.pipeline import Outcome, World
from leeway.pipeline.world import remembered

API = [reached("api.anthropic.com", when=at(9, n), bytes_out=1_000) for n in range(10)]
GIT = process("git", "g1", line="git status")
USUAL = [started(CLAUDE, BASH, at(8), user="ana"), *API, started(GIT, CLAUDE, at(10), user="ana")]
WORLD = week(USUAL)
RUN = Process(image=CLAUDE.image, uid="c2", command_line="claude --resume")
TODAY = [started(RUN, BASH, at(8), user="ana")]


def said(outcome: Outcome) -> dict[tuple[str, tuple[str, ...]], Severity]:
    return {(one.type, one.value): one.severity for one in outcome.findings}


def judged(*events: AnyEvent, world: World = WORLD, **more: object) -> Outcome:
    return closed(world, DAY, [*TODAY, *events], **more)  # type: ignore[arg-type]  # of `closed`


NC = started(process("nc", "n1", line="nc -l 1"), RUN, at(12), user="ana")
EXFIL = reached("x.example", when=at(12), who=RUN)
LIBRARY = loaded("/tmp/x.so", at(12), RUN)  # noqa: S108  # a path on another machine


def test_a_usual_day_is_quiet() -> None:
    assert judged(*redated(API, DAY)).findings == ()


def test_a_drift_is_found_with_evidence_and_who_acted() -> None:
    outcome = judged(NC)
    assert said(outcome) == {("new_child", ("nc",)): Severity.MEDIUM}
    (one,) = outcome.findings
    assert (one.agent_name, one.process, one.parent, one.user) == ("claude --resume @ h1", "nc", "claude", "ana")
    assert one.lineage == ("bash", "claude", "nc")
    assert one.event_ids == (NC.id,)
    assert (one.day, one.first, one.last, one.state) == (DAY, at(12), at(12), "settled")
    assert "nc" in one.reason


def test_a_day_leaves_world_and_events_as_they_were() -> None:
    world = deepcopy(WORLD)
    events = [*TODAY, NC, EXFIL, LIBRARY]
    copies = deepcopy(events)
    closed(WORLD, DAY, events, redated(API, DAY))
    assert events == copies
    assert world == WORLD


# Equality


def finals(outcome: Outcome) -> set[tuple[str, Severity, str]]:
    """Return what equality means: (finding id, severity, evidence digest)."""
    return {(one.finding_id, one.severity, evidence_digest(one)) for one in outcome.findings}


@settings(max_examples=25)
@given(events=days_of(), seed=st.integers(0, 1 << 30))
def test_the_order_of_arrival_does_not_matter(events: list[AnyEvent], seed: int) -> None:
    shuffled = [*TODAY, *events]
    Random(seed).shuffle(shuffled)  # noqa: S311  # an order, no secret
    one, other = judged(*events), closed(WORLD, DAY, shuffled)
    assert one.findings == other.findings
    assert finals(one) == finals(other)
    assert {key: encode_baseline(value) for key, value in one.baselines.items()} == {
        key: encode_baseline(value) for key, value in other.baselines.items()
    }


@settings(max_examples=40)
@given(events=days_of(), seen=st.integers(0, 25))
def test_what_is_shown_of_an_open_day_is_never_withdrawn(events: list[AnyEvent], seen: int) -> None:
    open_day = judged(*events[:seen], is_final=False)
    final = {one.finding_id: one.severity for one in judged(*events).findings}
    assert all(final[one.finding_id] >= one.severity for one in open_day.findings)


def test_an_open_day_teaches_nothing() -> None:
    outcome = judged(NC, is_final=False)
    assert [one.is_final for one in outcome.findings] == [False]
    assert outcome.world is WORLD
    assert (outcome.baselines, outcome.instances, outcome.signers, outcome.registry) == ({}, (), {}, {})


def test_what_a_child_loaded_that_may_yet_be_an_agent_is_judged_at_close_only() -> None:
    bot = process("python3", "p1", line="python3 bot.py")
    acts = [started(bot, RUN, at(11), user="ana"), loaded("/tmp/x.so", at(11, 1), bot)]  # noqa: S108  # elsewhere
    evidence = [loaded("/opt/_tiktoken.abi3.so", at(11, 2), bot), reached("api.openai.com", when=at(11, 3), who=bot)]
    module = ("new_module", ("x.so",))
    assert module not in said(judged(*acts, is_final=False))
    assert module in said(judged(*acts))
    assert module not in said(judged(*acts, *evidence))
    assert module in said(judged(LIBRARY, is_final=False))


@pytest.mark.parametrize(
    ("digest", "signers", "shown"),
    [
        pytest.param(None, {(HOST, "ab"): "Anthropic"}, False, id="it may yet be signed"),
        pytest.param("AB", {(HOST, "ab"): "Anthropic"}, True, id="known by its digest"),
        pytest.param(None, {("elsewhere", "ab"): "Anthropic"}, True, id="no signer known on this host"),
    ],
)
def test_an_agent_whose_signer_may_yet_be_learnt_is_judged_at_close_only(
    digest: str | None, signers: dict[tuple[str, str], str], *, shown: bool
) -> None:
    world = replace(WORLD, signers=signers)
    start = started(process("codex", "x1", line="codex exec"), BASH, at(9), user="ana", digest=digest)
    kinds = {kind for kind, _ in said(closed(world, DAY, [start], is_final=False))}
    assert ("new_agent" in kinds) is shown
    assert "new_agent" in {kind for kind, _ in said(closed(world, DAY, [start]))}


def test_an_agent_whose_start_was_not_seen_is_judged_at_close_only() -> None:
    unseen = reached("api.openai.com", when=at(9), who=Process(image="/usr/bin/codex", uid="x1"))
    assert closed(WORLD, DAY, [unseen], is_final=False).findings == ()
    (one,) = closed(WORLD, DAY, [unseen]).findings
    assert (one.type, one.severity, one.agent_name) == ("new_agent", Severity.LOW, "codex (start not seen) @ h1")


# A trusted part


def test_the_rest_of_a_trusted_day_is_judged_against_what_includes_it() -> None:
    trusted = [*TODAY, reached("known.example", when=at(9), who=RUN)]
    rest = [reached("known.example", when=at(20), who=RUN), reached("x.example", when=at(21), who=RUN)]
    outcome = closed(WORLD, DAY, rest, trusted)
    found = said(outcome)
    assert found["new_destination", ("x.example",)] is Severity.MEDIUM
    assert found["new_destination", ("known.example",)] is Severity.LOW, "seen before, not established"
    (agent,) = {one.agent for one in outcome.findings}
    baseline, earlier = outcome.baselines[agent], WORLD.baselines[agent]
    assert baseline.active_days == earlier.active_days + 1 == 9
    assert baseline.events == earlier.events + 4
    assert baseline.entries[Facet.REGISTRABLE_DOMAIN][("known.example",)].days.bit_count() == 1
    assert [one.mode for one in baseline.provenance] == ["trusted", "judged"]
    assert outcome.summaries[agent].events == 4


def test_a_day_that_is_all_trusted_is_not_judged() -> None:
    outcome = closed(WORLD, DAY, (), [*TODAY, NC, EXFIL])
    assert outcome.findings == ()
    assert len(outcome.baselines) == 1


def test_an_agent_seen_in_the_trusted_part_only_is_not_new() -> None:
    codex = process("codex", "x1", line="codex exec")
    first, second = started(codex, BASH, at(9)), reached("a.example", when=at(15), who=codex)
    assert ("new_agent", ()) not in said(closed(WORLD, DAY, [second], [first]))
    assert ("new_agent", ()) in said(closed(WORLD, DAY, [first, second]))


# Learning at close


def next_day(outcome: Outcome, *events: AnyEvent, days: int = 1, **more: object) -> Outcome:
    day = DAY + timedelta(days=days)
    return closed(outcome.world, day, redated([*TODAY, *events], day), **more)  # type: ignore[arg-type]  # of `closed`


def test_a_remarked_value_is_remarked_again_and_its_case_keeps_its_id() -> None:
    first = judged(NC)
    second = next_day(first, NC)
    assert said(first) == said(second)
    assert first.findings[0].case_id == second.findings[0].case_id
    assert first.findings[0].finding_id != second.findings[0].finding_id


def verdict(judgement: Judgement, one: Finding, **more: object) -> Verdict:
    fields = {"reason": "known", "by": "ana", "at": at(12), "effective": DAY, "held": one.held}
    return Verdict(
        case_id=one.case_id,
        agent=one.agent,
        type=one.type,
        value=one.value,
        judgement=judgement,
        **{**fields, **more},  # type: ignore[arg-type]  # fields
    )


def test_a_benign_verdict_enters_at_the_next_close() -> None:
    first = judged(NC)
    benign = terms(verdicts=(verdict(Judgement.BENIGN, first.findings[0], effective=DAY + timedelta(days=1)),))
    second = next_day(first, NC, under=benign)
    assert said(second) == {("new_child", ("nc",)): Severity.MEDIUM}, "the day itself still says it"
    third = next_day(second, NC, days=2, under=benign)
    assert said(third) == {("new_child", ("nc",)): Severity.LOW, ("new_child", ("nc", "-l #")): Severity.INFO}


def test_a_malicious_verdict_is_never_learnt_even_when_trusted() -> None:
    first = judged(NC)
    (one,) = first.findings
    bad = terms(verdicts=(verdict(Judgement.MALICIOUS, one),))
    day = DAY + timedelta(days=1)
    trusted = closed(first.world, day, (), redated([*TODAY, NC], day), bad)
    assert ("nc",) not in trusted.baselines[one.agent].values(Facet.CHILD)


def test_a_verdict_with_an_end_teaches_nothing() -> None:
    first = judged(NC)
    (one,) = first.findings
    until = terms(verdicts=(verdict(Judgement.BENIGN, one, until=DAY + timedelta(days=9)),))
    second = next_day(first, NC, under=until)
    assert ("nc",) not in second.baselines[one.agent].values(Facet.CHILD)


@pytest.mark.parametrize(
    ("given_verdicts", "accepted", "never"),
    [
        pytest.param((), 0, 0, id="none"),
        pytest.param((Judgement.BENIGN,), 1, 0, id="benign"),
        pytest.param((Judgement.MALICIOUS,), 0, 1, id="malicious"),
    ],
)
def test_verdicts_are_spoken_of_their_agent_from_their_day_on(
    given_verdicts: tuple[Judgement, ...], accepted: int, never: int
) -> None:
    (one,) = judged(NC).findings
    whole = terms(verdicts=tuple(verdict(judgement, one) for judgement in given_verdicts))
    assert tuple(map(len, whole.spoken(one.agent, DAY))) == (accepted, never)
    assert whole.spoken(one.agent, before(1)) == (frozenset(), frozenset())
    assert whole.spoken("another", DAY) == (frozenset(), frozenset())


# Correlation over midnight


def test_a_flow_before_midnight_meets_a_module_after_it() -> None:
    flow = reached("x.example", when=at(23, 30), who=RUN)
    module = loaded("/x/x.so", at(0, 10), RUN)
    first = judged(flow)
    second = next_day(first, module)
    assert said(second)["flow_and_module", ()] is Severity.HIGH
    one = next(one for one in second.findings if one.type == "flow_and_module")
    assert one.evidence[0].seen == "x.example (yesterday)"
    assert ("flow_and_module", ()) not in said(judged(module, loaded("/x/x.so", at(0, 10), RUN)))


def test_a_day_without_events_lies_between() -> None:
    first = judged(reached("x.example", when=at(23, 30), who=RUN))
    later = next_day(first, loaded("/x/x.so", at(0, 10), RUN), days=2)
    assert ("flow_and_module", ()) not in said(later)


def test_a_correlation_holds_back_its_members() -> None:
    outcome = judged(EXFIL, LIBRARY)
    one = next(one for one in outcome.findings if one.type == "flow_and_module")
    assert set(one.members) == {two.finding_id for two in outcome.findings} - {one.finding_id}
    pending = outcome.baselines[one.agent].pending
    assert pending[Facet.MODULE][("x.so",)].severity is Severity.HIGH
    assert pending[Facet.REGISTRABLE_DOMAIN][("x.example",)].severity is Severity.HIGH


# Lineage


def test_what_a_child_agent_did_is_shown_once() -> None:
    codex = process("codex", "x1", line="codex exec")
    both = week(
        [
            *USUAL,
            started(codex, CLAUDE, at(11)),
            *(reached("api.openai.com", when=at(12, n), who=codex) for n in range(10)),
        ]
    )
    inner = process("codex", "x2", line="codex exec")
    outcome = closed(both, DAY, [*TODAY, started(inner, RUN, at(9)), reached("x.example", when=at(13), who=inner)])
    found = {one.agent_name: one for one in outcome.findings if one.value == ("x.example",)}
    assert sorted(found) == ["claude --resume @ h1", "codex exec @ h1"]
    assert found["codex exec @ h1"].linked_to == ""
    assert found["claude --resume @ h1"].linked_to == found["codex exec @ h1"].finding_id


def test_a_declared_agent_is_judged_like_any_other() -> None:
    calls = [called("search", at(9, n)) for n in range(10)]
    world = week(calls)
    (agent,) = world.baselines
    assert closed(world, DAY, redated(calls, DAY)).findings == ()
    assert world.baselines[agent].key == AgentKey(declared="helpdesk")
    (one,) = closed(world, DAY, [called("search", at(9), user="root")]).findings
    assert (one.type, one.value, one.agent_name) == ("new_user", ("root",), "helpdesk")


# Names


def test_a_signer_that_becomes_known_keeps_id_cases_and_baseline() -> None:
    def signed(day_events: list[AnyEvent]) -> list[AnyEvent]:
        return [*day_events, loaded(CLAUDE.image, at(20), CLAUDE, digest="AB", signer="Anthropic")]

    start = started(CLAUDE, BASH, at(8), digest="AB")
    day_one, day_two = before(1), DAY
    one = closed(World(), day_one, (), redated(signed([start, *API]), day_one))
    two = closed(one.world, day_two, redated(signed([start, *API]), day_two))
    assert [key.signer for key in one.registry] == [None]
    assert sorted(key.signer or "" for key in two.world.registry) == ["", "Anthropic"]
    assert len(set(two.world.registry.values())) == 1
    (agent,) = two.world.baselines
    assert two.world.baselines[agent].active_days == 2
    assert two.world.baselines[agent].key.signer == "Anthropic"
    assert "new_agent" not in {finding.type for finding in two.findings}


def test_the_same_terms_give_the_same_ids_and_another_key_gives_others() -> None:
    codex = [started(process("codex", "x1", line="codex exec"), BASH, at(9))]
    one, again = (closed(WORLD, DAY, codex).findings for _ in range(2))
    assert one == again
    other = closed(WORLD, DAY, codex, under=terms(ids=type(IDS)(b"another"))).findings
    assert {finding.finding_id for finding in one}.isdisjoint(finding.finding_id for finding in other)


# Caps


def capped(**caps: int) -> Settings:
    return Settings(caps=Caps(**caps))


def test_a_capped_facet_is_one_finding_and_teaches_nothing() -> None:
    hosts = [reached(f"www.s{n}.example", when=at(10), who=RUN) for n in range(20)]
    outcome = judged(*hosts, under=terms(settings=capped(values_per_facet=8)))
    found = said(outcome)
    assert found["cardinality_exceeded", ("registrable_domain",)] is Severity.MEDIUM
    assert not any(kind == "new_destination" and len(value) == 1 for kind, value in found)
    (agent,) = {one.agent for one in outcome.findings}
    assert list(outcome.baselines[agent].values(Facet.REGISTRABLE_DOMAIN)) == [("anthropic.com",)]


def test_too_many_shapes_are_a_finding_of_the_agent_that_shares_them() -> None:
    runs = [
        started(process("codex", f"x{name}", line=f"codex --{name}"), BASH, at(9, n)) for n, name in enumerate("abcdef")
    ]
    outcome = closed(WORLD, DAY, runs, under=terms(settings=capped(shapes=3)))
    (one,) = (one for one in outcome.findings if one.type == "cardinality_exceeded")
    assert (one.value, one.agent_name) == (("argument shapes",), "codex (other arguments) @ h1")
    assert one.evidence[0].seen == "6 argument shapes of one program"


def test_a_baseline_that_let_values_go_says_so_on_every_later_day() -> None:
    small = terms(settings=capped(baseline_values=5))
    world = week(USUAL, under=small)
    outcome = closed(world, DAY, TODAY, under=small)
    (agent,) = world.baselines
    assert world.baselines[agent].evicted > 0
    assert said(outcome)["cardinality_exceeded", ("baseline values",)] is Severity.MEDIUM


# Policy and scope


def test_a_policy_is_judged_whatever_the_state() -> None:
    rules = terms(policy=Policy((Rule(agent="claude", processes=("git",)),)))
    assert said(judged(NC, under=rules))["process_not_allowed", ("nc",)] is Severity.HIGH
    assert said(closed(World(), DAY, [*TODAY, NC], under=rules))["process_not_allowed", ("nc",)] is Severity.HIGH


def test_nobody_is_judged_outside_the_scope() -> None:
    events = [started(BASH, when=at(8)), reached("a.example", who=BASH)]
    assert closed(WORLD, DAY, events).summaries == {}


# Memory


@pytest.mark.parametrize(
    ("ended", "last", "kept"),
    [
        pytest.param(None, 0, True, id="alive today"),
        pytest.param(None, 30, True, id="silent for 30 days"),
        pytest.param(None, 31, False, id="silent for 31 days"),
        pytest.param(2, 2, True, id="ended two days ago"),
        pytest.param(3, 0, False, id="ended three days ago"),
    ],
)
def test_processes_are_remembered_while_a_late_event_may_name_them(ended: int | None, last: int, kept: bool) -> None:  # noqa: FBT001  # a column
    (one,) = closed(World(), DAY, [started(CLAUDE)]).instances
    old = msgspec.structs.replace(
        one,
        ended=None if ended is None else at(9) - timedelta(days=ended),
        last_day=DAY.toordinal() - last,
    )
    assert bool(remembered([old], DAY.toordinal())) is kept


def test_a_process_started_days_ago_is_known_today() -> None:
    event = reached("x.example", when=at(12), who=Process(image=CLAUDE.image, uid="c1"))
    outcome = closed(WORLD, DAY, [event])
    (found,) = (one for one in outcome.findings if one.type != "telemetry_gap")
    assert found.agent_name == "claude --resume @ h1"
    assert outcome.names[found.agent].machine == HOST
    assert Held(Facet.REGISTRABLE_DOMAIN, ("x.example",)) in found.held
